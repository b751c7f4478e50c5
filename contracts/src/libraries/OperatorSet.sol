// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../interfaces/IAttestationCenter.sol";
import {ISignatureVerifier} from "../interfaces/ISignatureVerifier.sol";
import {BLS12381} from "./BLS12381.sol";

/// @title Sealed operator sets. Each version is one data contract, and each certificate reads all of it.
/// @dev The data contract's code, 16,385 bytes:
///
///      0x00 ‖ slot 0 ‖ … ‖ slot 127        the leading STOP: a call does nothing
///      slot = address 20 ‖ stake 12 ‖ x 48 ‖ y 48      all zero: the slot is empty
///
///      Only the signers' keys are added: a signer costs about 1,050 gas, an absent operator 200. Assembly does what
///      Solidity cannot, and halves the cost of a signer; `test/fuzz/OperatorSet.t.sol` compares it with plain code.
library OperatorSet {
    uint256 internal constant SLOTS = 128; // one bit each in a certificate's uint128
    uint256 internal constant SLOT_LENGTH = 128;
    uint256 internal constant BLOB_LENGTH = 1 + SLOTS * SLOT_LENGTH;

    address private constant G1_ADD = address(0x0b);

    /// One occupied slot. `key` is x ‖ y without EIP-2537's padding.
    struct Entry {
        address operator;
        uint96 stake;
        bytes32[3] key;
    }

    error SealFailed();

    // ---- write

    /// @notice Return a set in which every slot is empty.
    function empty() internal pure returns (bytes memory) {
        return new bytes(BLOB_LENGTH);
    }

    /// @notice Fill one slot.
    function put(bytes memory blob, uint256 slot, Entry memory entry) internal pure {
        bytes32 head = bytes32(bytes20(entry.operator)) | bytes32(uint256(entry.stake));
        _setWord(blob, slot, 0, head);
        for (uint256 i = 0; i < 3; ++i) {
            _setWord(blob, slot, i + 1, entry.key[i]);
        }
    }

    /// @notice Write a set as the code of a new contract.
    function store(bytes memory blob) internal returns (address pointer) {
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
        packed[0] = bytes32(key[16:48]);
        packed[1] = bytes32(bytes.concat(key[48:64], key[80:96]));
        packed[2] = bytes32(key[96:128]);
    }

    // ---- read

    /// @notice Return the whole set, in memory.
    function load(address pointer) internal view returns (bytes memory) {
        return pointer.code;
    }

    /// @notice Return one slot's operator and stake without reading the rest; zeros if the slot is empty.
    function entryIn(address pointer, uint8 slot) internal view returns (address operator, uint96 stake) {
        bytes32 head;
        uint256 start = 1 + slot * SLOT_LENGTH;
        // Only assembly can copy a part of a contract's code. It copies 32 bytes to the scratch space.
        assembly ("memory-safe") {
            extcodecopy(pointer, 0x00, start, 0x20)
            head := mload(0x00)
        }
        return _split(head);
    }

    /// @notice Return the operator in occupied slot `number`, counted from 0 in slot order; zero if there is none.
    function occupiedAt(bytes memory blob, uint256 number) internal pure returns (address) {
        for (uint256 slot = 0; slot < SLOTS; ++slot) {
            (address operator,) = _split(_word(blob, slot, 0));
            if (operator == address(0)) continue;
            if (number == 0) return operator;
            --number;
        }
        return address(0);
    }

    /// @notice Return whether an operator has a slot in the set.
    function contains(bytes memory blob, address operator) internal pure returns (bool) {
        if (operator == address(0)) return false; // empty slots hold the zero address
        for (uint256 slot = 0; slot < SLOTS; ++slot) {
            (address member,) = _split(_word(blob, slot, 0));
            if (member == operator) return true;
        }
        return false;
    }

    /// @notice Return the sums of the signers' keys and stakes. Reverts if the bit of an empty slot is set.
    function aggregate(bytes memory blob, uint128 bitmap) internal view returns (bytes memory key, uint96 stake) {
        // The input of G1ADD: the sum so far ‖ the next key. Both start as the identity, all zero.
        bytes memory points = new bytes(2 * BLS12381.G1_LENGTH);
        for (uint8 slot = 0; bitmap >> slot != 0; ++slot) {
            if ((bitmap >> slot) & 1 == 0) continue;
            (address operator, uint96 signerStake) = _split(_word(blob, slot, 0));
            if (operator == address(0)) revert IAttestationCenter.EmptySlotSigned(slot);
            stake += signerStake;
            _addKey(points, blob, slot);
        }
        return (_firstPoint(points), stake);
    }

    /// @dev Add the slot's key to the first point, in place. With new arrays a signer would cost twice the gas.
    function _addKey(bytes memory points, bytes memory blob, uint256 slot) private view {
        bool isDone;
        assembly ("memory-safe") {
            let sum := add(points, 0x20)
            let next := add(sum, 0x80)
            let key := add(add(blob, 0x41), shl(7, slot)) // after length, STOP, address and stake
            mcopy(add(next, 0x10), key, 0x30) // x; the 16 bytes before each coordinate stay zero
            mcopy(add(next, 0x50), add(key, 0x30), 0x30) // y
            isDone := staticcall(gas(), 0x0b, sum, 0x100, sum, 0x80)
            // On its own line: Yul evaluates arguments from right to left and would read the size before the call.
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

    // The words of a blob start at byte 1, after the STOP. Solidity has no access to words there.

    function _word(bytes memory blob, uint256 slot, uint256 index) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(add(blob, 0x21), add(shl(7, slot), shl(5, index))))
        }
    }

    function _setWord(bytes memory blob, uint256 slot, uint256 index, bytes32 word) private pure {
        assembly ("memory-safe") {
            mstore(add(add(blob, 0x21), add(shl(7, slot), shl(5, index))), word)
        }
    }
}
