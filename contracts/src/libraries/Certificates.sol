// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {IAttestationCenter} from "../interfaces/IAttestationCenter.sol";
import {IAvsGovernance} from "../interfaces/IAvsGovernance.sol";
import {ISignatureVerifier} from "../interfaces/ISignatureVerifier.sol";
import {Certificate, Code, Evaluation, SealedSet, SignedVote, Task, TaskInfo, TaskStatus} from "../types/Types.sol";
import {Attempts} from "./Attempts.sol";
import {Bits} from "./Bits.sol";
import {Digests} from "./Digests.sol";
import {OperatorSet} from "./OperatorSet.sol";
import {Quorum} from "./Quorum.sol";

/// @title The checks of a certificate, and of votes as evidence. Each reverts with the error that says what is wrong.
library Certificates {
    using Bits for uint128;

    /// Values that the steps of one submitTask share. In memory, because they do not fit on the stack.
    struct Posting {
        Evaluation evaluation;
        bytes32 evaluationHash;
        uint8 effectiveAttempt;
        uint8 performerSlot;
        SealedSet set;
        bytes blob;
        uint96 signedStake;
    }

    /// @notice Return the effective attempt of an open task.
    function effectiveAttempt(Task memory task, bytes32 taskId) internal view returns (uint8) {
        if (task.status != TaskStatus.OPEN) revert IAttestationCenter.TaskNotOpen(taskId);
        uint64 deadline = Attempts.deadlineOf(task);
        if (block.number >= deadline) revert IAttestationCenter.DeadlinePassed(deadline);
        if (block.number < task.seedBlock) revert IAttestationCenter.AttemptNotStarted(0);
        return Attempts.effectiveAt(block.number, task);
    }

    /// @dev An approval counts for any attempt that has begun, so that a slow network does not waste a correct
    ///      evaluation. A rejection counts only for the effective attempt, because it ends that attempt.
    function checkAttempt(Posting memory self, Task memory task, bool isApproval) internal view {
        uint8 attempt = self.evaluation.attempt;
        uint8 effective = effectiveAttempt(task, self.evaluation.taskId);
        if (attempt > effective) revert IAttestationCenter.AttemptNotStarted(attempt);
        if (!isApproval && attempt != effective) revert IAttestationCenter.NotEffectiveAttempt(attempt, effective);
        self.effectiveAttempt = effective;
    }

    function checkPoster(Posting memory self, uint8 slot) internal view {
        if (OperatorSet.operatorAt(self.blob, slot) != msg.sender) {
            revert IAttestationCenter.NotInOperatorSet(msg.sender);
        }
    }

    function checkPerformer(
        Posting memory self,
        bytes32 domain,
        bytes32 seed,
        TaskInfo calldata info,
        bytes calldata signature
    ) internal pure {
        Evaluation memory evaluation = self.evaluation;
        uint256 number = Attempts.performerNumber(seed, evaluation.attempt, self.set.count);
        self.performerSlot = self.set.occupied.select(number);
        address expected = OperatorSet.operatorAt(self.blob, self.performerSlot);
        if (evaluation.performer != expected) {
            revert IAttestationCenter.NotThePerformer(evaluation.performer, expected);
        }
        if (info.taskPerformer != expected) revert IAttestationCenter.NotThePerformer(info.taskPerformer, expected);

        self.evaluationHash = Digests.evaluationHash(evaluation);
        bytes32 digest = MessageHashUtils.toTypedDataHash(domain, self.evaluationHash);
        // slither-disable-next-line unused-return A failure gives the zero address, which is no operator's.
        (address signer,,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (signer != expected) revert IAttestationCenter.BadPerformerSignature();
    }

    function checkContent(Posting memory self, Task memory task, bytes32 seed, string calldata proofOfTask)
        internal
        pure
    {
        if (self.evaluation.code == Code.NONE) revert IAttestationCenter.BadCode();
        if (self.evaluation.reportHash != Digests.reportHash(proofOfTask)) revert IAttestationCenter.WrongReportHash();
        checkInput(self.evaluation, task, seed);
    }

    function checkInput(Evaluation memory evaluation, Task memory task, bytes32 seed) internal pure {
        if (evaluation.inputHash != Digests.inputHash(task.inputRoot, seed)) {
            revert IAttestationCenter.WrongInputHash();
        }
    }

    function checkVotes(
        Posting memory self,
        Task memory task,
        bytes32 domain,
        ISignatureVerifier verifier,
        Certificate calldata certificate
    ) internal view {
        if (certificate.bitmap == 0) revert IAttestationCenter.NoSigners();
        (bytes memory key, uint96 signed) = OperatorSet.aggregate(self.blob, self.set, certificate.bitmap);
        uint96 total = self.set.totalStake;
        bool isReached = certificate.approved
            ? Quorum.isApproved(signed, total, task.quorumBps)
            : Quorum.isRejected(signed, total, task.quorumBps);
        if (!isReached) revert IAttestationCenter.QuorumNotReached(signed, total);

        bytes32 digest = Digests.voteDigest(
            domain, self.evaluation.taskId, self.evaluation.attempt, self.evaluationHash, certificate.approved
        );
        if (!verifier.verifyVote(key, digest, certificate.signature)) {
            revert IAttestationCenter.BadAggregateSignature();
        }
        self.signedStake = signed;
    }

    /// @notice Return whether the rejecters too are over the quorum, of a code that the performer alone answers for.
    function isGuilty(Posting memory self, Task memory task) internal pure returns (bool) {
        Code code = self.evaluation.code;
        if (code == Code.UNAVAILABLE || code == Code.EVALUATOR_FAILED) return false;
        return Quorum.isApproved(self.signedStake, self.set.totalStake, task.quorumBps);
    }

    /// @notice Return whether the poster in `slot` has its turn.
    function hasTurn(Posting memory self, uint8 slot, uint32 turnBlocks) internal view returns (bool) {
        uint256 number = Attempts.aggregatorNumber(block.number, turnBlocks, self.set.count);
        return self.set.occupied.rankOf(slot) == number;
    }

    // ---- evidence

    /// @notice Check that two votes conflict, are of the task's own input and signed; return who signed both.
    function checkConflict(
        SignedVote calldata first,
        SignedVote calldata second,
        Task memory task,
        bytes32 seed,
        bytes32 domain,
        IAvsGovernance governance,
        ISignatureVerifier verifier
    ) internal view returns (uint128 culprits, bytes memory blob) {
        bytes32 firstHash = Digests.evaluationHash(first.evaluation);
        bytes32 secondHash = Digests.evaluationHash(second.evaluation);
        _requireConflict(first, second, firstHash == secondHash);
        checkInput(first.evaluation, task, seed);
        checkInput(second.evaluation, task, seed);

        SealedSet memory set = governance.sealedSet(task.setVersion);
        blob = OperatorSet.load(set.pointer);
        _checkSigned(first, firstHash, domain, blob, set, verifier);
        _checkSigned(second, secondHash, domain, blob, set, verifier);
        culprits = first.bitmap & second.bitmap;
    }

    function _requireConflict(SignedVote calldata first, SignedVote calldata second, bool isSameEvaluation)
        private
        pure
    {
        bool isSameAttempt = first.evaluation.taskId == second.evaluation.taskId
            && first.evaluation.attempt == second.evaluation.attempt;
        bool isOpposite = first.approved != second.approved;
        bool isConflict = isSameEvaluation ? isOpposite : first.approved && second.approved;
        if (!isSameAttempt || !isConflict) revert IAttestationCenter.NotConflicting();
    }

    function _checkSigned(
        SignedVote calldata vote,
        bytes32 evaluationHash,
        bytes32 domain,
        bytes memory blob,
        SealedSet memory set,
        ISignatureVerifier verifier
    ) private view {
        // slither-disable-next-line unused-return A conflict needs no quorum: the stake does not matter.
        (bytes memory key,) = OperatorSet.aggregate(blob, set, vote.bitmap);
        bytes32 digest =
            Digests.voteDigest(domain, vote.evaluation.taskId, vote.evaluation.attempt, evaluationHash, vote.approved);
        if (!verifier.verifyVote(key, digest, vote.signature)) revert IAttestationCenter.BadAggregateSignature();
    }
}
