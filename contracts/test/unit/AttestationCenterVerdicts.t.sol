// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {Certificate, Code, Evaluation, FeeShare, Task, TaskStatus, Verdict} from "../../src/types/Types.sol";
import {BlsSigner} from "../support/BlsSigner.sol";
import {CenterTest} from "../support/CenterTest.sol";
import {RecordingMarket} from "../support/RecordingMarket.sol";

/// @dev What a certificate does. Guilty performers are in `AttestationCenterGuilt.t.sol`.
contract AttestationCenterVerdictsTest is CenterTest {
    // ---- approval

    function test_submitTask__approved__stores_and_emits() public {
        settleBy(1, ALL);
        bytes32 taskId = openAndStart(2);
        Task memory expected = taskOf(taskId);
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        vm.expectEmit(address(center));
        emit IAttestationCenter.TaskSubmitted(
            taskId,
            0,
            evaluation.performer,
            operatorOf(2),
            Digests.evaluationHash(evaluation),
            3,
            2 * STAKE,
            1,
            REPORT_CID
        );
        submit(2, evaluation, 3, true); // a poster need not have signed

        expected.status = TaskStatus.SETTLED;
        expected.settlement = 1;
        assertEq(abi.encode(taskOf(taskId)), abi.encode(expected));
        assertEq(center.settlementCount(), 2);
    }

    function test_submitTask__approved_in_turn__whole_verdict() public {
        bytes32 taskId = openAndStart(5);
        goToTurn(1, 3);
        decideAs(1, taskId, 6);
        checkVerdict(taskId, true);
    }

    function test_submitTask__approved_out_of_turn__no_aggregator() public {
        bytes32 taskId = openAndStart(5);
        goToTurn(2, 3);
        decideAs(1, taskId, 6);
        checkVerdict(taskId, false);
    }

    function test_submitTask__correct_evaluation_of_any_code__settles() public {
        Code[4] memory codes = [Code.VALID, Code.INVALID, Code.UNAVAILABLE, Code.EVALUATOR_FAILED];
        for (uint32 i = 0; i < codes.length; ++i) {
            Evaluation memory evaluation = evaluationOf(openAndStart(i), 0);
            evaluation.code = codes[i];
            submit(0, evaluation, ALL, true);
            assertTrue(market.verdictAt(i).evaluation.code == codes[i], "code kept");
        }
    }

    function test_submitTask__market_refuses__reverts_whole() public {
        bytes32 taskId = openAndStart(1);
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        market.refuse();
        bytes memory reason = abi.encodeWithSelector(RecordingMarket.Refused.selector);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, true));
        assertTrue(taskOf(taskId).status == TaskStatus.OPEN, "still open");
        assertEq(center.settlementCount(), 0);
    }

    function test_submitTask__receivers_changed_meanwhile__new_ones_are_paid() public {
        bytes32 taskId = openAndStart(1);
        uint256 performer = performerIndex(taskId, 0);
        address receiver = makeAddress("new receiver");
        vm.prank(ownerOf(operatorOf(performer)));
        governance.setRewardsReceiver(operatorOf(performer), receiver);
        goToTurn(performer, 3);
        decideAs(performer, taskId, ALL);
        checkPaidInAllRoles(performer, receiver);
    }

    function test_submitTask__rotated_key__posts_performs_and_is_paid() public {
        rotate(0, 9);
        rotate(1, 10);
        rotate(2, 11);
        vm.roll(vm.getBlockNumber() + EPOCH_BLOCKS);
        governance.sealOperatorSet();
        bytes32 taskId = openAndStart(1);
        uint256 performer = performerIndex(taskId, 0);
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        evaluation.performer = operatorOf(performer + 9);
        bytes memory signature =
            signEcdsa(signingSecret(performer + 9), Digests.evaluationDigest(separatorOf(address(center)), evaluation));
        submitRotated(evaluation, signature, performer);
        checkPaidInAllRoles(performer, receiverOf(performer));
    }

    // ---- the aggregator's turn

    function test_submitTask__set_with_gaps__turn_is_the_rank_among_occupied_slots() public {
        deployWithGaps();
        uint8[4] memory occupied = [0, 2, 3, 5];
        for (uint32 rank = 0; rank < 4; ++rank) {
            for (uint32 poster = 0; poster < 4; ++poster) {
                bytes32 taskId = openAndStart(4 * rank + poster);
                goToTurn(rank, 4);
                decideAs(occupied[poster], taskId, GAPPED);
                checkTurn(4 * rank + poster, poster == rank);
            }
        }
    }

    function test_submitTask__edges_of_a_turn__five_blocks() public {
        bytes32[4] memory tasks = [openAndStart(1), openAndStart(2), openAndStart(3), openAndStart(4)];
        goToTurn(1, 3);
        uint256 start = vm.getBlockNumber();
        uint256[4] memory blocks = [start - 1, start, start + TURN_BLOCKS - 1, start + TURN_BLOCKS];
        for (uint256 i = 0; i < 4; ++i) {
            vm.roll(blocks[i]);
            decideAs(1, tasks[i], ALL);
            checkTurn(i, i == 1 || i == 2);
        }
    }

    // ---- rejection

    function test_submitTask__rejected__next_attempt_at_once() public {
        bytes32 taskId = openAndStart(1);
        vm.roll(taskOf(taskId).seedBlock + 17);
        Task memory expected = taskOf(taskId);
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        vm.expectEmit(address(center));
        emit IAttestationCenter.TaskRejected(taskId, 0, evaluation.performer, Digests.evaluationHash(evaluation), 6);
        submit(0, evaluation, 6, false);

        expected.attempt = 1;
        expected.attemptOffset = 17;
        assertEq(abi.encode(taskOf(taskId)), abi.encode(expected));
        assertEq(market.verdictCount(), 0);
    }

    function test_submitTask__rejected_after_silence__counts_on_from_the_effective_attempt() public {
        bytes32 taskId = openAndStart(1);
        vm.roll(taskOf(taskId).seedBlock + ATTEMPT_BLOCKS); // attempt 0 passed without a certificate
        decide(taskId, 1, ALL, false);
        assertEq(taskOf(taskId).attempt, 2);
        assertEq(taskOf(taskId).attemptOffset, ATTEMPT_BLOCKS);
    }

    function test_submitTask__rejected_then_approved__same_seed_next_performer() public {
        bytes32 taskId = openAndStart(1);
        Evaluation memory first = evaluationOf(taskId, 0);
        uint256 performer = performerIndex(taskId, 0);
        submit(0, first, ALL, false);
        decide(taskId, 1, ALL, true);
        Evaluation memory second = market.verdictAt(0).evaluation;
        assertEq(second.inputHash, first.inputHash);
        assertEq(second.performer, operatorOf((performer + 1) % 3));
    }

    // ---- a task from opening to claim

    function test_flow__reject_silence_approve_claim__all_signers_are_paid() public {
        bytes32 taskId = openAndStart(1);
        decide(taskId, 0, 6, false); // the first performer's evaluation is wrong
        vm.roll(vm.getBlockNumber() + ATTEMPT_BLOCKS); // the second is silent
        assertEq(center.effectiveAttempt(taskId), 2);
        decide(taskId, 2, ALL, true);
        for (uint256 index = 0; index < 3; ++index) {
            center.claim(operatorOf(index), center.settlementCount());
            assertEq(market.paymentAt(index).receiver, receiverOf(index));
        }
    }

    // ---- steps

    function decideAs(uint256 poster, bytes32 taskId, uint128 bitmap) private {
        submit(poster, evaluationOf(taskId, 0), bitmap, true);
    }

    function checkTurn(uint256 number, bool hasTurn) private view {
        assertTrue(market.verdictAt(number).isAggregatorPaid == hasTurn, "the aggregator is paid in its turn only");
    }

    /// @dev The operator performed, signed and posted the only task in its turn.
    function checkPaidInAllRoles(uint256 index, address receiver) private {
        center.claim(operatorOf(index), 1);
        FeeShare memory expected = FeeShare(1, true, true, type(uint32).max, STAKE, 3 * STAKE);
        assertEq(abi.encode(market.paymentAt(0).share), abi.encode(expected));
        assertEq(market.paymentAt(0).receiver, receiver);
    }

    function checkVerdict(bytes32 taskId, bool isAggregatorPaid) private view {
        Verdict memory expected = Verdict({
            projectId: 1,
            submissionIndex: 5,
            evaluation: evaluationOf(taskId, 0),
            isAggregatorPaid: isAggregatorPaid,
            signedShare: type(uint32).max / 3 * 2, // two of three; 2³² − 1 is divisible by 3
            signedStake: 2 * STAKE,
            totalStake: 3 * STAKE
        });
        assertEq(abi.encode(market.verdictAt(0)), abi.encode(expected));
    }

    function rotate(uint256 index, uint256 next) private {
        address owner = ownerOf(operatorOf(index));
        bytes memory consent = consentBy(signingSecret(next), governance, owner, blsSecret(index));
        bytes memory key = BlsSigner.publicKey(blsSecret(index));
        vm.prank(owner);
        governance.rotateSigningKey(operatorOf(index), operatorOf(next), key, consent);
    }

    /// @dev Operators 0 to 2 sign and post with the keys 9 to 11.
    function submitRotated(Evaluation memory evaluation, bytes memory signature, uint256 poster) private {
        goToTurn(poster, 3);
        Certificate memory certificate = certify(evaluation, ALL, true);
        certificate.performerSignature = signature;
        // forge-lint: disable-next-line(unsafe-typecast) There are three operators.
        certificate.posterSlot = uint8(poster);
        vm.prank(operatorOf(poster + 9));
        center.submitTask(infoOf(evaluation), certificate);
    }
}
