// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IAdministration} from "./interfaces/IAdministration.sol";
import {IAttestationCenter} from "./interfaces/IAttestationCenter.sol";
import {IAvsGovernance} from "./interfaces/IAvsGovernance.sol";
import {IModelSubmission} from "./interfaces/IModelSubmission.sol";
import {MAX_TASK_BLOCKS} from "./libraries/Attempts.sol";
import {Digests} from "./libraries/Digests.sol";
import {Escrow} from "./libraries/Escrow.sol";
import {Outcomes} from "./libraries/Outcomes.sol";
import {ProjectRules} from "./libraries/ProjectRules.sol";
import {Projects} from "./libraries/Projects.sol";
import {Rewards} from "./libraries/Rewards.sol";
import {Roles} from "./libraries/Roles.sol";
import {Tokens} from "./libraries/Tokens.sol";
import {BondShares, ProjectEntry, ProjectRecord} from "./types/Market.sol";
import {
    Evaluation,
    FeeShare,
    Outcome,
    Project,
    ProjectParams,
    ProjectStatus,
    RewardStatus,
    Submission,
    SubmissionStatus,
    TaskRequest,
    Verdict,
    WithheldReward
} from "./types/Types.sol";

/// @title The market and all escrow.
/// @dev Submissions of a project become final strictly in the order of commits:
///
///     commit → COMMITTED ── reveal ──→ REVEALED ── advance ──→ EVALUATING ── settle ──→ FINAL (six outcomes)
///                  │                    │    ↑                     │
///                  │ window passed      │    └─ first expiry ──────┤
///                  ↓                    ↓                          ↓ second expiry
///              UNREVEALED    CANCELLED: cannot open             EXPIRED
///
///     project: BASELINE → OPEN → CLOSED;  OPEN | CLOSED → SUSPENDED → CLOSED;  BASELINE → CANCELLED
///     reward:  settle → WITHHELD ── release ──→ credited;  WITHHELD → DISPUTED ── resolve, release ──→ credited or back
///
/// Money enters by createProject, topUp, commit and dispute, and leaves only by withdraw. All other calls move it between
/// pools, budgets, bonds, withheld rewards, attesters' fees and credits.
contract ModelSubmission is IModelSubmission, ReentrancyGuardTransient {
    using Escrow for Escrow.Ledger;
    using Projects for ProjectEntry;

    uint64 public constant ESCROW_GRACE = 50_400; // blocks: a week at 12 s

    IAdministration public immutable administration;
    address public immutable avsLogic;
    IAttestationCenter public immutable attestationCenter;
    address public immutable treasury;

    Limits private _limits;
    /// @inheritdoc IModelSubmission
    uint256 public projectCount;
    Escrow.Ledger private _escrow;
    mapping(uint256 projectId => ProjectEntry) private _entries;

    modifier onlyAvsLogic() {
        if (msg.sender != avsLogic) revert NotAvsLogic(msg.sender);
        _;
    }

    modifier whenRunning() {
        administration.requireRunning();
        _;
    }

    constructor(
        IAdministration administration_,
        IAvsGovernance governance,
        IAttestationCenter attestationCenter_,
        address avsLogic_,
        address treasury_,
        Limits memory limits_
    ) {
        if (treasury_ == address(0)) revert ZeroAddress();
        if (limits_.maxPending == 0) revert BadParameter("maxPending");
        if (limits_.maxPendingPerAccount == 0) revert BadParameter("maxPendingPerAccount");
        if (limits_.openTimeout == 0) revert BadParameter("openTimeout");
        if (limits_.minAttemptBlocks == 0) revert BadParameter("minAttemptBlocks");
        if (limits_.minDisputeBlocks > limits_.maxDisputeBlocks) revert BadParameter("minDisputeBlocks");
        if (limits_.maxDisputeBlocks != 0 && limits_.resolveBlocks == 0) revert BadParameter("resolveBlocks");
        // Whoever signed a verdict must still have its stake here when a dispute of it ends.
        uint256 longestCase = MAX_TASK_BLOCKS + limits_.maxDisputeBlocks + limits_.resolveBlocks;
        if (longestCase > governance.unbondingBlocks()) revert BadParameter("maxDisputeBlocks");

        administration = administration_;
        avsLogic = avsLogic_;
        attestationCenter = attestationCenter_;
        treasury = treasury_;
        _limits = limits_;
        _escrow.setToken(Tokens.COIN, limits_.coinMinFee);
    }

    // ---- project owners

    /// @inheritdoc IModelSubmission
    function createProject(ProjectParams calldata params)
        external
        payable
        nonReentrant
        whenRunning
        returns (uint256 projectId)
    {
        (uint16 tokenId, uint96 minFee) = _escrow.requireToken(params.token);
        ProjectRules.validate(params, _limits, minFee);
        projectId = ++projectCount;
        _entries[projectId].create(params, tokenId);
        emit ProjectCreated(projectId, msg.sender, params);

        _escrow.collect(params.token, uint256(params.pool) + params.budget);
        _step(projectId);
    }

    /// @inheritdoc IModelSubmission
    function topUp(uint256 projectId, uint96 pool, uint96 budget) external payable nonReentrant {
        ProjectEntry storage entry = _entryOf(projectId);
        ProjectRecord storage project = entry.project;
        if (project.status != ProjectStatus.BASELINE && project.status != ProjectStatus.OPEN) {
            revert ProjectNotOpen(projectId);
        }
        entry.topUp(pool, budget);
        emit ToppedUp(projectId, pool, budget);
        _escrow.collect(_tokenOf(project), uint256(pool) + budget);
    }

    /// @inheritdoc IModelSubmission
    function setMetadata(uint256 projectId, string calldata metadataCid) external {
        if (msg.sender != _entryOf(projectId).project.owner) revert NotProjectOwner(msg.sender);
        ProjectRules.validateCid(metadataCid);
        emit MetadataChanged(projectId, metadataCid);
    }

    /// @inheritdoc IModelSubmission
    function closeProject(uint256 projectId) external nonReentrant {
        ProjectEntry storage entry = _entryOf(projectId);
        ProjectRecord storage project = entry.project;
        bool isSuspended = project.status == ProjectStatus.SUSPENDED;
        if (project.status != ProjectStatus.OPEN && !isSuspended) revert ProjectNotOpen(projectId);
        if (msg.sender != project.owner && block.number < project.openUntil) revert NotProjectOwner(msg.sender);
        if (isSuspended && entry.pendingIn() > 0) revert SubmissionsPending(projectId);

        project.status = ProjectStatus.CLOSED;
        if (block.number < project.openUntil) project.openUntil = uint40(block.number);
        emit ProjectClosed(projectId);
    }

    /// @inheritdoc IModelSubmission
    function withdrawEscrow(uint256 projectId) external nonReentrant {
        ProjectEntry storage entry = _entryOf(projectId);
        ProjectRecord storage project = entry.project;
        if (project.status != ProjectStatus.CLOSED) revert ProjectStillOpen(projectId);
        bool isOwner = msg.sender == project.owner;
        if (!isOwner && block.number < project.openUntil + ESCROW_GRACE) revert NotProjectOwner(msg.sender);
        if (entry.pendingIn() > 0) revert SubmissionsPending(projectId);
        if (uint256(project.poolFree) + project.budgetFree == 0) revert NothingToWithdraw();
        _creditEscrow(project);
    }

    // ---- contributors

    /// @inheritdoc IModelSubmission
    function commit(uint256 projectId, bytes32 commitment)
        external
        payable
        nonReentrant
        whenRunning
        returns (uint32 index)
    {
        ProjectEntry storage entry = _entryOf(projectId);
        ProjectRecord storage project = entry.project;
        if (project.status != ProjectStatus.OPEN || block.number >= project.openUntil) {
            revert ProjectNotOpen(projectId);
        }
        index = entry.push(commitment, _limits);
        emit SubmissionCommitted(projectId, index, msg.sender, commitment);
        _escrow.collect(_tokenOf(project), project.bond);
    }

    /// @inheritdoc IModelSubmission
    function reveal(uint256 projectId, uint32 index, string calldata parametersCid, bytes32 salt)
        external
        nonReentrant
    {
        ProjectEntry storage entry = _entryOf(projectId);
        ProjectRules.validateCid(parametersCid);
        entry.reveal(index, commitmentOf(projectId, msg.sender, parametersCid, salt), parametersCid);
        emit SubmissionRevealed(projectId, index, parametersCid);
        if (index == entry.project.head) _step(projectId);
    }

    // ---- anyone

    /// @inheritdoc IModelSubmission
    function advance(uint256 projectId, uint256 maxSteps) external nonReentrant returns (uint256 steps) {
        _entryOf(projectId);
        while (steps < maxSteps && _step(projectId)) ++steps;
    }

    /// @inheritdoc IModelSubmission
    function release(uint256 projectId, uint32 index) external nonReentrant {
        ProjectEntry storage entry = _entryOf(projectId);
        WithheldReward memory withheld = entry.withheld[index];
        if (withheld.status == RewardStatus.NONE) revert NothingWithheld(projectId, index);
        if (block.number < withheld.until) revert WithheldUntil(withheld.until);
        _payReward(projectId, index, withheld); // a dispute without a ruling: the verdict stands
    }

    /// @inheritdoc IModelSubmission
    function withdraw(address token, address to) external nonReentrant returns (uint256) {
        return _escrow.payOut(msg.sender, token, to);
    }

    /// @inheritdoc IModelSubmission
    function withdrawFor(address account, address token) external nonReentrant returns (uint256) {
        return _escrow.payOut(account, token, account);
    }

    // ---- AvsLogic

    /// @inheritdoc IModelSubmission
    function settle(Verdict calldata verdict) external onlyAvsLogic nonReentrant {
        (uint256 projectId, uint32 index) = (verdict.projectId, verdict.submissionIndex);
        ProjectEntry storage entry = _requireRunning(projectId, index);
        ProjectRecord storage project = entry.project;
        Evaluation calldata evaluation = verdict.evaluation;
        Outcome outcome = _outcomeOf(project, index, evaluation);

        entry.unreserve(index);
        // The operators claim the rest of the fee later: crediting it now would cost two new words for each task.
        project.budgetFree += Rewards.splitFee(project.fee, verdict).unearned;
        _finish(projectId, index, outcome, evaluation);
    }

    /// @inheritdoc IModelSubmission
    function expire(uint40 projectId, uint32 index) external onlyAvsLogic nonReentrant {
        ProjectEntry storage entry = _requireRunning(projectId, index);
        entry.unreserve(index);
        if (entry.submissions[index].opening > 1) return _finishUnevaluated(projectId, index, Outcome.EXPIRED);

        // The task is opened once more: after one missed deadline, a copy must not be evaluated before its original.
        entry.submissions[index].status = SubmissionStatus.REVEALED;
        entry.project.headSince = uint40(block.number);
        emit SubmissionReopened(projectId, index);
    }

    /// @inheritdoc IModelSubmission
    function dispute(uint40 projectId, uint32 index, address disputer) external payable onlyAvsLogic nonReentrant {
        WithheldReward storage withheld = _entries[projectId].withheld[index];
        if (withheld.status != RewardStatus.WITHHELD) revert NothingWithheld(projectId, index);
        if (block.number >= withheld.until) revert DisputeTooLate(withheld.until);
        withheld.status = RewardStatus.DISPUTED;
        // A contributor that disputes its own reward must not get it earlier.
        uint40 ruledUntil = uint40(block.number + _limits.resolveBlocks);
        if (ruledUntil > withheld.until) withheld.until = ruledUntil;
        withheld.disputer = disputer;
        emit RewardDisputed(projectId, index, disputer, withheld.until);
        _escrow.collect(Tokens.COIN, _limits.disputeBond);
    }

    /// @inheritdoc IModelSubmission
    function resolve(uint40 projectId, uint32 index, bool isOverturned)
        external
        onlyAvsLogic
        nonReentrant
        returns (address disputer)
    {
        ProjectEntry storage entry = _entries[projectId];
        WithheldReward memory withheld = entry.withheld[index];
        if (withheld.status != RewardStatus.DISPUTED) revert NotDisputed(projectId, index);
        if (block.number >= withheld.until) revert DisputeTooLate(withheld.until);
        disputer = withheld.disputer;
        if (!isOverturned) {
            _payReward(projectId, index, withheld);
            return disputer;
        }
        delete entry.withheld[index];
        entry.project.poolFree += withheld.reward;
        entry.project.rewardsPaid -= withheld.reward;
        emit RewardReturned(projectId, index, withheld.reward);
        _escrow.credit(disputer, Tokens.COIN, _limits.disputeBond);
        _demote(projectId, index, withheld);
    }

    /// @inheritdoc IModelSubmission
    function payOperator(address receiver, FeeShare[] calldata shares) external onlyAvsLogic nonReentrant {
        for (uint256 i = 0; i < shares.length; ++i) {
            FeeShare calldata share = shares[i];
            ProjectRecord storage project = _entries[share.projectId].project;
            _escrow.credit(receiver, _tokenOf(project), Rewards.shareOf(project.fee, share));
        }
    }

    // ---- roles

    /// @inheritdoc IModelSubmission
    function setToken(address token, uint96 minFee) external {
        administration.requireRole(Roles.PARAMETERS, msg.sender);
        _escrow.setToken(token, minFee);
    }

    // ---- the head of the queue

    /// @dev Do one step at the head. Return false if there is nothing to do now.
    function _step(uint256 projectId) private returns (bool) {
        ProjectEntry storage entry = _entries[projectId];
        uint32 head = entry.project.head;
        Submission storage submission = entry.submissions[head];
        SubmissionStatus status = submission.status;

        if (status == SubmissionStatus.NONE || status == SubmissionStatus.EVALUATING) return false;
        // A suspended project needs no reveal: hidden submissions are cancelled too, and get their bonds back.
        if (entry.project.status == ProjectStatus.SUSPENDED) return _drop(projectId, head, Outcome.CANCELLED);
        if (status == SubmissionStatus.COMMITTED) {
            if (block.number <= entry.revealDeadline(submission)) return false;
            return _drop(projectId, head, Outcome.UNREVEALED);
        }
        if (!entry.canPay(head)) return _drop(projectId, head, Outcome.CANCELLED);
        if (_tryOpen(projectId, head)) return true;
        if (block.number <= entry.waitingSince(submission) + _limits.openTimeout) return false;
        return _drop(projectId, head, Outcome.CANCELLED);
    }

    function _drop(uint256 projectId, uint32 head, Outcome outcome) private returns (bool) {
        _finishUnevaluated(projectId, head, outcome);
        return true;
    }

    /// @dev Open the head's next task, unless AttestationCenter refuses (too few operators, pause).
    ///      The effects follow the call, so that a refusal has none. This is safe: AttestationCenter is immutable and
    ///      part of this system, and the guard refuses all other calls meanwhile.
    function _tryOpen(uint256 projectId, uint32 index) private returns (bool) {
        ProjectEntry storage entry = _entries[projectId];
        TaskRequest memory request = entry.requestFor(projectId, index);
        try attestationCenter.openTask(request) {}
        catch (bytes memory reason) {
            // Every refusal has a reason. An empty reason means out of gas: a caller that sends too little gas must not
            // cause the head to be cancelled.
            if (reason.length == 0) revert OpeningFailed();
            return false;
        }
        entry.start(index, request.k);
        return true;
    }

    // ---- final states

    function _outcomeOf(ProjectRecord storage project, uint32 index, Evaluation calldata evaluation)
        private
        view
        returns (Outcome)
    {
        if (index == Projects.BASELINE) return Outcomes.ofBaseline(evaluation.code);
        // Its champion turned out to be a lie meanwhile. Nobody can win or lose against it.
        if (project.status == ProjectStatus.SUSPENDED) return Outcome.EVALUATOR_FAILED;
        return Outcomes.ofChallenger(evaluation, project.minGain, project.worseTolerance);
    }

    function _finishUnevaluated(uint256 projectId, uint32 index, Outcome outcome) private {
        ProjectEntry storage entry = _entries[projectId];
        entry.finish(index, outcome);
        emit SubmissionSettled(projectId, index, _lastTaskOf(projectId, index), outcome, 0, 0, 0);
        if (index == Projects.BASELINE) return _cancel(projectId);
        _returnBond(projectId, index, outcome);
    }

    /// @dev Make the head final by its evaluation. `unreserve` comes before, so that the rows of the outcome table take
    ///      what they pay from free pool and budget.
    function _finish(uint256 projectId, uint32 index, Outcome outcome, Evaluation calldata evaluation) private {
        ProjectEntry storage entry = _entries[projectId];
        ProjectRecord storage project = entry.project;
        entry.finish(index, outcome);
        emit SubmissionSettled(
            projectId,
            index,
            evaluation.taskId,
            outcome,
            evaluation.championScore,
            evaluation.challengerScore,
            evaluation.gainLowerBound
        );
        if (index != Projects.BASELINE) {
            if (outcome == Outcome.IMPROVED) _promote(projectId, index, evaluation);
            else if (outcome == Outcome.EVALUATOR_FAILED) _suspend(projectId);
            return _returnBond(projectId, index, outcome);
        }
        project.budgetFree -= project.fee;
        if (outcome != Outcome.NOT_IMPROVED) return _cancel(projectId);
        project.status = ProjectStatus.OPEN;
        project.championScore = evaluation.challengerScore;
        project.baselineScore = evaluation.challengerScore;
        emit ProjectOpened(projectId, evaluation.challengerScore);
    }

    function _cancel(uint256 projectId) private {
        ProjectRecord storage project = _entries[projectId].project;
        project.status = ProjectStatus.CANCELLED;
        emit ProjectCancelled(projectId);
        _creditEscrow(project);
    }

    function _suspend(uint256 projectId) private {
        ProjectRecord storage project = _entries[projectId].project;
        if (project.status == ProjectStatus.SUSPENDED) return;
        project.status = ProjectStatus.SUSPENDED;
        emit ProjectSuspended(projectId);
    }

    function _returnBond(uint256 projectId, uint32 index, Outcome outcome) private {
        ProjectEntry storage entry = _entries[projectId];
        ProjectRecord storage project = entry.project;
        BondShares memory shares = Rewards.splitBond(outcome, project.bond, project.fee, project.ownerPaysMisses);
        if (shares.ownerPays) project.budgetFree -= project.fee;
        if (shares.treasury > 0) emit BondSlashed(projectId, index, shares.treasury);
        address token = _tokenOf(project);
        _escrow.credit(treasury, token, shares.treasury);
        _escrow.credit(entry.submissions[index].contributor, token, shares.contributor);
    }

    // ---- rewards

    /// @dev Make the submission its project's champion. Its reward is withheld while it can be disputed.
    function _promote(uint256 projectId, uint32 index, Evaluation calldata evaluation) private {
        ProjectEntry storage entry = _entries[projectId];
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
        emit ModelImproved(projectId, index, evaluation.gainLowerBound);

        if (project.disputeBlocks == 0) return _payReward(projectId, index, withheld);
        entry.withheld[index] = withheld;
        emit RewardWithheld(projectId, index, withheld.reward, withheld.until);
    }

    /// @dev Credit the reward, and the bond of a dispute that failed.
    function _payReward(uint256 projectId, uint32 index, WithheldReward memory withheld) private {
        ProjectEntry storage entry = _entries[projectId];
        address contributor = entry.submissions[index].contributor;
        if (entry.project.disputeBlocks != 0) delete entry.withheld[index];
        emit RewardPaid(projectId, index, contributor, withheld.reward);
        _escrow.credit(contributor, _tokenOf(entry.project), withheld.reward);
        if (withheld.status == RewardStatus.DISPUTED) {
            _escrow.credit(contributor, Tokens.COIN, _limits.disputeBond);
        }
    }

    /// @dev Bring the previous champion back. If a later task was opened, its challenger was compared with the false
    ///      champion, and only the owner can know what to do: the project is suspended.
    function _demote(uint256 projectId, uint32 index, WithheldReward memory withheld) private {
        ProjectEntry storage entry = _entries[projectId];
        ProjectRecord storage project = entry.project;
        // In a suspended project, the champion may be the lie of another verdict.
        bool isLast = project.status != ProjectStatus.SUSPENDED && project.evaluated == entry.submissions[index].k + 1;
        if (!isLast) return _suspend(projectId);
        project.championIndex = withheld.previousChampion;
        project.championScore = withheld.previousScore;
        emit ChampionRestored(projectId, withheld.previousChampion);
    }

    // ---- money and storage

    function _creditEscrow(ProjectRecord storage project) private {
        uint256 left = uint256(project.poolFree) + project.budgetFree;
        project.poolFree = 0;
        project.budgetFree = 0;
        _escrow.credit(project.owner, _tokenOf(project), left);
    }

    function _tokenOf(ProjectRecord storage project) private view returns (address) {
        return _escrow.tokenAt(project.tokenId);
    }

    function _entryOf(uint256 projectId) private view returns (ProjectEntry storage entry) {
        entry = _entries[projectId];
        if (entry.project.status == ProjectStatus.NONE) revert UnknownProject(projectId);
    }

    function _requireRunning(uint256 projectId, uint32 index) private view returns (ProjectEntry storage entry) {
        entry = _entries[projectId];
        if (entry.submissions[index].status != SubmissionStatus.EVALUATING) {
            revert SubmissionNotRunning(projectId, index);
        }
    }

    /// @dev Zero if no task of the submission was opened.
    function _lastTaskOf(uint256 projectId, uint32 index) private view returns (bytes32) {
        uint8 opening = _entries[projectId].submissions[index].opening;
        if (opening == 0) return 0;
        return Digests.taskId(block.chainid, address(this), projectId, index, opening - 1);
    }

    // ---- readers

    /// @inheritdoc IModelSubmission
    function commitmentOf(uint256 projectId, address contributor, string calldata parametersCid, bytes32 salt)
        public
        view
        returns (bytes32)
    {
        return Digests.commitment(block.chainid, address(this), projectId, contributor, parametersCid, salt);
    }

    /// @inheritdoc IModelSubmission
    function getProject(uint256 projectId) external view returns (Project memory) {
        ProjectEntry storage entry = _entryOf(projectId);
        return entry.toView(_tokenOf(entry.project));
    }

    /// @inheritdoc IModelSubmission
    function getSubmission(uint256 projectId, uint32 index) external view returns (Submission memory submission) {
        submission = _entryOf(projectId).submissions[index];
        if (submission.status == SubmissionStatus.NONE) revert UnknownSubmission(projectId, index);
    }

    /// @inheritdoc IModelSubmission
    function withheldReward(uint256 projectId, uint32 index) external view returns (WithheldReward memory) {
        return _entries[projectId].withheld[index];
    }

    /// @inheritdoc IModelSubmission
    function feeOf(uint256 projectId) external view returns (address token, uint96 fee) {
        ProjectRecord storage project = _entries[projectId].project;
        return (_tokenOf(project), project.fee);
    }

    /// @inheritdoc IModelSubmission
    function creditOf(address account, address token) external view returns (uint256) {
        return _escrow.credits[account][token];
    }

    /// @inheritdoc IModelSubmission
    function escrowOf(address token) external view returns (uint256) {
        return _escrow.owed[token];
    }

    /// @inheritdoc IModelSubmission
    function minFeeOf(address token) external view returns (uint96) {
        return _escrow.minFeeOf(token);
    }

    /// @inheritdoc IModelSubmission
    function limits() external view returns (Limits memory) {
        return _limits;
    }
}
