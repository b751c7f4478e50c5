// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {BLS12381} from "../../src/libraries/BLS12381.sol";
import {Rewards} from "../../src/libraries/Rewards.sol";
import {
    Certificate,
    Evaluation,
    FeeShare,
    OperatorStatus,
    Registration,
    SignedVote,
    TaskInfo,
    TaskStatus,
    Verdict
} from "../../src/types/Types.sol";
import {BlsSigner} from "../support/BlsSigner.sol";
import {CenterTest} from "../support/CenterTest.sol";

/// @dev Attacks by accounts that are operators or become operators. Attacks on a certificate are in `Attacks.t.sol`.
contract AttacksByOperatorsTest is CenterTest {
    uint96 private constant FEE = 0.1 ether;

    // ---- keys

    function test_rogue_key__computed_from_others__not_registered() public {
        // With own + (−key 0) registered, the attacker alone could sign for operator 0 and itself.
        uint256 own = 0xbad;
        bytes memory opposite = BlsSigner.publicKey(BlsSigner.ORDER - blsSecret(0));
        Registration memory registration = registrationOf(governance, 3, STAKE);
        registration.blsKey = BLS12381.addG1(BlsSigner.publicKey(own), opposite);
        registration.possession = possessionOf(governance, own, operatorOf(3));
        address owner = ownerOf(operatorOf(3));
        vm.deal(owner, STAKE);
        vm.prank(owner);
        vm.expectRevert(IAvsGovernance.BadPossession.selector);
        governance.registerOperator{value: STAKE}(registration);
    }

    function test_keys_that_cancel__identity_signature__refused() public {
        // The keys of two operators sum to the identity. For that key, the identity is a signature on any message.
        deploy();
        register(0, STAKE);
        registerFor(governance, oppositeOf(0, 1));
        register(2, STAKE);
        vm.roll(vm.getBlockNumber() + ACTIVATION_DELAY);
        governance.sealOperatorSet();
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        Certificate memory certificate = certify(evaluation, ALL, true);
        (certificate.bitmap, certificate.signature) = (3, new bytes(256));
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.BadAggregateSignature.selector);
        expectRefusal(reason, infoOf(evaluation), certificate);
    }

    function test_keys_that_cancel__whole_set__refused() public {
        deploy();
        register(0, STAKE);
        registerFor(governance, oppositeOf(0, 1));
        vm.roll(vm.getBlockNumber() + ACTIVATION_DELAY);
        governance.sealOperatorSet();
        setMinimum(2);
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        Certificate memory certificate = certify(evaluation, 1, true);
        (certificate.bitmap, certificate.signature) = (3, new bytes(256));
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.BadAggregateSignature.selector);
        expectRefusal(reason, infoOf(evaluation), certificate);
    }

    // ---- joining late, leaving early

    function test_late_joiner__neither_signs_nor_posts() public {
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        register(3, 1_000 * STAKE);
        vm.roll(vm.getBlockNumber() + ACTIVATION_DELAY);
        depart(0); // so that a set with the new operator can be sealed at once
        governance.sealOperatorSet();

        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.EmptySlotSigned.selector, 3);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, 15, true));
        TaskInfo memory info = infoOf(evaluation);
        Certificate memory certificate = certify(evaluation, ALL, true);
        certificate.posterSlot = 3;
        vm.prank(operatorOf(3));
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.NotInOperatorSet.selector, operatorOf(3)));
        center.submitTask(info, certificate);
    }

    function test_exit_before_slash__stake_waits_for_the_proof() public {
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        center.fixSeed(evaluation.taskId, headerFor(evaluation.taskId));
        SignedVote memory approved = voteOf(evaluation, true, 1);
        SignedVote memory rejected = voteOf(evaluation, false, 1);
        depart(0);
        governance.sealOperatorSet();
        uint256 unbonded = vm.getBlockNumber() + UNBONDING_BLOCKS;
        vm.roll(unbonded - 1);
        address owner = ownerOf(operatorOf(0));
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.StillUnbonding.selector, unbonded));
        governance.completeDeregistration(operatorOf(0), owner);

        center.proveConflict(approved, rejected, "");
        vm.roll(unbonded);
        vm.prank(owner);
        governance.completeDeregistration(operatorOf(0), owner);
        assertEq(owner.balance, STAKE - STAKE / 10);
    }

    // ---- strangers with more stake than all others

    function test_sybil_set__not_admitted__cannot_register() public {
        vm.prank(timelock);
        governance.setRegistrationOpen(false);
        Registration memory registration = registrationOf(governance, 3, 1_000 * STAKE);
        address owner = ownerOf(operatorOf(3));
        vm.deal(owner, 1_000 * STAKE);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.NotAdmitted.selector, owner));
        governance.registerOperator{value: 1_000 * STAKE}(registration);
    }

    function test_sybil_set__registered_and_sealed_at_once__has_no_vote_yet() public {
        vm.roll(vm.getBlockNumber() + EPOCH_BLOCKS);
        register(3, 1_000 * STAKE);
        governance.sealOperatorSet();
        assertEq(governance.sealedSet(2).totalStake, 3 * STAKE);
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        assertEq(taskOf(evaluation.taskId).setVersion, 2);
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.EmptySlotSigned.selector, 3);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, 8, true));
    }

    function test_sybil_set__certifies_junk__dispute_overturns_and_slashes_each_signer() public {
        register(3, 100 * STAKE);
        register(4, 100 * STAKE);
        vm.roll(vm.getBlockNumber() + EPOCH_BLOCKS);
        governance.sealOperatorSet();
        bytes32 taskId = openAndStart(1);
        decide(taskId, 0, 24, true); // the honest three cannot stop it
        assertTrue(taskOf(taskId).status == TaskStatus.SETTLED, "settled");

        address honest = makeAddress("honest");
        vm.prank(honest);
        center.dispute(taskId);
        vm.prank(resolver);
        center.resolve(taskId, true);
        assertEq(governance.getOperator(operatorOf(3)).stake, 80 * STAKE);
        assertEq(governance.getOperator(operatorOf(4)).stake, 80 * STAKE);
        assertEq(governance.getOperator(operatorOf(0)).stake, STAKE);
        assertEq(governance.creditOf(honest), 20 * STAKE);
        assertEq(governance.creditOf(treasury), 20 * STAKE);
    }

    // ---- minorities

    function test_minority__34_percent_reject_the_truth__slashes_nobody() public {
        deployWithStakes(33 ether, 33 ether, 34 ether);
        bytes32 taskId = openAndStart(1);
        for (uint8 attempt = 0; attempt < 3; ++attempt) {
            decide(taskId, attempt, 4, false);
        }
        assertEq(governance.pot(), 0);
        assertEq(governance.creditOf(treasury), 0);
        for (uint256 index = 0; index < 3; ++index) {
            assertTrue(governance.getOperator(operatorOf(index)).status == OperatorStatus.ACTIVE, "active");
        }
    }

    function test_minority__third_of_the_stake__cannot_approve() public {
        Evaluation memory evaluation = evaluationOf(openAndStart(1), 0);
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.QuorumNotReached.selector, STAKE, 3 * STAKE);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, 1, true));
    }

    // ---- a signer left out for profit

    function test_signer_left_out__no_one_earns_more() public {
        bytes32[2] memory tasks = [openAndStart(1), openAndStart(2)];
        goToTurn(0, 3);
        submit(0, evaluationOf(tasks[0], 0), ALL, true);
        submit(0, evaluationOf(tasks[1], 0), 3, true); // without operator 2
        center.claim(operatorOf(0), 2);

        uint256 fair = earnedBySigning(0);
        uint256 greedy = earnedBySigning(1);
        assertEq(fair, FEE / 10 + FEE / 2 / 3);
        assertEq(greedy, FEE / 10 * 2 / 3 + FEE / 2 / 3);
        assertLe(greedy, fair);
    }

    function test_signer_left_out__without_a_turn__no_one_earns_more() public {
        bytes32[2] memory tasks = [openAndStart(1), openAndStart(2)];
        goToTurn(1, 3);
        submit(0, evaluationOf(tasks[0], 0), ALL, true);
        submit(0, evaluationOf(tasks[1], 0), 3, true);
        center.claim(operatorOf(0), 2);
        assertEq(earnedBySigning(0), FEE * 6 / 10 / 3);
        assertEq(earnedBySigning(1), FEE * 6 / 10 / 3);
    }

    // ---- steps

    /// @dev Without the performer's part, which depends on chance.
    function earnedBySigning(uint256 payment) private view returns (uint256) {
        FeeShare memory share = market.paymentAt(payment).share;
        share.isPerformer = false;
        return this.shareOf(share);
    }

    function shareOf(FeeShare calldata share) external pure returns (uint256) {
        return Rewards.shareOf(FEE, share);
    }

    function voteOf(Evaluation memory evaluation, bool approved, uint128 bitmap)
        private
        view
        returns (SignedVote memory)
    {
        bytes memory signature = BlsSigner.signVote(secretOf(bitmap), voteDigestOf(evaluation, approved));
        return SignedVote(evaluation, approved, bitmap, signature);
    }

    /// @dev A valid registration of operator `index` with the negated key of operator `of_`.
    function oppositeOf(uint256 of_, uint256 index) private view returns (Registration memory registration) {
        uint256 secret = BlsSigner.ORDER - blsSecret(of_);
        registration = registrationOf(governance, index, STAKE);
        registration.blsKey = BlsSigner.publicKey(secret);
        registration.possession = possessionOf(governance, secret, operatorOf(index));
        registration.consent = consentBy(signingSecret(index), governance, ownerOf(operatorOf(index)), secret);
    }

    function setMinimum(uint8 minOperators) private {
        IAttestationCenter.Parameters memory next = defaultParameters();
        next.minOperators = minOperators;
        vm.prank(timelock);
        center.setParameters(next);
    }
}
