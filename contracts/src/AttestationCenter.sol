// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IAttestationCenter} from "./interfaces/IAttestationCenter.sol";
import {IAvsGovernance} from "./interfaces/IAvsGovernance.sol";
import {IAvsLogic} from "./interfaces/IAvsLogic.sol";
import {ISeedSource} from "./interfaces/ISeedSource.sol";
import {ISignatureVerifier} from "./interfaces/ISignatureVerifier.sol";
import {Attempts, MAX_TASK_BLOCKS} from "./libraries/Attempts.sol";
import {Digests} from "./libraries/Digests.sol";
import {OperatorSet} from "./libraries/OperatorSet.sol";
import {Quorum} from "./libraries/Quorum.sol";
import {
    Certificate,
    Code,
    Evaluation,
    SealedSet,
    Task,
    TaskInfo,
    TaskRequest,
    TaskStatus,
    Verdict
} from "./types/Types.sol";

/// @title Tasks, certificates and settlements. Holds no money.
contract AttestationCenter is IAttestationCenter, Ownable2Step, EIP712 {
    /// @dev The contracts that this one calls or serves. Their addresses may still be without code at deployment.
    struct Wiring {
        IAvsGovernance governance;
        IAvsLogic avsLogic;
        address modelSubmission;
        ISignatureVerifier verifier;
        ISeedSource seedSource;
    }

    /// What claims need of an approved certificate: two storage words, for any number of signers.
    struct Settlement {
        uint32 setVersion;
        uint96 signedStake;
        uint128 bitmap;
        bytes32 taskId;
    }

    /// Values that the steps of one submitTask share. In memory, because they do not fit on the stack.
    struct Submission {
        Evaluation evaluation;
        bytes32 evaluationHash;
        uint8 effectiveAttempt;
        SealedSet set;
        bytes blob;
        uint96 signedStake;
    }

    IAvsGovernance public immutable governance;
    IAvsLogic public immutable avsLogic;
    address public immutable modelSubmission;
    ISignatureVerifier public immutable verifier;
    ISeedSource public immutable seedSource;

    Parameters private _parameters;
    mapping(bytes32 => Task) private _tasks;
    Settlement[] private _settlements;
    mapping(address => uint64) private _cursors;

    constructor(address owner_, Wiring memory wiring, Parameters memory parameters_)
        Ownable(owner_)
        EIP712(Digests.DOMAIN_NAME, Digests.DOMAIN_VERSION)
    {
        governance = wiring.governance;
        avsLogic = wiring.avsLogic;
        modelSubmission = wiring.modelSubmission;
        verifier = wiring.verifier;
        seedSource = wiring.seedSource;
        _setParameters(parameters_);
    }

    // ---- tasks

    /// @inheritdoc IAttestationCenter
    function openTask(TaskRequest calldata request) external returns (uint64 seedBlock, uint64 deadline) {
        if (msg.sender != modelSubmission) revert NotModelSubmission(msg.sender);
        if (_tasks[request.taskId].status != TaskStatus.NONE) revert TaskAlreadyExists(request.taskId);
        if (!Quorum.isAllowed(request.quorumBps)) revert BadQuorum(request.quorumBps);
        uint32 version = _requireUsableSet();

        (seedBlock, deadline) = _lifeOf(request.attemptBlocks);
        _tasks[request.taskId] = Task({
            status: TaskStatus.OPEN,
            attempt: 0,
            maxAttempts: _parameters.maxAttempts,
            quorumBps: request.quorumBps,
            attemptBlocks: request.attemptBlocks,
            setVersion: version,
            seedBlock: seedBlock,
            attemptStart: seedBlock,
            deadline: deadline,
            inputRoot: request.inputRoot,
            seed: 0
        });
        emit TaskOpened(
            request.taskId,
            request.projectId,
            request.submissionIndex,
            request.opening,
            request.inputRoot,
            request.k,
            version,
            seedBlock,
            deadline
        );
    }

    /// @inheritdoc IAttestationCenter
    function fixSeed(bytes32 taskId) external returns (bytes32) {
        Task storage task = _tasks[taskId];
        if (task.seed == 0 && task.status != TaskStatus.OPEN) revert TaskNotOpen(taskId);
        return _fixSeed(taskId, task);
    }

    /// @inheritdoc IAttestationCenter
    function submitTask(TaskInfo calldata info, Certificate calldata certificate) external {
        Submission memory submission;
        submission.evaluation = abi.decode(info.data, (Evaluation));
        bytes32 taskId = submission.evaluation.taskId;
        Task storage task = _tasks[taskId];

        _checkAttempt(task, submission, certificate.approved);
        bytes32 seed = _fixSeed(taskId, task);
        _checkPoster(task, submission);
        _checkPerformer(seed, submission, info, certificate.performerSignature);
        _checkContent(task, seed, submission.evaluation, info.proofOfTask);
        _checkVotes(task, submission, certificate);

        if (certificate.approved) _settle(task, submission, info, certificate);
        else _reject(task, submission, certificate);
    }

    /// @inheritdoc IAttestationCenter
    function expireTask(bytes32 taskId) external {
        Task storage task = _tasks[taskId];
        if (task.status != TaskStatus.OPEN) revert TaskNotOpen(taskId);
        if (block.number <= task.deadline) revert DeadlineNotPassed(task.deadline);

        task.status = TaskStatus.EXPIRED;
        avsLogic.afterTaskExpiry(taskId);
        emit TaskExpired(taskId);
    }

    // ---- fees

    /// @inheritdoc IAttestationCenter
    function claim(address operator, uint64 upTo) external {
        uint64 from = _cursors[operator];
        uint64 end = upTo < settlementCount() ? upTo : settlementCount();
        if (end <= from) revert NothingToClaim();
        _cursors[operator] = end;

        (bytes32[] memory taskIds, uint96[] memory stakes, uint96[] memory signedStakes) =
            _sharesOf(operator, from, end);
        if (taskIds.length != 0) {
            avsLogic.payAttester(governance.rewardsReceiverOf(operator), taskIds, stakes, signedStakes);
        }
        emit FeesClaimed(operator, from, end);
    }

    // ---- parameters

    /// @inheritdoc IAttestationCenter
    function setParameters(Parameters calldata next) external onlyOwner {
        _setParameters(next);
    }

    // ---- readers

    /// @inheritdoc IAttestationCenter
    function canOpen() external view returns (bool) {
        uint32 version = governance.latestVersion();
        return version != 0 && _isUsable(governance.sealedSet(version));
    }

    /// @inheritdoc IAttestationCenter
    function getTask(bytes32 taskId) external view returns (Task memory) {
        return _tasks[taskId];
    }

    /// @inheritdoc IAttestationCenter
    function effectiveAttempt(bytes32 taskId) external view returns (uint8) {
        return _effectiveAttempt(taskId, _tasks[taskId]);
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
    function settlement(uint64 number) external view returns (uint256 packed, bytes32 taskId) {
        Settlement storage record = _settlements[number];
        packed = (uint256(record.bitmap) << 128) | (uint256(record.signedStake) << 32) | record.setVersion;
        return (packed, record.taskId);
    }

    /// @inheritdoc IAttestationCenter
    function cursorOf(address operator) external view returns (uint64) {
        return _cursors[operator];
    }

    // ---- steps of openTask

    function _requireUsableSet() private view returns (uint32 version) {
        version = governance.latestVersion();
        SealedSet memory set = governance.sealedSet(version);
        if (!_isUsable(set)) revert TooFewOperators(set.count, _parameters.minOperators);
    }

    /// @dev A set without stake is not usable: a rejection would then need no stake at all.
    function _isUsable(SealedSet memory set) private view returns (bool) {
        return set.count >= _parameters.minOperators && set.totalStake != 0;
    }

    function _lifeOf(uint32 attemptBlocks) private view returns (uint64 seedBlock, uint64 deadline) {
        if (attemptBlocks == 0) revert BadParameter("attemptBlocks");
        uint64 evaluating = uint64(_parameters.maxAttempts) * attemptBlocks;
        uint64 life = _parameters.seedDelay + evaluating;
        if (life > MAX_TASK_BLOCKS) revert TaskLifeTooLong(life);
        seedBlock = uint64(block.number) + _parameters.seedDelay;
        deadline = seedBlock + evaluating;
    }

    // ---- steps of submitTask, in order

    /// @dev An approval counts for any attempt that has begun, so that a slow network does not waste a correct
    ///      evaluation. A rejection counts only for the effective attempt, because it ends that attempt.
    function _checkAttempt(Task storage task, Submission memory submission, bool isApproval) private view {
        uint8 attempt = submission.evaluation.attempt;
        uint8 effective = _effectiveAttempt(submission.evaluation.taskId, task);
        if (attempt > effective) revert AttemptNotStarted(attempt);
        if (!isApproval && attempt != effective) revert NotEffectiveAttempt(attempt, effective);
        submission.effectiveAttempt = effective;
    }

    function _effectiveAttempt(bytes32 taskId, Task storage task) private view returns (uint8) {
        if (task.status != TaskStatus.OPEN) revert TaskNotOpen(taskId);
        if (block.number > task.deadline) revert DeadlinePassed(task.deadline);
        if (block.number < task.seedBlock) revert AttemptNotStarted(0);
        return Attempts.effectiveAt(block.number, task.attempt, task.attemptStart, task.attemptBlocks);
    }

    function _fixSeed(bytes32 taskId, Task storage task) private returns (bytes32 seed) {
        seed = task.seed;
        if (seed != 0) return seed;
        seed = Digests.seed(seedSource.blockHash(task.seedBlock), block.chainid, modelSubmission, taskId);
        task.seed = seed;
        emit SeedFixed(taskId, seed);
    }

    function _checkPoster(Task storage task, Submission memory submission) private view {
        submission.set = governance.sealedSet(task.setVersion);
        submission.blob = OperatorSet.load(submission.set.pointer);
        if (!OperatorSet.contains(submission.blob, msg.sender)) revert NotInOperatorSet(msg.sender);
    }

    function _checkPerformer(
        bytes32 seed,
        Submission memory submission,
        TaskInfo calldata info,
        bytes calldata signature
    ) private view {
        Evaluation memory evaluation = submission.evaluation;
        uint256 number = Attempts.performerNumber(seed, evaluation.attempt, submission.set.count);
        address expected = OperatorSet.occupiedAt(submission.blob, number);
        if (evaluation.performer != expected) revert NotThePerformer(evaluation.performer, expected);
        if (info.taskPerformer != expected) revert NotThePerformer(info.taskPerformer, expected);

        submission.evaluationHash = Digests.evaluationHash(evaluation);
        (address signer,,) = ECDSA.tryRecoverCalldata(_hashTypedDataV4(submission.evaluationHash), signature);
        if (signer != expected) revert BadPerformerSignature();
    }

    function _checkContent(Task storage task, bytes32 seed, Evaluation memory evaluation, string calldata proofOfTask)
        private
        view
    {
        if (evaluation.code == Code.NONE) revert BadCode();
        if (evaluation.reportHash != Digests.reportHash(proofOfTask)) revert WrongReportHash();
        if (evaluation.inputHash != Digests.inputHash(task.inputRoot, seed)) revert WrongInputHash();
    }

    function _checkVotes(Task storage task, Submission memory submission, Certificate calldata certificate)
        private
        view
    {
        if (certificate.bitmap == 0) revert NoSigners();
        (bytes memory key, uint96 signed) = OperatorSet.aggregate(submission.blob, certificate.bitmap);
        uint96 total = submission.set.totalStake;
        bool isReached = certificate.approved
            ? Quorum.isApproved(signed, total, task.quorumBps)
            : Quorum.isRejected(signed, total, task.quorumBps);
        if (!isReached) revert QuorumNotReached(signed, total);

        bytes32 digest = Digests.voteDigest(
            _domainSeparatorV4(),
            submission.evaluation.taskId,
            submission.evaluation.attempt,
            submission.evaluationHash,
            certificate.approved
        );
        if (!verifier.verifyVote(key, digest, certificate.signature)) revert BadAggregateSignature();
        submission.signedStake = signed;
    }

    function _settle(
        Task storage task,
        Submission memory submission,
        TaskInfo calldata info,
        Certificate calldata certificate
    ) private {
        Evaluation memory evaluation = submission.evaluation;
        uint64 number = settlementCount();
        task.status = TaskStatus.SETTLED;
        _settlements.push(Settlement(task.setVersion, submission.signedStake, certificate.bitmap, evaluation.taskId));

        avsLogic.afterTaskSubmission(
            Verdict({
                evaluation: evaluation,
                performerReceiver: governance.rewardsReceiverOf(evaluation.performer),
                aggregatorReceiver: _aggregatorReceiver(submission),
                signedStake: submission.signedStake,
                totalStake: submission.set.totalStake
            })
        );
        emit TaskSubmitted(
            evaluation.taskId,
            evaluation.attempt,
            evaluation.performer,
            msg.sender,
            submission.evaluationHash,
            certificate.bitmap,
            submission.signedStake,
            number,
            info.proofOfTask
        );
    }

    function _reject(Task storage task, Submission memory submission, Certificate calldata certificate) private {
        Evaluation memory evaluation = submission.evaluation;
        task.attempt = submission.effectiveAttempt + 1; // reverts above 255: an evaluation cannot name a later attempt
        task.attemptStart = uint64(block.number);
        emit TaskRejected(
            evaluation.taskId, evaluation.attempt, evaluation.performer, submission.evaluationHash, certificate.bitmap
        );
    }

    /// @dev Zero unless it is the poster's turn: an operator that posts copied calldata out of turn earns nothing.
    function _aggregatorReceiver(Submission memory submission) private view returns (address) {
        uint256 number = Attempts.aggregatorNumber(block.number, _parameters.turnBlocks, submission.set.count);
        if (OperatorSet.occupiedAt(submission.blob, number) != msg.sender) return address(0);
        return governance.rewardsReceiverOf(msg.sender);
    }

    // ---- steps of claim

    /// @dev The operator's part in each settlement of [from, end) that it signed.
    function _sharesOf(address operator, uint64 from, uint64 end)
        private
        view
        returns (bytes32[] memory taskIds, uint96[] memory stakes, uint96[] memory signedStakes)
    {
        uint8 slot = governance.getOperator(operator).slot;
        taskIds = new bytes32[](end - from);
        stakes = new uint96[](end - from);
        signedStakes = new uint96[](end - from);

        uint256 count = 0;
        for (uint64 number = from; number < end; ++number) {
            Settlement storage record = _settlements[number];
            uint96 stake = _signerStake(record, slot, operator);
            if (stake == 0) continue;
            (taskIds[count], stakes[count], signedStakes[count]) = (record.taskId, stake, record.signedStake);
            ++count;
        }
        // Solidity cannot shorten an array in memory. `count` is never larger than the old length.
        assembly ("memory-safe") {
            mstore(taskIds, count)
            mstore(stakes, count)
            mstore(signedStakes, count)
        }
    }

    /// @dev Zero unless the operator signed. Its slot may have had another operator in that version: compare addresses.
    function _signerStake(Settlement storage record, uint8 slot, address operator) private view returns (uint96) {
        if ((record.bitmap >> slot) & 1 == 0) return 0;
        address pointer = governance.sealedSet(record.setVersion).pointer;
        (address signer, uint96 stake) = OperatorSet.entryIn(pointer, slot);
        return signer == operator ? stake : 0;
    }

    // ---- steps of setParameters

    function _setParameters(Parameters memory next) private {
        // Not 0: the proposer that includes the reveal would also make the seed block.
        if (next.seedDelay == 0) revert BadParameter("seedDelay");
        if (next.maxAttempts == 0) revert BadParameter("maxAttempts");
        if (next.minOperators == 0 || next.minOperators > OperatorSet.SLOTS) revert BadParameter("minOperators");
        if (next.turnBlocks == 0) revert BadParameter("turnBlocks");
        uint256 shortestLife = uint256(next.seedDelay) + next.maxAttempts;
        if (shortestLife > MAX_TASK_BLOCKS) revert TaskLifeTooLong(shortestLife);
        _parameters = next;
        emit ParametersChanged(next.seedDelay, next.maxAttempts, next.minOperators, next.turnBlocks);
    }
}
