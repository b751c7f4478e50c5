// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title The signature scheme of operators, chosen at deployment and immutable.
interface ISignatureVerifier {
    /// @notice Return whether `signature` is a signature over a vote digest by `key`, which may be an aggregate key.
    /// @param key 128-byte EIP-2537 G1 point. The answer for the identity is false.
    /// @param signature 256-byte EIP-2537 G2 point.
    function verifyVote(bytes memory key, bytes32 digest, bytes calldata signature) external view returns (bool);

    /// @notice Return whether `signature` proves possession of `key`. Its domain tag is not that of votes.
    function verifyPossession(bytes memory key, bytes32 digest, bytes calldata signature) external view returns (bool);

    error PrecompileFailed(address precompile);
    error BadPointLength(uint256 length, uint256 expected);
}
