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
/// `posterSlot` is the sender's slot. `header`: the seed block's header in RLP, or empty if the seed is stored.
struct Certificate {
    uint128 bitmap;
    bool approved;
    uint8 posterSlot;
    bytes signature;
    bytes performerSignature;
    bytes header;
}

/// One aggregate signature over one vote, as evidence that its signers voted so. No quorum is needed.
struct SignedVote {
    Evaluation evaluation;
    bool approved;
    uint128 bitmap;
    bytes signature;
}

/// A task that ModelSubmission asks AttestationCenter to open.
struct TaskRequest {
    bytes32 taskId;
    uint40 projectId;
    uint32 submissionIndex;
    uint8 opening;
    bytes32 inputRoot;
    uint32 k;
    uint32 championIndex;
    uint16 quorumBps;
    uint16 attemptBlocks;
    uint16 seedDelay;
    uint8 maxAttempts;
}

/// One task as AttestationCenter stores it, in two words. `attempt` and `attemptOffset` change only by a certificate for
/// rejection; time changes the effective attempt without a write. The attempt starts at seedBlock + attemptOffset.
struct Task {
    TaskStatus status;
    uint8 attempt;
    uint8 maxAttempts;
    uint16 quorumBps;
    uint16 attemptBlocks;
    uint16 attemptOffset;
    uint32 setVersion;
    uint48 seedBlock;
    uint40 projectId;
    uint32 submissionIndex;
    uint32 settlement; // its number, once SETTLED
    bytes32 inputRoot;
}

/// An approved evaluation, as AttestationCenter passes it through AvsLogic to ModelSubmission. `isAggregatorPaid`: the
/// poster had its turn. `signedShare`: signedStake / totalStake in 2³² − 1 parts, rounded down.
struct Verdict {
    uint40 projectId;
    uint32 submissionIndex;
    Evaluation evaluation;
    bool isAggregatorPaid;
    uint32 signedShare;
    uint96 signedStake;
    uint96 totalStake;
}

/// What one operator did in one settlement. `stake` of `totalStake` attested; 0 if it did not sign. `isPerformer`: the
/// evaluation is its own. `aggregatorShare`: its Verdict's `signedShare` if it posted in its turn, else 0.
struct FeeShare {
    uint40 projectId;
    bool isPerformer;
    bool isAggregatorPaid;
    uint32 aggregatorShare;
    uint96 stake;
    uint96 totalStake;
}

/// One sealed operator set, in two words. Bit i of `occupied`: slot i has an operator. `OperatorSet` says what the code
/// at `pointer` is.
struct SealedSet {
    address pointer;
    uint40 sealedAt;
    uint8 count;
    uint128 occupied;
    uint96 totalStake;
}

/// JAILED: slashed as guilty, or below the minimum stake; `unjail` brings it back.
enum OperatorStatus {
    NONE,
    ACTIVE,
    EXITING,
    EJECTED,
    EXITED,
    JAILED
}

/// An operator is named by the signing (ECDSA) address that it registered with, also after a rotation. Only `owner` can
/// withdraw its stake.
struct Operator {
    OperatorStatus status;
    uint8 slot;
    uint96 stake;
    address owner;
    address rewardsReceiver;
    address signingKey;
    uint40 activeFrom; // first block whose sealed set may hold it
    uint32 lastVersion; // latest version when it left: the last that may hold its key; 0 while it is active
    uint40 firstSettlement; // settlements before its registration are none of its
}

/// `registerOperator`'s argument. `blsKey`: 128-byte EIP-2537 G1; `possession`: 256-byte EIP-2537 G2; `consent`: 65-byte
/// ECDSA by the signing key.
struct Registration {
    bytes blsKey;
    bytes possession;
    address signingKey;
    bytes consent;
    address rewardsReceiver;
    uint96 stake;
}

/// `createProject`'s argument. Amounts in the token's units; scores in 10⁻⁶; windows in blocks.
struct ProjectParams {
    string architectureCid;
    string parametersCid;
    string evaluatorCid;
    string metadataCid; // what the project says about itself; no part of a task's input
    address token; // zero: the chain's own coin
    uint96 pool; // pays rewards
    uint96 budget; // pays the evaluation fees that the owner has to pay
    RewardRule rewardRule;
    uint96 maxReward;
    uint96 rewardRate; // LINEAR: per 10⁻⁶ of gainLowerBound
    uint96 bond;
    uint96 fee;
    int64 minGain;
    int64 worseTolerance;
    uint32 tolerance;
    uint16 rounds;
    uint32 alphaPpm;
    uint16 quorumBps;
    uint16 seedDelay;
    uint8 maxAttempts;
    uint16 attemptBlocks;
    uint16 revealBlocks;
    uint24 disputeBlocks;
    uint40 openUntil;
    bool ownerPaysMisses;
}

/// One project as readers see it: all but its texts, which `ProjectCreated` has, in block `createdAt`. `head` is the
/// first submission that is not final; `evaluated` counts the tasks opened so far without the baseline's: the next
/// task's k. `openUntil`: no commits from this block on. `termsHash` = Digests.termsHash of the published terms.
struct Project {
    ProjectStatus status;
    address owner;
    address token;
    uint40 createdAt;
    uint96 poolFree;
    uint96 budgetFree;
    uint32 submissionCount;
    uint32 head;
    uint40 headSince;
    uint32 evaluated;
    uint32 championIndex;
    int64 championScore;
    int64 baselineScore;
    uint96 rewardsPaid;
    RewardRule rewardRule;
    uint96 maxReward;
    uint96 rewardRate;
    uint96 bond;
    uint96 fee;
    int64 minGain;
    int64 worseTolerance;
    uint16 quorumBps;
    uint16 seedDelay;
    uint8 maxAttempts;
    uint16 attemptBlocks;
    uint16 revealBlocks;
    uint24 disputeBlocks;
    uint40 openUntil;
    bool ownerPaysMisses;
    bytes32 termsHash;
}

/// One submission, in two words. `since`: the block of the commit; after the reveal, that of the reveal. `content`: the
/// commitment; after the reveal, keccak256 of the parameters' CID, which `SubmissionRevealed` has in block `since`.
/// `k` and `opening` describe its latest task; `opening` counts from 1, and 0 means that none was opened.
struct Submission {
    address contributor;
    uint40 since;
    SubmissionStatus status;
    Outcome outcome;
    uint8 opening;
    uint32 k;
    bytes32 content;
}

/// NONE: nothing is withheld (any longer).
enum RewardStatus {
    NONE,
    WITHHELD,
    DISPUTED
}

/// The reward and bond of an IMPROVED submission while its verdict can be disputed. `until`: the block from which
/// `release` credits it.
struct WithheldReward {
    RewardStatus status;
    uint96 reward;
    uint40 until;
    uint32 previousChampion;
    int64 previousScore;
    address disputer;
}

/// What every task of a project has in common. `termsHash` is the EIP-712 struct hash.
struct Terms {
    string architectureCid;
    string evaluatorCid;
    uint16 rounds;
    uint32 alphaPpm;
    uint32 tolerance;
}
