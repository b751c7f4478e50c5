// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title The signature scheme of operators, chosen at deployment and immutable.
interface ISignatureVerifier {
    /// @notice Whether `signature` is the key's (or the aggregate key's) signature on a vote digest.
    /// @param key 128-byte EIP-2537 G1 point. The identity is refused.
    /// @param signature 256-byte EIP-2537 G2 point.
    function verifyVote(bytes memory key, bytes32 digest, bytes calldata signature) external view returns (bool);

    /// @notice Whether `signature` proves possession of `key` (another domain tag than votes).
    function verifyPossession(bytes memory key, bytes32 digest, bytes calldata signature) external view returns (bool);

    error PrecompileFailed(address precompile);
    error BadPointLength(uint256 length, uint256 expected);
}
