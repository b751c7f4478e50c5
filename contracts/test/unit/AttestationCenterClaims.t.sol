// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {Bits} from "../../src/libraries/Bits.sol";
import {Certificate, Evaluation, FeeShare, TaskRequest} from "../../src/types/Types.sol";
import {BlsSigner} from "../support/BlsSigner.sol";
import {CenterTest} from "../support/CenterTest.sol";
import {RecordingMarket} from "../support/RecordingMarket.sol";

/// @dev Parts of slashed stake are in `AttestationCenterGuilt.t.sol`.
contract AttestationCenterClaimsTest is CenterTest {
    function test_claim__signed_two_of_three__pays_their_shares() public {
        settleBy(1, 3);
        settleWithout(0, 2);
        settleBy(3, ALL);

        vm.expectEmit(address(center));
        emit IAttestationCenter.FeesClaimed(operatorOf(0), 0, 3);
        center.claim(operatorOf(0), type(uint64).max); // more than exist: claims all
        assertEq(market.paymentCount(), 2);
        for (uint256 i = 0; i < 2; ++i) {
            assertEq(market.paymentAt(i).caller, address(avsLogic));
            assertEq(market.paymentAt(i).receiver, receiverOf(0));
            assertEq(market.paymentAt(i).share.stake, STAKE);
            assertEq(market.paymentAt(i).share.totalStake, 3 * STAKE); // absent stake earns nobody anything
        }
        assertEq(center.cursorOf(operatorOf(0)), 3);
        assertEq(center.cursorOf(operatorOf(1)), 0);
    }

    function test_claim__with_and_without_an_aggregator__says_so() public {
        bytes32[2] memory tasks = [openAndStart(1), openAndStart(2)];
        goToTurn(1, 3);
        submit(1, evaluationOf(tasks[0], 0), ALL, true);
        submit(2, evaluationOf(tasks[1], 0), ALL, true);
        center.claim(operatorOf(0), 2);
        uint32 whole = type(uint32).max;
        bool[2] memory isPerformer = [performerIndex(tasks[0], 0) == 0, performerIndex(tasks[1], 0) == 0];
        checkShare(0, FeeShare(1, isPerformer[0], true, 0, STAKE, 3 * STAKE));
        checkShare(1, FeeShare(1, isPerformer[1], false, 0, STAKE, 3 * STAKE));
        isPerformer = [performerIndex(tasks[0], 0) == 1, performerIndex(tasks[1], 0) == 1];
        center.claim(operatorOf(1), 2);
        checkShare(2, FeeShare(1, isPerformer[0], true, whole, STAKE, 3 * STAKE));
        checkShare(3, FeeShare(1, isPerformer[1], false, 0, STAKE, 3 * STAKE)); // posted out of its turn
    }

    function test_claim__performed_only__paid_as_performer() public {
        bytes32 taskId = openAndStart(1);
        uint256 performer = performerIndex(taskId, 0);
        goToTurn((performer + 1) % 3, 3);
        submit((performer + 1) % 3, evaluationOf(taskId, 0), without(performer), true);
        center.claim(operatorOf(performer), 1);
        assertEq(market.paymentCount(), 1);
        checkShare(0, FeeShare(1, true, true, 0, 0, 3 * STAKE));
    }

    function test_claim__posted_only__paid_as_aggregator_of_what_signed() public {
        bytes32 taskId = openAndStart(1);
        uint256 poster = (performerIndex(taskId, 0) + 1) % 3;
        goToTurn(poster, 3);
        submit(poster, evaluationOf(taskId, 0), without(poster), true);
        center.claim(operatorOf(poster), 1);
        checkShare(0, FeeShare(1, false, true, type(uint32).max / 3 * 2, 0, 3 * STAKE));
    }

    function test_claim__posted_only_out_of_turn__nothing() public {
        bytes32 taskId = openAndStart(1);
        uint256 poster = (performerIndex(taskId, 0) + 1) % 3;
        goToTurn((poster + 1) % 3, 3);
        submit(poster, evaluationOf(taskId, 0), without(poster), true);
        center.claim(operatorOf(poster), 1);
        assertEq(market.paymentCount(), 0);
    }

    /// @dev A rejected performer is in no settlement: the word of a rejection has no performer's slot.
    function test_claim__rejecters_of_a_guilty_performer__each_once() public {
        bytes32 taskId = openAndStart(1);
        uint256 culprit = performerIndex(taskId, 0);
        decide(taskId, 0, without(culprit), false);
        center.claim(operatorOf(culprit), 1);
        assertEq(market.paymentCount(), 0);
        assertEq(governance.creditOf(receiverOf(culprit)), 0);
    }

    function test_claim__projects_differ__names_each() public {
        bytes32 taskId = openOf(1_099_511_627_775, 1); // the largest number of a project
        decide(taskId, 0, ALL, true);
        taskId = openOf(2, 2);
        decide(taskId, 0, ALL, true);
        center.claim(operatorOf(0), 2);
        assertEq(market.paymentAt(0).share.projectId, 1_099_511_627_775);
        assertEq(market.paymentAt(1).share.projectId, 2);
    }

    function test_claim__versions_with_other_stakes__each_by_its_own() public {
        settleBy(1, ALL);
        vm.deal(address(this), STAKE);
        governance.increaseStake{value: STAKE}(operatorOf(0), STAKE);
        depart(2); // so that the next set can be sealed at once
        bytes32 earlier = openAndStart(2);
        governance.sealOperatorSet();
        // Two operators are fewer than the minimum.
        IAttestationCenter.Parameters memory next = defaultParameters();
        next.minOperators = 2;
        vm.prank(timelock);
        center.setParameters(next);
        bytes32 later = openAndStart(3);
        decide(later, 0, 3, true);
        decide(earlier, 0, ALL, true);

        center.claim(operatorOf(0), 3);
        checkStake(0, STAKE, 3 * STAKE);
        checkStake(1, 2 * STAKE, 3 * STAKE);
        checkStake(2, STAKE, 3 * STAKE);
    }

    function test_claim__in_parts__pays_each_once() public {
        settleBy(1, ALL);
        settleBy(2, ALL);
        vm.expectEmit(address(center));
        emit IAttestationCenter.FeesClaimed(operatorOf(1), 0, 1);
        center.claim(operatorOf(1), 1);
        assertEq(center.cursorOf(operatorOf(1)), 1);
        vm.expectRevert(IAttestationCenter.NothingToClaim.selector);
        center.claim(operatorOf(1), 1);
        center.claim(operatorOf(1), 2);
        assertEq(market.paymentCount(), 2);
        vm.expectRevert(IAttestationCenter.NothingToClaim.selector);
        center.claim(operatorOf(1), 3);
    }

    function test_claim__nothing_settled__reverts() public {
        vm.expectRevert(IAttestationCenter.NothingToClaim.selector);
        center.claim(operatorOf(0), 1);
    }

    function test_claim__signed_none__moves_the_cursor_only() public {
        settleWithout(2, 1);
        vm.expectCall(address(market), abi.encodeWithSelector(market.payOperator.selector), 0);
        vm.recordLogs();
        center.claim(operatorOf(2), 1);
        assertEq(vm.getRecordedLogs().length, 1); // FeesClaimed alone
        assertEq(center.cursorOf(operatorOf(2)), 1);
    }

    /// @dev Attack: an empty record reads as slot 0, and its receiver is the zero address.
    function test_claim__account_that_is_no_operator__reverts() public {
        settleBy(1, ALL);
        vm.expectRevert(IAttestationCenter.NothingToClaim.selector);
        center.claim(makeAddress("stranger"), 1);
        assertEq(market.paymentCount(), 0);
    }

    /// @dev An operator is named by its first signing address. The rotated one has no record, and no cursor either.
    function test_claim__rotated_signing_address__reverts() public {
        settleBy(1, ALL);
        address owner = ownerOf(operatorOf(0));
        bytes memory consent = consentBy(signingSecret(9), governance, owner, blsSecret(0));
        bytes memory key = BlsSigner.publicKey(blsSecret(0));
        vm.prank(owner);
        governance.rotateSigningKey(operatorOf(0), operatorOf(9), key, consent);
        vm.expectRevert(IAttestationCenter.NothingToClaim.selector);
        center.claim(operatorOf(9), 1);
    }

    function test_claim__paused__works() public {
        settleBy(1, ALL);
        pause();
        center.claim(operatorOf(0), 1);
        assertEq(market.paymentCount(), 1);
    }

    function test_claim__changed_receiver__is_paid() public {
        settleBy(1, ALL);
        vm.prank(ownerOf(operatorOf(0)));
        governance.setRewardsReceiver(operatorOf(0), makeAddress("new receiver"));
        center.claim(operatorOf(0), 1);
        assertEq(market.paymentAt(0).receiver, makeAddress("new receiver"));
    }

    // ---- joining and leaving

    function test_claim__registered_later__starts_there() public {
        settleBy(1, ALL);
        settleBy(2, ALL);
        register(3, STAKE);
        assertEq(center.cursorOf(operatorOf(3)), 2);
        vm.expectRevert(IAttestationCenter.NothingToClaim.selector);
        center.claim(operatorOf(3), 2);
        settleBy(3, ALL);
        vm.expectEmit(address(center));
        emit IAttestationCenter.FeesClaimed(operatorOf(3), 2, 3);
        center.claim(operatorOf(3), 3);
        assertEq(market.paymentCount(), 0);
    }

    function test_claim__left_while_a_task_is_open__still_signs_and_is_paid() public {
        bytes32 taskId = openAndStart(1);
        depart(2);
        governance.sealOperatorSet();
        decide(taskId, 0, ALL, true);
        center.claim(operatorOf(2), 1);
        checkStake(0, STAKE, 3 * STAKE);
        assertEq(market.paymentAt(0).receiver, receiverOf(2));
    }

    function test_claim__exited_operator_and_its_slots_next_holder__each_its_own() public {
        register(3, STAKE); // so that three are left
        settleBy(1, ALL);
        depart(0);
        vm.roll(vm.getBlockNumber() + EPOCH_BLOCKS);
        governance.sealOperatorSet();
        vm.roll(vm.getBlockNumber() + UNBONDING_BLOCKS);
        governance.releaseSlot(operatorOf(0));
        register(4, STAKE);
        assertEq(governance.getOperator(operatorOf(4)).slot, 0);
        vm.roll(vm.getBlockNumber() + ACTIVATION_DELAY);
        governance.sealOperatorSet();
        settleWithSlotZeroOf(4);

        center.claim(operatorOf(4), 2); // the second settlement alone
        assertEq(market.paymentCount(), 1);
        assertEq(market.paymentAt(0).receiver, receiverOf(4));
        center.claim(operatorOf(0), 2); // the first alone, although its slot signed both
        assertEq(market.paymentCount(), 2);
        assertEq(market.paymentAt(1).receiver, receiverOf(0));
        assertEq(market.paymentAt(1).share.totalStake, 3 * STAKE);
    }

    function test_claim__jailed__paid_for_what_it_signed() public {
        bytes32 open = openAndStart(1);
        bytes32 rejected = openAndStart(2);
        uint256 culprit = performerIndex(rejected, 0);
        decide(rejected, 0, ALL, false);
        governance.sealOperatorSet(); // without the jailed operator
        decide(open, 0, ALL, true);
        center.claim(operatorOf(culprit), 2);
        assertEq(market.paymentCount(), 1);
        assertEq(market.paymentAt(0).receiver, receiverOf(culprit));
    }

    function test_claim__rotated_key__old_and_new_signatures_are_paid() public {
        settleBy(1, ALL);
        address owner = ownerOf(operatorOf(0));
        bytes memory consent = consentBy(signingSecret(9), governance, owner, blsSecret(0));
        bytes memory key = BlsSigner.publicKey(blsSecret(0));
        vm.prank(owner);
        governance.rotateSigningKey(operatorOf(0), operatorOf(9), key, consent);
        vm.roll(vm.getBlockNumber() + EPOCH_BLOCKS);
        governance.sealOperatorSet();
        bytes32 taskId = openAndStart(2);
        uint8 attempt = 0;
        while (performerIndex(taskId, attempt) == 0) ++attempt; // the fixture signs with the old key
        vm.roll(taskOf(taskId).seedBlock + 1 + uint256(attempt) * ATTEMPT_BLOCKS);
        submit(1, evaluationOf(taskId, attempt), ALL, true);

        center.claim(operatorOf(0), 2);
        assertEq(market.paymentCount(), 2);
        assertEq(market.paymentAt(1).receiver, receiverOf(0));
        assertEq(market.paymentAt(1).share.stake, STAKE);
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_claim__any_signers_any_parts__each_signature_paid_once(uint8[6] memory signers, uint8 part)
        public
    {
        uint256 signatures = 0;
        for (uint32 i = 0; i < signers.length; ++i) {
            signers[i] = [3, 5, 6, 7][signers[i] % 4]; // two or three of three
            signatures += signers[i] == 7 ? 3 : 2;
            settleBy(i, signers[i]);
        }
        for (uint256 index = 0; index < 3; ++index) {
            uint64 middle = uint64(bound(part, 1, 5));
            center.claim(operatorOf(index), middle);
            center.claim(operatorOf(index), 6);
        }
        uint256 attested = 0;
        uint256 performed = 0;
        for (uint256 i = 0; i < market.paymentCount(); ++i) {
            FeeShare memory share = market.paymentAt(i).share;
            if (share.stake != 0) ++attested;
            if (share.isPerformer) ++performed;
        }
        assertEq(attested, signatures);
        assertEq(performed, signers.length);
    }

    // ---- steps

    function without(uint256 index) private pure returns (uint128) {
        return ALL ^ Bits.only(uint8(index));
    }

    /// @dev Settle a task that this operator neither performs, signs nor posts.
    function settleWithout(uint256 index, uint32 submissionIndex) private {
        bytes32 taskId = openAndStart(submissionIndex);
        uint8 attempt = 0;
        while (performerIndex(taskId, attempt) == index) ++attempt;
        vm.roll(taskOf(taskId).seedBlock + 1 + uint256(attempt) * ATTEMPT_BLOCKS);
        submit((index + 1) % 3, evaluationOf(taskId, attempt), without(index), true);
    }

    function openOf(uint40 projectId, uint32 submissionIndex) private returns (bytes32 taskId) {
        TaskRequest memory request = requestOf(submissionIndex);
        request.projectId = projectId;
        market.open(center, request);
        goToStart(request.taskId);
        return request.taskId;
    }

    /// @dev Settle a task of a set whose slots 0 to 3 hold the operators `first`, 1, 2 and 3.
    function settleWithSlotZeroOf(uint256 first) private {
        bytes32 taskId = openAndStart(2);
        uint8 attempt = 0;
        while (performerIndex(taskId, attempt) == 0) ++attempt; // the fixture signs for operator 0
        vm.roll(taskOf(taskId).seedBlock + 1 + uint256(attempt) * ATTEMPT_BLOCKS);
        Evaluation memory evaluation = evaluationOf(taskId, attempt);
        Certificate memory certificate = certify(evaluation, 14, true);
        bytes memory own = BlsSigner.signVote(blsSecret(first), voteDigestOf(evaluation, true));
        certificate.signature = BlsSigner.addG2(certificate.signature, own);
        certificate.bitmap = 15;
        submitAs(1, infoOf(evaluation), certificate);
    }

    function checkStake(uint256 number, uint96 stake, uint96 total) private view {
        assertEq(market.paymentAt(number).share.stake, stake);
        assertEq(market.paymentAt(number).share.totalStake, total);
    }

    function checkShare(uint256 number, FeeShare memory expected) private view {
        RecordingMarket.Payment memory payment = market.paymentAt(number);
        assertEq(abi.encode(payment.share), abi.encode(expected));
    }
}
