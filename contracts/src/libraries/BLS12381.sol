// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ISignatureVerifier} from "../interfaces/ISignatureVerifier.sol";

/// @title BLS12-381 over the EIP-2537 precompiles: keys in G1, signatures in G2, 32-byte messages.
/// @dev Points are in EIP-2537's encoding: a coordinate is 16 zero bytes ‖ 48 bytes big-endian; the identity is zeros.
///
///      Every precompile gets all remaining gas: a hard fork may change its price, and this code cannot be changed.
///      The length of every answer is checked: a call to a missing precompile succeeds with an empty answer.
library BLS12381 {
    uint256 internal constant G1_LENGTH = 128;
    uint256 internal constant G2_LENGTH = 256;

    /// Domain tags of the IETF proof-of-possession scheme. Because they differ, a vote cannot be used as a possession
    /// proof, and a possession proof cannot be used as a vote.
    bytes internal constant VOTE_TAG = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
    bytes internal constant POSSESSION_TAG = "BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

    address private constant MODEXP = address(0x05);
    address private constant G1_ADD = address(0x0b);
    address private constant G2_ADD = address(0x0d);
    address private constant PAIRING = address(0x0f);
    address private constant MAP_FP2_TO_G2 = address(0x11);

    uint256 private constant FIELD_LENGTH = 64;
    bytes private constant FIELD_MODULUS =
        hex"000000000000000000000000000000001a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab";

    bytes private constant NEGATED_G1_GENERATOR = hex"0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
        hex"00000000000000000000000000000000114d1d6855d545a8aa7d76c8cf2e21f267816aef1db507c96655b9d5caac42364e6f38ba0ecb751bad54dcd6b939c2ca";

    bytes32 private constant G1_IDENTITY_HASH = keccak256(new bytes(G1_LENGTH));
    bytes32 private constant G2_IDENTITY_HASH = keccak256(new bytes(G2_LENGTH));

    /// @notice Return whether e(key, H(message)) = e(generator, signature).
    /// @dev False for the identity as key or signature: with both, the equation holds for any message. False also for
    ///      bytes that are not a point of the prime-order subgroup: the pairing precompile checks that and fails.
    function verify(bytes memory key, bytes32 message, bytes memory tag, bytes memory signature)
        internal
        view
        returns (bool)
    {
        _requireLength(key, G1_LENGTH);
        _requireLength(signature, G2_LENGTH);
        if (keccak256(key) == G1_IDENTITY_HASH || keccak256(signature) == G2_IDENTITY_HASH) return false;

        bytes memory pairs = bytes.concat(NEGATED_G1_GENERATOR, signature, key, hashToG2(message, tag));
        (bool isValidInput, bytes memory answer) = PAIRING.staticcall(pairs);
        if (!isValidInput) return false;
        if (answer.length != 32) revert ISignatureVerifier.PrecompileFailed(PAIRING);
        return abi.decode(answer, (uint256)) == 1;
    }

    /// @notice Hash to G2: RFC 9380 hash_to_curve with SHA-256 and the simplified SWU map, random-oracle variant.
    function hashToG2(bytes32 message, bytes memory tag) internal view returns (bytes memory) {
        (bytes memory first, bytes memory second) = _hashToField(message, tag);
        bytes memory points = bytes.concat(
            _call(MAP_FP2_TO_G2, first, G2_LENGTH), // the map clears the cofactor too
            _call(MAP_FP2_TO_G2, second, G2_LENGTH)
        );
        return _call(G2_ADD, points, G2_LENGTH);
    }

    /// @notice Return the sum of two keys.
    /// @dev G1ADD checks that the points are on the curve, not that they are in the subgroup. The pairing of the
    ///      possession proof checks that once for each key.
    function addG1(bytes memory left, bytes memory right) internal view returns (bytes memory) {
        return _call(G1_ADD, bytes.concat(left, right), G1_LENGTH);
    }

    /// @dev Two elements of Fp2, 128 bytes each: four times 64 pseudo-random bytes modulo the field's prime.
    function _hashToField(bytes32 message, bytes memory tag)
        private
        view
        returns (bytes memory first, bytes memory second)
    {
        bytes32[8] memory random = _expandMessage(message, tag);
        first = bytes.concat(_reduce(random[0], random[1]), _reduce(random[2], random[3]));
        second = bytes.concat(_reduce(random[4], random[5]), _reduce(random[6], random[7]));
    }

    /// @dev RFC 9380 expand_message_xmd to 256 bytes.
    function _expandMessage(bytes32 message, bytes memory tag) private pure returns (bytes32[8] memory random) {
        // forge-lint: disable-next-line(unsafe-typecast) Both tags have 43 bytes.
        bytes memory suffix = abi.encodePacked(tag, uint8(tag.length));
        bytes memory blockOfZeros = new bytes(64);
        bytes32 start = sha256(abi.encodePacked(blockOfZeros, message, uint16(256), uint8(0), suffix));

        // slither-disable-next-line uninitialized-local Zero at first: nothing precedes the first block.
        bytes32 previous;
        for (uint8 i = 0; i < 8; ++i) {
            previous = sha256(abi.encodePacked(start ^ previous, i + 1, suffix));
            random[i] = previous;
        }
    }

    /// @dev The 64-byte number `high ‖ low` modulo the field's prime, by MODEXP with the exponent 1.
    function _reduce(bytes32 high, bytes32 low) private view returns (bytes memory) {
        bytes memory input =
            abi.encodePacked(FIELD_LENGTH, uint256(1), FIELD_LENGTH, high, low, uint8(1), FIELD_MODULUS);
        return _call(MODEXP, input, FIELD_LENGTH);
    }

    function _call(address precompile, bytes memory input, uint256 length) private view returns (bytes memory) {
        (bool isDone, bytes memory output) = precompile.staticcall(input);
        if (!isDone || output.length != length) revert ISignatureVerifier.PrecompileFailed(precompile);
        return output;
    }

    function _requireLength(bytes memory point, uint256 expected) private pure {
        if (point.length != expected) revert ISignatureVerifier.BadPointLength(point.length, expected);
    }
}
