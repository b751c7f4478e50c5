// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {ISeedSource} from "../../src/interfaces/ISeedSource.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {Certificate, Evaluation, TaskInfo} from "../../src/types/Types.sol";
import {BlsSigner} from "../support/BlsSigner.sol";
import {CenterTest} from "../support/CenterTest.sol";

/// @dev Attacks on a certificate. Attacks by operators are in `AttacksByOperators.t.sol`. Each test starts from a
///      certificate that would settle, and changes one thing.
contract AttacksTest is CenterTest {
    /// On the curve of G2, outside the subgroup: from `tests/golden/bls.json`.
    bytes private constant STRAY_POINT = hex"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000002"
        hex"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        hex"00000000000000000000000000000000013a59858b6809fca4d9a3b6539246a70051a3c88899964a42bc9a69cf9acdd9dd387cfa9086b894185b9a46a402be73"
        hex"0000000000000000000000000000000002d27e0ec3356299a346a09ad7dc4ef68a483c3aed53f9139d2f929a3eecebf72082e5e58c6da24ee32e03040c406d4f";
    uint256 private constant SECP256K1_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    bytes32 private taskId;
    Evaluation private evaluation;

    function setUp() public override {
        super.setUp();
        taskId = openAndStart(1);
        evaluation = evaluationOf(taskId, 0);
    }

    function test_baseline__nothing_changed__settles() public {
        submitAs(0, infoOf(evaluation), certify(evaluation, ALL, true));
        assertEq(center.settlementCount(), 1);
    }

    // ---- replay

    function test_replay__votes_of_another_task__refused() public {
        bytes32 otherTask = openAndStart(2);
        Evaluation memory other = evaluationOf(otherTask, 0);
        refuseVotes(other, certify(evaluation, ALL, true).signature, true);
    }

    function test_replay__votes_of_another_attempt__refused() public {
        Certificate memory earlier = certify(evaluation, ALL, true);
        for (uint8 attempt = 0; attempt < 3; ++attempt) {
            decide(taskId, attempt, ALL, false);
        }
        Evaluation memory later = evaluationOf(taskId, 3);
        assertEq(later.performer, evaluation.performer); // of three operators, it has the turn again
        refuseVotes(later, earlier.signature, true);
    }

    function test_replay__approvals_as_rejections_and_back__refused() public {
        refuseVotes(evaluation, certify(evaluation, ALL, true).signature, false);
        refuseVotes(evaluation, certify(evaluation, ALL, false).signature, true);
    }

    function test_replay__votes_on_other_numbers__refused() public {
        Evaluation memory better = evaluation;
        better.gainLowerBound += 1;
        refuseVotes(better, certify(evaluation, ALL, true).signature, true);
    }

    function test_replay__votes_for_another_contract__refused() public {
        refuseVotes(evaluation, signFor(address(deployCenter(address(market))), block.chainid), true);
    }

    function test_replay__votes_for_another_chain__refused() public {
        refuseVotes(evaluation, signFor(address(center), 5), true);
    }

    function test_replay__votes_after_the_chain_split__refused() public {
        // The separator follows the chain id, so each chain of a split has its own certificates. So does the seed, and
        // with it the performer.
        TaskInfo memory info = infoOf(evaluation);
        Certificate memory certificate = certify(evaluation, ALL, true);
        vm.chainId(5);
        address expected = operatorOf(performerIndex(taskId, 0));
        assertTrue(expected != evaluation.performer, "another performer");
        bytes memory reason =
            abi.encodeWithSelector(IAttestationCenter.NotThePerformer.selector, evaluation.performer, expected);
        expectRefusal(reason, info, certificate);
    }

    function test_replay__possession_proofs_as_votes__refused() public {
        bytes32 digest = voteDigestOf(evaluation, true);
        refuseVotes(evaluation, BlsSigner.provePossession(secretOf(ALL), digest), true);
    }

    // ---- forged points

    function test_forgery__identity_signature__refused() public {
        refuseVotes(evaluation, new bytes(256), true);
    }

    function test_forgery__malformed_signature__refused() public {
        Certificate memory certificate = certify(evaluation, ALL, true);
        certificate.signature[0] = 0x01; // the encoding requires a zero here
        refuse(infoOf(evaluation), certificate, IAttestationCenter.BadAggregateSignature.selector);
    }

    function test_forgery__signature_outside_the_subgroup__refused() public {
        refuseVotes(evaluation, STRAY_POINT, true);
    }

    function test_forgery__signature_plus_a_point_of_small_order__refused() public {
        // Without a check of the subgroup, the pairing would be the same: anyone could change a valid signature.
        bytes memory small = timesOrder(STRAY_POINT);
        assertTrue(keccak256(small) != keccak256(new bytes(256)), "not the identity");
        bytes memory changed = BlsSigner.addG2(certify(evaluation, ALL, true).signature, small);
        refuseVotes(evaluation, changed, true);
    }

    function test_forgery__pair_that_cancels__settles_as_their_sum() public {
        // Two signatures, each wrong by the same point in opposite directions: the sum is the true aggregate. Both
        // signers are paid, so the aggregator must check each alone; the contract sees only what their keys signed.
        bytes32 digest = voteDigestOf(evaluation, true);
        bytes memory delta = BlsSigner.signVote(1, digest);
        bytes memory opposite = BlsSigner.signVote(BlsSigner.ORDER - 1, digest);
        bytes memory first = BlsSigner.addG2(BlsSigner.signVote(blsSecret(0), digest), delta);
        bytes memory second = BlsSigner.addG2(BlsSigner.signVote(blsSecret(1), digest), opposite);
        refuseVotes(evaluation, first, 1, IAttestationCenter.QuorumNotReached.selector);
        Certificate memory certificate = certify(evaluation, 3, true);
        assertEq(BlsSigner.addG2(first, second), certificate.signature);
        submitAs(0, infoOf(evaluation), certificate);
        assertEq(center.settlementCount(), 1);
    }

    function test_forgery__one_signer_counted_twice__impossible_in_a_bitmap() public {
        // 2 × signature 0 verifies for 2 × key 0, but a bitmap cannot count a key twice.
        bytes memory once = BlsSigner.signVote(blsSecret(0), voteDigestOf(evaluation, true));
        Certificate memory certificate = certify(evaluation, 3, true);
        certificate.signature = BlsSigner.addG2(once, once);
        refuse(infoOf(evaluation), certificate, IAttestationCenter.BadAggregateSignature.selector);
    }

    // ---- empty slots

    function test_set__bits_on_empty_slots__refused() public {
        uint8[2] memory empty = [3, 127];
        for (uint256 i = 0; i < empty.length; ++i) {
            Certificate memory certificate = certify(evaluation, ALL, true);
            certificate.bitmap |= uint128(1) << empty[i];
            bytes memory reason = abi.encodeWithSelector(IAttestationCenter.EmptySlotSigned.selector, empty[i]);
            expectRefusal(reason, infoOf(evaluation), certificate);
        }
    }

    function test_set__empty_rejection__refused() public {
        Certificate memory certificate = certify(evaluation, ALL, false);
        (certificate.bitmap, certificate.signature) = (0, new bytes(256));
        refuse(infoOf(evaluation), certificate, IAttestationCenter.NoSigners.selector);
    }

    // ---- the evaluation

    function test_evaluation__swapped_proof_of_task__refused() public {
        TaskInfo memory info = infoOf(evaluation);
        info.proofOfTask = "bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
        refuse(info, certify(evaluation, ALL, true), IAttestationCenter.WrongReportHash.selector);
    }

    function test_evaluation__another_performer_signs_it__refused() public {
        Certificate memory certificate = certify(evaluation, ALL, true);
        certificate.performerSignature = signedBy(otherIndex());
        refuse(infoOf(evaluation), certificate, IAttestationCenter.BadPerformerSignature.selector);
    }

    function test_evaluation__another_performer_claims_it__refused() public {
        address performer = evaluation.performer;
        evaluation.performer = operatorOf(otherIndex());
        Certificate memory certificate = certify(evaluation, ALL, true);
        certificate.performerSignature = signedBy(otherIndex());
        bytes memory reason =
            abi.encodeWithSelector(IAttestationCenter.NotThePerformer.selector, evaluation.performer, performer);
        expectRefusal(reason, infoOf(evaluation), certificate);
    }

    function test_evaluation__performer_names_another__refused() public {
        // The right operator signs, but the fee would go to the operator that the evaluation names.
        TaskInfo memory info = infoOf(evaluation);
        address performer = evaluation.performer;
        evaluation.performer = operatorOf(otherIndex());
        info.data = abi.encode(evaluation);
        bytes memory reason =
            abi.encodeWithSelector(IAttestationCenter.NotThePerformer.selector, evaluation.performer, performer);
        expectRefusal(reason, info, certify(evaluation, ALL, true));
    }

    function test_evaluation__another_performer_in_the_info__refused() public {
        TaskInfo memory info = infoOf(evaluation);
        info.taskPerformer = operatorOf(otherIndex());
        bytes memory reason = abi.encodeWithSelector(
            IAttestationCenter.NotThePerformer.selector, info.taskPerformer, evaluation.performer
        );
        expectRefusal(reason, info, certify(evaluation, ALL, true));
    }

    function test_evaluation__high_s_or_short_performer_signature__refused() public {
        Certificate memory certificate = certify(evaluation, ALL, true);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(signingSecret(performerIndex(taskId, 0)), evaluationDigest());
        certificate.performerSignature = abi.encodePacked(r, SECP256K1_ORDER - uint256(s), v == 27 ? 28 : 27);
        refuse(infoOf(evaluation), certificate, IAttestationCenter.BadPerformerSignature.selector);
        certificate.performerSignature = abi.encodePacked(r, s);
        refuse(infoOf(evaluation), certificate, IAttestationCenter.BadPerformerSignature.selector);
        certificate.performerSignature = "";
        refuse(infoOf(evaluation), certificate, IAttestationCenter.BadPerformerSignature.selector);
    }

    function test_evaluation__rejecting_what_no_performer_signed__refused() public {
        // Otherwise 34 % of the stake could end an attempt by rejecting an evaluation that was never proposed.
        evaluation.challengerScore = 0;
        Certificate memory certificate = certify(evaluation, ALL, false);
        certificate.performerSignature = signedBy(otherIndex());
        refuse(infoOf(evaluation), certificate, IAttestationCenter.BadPerformerSignature.selector);
    }

    // ---- seed

    function test_seed__header_of_my_own__refused() public {
        uint256 seedBlock = taskOf(taskId).seedBlock;
        Certificate memory certificate = certify(evaluation, ALL, true);
        certificate.header = headerWith(seedBlock, keccak256("the randomness that I like"));
        bytes memory reason = abi.encodeWithSelector(
            ISeedSource.WrongHeader.selector, seedBlock, keccak256(headerOf(seedBlock)), keccak256(certificate.header)
        );
        expectRefusal(reason, infoOf(evaluation), certificate);
    }

    function test_seed__ground_by_the_builder__same_for_each_hash() public {
        // The builder can choose the block's hash among many. The seed has PREVRANDAO alone, which is not its choice.
        uint256 seedBlock = taskOf(taskId).seedBlock;
        for (uint8 trial = 0; trial < 10; ++trial) {
            bytes memory header = headerOf(seedBlock);
            header[header.length - 1] ^= bytes1(trial);
            vm.setBlockhash(seedBlock, keccak256(header));
            uint256 state = vm.snapshotState();
            assertEq(center.fixSeed(taskId, header), seedFor(taskId));
            vm.revertToState(state);
        }
    }

    function test_seed__re_rolled_by_rejections__same_for_each_attempt() public {
        for (uint8 attempt = 0; attempt < 3; ++attempt) {
            decide(taskId, attempt, ALL, false);
            assertEq(evaluationOf(taskId, attempt + 1).inputHash, evaluation.inputHash);
        }
        decide(taskId, 3, ALL, true); // the contract agrees
        assertEq(market.verdictAt(0).evaluation.inputHash, evaluation.inputHash);
    }

    // ---- posting

    function test_posting__copied_calldata__earns_nothing() public {
        TaskInfo memory info = infoOf(evaluation);
        Certificate memory certificate = certify(evaluation, ALL, true);
        goToTurn(1, 3);
        submitAs(2, info, certificate); // before the operator whose turn it is
        assertFalse(market.verdictAt(0).isAggregatorPaid, "the fee of an aggregator is for its turn");
        center.claim(operatorOf(2), 1);
        assertEq(market.paymentAt(0).share.aggregatorShare, 0);
    }

    function test_posting__copied_with_the_slot_of_another__refused() public {
        TaskInfo memory info = infoOf(evaluation);
        Certificate memory certificate = certify(evaluation, ALL, true);
        certificate.posterSlot = 1;
        vm.prank(operatorOf(2));
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.NotInOperatorSet.selector, operatorOf(2)));
        center.submitTask(info, certificate);
    }

    function test_posting__two_posters_at_once__second_reverts() public {
        submit(1, evaluation, ALL, true);
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.TaskNotOpen.selector, taskId);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, true));
        assertEq(market.verdictCount(), 1);
    }

    function test_posting__two_posters_of_a_rejection__one_attempt_ends() public {
        submit(1, evaluation, ALL, false);
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.NotEffectiveAttempt.selector, 0, 1);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, ALL, false));
        assertEq(taskOf(taskId).attempt, 1);
    }

    // ---- steps

    function refuseVotes(Evaluation memory claimed, bytes memory signature, bool approved) private {
        Certificate memory certificate = certify(claimed, ALL, approved);
        assertTrue(keccak256(certificate.signature) != keccak256(signature), "the replay must differ");
        certificate.signature = signature;
        refuse(infoOf(claimed), certificate, IAttestationCenter.BadAggregateSignature.selector);
    }

    function refuseVotes(Evaluation memory claimed, bytes memory signature, uint128 bitmap, bytes4 reason) private {
        Certificate memory certificate = certify(claimed, ALL, true);
        (certificate.bitmap, certificate.signature) = (bitmap, signature);
        vm.prank(operatorOf(0));
        vm.expectPartialRevert(reason);
        center.submitTask(infoOf(claimed), certificate);
    }

    function refuse(TaskInfo memory info, Certificate memory certificate, bytes4 reason) private {
        expectRefusal(abi.encodeWithSelector(reason), info, certificate);
    }

    /// @dev The compiler may read the chain id once for a whole test, so the other chain's is an argument.
    function signFor(address verifyingContract, uint256 chainId) private view returns (bytes memory) {
        bytes32 separator = separatorOn(chainId, verifyingContract);
        bytes32 structHash = Digests.evaluationHash(evaluation);
        return BlsSigner.signVote(secretOf(ALL), Digests.voteDigest(separator, taskId, 0, structHash, true));
    }

    /// @dev The point times the order of the subgroup, by additions: the precompile of products refuses stray points.
    function timesOrder(bytes memory point) private view returns (bytes memory product) {
        product = new bytes(256);
        for (uint256 bit = 255; bit > 0; --bit) {
            product = BlsSigner.addG2(product, product);
            if ((BlsSigner.ORDER >> (bit - 1)) & 1 == 1) product = BlsSigner.addG2(product, point);
        }
    }

    function signedBy(uint256 index) private view returns (bytes memory) {
        return signEcdsa(signingSecret(index), evaluationDigest());
    }

    function evaluationDigest() private view returns (bytes32) {
        return Digests.evaluationDigest(separatorOf(address(center)), evaluation);
    }

    function otherIndex() private view returns (uint256) {
        return (performerIndex(taskId, 0) + 1) % 3;
    }
}
