// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IAdministration} from "./interfaces/IAdministration.sol";
import {IAttestationCenter} from "./interfaces/IAttestationCenter.sol";
import {IAvsGovernance} from "./interfaces/IAvsGovernance.sol";
import {IAvsLogic} from "./interfaces/IAvsLogic.sol";
import {IModelSubmission} from "./interfaces/IModelSubmission.sol";
import {Champions} from "./libraries/Champions.sol";
import {Digests} from "./libraries/Digests.sol";
import {Endings} from "./libraries/Endings.sol";
import {Escrow} from "./libraries/Escrow.sol";
import {ProjectRules} from "./libraries/ProjectRules.sol";
import {Projects} from "./libraries/Projects.sol";
import {Queue} from "./libraries/Queue.sol";
import {Rewards} from "./libraries/Rewards.sol";
import {Roles} from "./libraries/Roles.sol";
import {Submissions} from "./libraries/Submissions.sol";
import {Tokens} from "./libraries/Tokens.sol";
import {Wiring} from "./libraries/Wiring.sol";
import {Ledger, Market, ProjectEntry, ProjectRecord} from "./types/Market.sol";
import {
    FeeShare,
    Outcome,
    Project,
    ProjectParams,
    ProjectStatus,
    RewardStatus,
    Submission,
    SubmissionStatus,
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
    using Champions for Market;
    using Endings for Market;
    using Escrow for Ledger;
    using Projects for Market;
    using Projects for ProjectEntry;
    using Queue for Market;
    using Submissions for ProjectEntry;

    uint64 public constant ESCROW_GRACE = 50_400; // blocks: a week at 12 s

    IAdministration public immutable administration;
    address public immutable avsLogic;
    IAttestationCenter public immutable attestationCenter;
    address public immutable treasury;

    Market private _market;

    modifier onlyAvsLogic() {
        if (msg.sender != avsLogic) revert NotAvsLogic(msg.sender);
        _;
    }

    constructor(
        IAdministration administration_,
        IAvsGovernance governance,
        IAttestationCenter attestationCenter_,
        // slither-disable-next-line missing-zero-check The deployment checks the wiring.
        address avsLogic_,
        address treasury_,
        Limits memory limits_
    ) {
        if (treasury_ == address(0)) revert ZeroAddress();
        Wiring.validate(administration_, governance, attestationCenter_, IAvsLogic(avsLogic_), treasury_);
        ProjectRules.validateLimits(limits_, governance.unbondingBlocks());
        administration = administration_;
        avsLogic = avsLogic_;
        attestationCenter = attestationCenter_;
        treasury = treasury_;
        _market.limits = limits_;
        _market.escrow.setToken(Tokens.COIN, limits_.coinMinFee);
    }

    // ---- project owners

    /// @inheritdoc IModelSubmission
    function createProject(ProjectParams calldata params) external payable nonReentrant returns (uint256 projectId) {
        administration.requireRunning();
        (uint16 tokenId, uint96 minFee) = _market.escrow.requireToken(params.token);
        ProjectRules.validate(params, _market.limits, minFee);
        projectId = ++_market.projectCount;
        _market.entries[projectId].create(params, tokenId);
        emit ProjectCreated(projectId, msg.sender, params);

        _market.escrow.collect(params.token, uint256(params.pool) + params.budget);
        // slither-disable-next-line unused-return A baseline that cannot be evaluated yet waits for `advance`.
        _market.step(projectId, attestationCenter, treasury);
    }

    /// @inheritdoc IModelSubmission
    function topUp(uint256 projectId, uint96 pool, uint96 budget) external payable nonReentrant {
        ProjectEntry storage entry = _market.entryOf(projectId);
        entry.topUp(projectId, pool, budget);
        emit ToppedUp(projectId, pool, budget);
        _market.escrow.collect(_market.tokenOf(entry.project), uint256(pool) + budget);
    }

    /// @inheritdoc IModelSubmission
    function setMetadata(uint256 projectId, string calldata metadataCid) external {
        if (msg.sender != _market.entryOf(projectId).project.owner) revert NotProjectOwner(msg.sender);
        ProjectRules.validateCid(metadataCid);
        emit MetadataChanged(projectId, metadataCid);
    }

    /// @inheritdoc IModelSubmission
    function closeProject(uint256 projectId) external nonReentrant {
        ProjectEntry storage entry = _market.entryOf(projectId);
        entry.close(projectId);
        emit ProjectClosed(projectId);
    }

    /// @inheritdoc IModelSubmission
    function withdrawEscrow(uint256 projectId) external nonReentrant {
        ProjectEntry storage entry = _market.entryOf(projectId);
        ProjectRecord storage project = entry.project;
        if (project.status != ProjectStatus.CLOSED) revert ProjectStillOpen(projectId);
        bool isOwner = msg.sender == project.owner;
        if (!isOwner && block.number < project.openUntil + ESCROW_GRACE) revert NotProjectOwner(msg.sender);
        if (entry.pendingIn() > 0) revert SubmissionsPending(projectId);
        if (uint256(project.poolFree) + project.budgetFree == 0) revert NothingToWithdraw();
        _market.refund(project);
    }

    // ---- contributors

    /// @inheritdoc IModelSubmission
    function commit(uint256 projectId, bytes32 commitment) external payable nonReentrant returns (uint32 index) {
        administration.requireRunning();
        ProjectEntry storage entry = _market.entryOf(projectId);
        index = entry.push(projectId, commitment, _market.limits);
        emit SubmissionCommitted(projectId, index, msg.sender, commitment);
        _market.escrow.collect(_market.tokenOf(entry.project), entry.project.bond);
    }

    /// @inheritdoc IModelSubmission
    function reveal(uint256 projectId, uint32 index, string calldata parametersCid, bytes32 salt)
        external
        nonReentrant
    {
        ProjectEntry storage entry = _market.entryOf(projectId);
        ProjectRules.validateCid(parametersCid);
        entry.reveal(index, commitmentOf(projectId, msg.sender, parametersCid, salt), parametersCid);
        emit SubmissionRevealed(projectId, index, parametersCid);
        // slither-disable-next-line unused-return A head that cannot move waits for `advance`.
        if (index == entry.project.head) _market.step(projectId, attestationCenter, treasury);
    }

    // ---- anyone

    /// @inheritdoc IModelSubmission
    function advance(uint256 projectId, uint256 maxSteps) external nonReentrant returns (uint256 steps) {
        // slither-disable-next-line unused-return It reverts for a project that does not exist.
        _market.entryOf(projectId);
        while (steps < maxSteps && _market.step(projectId, attestationCenter, treasury)) ++steps;
    }

    /// @inheritdoc IModelSubmission
    function release(uint256 projectId, uint32 index) external nonReentrant {
        _market.release(projectId, index);
    }

    /// @inheritdoc IModelSubmission
    function withdraw(address token, address to) external nonReentrant returns (uint256) {
        return _market.escrow.payOut(msg.sender, token, to);
    }

    /// @inheritdoc IModelSubmission
    function withdrawFor(address account, address token) external nonReentrant returns (uint256) {
        return _market.escrow.payOut(account, token, account);
    }

    // ---- AvsLogic

    /// @inheritdoc IModelSubmission
    function settle(Verdict calldata verdict) external onlyAvsLogic nonReentrant {
        _market.settle(verdict, treasury);
    }

    /// @inheritdoc IModelSubmission
    function expire(uint40 projectId, uint32 index) external onlyAvsLogic nonReentrant {
        ProjectEntry storage entry = _market.entries[projectId];
        entry.requireRunning(projectId, index);
        entry.unreserve(index);
        if (entry.submissions[index].opening > 1) return _market.drop(projectId, index, Outcome.EXPIRED, treasury);

        // The task is opened once more: after one missed deadline, a copy must not be evaluated before its original.
        entry.reopen(index);
        emit SubmissionReopened(projectId, index);
    }

    /// @inheritdoc IModelSubmission
    function dispute(uint40 projectId, uint32 index, address disputer) external payable onlyAvsLogic nonReentrant {
        _market.dispute(projectId, index, disputer);
        _market.escrow.collect(Tokens.COIN, _market.limits.disputeBond);
    }

    /// @inheritdoc IModelSubmission
    function resolve(uint40 projectId, uint32 index, bool isOverturned)
        external
        onlyAvsLogic
        nonReentrant
        returns (address disputer)
    {
        return _market.resolve(projectId, index, isOverturned);
    }

    /// @inheritdoc IModelSubmission
    function payOperator(address receiver, FeeShare[] calldata shares) external onlyAvsLogic nonReentrant {
        for (uint256 i = 0; i < shares.length; ++i) {
            FeeShare calldata share = shares[i];
            ProjectRecord storage project = _market.entries[share.projectId].project;
            _market.escrow.credit(receiver, _market.tokenOf(project), Rewards.shareOf(project.fee, share));
        }
    }

    // ---- roles

    /// @inheritdoc IModelSubmission
    function setToken(address token, uint96 minFee) external {
        administration.requireRole(Roles.PARAMETERS, msg.sender);
        _market.escrow.setToken(token, minFee);
    }

    // ---- readers

    /// @inheritdoc IModelSubmission
    function projectCount() external view returns (uint256) {
        return _market.projectCount;
    }

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
        ProjectEntry storage entry = _market.entryOf(projectId);
        return entry.toView(_market.tokenOf(entry.project));
    }

    /// @inheritdoc IModelSubmission
    function getSubmission(uint256 projectId, uint32 index) external view returns (Submission memory submission) {
        submission = _market.entryOf(projectId).submissions[index];
        if (submission.status == SubmissionStatus.NONE) revert UnknownSubmission(projectId, index);
    }

    /// @inheritdoc IModelSubmission
    function withheldReward(uint256 projectId, uint32 index) external view returns (WithheldReward memory) {
        return _market.entries[projectId].withheld[index];
    }

    /// @inheritdoc IModelSubmission
    function feeOf(uint256 projectId) external view returns (address token, uint96 fee) {
        ProjectRecord storage project = _market.entries[projectId].project;
        return (_market.tokenOf(project), project.fee);
    }

    /// @inheritdoc IModelSubmission
    function creditOf(address account, address token) external view returns (uint256) {
        return _market.escrow.credits[account][token];
    }

    /// @inheritdoc IModelSubmission
    function escrowOf(address token) external view returns (uint256) {
        return _market.escrow.owed[token];
    }

    /// @inheritdoc IModelSubmission
    function minFeeOf(address token) external view returns (uint96) {
        return _market.escrow.minFeeOf(token);
    }

    /// @inheritdoc IModelSubmission
    function limits() external view returns (Limits memory) {
        return _market.limits;
    }
}
