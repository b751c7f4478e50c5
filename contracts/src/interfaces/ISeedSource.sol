// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title The source of the block hashes that seeds are derived from.
interface ISeedSource {
    /// @notice Return the hash of a past block.
    /// @dev Never zero: reverts if the block has no hash yet or has left the history window.
    function blockHash(uint256 number) external view returns (bytes32);

    error BlockHashUnavailable(uint256 number);
}
