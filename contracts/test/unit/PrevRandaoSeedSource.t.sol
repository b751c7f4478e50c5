// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {HistorySeedSource} from "../../src/HistorySeedSource.sol";
import {ISeedSource} from "../../src/interfaces/ISeedSource.sol";
import {History} from "../support/History.sol";

contract HistorySeedSourceTest is History {
    uint256 private constant START = 20_000;
    bytes32 private constant HASH = keccak256("hash of the start block");

    HistorySeedSource private source;

    function setUp() public {
        source = new HistorySeedSource();
        vm.roll(START);
    }

    function test_blockHash__last_256__is_blockhash() public {
        vm.roll(START + 256);
        assertEq(source.blockHash(START), blockhash(START));
        assertEq(source.blockHash(START + 255), blockhash(START + 255));
    }

    function test_blockHash__current_or_future__reverts() public {
        deployHistory();
        expectUnavailable(START);
        expectUnavailable(START + 1);
        expectUnavailable(type(uint256).max);
    }

    function test_blockHash__older_than_256_with_history__is_history() public {
        deployHistory();
        recordHash(START, HASH, START + 257);
        assertEq(source.blockHash(START), HASH);
    }

    function test_blockHash__window_edge__last_block_is_8191_back() public {
        deployHistory();
        recordHash(START, HASH, START + 8_191);
        assertEq(source.blockHash(START), HASH);
        vm.roll(START + 8_192);
        expectUnavailable(START);
    }

    function test_blockHash__older_than_256_without_history__reverts() public {
        vm.roll(START + 257);
        expectUnavailable(START);
    }

    function testFuzz_blockHash__any_number__never_zero(uint256 number, uint16 age) public {
        deployHistory();
        vm.roll(START + age);
        try source.blockHash(number) returns (bytes32 hash) {
            assertTrue(hash != 0, "a hash is never zero");
        } catch (bytes memory reason) {
            assertEq(reason, abi.encodeWithSelector(ISeedSource.BlockHashUnavailable.selector, number));
        }
    }

    function expectUnavailable(uint256 number) private {
        vm.expectRevert(abi.encodeWithSelector(ISeedSource.BlockHashUnavailable.selector, number));
        source.blockHash(number);
    }
}
