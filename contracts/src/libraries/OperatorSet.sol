// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../interfaces/IAttestationCenter.sol";
import {ISignatureVerifier} from "../interfaces/ISignatureVerifier.sol";
import {SealedSet} from "../types/Types.sol";
import {BLS12381} from "./BLS12381.sol";
import {Bits} from "./Bits.sol";

/// @title Sealed operator sets. Each version is one data contract, and each certificate reads all of it.
/// @dev The data contract's code, 97 + 128 × n bytes for a set whose highest slot is n − 1:
///
///      0x00 ‖ sum of all keys 96 ‖ slot 0 ‖ … ‖ slot n − 1        the leading STOP: a call does nothing
///      slot = address 20 ‖ stake 12 ‖ x 48 ‖ y 48      all zero: the slot is empty
///
///      The keys of the signers are added, or those of the absent operators are added and subtracted from the sum of all,
///      whichever are fewer. One loop in assembly does what Solidity cannot; `test/fuzz/OperatorSet.t.sol` compares it
///      with plain code.
library OperatorSet {
    using Bits for uint128;

    uint256 internal constant SLOTS = 128; // one bit each in a certificate's uint128
    uint256 internal constant SLOT_LENGTH = 128;
    uint256 internal constant HEADER_LENGTH = 97;

    address private constant G1_ADD = address(0x0b);
    uint256 private constant KEY_LENGTH = 96;

    // The field's prime in two words, as EIP-2537 encodes a coordinate.
    uint256 private constant PRIME_HIGH = 0x1a0111ea397fe69a4b1ba7b6434bacd7;
    uint256 private constant PRIME_LOW = 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab;

    /// One occupied slot. `operator`: its signing address. `key` is x ‖ y without EIP-2537's padding.
    struct Entry {
        address operator;
        uint96 stake;
        bytes32[3] key;
    }

    error SealFailed();

    // ---- write

    /// @notice Return a set with room for the slots below `end`, all empty.
    function empty(uint256 end) internal pure returns (bytes memory) {
        return new bytes(HEADER_LENGTH + end * SLOT_LENGTH);
    }

    /// @notice Fill one slot.
    function put(bytes memory blob, uint256 slot, Entry memory entry) internal pure {
        bytes32 head = bytes32(bytes20(entry.operator)) | bytes32(uint256(entry.stake));
        _setWord(blob, slot, 0, head);
        for (uint256 i = 0; i < 3; ++i) {
            _setWord(blob, slot, i + 1, entry.key[i]);
        }
    }

    /// @notice Write the sum of all keys, then the set as the code of a new contract.
    function store(bytes memory blob, uint128 occupied) internal returns (address pointer) {
        bytes memory points = new bytes(2 * BLS12381.G1_LENGTH);
        _addEntries(points, blob, occupied);
        assembly ("memory-safe") {
            mcopy(add(blob, 0x21), add(points, 0x30), 0x30)
            mcopy(add(blob, 0x51), add(points, 0x70), 0x30)
        }

        // PUSH2 length, DUP1, PUSH1 10, RETURNDATASIZE (0), CODECOPY, RETURNDATASIZE (0), RETURN
        bytes memory initCode = abi.encodePacked(hex"61", uint16(blob.length), hex"80600a3d393df3", blob);
        assembly ("memory-safe") {
            pointer := create(0, add(initCode, 0x20), mload(initCode))
        }
        if (pointer == address(0)) revert SealFailed();
    }

    /// @notice Return x ‖ y of a 128-byte EIP-2537 key, without the 16-byte paddings, which are zero in a valid key.
    function packKey(bytes calldata key) internal pure returns (bytes32[3] memory packed) {
        if (key.length != BLS12381.G1_LENGTH) {
            revert ISignatureVerifier.BadPointLength(key.length, BLS12381.G1_LENGTH);
        }
        bytes memory short = abi.encodePacked(key[16:64], key[80:128]);
        assembly ("memory-safe") {
            mcopy(packed, add(short, 0x20), KEY_LENGTH)
        }
    }

    // ---- read

    /// @notice Copy a whole set into memory.
    function load(address pointer) internal view returns (bytes memory blob) {
        return pointer.code;
    }

    /// @notice Return the operator and stake of one slot, without copying the other slots. Zero beyond the set's end.
    function entryIn(address pointer, uint256 slot) internal view returns (address operator, uint96 stake) {
        bytes32 head;
        assembly ("memory-safe") {
            extcodecopy(pointer, 0x00, add(HEADER_LENGTH, shl(7, slot)), 0x20)
            head := mload(0x00)
        }
        return _split(head);
    }

    /// @notice Return the operator in a slot of a set in memory; zero if the slot is empty or beyond the set's end.
    function operatorAt(bytes memory blob, uint256 slot) internal pure returns (address operator) {
        if (blob.length < HEADER_LENGTH + (slot + 1) * SLOT_LENGTH) return address(0);
        (operator,) = _split(_word(blob, slot, 0));
    }

    /// @notice Return the sums of the signers' keys and stakes. Reverts if the bit of an empty slot is set.
    function aggregate(bytes memory blob, SealedSet memory set, uint128 signers)
        internal
        view
        returns (bytes memory key, uint96 stake)
    {
        uint128 empties = signers & ~set.occupied;
        if (empties != 0) revert IAttestationCenter.EmptySlotSigned(empties.lowest());
        uint128 absent = set.occupied & ~signers;

        // The input of G1ADD: the sum so far ‖ the next key. Both start as the identity, all zero.
        bytes memory points = new bytes(2 * BLS12381.G1_LENGTH);
        if (signers.count() <= absent.count()) {
            stake = _addEntries(points, blob, signers);
        } else {
            stake = set.totalStake - _addEntries(points, blob, absent);
            _subtractFromAll(points, blob);
        }
        return (_firstPoint(points), stake);
    }

    /// @dev Add the keys of `slots` to the first point, in place, and return the sum of their stakes. With a call of
    ///      Solidity for each key, a signer would cost twice the gas.
    function _addEntries(bytes memory points, bytes memory blob, uint128 slots) private view returns (uint96 stake) {
        bool isDone = true;
        assembly ("memory-safe") {
            let sum := add(points, 0x20)
            let next := add(sum, 0x80)
            let entry := add(blob, 0x81) // after length, STOP and the sum of all keys
            for {} slots {
                slots := shr(1, slots)
                entry := add(entry, 0x80)
            } {
                if iszero(and(slots, 1)) { continue }
                stake := add(stake, and(mload(entry), 0xffffffffffffffffffffffff))
                mcopy(add(next, 0x10), add(entry, 0x20), 0x30) // x; the 16 bytes before each coordinate stay zero
                mcopy(add(next, 0x50), add(entry, 0x50), 0x30) // y
                isDone := and(isDone, staticcall(gas(), 0x0b, sum, 0x100, sum, 0x80))
                // On its own line: Yul evaluates arguments from right to left and would read the size before the call.
                isDone := and(isDone, eq(returndatasize(), 0x80))
            }
        }
        if (!isDone) revert ISignatureVerifier.PrecompileFailed(G1_ADD);
    }

    /// @dev Replace the first point by the sum of all keys less the first point.
    function _subtractFromAll(bytes memory points, bytes memory blob) private view {
        bool isDone;
        assembly ("memory-safe") {
            let sum := add(points, 0x20)
            let high := mload(add(sum, 0x40))
            let low := mload(add(sum, 0x60))
            // −(x, y) = (x, p − y). The identity is all zero, and its own negative.
            if or(high, low) {
                mstore(add(sum, 0x40), sub(sub(PRIME_HIGH, high), gt(low, PRIME_LOW)))
                mstore(add(sum, 0x60), sub(PRIME_LOW, low))
            }
            mcopy(add(sum, 0x90), add(blob, 0x21), 0x30)
            mcopy(add(sum, 0xd0), add(blob, 0x51), 0x30)
            isDone := staticcall(gas(), 0x0b, sum, 0x100, sum, 0x80)
            isDone := and(isDone, eq(returndatasize(), 0x80))
        }
        if (!isDone) revert ISignatureVerifier.PrecompileFailed(G1_ADD);
    }

    function _firstPoint(bytes memory points) private pure returns (bytes memory key) {
        key = new bytes(BLS12381.G1_LENGTH);
        assembly ("memory-safe") {
            mcopy(add(key, 0x20), add(points, 0x20), 0x80)
        }
    }

    function _split(bytes32 head) private pure returns (address operator, uint96 stake) {
        // forge-lint: disable-next-line(unsafe-typecast) The cuts are intended: address ‖ stake.
        return (address(bytes20(head)), uint96(uint256(head)));
    }

    // The words of a slot start at byte 97, after STOP and sum. Solidity has no access to words there.

    function _word(bytes memory blob, uint256 slot, uint256 index) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(add(blob, 0x81), add(shl(7, slot), shl(5, index))))
        }
    }

    function _setWord(bytes memory blob, uint256 slot, uint256 index, bytes32 word) private pure {
        assembly ("memory-safe") {
            mstore(add(add(blob, 0x81), add(shl(7, slot), shl(5, index))), word)
        }
    }
}
