// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IAdministration} from "./interfaces/IAdministration.sol";
import {IAttestationCenter} from "./interfaces/IAttestationCenter.sol";
import {IAvsGovernance} from "./interfaces/IAvsGovernance.sol";
import {IAvsLogic} from "./interfaces/IAvsLogic.sol";
import {IModelSubmission} from "./interfaces/IModelSubmission.sol";
import {ISeedSource} from "./interfaces/ISeedSource.sol";
import {ISignatureVerifier} from "./interfaces/ISignatureVerifier.sol";
import {Certificates} from "./libraries/Certificates.sol";
import {Digests} from "./libraries/Digests.sol";
import {OperatorSet} from "./libraries/OperatorSet.sol";
import {Rewards} from "./libraries/Rewards.sol";
import {Roles} from "./libraries/Roles.sol";
import {Settings} from "./libraries/Settings.sol";
import {Settlements} from "./libraries/Settlements.sol";
import {Slashes} from "./libraries/Slashes.sol";
import {Tasks} from "./libraries/Tasks.sol";
import {Center, SettlementParts} from "./types/Center.sol";
import {
    Certificate,
    Evaluation,
    Operator,
    OperatorStatus,
    SealedSet,
    SignedVote,
    Task,
    TaskInfo,
    TaskRequest,
    Verdict
} from "./types/Types.sol";

