// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {BlockHeader} from "@openzeppelin/contracts/utils/BlockHeader.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

import {PrevRandaoSeedSource} from "../../src/PrevRandaoSeedSource.sol";
import {ISeedSource} from "../../src/interfaces/ISeedSource.sol";
import {Headers} from "../support/Headers.sol";
import {History} from "../support/History.sol";

contract PrevRandaoSeedSourceTest is Headers, History {
    uint256 private constant NUMBER = 20_000;

    /// Block 1 of an anvil with `--hardfork prague`, with one transfer in it: 21 fields, hash and mixHash as it said.
    bytes private constant REAL_HEADER = hex"f90261a0be221cd38fb8b449e82e7953d31080ee980798840e96ef2e0011598ae7eeebcfa01dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347940000000000000000000000000000000000000000a0ffe898102229d0d1e6"
        hex"8874d8f300ba327294324c89daa2376824d0b56be196fda06dd9a37bc24f352bcab791cc4ff2ed174a0ab4ea0d24910a1c27eb24435f9d4fa0f78dfb743fbd92ade140711c8bbc542b5e307f0ab7984eff35d751969fe57efab901000000000000000000"
        hex"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        hex"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        hex"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000080018401c9c380825208846b07859380a0c1c2590e2e861998f82654e6f7eab7e148424da46b0ef6ed2f63cc586a502760880000"
        hex"000000000000843b9aca00a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b4218080a00000000000000000000000000000000000000000000000000000000000000000a0e3b0c44298fc1c149afbf4c8996fb92427ae41e4"
        hex"649b934ca495991b7852b855";
    bytes32 private constant REAL_HASH = 0xdac4c3f083ec648b31508ad995fb590a958c6fd090eba64f73b76642ce20d06b;
    bytes32 private constant REAL_MIX_HASH = 0xc1c2590e2e861998f82654e6f7eab7e148424da46b0ef6ed2f63cc586a502760;

    PrevRandaoSeedSource private source;

    function setUp() public {
        source = new PrevRandaoSeedSource();
        vm.roll(NUMBER + 1);
        makeHeader(NUMBER);
    }

    function test_name__any__prevrandao() public view {
        assertEq(source.name(), "prevrandao");
    }

    // ---- the right header

    function test_randomnessOf__header_of_a_node__is_its_mix_hash() public {
        vm.setBlockhash(NUMBER, REAL_HASH);
        assertEq(source.randomnessOf(NUMBER, REAL_HEADER), REAL_MIX_HASH);
    }

    function test_randomnessOf__right_header__is_field_13() public view {
        assertEq(source.randomnessOf(NUMBER, headerOf(NUMBER)), randaoOf(NUMBER));
    }

    function test_randomnessOf__more_fields_than_today__is_field_13() public {
        // A later hard fork appends fields.
        bytes memory header = headerOfFields(25);
        vm.setBlockhash(NUMBER, keccak256(header));
        assertEq(source.randomnessOf(NUMBER, header), fieldOf(13));
    }

    function test_randomnessOf__14_fields__is_the_last() public {
        bytes memory header = headerOfFields(14);
        vm.setBlockhash(NUMBER, keccak256(header));
        assertEq(source.randomnessOf(NUMBER, header), fieldOf(13));
    }

    // ---- a wrong header

    function test_randomnessOf__any_byte_changed__reverts() public {
        vm.setBlockhash(NUMBER, REAL_HASH);
        for (uint256 i = 0; i < REAL_HEADER.length; i += 13) {
            bytes memory header = REAL_HEADER;
            header[i] ^= 0x01;
            expectWrongHeader(header, REAL_HASH);
        }
    }

    function test_randomnessOf__cut_or_longer__reverts() public {
        bytes32 expected = keccak256(headerOf(NUMBER));
        expectWrongHeader(bytes.concat(headerOf(NUMBER), hex"00"), expected);
        expectWrongHeader("", expected);
    }

    function test_randomnessOf__header_of_another_block__reverts() public {
        vm.roll(NUMBER + 2);
        makeHeader(NUMBER + 1);
        expectWrongHeader(headerOf(NUMBER + 1), keccak256(headerOf(NUMBER)));
    }

    function test_randomnessOf__zero_randomness__reverts() public {
        bytes memory header = headerWith(NUMBER, 0);
        vm.setBlockhash(NUMBER, keccak256(header));
        vm.expectRevert(abi.encodeWithSelector(ISeedSource.NoRandomness.selector, NUMBER));
        source.randomnessOf(NUMBER, header);
    }

    function test_randomnessOf__13_fields__reverts() public {
        bytes memory header = headerOfFields(13);
        vm.setBlockhash(NUMBER, keccak256(header));
        vm.expectRevert(
            abi.encodeWithSelector(
                BlockHeader.FieldNotPresentInBlockHeader.selector, BlockHeader.HeaderField.PrevRandao
            )
        );
        source.randomnessOf(NUMBER, header);
    }

    function test_randomnessOf__no_rlp_list__reverts() public {
        bytes memory header = "no header at all";
        vm.setBlockhash(NUMBER, keccak256(header));
        vm.expectRevert(RLP.RLPInvalidEncoding.selector);
        source.randomnessOf(NUMBER, header);
    }

    // ---- the window

    function test_randomnessOf__current_or_future_block__reverts() public {
        deployHistory();
        expectUnavailable(NUMBER + 1);
        expectUnavailable(NUMBER + 2);
        expectUnavailable(type(uint256).max);
    }

    function test_randomnessOf__256_blocks_back_without_history__works() public {
        vm.roll(NUMBER + 256);
        makeHeader(NUMBER);
        assertEq(source.randomnessOf(NUMBER, headerOf(NUMBER)), randaoOf(NUMBER));
    }

    function test_randomnessOf__257_blocks_back_without_history__reverts() public {
        vm.roll(NUMBER + 257);
        expectUnavailable(NUMBER);
    }

    function test_randomnessOf__257_blocks_back_with_history__works() public {
        deployHistory();
        recordHash(NUMBER, keccak256(headerOf(NUMBER)), NUMBER + 257);
        assertEq(source.randomnessOf(NUMBER, headerOf(NUMBER)), randaoOf(NUMBER));
    }

    function test_randomnessOf__wrong_header_with_history__reverts() public {
        deployHistory();
        recordHash(NUMBER, keccak256(headerOf(NUMBER)), NUMBER + 257);
        expectWrongHeader(headerWith(NUMBER, keccak256("my own randomness")), keccak256(headerOf(NUMBER)));
    }

    function test_randomnessOf__window_edge__last_block_is_8191_back() public {
        deployHistory();
        recordHash(NUMBER, keccak256(headerOf(NUMBER)), NUMBER + 8_191);
        assertEq(source.randomnessOf(NUMBER, headerOf(NUMBER)), randaoOf(NUMBER));
        vm.roll(NUMBER + 8_192);
        expectUnavailable(NUMBER);
    }

    // ---- steps

    function headerOfFields(uint256 count) private pure returns (bytes memory header) {
        // forge-lint: disable-next-line(unsafe-typecast) At most 25 × 33 bytes.
        header = abi.encodePacked(hex"f9", uint16(count * 33));
        for (uint256 field = 0; field < count; ++field) {
            header = bytes.concat(header, hex"a0", fieldOf(field));
        }
    }

    function fieldOf(uint256 field) private pure returns (bytes32) {
        return keccak256(abi.encode("field", field));
    }

    function expectWrongHeader(bytes memory header, bytes32 expected) private {
        vm.expectRevert(abi.encodeWithSelector(ISeedSource.WrongHeader.selector, NUMBER, expected, keccak256(header)));
        source.randomnessOf(NUMBER, header);
    }

    function expectUnavailable(uint256 number) private {
        vm.expectRevert(abi.encodeWithSelector(ISeedSource.BlockHashUnavailable.selector, number));
        source.randomnessOf(number, headerOf(number));
    }
}
