// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Attempts, MAX_TASK_BLOCKS} from "../../src/libraries/Attempts.sol";
import {Task} from "../../src/types/Types.sol";
import {Test} from "../support/Test.sol";

contract AttemptsTest is Test {
    function test_deadlineOf__attempts_times_their_length_after_the_seed_block() public pure {
        Task memory task = _task(1_000, 0, 0, 100);
        task.maxAttempts = 3;
        assertEq(Attempts.deadlineOf(task), 1_300);
        (task.attempt, task.attemptOffset) = (1, 40); // a rejection moves no deadline
        assertEq(Attempts.deadlineOf(task), 1_300);
    }

    /// @dev The product is computed in a type that holds it.
    function test_deadlineOf__largest_numbers__exact() public pure {
        Task memory task = _task(type(uint48).max, 0, 0, type(uint16).max);
        task.maxAttempts = 255;
        assertEq(Attempts.deadlineOf(task), uint256(type(uint48).max) + 255 * 65_535);
    }

    /// @dev The seed block must still be in the window of 8,191 hashes when the last certificate arrives.
    function test_maxTaskBlocks__within_the_history_window() public pure {
        assertEq(MAX_TASK_BLOCKS, 8_000);
    }

    function test_effectiveAt__window_edges__counts_whole_windows() public pure {
        assertEq(Attempts.effectiveAt(1_000, _task(1_000, 0, 0, 100)), 0);
        assertEq(Attempts.effectiveAt(1_099, _task(1_000, 0, 0, 100)), 0);
        assertEq(Attempts.effectiveAt(1_100, _task(1_000, 0, 0, 100)), 1);
        assertEq(Attempts.effectiveAt(1_299, _task(1_000, 2, 0, 100)), 4);
    }

    /// @dev After a rejection in block seedBlock + 40, attempt 1 starts there.
    function test_effectiveAt__offset__windows_start_there() public pure {
        assertEq(Attempts.effectiveAt(1_040, _task(1_000, 1, 40, 100)), 1);
        assertEq(Attempts.effectiveAt(1_139, _task(1_000, 1, 40, 100)), 1);
        assertEq(Attempts.effectiveAt(1_140, _task(1_000, 1, 40, 100)), 2);
    }

    function test_effectiveAt__past_255__stays() public pure {
        assertEq(Attempts.effectiveAt(1_005, _task(1_000, 250, 0, 1)), 255);
        assertEq(Attempts.effectiveAt(1_006, _task(1_000, 250, 0, 1)), 255);
        assertEq(Attempts.effectiveAt(type(uint64).max, _task(0, 255, 0, 1)), 255);
    }

    function test_performerNumber__seed_and_attempt_overflow__exact() public pure {
        // 2²⁵⁶ − 1 + 1 = 2²⁵⁶, and 2²⁵⁶ mod 7 = 2: an overflowing sum would give 0
        assertEq(Attempts.performerNumber(bytes32(type(uint256).max), 1, 7), 2);
    }

    function testFuzz_effectiveAt__time_passes__never_back(
        uint48 seedBlock,
        uint8 attempt,
        uint16 offset,
        uint16 blocks,
        uint32[2] memory after_
    ) public pure {
        vm.assume(blocks != 0);
        (uint256 early, uint256 late) = after_[0] < after_[1] ? (after_[0], after_[1]) : (after_[1], after_[0]);
        Task memory task = _task(seedBlock, attempt, offset, blocks);
        uint256 start = uint256(seedBlock) + offset;
        uint8 first = Attempts.effectiveAt(start + early, task);
        assertLe(attempt, first);
        assertLe(first, Attempts.effectiveAt(start + late, task));
    }

    function testFuzz_performerNumber__n_attempts__everyone_once(bytes32 seed, uint8 count) public pure {
        count = uint8(bound(count, 1, 128));
        uint256 seen = 0;
        for (uint8 attempt = 0; attempt < count; ++attempt) {
            seen |= uint256(1) << Attempts.performerNumber(seed, attempt, count);
        }
        assertEq(seen, count == 128 ? type(uint128).max : (uint256(1) << count) - 1);
    }

    function testFuzz_aggregatorNumber__n_turns__everyone_once(uint32 start, uint32 turnBlocks, uint8 count)
        public
        pure
    {
        count = uint8(bound(count, 1, 128));
        turnBlocks = uint32(bound(turnBlocks, 1, 1_000));
        uint256 seen = 0;
        for (uint256 turn = 0; turn < count; ++turn) {
            uint256 blockNumber = uint256(start) + turn * turnBlocks;
            seen |= uint256(1) << Attempts.aggregatorNumber(blockNumber, turnBlocks, count);
        }
        assertEq(seen, count == 128 ? type(uint128).max : (uint256(1) << count) - 1);
    }

    function testFuzz_aggregatorNumber__within_a_turn__same(uint32 turn, uint32 turnBlocks, uint32 offset) public pure {
        turnBlocks = uint32(bound(turnBlocks, 1, 1_000));
        uint256 start = uint256(turn) * turnBlocks;
        uint256 number = Attempts.aggregatorNumber(start, turnBlocks, 100);
        assertEq(Attempts.aggregatorNumber(start + bound(offset, 0, turnBlocks - 1), turnBlocks, 100), number);
    }

    function _task(uint48 seedBlock, uint8 attempt, uint16 offset, uint16 blocks)
        private
        pure
        returns (Task memory task)
    {
        (task.seedBlock, task.attempt, task.attemptOffset, task.attemptBlocks) = (seedBlock, attempt, offset, blocks);
    }
}
