// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Task} from "../types/Types.sol";

// Longest life of a task, in blocks from opening to deadline. The seed block must still be in the history window (8,191
// blocks) when the last certificate arrives. Unbonding takes at least twice this.
uint256 constant MAX_TASK_BLOCKS = 8_000;

/// @title Attempts of a task, and the operators that perform and post.
/// @dev The same rules in Python are in `zarathustra/core/task.py`.
///
///      Blocks of a task, with A = attemptBlocks:
///
///      opened       seedBlock      +A             +2A       …      deadline = seedBlock + maxAttempts × A
///        │ seedDelay  │  attempt 0   │  attempt 1   │               │ expireTask
///                     (a certificate for rejection starts the next attempt at once; silence starts it by time)
///
///      The deadline's block is the first that belongs to no attempt.
library Attempts {
    /// @notice Compute the block from which the task takes no certificate.
    function deadlineOf(Task memory task) internal pure returns (uint64) {
        return task.seedBlock + uint64(task.maxAttempts) * task.attemptBlocks;
    }

    /// @notice Compute the effective attempt at a block from the seed block on, before the deadline.
    /// @dev At most 255, the last attempt that an evaluation can name.
    function effectiveAt(uint256 blockNumber, Task memory task) internal pure returns (uint8) {
        uint256 start = uint256(task.seedBlock) + task.attemptOffset;
        uint256 effective = task.attempt + (blockNumber - start) / task.attemptBlocks;
        if (effective > type(uint8).max) return type(uint8).max;
        // forge-lint: disable-next-line(unsafe-typecast) It fits: see the line above.
        return uint8(effective);
    }

    /// @notice Compute which occupied slot performs an attempt.
    /// @dev All attempts of a task use one seed, so a failed attempt gives no new test data.
    function performerNumber(bytes32 seed, uint8 attempt, uint8 count) internal pure returns (uint256) {
        return addmod(uint256(seed), attempt, count); // exact; seed + attempt could overflow
    }

    /// @notice Compute which occupied slot's turn it is to post.
    function aggregatorNumber(uint256 blockNumber, uint32 turnBlocks, uint8 count) internal pure returns (uint256) {
        return (blockNumber / turnBlocks) % count;
    }
}
