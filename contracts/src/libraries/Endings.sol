// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IModelSubmission} from "../interfaces/IModelSubmission.sol";
import {BondShares, Ledger, Market, ProjectEntry, ProjectRecord} from "../types/Market.sol";
import {Evaluation, Outcome, ProjectStatus, Verdict} from "../types/Types.sol";
import {Champions} from "./Champions.sol";
import {Escrow} from "./Escrow.sol";
import {Outcomes} from "./Outcomes.sol";
import {Projects} from "./Projects.sol";
import {Rewards} from "./Rewards.sol";
import {Submissions} from "./Submissions.sol";

/// @title The end of a submission: its outcome, its bond, and what it does to its project.
library Endings {
    using Champions for Market;
    using Escrow for Ledger;
    using Projects for Market;
    using Projects for ProjectEntry;
    using Submissions for ProjectEntry;

    /// @notice Make the head final without an evaluation.
    function drop(Market storage self, uint256 projectId, uint32 index, Outcome outcome, address treasury) internal {
        ProjectEntry storage entry = self.entries[projectId];
        entry.finish(index, outcome);
        bytes32 taskId = entry.lastTaskOf(projectId, index);
        emit IModelSubmission.SubmissionSettled(projectId, index, taskId, outcome, 0, 0, 0);
        if (index == Submissions.BASELINE) return _cancel(self, projectId);
        _returnBond(self, projectId, index, outcome, treasury);
    }

    /// @notice Make the head final by an approved evaluation.
    function settle(Market storage self, Verdict calldata verdict, address treasury) internal {
        (uint256 projectId, uint32 index) = (verdict.projectId, verdict.submissionIndex);
        ProjectEntry storage entry = self.entries[projectId];
        ProjectRecord storage project = entry.project;
        entry.requireRunning(projectId, index);
        Outcome outcome = _outcomeOf(project, index, verdict.evaluation);

        // First of all, so that the rows of the outcome table take what they pay from free pool and budget.
        entry.unreserve(index);
        // The operators claim the rest of the fee later: crediting it now would cost two new words for each task.
        project.budgetFree += Rewards.splitFee(project.fee, verdict).unearned;
        entry.finish(index, outcome);
        _emitSettled(projectId, index, outcome, verdict.evaluation);
        if (index == Submissions.BASELINE) {
            return _settleBaseline(self, projectId, outcome, verdict.evaluation.challengerScore);
        }
        if (outcome == Outcome.IMPROVED) self.promote(projectId, index, verdict.evaluation);
        else if (outcome == Outcome.EVALUATOR_FAILED) entry.suspend(projectId);
        _returnBond(self, projectId, index, outcome, treasury);
    }

    function _outcomeOf(ProjectRecord storage project, uint32 index, Evaluation calldata evaluation)
        private
        view
        returns (Outcome)
    {
        if (index == Submissions.BASELINE) return Outcomes.ofBaseline(evaluation.code);
        // Its champion turned out to be a lie meanwhile. Nobody can win or lose against it.
        if (project.status == ProjectStatus.SUSPENDED) return Outcome.EVALUATOR_FAILED;
        return Outcomes.ofChallenger(evaluation, project.minGain, project.worseTolerance);
    }

    function _emitSettled(uint256 projectId, uint32 index, Outcome outcome, Evaluation calldata evaluation) private {
        emit IModelSubmission.SubmissionSettled(
            projectId,
            index,
            evaluation.taskId,
            outcome,
            evaluation.championScore,
            evaluation.challengerScore,
            evaluation.gainLowerBound
        );
    }

    function _settleBaseline(Market storage self, uint256 projectId, Outcome outcome, int64 score) private {
        ProjectRecord storage project = self.entries[projectId].project;
        project.budgetFree -= project.fee;
        if (outcome != Outcome.NOT_IMPROVED) return _cancel(self, projectId);
        project.status = ProjectStatus.OPEN;
        project.championScore = score;
        project.baselineScore = score;
        emit IModelSubmission.ProjectOpened(projectId, score);
    }

    function _cancel(Market storage self, uint256 projectId) private {
        ProjectRecord storage project = self.entries[projectId].project;
        project.status = ProjectStatus.CANCELLED;
        emit IModelSubmission.ProjectCancelled(projectId);
        self.refund(project);
    }

    function _returnBond(Market storage self, uint256 projectId, uint32 index, Outcome outcome, address treasury)
        private
    {
        ProjectEntry storage entry = self.entries[projectId];
        ProjectRecord storage project = entry.project;
        BondShares memory shares = Rewards.splitBond(outcome, project.bond, project.fee, project.ownerPaysMisses);
        if (shares.ownerPays) project.budgetFree -= project.fee;
        if (shares.treasury > 0) emit IModelSubmission.BondSlashed(projectId, index, shares.treasury);
        address token = self.tokenOf(project);
        self.escrow.credit(treasury, token, shares.treasury);
        self.escrow.credit(entry.submissions[index].contributor, token, shares.contributor);
    }
}
