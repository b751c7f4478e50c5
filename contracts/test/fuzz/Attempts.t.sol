// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Attempts} from "../../src/libraries/Attempts.sol";
import {Test} from "../support/Test.sol";

contract AttemptsTest is Test {
    function test_effectiveAt__window_edges__counts_whole_windows() public pure {
        assertEq(Attempts.effectiveAt(1_000, 0, 1_000, 100), 0);
        assertEq(Attempts.effectiveAt(1_099, 0, 1_000, 100), 0);
        assertEq(Attempts.effectiveAt(1_100, 0, 1_000, 100), 1);
        assertEq(Attempts.effectiveAt(1_299, 2, 1_000, 100), 4);
    }

    function test_effectiveAt__past_255__stays() public pure {
        assertEq(Attempts.effectiveAt(1_010, 250, 1_000, 1), 255);
        assertEq(Attempts.effectiveAt(type(uint64).max, 255, 0, 1), 255);
    }

    function test_performerNumber__seed_and_attempt_overflow__exact() public pure {
        // 2²⁵⁶ − 1 + 1 = 2²⁵⁶, and 2²⁵⁶ mod 7 = 2: an overflowing sum would give 0
        assertEq(Attempts.performerNumber(bytes32(type(uint256).max), 1, 7), 2);
    }

    function testFuzz_effectiveAt__time_passes__never_back(
        uint64 start,
        uint8 attempt,
        uint32 blocks,
        uint32 a,
        uint32 b
    ) public pure {
        vm.assume(blocks != 0);
        (uint256 early, uint256 late) = a < b ? (a, b) : (b, a);
        uint8 before = Attempts.effectiveAt(start + early, attempt, start, blocks);
        uint8 after_ = Attempts.effectiveAt(start + late, attempt, start, blocks);
        assertLe(attempt, before);
        assertLe(before, after_);
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
}
