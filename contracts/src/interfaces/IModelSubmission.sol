// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {FeeShare, Outcome, Project, ProjectParams, Submission, Verdict, WithheldReward} from "../types/Types.sol";

/// @title The market and all escrow: projects, submissions, rewards, bonds, fees, credits.
interface IModelSubmission {
    /// @dev What is decided at deployment.
    struct Limits {
        uint32 maxPending; // limits a project's queue; each submission in it costs a bond
        uint32 maxPendingPerAccount;
        uint32 openTimeout; // blocks after which a revealed head that cannot open is cancelled
        uint16 minAttemptBlocks;
        uint24 minDisputeBlocks;
        uint24 maxDisputeBlocks;
        uint24 resolveBlocks; // from a dispute to the block from which the verdict stands
        uint96 disputeBond; // in the chain's own coin
        uint96 coinMinFee; // the least fee of a project in the chain's own coin
    }

    // ---- project owners

    /// @notice Publish a project and escrow pool + budget. Opens the task of its baseline (submission 0) if possible.
    /// @dev The terms are fixed for the project's life. Refused during a pause.
    function createProject(ProjectParams calldata params) external payable returns (uint256 projectId);

    /// @notice Add to pool and budget of a project that is BASELINE or OPEN. Anyone may call.
    function topUp(uint256 projectId, uint96 pool, uint96 budget) external payable;

    /// @notice Change what the project says about itself. Owner only.
    function setMetadata(uint256 projectId, string calldata metadataCid) external;

    /// @notice Refuse new commits. Pending submissions finish and are paid. Owner, or anyone from block `openUntil` on.
    /// @dev Reverts while the baseline is pending; the baseline has a time limit. Reverts while submissions of a
    ///      suspended project are pending: they have to be cancelled, not evaluated.
    function closeProject(uint256 projectId) external;

    /// @notice Credit the rest of pool and budget to the owner when no submission is pending. Owner, or anyone from
    ///         ESCROW_GRACE blocks after `openUntil` on; closing a project ends its `openUntil`.
    function withdrawEscrow(uint256 projectId) external;

    // ---- contributors

    /// @notice Enter a hidden challenger with the bond. Submissions are evaluated in the order of their commits.
    /// @dev Reverts from block `openUntil` on, and during a pause.
    function commit(uint256 projectId, bytes32 commitment) external payable returns (uint32 index);

    /// @notice Show the committed parameters within `revealBlocks` of the commit. Contributor only.
    /// @dev If the submission is the head, its task opens in the same call if possible.
    function reveal(uint256 projectId, uint32 index, string calldata parametersCid, bytes32 salt) external;

    // ---- anyone

    /// @notice Make timed-out heads final and open the next task, as far as time and money allow. Anyone may call.
    /// @dev Opening reserves `maxReward` and the fee, so a winner can always be paid. A head that the pool or the budget
    ///      cannot pay is CANCELLED. A time limit ends each state of a head; for EVALUATING it is the task's deadline.
    /// @return steps The number of steps that were done; 0 if there is nothing to do.
    function advance(uint256 projectId, uint256 maxSteps) external returns (uint256 steps);

    /// @notice Credit a withheld reward once it can no longer be disputed, or the resolver has not ruled in time.
    function release(uint256 projectId, uint32 index) external;

    /// @notice Pay the caller's credit in `token` to `to`.
    function withdraw(address token, address to) external returns (uint256 amount);

    /// @notice Pay an account's credit to that account. Anyone may call.
    function withdrawFor(address account, address token) external returns (uint256 amount);

    // ---- AvsLogic only

    /// @notice Make the head final by an approved evaluation and write all credits. Moves no token and opens no task.
    function settle(Verdict calldata verdict) external;

    /// @notice After the head's first task expired, put it back to REVEALED; after the second, make it EXPIRED.
    function expire(uint40 projectId, uint32 index) external;

    /// @notice Hold a withheld reward back until the resolver rules. msg.value is the dispute's bond.
    function dispute(uint40 projectId, uint32 index, address disputer) external payable;

    /// @notice Rule on a dispute. Overturned: the reward goes back to the pool and the disputer gets its bond back; the
    ///         previous champion returns if no later task was opened, else the project is suspended. Upheld: the
    ///         contributor gets reward and bond.
    function resolve(uint40 projectId, uint32 index, bool isOverturned) external returns (address disputer);

