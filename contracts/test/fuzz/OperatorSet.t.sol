// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {ISignatureVerifier} from "../../src/interfaces/ISignatureVerifier.sol";
import {BLS12381} from "../../src/libraries/BLS12381.sol";
import {OperatorSet} from "../../src/libraries/OperatorSet.sol";
import {BlsSigner} from "../support/BlsSigner.sol";
import {Test} from "../support/Test.sol";

/// @dev Sets have empty slots. If bit s of `occupied` is set, slot s holds an operator with stake 1 + 10 × s and secret
///      s + 1. A set takes about 60 multiplications on the curve, so runs are few.
contract OperatorSetTest is Test {
    /// forge-config: default.fuzz.runs = 32
    function testFuzz_store__any_set__reads_back(uint128 occupied) public {
        bytes memory blob = setOf(occupied);
        address pointer = OperatorSet.store(blob);
        assertEq(OperatorSet.load(pointer), blob);
        assertEq(pointer.code.length, 16_385);
        assertEq(uint256(uint8(pointer.code[0])), 0);
        for (uint8 slot = 0; slot < 128; ++slot) {
            (address operator, uint96 stake) = OperatorSet.entryIn(pointer, slot);
            bool isOccupied = isSet(occupied, slot);
            assertEq(operator, isOccupied ? operatorAt(slot) : address(0));
            assertEq(stake, isOccupied ? stakeAt(slot) : 0);
        }
    }

    function test_put__one_slot__layout_of_the_specification() public view {
        bytes memory blob = setOf(1 << 5);
        bytes memory key = BlsSigner.publicKey(6);
        for (uint256 i = 0; i < 48; ++i) {
            uint256 start = 1 + 5 * 128 + 32;
            assertEq(uint256(uint8(blob[start + i])), uint256(uint8(key[16 + i])));
            assertEq(uint256(uint8(blob[start + 48 + i])), uint256(uint8(key[80 + i])));
        }
        bytes memory head = abi.encodePacked(operatorAt(5), stakeAt(5));
        for (uint256 i = 0; i < 32; ++i) {
            assertEq(uint256(uint8(blob[1 + 5 * 128 + i])), uint256(uint8(head[i])));
        }
    }

    function test_put__neighbours__untouched() public pure {
        bytes memory blob = OperatorSet.empty();
        bytes32[3] memory key = [bytes32(type(uint256).max), bytes32(type(uint256).max), bytes32(type(uint256).max)];
        OperatorSet.put(blob, 127, OperatorSet.Entry(address(type(uint160).max), type(uint96).max, key));
        for (uint256 i = 0; i < 16_385; ++i) {
            assertEq(uint256(uint8(blob[i])), i < 1 + 127 * 128 ? 0 : 0xff);
        }
    }

    function test_store__code_refused__reverts() public {
        vm.expectRevert(OperatorSet.SealFailed.selector);
        this.store(hex"ef00"); // the chain refuses code that starts with 0xef (EIP-3541)
    }

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_aggregate__any_signers__sum_of_keys_and_stakes(uint128 occupied, uint128 signers) public view {
        signers &= occupied;
        vm.assume(signers != 0);
        (bytes memory key, uint96 stake) = OperatorSet.aggregate(setOf(occupied), signers);
        (bytes memory plainKey, uint96 plainStake) = plainSum(signers);
        assertEq(key, plainKey);
        assertEq(stake, plainStake);
    }

    function test_aggregate__all_128__sums() public view {
        (bytes memory key, uint96 stake) = OperatorSet.aggregate(setOf(type(uint128).max), type(uint128).max);
        assertEq(key, BlsSigner.publicKey(128 * 129 / 2)); // secrets 1 … 128
        assertEq(stake, 128 + 10 * 127 * 128 / 2);
    }

    function test_aggregate__nobody__identity_without_stake() public view {
        (bytes memory key, uint96 stake) = OperatorSet.aggregate(setOf(1), 0);
        assertEq(key, new bytes(128));
        assertEq(stake, 0);
    }

    function test_aggregate__opposite_keys__identity() public view {
        bytes memory blob = OperatorSet.empty();
        putKey(blob, 0, BlsSigner.publicKey(5));
        putKey(blob, 1, BlsSigner.publicKey(BlsSigner.ORDER - 5));
        (bytes memory key,) = OperatorSet.aggregate(blob, 3);
        assertEq(key, new bytes(128)); // verification refuses this key
    }

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_aggregate__bit_on_empty_slot__reverts(uint8 slot) public {
        slot = uint8(bound(slot, 0, 127));
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.EmptySlotSigned.selector, slot));
        this.aggregate(~(uint128(1) << slot), type(uint128).max);
    }

    function test_aggregate__precompile_absent__reverts() public {
        vm.mockCall(address(0x0b), "", "");
        vm.expectRevert(abi.encodeWithSelector(ISignatureVerifier.PrecompileFailed.selector, address(0x0b)));
        this.aggregate(1, 1);
    }

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_occupiedAt__any_set__counts_in_slot_order(uint128 occupied) public view {
        bytes memory blob = setOf(occupied);
        uint256 number = 0;
        for (uint8 slot = 0; slot < 128; ++slot) {
            if (!isSet(occupied, slot)) continue;
            assertEq(OperatorSet.occupiedAt(blob, number), operatorAt(slot));
            ++number;
        }
        assertEq(OperatorSet.occupiedAt(blob, number), address(0));
    }

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_contains__any_set__only_its_operators(uint128 occupied) public view {
        bytes memory blob = setOf(occupied);
        for (uint8 slot = 0; slot < 128; ++slot) {
            assertTrue(OperatorSet.contains(blob, operatorAt(slot)) == isSet(occupied, slot), "contains");
        }
        assertFalse(OperatorSet.contains(blob, address(0)), "the zero address is in no set");
    }

    function test_packKey__wrong_length__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(ISignatureVerifier.BadPointLength.selector, 96, 128));
        this.packKey(new bytes(96));
    }

    // ---- external, so that tests can expect a revert and pass calldata

    function store(bytes memory blob) external returns (address) {
        return OperatorSet.store(blob);
    }

    function aggregate(uint128 occupied, uint128 signers) external view returns (bytes memory, uint96) {
        return OperatorSet.aggregate(setOf(occupied), signers);
    }

    function packKey(bytes calldata key) external pure returns (bytes32[3] memory) {
        return OperatorSet.packKey(key);
    }

    // ---- makers

    function setOf(uint128 occupied) private view returns (bytes memory blob) {
        blob = OperatorSet.empty();
        for (uint8 slot = 0; slot < 128; ++slot) {
            if (isSet(occupied, slot)) putKey(blob, slot, BlsSigner.publicKey(uint256(slot) + 1));
        }
    }

    function putKey(bytes memory blob, uint8 slot, bytes memory key) private view {
        OperatorSet.put(blob, slot, OperatorSet.Entry(operatorAt(slot), stakeAt(slot), this.packKey(key)));
    }

    function plainSum(uint128 signers) private view returns (bytes memory key, uint96 stake) {
        key = new bytes(128);
        for (uint8 slot = 0; slot < 128; ++slot) {
            if (!isSet(signers, slot)) continue;
            key = BLS12381.addG1(key, BlsSigner.publicKey(uint256(slot) + 1));
            stake += stakeAt(slot);
        }
    }

    function isSet(uint128 bitmap, uint8 slot) private pure returns (bool) {
        return (bitmap >> slot) & 1 != 0;
    }

    function operatorAt(uint8 slot) private pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("operator", slot)))));
    }

    function stakeAt(uint8 slot) private pure returns (uint96) {
        return 1 + 10 * uint96(slot);
    }
}
