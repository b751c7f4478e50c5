// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAdministration} from "../../src/interfaces/IAdministration.sol";
import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {ISeedSource} from "../../src/interfaces/ISeedSource.sol";
import {SealedSet, Task, TaskRequest, TaskStatus} from "../../src/types/Types.sol";
import {CenterTest} from "../support/CenterTest.sol";
import {History} from "../support/History.sol";
import {RecordingMarket} from "../support/RecordingMarket.sol";

/// @dev Opening, seeds, attempts and expiry of tasks.
contract AttestationCenterTasksTest is CenterTest, History {
    // ---- openTask

    function test_openTask__valid__stores_and_emits() public {
        TaskRequest memory request = TaskRequest({
            taskId: keccak256("task"),
            projectId: 9,
            submissionIndex: 5,
            opening: 1,
            inputRoot: INPUT_ROOT,
            k: 7,
            championIndex: 3,
            quorumBps: 7_000,
            attemptBlocks: 11,
            seedDelay: 132,
            maxAttempts: 2
        });
        uint48 seedBlock = uint48(vm.getBlockNumber()) + 132;
        vm.expectEmit(address(center));
        emit IAttestationCenter.TaskOpened(request.taskId, 9, 5, 1, INPUT_ROOT, 7, 3, 1, seedBlock, seedBlock + 22);
        market.open(center, request);

        Task memory expected = Task({
            status: TaskStatus.OPEN,
            attempt: 0,
            maxAttempts: 2,
            quorumBps: 7_000,
            attemptBlocks: 11,
            attemptOffset: 0,
            setVersion: 1,
            seedBlock: seedBlock,
            projectId: 9,
            submissionIndex: 5,
            settlement: 0,
            inputRoot: INPUT_ROOT
        });
        assertEq(abi.encode(taskOf(request.taskId)), abi.encode(expected));
    }

    function test_openTask__newer_set_later__task_keeps_its_version() public {
        bytes32 taskId = openAndStart(1);
        register(3, STAKE);
        vm.roll(vm.getBlockNumber() + EPOCH_BLOCKS);
        governance.sealOperatorSet();
        market.open(center, requestOf(2));
        assertEq(taskOf(taskId).setVersion, 1);
        assertEq(taskOf(requestOf(2).taskId).setVersion, 2);
    }

    function test_openTask__not_the_market__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.NotModelSubmission.selector, address(this)));
        center.openTask(requestOf(1));
    }

    function test_openTask__paused__reverts() public {
        pause();
        expectOpenRevert(
            requestOf(1), abi.encodeWithSelector(IAdministration.PausedUntil.selector, administration.pausedUntil())
        );
    }

    function test_openTask__open_settled_or_expired__reverts() public {
        bytes32 settled = settleBy(1, ALL);
        bytes32 open = openAndStart(2);
        bytes32 expired = openAndStart(3);
        expire(expired);
        expectOpenRevert(requestOf(1), abi.encodeWithSelector(IAttestationCenter.TaskAlreadyExists.selector, settled));
        expectOpenRevert(requestOf(2), abi.encodeWithSelector(IAttestationCenter.TaskAlreadyExists.selector, open));
        expectOpenRevert(requestOf(3), abi.encodeWithSelector(IAttestationCenter.TaskAlreadyExists.selector, expired));
    }

    function test_openTask__fewer_operators_than_the_minimum__reverts() public {
        deploy();
        expectTooFew(0); // no set
        register(0, STAKE);
        register(1, STAKE);
        vm.roll(vm.getBlockNumber() + ACTIVATION_DELAY);
        governance.sealOperatorSet();
        expectTooFew(2);
        register(2, STAKE);
        expectTooFew(2); // not sealed yet
        vm.roll(vm.getBlockNumber() + EPOCH_BLOCKS);
        governance.sealOperatorSet();
        assertTrue(center.canOpen(), "three");
        market.open(center, requestOf(1));
    }

    function test_openTask__all_operators_left__reverts() public {
        for (uint256 index = 0; index < 3; ++index) {
            depart(index);
        }
        governance.sealOperatorSet();
        expectTooFew(0);
    }

    function test_openTask__set_without_stake__reverts() public {
        // AvsGovernance seals no operators without stake. In such a set, a rejection would need no stake.
        SealedSet memory weightless = governance.sealedSet(1);
        weightless.totalStake = 0;
        vm.mockCall(address(governance), abi.encodeCall(governance.sealedSet, (1)), abi.encode(weightless));
        expectTooFew(3);
    }

    function test_canOpen__paused__false_until_the_end() public {
        assertTrue(center.canOpen(), "before");
        pause();
        assertFalse(center.canOpen(), "during");
        vm.warp(administration.pausedUntil());
        assertTrue(center.canOpen(), "after");
    }

    // ---- fixSeed

    function test_fixSeed__right_header__stores_and_emits_once() public {
        bytes32 taskId = openAndStart(1);
        assertEq(center.seedOf(taskId), bytes32(0));
        vm.expectEmit(address(center));
        emit IAttestationCenter.SeedFixed(taskId, seedFor(taskId));
        assertEq(center.fixSeed(taskId, headerFor(taskId)), seedFor(taskId));
        assertEq(center.seedOf(taskId), seedFor(taskId));

        vm.roll(vm.getBlockNumber() + 300); // the hash is no longer available, and the header is not read
        vm.recordLogs();
        assertEq(center.fixSeed(taskId, ""), seedFor(taskId));
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_fixSeed__tasks_of_one_block__differ() public {
        market.open(center, requestOf(2));
        bytes32 first = openAndStart(1);
        bytes32 second = requestOf(2).taskId;
        assertEq(taskOf(first).seedBlock, taskOf(second).seedBlock);
        bytes32 seed = center.fixSeed(first, headerFor(first));
        assertTrue(center.fixSeed(second, headerFor(second)) != seed, "two seeds");
    }

    function test_fixSeed__seed_block_not_over__reverts() public {
        TaskRequest memory request = requestOf(1);
        market.open(center, request);
        uint256 seedBlock = taskOf(request.taskId).seedBlock;
        vm.roll(seedBlock);
        vm.expectRevert(abi.encodeWithSelector(ISeedSource.BlockHashUnavailable.selector, seedBlock));
        center.fixSeed(request.taskId, headerOf(seedBlock));
    }

    function test_fixSeed__wrong_header__reverts() public {
        bytes32 taskId = openAndStart(1);
        uint256 seedBlock = taskOf(taskId).seedBlock;
        bytes memory header = headerWith(seedBlock, keccak256("my own randomness"));
        vm.expectRevert(
            abi.encodeWithSelector(
                ISeedSource.WrongHeader.selector, seedBlock, keccak256(headerOf(seedBlock)), keccak256(header)
            )
        );
        center.fixSeed(taskId, header);
    }

    function test_fixSeed__unknown_task__reverts() public {
        bytes32 unknown = keccak256("unknown");
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.UnknownTask.selector, unknown));
        center.fixSeed(unknown, "");
    }

    function test_fixSeed__settled_expired_or_paused__works() public {
        // Proofs of conflicting votes need the seed also after the task's end.
        bytes32 settled = settleBy(1, ALL);
        assertEq(center.fixSeed(settled, headerFor(settled)), seedFor(settled));
        TaskRequest memory request = requestOf(2);
        request.attemptBlocks = 10;
        market.open(center, request);
        goToStart(request.taskId);
        expire(request.taskId);
        pause();
        assertEq(center.fixSeed(request.taskId, headerFor(request.taskId)), seedFor(request.taskId));
    }

    function test_fixSeed__257_blocks_missed_without_history__task_expires() public {
        bytes32 taskId = openAndStart(1);
        uint256 seedBlock = taskOf(taskId).seedBlock;
        vm.roll(seedBlock + 257);
        vm.expectRevert(abi.encodeWithSelector(ISeedSource.BlockHashUnavailable.selector, seedBlock));
        center.fixSeed(taskId, headerOf(seedBlock));
        expire(taskId);
        assertTrue(taskOf(taskId).status == TaskStatus.EXPIRED, "expired");
    }

    function test_fixSeed__at_the_latest_deadline_with_history__works() public {
        deployHistory();
        TaskRequest memory request = requestOf(1);
        request.attemptBlocks = 2_665; // a life of 7,999 blocks
        market.open(center, request);
        uint256 seedBlock = taskOf(request.taskId).seedBlock;
        recordHash(seedBlock, keccak256(headerOf(seedBlock)), deadlineOf(request.taskId));
        assertEq(center.fixSeed(request.taskId, headerOf(seedBlock)), seedFor(request.taskId));
    }

    // ---- effectiveAttempt

    function test_effectiveAttempt__time_passes__counts_until_the_deadline() public {
        TaskRequest memory request = requestOf(1);
        market.open(center, request);
        uint256 seedBlock = taskOf(request.taskId).seedBlock;
        vm.roll(seedBlock - 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.AttemptNotStarted.selector, 0));
        center.effectiveAttempt(request.taskId);
        expectEffective(request.taskId, seedBlock, 0);
        expectEffective(request.taskId, seedBlock + ATTEMPT_BLOCKS - 1, 0);
        expectEffective(request.taskId, seedBlock + ATTEMPT_BLOCKS, 1);
        expectEffective(request.taskId, seedBlock + 3 * ATTEMPT_BLOCKS - 1, 2);
        vm.roll(seedBlock + 3 * ATTEMPT_BLOCKS); // the deadline's block is no attempt's
        vm.expectRevert(
            abi.encodeWithSelector(IAttestationCenter.DeadlinePassed.selector, seedBlock + 3 * ATTEMPT_BLOCKS)
        );
        center.effectiveAttempt(request.taskId);
    }

    function test_effectiveAttempt__after_a_rejection__counts_from_its_block() public {
        bytes32 taskId = openAndStart(1);
        uint256 seedBlock = taskOf(taskId).seedBlock;
        vm.roll(seedBlock + 30);
        decide(taskId, 0, ALL, false);
        expectEffective(taskId, seedBlock + 30, 1);
        expectEffective(taskId, seedBlock + 129, 1);
        expectEffective(taskId, seedBlock + 130, 2);
        decide(taskId, 2, ALL, false); // attempt 1 was silent
        assertEq(taskOf(taskId).attempt, 3);
        assertEq(taskOf(taskId).attemptOffset, 130);
        expectEffective(taskId, seedBlock + 229, 3);
        expectEffective(taskId, seedBlock + 230, 4); // more than maxAttempts: each rejection starts one
        assertEq(deadlineOf(taskId), seedBlock + 300); // and none moves the deadline
    }

    function test_effectiveAttempt__not_open__reverts() public {
        bytes32 settled = settleBy(1, ALL);
        bytes32 expired = openAndStart(2);
        expire(expired);
        bytes32[3] memory tasks = [settled, expired, keccak256("unknown")];
        for (uint256 i = 0; i < 3; ++i) {
            expectTaskNotOpen(tasks[i]);
            center.effectiveAttempt(tasks[i]);
        }
    }

    // ---- expireTask

    function test_expireTask__from_the_deadline__expires() public {
        bytes32 taskId = openAndStart(7);
        uint64 deadline = deadlineOf(taskId);
        vm.roll(deadline - 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.DeadlineNotPassed.selector, deadline));
        center.expireTask(taskId);

        vm.roll(deadline);
        vm.expectEmit(address(center));
        emit IAttestationCenter.TaskExpired(taskId);
        center.expireTask(taskId);
        assertTrue(taskOf(taskId).status == TaskStatus.EXPIRED, "expired");
        assertEq(market.expiredCount(), 1);
        assertEq(market.expiredAt(0).projectId, 1);
        assertEq(market.expiredAt(0).index, 7);
    }

    function test_expireTask__paused__works() public {
        bytes32 taskId = openAndStart(1);
        pause();
        expire(taskId);
        assertEq(market.expiredCount(), 1);
    }

    function test_expireTask__twice_settled_or_unknown__reverts() public {
        bytes32 settled = settleBy(1, ALL);
        bytes32 expired = openAndStart(2);
        expire(expired);
        bytes32[3] memory tasks = [settled, expired, keccak256("unknown")];
        for (uint256 i = 0; i < 3; ++i) {
            expectTaskNotOpen(tasks[i]);
            center.expireTask(tasks[i]);
        }
    }

    function test_expireTask__market_refuses__reverts_whole() public {
        bytes32 taskId = openAndStart(1);
        market.refuse();
        vm.roll(deadlineOf(taskId));
        vm.expectRevert(RecordingMarket.Refused.selector);
        center.expireTask(taskId);
        assertTrue(taskOf(taskId).status == TaskStatus.OPEN, "still open");
    }

    // ---- steps

    function expectEffective(bytes32 taskId, uint256 blockNumber, uint8 attempt) private {
        vm.roll(blockNumber);
        assertEq(center.effectiveAttempt(taskId), attempt);
    }

    function expectOpenRevert(TaskRequest memory request, bytes memory reason) private {
        vm.expectRevert(reason);
        market.open(center, request);
    }

    function expectTooFew(uint256 count) private {
        assertFalse(center.canOpen(), "too few");
        expectOpenRevert(requestOf(1), abi.encodeWithSelector(IAttestationCenter.TooFewOperators.selector, count, 3));
    }
}
