// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title The source of the randomness that seeds are derived from.
interface ISeedSource {
    /// @notice Return the randomness of a past block.
    /// @dev Never zero: reverts if `header` is not that block's, if the block has no hash yet or has left the history
    ///      window, or if it has no randomness.
    /// @param header The block's header in RLP, as its hash covers it.
    function randomnessOf(uint256 number, bytes calldata header) external view returns (bytes32);

    /// @notice Return the source's name, for deployment files and for `doctor`.
    function name() external view returns (string memory);

    error BlockHashUnavailable(uint256 number);
    error WrongHeader(uint256 number, bytes32 expected, bytes32 found);
    error NoRandomness(uint256 number);
}
