// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

// Enum numbers and struct fields are append-only: they are signed, stored and shared with `zarathustra/core`.

/// The conclusion of an evaluation. NONE is refused: an empty struct must not count as a valid evaluation.
enum Code {
    NONE,
    VALID,
    INVALID,
    UNAVAILABLE,
    EVALUATOR_FAILED
}

/// How a submission became final. NONE: it is not final yet.
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

/// A performer's evaluation in one attempt, signed as EIP-712. Scores in 10⁻⁶. The contracts check no range of scores.
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

/// A task record in the form of the AVS ecosystem. `data` = abi.encode(Evaluation); `proofOfTask` = the report's CID as
/// text, of any form. No signature covers `taskDefinitionId`, and no contract reads it.
struct TaskInfo {
    string proofOfTask;
    bytes data;
    address taskPerformer;
    uint16 taskDefinitionId;
}

/// The aggregate over one vote. `bitmap`: bit i = slot i of the task's operator set. `signature`: 256-byte EIP-2537 G2.
struct Certificate {
    uint128 bitmap;
    bool approved;
    bytes signature;
    bytes performerSignature;
}

/// A task that ModelSubmission asks AttestationCenter to open.
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

/// One task as AttestationCenter stores it. `attempt` and `attemptStart` change only by a certificate for rejection;
/// time changes the effective attempt without a write. `seed` is zero until it is fixed.
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

/// An approved evaluation, as AttestationCenter passes it through AvsLogic to ModelSubmission. `aggregatorReceiver` is
/// zero unless the poster had its turn; its share is scaled by signedStake / totalStake.
struct Verdict {
    Evaluation evaluation;
    address performerReceiver;
    address aggregatorReceiver;
    uint96 signedStake;
    uint96 totalStake;
}

/// One sealed operator set. The code at `pointer` is `0x00 ‖ 128 × (address 20 ‖ stake 12 ‖ x 48 ‖ y 48)`.
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

/// An operator is named by its signing (ECDSA) address. Only `owner` can withdraw its stake.
struct Operator {
    OperatorStatus status;
    uint8 slot;
    uint96 stake;
    address owner;
    address rewardsReceiver;
    uint32 lastVersion; // latest version when it left: the last that may hold its key; 0 while it is active
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
    uint128 budget; // pays the evaluation fees that the owner has to pay
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

/// Everything that `inputRoot` commits to. It can be rebuilt from storage at any later time.
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