/// @title Tasks, certificates, settlements, disputes and proofs of conflicting votes. Holds no money.
/// @dev The states of a task: NONE ─ openTask ─► OPEN ─ approval ─► SETTLED, or OPEN ─ expireTask ─► EXPIRED.
contract AttestationCenter is IAttestationCenter, EIP712 {
    using Certificates for Certificates.Posting;
    using Settings for Center;
    using Settlements for Center;
    using Slashes for Center;
    using Tasks for Center;

    /// @dev The contracts and accounts that this one works with. They may still be without code at deployment.
    struct Wiring {
        IAdministration administration;
        IAvsGovernance governance;
        IAvsLogic avsLogic;
        IModelSubmission modelSubmission;
        ISignatureVerifier verifier;
        ISeedSource seedSource;
        address resolver;
        address treasury;
    }

    IAdministration public immutable administration;
    IAvsGovernance public immutable governance;
    IAvsLogic public immutable avsLogic;
    IModelSubmission public immutable modelSubmission;
    ISignatureVerifier public immutable verifier;
    ISeedSource public immutable seedSource;
    address public immutable resolver;
    address public immutable treasury;

    Center private _center;

    constructor(Wiring memory wiring, Parameters memory parameters_)
        EIP712(Digests.DOMAIN_NAME, Digests.DOMAIN_VERSION)
    {
        administration = wiring.administration;
        governance = wiring.governance;
        avsLogic = wiring.avsLogic;
        modelSubmission = wiring.modelSubmission;
        verifier = wiring.verifier;
        seedSource = wiring.seedSource;
        resolver = wiring.resolver;
        treasury = wiring.treasury;
        _center.setParameters(parameters_);
    }

    // ---- tasks

    /// @inheritdoc IAttestationCenter
    function openTask(TaskRequest calldata request) external {
        if (msg.sender != address(modelSubmission)) revert NotModelSubmission(msg.sender);
        administration.requireRunning();
        uint32 version = governance.latestVersion();
        SealedSet memory set = governance.sealedSet(version);
        if (!_center.canUse(set)) revert TooFewOperators(set.count, _center.minOperators);
        _center.open(request, version);
    }

    /// @inheritdoc IAttestationCenter
    function fixSeed(bytes32 taskId, bytes calldata header) external returns (bytes32 seed) {
        seed = _center.seeds[taskId];
        if (seed != 0) return seed;
        seed = _deriveSeed(taskId, _center.requireTask(taskId), header);
        _center.seeds[taskId] = seed;
        emit SeedFixed(taskId, seed);
    }

    /// @inheritdoc IAttestationCenter
    function submitTask(TaskInfo calldata info, Certificate calldata certificate) external {
        administration.requireRunning();
        // slither-disable-next-line uninitialized-local The steps below fill in its fields.
        Certificates.Posting memory posting;
        posting.evaluation = abi.decode(info.data, (Evaluation));
        bytes32 taskId = posting.evaluation.taskId;
        Task memory task = _center.tasks[taskId];
        posting.checkAttempt(task, certificate.approved);
        bytes32 seed = _seedFor(taskId, task, certificate.header);
        posting.set = governance.sealedSet(task.setVersion);
        posting.blob = OperatorSet.load(posting.set.pointer);
        posting.checkPoster(certificate.posterSlot);
        posting.checkPerformer(_domainSeparatorV4(), seed, info, certificate.performerSignature);
        posting.checkContent(task, seed, info.proofOfTask);
        posting.checkVotes(task, _domainSeparatorV4(), verifier, certificate);

        if (certificate.approved) _settle(task, posting, info, certificate);
        else _reject(task, posting, certificate.bitmap);
    }

    /// @inheritdoc IAttestationCenter
    function expireTask(bytes32 taskId) external {
        Task memory task = _center.expire(taskId);
        emit TaskExpired(taskId);
        avsLogic.afterTaskExpiry(task.projectId, task.submissionIndex);
    }

    // ---- fees

    /// @inheritdoc IAttestationCenter
    function claim(address operator, uint64 upTo) external {
        Operator memory record = governance.getOperator(operator);
        // A stranger's empty record reads as slot 0, whose fees are another's.
        if (record.status == OperatorStatus.NONE) revert NothingToClaim();
        uint64 from = _center.cursorOf(operator, record.firstSettlement);
        uint64 end = upTo < settlementCount() ? upTo : settlementCount();
        if (end <= from) revert NothingToClaim();
        _center.cursors[operator] = end;
        emit FeesClaimed(operator, from, end);

        Settlements.Earned memory earned = _center.earnedBy(governance, record, from, end);
        if (earned.shares.length != 0) avsLogic.payOperator(record.rewardsReceiver, earned.shares);
        if (earned.slashed != 0) governance.payFromPot(record.rewardsReceiver, earned.slashed);
    }

    // ---- disputes and proofs

    /// @inheritdoc IAttestationCenter
    function dispute(bytes32 taskId) external payable {
        Task memory task = _center.requireSettled(taskId);
        emit TaskDisputed(taskId, msg.sender);
        avsLogic.afterDispute{value: msg.value}(task.projectId, task.submissionIndex, msg.sender);
    }

    /// @inheritdoc IAttestationCenter
    function resolve(bytes32 taskId, bool isOverturned) external {
        if (msg.sender != resolver) revert NotResolver(msg.sender);
        Task memory task = _center.requireSettled(taskId);
        emit DisputeResolved(taskId, isOverturned);
        address disputer = avsLogic.afterResolution(task.projectId, task.submissionIndex, isOverturned);
        if (!isOverturned) return;

        bytes memory blob = OperatorSet.load(governance.sealedSet(task.setVersion).pointer);
        uint128 signers = _center.settlements[task.settlement].bitmap;
        bytes32 caseId = Slashes.caseOf(Slashes.OVERTURNED, taskId);
        // slither-disable-next-line unused-return An overturned verdict stands even if nobody has stake left.
        Slashes.slashAll(governance, blob, signers, _center.overturnedSlashBps, caseId, disputer, treasury);
    }

    /// @inheritdoc IAttestationCenter
    function proveConflict(SignedVote calldata first, SignedVote calldata second, bytes calldata header) external {
        bytes32 taskId = first.evaluation.taskId;
        Task memory task = _center.requireTask(taskId);
        bytes32 seed = _seedFor(taskId, task, header);
        (uint128 culprits, bytes memory blob) =
            Certificates.checkConflict(first, second, task, seed, _domainSeparatorV4(), governance, verifier);

        bytes32 caseId = Slashes.caseOf(Slashes.CONFLICT, taskId);
        uint16 bps = _center.conflictSlashBps;
        uint256 amount = Slashes.slashAll(governance, blob, culprits, bps, caseId, msg.sender, treasury);
        if (amount == 0) revert NothingToSlash();
        // slither-disable-next-line reentrancy-events The amount is known only now, and a case slashes once.
        emit ConflictProven(taskId, first.evaluation.attempt, culprits, amount);
    }

    // ---- parameters

    /// @inheritdoc IAttestationCenter
    function setParameters(Parameters calldata next) external {
        administration.requireRole(Roles.PARAMETERS, msg.sender);
        _center.setParameters(next);
    }

    // ---- steps of submitTask

    function _seedFor(bytes32 taskId, Task memory task, bytes calldata header) private view returns (bytes32 seed) {
        if (header.length != 0) return _deriveSeed(taskId, task, header);
        seed = _center.seeds[taskId];
        if (seed == 0) revert SeedNotFixed(taskId);
    }

    function _deriveSeed(bytes32 taskId, Task memory task, bytes calldata header) private view returns (bytes32) {
        bytes32 randomness = seedSource.randomnessOf(task.seedBlock, header);
        return Digests.seed(randomness, block.chainid, address(modelSubmission), taskId);
    }

    function _settle(
        Task memory task,
        Certificates.Posting memory posting,
        TaskInfo calldata info,
        Certificate calldata certificate
    ) private {
        Evaluation memory evaluation = posting.evaluation;
        // An operator that posts copied calldata out of turn earns nothing.
        bool hasTurn = posting.hasTurn(certificate.posterSlot, _center.turnBlocks);
        uint32 signedShare = Rewards.shareOfWhole(posting.signedStake, posting.set.totalStake);
        uint32 number = _center.recordApproval(
            certificate.bitmap,
            task.setVersion,
            hasTurn,
            SettlementParts({
                projectId: task.projectId,
                performerSlot: posting.performerSlot,
                posterSlot: certificate.posterSlot,
                signedShare: signedShare
            })
        );
        _center.settle(evaluation.taskId, number);
        emit TaskSubmitted(
            evaluation.taskId,
            evaluation.attempt,
            evaluation.performer,
            msg.sender,
            posting.evaluationHash,
            certificate.bitmap,
            posting.signedStake,
            number,
            info.proofOfTask
        );
        avsLogic.afterTaskSubmission(
            Verdict({
                projectId: task.projectId,
                submissionIndex: task.submissionIndex,
                evaluation: evaluation,
                isAggregatorPaid: hasTurn,
                signedShare: signedShare,
                signedStake: posting.signedStake,
                totalStake: posting.set.totalStake
            })
        );
    }

    function _reject(Task memory task, Certificates.Posting memory posting, uint128 bitmap) private {
        Evaluation memory evaluation = posting.evaluation;
        _center.endAttempt(evaluation.taskId, posting.effectiveAttempt);
        emit TaskRejected(evaluation.taskId, evaluation.attempt, evaluation.performer, posting.evaluationHash, bitmap);
        if (!posting.isGuilty(task)) return;
        _center.punish(task, posting, bitmap, governance, modelSubmission, treasury);
    }

    // ---- readers

    /// @inheritdoc IAttestationCenter
    function canOpen() external view returns (bool) {
        uint32 version = governance.latestVersion();
        return !administration.isPaused() && version != 0 && _center.canUse(governance.sealedSet(version));
    }

    /// @inheritdoc IAttestationCenter
    function getTask(bytes32 taskId) external view returns (Task memory) {
        return _center.tasks[taskId];
    }

    /// @inheritdoc IAttestationCenter
    function effectiveAttempt(bytes32 taskId) external view returns (uint8) {
        return Certificates.effectiveAttempt(_center.tasks[taskId], taskId);
    }

    /// @inheritdoc IAttestationCenter
    function seedOf(bytes32 taskId) external view returns (bytes32) {
        return _center.seeds[taskId];
    }

    /// @inheritdoc IAttestationCenter
    function parameters() external view returns (Parameters memory) {
        return _center.getParameters();
    }

    /// @inheritdoc IAttestationCenter
    function settlementCount() public view returns (uint64) {
        return _center.settlementCount;
    }

    /// @inheritdoc IAttestationCenter
    function cursorOf(address operator) external view returns (uint64) {
        return _center.cursorOf(operator, governance.getOperator(operator).firstSettlement);
    }
}
