// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IModelSubmission} from "../interfaces/IModelSubmission.sol";
import {Ledger, Market, ProjectEntry, ProjectRecord} from "../types/Market.sol";
import {Project, ProjectParams, ProjectStatus, SubmissionStatus, Terms} from "../types/Types.sol";
import {Digests} from "./Digests.sol";
import {Escrow} from "./Escrow.sol";
import {ProjectRules} from "./ProjectRules.sol";
import {Submissions} from "./Submissions.sol";

/// @title One project: its terms, its status and its free money.
library Projects {
    using Escrow for Ledger;
    using Submissions for ProjectEntry;

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
        self.write(Submissions.BASELINE, SubmissionStatus.REVEALED, Digests.cidHash(params.parametersCid));
    }

    /// @notice Add to pool and budget.
    /// @dev What is reserved or withheld must fit when it comes back: otherwise its task could never end.
    function topUp(ProjectEntry storage self, uint256 projectId, uint96 pool, uint96 budget) internal {
        ProjectRecord storage project = self.project;
        if (project.status != ProjectStatus.BASELINE && project.status != ProjectStatus.OPEN) {
            revert IModelSubmission.ProjectNotOpen(projectId);
        }
        uint256 largestPool = uint256(project.poolFree) + pool + project.maxReward + project.rewardsPaid;
        uint256 largestBudget = uint256(project.budgetFree) + budget + project.fee;
        if (largestPool > type(uint96).max) revert IModelSubmission.BadParameter("pool");
        if (largestBudget > ProjectRules.MAX_BUDGET) revert IModelSubmission.BadParameter("budget");
        project.poolFree += pool;
        project.budgetFree += budget;
    }

    /// @notice Take no more commits.
    function close(ProjectEntry storage self, uint256 projectId) internal {
        ProjectRecord storage project = self.project;
        bool isSuspended = project.status == ProjectStatus.SUSPENDED;
        bool isClosable = project.status == ProjectStatus.OPEN || isSuspended;
        bool mayClose = msg.sender == project.owner || block.number >= project.openUntil;
        if (!isClosable) revert IModelSubmission.ProjectNotOpen(projectId);
        if (!mayClose) revert IModelSubmission.NotProjectOwner(msg.sender);
        if (isSuspended && pendingIn(self) > 0) revert IModelSubmission.SubmissionsPending(projectId);

        project.status = ProjectStatus.CLOSED;
        if (block.number < project.openUntil) project.openUntil = uint40(block.number);
    }

    /// @notice Stop a project whose evaluator or champion cannot be trusted. Only its owner can go on, by closing it.
    function suspend(ProjectEntry storage self, uint256 projectId) internal {
        ProjectRecord storage project = self.project;
        if (project.status == ProjectStatus.SUSPENDED) return;
        project.status = ProjectStatus.SUSPENDED;
        emit IModelSubmission.ProjectSuspended(projectId);
    }

    /// @notice Credit what is free of pool and budget to the owner.
    function refund(Market storage self, ProjectRecord storage project) internal {
        uint256 left = uint256(project.poolFree) + project.budgetFree;
        project.poolFree = 0;
        project.budgetFree = 0;
        self.escrow.credit(project.owner, tokenOf(self, project), left);
    }

    // ---- readers

    /// @notice Return a project that exists.
    function entryOf(Market storage self, uint256 projectId) internal view returns (ProjectEntry storage entry) {
        entry = self.entries[projectId];
        if (entry.project.status == ProjectStatus.NONE) revert IModelSubmission.UnknownProject(projectId);
    }

    function tokenOf(Market storage self, ProjectRecord storage project) internal view returns (address) {
        return self.escrow.tokenAt(project.tokenId);
    }

    function pendingIn(ProjectEntry storage self) internal view returns (uint256) {
        return self.project.submissionCount - self.project.head;
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
