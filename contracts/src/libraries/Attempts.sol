// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

// Longest life of a task in blocks, from opening to deadline. The seed block must still be in the chain's history window
// (8,191 blocks) when the last certificate arrives. Unbonding is at least twice this.
uint256 constant MAX_TASK_BLOCKS = 8_000;

/// @title Whose turn it is: attempts of a task, performers, aggregators.
/// @dev The Python twin is `zarathustra/core/task.py`.
///
///      Blocks of a task, with A = attemptBlocks:
///
///      opened       seedBlock      +A             +2A       …      deadline = seedBlock + maxAttempts × A
///        │ seedDelay  │  attempt 0   │  attempt 1   │               │ expireTask
///                     (a rejected certificate starts the next attempt at once; silence starts it by time)
library Attempts {
    /// @notice The attempt in force at a block not before `attemptStart`: computed, never sent.
    /// @dev Stays at 255, the last that an evaluation can name.
    function effectiveAt(uint256 blockNumber, uint8 attempt, uint64 attemptStart, uint32 attemptBlocks)
        internal
        pure
        returns (uint8)
    {
        uint256 effective = attempt + (blockNumber - attemptStart) / attemptBlocks;
        if (effective > type(uint8).max) return type(uint8).max;
        // forge-lint: disable-next-line(unsafe-typecast) It fits: see the line above.
        return uint8(effective);
    }

    /// @notice Which occupied slot performs an attempt. One seed serves all attempts: a failed one re-rolls nothing.
    function performerNumber(bytes32 seed, uint8 attempt, uint8 count) internal pure returns (uint256) {
        return addmod(uint256(seed), attempt, count); // exact, where seed + attempt could overflow
    }

    /// @notice Which occupied slot's turn it is to post.
    function aggregatorNumber(uint256 blockNumber, uint32 turnBlocks, uint8 count) internal pure returns (uint256) {
        return (blockNumber / turnBlocks) % count;
    }
}
