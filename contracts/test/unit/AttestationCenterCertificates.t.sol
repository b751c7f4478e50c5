// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAdministration} from "../../src/interfaces/IAdministration.sol";
import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {ISeedSource} from "../../src/interfaces/ISeedSource.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {Certificate, Code, Evaluation, TaskInfo, TaskRequest, TaskStatus} from "../../src/types/Types.sol";
import {CenterTest} from "../support/CenterTest.sol";

/// @dev What submitTask requires of a certificate. Forged certificates are in `Attacks.t.sol`.
contract AttestationCenterCertificatesTest is CenterTest {
    // ---- time

    function test_submitTask__unknown_task__reverts() public {
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        Certificate memory certificate = certify(evaluation, ALL, true);
        evaluation.taskId = keccak256("unknown");
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.TaskNotOpen.selector, evaluation.taskId);
        expectRefusal(reason, infoOf(evaluation), certificate);
    }

    function test_submitTask__settled_or_expired__reverts() public {
        bytes32 taskId = settleBy(1, ALL);
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.TaskNotOpen.selector, taskId);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, true));
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, false));

        taskId = openAndStart(2);
        evaluation = evaluationOf(taskId, 0);
        expire(taskId);
        reason = abi.encodeWithSelector(IAttestationCenter.TaskNotOpen.selector, taskId);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, true));
    }

    function test_submitTask__paused__reverts() public {
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        pause();
        bytes memory reason = abi.encodeWithSelector(IAdministration.PausedUntil.selector, administration.pausedUntil());
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, true));
    }

    function test_submitTask__before_the_seed_block__reverts() public {
        TaskRequest memory request = requestOf(1);
        market.open(center, request);
        vm.roll(taskOf(request.taskId).seedBlock - 1);
        Evaluation memory evaluation = evaluationOf(request.taskId, 0);
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.AttemptNotStarted.selector, 0);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, true));
    }

    function test_submitTask__in_the_seed_block__has_no_hash_yet() public {
        TaskRequest memory request = requestOf(1);
        market.open(center, request);
        uint256 seedBlock = taskOf(request.taskId).seedBlock;
        vm.roll(seedBlock);
        Evaluation memory evaluation = evaluationOf(request.taskId, 0);
        bytes memory reason = abi.encodeWithSelector(ISeedSource.BlockHashUnavailable.selector, seedBlock);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, true));
    }

    function test_submitTask__last_block_before_the_deadline__settles() public {
        bytes32 taskId = openWithSeed();
        vm.roll(deadlineOf(taskId) - 1);
        Evaluation memory evaluation = evaluationOf(taskId, 2);
        Certificate memory certificate = certify(evaluation, ALL, true);
        certificate.header = "";
        submitAs(0, infoOf(evaluation), certificate);
        assertTrue(taskOf(taskId).status == TaskStatus.SETTLED, "settled");
    }

    function test_submitTask__at_the_deadline__reverts() public {
        // That block belongs to no attempt: in it, the task can only expire.
        bytes32 taskId = openWithSeed();
        uint64 deadline = deadlineOf(taskId);
        assertEq(deadline, taskOf(taskId).seedBlock + uint64(MAX_ATTEMPTS) * ATTEMPT_BLOCKS);
        vm.roll(deadline);
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.DeadlinePassed.selector, deadline);
        for (uint8 attempt = 0; attempt <= MAX_ATTEMPTS; ++attempt) {
            Evaluation memory evaluation = evaluationOf(taskId, attempt);
            expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, true));
            expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, false));
        }
    }

    // ---- attempts

    function test_submitTask__future_attempt__reverts() public {
        bytes32 taskId = openAndStart(1);
        vm.roll(taskOf(taskId).seedBlock + ATTEMPT_BLOCKS - 1);
        Evaluation memory evaluation = evaluationOf(taskId, 1);
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.AttemptNotStarted.selector, 1);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, true));
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, false));
        vm.roll(taskOf(taskId).seedBlock + ATTEMPT_BLOCKS);
        submit(0, evaluation, ALL, true);
        assertEq(market.verdictAt(0).evaluation.attempt, 1);
    }

    function test_submitTask__earlier_attempt_approved_late__settles() public {
        bytes32 taskId = openAndStart(1);
        vm.roll(taskOf(taskId).seedBlock + 2 * ATTEMPT_BLOCKS);
        decide(taskId, 0, ALL, true);
        assertEq(market.verdictAt(0).evaluation.attempt, 0);
    }

    function test_submitTask__rejected_attempt_approved_later__settles() public {
        // Two thirds rejected it, and one of them took part in the approval: the quorum still decides.
        bytes32 taskId = openAndStart(1);
        decide(taskId, 0, 6, false);
        decide(taskId, 0, 3, true);
        assertTrue(taskOf(taskId).status == TaskStatus.SETTLED, "settled");
    }

    function test_submitTask__rejecting_an_attempt_that_is_over__reverts() public {
        bytes32 taskId = openAndStart(1);
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        vm.roll(taskOf(taskId).seedBlock + ATTEMPT_BLOCKS);
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.NotEffectiveAttempt.selector, 0, 1);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, false));
    }

    function test_submitTask__rejecting_twice__reverts() public {
        bytes32 taskId = openAndStart(1);
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        submit(0, evaluation, ALL, false);
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.NotEffectiveAttempt.selector, 0, 1);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, false));
    }

    function test_submitTask__attempt_255__approved_but_not_rejected() public {
        bytes32 taskId = openAndStart(1);
        for (uint8 attempt = 0; attempt < 255; ++attempt) {
            decide(taskId, attempt, ALL, false);
        }
        assertEq(center.effectiveAttempt(taskId), 255);
        vm.roll(vm.getBlockNumber() + ATTEMPT_BLOCKS);
        assertEq(center.effectiveAttempt(taskId), 255); // an evaluation cannot name a later one
        Evaluation memory evaluation = evaluationOf(taskId, 255);
        bytes memory overflow = abi.encodeWithSignature("Panic(uint256)", 0x11);
        expectRefusal(overflow, infoOf(evaluation), certify(evaluation, ALL, false));
        submit(0, evaluation, ALL, true);
        assertTrue(taskOf(taskId).status == TaskStatus.SETTLED, "settled");
    }

    // ---- poster

    function test_submitTask__slot_of_another_empty_or_beyond__reverts() public {
        deployWithGaps();
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        Certificate memory certificate = certify(evaluation, GAPPED, true);
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.NotInOperatorSet.selector, operatorOf(0));
        uint8[6] memory slots = [2, 1, 4, 6, 127, 255];
        for (uint256 i = 0; i < slots.length; ++i) {
            certificate.posterSlot = slots[i];
            expectRefusal(reason, infoOf(evaluation), certificate);
        }
        submitAs(5, infoOf(evaluation), certificate); // the last slot of the set
        assertEq(center.settlementCount(), 1);
    }

    function test_submitTask__poster_outside_the_set__reverts() public {
        deployWithGaps();
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        TaskInfo memory info = infoOf(evaluation);
        Certificate memory certificate = certify(evaluation, GAPPED, true);
        certificate.posterSlot = 1; // it left this slot before the set was sealed
        vm.prank(operatorOf(1));
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.NotInOperatorSet.selector, operatorOf(1)));
        center.submitTask(info, certificate);

        certificate.posterSlot = 0;
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.NotInOperatorSet.selector, address(this)));
        center.submitTask(info, certificate);
    }

    // ---- performer

    function test_submitTask__set_with_gaps__performers_are_the_occupied_slots_in_order() public {
        deployWithGaps();
        uint8[4] memory occupied = [0, 2, 3, 5];
        bytes32 taskId = openAndStart(1);
        uint256 first = uint256(seedFor(taskId)) % 4;
        for (uint8 attempt = 0; attempt < 5; ++attempt) {
            address expected = operatorOf(occupied[(first + attempt) % 4]);
            for (uint256 i = 0; i < 4; ++i) {
                if (operatorOf(occupied[i]) != expected) refusePerformer(taskId, attempt, occupied[i], expected);
            }
            Evaluation memory evaluation = evaluationOf(taskId, attempt);
            assertEq(evaluation.performer, expected);
            evaluation.code = Code.UNAVAILABLE; // so that no performer is slashed
            submit(0, evaluation, GAPPED, false);
        }
    }

    // ---- seed

    function test_submitTask__header_in_the_certificate__stores_no_seed() public {
        bytes32 taskId = openAndStart(1);
        vm.recordLogs();
        decide(taskId, 0, ALL, true);
        assertEq(vm.getRecordedLogs().length, 1); // TaskSubmitted alone
        assertEq(center.seedOf(taskId), bytes32(0));
    }

    function test_submitTask__stored_seed__needs_no_header() public {
        bytes32 taskId = openWithSeed();
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        Certificate memory certificate = certify(evaluation, ALL, true);
        certificate.header = "";
        vm.roll(vm.getBlockNumber() + 280); // the header could not be proven any longer
        submitAs(0, infoOf(evaluation), certificate);
        assertEq(center.settlementCount(), 1);
    }

    function test_submitTask__neither_header_nor_stored_seed__reverts() public {
        bytes32 taskId = openAndStart(1);
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        Certificate memory certificate = certify(evaluation, ALL, true);
        certificate.header = "";
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.SeedNotFixed.selector, taskId);
        expectRefusal(reason, infoOf(evaluation), certificate);
    }

    function test_submitTask__wrong_header__reverts_even_with_a_stored_seed() public {
        bytes32 taskId = openWithSeed();
        uint256 seedBlock = taskOf(taskId).seedBlock;
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        Certificate memory certificate = certify(evaluation, ALL, true);
        certificate.header = headerOf(seedBlock - 1);
        bytes memory reason = abi.encodeWithSelector(
            ISeedSource.WrongHeader.selector,
            seedBlock,
            keccak256(headerOf(seedBlock)),
            keccak256(headerOf(seedBlock - 1))
        );
        expectRefusal(reason, infoOf(evaluation), certificate);
    }

    // ---- content

    function test_submitTask__code_none__reverts() public {
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        evaluation.code = Code.NONE;
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.BadCode.selector);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, true));
    }

    function test_submitTask__wrong_report_hash__reverts() public {
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        evaluation.reportHash = Digests.reportHash("another report");
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.WrongReportHash.selector);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, true));
    }

    function test_submitTask__wrong_input_hash__reverts() public {
        bytes32 taskId = openAndStart(1);
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.WrongInputHash.selector);
        evaluation.inputHash = Digests.inputHash(INPUT_ROOT, keccak256("a seed of my own"));
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, true));
        evaluation.inputHash = Digests.inputHash(keccak256("another input"), seedFor(taskId));
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, true));
    }

    function test_submitTask__malformed_data__reverts() public {
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        TaskInfo memory info = infoOf(evaluation);
        Certificate memory certificate = certify(evaluation, ALL, true);
        info.data = hex"1234";
        vm.prank(operatorOf(0));
        vm.expectRevert();
        center.submitTask(info, certificate);
    }

    function test_submitTask__code_out_of_range__reverts() public {
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        TaskInfo memory info = infoOf(evaluation);
        Certificate memory certificate = certify(evaluation, ALL, true);
        info.data[4 * 32 + 31] = 0x05; // the fifth field; the last code is 4
        vm.prank(operatorOf(0));
        vm.expectRevert();
        center.submitTask(info, certificate);
    }

    // ---- quorum

    function test_submitTask__no_signers__reverts() public {
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.NoSigners.selector);
        for (uint256 i = 0; i < 2; ++i) {
            Certificate memory certificate = certify(evaluation, ALL, i == 0);
            certificate.bitmap = 0;
            expectRefusal(reason, infoOf(evaluation), certificate);
        }
    }

    function test_submitTask__one_of_three__no_quorum_either_way() public {
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        expectNoQuorum(evaluation, 4, true, STAKE, 3 * STAKE);
        expectNoQuorum(evaluation, 4, false, STAKE, 3 * STAKE);
    }

    function test_submitTask__66_percent__is_no_approval() public {
        deployWithStakes(66 ether, 17 ether, 17 ether);
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        expectNoQuorum(evaluation, 1, true, 66 ether, 100 ether);
        submit(0, evaluation, 6, false); // 34 %
        assertEq(taskOf(evaluation.taskId).attempt, 1);
    }

    function test_submitTask__more_than_66_percent__is_an_approval() public {
        deployWithStakes(66 ether, 17 ether, 17 ether - 1);
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        expectNoQuorum(evaluation, 6, false, 34 ether - 1, 100 ether - 1); // less than 34 %
        submit(0, evaluation, 1, true);
        assertEq(center.settlementCount(), 1);
    }

    function test_submitTask__quorum_of_the_task__decides() public {
        TaskRequest memory request = requestOf(1);
        request.quorumBps = 6_667; // two thirds are below it, and one third is enough to reject
        market.open(center, request);
        goToStart(request.taskId);
        Evaluation memory evaluation = evaluationOf(request.taskId, 0);
        expectNoQuorum(evaluation, 3, true, 2 * STAKE, 3 * STAKE);
        submit(0, evaluation, 1, false);
        assertEq(taskOf(request.taskId).attempt, 1);
    }

    function test_submitTask__few_operators_with_most_stake__decide() public {
        deployWithStakes(70 ether, 20 ether, 10 ether);
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        expectNoQuorum(evaluation, 6, true, 30 ether, 100 ether);
        submit(0, evaluation, 1, true);
        assertEq(center.settlementCount(), 1);
    }

    function test_submitTask__stake_grew_since__the_tasks_version_decides() public {
        bytes32 taskId = openAndStart(1);
        vm.deal(address(this), 1_000 * STAKE);
        governance.increaseStake{value: 1_000 * STAKE}(operatorOf(0), 1_000 * STAKE);
        depart(2); // so that the next set can be sealed at once
        governance.sealOperatorSet();
        expectNoQuorum(evaluationOf(taskId, 0), 1, true, STAKE, 3 * STAKE);
    }

    // ---- steps

    function openWithSeed() private returns (bytes32 taskId) {
        taskId = openAndStart(1);
        center.fixSeed(taskId, headerFor(taskId));
    }

    function refusePerformer(bytes32 taskId, uint8 attempt, uint256 index, address expected) private {
        Evaluation memory evaluation = evaluationOf(taskId, attempt);
        evaluation.performer = operatorOf(index);
        Certificate memory certificate = certify(evaluation, GAPPED, true);
        certificate.performerSignature =
            signEcdsa(signingSecret(index), Digests.evaluationDigest(separatorOf(address(center)), evaluation));
        bytes memory reason =
            abi.encodeWithSelector(IAttestationCenter.NotThePerformer.selector, operatorOf(index), expected);
        expectRefusal(reason, infoOf(evaluation), certificate);
    }

    function expectNoQuorum(Evaluation memory evaluation, uint128 bitmap, bool approved, uint96 signed, uint96 total)
        private
    {
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.QuorumNotReached.selector, signed, total);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, bitmap, approved));
    }
}
