// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IModelSubmission} from "../interfaces/IModelSubmission.sol";
import {ProjectEntry, ProjectRecord} from "../types/Market.sol";
import {Outcome, ProjectStatus, Submission, SubmissionStatus, TaskRequest} from "../types/Types.sol";
import {Digests} from "./Digests.sol";

/// @title One submission of a project, and what its task reserves.
library Submissions {
    uint32 internal constant BASELINE = 0;

    // ---- verbs, in the order of a submission's life

    /// @notice Add a hidden submission of the caller's to the queue.
    function push(
        ProjectEntry storage self,
        uint256 projectId,
        bytes32 commitment,
        IModelSubmission.Limits storage limits
    ) internal returns (uint32 index) {
        ProjectRecord storage project = self.project;
        if (project.status != ProjectStatus.OPEN || block.number >= project.openUntil) {
            revert IModelSubmission.ProjectNotOpen(projectId);
        }
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
        write(self, index, SubmissionStatus.COMMITTED, commitment);
    }

    /// @notice Write a new submission of the caller's.
    function write(ProjectEntry storage self, uint32 index, SubmissionStatus status, bytes32 content) internal {
        Submission storage submission = self.submissions[index];
        submission.contributor = msg.sender;
        submission.since = uint40(block.number);
        submission.status = status;
        submission.content = content;
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

    /// @notice Let the head wait for its second task.
    function reopen(ProjectEntry storage self, uint32 index) internal {
        self.submissions[index].status = SubmissionStatus.REVEALED;
        self.project.headSince = uint40(block.number);
    }

    /// @notice Make the head final.
    function finish(ProjectEntry storage self, uint32 index, Outcome outcome) internal {
        Submission storage submission = self.submissions[index];
        submission.status = SubmissionStatus.FINAL;
        submission.outcome = outcome;
        self.project.head = index + 1;
        self.project.headSince = uint40(block.number);
    }

    // ---- readers

    function requireRunning(ProjectEntry storage self, uint256 projectId, uint32 index) internal view {
        if (self.submissions[index].status != SubmissionStatus.EVALUATING) {
            revert IModelSubmission.SubmissionNotRunning(projectId, index);
        }
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

    /// @notice Return the id of a submission's latest task; zero if none was opened.
    function lastTaskOf(ProjectEntry storage self, uint256 projectId, uint32 index) internal view returns (bytes32) {
        uint8 opening = self.submissions[index].opening;
        if (opening == 0) return 0;
        return Digests.taskId(block.chainid, address(this), projectId, index, opening - 1);
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
}
