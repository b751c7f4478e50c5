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
import {Attempts} from "./libraries/Attempts.sol";
import {Bits} from "./libraries/Bits.sol";
import {Certificates} from "./libraries/Certificates.sol";
import {Digests} from "./libraries/Digests.sol";
import {OperatorSet} from "./libraries/OperatorSet.sol";
import {Rewards} from "./libraries/Rewards.sol";
import {Roles} from "./libraries/Roles.sol";
import {Settlements} from "./libraries/Settlements.sol";
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
    TaskStatus,
    Verdict
} from "./types/Types.sol";

/// @title Tasks, certificates, settlements, disputes and proofs of conflicting votes. Holds no money.
/// @dev The states of a task: NONE ─ openTask ─► OPEN ─ approval ─► SETTLED, or OPEN ─ expireTask ─► EXPIRED.
contract AttestationCenter is IAttestationCenter, EIP712 {
    using Bits for uint128;
    using Certificates for Certificates.Posting;
    using Settlements for Settlements.Settlement[];

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

    uint16 private constant MAX_SLASH_BPS = 10_000;
    bytes32 private constant GUILTY = "GUILTY";
    bytes32 private constant CONFLICT = "CONFLICT";
    bytes32 private constant OVERTURNED = "OVERTURNED";

    IAdministration public immutable administration;
    IAvsGovernance public immutable governance;
    IAvsLogic public immutable avsLogic;
    IModelSubmission public immutable modelSubmission;
    ISignatureVerifier public immutable verifier;
    ISeedSource public immutable seedSource;
    address public immutable resolver;
    address public immutable treasury;

    Parameters private _parameters;
    mapping(bytes32 taskId => Task) private _tasks;
    /// @inheritdoc IAttestationCenter
    mapping(bytes32 taskId => bytes32) public seedOf;
    Settlements.Settlement[] private _settlements;
    mapping(address operator => uint64) private _cursors;

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
        _setParameters(parameters_);
    }

    // ---- tasks

    /// @inheritdoc IAttestationCenter
    function openTask(TaskRequest calldata request) external {
        if (msg.sender != address(modelSubmission)) revert NotModelSubmission(msg.sender);
        administration.requireRunning();
        if (_tasks[request.taskId].status != TaskStatus.NONE) revert TaskAlreadyExists(request.taskId);
        uint32 version = governance.latestVersion();
        SealedSet memory set = governance.sealedSet(version);
        if (!_isUsable(set)) revert TooFewOperators(set.count, _parameters.minOperators);

        Task memory task = Task({
            status: TaskStatus.OPEN,
            attempt: 0,
            maxAttempts: request.maxAttempts,
            quorumBps: request.quorumBps,
            attemptBlocks: request.attemptBlocks,
            attemptOffset: 0,
            setVersion: version,
            seedBlock: uint48(block.number) + request.seedDelay,
            projectId: request.projectId,
            submissionIndex: request.submissionIndex,
            settlement: 0,
            inputRoot: request.inputRoot
        });
        _tasks[request.taskId] = task;
        emit TaskOpened(
            request.taskId,
            request.projectId,
            request.submissionIndex,
            request.opening,
            request.inputRoot,
            request.k,
            request.championIndex,
            version,
            task.seedBlock,
            Attempts.deadlineOf(task)
        );
    }

    /// @inheritdoc IAttestationCenter
    function fixSeed(bytes32 taskId, bytes calldata header) external returns (bytes32 seed) {
        seed = seedOf[taskId];
        if (seed != 0) return seed;
        seed = _deriveSeed(taskId, _requireTask(taskId), header);
        seedOf[taskId] = seed;
        emit SeedFixed(taskId, seed);
    }

    /// @inheritdoc IAttestationCenter
    function submitTask(TaskInfo calldata info, Certificate calldata certificate) external {
        administration.requireRunning();
        Certificates.Posting memory posting;
        posting.evaluation = abi.decode(info.data, (Evaluation));
        bytes32 taskId = posting.evaluation.taskId;
        Task memory task = _tasks[taskId];
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
        Task memory task = _tasks[taskId];
        if (task.status != TaskStatus.OPEN) revert TaskNotOpen(taskId);
        uint64 deadline = Attempts.deadlineOf(task);
        if (block.number < deadline) revert DeadlineNotPassed(deadline);

        _tasks[taskId].status = TaskStatus.EXPIRED;
        emit TaskExpired(taskId);
        avsLogic.afterTaskExpiry(task.projectId, task.submissionIndex);
    }

    // ---- fees

    /// @inheritdoc IAttestationCenter
    function claim(address operator, uint64 upTo) external {
        Operator memory record = governance.getOperator(operator);
        // A stranger's empty record reads as slot 0, whose fees are another's.
        if (record.status == OperatorStatus.NONE) revert NothingToClaim();
        uint64 from = _cursorOf(operator, record);
        uint64 end = upTo < settlementCount() ? upTo : settlementCount();
        if (end <= from) revert NothingToClaim();
        _cursors[operator] = end;
        emit FeesClaimed(operator, from, end);

        Settlements.Earned memory earned = _settlements.earnedBy(governance, record, from, end);
        if (earned.shares.length != 0) avsLogic.payOperator(record.rewardsReceiver, earned.shares);
        if (earned.slashed != 0) governance.payFromPot(record.rewardsReceiver, earned.slashed);
    }

    // ---- disputes and proofs

    /// @inheritdoc IAttestationCenter
    function dispute(bytes32 taskId) external payable {
        Task memory task = _requireSettled(taskId);
        emit TaskDisputed(taskId, msg.sender);
        avsLogic.afterDispute{value: msg.value}(task.projectId, task.submissionIndex, msg.sender);
    }

    /// @inheritdoc IAttestationCenter
    function resolve(bytes32 taskId, bool isOverturned) external {
        if (msg.sender != resolver) revert NotResolver(msg.sender);
        Task memory task = _requireSettled(taskId);
        emit DisputeResolved(taskId, isOverturned);
        address disputer = avsLogic.afterResolution(task.projectId, task.submissionIndex, isOverturned);
        if (!isOverturned) return;

        bytes memory blob = OperatorSet.load(governance.sealedSet(task.setVersion).pointer);
        uint128 signers = _settlements[task.settlement].bitmap;
        _slashAll(blob, signers, _parameters.overturnedSlashBps, _caseOf(OVERTURNED, taskId), disputer);
    }

    /// @inheritdoc IAttestationCenter
    function proveConflict(SignedVote calldata first, SignedVote calldata second, bytes calldata header) external {
        bytes32 taskId = first.evaluation.taskId;
        Task memory task = _requireTask(taskId);
        bytes32 seed = _seedFor(taskId, task, header);
        (uint128 culprits, bytes memory blob) =
            Certificates.checkConflict(first, second, task, seed, _domainSeparatorV4(), governance, verifier);

        bytes32 caseId = _caseOf(CONFLICT, taskId);
        uint256 amount = _slashAll(blob, culprits, _parameters.conflictSlashBps, caseId, msg.sender);
        if (amount == 0) revert NothingToSlash();
        emit ConflictProven(taskId, first.evaluation.attempt, culprits, amount);
    }

    // ---- parameters

    /// @inheritdoc IAttestationCenter
    function setParameters(Parameters calldata next) external {
        administration.requireRole(Roles.PARAMETERS, msg.sender);
        _setParameters(next);
    }

    // ---- steps of submitTask

    function _seedFor(bytes32 taskId, Task memory task, bytes calldata header) private view returns (bytes32 seed) {
        if (header.length != 0) return _deriveSeed(taskId, task, header);
        seed = seedOf[taskId];
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
        bool hasTurn = posting.hasTurn(certificate.posterSlot, _parameters.turnBlocks);
        uint32 signedShare = Rewards.shareOfWhole(posting.signedStake, posting.set.totalStake);
        uint32 number = _record(
            Settlements.Settlement({
                bitmap: certificate.bitmap,
                setVersion: task.setVersion,
                kind: hasTurn ? Settlements.Kind.APPROVED_WITH_AGGREGATOR : Settlements.Kind.APPROVED,
                value: Settlements.pack(
                    Settlements.Parts({
                        projectId: task.projectId,
                        performerSlot: posting.performerSlot,
                        posterSlot: certificate.posterSlot,
                        signedShare: signedShare
                    })
                )
            })
        );
        Task storage stored = _tasks[evaluation.taskId];
        stored.status = TaskStatus.SETTLED;
        stored.settlement = number;
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
        Task storage stored = _tasks[evaluation.taskId];
        stored.attempt = posting.effectiveAttempt + 1; // reverts above 255: an evaluation cannot name a later attempt
        stored.attemptOffset = uint16(block.number - task.seedBlock);
        emit TaskRejected(evaluation.taskId, evaluation.attempt, evaluation.performer, posting.evaluationHash, bitmap);
        if (posting.isGuilty(task)) _punish(task, posting, bitmap);
    }

    /// @dev The rejecters get what approvers of the truth would: a part of the slash, up to the attesters' half of the
    ///      fee. Where fee and stake are in different tokens, they cannot be compared, and half of the slash is the limit.
    function _punish(Task memory task, Certificates.Posting memory posting, uint128 bitmap) private {
        Evaluation memory evaluation = posting.evaluation;
        bytes32 caseId = _caseOf(GUILTY, evaluation.taskId);
        uint96 amount = governance.slash(evaluation.performer, _parameters.guiltySlashBps, caseId, true);
        if (amount == 0) return; // it has left, or was guilty before in this task
        emit PerformerGuilty(evaluation.taskId, evaluation.attempt, evaluation.performer, amount);

        (address token, uint96 fee) = modelSubmission.feeOf(task.projectId);
        uint96 limit = token == governance.stakeToken() ? fee / 2 : amount / 2;
        if (limit > type(uint88).max) limit = type(uint88).max;
        uint96 forRejecters = amount < limit ? amount : limit;
        _record(
            Settlements.Settlement({
                bitmap: bitmap,
                setVersion: task.setVersion,
                kind: Settlements.Kind.REJECTED,
                // forge-lint: disable-next-line(unsafe-typecast) At most `limit`.
                value: uint88(forRejecters)
            })
        );
        uint96 promised = Settlements.partOf(forRejecters, posting.signedStake, posting.set.totalStake);
        governance.payFromPot(treasury, amount - promised);
    }

    function _record(Settlements.Settlement memory settlement) private returns (uint32 number) {
        number = uint32(_settlements.length);
        _settlements.push(settlement);
    }

    // ---- slashes

    function _caseOf(bytes32 reason, bytes32 taskId) private pure returns (bytes32) {
        return keccak256(abi.encode(reason, taskId));
    }

    /// @dev Half is for who showed it, the rest is the treasury's. Who may show its own offence still loses half.
    function _slashAll(bytes memory blob, uint128 slots, uint16 bps, bytes32 caseId, address informer)
        private
        returns (uint96 amount)
    {
        while (slots != 0) {
            uint8 slot = slots.lowest();
            slots ^= Bits.only(slot);
            amount += governance.slash(OperatorSet.operatorAt(blob, slot), bps, caseId, false);
        }
        if (amount == 0) return 0;
        governance.payFromPot(informer, amount / 2);
        governance.payFromPot(treasury, amount - amount / 2);
    }

    // ---- other steps

    function _requireTask(bytes32 taskId) private view returns (Task memory task) {
        task = _tasks[taskId];
        if (task.status == TaskStatus.NONE) revert UnknownTask(taskId);
    }

    function _requireSettled(bytes32 taskId) private view returns (Task memory task) {
        task = _tasks[taskId];
        if (task.status != TaskStatus.SETTLED) revert TaskNotSettled(taskId);
    }

    /// @dev A set without stake is not usable: a rejection would then need no stake at all.
    function _isUsable(SealedSet memory set) private view returns (bool) {
        return set.count >= _parameters.minOperators && set.totalStake != 0;
    }

    function _cursorOf(address operator, Operator memory record) private view returns (uint64) {
        uint64 cursor = _cursors[operator];
        return cursor < record.firstSettlement ? record.firstSettlement : cursor;
    }

    function _setParameters(Parameters memory next) private {
        if (next.minOperators == 0 || next.minOperators > OperatorSet.SLOTS) revert BadParameter("minOperators");
        if (next.turnBlocks == 0) revert BadParameter("turnBlocks");
        if (next.guiltySlashBps > MAX_SLASH_BPS) revert BadParameter("guiltySlashBps");
        if (next.conflictSlashBps > MAX_SLASH_BPS) revert BadParameter("conflictSlashBps");
        if (next.overturnedSlashBps > MAX_SLASH_BPS) revert BadParameter("overturnedSlashBps");
        _parameters = next;
        emit ParametersChanged(next);
    }

    // ---- readers

    /// @inheritdoc IAttestationCenter
    function canOpen() external view returns (bool) {
        uint32 version = governance.latestVersion();
        return !administration.isPaused() && version != 0 && _isUsable(governance.sealedSet(version));
    }

    /// @inheritdoc IAttestationCenter
    function getTask(bytes32 taskId) external view returns (Task memory) {
        return _tasks[taskId];
    }

    /// @inheritdoc IAttestationCenter
    function effectiveAttempt(bytes32 taskId) external view returns (uint8) {
        return Certificates.effectiveAttempt(_tasks[taskId], taskId);
    }

    /// @inheritdoc IAttestationCenter
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    /// @inheritdoc IAttestationCenter
    function settlementCount() public view returns (uint64) {
        return uint64(_settlements.length);
    }

    /// @inheritdoc IAttestationCenter
    function cursorOf(address operator) external view returns (uint64) {
        return _cursorOf(operator, governance.getOperator(operator));
    }
}
