// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IModelSubmission} from "../interfaces/IModelSubmission.sol";
import {ProjectEntry, ProjectRecord} from "../types/Market.sol";
import {
    Outcome,
    Project,
    ProjectParams,
    ProjectStatus,
    Submission,
    SubmissionStatus,
    TaskRequest,
    Terms
} from "../types/Types.sol";
import {Digests} from "./Digests.sol";
import {ProjectRules} from "./ProjectRules.sol";

/// @title One project and the queue of its submissions.
library Projects {
    uint32 internal constant BASELINE = 0;

    // ---- verbs

    /// @notice Write a new project with its baseline.
    function create(ProjectEntry storage self, ProjectParams calldata params, uint16 tokenId) internal {
        ProjectRecord storage project = self.project;
        project.owner = msg.sender;
        project.status = ProjectStatus.BASELINE;
        project.rewardRule = params.rewardRule;
        project.ownerPaysMisses = params.ownerPaysMisses;
        project.maxAttempts = params.maxAttempts;
        project.quorumBps = params.quorumBps;
        project.createdAt = uint40(block.number);
        project.poolFree = params.pool;
        project.budgetFree = params.budget;
        project.minGain = params.minGain;
        project.bond = params.bond;
        project.fee = params.fee;
        project.worseTolerance = params.worseTolerance;
        project.maxReward = params.maxReward;
        project.rewardRate = params.rewardRate;
        project.revealBlocks = params.revealBlocks;
        project.disputeBlocks = params.disputeBlocks;
        project.tokenId = tokenId;
        project.submissionCount = 1;
        project.headSince = uint40(block.number);
        project.openUntil = params.openUntil;
        project.seedDelay = params.seedDelay;
        project.attemptBlocks = params.attemptBlocks;
        project.termsHash = Digests.termsHash(
            Terms({
                architectureCid: params.architectureCid,
                evaluatorCid: params.evaluatorCid,
                rounds: params.rounds,
                alphaPpm: params.alphaPpm,
                tolerance: params.tolerance
            })
        );
        _write(self, BASELINE, SubmissionStatus.REVEALED, Digests.cidHash(params.parametersCid));
    }

    /// @notice Add to pool and budget.
    /// @dev What is reserved or withheld must fit when it comes back: otherwise its task could never end.
    function topUp(ProjectEntry storage self, uint96 pool, uint96 budget) internal {
        ProjectRecord storage project = self.project;
        uint256 largestPool = uint256(project.poolFree) + pool + project.maxReward + project.rewardsPaid;
        uint256 largestBudget = uint256(project.budgetFree) + budget + project.fee;
        if (largestPool > type(uint96).max) revert IModelSubmission.BadParameter("pool");
        if (largestBudget > ProjectRules.MAX_BUDGET) revert IModelSubmission.BadParameter("budget");
        project.poolFree += pool;
        project.budgetFree += budget;
    }

    /// @notice Add a hidden submission of the caller's to the queue.
    function push(ProjectEntry storage self, bytes32 commitment, IModelSubmission.Limits storage limits)
        internal
        returns (uint32 index)
    {
        ProjectRecord storage project = self.project;
        uint32 head = project.head;
        index = project.submissionCount;
        if (index - head >= limits.maxPending) revert IModelSubmission.TooManyPending(limits.maxPending);

        // Counting costs at most `maxPending` reads; a stored count would cost a new word for each contributor.
        uint256 own = 0;
        for (uint32 i = head; i < index; ++i) {
            if (self.submissions[i].contributor == msg.sender) ++own;
        }
        if (own >= limits.maxPendingPerAccount) {
            revert IModelSubmission.TooManyPendingOfAccount(limits.maxPendingPerAccount);
        }
        project.submissionCount = index + 1;
        _write(self, index, SubmissionStatus.COMMITTED, commitment);
    }

    /// @notice Show what a submission committed to.
    function reveal(ProjectEntry storage self, uint32 index, bytes32 commitment, string calldata parametersCid)
        internal
    {
        Submission storage submission = self.submissions[index];
        if (submission.status != SubmissionStatus.COMMITTED) revert IModelSubmission.SubmissionNotCommitted(index);
        if (msg.sender != submission.contributor) revert IModelSubmission.NotContributor(msg.sender);
        uint64 deadline = revealDeadline(self, submission);
        if (block.number > deadline) revert IModelSubmission.RevealTooLate(deadline);
        if (commitment != submission.content) revert IModelSubmission.WrongCommitment();

        submission.status = SubmissionStatus.REVEALED;
        submission.since = uint40(block.number);
        submission.content = Digests.cidHash(parametersCid);
    }

    /// @notice Reserve what the task of the head can cost the project, and mark the head as running.
    function start(ProjectEntry storage self, uint32 index, uint32 k) internal {
        ProjectRecord storage project = self.project;
        Submission storage submission = self.submissions[index];
        project.budgetFree -= project.fee;
        if (index != BASELINE) {
            project.poolFree -= project.maxReward;
            ++project.evaluated;
        }
        submission.status = SubmissionStatus.EVALUATING;
        submission.k = k;
        ++submission.opening;
    }

    /// @notice Return to pool and budget what `start` reserved.
    function unreserve(ProjectEntry storage self, uint32 index) internal {
        ProjectRecord storage project = self.project;
        project.budgetFree += project.fee;
        if (index != BASELINE) project.poolFree += project.maxReward;
    }

    /// @notice Make the head final.
    function finish(ProjectEntry storage self, uint32 index, Outcome outcome) internal {
        Submission storage submission = self.submissions[index];
        submission.status = SubmissionStatus.FINAL;
        submission.outcome = outcome;
        self.project.head = index + 1;
        self.project.headSince = uint40(block.number);
    }

    function _write(ProjectEntry storage self, uint32 index, SubmissionStatus status, bytes32 content) private {
        Submission storage submission = self.submissions[index];
        submission.contributor = msg.sender;
        submission.since = uint40(block.number);
        submission.status = status;
        submission.content = content;
    }

    // ---- readers

    function pendingIn(ProjectEntry storage self) internal view returns (uint256) {
        return self.project.submissionCount - self.project.head;
    }

    /// @notice Return the last block in which a hidden submission can be revealed.
    function revealDeadline(ProjectEntry storage self, Submission storage submission) internal view returns (uint64) {
        return submission.since + self.project.revealBlocks;
    }

    /// @notice Return whether pool and budget cover the highest reward and the fee of the head's task.
    function canPay(ProjectEntry storage self, uint32 index) internal view returns (bool) {
        ProjectRecord storage project = self.project;
        return project.budgetFree >= project.fee && (index == BASELINE || project.poolFree >= project.maxReward);
    }

    /// @notice Return the block since which the revealed head waits to open.
    function waitingSince(ProjectEntry storage self, Submission storage submission) internal view returns (uint256) {
        return self.project.headSince > submission.since ? self.project.headSince : submission.since;
    }

    /// @notice Return the next task of a submission.
    /// @dev Every task of a challenger takes a new `k`, also the second task of a submission: its new seed is one more
    ///      chance of a false promotion, and α_k must count it. The baseline cannot be promoted and has k = 0.
    function requestFor(ProjectEntry storage self, uint256 projectId, uint32 index)
        internal
        view
        returns (TaskRequest memory)
    {
        ProjectRecord storage project = self.project;
        Submission storage submission = self.submissions[index];
        uint8 opening = submission.opening;
        uint32 k = index == BASELINE ? 0 : project.evaluated;
        bytes32 taskId = Digests.taskId(block.chainid, address(this), projectId, index, opening);
        bytes32 champion = self.submissions[project.championIndex].content;
        return TaskRequest({
            taskId: taskId,
            // forge-lint: disable-next-line(unsafe-typecast) Projects are counted from 1.
            projectId: uint40(projectId),
            submissionIndex: index,
            opening: opening,
            inputRoot: Digests.inputRoot(taskId, project.termsHash, champion, submission.content, k),
            k: k,
            championIndex: project.championIndex,
            quorumBps: project.quorumBps,
            attemptBlocks: project.attemptBlocks,
            seedDelay: project.seedDelay,
            maxAttempts: project.maxAttempts
        });
    }

    /// @notice Return the project as readers see it.
    function toView(ProjectEntry storage self, address token) internal view returns (Project memory seen) {
        ProjectRecord storage project = self.project;
        seen.status = project.status;
        seen.owner = project.owner;
        seen.token = token;
        seen.createdAt = project.createdAt;
        seen.poolFree = project.poolFree;
        seen.budgetFree = project.budgetFree;
        seen.submissionCount = project.submissionCount;
        seen.head = project.head;
        seen.headSince = project.headSince;
        seen.evaluated = project.evaluated;
        seen.championIndex = project.championIndex;
        seen.championScore = project.championScore;
        seen.baselineScore = project.baselineScore;
        seen.rewardsPaid = project.rewardsPaid;
        seen.rewardRule = project.rewardRule;
        seen.maxReward = project.maxReward;
        seen.rewardRate = project.rewardRate;
        seen.bond = project.bond;
        seen.fee = project.fee;
        seen.minGain = project.minGain;
        seen.worseTolerance = project.worseTolerance;
        seen.quorumBps = project.quorumBps;
        seen.seedDelay = project.seedDelay;
        seen.maxAttempts = project.maxAttempts;
        seen.attemptBlocks = project.attemptBlocks;
        seen.revealBlocks = project.revealBlocks;
        seen.disputeBlocks = project.disputeBlocks;
        seen.openUntil = project.openUntil;
        seen.ownerPaysMisses = project.ownerPaysMisses;
        seen.termsHash = project.termsHash;
    }
}
