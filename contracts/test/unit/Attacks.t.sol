// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {Certificate, Evaluation, Registration, TaskInfo} from "../../src/types/Types.sol";
import {AttestationFixture} from "../support/AttestationFixture.sol";
import {BlsSigner} from "../support/BlsSigner.sol";

/// @dev Attacks on a certificate. Attacks on registration are in `AvsGovernance.t.sol`, those on curve points in
///      `golden/Bls.t.sol`. Each test starts from a certificate that would settle, and changes one thing.
contract AttacksTest is AttestationFixture {
    uint128 private constant ALL = 7;
    uint256 private constant SECP256K1_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    bytes32 private taskId;
    Evaluation private evaluation;

    function setUp() public {
        deployWithOperators(3);
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
        vm.roll(taskOf(taskId).seedBlock + 3 * ATTEMPT_BLOCKS); // attempt 3 has the performer of attempt 0
        Evaluation memory later = evaluationOf(taskId, 3);
        assertEq(later.performer, evaluation.performer);
        refuseVotes(later, certify(evaluation, ALL, true).signature, true);
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
        Certificate memory certificate = certify(evaluation, ALL, true);
        vm.chainId(5); // the separator follows the chain id, so each chain of a split has its own certificates
        expectRefusal(
            abi.encodeWithSelector(IAttestationCenter.BadPerformerSignature.selector), infoOf(evaluation), certificate
        );
    }

    function test_replay__possession_proofs_as_votes__refused() public {
        bytes32 digest = voteDigestOf(evaluation, true);
        refuseVotes(evaluation, BlsSigner.provePossession(secretOf(ALL), digest), true);
    }

    // ---- forged points

    function test_forgery__identity_signature__refused() public {
        refuseVotes(evaluation, new bytes(256), true);
    }

    function test_forgery__keys_that_cancel__refused() public {
        // The keys of two operators sum to the identity. For that key, the identity is a signature on any message.
        operatorCount = 0;
        deploy();
        register(0, STAKE);
        registerFor(governance, oppositeOf(0, 1));
        register(2, STAKE);
        operatorCount = 3;
        governance.sealOperatorSet();
        taskId = openAndStart(1);
        evaluation = evaluationOf(taskId, 0);

        Certificate memory certificate = certify(evaluation, ALL, true);
        (certificate.bitmap, certificate.signature) = (3, new bytes(256));
        refuse(infoOf(evaluation), certificate, IAttestationCenter.BadAggregateSignature.selector);
    }

    function test_forgery__malformed_signature__refused() public {
        Certificate memory certificate = certify(evaluation, ALL, true);
        certificate.signature[0] = 0x01; // the encoding requires a zero here
        refuse(infoOf(evaluation), certificate, IAttestationCenter.BadAggregateSignature.selector);
    }

    function test_forgery__one_signer_counted_twice__impossible_in_a_bitmap() public {
        // 2 × signature 0 verifies for 2 × key 0, but a bitmap cannot count a key twice.
        bytes memory once = BlsSigner.signVote(blsSecret(0), voteDigestOf(evaluation, true));
        Certificate memory certificate = certify(evaluation, 3, true);
        certificate.signature = BlsSigner.addG2(once, once);
        refuse(infoOf(evaluation), certificate, IAttestationCenter.BadAggregateSignature.selector);
    }

    // ---- the set

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

    function test_set__late_joiner__neither_signs_nor_posts() public {
        register(3, 1_000 * STAKE);
        vm.prank(ownerOf(operatorOf(0)));
        governance.deregisterOperator(operatorOf(0)); // so that a set with the new operator can be sealed at once
        governance.sealOperatorSet();
        operatorCount = 3; // the size of the task's set

        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.EmptySlotSigned.selector, 3);
        expectRefusal(reason, infoOf(evaluation), certify(evaluation, 15, true));
        Certificate memory certificate = certify(evaluation, ALL, true);
        TaskInfo memory info = infoOf(evaluation);
        vm.prank(operatorOf(3));
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.NotInOperatorSet.selector, operatorOf(3)));
        center.submitTask(info, certificate);
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

    // ---- rewards of posting

    function test_posting__copied_calldata__earns_nothing() public {
        TaskInfo memory info = infoOf(evaluation);
        Certificate memory certificate = certify(evaluation, ALL, true);
        uint256 turn = (vm.getBlockNumber() / TURN_BLOCKS) % 3;
        submitAs((turn + 1) % 3, info, certificate); // before the operator whose turn it is
        assertEq(market.verdictAt(0).aggregatorReceiver, address(0));
    }

    // ---- steps

    function refuseVotes(Evaluation memory claimed, bytes memory signature, bool approved) private {
        Certificate memory certificate = certify(claimed, ALL, approved);
        assertTrue(keccak256(certificate.signature) != keccak256(signature), "the replay must differ");
        certificate.signature = signature;
        refuse(infoOf(claimed), certificate, IAttestationCenter.BadAggregateSignature.selector);
    }

    function refuse(TaskInfo memory info, Certificate memory certificate, bytes4 reason) private {
        expectRefusal(abi.encodeWithSelector(reason), info, certificate);
    }

    function signFor(address verifyingContract, uint256 chainId) private returns (bytes memory) {
        uint256 home = block.chainid;
        vm.chainId(chainId);
        bytes32 separator = separatorOf(verifyingContract);
        vm.chainId(home);
        bytes32 structHash = Digests.evaluationHash(evaluation);
        return BlsSigner.signVote(secretOf(ALL), Digests.voteDigest(separator, taskId, 0, structHash, true));
    }

    /// @dev A valid registration of operator `index` with the negated key of operator `of_`.
    function oppositeOf(uint256 of_, uint256 index) private view returns (Registration memory registration) {
        uint256 secret = BlsSigner.ORDER - blsSecret(of_);
        registration = registrationOf(governance, index, STAKE);
        registration.blsKey = BlsSigner.publicKey(secret);
        registration.possession = possessionOf(governance, secret, operatorOf(index));
    }

    function signedBy(uint256 index) private view returns (bytes memory) {
        return signEcdsa(signingSecret(index), evaluationDigest());
    }

    function evaluationDigest() private view returns (bytes32) {
        return Digests.evaluationDigest(separatorOf(address(center)), evaluation);
    }

    function otherIndex() private returns (uint256) {
        return (performerIndex(taskId, 0) + 1) % 3;
    }
}
