// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

// Enum numbers and struct fields are append-only: they are signed, stored and shared with `zarathustra/core`.

/// What an evaluation concluded. NONE is never signed: an empty struct must not read as a valid evaluation.
enum Code {
    NONE,
    VALID,
    INVALID,
    UNAVAILABLE,
    EVALUATOR_FAILED
}

/// What the verdict means for the submission. NONE: not final yet.
enum Outcome {
    NONE,
    IMPROVED,
    NOT_IMPROVED,
    WORSE,
    INVALID,
    UNAVAILABLE,
    EVALUATOR_FAILED,
    EXPIRED,
    CANCELLED,
    UNREVEALED
}

enum ProjectStatus {
    NONE,
    BASELINE,
    OPEN,
    CLOSED,
    SUSPENDED,
    CANCELLED
}

enum SubmissionStatus {
    NONE,
    COMMITTED,
    REVEALED,
    EVALUATING,
    FINAL
}

enum TaskStatus {
    NONE,
    OPEN,
    SETTLED,
    EXPIRED
}

/// FIXED pays `maxReward`; LINEAR pays `min(maxReward, rewardRate × gainLowerBound)`.
enum RewardRule {
    FIXED,
    LINEAR
}

/// A performer's claim about one attempt; signed as EIP-712. Scores in 10⁻⁶, in [−10⁹, 10⁹].
struct Evaluation {
    bytes32 taskId;
    uint8 attempt;
    address performer;
    bytes32 inputHash;
    Code code;
    int64 championScore;
    int64 challengerScore;
    int64 gainLowerBound;
    bytes32 reportHash;
}

/// The AVS ecosystem's task record. `data` = abi.encode(Evaluation); `proofOfTask` = the report's canonical CID.
struct TaskInfo {
    string proofOfTask;
    bytes data;
    address taskPerformer;
    uint16 taskDefinitionId;
}

/// An aggregate over one vote. `bitmap`: bit i = slot i of the task's operator set. `signature`: 256-byte EIP-2537 G2.
struct Certificate {
    uint128 bitmap;
    bool approved;
    bytes signature;
    bytes performerSignature;
}

/// What ModelSubmission asks to have evaluated.
struct TaskRequest {
    bytes32 taskId;
    uint256 projectId;
    uint32 submissionIndex;
    uint8 opening;
    bytes32 inputRoot;
    uint32 k;
    uint16 quorumBps;
    uint32 attemptBlocks;
}

/// One task as AttestationCenter stores it. `attempt` and `attemptStart` move only on a rejected certificate; time
/// moves the effective attempt without a write. `seed` is zero until fixed.
struct Task {
    TaskStatus status;
    uint8 attempt;
    uint8 maxAttempts;
    uint16 quorumBps;
    uint32 attemptBlocks;
    uint32 setVersion;
    uint64 seedBlock;
    uint64 attemptStart;
    uint64 deadline;
    bytes32 inputRoot;
    bytes32 seed;
}

/// What AttestationCenter tells AvsLogic, and AvsLogic tells ModelSubmission, about an approved evaluation.
/// `aggregatorReceiver` is zero unless the turn's operator posted; its share is then scaled by signed / total.
struct Verdict {
    Evaluation evaluation;
    address performerReceiver;
    address aggregatorReceiver;
    uint96 signedStake;
    uint96 totalStake;
}

/// One sealed operator set. `pointer` holds `0x00 ‖ 128 × (address 20 ‖ stake 12 ‖ x 48 ‖ y 48)` as code.
struct SealedSet {
    address pointer;
    uint8 count;
    uint96 totalStake;
    uint64 sealedAt;
}

enum OperatorStatus {
    NONE,
    ACTIVE,
    EXITING,
    EJECTED,
    EXITED
}

/// An operator is named by its signing (ECDSA) address; `owner` alone moves its stake.
struct Operator {
    OperatorStatus status;
    uint8 slot;
    uint96 stake;
    address owner;
    address rewardsReceiver;
    uint32 lastVersion; // last sealed version that may hold the key; meaningful once leaving
    bytes32 keyHash;
}

/// `registerOperator`'s argument. `blsKey`: 128-byte EIP-2537 G1; `possession`: 256-byte EIP-2537 G2.
struct Registration {
    bytes blsKey;
    bytes possession;
    address signingKey;
    address rewardsReceiver;
    uint96 stake;
}

/// `createProject`'s argument. Amounts in the token's units; scores in 10⁻⁶; windows in blocks.
struct ProjectParams {
    string architectureCid;
    string parametersCid;
    string evaluatorCid;
    address token; // zero: the chain's own coin
    uint128 pool; // pays rewards
    uint128 budget; // pays evaluation fees that are the owner's
    RewardRule rewardRule;
    uint128 maxReward;
    uint128 rewardRate; // LINEAR: per 10⁻⁶ of gainLowerBound
    uint128 bond;
    uint128 fee;
    int64 minGain;
    int64 worseTolerance;
    uint32 tolerance;
    uint16 rounds;
    uint32 alphaPpm;
    uint16 quorumBps;
    uint32 attemptBlocks;
    uint32 revealBlocks;
    uint64 openUntil;
    bool ownerPaysMisses;
}

/// One project as readers see it. `head` is the first submission that is not final; `evaluated` counts the tasks
/// opened so far without the baseline's: the next task's k.
struct Project {
    ProjectStatus status;
    address owner;
    uint128 poolFree;
    uint128 budgetFree;
    uint32 submissionCount;
    uint32 head;
    uint32 evaluated;
    uint32 championIndex;
    int64 championScore;
    ProjectParams params;
}

/// One submission. `championIndex`, `k`, `opening` and `taskId` describe its latest task.
struct Submission {
    SubmissionStatus status;
    Outcome outcome;
    address contributor;
    uint64 committedAt;
    uint64 revealedAt;
    uint32 championIndex;
    uint32 k;
    uint8 opening;
    bytes32 commitment;
    bytes32 taskId;
    string parametersCid;
    int64 championScore;
    int64 challengerScore;
    int64 gainLowerBound;
}

/// Everything `inputRoot` commits to, rebuilt from storage at any later time.
struct TaskInput {
    bytes32 taskId;
    string architectureCid;
    string evaluatorCid;
    string championCid;
    string challengerCid;
    uint16 rounds;
    uint32 k;
    uint32 alphaPpm;
    uint32 tolerance;
}
