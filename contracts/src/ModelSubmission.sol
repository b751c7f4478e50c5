// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IAttestationCenter} from "./interfaces/IAttestationCenter.sol";
import {IModelSubmission} from "./interfaces/IModelSubmission.sol";
import {Digests} from "./libraries/Digests.sol";
import {Outcomes} from "./libraries/Outcomes.sol";
import {ProjectRules} from "./libraries/ProjectRules.sol";
import {Rewards} from "./libraries/Rewards.sol";
import {Tokens} from "./libraries/Tokens.sol";
import {AttesterFees, BondShares, ProjectEntry, TaskRef} from "./types/Market.sol";
import {
    Evaluation,
    Outcome,
    Project,
    ProjectParams,
    ProjectStatus,
    Submission,
    SubmissionStatus,
    TaskInput,
    TaskRequest,
    Verdict
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
///
/// Money enters by createProject, topUp and commit, and leaves only by withdraw. All other calls move it between pools,
/// budgets, bonds, attesters' fees and credits.
contract ModelSubmission is IModelSubmission, Ownable, ReentrancyGuardTransient {
    uint32 private constant BASELINE_INDEX = 0;

    address public immutable avsLogic;
    IAttestationCenter public immutable attestationCenter;
    address public immutable treasury;
    uint32 public immutable maxPending; // limits a project's queue; each submission in it costs a bond
    uint32 public immutable openTimeout; // blocks after which a revealed head that cannot open is cancelled

    /// @inheritdoc IModelSubmission
    uint256 public projectCount;
    /// @inheritdoc IModelSubmission
    mapping(address token => bool) public isTokenAllowed;
    /// @inheritdoc IModelSubmission
    mapping(address token => uint256) public escrowOf;
    /// @inheritdoc IModelSubmission
    mapping(address account => mapping(address token => uint256)) public creditOf;
    /// @inheritdoc IModelSubmission
    mapping(bytes32 taskId => AttesterFees) public attesterFees;

    mapping(uint256 projectId => ProjectEntry) private _entries;
    mapping(bytes32 taskId => TaskRef) private _tasks;

    modifier onlyAvsLogic() {
        if (msg.sender != avsLogic) revert NotAvsLogic(msg.sender);
        _;
    }

    constructor(
        address avsLogic_,
        IAttestationCenter attestationCenter_,
        address treasury_,
        address owner_,
        uint32 maxPending_,
        uint32 openTimeout_
    ) Ownable(owner_) {
        if (avsLogic_ == address(0) || address(attestationCenter_) == address(0) || treasury_ == address(0)) {
            revert ZeroAddress();
        }
        if (maxPending_ == 0) revert BadParameter("maxPending");
        if (openTimeout_ == 0) revert BadParameter("openTimeout");

        avsLogic = avsLogic_;
        attestationCenter = attestationCenter_;
        treasury = treasury_;
        maxPending = maxPending_;
        openTimeout = openTimeout_;
    }

    // ---- project owners

    /// @inheritdoc IModelSubmission
    function createProject(ProjectParams calldata params) external payable nonReentrant returns (uint256 projectId) {
        if (params.token != Tokens.COIN && !isTokenAllowed[params.token]) revert TokenNotAllowed(params.token);
        ProjectRules.validate(params);

        projectId = ++projectCount;
        _writeProject(projectId, params);
        emit ProjectCreated(
            projectId,
            msg.sender,
            params.architectureCid,
            params.parametersCid,
            params.evaluatorCid,
            params.token,
            params.pool,
            params.budget
        );

        _collect(params.token, uint256(params.pool) + params.budget);
        _step(projectId);
    }

    /// @inheritdoc IModelSubmission
    function topUp(uint256 projectId, uint128 pool, uint128 budget) external payable nonReentrant {
        Project storage project = _entryOf(projectId).project;
        if (project.status != ProjectStatus.BASELINE && project.status != ProjectStatus.OPEN) {
            revert ProjectNotOpen(projectId);
        }

        project.poolFree += pool;
        project.budgetFree += budget;
        emit ToppedUp(projectId, pool, budget);

        _collect(project.params.token, uint256(pool) + budget);
    }

    /// @inheritdoc IModelSubmission
    function closeProject(uint256 projectId) external nonReentrant {
        Project storage project = _entryOf(projectId).project;
        bool isSuspended = project.status == ProjectStatus.SUSPENDED;
        if (project.status != ProjectStatus.OPEN && !isSuspended) revert ProjectNotOpen(projectId);
        if (msg.sender != project.owner && block.number < project.params.openUntil) revert NotProjectOwner(msg.sender);
        if (isSuspended && _pendingIn(project) > 0) revert SubmissionsPending(projectId);

        project.status = ProjectStatus.CLOSED;
        emit ProjectClosed(projectId);
    }

    /// @inheritdoc IModelSubmission
    function withdrawEscrow(uint256 projectId) external nonReentrant {
        Project storage project = _entryOf(projectId).project;
        if (msg.sender != project.owner) revert NotProjectOwner(msg.sender);
        if (project.status != ProjectStatus.CLOSED && project.status != ProjectStatus.CANCELLED) {
            revert ProjectStillOpen(projectId);
        }
        if (_pendingIn(project) > 0) revert SubmissionsPending(projectId);

        uint256 left = _emptyEscrow(project);
        if (left == 0) revert NothingToWithdraw();
        _credit(project.owner, project.params.token, left);
    }

    // ---- contributors

    /// @inheritdoc IModelSubmission
    function commit(uint256 projectId, bytes32 commitment) external payable nonReentrant returns (uint32 index) {
        ProjectEntry storage entry = _entryOf(projectId);
        Project storage project = entry.project;
        if (project.status != ProjectStatus.OPEN || block.number >= project.params.openUntil) {
            revert ProjectNotOpen(projectId);
        }
        if (_pendingIn(project) >= maxPending) revert TooManyPending(maxPending);

        _reserve(project);
        index = project.submissionCount++;
        Submission storage submission = entry.submissions[index];
        submission.status = SubmissionStatus.COMMITTED;
        submission.contributor = msg.sender;
        submission.committedAt = uint64(block.number);
        submission.commitment = commitment;
        emit SubmissionCommitted(projectId, index, msg.sender, commitment);

        _collect(project.params.token, project.params.bond);
    }

    /// @inheritdoc IModelSubmission
    function reveal(uint256 projectId, uint32 index, string calldata parametersCid, bytes32 salt)
        external
        nonReentrant
    {
        ProjectEntry storage entry = _entryOf(projectId);
        Submission storage submission = entry.submissions[index];
        if (submission.status != SubmissionStatus.COMMITTED) revert SubmissionNotCommitted(index);
        if (msg.sender != submission.contributor) revert NotContributor(msg.sender);
        uint64 deadline = _revealDeadline(entry, submission);
        if (block.number > deadline) revert RevealTooLate(deadline);
        ProjectRules.validateCid(parametersCid);
        bytes32 commitment =
            Digests.commitment(block.chainid, address(this), projectId, msg.sender, parametersCid, salt);
        if (commitment != submission.commitment) revert WrongCommitment();

        submission.status = SubmissionStatus.REVEALED;
        submission.revealedAt = uint64(block.number);
        submission.parametersCid = parametersCid;
        emit SubmissionRevealed(projectId, index, parametersCid);

        if (index == entry.project.head) _step(projectId);
    }

    /// @inheritdoc IModelSubmission
    function advance(uint256 projectId, uint256 maxSteps) external nonReentrant returns (uint256 steps) {
        _entryOf(projectId);
        while (steps < maxSteps && _step(projectId)) ++steps;
    }

    /// @inheritdoc IModelSubmission
    function withdraw(address token, address to) external nonReentrant returns (uint256 amount) {
        if (to == address(0)) revert ZeroAddress();
        amount = creditOf[msg.sender][token];
        if (amount == 0) revert NothingToWithdraw();

        creditOf[msg.sender][token] = 0;
        escrowOf[token] -= amount;
        emit Withdrawn(msg.sender, token, to, amount);

        Tokens.pay(token, to, amount);
    }

    // ---- AvsLogic

    /// @inheritdoc IModelSubmission
    function settle(Verdict calldata verdict) external onlyAvsLogic nonReentrant {
        Evaluation calldata evaluation = verdict.evaluation;
        (uint256 projectId, uint32 index) = _runningSubmission(evaluation.taskId);
        ProjectEntry storage entry = _entries[projectId];
        Submission storage submission = entry.submissions[index];
        ProjectParams storage params = entry.project.params;

        submission.championScore = evaluation.championScore;
        submission.challengerScore = evaluation.challengerScore;
        submission.gainLowerBound = evaluation.gainLowerBound;
        Outcome outcome = index == BASELINE_INDEX
            ? Outcomes.ofBaseline(evaluation.code)
            : Outcomes.ofChallenger(evaluation, params.minGain, params.worseTolerance);

        _finish(projectId, index, outcome);
        _creditFee(params, verdict);
    }

    /// @inheritdoc IModelSubmission
    function expire(bytes32 taskId) external onlyAvsLogic nonReentrant {
        (uint256 projectId, uint32 index) = _runningSubmission(taskId);
        ProjectEntry storage entry = _entries[projectId];
        Submission storage submission = entry.submissions[index];
        if (submission.opening > 0) return _finish(projectId, index, Outcome.EXPIRED);

        // The task is opened once more: after one missed deadline, a copy must not be evaluated before its original.
        submission.status = SubmissionStatus.REVEALED;
        entry.headSince = uint64(block.number);
        emit SubmissionReopened(projectId, index);
    }

    /// @inheritdoc IModelSubmission
    function payAttester(
        address receiver,
        bytes32[] calldata taskIds,
        uint96[] calldata stakes,
        uint96[] calldata signedStakes
    ) external onlyAvsLogic nonReentrant {
        for (uint256 i = 0; i < taskIds.length; ++i) {
            (uint256 projectId,) = submissionOf(taskIds[i]);
            AttesterFees storage fees = attesterFees[taskIds[i]];
            uint128 share = uint128(uint256(fees.total) * stakes[i] / signedStakes[i]);
            if (share > fees.unclaimed) share = fees.unclaimed; // a task's claims never exceed its fee

            fees.unclaimed -= share;
            _credit(receiver, _entries[projectId].project.params.token, share);
        }
    }

    // ---- contract owner

    /// @inheritdoc IModelSubmission
    function allowToken(address token, bool allowed) external onlyOwner {
        if (token == address(0)) revert ZeroAddress(); // the coin is always allowed
        isTokenAllowed[token] = allowed;
        emit TokenAllowed(token, allowed);
    }

    // ---- readers

    /// @inheritdoc IModelSubmission
    function getProject(uint256 projectId) external view returns (Project memory) {
        return _entryOf(projectId).project;
    }

    /// @inheritdoc IModelSubmission
    function getSubmission(uint256 projectId, uint32 index) external view returns (Submission memory) {
        return _submissionAt(projectId, index);
    }

    /// @inheritdoc IModelSubmission
    function taskInput(uint256 projectId, uint32 index) external view returns (TaskInput memory) {
        Submission storage submission = _submissionAt(projectId, index);
        if (submission.taskId == bytes32(0)) revert UnknownTask(submission.taskId);
        return _buildInput(projectId, index, submission.championIndex, submission.k, submission.taskId);
    }

    /// @inheritdoc IModelSubmission
    function submissionOf(bytes32 taskId) public view returns (uint256 projectId, uint32 index) {
        TaskRef storage task = _tasks[taskId];
        if (task.projectId == 0) revert UnknownTask(taskId);
        return (task.projectId, task.index);
    }

    /// @inheritdoc IModelSubmission
    function championCid(uint256 projectId) external view returns (string memory) {
        ProjectEntry storage entry = _entryOf(projectId);
        return entry.submissions[entry.project.championIndex].parametersCid;
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
        if (entry.project.status == ProjectStatus.SUSPENDED) return _finishStep(projectId, head, Outcome.CANCELLED);
        if (status == SubmissionStatus.COMMITTED) {
            if (block.number <= _revealDeadline(entry, submission)) return false;
            return _finishStep(projectId, head, Outcome.UNREVEALED);
        }
        if (_tryOpen(projectId, head)) return true;
        if (block.number <= _revealedHeadSince(entry, submission) + openTimeout) return false;
        return _finishStep(projectId, head, Outcome.CANCELLED);
    }

    function _finishStep(uint256 projectId, uint32 head, Outcome outcome) private returns (bool) {
        _finish(projectId, head, outcome);
        return true;
    }

    /// @dev Open the head's next task, unless AttestationCenter refuses (too few operators, life too long, …).
    ///      The effects follow the call, so that a refusal has none. This is safe: AttestationCenter is immutable and
    ///      part of this system, and the guard refuses all other calls meanwhile.
    function _tryOpen(uint256 projectId, uint32 index) private returns (bool) {
        ProjectEntry storage entry = _entries[projectId];
        Project storage project = entry.project;
        Submission storage submission = entry.submissions[index];
        TaskRequest memory request = _buildRequest(projectId, index);

        try attestationCenter.openTask(request) returns (uint64, uint64) {}
        catch (bytes memory reason) {
            // Every refusal has a reason. An empty reason means out of gas: a caller that sends too little gas must not
            // cause the head to be cancelled.
            if (reason.length == 0) revert OpeningFailed();
            return false;
        }

        submission.status = SubmissionStatus.EVALUATING;
        submission.opening = request.opening;
        submission.k = request.k;
        submission.championIndex = project.championIndex;
        submission.taskId = request.taskId;
        // forge-lint: disable-next-line(unsafe-typecast)
        _tasks[request.taskId] = TaskRef(uint224(projectId), index); // ids count from 1 and never come near 2²²⁴
        if (index != BASELINE_INDEX) ++project.evaluated;
        return true;
    }

    /// @dev Every task of a challenger takes a new `k`, also the second task of a submission: its new seed is one more
    ///      chance of a false promotion, and α_k must count it. The baseline cannot be promoted and has k = 0.
    function _buildRequest(uint256 projectId, uint32 index) private view returns (TaskRequest memory) {
        Project storage project = _entries[projectId].project;
        uint8 opening = _entries[projectId].submissions[index].taskId == bytes32(0) ? 0 : 1;
        uint32 k = index == BASELINE_INDEX ? 0 : project.evaluated;
        bytes32 taskId = Digests.taskId(block.chainid, address(this), projectId, index, opening);
        bytes32 inputRoot = Digests.inputRoot(_buildInput(projectId, index, project.championIndex, k, taskId));

        return TaskRequest({
            taskId: taskId,
            projectId: projectId,
            submissionIndex: index,
            opening: opening,
            inputRoot: inputRoot,
            k: k,
            quorumBps: project.params.quorumBps,
            attemptBlocks: project.params.attemptBlocks
        });
    }

    function _buildInput(uint256 projectId, uint32 index, uint32 championIndex, uint32 k, bytes32 taskId)
        private
        view
        returns (TaskInput memory)
    {
        ProjectEntry storage entry = _entries[projectId];
        ProjectParams storage params = entry.project.params;
        return TaskInput({
            taskId: taskId,
            architectureCid: params.architectureCid,
            evaluatorCid: params.evaluatorCid,
            championCid: entry.submissions[championIndex].parametersCid,
            challengerCid: entry.submissions[index].parametersCid,
            rounds: params.rounds,
            k: k,
            alphaPpm: params.alphaPpm,
            tolerance: params.tolerance
        });
    }

    // ---- final states

    /// @dev Make the head final. Nothing else does, and it happens once for each submission.
    function _finish(uint256 projectId, uint32 index, Outcome outcome) private {
        ProjectEntry storage entry = _entries[projectId];
        Submission storage submission = entry.submissions[index];

        submission.status = SubmissionStatus.FINAL;
        submission.outcome = outcome;
        entry.project.head = index + 1;
        entry.headSince = uint64(block.number);
        emit SubmissionSettled(
            projectId,
            index,
            submission.taskId,
            outcome,
            submission.championScore,
            submission.challengerScore,
            submission.gainLowerBound
        );

        if (index == BASELINE_INDEX) _finishBaseline(projectId, outcome);
        else _finishChallenger(projectId, index, outcome);
    }

    function _finishBaseline(uint256 projectId, Outcome outcome) private {
        ProjectEntry storage entry = _entries[projectId];
        Project storage project = entry.project;

        if (outcome == Outcome.NOT_IMPROVED) {
            project.status = ProjectStatus.OPEN;
            project.championScore = entry.submissions[BASELINE_INDEX].challengerScore;
            emit ProjectOpened(projectId, project.championScore);
            return;
        }
        project.status = ProjectStatus.CANCELLED;
        emit ProjectCancelled(projectId);
        if (!Outcomes.isEvaluated(outcome)) project.budgetFree += project.params.fee;
        _credit(project.owner, project.params.token, _emptyEscrow(project));
    }

    function _finishChallenger(uint256 projectId, uint32 index, Outcome outcome) private {
        ProjectEntry storage entry = _entries[projectId];
        Project storage project = entry.project;
        Submission storage submission = entry.submissions[index];
        uint128 reward = 0;

        if (outcome == Outcome.IMPROVED) {
            reward = _promote(projectId, index);
        } else if (outcome == Outcome.EVALUATOR_FAILED) {
            project.status = ProjectStatus.SUSPENDED;
            emit ProjectSuspended(projectId);
        }

        ProjectParams storage params = project.params;
        BondShares memory shares = Rewards.splitBond(outcome, params.bond, params.fee, params.ownerPaysMisses);
        project.poolFree += params.maxReward - reward;
        if (!shares.ownerPays) project.budgetFree += params.fee;
        if (shares.treasury > 0) emit BondSlashed(projectId, index, shares.treasury);
        _credit(treasury, params.token, shares.treasury);
        _credit(submission.contributor, params.token, uint256(shares.contributor) + reward);
    }

    /// @dev Make the submission its project's champion and return its reward.
    function _promote(uint256 projectId, uint32 index) private returns (uint128 reward) {
        ProjectEntry storage entry = _entries[projectId];
        Submission storage submission = entry.submissions[index];
        ProjectParams storage params = entry.project.params;

        entry.project.championIndex = index;
        entry.project.championScore = submission.challengerScore;
        emit ModelImproved(projectId, index, submission.parametersCid, submission.gainLowerBound);

        reward = Rewards.rewardOf(params.rewardRule, params.maxReward, params.rewardRate, submission.gainLowerBound);
        emit RewardPaid(projectId, index, submission.contributor, reward);
    }

    // ---- money

    function _collect(address token, uint256 amount) private {
        escrowOf[token] += amount;
        Tokens.collect(token, amount);
    }

    /// @dev Reserve the highest reward and the fee until the submission is final.
    function _reserve(Project storage project) private {
        ProjectParams storage params = project.params;
        if (project.poolFree < params.maxReward) revert PoolExhausted(project.poolFree, params.maxReward);
        if (project.budgetFree < params.fee) revert BudgetExhausted(project.budgetFree, params.fee);
        project.poolFree -= params.maxReward;
        project.budgetFree -= params.fee;
    }

    /// @dev Credit the fee to the operators. It has already left the bond or the budget.
    function _creditFee(ProjectParams storage params, Verdict calldata verdict) private {
        (uint128 performer, uint128 aggregator, uint128 attesters) = Rewards.splitFee(params.fee, verdict);
        attesterFees[verdict.evaluation.taskId] = AttesterFees(attesters, attesters);
        _credit(verdict.performerReceiver, params.token, performer);
        _credit(verdict.aggregatorReceiver, params.token, aggregator);
    }

    function _emptyEscrow(Project storage project) private returns (uint256 left) {
        left = uint256(project.poolFree) + project.budgetFree;
        project.poolFree = 0;
        project.budgetFree = 0;
    }

    function _credit(address account, address token, uint256 amount) private {
        if (amount == 0) return;
        creditOf[account][token] += amount;
        emit Credited(account, token, amount);
    }

    // ---- storage

    function _writeProject(uint256 projectId, ProjectParams calldata params) private {
        ProjectEntry storage entry = _entries[projectId];
        Project storage project = entry.project;
        project.status = ProjectStatus.BASELINE;
        project.owner = msg.sender;
        project.poolFree = params.pool;
        project.budgetFree = params.budget - params.fee; // the baseline's fee is reserved
        project.submissionCount = 1;
        project.params = params;
        entry.headSince = uint64(block.number);

        Submission storage baseline = entry.submissions[BASELINE_INDEX];
        baseline.status = SubmissionStatus.REVEALED;
        baseline.contributor = msg.sender;
        baseline.committedAt = uint64(block.number);
        baseline.revealedAt = uint64(block.number);
        baseline.parametersCid = params.parametersCid;
    }

    function _entryOf(uint256 projectId) private view returns (ProjectEntry storage entry) {
        entry = _entries[projectId];
        if (entry.project.status == ProjectStatus.NONE) revert UnknownProject(projectId);
    }

    function _submissionAt(uint256 projectId, uint32 index) private view returns (Submission storage submission) {
        submission = _entryOf(projectId).submissions[index];
        if (submission.status == SubmissionStatus.NONE) revert UnknownSubmission(projectId, index);
    }

    /// @dev The submission that this task evaluates now. It is the head of its project.
    function _runningSubmission(bytes32 taskId) private view returns (uint256 projectId, uint32 index) {
        (projectId, index) = submissionOf(taskId);
        Submission storage submission = _entries[projectId].submissions[index];
        if (submission.status != SubmissionStatus.EVALUATING || submission.taskId != taskId) {
            revert TaskNotRunning(taskId);
        }
    }

    function _pendingIn(Project storage project) private view returns (uint256) {
        return project.submissionCount - project.head;
    }

    function _revealDeadline(ProjectEntry storage entry, Submission storage submission) private view returns (uint64) {
        return submission.committedAt + entry.project.params.revealBlocks;
    }

    function _revealedHeadSince(ProjectEntry storage entry, Submission storage submission)
        private
        view
        returns (uint256)
    {
        return entry.headSince > submission.revealedAt ? entry.headSince : submission.revealedAt;
    }
}
