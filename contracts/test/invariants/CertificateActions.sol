// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {Certificate, Code, Evaluation, Task, TaskInfo, TaskStatus} from "../../src/types/Types.sol";
import {BlsSigner} from "../support/BlsSigner.sol";
import {OperatorActions} from "./OperatorActions.sol";

/// @dev What aggregators post: certificates of all verdicts, by all or some signers, and bad ones.
abstract contract CertificateActions is OperatorActions {
    uint256 private constant HASH_WINDOW = 256; // blocks whose headers can be proven without EIP-2935

    TaskInfo private lastInfo;
    Certificate private lastCertificate;
    uint256 private lastKey;

    /// @dev All or some approve. Some evaluations are of an attempt that is over.
    function actApprove(uint256 seed) external counted("approve") {
        (Post memory post, bool isReady) = draft(seed);
        if (!isReady) return;
        post.approved = true;
        post.bitmap = chance(seed, 20, 2) ? seals[post.version].occupied : randomSlots(seed, post.version, 5);
        submit(post, post.bitmap, true);
    }

    /// @dev All but the performer reject, or just some. If more than the quorum reject, the performer is guilty.
    function actReject(uint256 seed) external counted("reject") {
        (Post memory post, bool isReady) = draft(seed);
        if (!isReady) return;
        useAttempt(post, center.effectiveAttempt(post.taskId));
        uint128 others = seals[post.version].occupied & ~bit(post.performerSlot);
        post.bitmap = chance(seed, 20, 2) ? others : others & randomSlots(seed, post.version, 2);
        submit(post, post.bitmap, true);
    }

    /// @dev Each operator votes once. The rejecters post first, then the approvers.
    function actSplitVote(uint256 seed) external counted("split vote") {
        (Post memory post, bool isReady) = draft(seed);
        if (!isReady) return;
        useAttempt(post, center.effectiveAttempt(post.taskId));
        uint128 occupied = seals[post.version].occupied;
        post.bitmap = chance(seed, 21, 3)
            ? bit(slotNumbered(post.version, seed % seals[post.version].count))
            : randomSlots(seed, post.version, 3);
        submit(post, post.bitmap, true);
        post.bitmap = occupied & ~post.bitmap;
        post.approved = true;
        submit(post, post.bitmap, true);
        mark("split vote");
    }

    /// @dev A certificate that must be refused: a bit more than signed, or the bit of an empty slot.
    function actForge(uint256 seed) external counted("forge") {
        (Post memory post, bool isReady) = draft(seed);
        if (!isReady) return;
        uint128 occupied = seals[post.version].occupied;
        post.approved = true;
        post.bitmap = occupied;
        uint128 signers = occupied & ~bit(slotNumbered(post.version, seed % seals[post.version].count));
        if (chance(seed, 22, 2)) {
            signers = occupied;
            post.bitmap = occupied | bit(127);
        }
        if (submit(post, signers, false)) blame(3, "a vote that was not signed counted");
        mark("forged");
    }

    /// @dev Invariant 2: what was accepted once is refused from then on.
    function actReplay(uint256) external counted("replay") {
        if (lastCertificate.bitmap == 0) return;
        bytes memory call = abi.encodeCall(IAttestationCenter.submitTask, (lastInfo, lastCertificate));
        (bool succeeded,) = attempt(signerOf[lastKey], address(center), 0, call);
        if (succeeded) blame(2, "a certificate that counted twice");
        mark("replayed");
    }

    // ---- steps

    /// @dev Post a certificate that `signers` signed. What must be accepted is; what need not be may be refused.
    function submit(Post memory post, uint128 signers, bool isHonest) internal returns (bool succeeded) {
        if (post.bitmap == 0) return false;
        TaskInfo memory info = infoOf(post.evaluation);
        Certificate memory certificate = certificateOf(post, signers);
        bytes memory call = abi.encodeCall(IAttestationCenter.submitTask, (info, certificate));
        bool isDue = isHonest && mustSucceed(post);
        uint256 poster = keyAt[post.version][post.posterSlot];
        (succeeded,) = attempt(signerOf[poster], address(center), 0, call);
        if (!succeeded && isDue) blame(5, "a correct certificate was refused");
        if (!succeeded) return false;
        if (!post.approved) {
            noteRejection(post);
            return true;
        }
        noteApproval(post);
        lastInfo = info;
        lastCertificate = certificate;
        lastKey = poster;
    }

    function certificateOf(Post memory post, uint128 signers) private returns (Certificate memory certificate) {
        certificate.bitmap = post.bitmap;
        certificate.approved = post.approved;
        certificate.posterSlot = post.posterSlot;
        certificate.signature = voteOf(post.version, signers, post.evaluation, post.approved);
        certificate.performerSignature = signEcdsa(
            signingSecret(keyAt[post.version][post.performerSlot]),
            Digests.evaluationDigest(separatorOf(address(center)), post.evaluation)
        );
        certificate.header = headerIfNeeded(post.taskId);
    }

    /// @dev The sum of the signers' votes.
    function voteOf(uint256 version, uint128 signers, Evaluation memory evaluation, bool approved)
        internal
        view
        returns (bytes memory)
    {
        uint256 secret = 0;
        for (uint256 slot = 0; slot < SEATS; ++slot) {
            if (signers & bit(slot) == 0) continue;
            secret = addmod(secret, blsSecret(seatAt[version][slot]), BlsSigner.ORDER);
        }
        return BlsSigner.signVote(secret, voteDigestOf(evaluation, approved));
    }

    /// @dev The seed block's header, if the seed is not fixed and the block's hash is at hand.
    function headerIfNeeded(bytes32 taskId) internal returns (bytes memory) {
        if (center.seedOf(taskId) != 0) return "";
        makeHeader(taskOf(taskId).seedBlock);
        return headerFor(taskId);
    }

    function useAttempt(Post memory post, uint8 number) internal view {
        uint256 performer = addmod(uint256(seedFor(post.taskId)), number, seals[post.version].count);
        post.performerSlot = slotNumbered(post.version, performer);
        post.evaluation.attempt = number;
        post.evaluation.performer = signerOf[keyAt[post.version][post.performerSlot]];
    }

    // ---- choices

    /// @dev An evaluation of a running task, in its time. The chain goes on to its first attempt.
    function draft(uint256 seed) internal returns (Post memory post, bool isReady) {
        (post.taskId, isReady) = anyRunning(seed);
        if (!isReady) return (post, false);
        Task memory task = taskOf(post.taskId);
        waitUntil(task.seedBlock + 1);
        if (vm.getBlockNumber() >= deadlineOf(post.taskId) || !hasSeed(post.taskId)) return (post, false);
        (post.projectId, post.index, post.version) = (task.projectId, task.submissionIndex, task.setVersion);
        post.evaluation = randomEvaluation(seed, post.taskId);
        // forge-lint: disable-next-line(unsafe-typecast) At most the effective attempt.
        useAttempt(post, uint8(draw(seed, 23, 0, center.effectiveAttempt(post.taskId))));
        uint256 turn = (vm.getBlockNumber() / turnBlocks) % seals[post.version].count;
        bool isInTurn = !chance(seed, 24, 3);
        post.posterSlot = slotNumbered(post.version, isInTurn ? turn : seed % seals[post.version].count);
        post.hasTurn = post.posterSlot == slotNumbered(post.version, turn);
        return (post, true);
    }

    function hasSeed(bytes32 taskId) internal view returns (bool) {
        return center.seedOf(taskId) != 0 || vm.getBlockNumber() <= taskOf(taskId).seedBlock + HASH_WINDOW;
    }

    function mustSucceed(Post memory post) private view returns (bool) {
        if (administration.isPaused() || taskOf(post.taskId).status != TaskStatus.OPEN) return false;
        uint256 signed = stakeOf(post.version, post.bitmap) * BPS;
        uint256 total = seals[post.version].total;
        uint256 quorumBps = books[post.projectId].quorumBps;
        if (post.approved) return signed > total * quorumBps;
        bool isEffective = post.evaluation.attempt == center.effectiveAttempt(post.taskId);
        return isEffective && signed >= total * (BPS - quorumBps);
    }

    /// @dev The task of a running head, if there is one.
    function anyRunning(uint256 seed) internal view returns (bytes32, bool) {
        uint256 count = projectTotal();
        uint256 start = draw(seed, 25, 0, count - 1);
        for (uint256 i = 0; i < count; ++i) {
            uint256 id = 1 + (start + i) % count;
            if (!isRunning(id)) continue;
            uint8 opening = submissionAt(id, books[id].head).opening;
            return (taskIdAt(id, books[id].head, opening - 1), true);
        }
        return (0, false);
    }

    /// @dev Mostly VALID, and improvements in a third of the cases.
    function randomEvaluation(uint256 seed, bytes32 taskId) internal view returns (Evaluation memory evaluation) {
        Task memory task = taskOf(taskId);
        evaluation.taskId = taskId;
        evaluation.inputHash = Digests.inputHash(task.inputRoot, seedFor(taskId));
        evaluation.reportHash = Digests.reportHash(REPORT_CID);
        uint256 drawn = draw(seed, 26, 0, task.submissionIndex == 0 ? 60 : 24);
        evaluation.code = Code.VALID;
        if (drawn < 2) evaluation.code = Code.INVALID;
        else if (drawn < 4) evaluation.code = Code.UNAVAILABLE;
        else if (drawn == 4) evaluation.code = Code.EVALUATOR_FAILED;
        evaluation.championScore = int64(int256(draw(seed, 27, 0, 1_000_000)));
        int256 gain = int256(draw(seed, 28, 0, 60_000)) - 20_000;
        evaluation.challengerScore = int64(evaluation.championScore + gain);
        evaluation.gainLowerBound = int64(gain - int256(draw(seed, 29, 0, 10_000)));
    }

    /// @dev Each occupied slot with a chance of (n − 1) / n.
    function randomSlots(uint256 seed, uint256 version, uint256 n) internal view returns (uint128 slots) {
        for (uint256 slot = 0; slot < SEATS; ++slot) {
            if (seals[version].occupied & bit(slot) != 0 && !chance(seed, 1_000 + slot, n)) slots |= bit(slot);
        }
    }
}
