// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Where a task's randomness comes from.
interface ISeedSource {
    /// @notice The hash of a past block.
    /// @dev Never zero: reverts when the block is not there yet or has left the history window.
    function blockHash(uint256 number) external view returns (bytes32);

    error BlockHashUnavailable(uint256 number);
}
