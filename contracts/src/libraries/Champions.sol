// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IModelSubmission} from "../interfaces/IModelSubmission.sol";
import {Ledger, Market, ProjectEntry, ProjectRecord} from "../types/Market.sol";
import {Evaluation, ProjectStatus, RewardStatus, WithheldReward} from "../types/Types.sol";
import {Escrow} from "./Escrow.sol";
import {Projects} from "./Projects.sol";
import {Rewards} from "./Rewards.sol";
import {Tokens} from "./Tokens.sol";

/// @title A project's champion and its reward, which is withheld while the verdict can be disputed.
library Champions {
    using Escrow for Ledger;
    using Projects for Market;
    using Projects for ProjectEntry;

    /// @notice Make the submission its project's champion. Its reward is withheld while it can be disputed.
    function promote(Market storage self, uint256 projectId, uint32 index, Evaluation calldata evaluation) internal {
        ProjectEntry storage entry = self.entries[projectId];
        ProjectRecord storage project = entry.project;
        WithheldReward memory withheld = WithheldReward({
            status: RewardStatus.WITHHELD,
            reward: Rewards.rewardOf(project, evaluation),
            until: uint40(block.number + project.disputeBlocks),
            previousChampion: project.championIndex,
            previousScore: project.championScore,
            disputer: address(0)
        });
        project.poolFree -= withheld.reward;
        project.rewardsPaid += withheld.reward;
        project.championIndex = index;
        project.championScore = evaluation.challengerScore;
        emit IModelSubmission.ModelImproved(projectId, index, evaluation.gainLowerBound);

        if (project.disputeBlocks == 0) return _payReward(self, projectId, index, withheld);
        entry.withheld[index] = withheld;
        emit IModelSubmission.RewardWithheld(projectId, index, withheld.reward, withheld.until);
    }

    /// @notice Hold a withheld reward back until the resolver rules.
    function dispute(Market storage self, uint256 projectId, uint32 index, address disputer) internal {
        WithheldReward storage withheld = self.entries[projectId].withheld[index];
        if (withheld.status != RewardStatus.WITHHELD) revert IModelSubmission.NothingWithheld(projectId, index);
        if (block.number >= withheld.until) revert IModelSubmission.DisputeTooLate(withheld.until);
        withheld.status = RewardStatus.DISPUTED;
        // A contributor that disputes its own reward must not get it earlier.
        uint40 ruledUntil = uint40(block.number + self.limits.resolveBlocks);
        if (ruledUntil > withheld.until) withheld.until = ruledUntil;
        withheld.disputer = disputer;
        emit IModelSubmission.RewardDisputed(projectId, index, disputer, withheld.until);
    }

    /// @notice Carry out the ruling on a dispute. Return who disputed.
    function resolve(Market storage self, uint256 projectId, uint32 index, bool isOverturned)
        internal
        returns (address)
    {
        WithheldReward memory withheld = self.entries[projectId].withheld[index];
        if (withheld.status != RewardStatus.DISPUTED) revert IModelSubmission.NotDisputed(projectId, index);
        if (block.number >= withheld.until) revert IModelSubmission.DisputeTooLate(withheld.until);
        if (isOverturned) _takeBack(self, projectId, index, withheld);
        else _payReward(self, projectId, index, withheld);
        return withheld.disputer;
    }

    /// @notice Credit a reward that can no longer be disputed.
    function release(Market storage self, uint256 projectId, uint32 index) internal {
        WithheldReward memory withheld = self.entryOf(projectId).withheld[index];
        if (withheld.status == RewardStatus.NONE) revert IModelSubmission.NothingWithheld(projectId, index);
        if (block.number < withheld.until) revert IModelSubmission.WithheldUntil(withheld.until);
        _payReward(self, projectId, index, withheld); // a dispute without a ruling: the verdict stands
    }

    /// @dev Credit the reward, and the bond of a dispute that failed.
    function _payReward(Market storage self, uint256 projectId, uint32 index, WithheldReward memory withheld) private {
        ProjectEntry storage entry = self.entries[projectId];
        address contributor = entry.submissions[index].contributor;
        if (entry.project.disputeBlocks != 0) delete entry.withheld[index];
        emit IModelSubmission.RewardPaid(projectId, index, contributor, withheld.reward);
        self.escrow.credit(contributor, self.tokenOf(entry.project), withheld.reward);
        if (withheld.status == RewardStatus.DISPUTED) {
            self.escrow.credit(contributor, Tokens.COIN, self.limits.disputeBond);
        }
    }

    /// @dev Return the reward of a false verdict to the pool, and the bond to the disputer.
    function _takeBack(Market storage self, uint256 projectId, uint32 index, WithheldReward memory withheld) private {
        ProjectEntry storage entry = self.entries[projectId];
        delete entry.withheld[index];
        entry.project.poolFree += withheld.reward;
        entry.project.rewardsPaid -= withheld.reward;
        emit IModelSubmission.RewardReturned(projectId, index, withheld.reward);
        self.escrow.credit(withheld.disputer, Tokens.COIN, self.limits.disputeBond);
        _demote(entry, projectId, index, withheld);
    }

    /// @dev Bring the previous champion back. If a later task was opened, its challenger was compared with the false
    ///      champion, and only the owner can know what to do: the project is suspended.
    function _demote(ProjectEntry storage entry, uint256 projectId, uint32 index, WithheldReward memory withheld)
        private
    {
        ProjectRecord storage project = entry.project;
        // In a suspended project, the champion may be the lie of another verdict.
        bool isLast = project.status != ProjectStatus.SUSPENDED && project.evaluated == entry.submissions[index].k + 1;
        if (!isLast) return entry.suspend(projectId);
        project.championIndex = withheld.previousChampion;
        project.championScore = withheld.previousScore;
        emit IModelSubmission.ChampionRestored(projectId, withheld.previousChampion);
    }
}