    /// @notice Credit an operator's receiver with its part of each fee, as performer, attester and aggregator.
    /// @dev The remainder of rounding, less than one unit a signer and task, stays in the contract.
    function payOperator(address receiver, FeeShare[] calldata shares) external;

    // ---- PARAMETERS_ROLE

    /// @notice Set a token's least fee for new projects; zero forbids it. Existing projects keep their token.
    /// @dev Do not allow a token that rebases, takes a fee on transfers or can freeze this contract's balance: the
    ///      credits of its projects could then not be paid in full.
    function setToken(address token, uint96 minFee) external;

    // ---- readers

    function getProject(uint256 projectId) external view returns (Project memory);

    function projectCount() external view returns (uint256);

    function getSubmission(uint256 projectId, uint32 index) external view returns (Submission memory);

    function withheldReward(uint256 projectId, uint32 index) external view returns (WithheldReward memory);

    /// @notice Return a project's token and evaluation fee.
    function feeOf(uint256 projectId) external view returns (address token, uint96 fee);

    /// @notice Return the amount that the account can withdraw.
    function creditOf(address account, address token) external view returns (uint256);

    /// @notice Return all that the contract owes in a token: pools + budgets + bonds + withheld rewards + fees not yet
    ///         claimed + credits.
    function escrowOf(address token) external view returns (uint256);

    /// @notice Return the least fee of a project in this token; zero: the token is not allowed.
    function minFeeOf(address token) external view returns (uint96);

    /// @notice Return the commitment to commit, for those who build it on chain or by hand.
    function commitmentOf(uint256 projectId, address contributor, string calldata parametersCid, bytes32 salt)
        external
        view
        returns (bytes32);

    function limits() external view returns (Limits memory);

    event ProjectCreated(uint256 indexed projectId, address indexed owner, ProjectParams params);
    event MetadataChanged(uint256 indexed projectId, string metadataCid);
    event ProjectOpened(uint256 indexed projectId, int64 championScore);
    event ProjectClosed(uint256 indexed projectId);
    event ProjectSuspended(uint256 indexed projectId);
    event ProjectCancelled(uint256 indexed projectId);
    event ToppedUp(uint256 indexed projectId, uint96 pool, uint96 budget);
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
    event ModelImproved(uint256 indexed projectId, uint32 indexed index, int64 gainLowerBound);
    event ChampionRestored(uint256 indexed projectId, uint32 indexed index);
    event RewardWithheld(uint256 indexed projectId, uint32 indexed index, uint256 amount, uint64 until);
    event RewardDisputed(uint256 indexed projectId, uint32 indexed index, address indexed disputer, uint64 until);
    event RewardPaid(uint256 indexed projectId, uint32 indexed index, address indexed contributor, uint256 amount);
    event RewardReturned(uint256 indexed projectId, uint32 indexed index, uint256 amount);
    event BondSlashed(uint256 indexed projectId, uint32 indexed index, uint256 amount);
    event Credited(address indexed account, address indexed token, uint256 amount);
    event Withdrawn(address indexed account, address indexed token, address to, uint256 amount);
    event TokenChanged(address indexed token, uint96 minFee);

    error NotAvsLogic(address caller);
    error NotProjectOwner(address caller);
    error NotContributor(address caller);
    error UnknownProject(uint256 projectId);
    error UnknownSubmission(uint256 projectId, uint32 index);
    error SubmissionNotRunning(uint256 projectId, uint32 index);
    error OpeningFailed();
    error ProjectNotOpen(uint256 projectId);
    error ProjectStillOpen(uint256 projectId);
    error SubmissionsPending(uint256 projectId);
    error SubmissionNotCommitted(uint32 index);
    error WrongCommitment();
    error RevealTooLate(uint64 deadline);
    error TooManyPending(uint256 maximum);
    error TooManyPendingOfAccount(uint256 maximum);
    error NothingWithheld(uint256 projectId, uint32 index);
    error WithheldUntil(uint64 until);
    error DisputeTooLate(uint64 until);
    error NotDisputed(uint256 projectId, uint32 index);
    error BadCid();
    error BadParameter(string name);
    error TokenNotAllowed(address token);
    error NothingToWithdraw();
    error ZeroAddress();
    error NotDeployed(string name, address where);
    error WrongWiring(address where, string getter, address found, address expected);
}
