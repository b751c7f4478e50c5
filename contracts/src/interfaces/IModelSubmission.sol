// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Outcome, Project, ProjectParams, Submission, TaskInput, Verdict} from "../types/Types.sol";

/// @title The market and all escrow: projects, submissions, rewards, bonds, fees, credits.
interface IModelSubmission {
    // ---- project owners

    /// @notice Publish a project and escrow pool + budget. Opens the task of its baseline (submission 0) if possible.
    function createProject(ProjectParams calldata params) external payable returns (uint256 projectId);

    /// @notice Add to pool and budget of a project that is BASELINE or OPEN. Anyone may call.
    function topUp(uint256 projectId, uint128 pool, uint128 budget) external payable;

    /// @notice Refuse new commits. Pending submissions finish and are paid. Owner, or anyone from block `openUntil` on.
    /// @dev Reverts while the baseline is pending; the baseline has a time limit. Reverts while submissions of a
    ///      suspended project are pending: they have to be cancelled, not evaluated.
    function closeProject(uint256 projectId) external;

    /// @notice Credit the rest of pool and budget to the owner when no submission is pending. Owner only.
    function withdrawEscrow(uint256 projectId) external;

    // ---- contributors

    /// @notice Enter a hidden challenger with the bond. Submissions are evaluated in the order of their commits.
    /// @dev Reserves `maxReward` and the fee, so that a reward can always be paid. Reverts from block `openUntil` on.
    function commit(uint256 projectId, bytes32 commitment) external payable returns (uint32 index);

    /// @notice Show the committed parameters within `revealBlocks` of the commit. Contributor only.
    /// @dev If the submission is the head, its task opens in the same call if possible.
    function reveal(uint256 projectId, uint32 index, string calldata parametersCid, bytes32 salt) external;

    /// @notice Make timed-out heads final and open the next task, as far as time allows. Anyone may call.
    /// @dev Needs no other account: a time limit ends each state of a head. For EVALUATING it is the task's deadline.
    /// @return steps The number of steps that were done; 0 if there is nothing to do.
    function advance(uint256 projectId, uint256 maxSteps) external returns (uint256 steps);

    /// @notice Pay the caller's credit in `token` to `to`.
    function withdraw(address token, address to) external returns (uint256 amount);

    // ---- AvsLogic only

    /// @notice Make the head final by an approved evaluation and write all credits. Moves no token and opens no task.
    function settle(Verdict calldata verdict) external;

    /// @notice After the head's first task expired, put it back to REVEALED; after the second, make it EXPIRED.
    function expire(bytes32 taskId) external;

    /// @notice Credit an attester's receiver with floor(attesters' fees × stake / signedStake) of each task.
    /// @dev The remainder of rounding (less than one unit a signer) stays in the task's unclaimed fees.
    function payAttester(
        address receiver,
        bytes32[] calldata taskIds,
        uint96[] calldata stakes,
        uint96[] calldata signedStakes
    ) external;

    // ---- contract owner (the timelock) only

    /// @notice Allow or forbid an ERC-20 for new projects. Existing projects keep their token.
    /// @dev Do not allow a token that rebases, takes a fee on transfers or can freeze this contract's balance: the
    ///      credits of its projects could then not be paid in full.
    function allowToken(address token, bool allowed) external;

    // ---- readers

    function getProject(uint256 projectId) external view returns (Project memory);

    function projectCount() external view returns (uint256);

    function getSubmission(uint256 projectId, uint32 index) external view returns (Submission memory);

    /// @notice Return the input of the submission's latest task. Stays readable after the submission is final.
    function taskInput(uint256 projectId, uint32 index) external view returns (TaskInput memory);

    /// @notice Return the submission that a task belongs to. Reverts with UnknownTask.
    function submissionOf(bytes32 taskId) external view returns (uint256 projectId, uint32 index);

    function championCid(uint256 projectId) external view returns (string memory);

    /// @notice Return the amount that the account can withdraw.
    function creditOf(address account, address token) external view returns (uint256);

    /// @notice Return all that the contract owes in a token: pools + budgets + bonds + fees not yet claimed + credits.
    function escrowOf(address token) external view returns (uint256);

    /// @notice Return the attesters' part of a settled task's fee, and how much of it is not yet claimed.
    function attesterFees(bytes32 taskId) external view returns (uint128 total, uint128 unclaimed);

    function isTokenAllowed(address token) external view returns (bool);

    event ProjectCreated(
        uint256 indexed projectId,
        address indexed owner,
        string architectureCid,
        string parametersCid,
        string evaluatorCid,
        address token,
        uint128 pool,
        uint128 budget
    );
    event ProjectOpened(uint256 indexed projectId, int64 championScore);
    event ProjectClosed(uint256 indexed projectId);
    event ProjectSuspended(uint256 indexed projectId);
    event ProjectCancelled(uint256 indexed projectId);
    event ToppedUp(uint256 indexed projectId, uint128 pool, uint128 budget);
    event SubmissionCommitted(
        uint256 indexed projectId, uint32 indexed index, address indexed contributor, bytes32 commitment
    );
    event SubmissionRevealed(uint256 indexed projectId, uint32 indexed index, string parametersCid);
    event SubmissionReopened(uint256 indexed projectId, uint32 indexed index);
    event SubmissionSettled(
        uint256 indexed projectId,
        uint32 indexed index,
        bytes32 indexed taskId,
        Outcome outcome,
        int64 championScore,
        int64 challengerScore,
        int64 gainLowerBound
    );
    event ModelImproved(uint256 indexed projectId, uint32 indexed index, string parametersCid, int64 gainLowerBound);
    event RewardPaid(uint256 indexed projectId, uint32 indexed index, address indexed contributor, uint256 amount);
    event BondSlashed(uint256 indexed projectId, uint32 indexed index, uint256 amount);
    event Credited(address indexed account, address indexed token, uint256 amount);
    event Withdrawn(address indexed account, address indexed token, address to, uint256 amount);
    event TokenAllowed(address indexed token, bool allowed);

    error NotAvsLogic(address caller);
    error NotProjectOwner(address caller);
    error NotContributor(address caller);
    error UnknownProject(uint256 projectId);
    error UnknownSubmission(uint256 projectId, uint32 index);
    error UnknownTask(bytes32 taskId);
    error TaskNotRunning(bytes32 taskId);
    error OpeningFailed();
    error ProjectNotOpen(uint256 projectId);
    error ProjectStillOpen(uint256 projectId);
    error SubmissionsPending(uint256 projectId);
    error SubmissionNotCommitted(uint32 index);
    error WrongCommitment();
    error RevealTooLate(uint64 deadline);
    error TooManyPending(uint256 maximum);
    error PoolExhausted(uint128 free, uint128 needed);
    error BudgetExhausted(uint128 free, uint128 needed);
    error BadCid();
    error BadParameter(string name);
    error TokenNotAllowed(address token);
    error WrongValue(uint256 received, uint256 expected);
    error NothingToWithdraw();
    error TransferFailed();
    error ZeroAddress();
}
