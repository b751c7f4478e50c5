// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Certificate, SignedVote, Task, TaskInfo, TaskRequest} from "../types/Types.sol";
import {IAdministration} from "./IAdministration.sol";
import {IAvsGovernance} from "./IAvsGovernance.sol";
import {IAvsLogic} from "./IAvsLogic.sol";
import {IModelSubmission} from "./IModelSubmission.sol";
import {ISeedSource} from "./ISeedSource.sol";
import {ISignatureVerifier} from "./ISignatureVerifier.sol";

/// @title Tasks, certificates, settlements, disputes and proofs of conflicting votes. Holds no money.
interface IAttestationCenter {
    /// @notice Settings. `minOperators` counts for later tasks, the others at once.
    struct Parameters {
        uint8 minOperators;
        uint32 turnBlocks; // length of one operator's turn to post
        uint16 guiltySlashBps; // of a performer whose evaluation more than the quorum rejected
        uint16 conflictSlashBps; // of an operator that voted both ways
        uint16 overturnedSlashBps; // of a signer of a verdict that the resolver overturned
    }

    /// @notice Open a task with the latest sealed set. ModelSubmission only. Refused during a pause.
    function openTask(TaskRequest calldata request) external;

    /// @notice Derive the task's seed from its seed block and store it. Anyone may call; idempotent.
    /// @param header The seed block's header in RLP. Not read if the seed is stored already.
    function fixSeed(bytes32 taskId, bytes calldata header) external returns (bytes32 seed);

    /// @notice Settle a task (approved) or end its attempt (rejected) by a certificate of the task's operator set.
    /// @dev Any operator of the task's set may call. An approval counts until the deadline, for any attempt that has
    ///      begun. A rejection counts only for the effective attempt, and starts the next attempt at once. If the
    ///      rejecters too are over the quorum, the performer is slashed and jailed, unless it said UNAVAILABLE or
    ///      EVALUATOR_FAILED: those can be true for one operator alone. Refused during a pause.
    function submitTask(TaskInfo calldata info, Certificate calldata certificate) external;

    /// @notice Mark a task whose deadline has come as expired. Anyone may call.
    function expireTask(bytes32 taskId) external;

    /// @notice Credit an operator's receiver with all its fees of the settlements before `upTo`. Anyone may call.
    function claim(address operator, uint64 upTo) external;

    /// @notice Dispute an IMPROVED verdict whose reward is still withheld. msg.value is the dispute's bond.
    function dispute(bytes32 taskId) external payable;

    /// @notice Rule on a dispute. Resolver only. Overturned: the signers of the verdict are slashed.
    function resolve(bytes32 taskId, bool isOverturned) external;

    /// @notice Slash all operators that signed both votes. Anyone may call, and gets half of what is slashed.
    /// @dev Two votes of one attempt conflict if they approve two evaluations, or approve and reject the same one. Both
    ///      evaluations must be of the task's own input: a vote on a branch that was reorganised away is no offence.
    ///      One operator's two votes and two certificates are the same to this call.
    /// @param header As for fixSeed.
    function proveConflict(SignedVote calldata first, SignedVote calldata second, bytes calldata header) external;

    /// @notice Set the parameters. PARAMETERS_ROLE only.
    function setParameters(Parameters calldata next) external;

    /// @notice Return whether openTask would find a usable operator set now.
    function canOpen() external view returns (bool);

    function getTask(bytes32 taskId) external view returns (Task memory);

    /// @notice Return the seed that fixSeed stored; zero if it did not.
    function seedOf(bytes32 taskId) external view returns (bytes32);

    /// @notice Return the attempt that may be proposed now. Reverts before the seed block and from the deadline on.
    function effectiveAttempt(bytes32 taskId) external view returns (uint8);

    function parameters() external view returns (Parameters memory);

    /// @notice Return the number of settlements. They are numbered from 0.
    function settlementCount() external view returns (uint64);

    /// @notice Return the number of the settlement at which the operator's next claim starts.
    function cursorOf(address operator) external view returns (uint64);

    function administration() external view returns (IAdministration);

    function governance() external view returns (IAvsGovernance);

    function avsLogic() external view returns (IAvsLogic);

    function modelSubmission() external view returns (IModelSubmission);

    function verifier() external view returns (ISignatureVerifier);

    function seedSource() external view returns (ISeedSource);

    function treasury() external view returns (address);

    event TaskOpened(
        bytes32 indexed taskId,
        uint256 indexed projectId,
        uint32 indexed submissionIndex,
        uint8 opening,
        bytes32 inputRoot,
        uint32 k,
        uint32 championIndex,
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
    event PerformerGuilty(bytes32 indexed taskId, uint8 attempt, address indexed performer, uint96 amount);
    event TaskExpired(bytes32 indexed taskId);
    event TaskDisputed(bytes32 indexed taskId, address indexed disputer);
    event DisputeResolved(bytes32 indexed taskId, bool isOverturned);
    event ConflictProven(bytes32 indexed taskId, uint8 attempt, uint128 culprits, uint256 amount);
    event FeesClaimed(address indexed operator, uint64 fromSettlement, uint64 upTo);
    event ParametersChanged(Parameters parameters);

    error NotModelSubmission(address caller);
    error NotResolver(address caller);
    error UnknownTask(bytes32 taskId);
    error TaskAlreadyExists(bytes32 taskId);
    error TaskNotOpen(bytes32 taskId);
    error TaskNotSettled(bytes32 taskId);
    error TooFewOperators(uint256 count, uint256 minimum);
    error SeedNotFixed(bytes32 taskId);
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
    error NotConflicting();
    error NothingToSlash();
    error NothingToClaim();
    error BadParameter(string name);
}
