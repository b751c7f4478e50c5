// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Certificate, Task, TaskInfo, TaskRequest} from "../types/Types.sol";

/// @title Tasks, certificates and settlements. Holds no money.
interface IAttestationCenter {
    /// @notice Settings of later tasks. An open task keeps its own, but a new `turnBlocks` applies at once.
    struct Parameters {
        uint32 seedDelay; // blocks from opening to the seed block
        uint8 maxAttempts; // deadline = seed block + maxAttempts × attemptBlocks; rejections can start more attempts
        uint8 minOperators;
        uint32 turnBlocks; // length of one operator's turn to post
    }

    /// @notice Open a task with the latest sealed set. ModelSubmission only.
    function openTask(TaskRequest calldata request) external returns (uint64 seedBlock, uint64 deadline);

    /// @notice Return whether openTask would find a usable operator set now.
    function canOpen() external view returns (bool);

    /// @notice Derive the task's seed from its seed block and store it. Anyone may call; idempotent.
    function fixSeed(bytes32 taskId) external returns (bytes32 seed);

    /// @notice Settle a task (approved) or end its attempt (rejected) by a certificate of the task's operator set.
    /// @dev Any operator of the task's set may call. An approval counts until the deadline, for any attempt that has
    ///      begun. A rejection counts only for the effective attempt, and starts the next attempt at once.
    function submitTask(TaskInfo calldata info, Certificate calldata certificate) external;

    /// @notice Mark a task whose deadline has passed as expired. Anyone may call.
    function expireTask(bytes32 taskId) external;

    /// @notice Credit an operator's receiver with its fees as attester, for settlements before `upTo`. Anyone may call.
    function claim(address operator, uint64 upTo) external;

    /// @notice Set the parameters for later tasks. Contract owner (the timelock) only.
    /// @dev `turnBlocks` applies to open tasks too: it decides only whose post earns the aggregator's share.
    function setParameters(Parameters calldata next) external;

    function getTask(bytes32 taskId) external view returns (Task memory);

    /// @notice Return the attempt that may be proposed now. Reverts before the seed block and after the deadline.
    function effectiveAttempt(bytes32 taskId) external view returns (uint8);

    function parameters() external view returns (Parameters memory);

    /// @notice Return the number of settlements. They are numbered from 0.
    function settlementCount() external view returns (uint64);

    /// @notice Return one settlement. `packed` = bitmap(128) ‖ signedStake(96) ‖ setVersion(32).
    function settlement(uint64 number) external view returns (uint256 packed, bytes32 taskId);

    /// @notice Return the number of the settlement at which the operator's next claim starts.
    function cursorOf(address operator) external view returns (uint64);

    event TaskOpened(
        bytes32 indexed taskId,
        uint256 indexed projectId,
        uint32 indexed submissionIndex,
        uint8 opening,
        bytes32 inputRoot,
        uint32 k,
        uint32 setVersion,
        uint64 seedBlock,
        uint64 deadline
    );
    event SeedFixed(bytes32 indexed taskId, bytes32 seed);
    event TaskSubmitted(
        bytes32 indexed taskId,
        uint8 attempt,
        address indexed performer,
        address indexed aggregator,
        bytes32 evaluationHash,
        uint128 bitmap,
        uint96 signedStake,
        uint64 settlement,
        string proofOfTask
    );
    event TaskRejected(
        bytes32 indexed taskId, uint8 attempt, address indexed performer, bytes32 evaluationHash, uint128 bitmap
    );
    event TaskExpired(bytes32 indexed taskId);
    event FeesClaimed(address indexed operator, uint64 fromSettlement, uint64 upTo);
    event ParametersChanged(uint32 seedDelay, uint8 maxAttempts, uint8 minOperators, uint32 turnBlocks);

    error NotModelSubmission(address caller);
    error TaskAlreadyExists(bytes32 taskId);
    error TaskNotOpen(bytes32 taskId);
    error TooFewOperators(uint256 count, uint256 minimum);
    error TaskLifeTooLong(uint256 blocks);
    error BadQuorum(uint16 quorumBps);
    error DeadlinePassed(uint64 deadline);
    error DeadlineNotPassed(uint64 deadline);
    error AttemptNotStarted(uint8 attempt);
    error NotEffectiveAttempt(uint8 attempt, uint8 effective);
    error NotThePerformer(address performer, address expected);
    error BadPerformerSignature();
    error WrongReportHash();
    error WrongInputHash();
    error BadCode();
    error NotInOperatorSet(address caller);
    error EmptySlotSigned(uint8 slot);
    error NoSigners();
    error QuorumNotReached(uint96 signed, uint96 total);
    error BadAggregateSignature();
    error NothingToClaim();
    error BadParameter(string name);
}
