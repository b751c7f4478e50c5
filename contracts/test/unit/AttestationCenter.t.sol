// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {ISeedSource} from "../../src/interfaces/ISeedSource.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {
    Certificate,
    Code,
    Evaluation,
    SealedSet,
    Task,
    TaskInfo,
    TaskRequest,
    TaskStatus,
    Verdict
} from "../../src/types/Types.sol";
import {AttestationFixture} from "../support/AttestationFixture.sol";
import {History} from "../support/History.sol";
import {RecordingMarket} from "../support/RecordingMarket.sol";

/// @dev Three operators of equal stake: two are enough to approve, and two to reject.
contract AttestationCenterTest is AttestationFixture, History {
    uint128 private constant ALL = 7;

    function setUp() public {
        deployWithOperators(3);
    }

    // ---- construction and parameters

    function test_constructor__any__keeps_wiring_and_parameters() public view {
        assertEq(center.owner(), timelock);
        assertEq(address(center.governance()), address(governance));
        assertEq(address(center.avsLogic()), address(avsLogic));
        assertEq(center.modelSubmission(), address(market));
        assertEq(address(center.verifier()), address(verifier));
        assertEq(address(center.seedSource()), address(seedSource));
        assertEq(abi.encode(center.parameters()), abi.encode(defaultParameters()));
    }

    function test_setParameters__timelock__for_later_tasks_only() public {
        bytes32 earlier = openAndStart(1);
        Task memory before = taskOf(earlier);
        IAttestationCenter.Parameters memory next = IAttestationCenter.Parameters(132, 5, 2, 7);
        vm.prank(timelock);
        vm.expectEmit(address(center));
        emit IAttestationCenter.ParametersChanged(132, 5, 2, 7);
        center.setParameters(next);

        assertEq(abi.encode(center.parameters()), abi.encode(next));
        assertEq(abi.encode(taskOf(earlier)), abi.encode(before));
        (uint64 seedBlock, uint64 deadline) = market.open(center, requestOf(2));
        assertEq(seedBlock, vm.getBlockNumber() + 132);
        assertEq(deadline, seedBlock + 5 * ATTEMPT_BLOCKS);
    }

    function test_setParameters__stranger__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this)));
        center.setParameters(defaultParameters());
    }

    function test_setParameters__out_of_range__reverts() public {
        expectBadParameters(IAttestationCenter.Parameters(0, 3, 3, 5), "seedDelay");
        expectBadParameters(IAttestationCenter.Parameters(4, 0, 3, 5), "maxAttempts");
        expectBadParameters(IAttestationCenter.Parameters(4, 3, 0, 5), "minOperators");
        expectBadParameters(IAttestationCenter.Parameters(4, 3, 129, 5), "minOperators");
        expectBadParameters(IAttestationCenter.Parameters(4, 3, 3, 0), "turnBlocks");
        vm.prank(timelock);
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.TaskLifeTooLong.selector, 8_001));
        center.setParameters(IAttestationCenter.Parameters(7_998, 3, 3, 5));
    }

    // ---- openTask

    function test_openTask__valid__stores_and_emits() public {
        TaskRequest memory request = requestOf(1);
        uint64 seedBlock = uint64(vm.getBlockNumber()) + SEED_DELAY;
        uint64 deadline = seedBlock + uint64(MAX_ATTEMPTS) * ATTEMPT_BLOCKS;
        vm.expectEmit(address(center));
        emit IAttestationCenter.TaskOpened(request.taskId, 1, 1, 0, INPUT_ROOT, 0, 1, seedBlock, deadline);
        (uint64 gotSeedBlock, uint64 gotDeadline) = market.open(center, request);

        assertEq(gotSeedBlock, seedBlock);
        assertEq(gotDeadline, deadline);
        Task memory expected = Task({
            status: TaskStatus.OPEN,
            attempt: 0,
            maxAttempts: MAX_ATTEMPTS,
            quorumBps: QUORUM_BPS,
            attemptBlocks: ATTEMPT_BLOCKS,
            setVersion: 1,
            seedBlock: seedBlock,
            attemptStart: seedBlock,
            deadline: deadline,
            inputRoot: INPUT_ROOT,
            seed: 0
        });
        assertEq(abi.encode(taskOf(request.taskId)), abi.encode(expected));
    }

    function test_openTask__not_the_market__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.NotModelSubmission.selector, address(this)));
        center.openTask(requestOf(1));
    }

    function test_openTask__twice__reverts() public {
        TaskRequest memory request = requestOf(1);
        market.open(center, request);
        expectOpenRevert(request, abi.encodeWithSelector(IAttestationCenter.TaskAlreadyExists.selector, request.taskId));
    }

    function test_openTask__after_expiry__reverts() public {
        TaskRequest memory request = requestOf(1);
        (, uint64 deadline) = market.open(center, request);
        vm.roll(deadline + 1);
        center.expireTask(request.taskId);
        expectOpenRevert(request, abi.encodeWithSelector(IAttestationCenter.TaskAlreadyExists.selector, request.taskId));
    }

    function test_openTask__quorum_outside_6600_to_9000__reverts() public {
        TaskRequest memory request = requestOf(1);
        request.quorumBps = 6_599;
        expectOpenRevert(request, abi.encodeWithSelector(IAttestationCenter.BadQuorum.selector, 6_599));
        request.quorumBps = 9_001;
        expectOpenRevert(request, abi.encodeWithSelector(IAttestationCenter.BadQuorum.selector, 9_001));
    }

    function test_openTask__attempt_blocks__life_of_8000_at_most() public {
        TaskRequest memory request = requestOf(1);
        request.attemptBlocks = 0;
        expectOpenRevert(request, abi.encodeWithSelector(IAttestationCenter.BadParameter.selector, "attemptBlocks"));
        request.attemptBlocks = 2_666; // 4 + 3 × 2,666
        expectOpenRevert(request, abi.encodeWithSelector(IAttestationCenter.TaskLifeTooLong.selector, 8_002));
        request.attemptBlocks = type(uint32).max;
        uint256 life = SEED_DELAY + uint256(MAX_ATTEMPTS) * type(uint32).max;
        expectOpenRevert(request, abi.encodeWithSelector(IAttestationCenter.TaskLifeTooLong.selector, life));
        request.attemptBlocks = 2_665;
        market.open(center, request);
    }

    function test_openTask__too_few_operators__reverts() public {
        operatorCount = 0;
        deploy();
        assertFalse(center.canOpen(), "nobody");
        expectOpenRevert(requestOf(1), abi.encodeWithSelector(IAttestationCenter.TooFewOperators.selector, 0, 3));
        register(0, STAKE);
        register(1, STAKE);
        governance.sealOperatorSet();
        assertFalse(center.canOpen(), "two of three");
        expectOpenRevert(requestOf(1), abi.encodeWithSelector(IAttestationCenter.TooFewOperators.selector, 2, 3));
        register(2, STAKE);
        assertFalse(center.canOpen(), "not sealed yet");
        vm.roll(vm.getBlockNumber() + EPOCH_BLOCKS);
        governance.sealOperatorSet();
        assertTrue(center.canOpen(), "three");
    }

    function test_openTask__set_without_stake__reverts() public {
        // AvsGovernance seals no operators without stake. In such a set, a rejection would need no stake.
        SealedSet memory weightless = governance.sealedSet(1);
        weightless.totalStake = 0;
        vm.mockCall(address(governance), abi.encodeCall(governance.sealedSet, (1)), abi.encode(weightless));
        assertFalse(center.canOpen(), "no stake");
        expectOpenRevert(requestOf(1), abi.encodeWithSelector(IAttestationCenter.TooFewOperators.selector, 3, 3));
    }

    // ---- fixSeed

    function test_fixSeed__after_seed_block__stores_once() public {
        bytes32 taskId = openAndStart(1);
        bytes32 seed = Digests.seed(blockhash(taskOf(taskId).seedBlock), block.chainid, address(market), taskId);
        vm.expectEmit(address(center));
        emit IAttestationCenter.SeedFixed(taskId, seed);
        assertEq(center.fixSeed(taskId), seed);
        assertEq(taskOf(taskId).seed, seed);

        vm.roll(vm.getBlockNumber() + 280); // the hash is no longer available; the seed stays
        vm.recordLogs();
        assertEq(center.fixSeed(taskId), seed);
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_fixSeed__seed_block_not_over__reverts() public {
        TaskRequest memory request = requestOf(1);
        (uint64 seedBlock,) = market.open(center, request);
        vm.roll(seedBlock);
        vm.expectRevert(abi.encodeWithSelector(ISeedSource.BlockHashUnavailable.selector, seedBlock));
        center.fixSeed(request.taskId);
    }

    function test_fixSeed__unknown_task__reverts() public {
        expectTaskNotOpen(keccak256("unknown"));
        center.fixSeed(keccak256("unknown"));
    }

    function test_fixSeed__expired_without_a_seed__reverts() public {
        bytes32 taskId = openAndStart(1);
        vm.roll(taskOf(taskId).deadline + 1);
        center.expireTask(taskId);
        expectTaskNotOpen(taskId);
        center.fixSeed(taskId);
    }

    function test_fixSeed__256_blocks_missed_without_history__task_expires() public {
        bytes32 taskId = openAndStart(1);
        Task memory task = taskOf(taskId);
        vm.roll(task.seedBlock + 257);
        vm.expectRevert(abi.encodeWithSelector(ISeedSource.BlockHashUnavailable.selector, task.seedBlock));
        center.fixSeed(taskId);
        vm.roll(task.deadline + 1);
        center.expireTask(taskId);
        assertTrue(taskOf(taskId).status == TaskStatus.EXPIRED, "expired");
    }

    function test_fixSeed__at_the_latest_deadline_with_history__works() public {
        deployHistory();
        TaskRequest memory request = requestOf(1);
        request.attemptBlocks = 2_665;
        (uint64 seedBlock, uint64 deadline) = market.open(center, request);
        recordHash(seedBlock, keccak256("hash"), deadline);
        bytes32 expected = Digests.seed(keccak256("hash"), block.chainid, address(market), request.taskId);
        assertEq(center.fixSeed(request.taskId), expected);
    }

    // ---- effectiveAttempt

    function test_effectiveAttempt__time_passes__counts() public {
        TaskRequest memory request = requestOf(1);
        (uint64 seedBlock, uint64 deadline) = market.open(center, request);
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.AttemptNotStarted.selector, 0));
        center.effectiveAttempt(request.taskId);
        vm.roll(seedBlock);
        assertEq(center.effectiveAttempt(request.taskId), 0);
        vm.roll(seedBlock + ATTEMPT_BLOCKS - 1);
        assertEq(center.effectiveAttempt(request.taskId), 0);
        vm.roll(seedBlock + ATTEMPT_BLOCKS);
        assertEq(center.effectiveAttempt(request.taskId), 1);
        vm.roll(deadline);
        assertEq(center.effectiveAttempt(request.taskId), MAX_ATTEMPTS);
        vm.roll(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.DeadlinePassed.selector, deadline));
        center.effectiveAttempt(request.taskId);
    }

    function test_effectiveAttempt__unknown_task__reverts() public {
        expectTaskNotOpen(keccak256("unknown"));
        center.effectiveAttempt(keccak256("unknown"));
    }

    // ---- submitTask: approve

    function test_submitTask__quorum_approves__settles() public {
        bytes32 taskId = openAndStart(1);
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        Certificate memory certificate = certify(evaluation, 3, true);
        vm.expectEmit(address(center));
        emit IAttestationCenter.TaskSubmitted(
            taskId,
            0,
            evaluation.performer,
            operatorOf(2),
            Digests.evaluationHash(evaluation),
            3,
            2 * STAKE,
            0,
            REPORT_CID
        );
        submitAs(2, infoOf(evaluation), certificate); // a poster need not have signed

        assertTrue(taskOf(taskId).status == TaskStatus.SETTLED, "settled");
        assertEq(center.settlementCount(), 1);
        (uint256 packed, bytes32 settledTask) = center.settlement(0);
        assertEq(packed, (uint256(3) << 128) | (uint256(2 * STAKE) << 32) | 1);
        assertEq(settledTask, taskId);
        Verdict memory verdict = market.verdictAt(0);
        assertEq(abi.encode(verdict.evaluation), abi.encode(evaluation));
        assertEq(verdict.performerReceiver, receiverOf(performerIndex(taskId, 0)));
        assertEq(verdict.signedStake, 2 * STAKE);
        assertEq(verdict.totalStake, 3 * STAKE);
    }

    function test_submitTask__seed_not_fixed__fixes_it() public {
        bytes32 taskId = openAndStart(1);
        uint256 state = vm.snapshotState();
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        Certificate memory certificate = certify(evaluation, ALL, true);
        vm.revertToState(state);
        assertEq(taskOf(taskId).seed, bytes32(0));
        submitAs(0, infoOf(evaluation), certificate);
        assertTrue(taskOf(taskId).seed != 0, "seed fixed");
    }

    function test_submitTask__correct_evaluation_of_any_code__settles() public {
        Code[4] memory codes = [Code.VALID, Code.INVALID, Code.UNAVAILABLE, Code.EVALUATOR_FAILED];
        for (uint32 i = 0; i < codes.length; ++i) {
            bytes32 taskId = openAndStart(i);
            Evaluation memory evaluation = evaluationOf(taskId, 0);
            evaluation.code = codes[i];
            submitAs(0, infoOf(evaluation), certify(evaluation, ALL, true));
            assertTrue(market.verdictAt(i).evaluation.code == codes[i], "code kept");
        }
    }

    function test_submitTask__earlier_attempt_approved_late__settles() public {
        bytes32 taskId = openAndStart(1);
        vm.roll(taskOf(taskId).seedBlock + 2 * ATTEMPT_BLOCKS);
        decide(taskId, 0, ALL, true);
        assertEq(market.verdictAt(0).evaluation.attempt, 0);
    }

    function test_submitTask__in_the_deadline_block__settles() public {
        bytes32 taskId = openAndStart(1);
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        Certificate memory certificate = certify(evaluation, ALL, true);
        vm.roll(taskOf(taskId).deadline);
        submitAs(0, infoOf(evaluation), certificate);
        assertEq(center.settlementCount(), 1);
    }

    function test_submitTask__market_refuses__reverts_whole() public {
        bytes32 taskId = openAndStart(1);
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        Certificate memory certificate = certify(evaluation, ALL, true);
        market.refuse();
        expectRefusal(abi.encodeWithSelector(RecordingMarket.Refused.selector), infoOf(evaluation), certificate);
        assertTrue(taskOf(taskId).status == TaskStatus.OPEN, "still open");
    }

    // ---- submitTask: reject

    function test_submitTask__rejected__next_attempt_at_once() public {
        bytes32 taskId = openAndStart(1);
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        Certificate memory certificate = certify(evaluation, 6, false);
        vm.expectEmit(address(center));
        emit IAttestationCenter.TaskRejected(taskId, 0, evaluation.performer, Digests.evaluationHash(evaluation), 6);
        submitAs(0, infoOf(evaluation), certificate);

        Task memory task = taskOf(taskId);
        assertTrue(task.status == TaskStatus.OPEN, "open");
        assertEq(task.attempt, 1);
        assertEq(task.attemptStart, vm.getBlockNumber());
        assertEq(center.effectiveAttempt(taskId), 1);
        assertEq(center.settlementCount(), 0);
        assertEq(market.verdictCount(), 0);
    }

    function test_submitTask__rejected_after_silence__counts_on_from_the_effective_attempt() public {
        bytes32 taskId = openAndStart(1);
        vm.roll(taskOf(taskId).seedBlock + ATTEMPT_BLOCKS); // attempt 0 passed without a certificate
        decide(taskId, 1, ALL, false);
        assertEq(taskOf(taskId).attempt, 2);
    }

    function test_submitTask__rejected_then_approved__same_seed_next_performer() public {
        bytes32 taskId = openAndStart(1);
        bytes32 seed = center.fixSeed(taskId);
        uint256 first = performerIndex(taskId, 0);
        decide(taskId, 0, ALL, false);
        decide(taskId, 1, ALL, true);
        assertEq(taskOf(taskId).seed, seed);
        assertEq(market.verdictAt(0).evaluation.performer, operatorOf((first + 1) % 3));
    }

    function test_submitTask__rejecting_an_attempt_that_is_over__reverts() public {
        bytes32 taskId = openAndStart(1);
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        Certificate memory certificate = certify(evaluation, ALL, false);
        vm.roll(taskOf(taskId).seedBlock + ATTEMPT_BLOCKS);
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.NotEffectiveAttempt.selector, 0, 1);
        expectRefusal(reason, infoOf(evaluation), certificate);
    }

    function test_submitTask__rejecting_twice__reverts() public {
        bytes32 taskId = openAndStart(1);
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        Certificate memory certificate = certify(evaluation, ALL, false);
        submitAs(0, infoOf(evaluation), certificate);
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.NotEffectiveAttempt.selector, 0, 1);
        expectRefusal(reason, infoOf(evaluation), certificate);
    }

    function test_submitTask__attempt_255_rejected__reverts() public {
        bytes32 taskId = openAndStart(1);
        for (uint256 attempt = 0; attempt < 255; ++attempt) {
            decide(taskId, uint8(attempt), ALL, false);
        }
        Evaluation memory evaluation = evaluationOf(taskId, 255);
        Certificate memory certificate = certify(evaluation, ALL, false);
        expectRefusal(abi.encodeWithSignature("Panic(uint256)", 0x11), infoOf(evaluation), certificate);
        decide(taskId, 255, ALL, true); // an approval still counts
    }

    // ---- submitTask: time

    function test_submitTask__unknown_task__reverts() public {
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        Certificate memory certificate = certify(evaluation, ALL, true);
        evaluation.taskId = keccak256("unknown");
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.TaskNotOpen.selector, evaluation.taskId);
        expectRefusal(reason, infoOf(evaluation), certificate);
    }

    function test_submitTask__settled_task__second_poster_reverts() public {
        bytes32 taskId = openAndStart(1);
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        Certificate memory certificate = certify(evaluation, ALL, true);
        submitAs(1, infoOf(evaluation), certificate);
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.TaskNotOpen.selector, taskId);
        expectRefusal(reason, infoOf(evaluation), certificate);
    }

    function test_submitTask__after_the_deadline__reverts() public {
        bytes32 taskId = openAndStart(1);
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        Certificate memory certificate = certify(evaluation, ALL, true);
        uint64 deadline = taskOf(taskId).deadline;
        vm.roll(deadline + 1);
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.DeadlinePassed.selector, deadline);
        expectRefusal(reason, infoOf(evaluation), certificate);
    }

    function test_submitTask__future_attempt__reverts() public {
        bytes32 taskId = openAndStart(1);
        Evaluation memory evaluation = evaluationOf(taskId, 1);
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.AttemptNotStarted.selector, 1);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, true));
    }

    function test_submitTask__in_the_seed_block__reverts() public {
        TaskRequest memory request = requestOf(1);
        (uint64 seedBlock,) = market.open(center, request);
        vm.roll(seedBlock);
        Evaluation memory evaluation;
        evaluation.taskId = request.taskId;
        Certificate memory certificate;
        certificate.approved = true;
        bytes memory reason = abi.encodeWithSelector(ISeedSource.BlockHashUnavailable.selector, seedBlock);
        expectRefusal(reason, infoOf(evaluation), certificate);
    }

    // ---- submitTask: content

    function test_submitTask__code_none__reverts() public {
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        evaluation.code = Code.NONE;
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.BadCode.selector);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, true));
    }

    function test_submitTask__wrong_input_hash__reverts() public {
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        evaluation.inputHash = Digests.inputHash(INPUT_ROOT, keccak256("a seed of my own"));
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.WrongInputHash.selector);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, true));
    }

    function test_submitTask__malformed_data__reverts() public {
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        TaskInfo memory info = infoOf(evaluation);
        info.data = hex"1234";
        Certificate memory certificate = certify(evaluation, ALL, true);
        vm.prank(operatorOf(0));
        vm.expectRevert();
        center.submitTask(info, certificate);
    }

    // ---- submitTask: votes

    function test_submitTask__no_signers__reverts() public {
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        Certificate memory certificate = certify(evaluation, ALL, false);
        certificate.bitmap = 0;
        expectRefusal(abi.encodeWithSelector(IAttestationCenter.NoSigners.selector), infoOf(evaluation), certificate);
    }

    function test_submitTask__one_of_three__no_quorum_either_way() public {
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.QuorumNotReached.selector, STAKE, 3 * STAKE);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, 4, true));
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, 4, false));
    }

    function test_submitTask__quorum_of_the_task__decides() public {
        TaskRequest memory request = requestOf(1);
        request.quorumBps = 6_667; // two thirds are below it, and one third is enough to reject
        market.open(center, request);
        vm.roll(vm.getBlockNumber() + SEED_DELAY + 1);
        Evaluation memory evaluation = evaluationOf(request.taskId, 0);
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.QuorumNotReached.selector, 2 * STAKE, 3 * STAKE);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, 3, true));
        submitAs(0, infoOf(evaluation), certify(evaluation, 1, false));
        assertEq(taskOf(request.taskId).attempt, 1);
    }

    function test_submitTask__unequal_stakes__stake_decides_not_heads() public {
        operatorCount = 0;
        deploy();
        register(0, 70 ether);
        register(1, 20 ether);
        register(2, 10 ether);
        governance.sealOperatorSet();
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.QuorumNotReached.selector, 30 ether, 100 ether);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, 6, true));
        submitAs(0, infoOf(evaluation), certify(evaluation, 1, true));
        assertEq(center.settlementCount(), 1);
    }

    function test_submitTask__bitmap_claims_more_signers__reverts() public {
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        Certificate memory certificate = certify(evaluation, 1, true);
        certificate.bitmap = ALL;
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.BadAggregateSignature.selector);
        expectRefusal(reason, infoOf(evaluation), certificate);
    }

    // ---- submitTask: poster

    function test_submitTask__poster_outside_the_set__reverts() public {
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        Certificate memory certificate = certify(evaluation, ALL, true);
        TaskInfo memory info = infoOf(evaluation);
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.NotInOperatorSet.selector, address(this)));
        center.submitTask(info, certificate);
    }

    function test_submitTask__each_turn__one_aggregator_is_paid() public {
        for (uint32 poster = 0; poster < 3; ++poster) {
            bytes32 taskId = openAndStart(poster);
            decideAs(poster, taskId);
            uint256 turn = (vm.getBlockNumber() / TURN_BLOCKS) % 3;
            address expected = turn == poster ? receiverOf(poster) : address(0);
            assertEq(market.verdictAt(poster).aggregatorReceiver, expected);
        }
    }

    function test_submitTask__own_turn__receiver_of_the_poster() public {
        bytes32 taskId = openAndStart(1);
        uint256 turn = (vm.getBlockNumber() / TURN_BLOCKS) % 3;
        decideAs(turn, taskId);
        assertEq(market.verdictAt(0).aggregatorReceiver, receiverOf(turn));
    }

    // ---- expireTask

    function test_expireTask__deadline_passed__expires() public {
        bytes32 taskId = openAndStart(1);
        vm.roll(taskOf(taskId).deadline + 1);
        vm.expectEmit(address(center));
        emit IAttestationCenter.TaskExpired(taskId);
        center.expireTask(taskId);
        assertTrue(taskOf(taskId).status == TaskStatus.EXPIRED, "expired");
        assertEq(market.expiredAt(0), taskId);
    }

    function test_expireTask__in_the_deadline_block__reverts() public {
        bytes32 taskId = openAndStart(1);
        uint64 deadline = taskOf(taskId).deadline;
        vm.roll(deadline);
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.DeadlineNotPassed.selector, deadline));
        center.expireTask(taskId);
    }

    function test_expireTask__twice_settled_or_unknown__reverts() public {
        bytes32 settled = openAndStart(1);
        decide(settled, 0, ALL, true);
        bytes32 expired = openAndStart(2);
        vm.roll(taskOf(expired).deadline + 1);
        center.expireTask(expired);
        bytes32[3] memory tasks = [settled, expired, keccak256("unknown")];
        for (uint256 i = 0; i < 3; ++i) {
            expectTaskNotOpen(tasks[i]);
            center.expireTask(tasks[i]);
        }
    }

    // ---- claim

    function test_claim__signed_two_of_three__pays_their_shares() public {
        bytes32 first = settleBy(1, 3);
        settleBy(2, 6); // operator 0 did not sign
        bytes32 third = settleBy(3, 7);

        vm.expectEmit(address(center));
        emit IAttestationCenter.FeesClaimed(operatorOf(0), 0, 3);
        center.claim(operatorOf(0), type(uint64).max); // more than exist: claims all
        assertEq(market.paymentCount(), 2);
        checkPayment(0, 0, first, 2 * STAKE);
        checkPayment(1, 0, third, 3 * STAKE);
        assertEq(center.cursorOf(operatorOf(0)), 3);
        assertEq(center.cursorOf(operatorOf(1)), 0);
    }

    function test_claim__in_parts__pays_each_once() public {
        settleBy(1, 7);
        settleBy(2, 7);
        center.claim(operatorOf(1), 1);
        assertEq(center.cursorOf(operatorOf(1)), 1);
        center.claim(operatorOf(1), 2);
        assertEq(market.paymentCount(), 2);
        vm.expectRevert(IAttestationCenter.NothingToClaim.selector);
        center.claim(operatorOf(1), 2);
    }

    function test_claim__nothing_settled__reverts() public {
        vm.expectRevert(IAttestationCenter.NothingToClaim.selector);
        center.claim(operatorOf(0), 1);
    }

    function test_claim__signed_none__moves_the_cursor_only() public {
        settleBy(1, 3);
        center.claim(operatorOf(2), 1);
        assertEq(market.paymentCount(), 0);
        assertEq(center.cursorOf(operatorOf(2)), 1);
    }

    function test_claim__stranger__gets_nothing() public {
        // The slot of an unknown account reads as 0, which is the slot of operator 0.
        settleBy(1, 7);
        center.claim(makeAddress("stranger"), 1);
        assertEq(market.paymentCount(), 0);
    }

    function test_claim__exited_operator_and_its_slots_next_holder__each_its_own() public {
        settleBy(1, 7);
        vm.prank(ownerOf(operatorOf(0)));
        governance.deregisterOperator(operatorOf(0));
        governance.sealOperatorSet();
        vm.roll(vm.getBlockNumber() + UNBONDING_BLOCKS);
        vm.prank(ownerOf(operatorOf(0)));
        governance.completeDeregistration(operatorOf(0), makeAddress("away"));
        register(3, STAKE);
        assertEq(governance.getOperator(operatorOf(3)).slot, 0);

        center.claim(operatorOf(3), 1);
        assertEq(market.paymentCount(), 0);
        center.claim(operatorOf(0), 1);
        checkPayment(0, 0, requestOf(1).taskId, 3 * STAKE);
    }

    function test_claim__stake_grew_since__pays_by_the_tasks_version() public {
        bytes32 taskId = openAndStart(1);
        vm.deal(address(this), STAKE);
        governance.increaseStake{value: STAKE}(operatorOf(0), STAKE);
        vm.roll(vm.getBlockNumber() + 1);
        decide(taskId, 0, ALL, true);
        center.claim(operatorOf(0), 1);
        checkPayment(0, 0, taskId, 3 * STAKE);
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_claim__any_signers_any_parts__shares_fill_each_settlement(uint8[6] memory signers, uint8 part)
        public
    {
        for (uint32 i = 0; i < signers.length; ++i) {
            signers[i] = [3, 5, 6, 7][signers[i] % 4]; // two or three of three
            settleBy(i, signers[i]);
        }
        for (uint256 index = 0; index < 3; ++index) {
            uint64 middle = uint64(bound(part, 1, 5));
            center.claim(operatorOf(index), middle);
            center.claim(operatorOf(index), 6);
        }
        uint256[6] memory paid;
        uint256 count = market.paymentCount();
        for (uint256 i = 0; i < count; ++i) {
            RecordingMarket.Payment memory payment = market.paymentAt(i);
            for (uint32 j = 0; j < 6; ++j) {
                if (payment.taskId == requestOf(j).taskId) paid[j] += payment.stake;
            }
        }
        for (uint256 j = 0; j < 6; ++j) {
            assertEq(paid[j], signers[j] == 7 ? 3 * STAKE : 2 * STAKE);
        }
    }

    // ---- a task from opening to claim

    function test_flow__reject_silence_approve_claim__everyone_is_paid() public {
        bytes32 taskId = openAndStart(1);
        decide(taskId, 0, 6, false); // the first performer's evaluation is wrong
        vm.roll(vm.getBlockNumber() + ATTEMPT_BLOCKS); // the second is silent
        assertEq(center.effectiveAttempt(taskId), 2);
        decide(taskId, 2, ALL, true);

        for (uint256 index = 0; index < 3; ++index) {
            center.claim(operatorOf(index), 1);
            checkPayment(index, index, taskId, 3 * STAKE);
        }
    }

    function test_flow__operator_leaves_while_a_task_is_open__still_signs_and_is_paid() public {
        bytes32 taskId = openAndStart(1);
        vm.prank(ownerOf(operatorOf(2)));
        governance.deregisterOperator(operatorOf(2));
        governance.sealOperatorSet();
        decide(taskId, 0, ALL, true);
        center.claim(operatorOf(2), 1);
        checkPayment(0, 2, taskId, 3 * STAKE);
    }

    // ---- steps

    function settleBy(uint32 submissionIndex, uint128 bitmap) private returns (bytes32 taskId) {
        taskId = openAndStart(submissionIndex);
        decide(taskId, 0, bitmap, true);
    }

    function decideAs(uint256 poster, bytes32 taskId) private {
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        submitAs(poster, infoOf(evaluation), certify(evaluation, ALL, true));
    }

    function checkPayment(uint256 number, uint256 index, bytes32 taskId, uint256 signedStake) private view {
        RecordingMarket.Payment memory payment = market.paymentAt(number);
        assertEq(payment.receiver, receiverOf(index));
        assertEq(payment.taskId, taskId);
        assertEq(payment.stake, STAKE);
        assertEq(payment.signedStake, signedStake);
    }

    function expectOpenRevert(TaskRequest memory request, bytes memory reason) private {
        vm.expectRevert(reason);
        market.open(center, request);
    }

    function expectTaskNotOpen(bytes32 taskId) private {
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.TaskNotOpen.selector, taskId));
    }

    function expectBadParameters(IAttestationCenter.Parameters memory next, string memory name) private {
        vm.prank(timelock);
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.BadParameter.selector, name));
        center.setParameters(next);
    }
}
