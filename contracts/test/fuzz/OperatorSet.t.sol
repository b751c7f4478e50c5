// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {ISignatureVerifier} from "../../src/interfaces/ISignatureVerifier.sol";
import {BLS12381} from "../../src/libraries/BLS12381.sol";
import {OperatorSet} from "../../src/libraries/OperatorSet.sol";
import {SealedSet} from "../../src/types/Types.sol";
import {BlsSigner} from "../support/BlsSigner.sol";
import {Test} from "../support/Test.sol";

/// @dev The library against plain code. If bit s of `occupied` is set, slot s holds an operator with stake 1 + 10 × s
///      and secret s + 1. A set takes about 60 multiplications on the curve, so runs are few.
contract OperatorSetTest is Test {
    uint128 private constant FULL = type(uint128).max;

    // ---- layout

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_store__any_set__layout_of_the_specification(uint128 occupied, uint8 shift) public {
        occupied >>= shift % 128; // any highest slot
        bytes memory blob = blobOf(occupied);
        address pointer = OperatorSet.store(blob, occupied);
        assertEq(pointer.code, plainBlob(occupied));
        assertEq(OperatorSet.load(pointer), plainBlob(occupied));
        assertEq(blob, plainBlob(occupied)); // the caller's copy has the sum too
    }

    function test_store__empty_set__header_only() public {
        assertEq(OperatorSet.store(OperatorSet.empty(0), 0).code, new bytes(97));
    }

    function test_store__full_set__sum_of_all_keys() public {
        bytes memory code = OperatorSet.store(blobOf(FULL), FULL).code;
        assertEq(code.length, 16_481);
        assertEq(slice(code, 1, 96), packed(BlsSigner.publicKey(128 * 129 / 2))); // secrets 1 … 128
    }

    function test_store__pointer__a_call_does_nothing() public {
        address pointer = OperatorSet.store(blobOf(5), 5);
        (bool isDone, bytes memory answer) = pointer.call(hex"12345678");
        assertTrue(isDone, "STOP");
        assertEq(answer, "");
    }

    function test_store__code_refused__reverts() public {
        bytes memory blob = OperatorSet.empty(0);
        blob[0] = 0xef; // the chain refuses code that starts with it (EIP-3541)
        vm.expectRevert(OperatorSet.SealFailed.selector);
        this.store(blob, 0);
    }

    function test_put__all_ones__neighbours_untouched() public pure {
        bytes memory blob = OperatorSet.empty(3);
        bytes32 ones = bytes32(type(uint256).max);
        OperatorSet.put(blob, 1, OperatorSet.Entry(address(type(uint160).max), type(uint96).max, [ones, ones, ones]));
        assertEq(blob.length, 97 + 3 * 128);
        for (uint256 i = 0; i < blob.length; ++i) {
            bool isInSlot = i >= 97 + 128 && i < 97 + 256;
            assertEq(uint256(uint8(blob[i])), isInSlot ? 0xff : 0);
        }
    }

    function test_packKey__valid__without_paddings() public view {
        bytes memory key = BlsSigner.publicKey(7);
        assertEq(abi.encode(this.packKey(key)), packed(key));
    }

    function test_packKey__wrong_length__reverts() public {
        uint256[3] memory lengths = [uint256(96), 127, 129];
        for (uint256 i = 0; i < lengths.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ISignatureVerifier.BadPointLength.selector, lengths[i], 128));
            this.packKey(new bytes(lengths[i]));
        }
    }

    // ---- readers of one slot

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_entryIn_and_operatorAt__any_set__reads_each_slot(uint128 occupied, uint8 shift) public {
        occupied >>= shift % 128;
        bytes memory blob = blobOf(occupied);
        address pointer = OperatorSet.store(blob, occupied);
        for (uint8 slot = 0; slot < 128; ++slot) {
            (address operator, uint96 stake) = OperatorSet.entryIn(pointer, slot);
            address expected = isSet(occupied, slot) ? operatorOf(slot) : address(0);
            assertEq(operator, expected);
            assertEq(stake, isSet(occupied, slot) ? stakeOf(slot) : 0);
            assertEq(OperatorSet.operatorAt(blob, slot), expected);
        }
    }

    function test_operatorAt__beyond_the_end__zero() public pure {
        // What lies behind the set in memory is not its own: here, the slots of another set.
        bytes memory blob = OperatorSet.empty(1);
        bytes memory behind = OperatorSet.empty(3);
        bytes32[3] memory key;
        for (uint8 slot = 0; slot < 3; ++slot) {
            OperatorSet.put(behind, slot, OperatorSet.Entry(operatorOf(slot), 0, key));
        }
        for (uint8 slot = 0; slot < 4; ++slot) {
            assertEq(OperatorSet.operatorAt(blob, slot), address(0));
        }
    }

    function test_operatorAt__last_slot__read() public pure {
        bytes memory blob = OperatorSet.empty(2);
        bytes32[3] memory key;
        OperatorSet.put(blob, 1, OperatorSet.Entry(operatorOf(1), 0, key));
        assertEq(OperatorSet.operatorAt(blob, 1), operatorOf(1));
    }

    function test_entryIn__beyond_the_end__zero() public {
        address pointer = OperatorSet.store(blobOf(1), 1);
        (address operator, uint96 stake) = OperatorSet.entryIn(pointer, 1);
        assertEq(operator, address(0));
        assertEq(stake, 0);
    }

    function test_entryIn__largest_stake__read() public {
        bytes memory blob = OperatorSet.empty(1);
        OperatorSet.put(
            blob,
            0,
            OperatorSet.Entry(
                address(type(uint160).max - 1), type(uint96).max - 1, this.packKey(BlsSigner.publicKey(1))
            )
        );
        (address operator, uint96 stake) = OperatorSet.entryIn(OperatorSet.store(blob, 1), 0);
        assertEq(operator, address(type(uint160).max - 1));
        assertEq(stake, type(uint96).max - 1);
    }

    // ---- aggregate

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_aggregate__few_signers__sums(uint128 occupied, uint128 a, uint128 b) public {
        checkAggregate(occupied, occupied & a & b); // adds the signers
    }

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_aggregate__few_absent__sums(uint128 occupied, uint128 a, uint128 b) public {
        checkAggregate(occupied, occupied & (a | b)); // subtracts the absent operators
    }

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_aggregate__small_sets__sums(uint8 occupied, uint8 signers) public {
        checkAggregate(occupied, occupied & signers);
    }

    function test_aggregate__each_number_of_signers__sums() public {
        uint128 signers = 0;
        for (uint256 count = 0; count <= 9; ++count) {
            checkAggregate(511, signers);
            signers = 2 * signers + 1;
        }
    }

    function test_aggregate__all_128__sums() public {
        (bytes memory blob, SealedSet memory set) = sealOf(FULL);
        (bytes memory key, uint96 stake) = OperatorSet.aggregate(blob, set, FULL);
        assertEq(key, BlsSigner.publicKey(128 * 129 / 2));
        assertEq(stake, 128 + 10 * 127 * 128 / 2);
    }

    function test_aggregate__no_signers__identity_without_stake() public {
        (bytes memory blob, SealedSet memory set) = sealOf(7);
        (bytes memory key, uint96 stake) = OperatorSet.aggregate(blob, set, 0);
        assertEq(key, new bytes(128));
        assertEq(stake, 0);
    }

    function test_aggregate__opposite_keys__identity() public {
        // Verification refuses this key. Both ways must come to it.
        bytes memory blob = OperatorSet.empty(5);
        uint256[5] memory secrets = [uint256(5), BlsSigner.ORDER - 5, 7, 8, 9];
        for (uint8 slot = 0; slot < 5; ++slot) {
            putKey(blob, slot, secrets[slot]);
        }
        SealedSet memory set = storeAs(blob, 31);
        (bytes memory key,) = OperatorSet.aggregate(blob, set, 3);
        assertEq(key, new bytes(128));
        (key,) = OperatorSet.aggregate(blob, set, 28);
        assertEq(key, BlsSigner.publicKey(24));

        blob = OperatorSet.empty(3);
        for (uint8 slot = 0; slot < 3; ++slot) {
            putKey(blob, slot, secrets[slot]);
        }
        set = storeAs(blob, 7);
        (key,) = OperatorSet.aggregate(blob, set, 3); // the sum 7, less the key 7
        assertEq(key, new bytes(128));
    }

    function test_aggregate__largest_stakes__exact() public {
        bytes memory blob = OperatorSet.empty(2);
        for (uint8 slot = 0; slot < 2; ++slot) {
            bytes32[3] memory key = this.packKey(BlsSigner.publicKey(uint256(slot) + 1));
            OperatorSet.put(blob, slot, OperatorSet.Entry(address(type(uint160).max), type(uint96).max / 2, key));
        }
        SealedSet memory set = storeAs(blob, 3);
        set.totalStake = 2 * (type(uint96).max / 2);
        (, uint96 stake) = OperatorSet.aggregate(blob, set, 3);
        assertEq(stake, set.totalStake);
        (, stake) = OperatorSet.aggregate(blob, set, 2);
        assertEq(stake, type(uint96).max / 2);
    }

    function test_aggregate__as_many_signers_as_absent__adds_the_signers() public {
        // One addition for each either way; the stored sum is not read.
        bytes memory blob = blobOf(15);
        SealedSet memory set = storeAs(blob, 15);
        bytes memory withoutSum = blobOf(15);
        (bytes memory key,) = OperatorSet.aggregate(withoutSum, set, 5);
        assertEq(key, BlsSigner.publicKey(4));
    }

    function test_aggregate__one_absent__costs_less_than_ten_signers() public {
        // Certificates come from nearly all operators. They must not cost an addition for each.
        (bytes memory blob, SealedSet memory set) = sealOf(FULL);
        uint256 start = gasleft();
        OperatorSet.aggregate(blob, set, FULL - 1);
        uint256 gasForMost = start - gasleft();
        start = gasleft();
        OperatorSet.aggregate(blob, set, 1023);
        assertLe(gasForMost, start - gasleft());
    }

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_aggregate__bits_on_empty_slots__names_the_lowest(uint128 occupied, uint128 signers) public {
        uint128 empties = signers & ~occupied;
        vm.assume(empties != 0);
        uint8 lowest = 0;
        while (!isSet(empties, lowest)) ++lowest;
        SealedSet memory set;
        set.occupied = occupied;
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.EmptySlotSigned.selector, lowest));
        this.aggregate("", set, signers);
    }

    function test_aggregate__slot_beyond_the_end__reverts() public {
        (bytes memory blob, SealedSet memory set) = sealOf(3);
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.EmptySlotSigned.selector, 127));
        this.aggregate(blob, set, 1 << 127);
    }

    // ---- the precompile

    function test_aggregate__precompile_absent__reverts() public {
        (bytes memory blob, SealedSet memory set) = sealOf(7);
        vm.mockCall(address(0x0b), "", "");
        expectPrecompileFailed();
        this.aggregate(blob, set, 1);
        expectPrecompileFailed();
        this.aggregate(blob, set, 6);
        expectPrecompileFailed();
        this.store(blob, 7);
    }

    function test_aggregate__precompile_answers_too_much__reverts() public {
        (bytes memory blob, SealedSet memory set) = sealOf(3);
        vm.mockCall(address(0x0b), "", new bytes(129));
        expectPrecompileFailed();
        this.aggregate(blob, set, 1);
    }

    function test_aggregate__precompile_refuses_the_first__reverts() public {
        // The second point is valid: its success must not hide the failure of the first.
        bytes memory blob = blobOf(2);
        bytes32[3] memory noPoint = [bytes32(uint256(1)), bytes32(uint256(2)), bytes32(uint256(3))];
        OperatorSet.put(blob, 0, OperatorSet.Entry(operatorOf(0), 1, noPoint));
        SealedSet memory set;
        set.occupied = FULL;
        expectPrecompileFailed();
        this.aggregate(blob, set, 3);
        expectPrecompileFailed();
        this.store(blob, 3);
    }

    // ---- external, so that tests can expect a revert and pass calldata

    function store(bytes memory blob, uint128 occupied) external returns (address) {
        return OperatorSet.store(blob, occupied);
    }

    function aggregate(bytes memory blob, SealedSet memory set, uint128 signers)
        external
        view
        returns (bytes memory, uint96)
    {
        return OperatorSet.aggregate(blob, set, signers);
    }

    function packKey(bytes calldata key) external pure returns (bytes32[3] memory) {
        return OperatorSet.packKey(key);
    }

    // ---- steps

    function checkAggregate(uint128 occupied, uint128 signers) private {
        (bytes memory blob, SealedSet memory set) = sealOf(occupied);
        (bytes memory key, uint96 stake) = OperatorSet.aggregate(blob, set, signers);
        (bytes memory plainKey, uint96 plainStake) = plainSum(signers);
        assertEq(key, plainKey);
        assertEq(stake, plainStake);
        assertEq(blob, plainBlob(occupied)); // only read
    }

    function expectPrecompileFailed() private {
        vm.expectRevert(abi.encodeWithSelector(ISignatureVerifier.PrecompileFailed.selector, address(0x0b)));
    }

    /// @dev As AvsGovernance seals it.
    function sealOf(uint128 occupied) private returns (bytes memory blob, SealedSet memory set) {
        blob = blobOf(occupied);
        set = storeAs(blob, occupied);
    }

    function storeAs(bytes memory blob, uint128 occupied) private returns (SealedSet memory set) {
        set.pointer = OperatorSet.store(blob, occupied);
        set.occupied = occupied;
        (, set.totalStake) = plainSum(occupied);
    }

    function blobOf(uint128 occupied) private view returns (bytes memory blob) {
        uint256 end = 0;
        for (uint8 slot = 0; slot < 128; ++slot) {
            if (isSet(occupied, slot)) end = uint256(slot) + 1;
        }
        blob = OperatorSet.empty(end);
        for (uint8 slot = 0; slot < 128; ++slot) {
            if (isSet(occupied, slot)) putKey(blob, slot, uint256(slot) + 1);
        }
    }

    function putKey(bytes memory blob, uint8 slot, uint256 secret) private view {
        bytes32[3] memory key = this.packKey(BlsSigner.publicKey(secret));
        OperatorSet.put(blob, slot, OperatorSet.Entry(operatorOf(slot), stakeOf(slot), key));
    }

    // ---- plain code

    /// @dev The bytes of the specification, by concatenation.
    function plainBlob(uint128 occupied) private view returns (bytes memory blob) {
        bytes memory slots;
        for (uint8 slot = 0; occupied >> slot != 0 && slot < 128; ++slot) {
            bytes memory entry = isSet(occupied, slot)
                ? abi.encodePacked(operatorOf(slot), stakeOf(slot), packed(BlsSigner.publicKey(uint256(slot) + 1)))
                : new bytes(128);
            slots = bytes.concat(slots, entry);
        }
        (bytes memory sum,) = plainSum(occupied);
        blob = abi.encodePacked(uint8(0), packed(sum), slots);
    }

    function plainSum(uint128 signers) private view returns (bytes memory key, uint96 stake) {
        key = new bytes(128);
        for (uint8 slot = 0; slot < 128; ++slot) {
            if (!isSet(signers, slot)) continue;
            key = BLS12381.addG1(key, BlsSigner.publicKey(uint256(slot) + 1));
            stake += stakeOf(slot);
        }
    }

    function packed(bytes memory key) private pure returns (bytes memory) {
        return bytes.concat(slice(key, 16, 48), slice(key, 80, 48));
    }

    function slice(bytes memory data, uint256 start, uint256 length) private pure returns (bytes memory part) {
        part = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            part[i] = data[start + i];
        }
    }

    function isSet(uint128 bitmap, uint8 slot) private pure returns (bool) {
        return (bitmap >> slot) & 1 != 0;
    }

    function operatorOf(uint8 slot) private pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("operator", slot)))));
    }

    function stakeOf(uint8 slot) private pure returns (uint96) {
        return 1 + 10 * uint96(slot);
    }
}
