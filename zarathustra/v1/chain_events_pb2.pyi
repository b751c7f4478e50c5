from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ChainEvent(_message.Message):
    __slots__ = ("chain_id", "block_number", "block_hash", "transaction_hash", "log_index", "project_id", "operator_registered", "operator_stake_increased", "operator_deregistered", "operator_ejected", "operator_exited", "operator_set_sealed", "task_opened", "seed_fixed", "task_submitted", "task_rejected", "task_expired", "fees_claimed", "project_opened", "project_closed", "project_suspended", "project_cancelled", "topped_up", "submission_committed", "submission_revealed", "submission_reopened", "submission_settled", "model_improved", "reward_paid", "bond_slashed", "credited", "withdrawn", "project_created", "operator_admitted", "operator_expelled", "signing_key_rotated", "rewards_receiver_changed", "operator_owner_changed", "operator_slashed", "operator_jailed", "operator_unjailed", "performer_guilty", "task_disputed", "dispute_resolved", "conflict_proven", "metadata_changed", "champion_restored", "reward_withheld", "reward_disputed", "reward_returned", "paused", "unpaused")
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    BLOCK_NUMBER_FIELD_NUMBER: _ClassVar[int]
    BLOCK_HASH_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_HASH_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_REGISTERED_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_STAKE_INCREASED_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_DEREGISTERED_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_EJECTED_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_EXITED_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_SET_SEALED_FIELD_NUMBER: _ClassVar[int]
    TASK_OPENED_FIELD_NUMBER: _ClassVar[int]
    SEED_FIXED_FIELD_NUMBER: _ClassVar[int]
    TASK_SUBMITTED_FIELD_NUMBER: _ClassVar[int]
    TASK_REJECTED_FIELD_NUMBER: _ClassVar[int]
    TASK_EXPIRED_FIELD_NUMBER: _ClassVar[int]
    FEES_CLAIMED_FIELD_NUMBER: _ClassVar[int]
    PROJECT_OPENED_FIELD_NUMBER: _ClassVar[int]
    PROJECT_CLOSED_FIELD_NUMBER: _ClassVar[int]
    PROJECT_SUSPENDED_FIELD_NUMBER: _ClassVar[int]
    PROJECT_CANCELLED_FIELD_NUMBER: _ClassVar[int]
    TOPPED_UP_FIELD_NUMBER: _ClassVar[int]
    SUBMISSION_COMMITTED_FIELD_NUMBER: _ClassVar[int]
    SUBMISSION_REVEALED_FIELD_NUMBER: _ClassVar[int]
    SUBMISSION_REOPENED_FIELD_NUMBER: _ClassVar[int]
    SUBMISSION_SETTLED_FIELD_NUMBER: _ClassVar[int]
    MODEL_IMPROVED_FIELD_NUMBER: _ClassVar[int]
    REWARD_PAID_FIELD_NUMBER: _ClassVar[int]
    BOND_SLASHED_FIELD_NUMBER: _ClassVar[int]
    CREDITED_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    PROJECT_CREATED_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_ADMITTED_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_EXPELLED_FIELD_NUMBER: _ClassVar[int]
    SIGNING_KEY_ROTATED_FIELD_NUMBER: _ClassVar[int]
    REWARDS_RECEIVER_CHANGED_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_OWNER_CHANGED_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_SLASHED_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_JAILED_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_UNJAILED_FIELD_NUMBER: _ClassVar[int]
    PERFORMER_GUILTY_FIELD_NUMBER: _ClassVar[int]
    TASK_DISPUTED_FIELD_NUMBER: _ClassVar[int]
    DISPUTE_RESOLVED_FIELD_NUMBER: _ClassVar[int]
    CONFLICT_PROVEN_FIELD_NUMBER: _ClassVar[int]
    METADATA_CHANGED_FIELD_NUMBER: _ClassVar[int]
    CHAMPION_RESTORED_FIELD_NUMBER: _ClassVar[int]
    REWARD_WITHHELD_FIELD_NUMBER: _ClassVar[int]
    REWARD_DISPUTED_FIELD_NUMBER: _ClassVar[int]
    REWARD_RETURNED_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    UNPAUSED_FIELD_NUMBER: _ClassVar[int]
    chain_id: int
    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    log_index: int
    project_id: int
    operator_registered: OperatorRegistered
    operator_stake_increased: OperatorStakeIncreased
    operator_deregistered: OperatorDeregistered
    operator_ejected: OperatorEjected
    operator_exited: OperatorExited
    operator_set_sealed: OperatorSetSealed
    task_opened: TaskOpened
    seed_fixed: SeedFixed
    task_submitted: TaskSubmitted
    task_rejected: TaskRejected
    task_expired: TaskExpired
    fees_claimed: FeesClaimed
    project_opened: ProjectOpened
    project_closed: ProjectClosed
    project_suspended: ProjectSuspended
    project_cancelled: ProjectCancelled
    topped_up: ToppedUp
    submission_committed: SubmissionCommitted
    submission_revealed: SubmissionRevealed
    submission_reopened: SubmissionReopened
    submission_settled: SubmissionSettled
    model_improved: ModelImproved
    reward_paid: RewardPaid
    bond_slashed: BondSlashed
    credited: Credited
    withdrawn: Withdrawn
    project_created: ProjectCreated
    operator_admitted: OperatorAdmitted
    operator_expelled: OperatorExpelled
    signing_key_rotated: SigningKeyRotated
    rewards_receiver_changed: RewardsReceiverChanged
    operator_owner_changed: OperatorOwnerChanged
    operator_slashed: OperatorSlashed
    operator_jailed: OperatorJailed
    operator_unjailed: OperatorUnjailed
    performer_guilty: PerformerGuilty
    task_disputed: TaskDisputed
    dispute_resolved: DisputeResolved
    conflict_proven: ConflictProven
    metadata_changed: MetadataChanged
    champion_restored: ChampionRestored
    reward_withheld: RewardWithheld
    reward_disputed: RewardDisputed
    reward_returned: RewardReturned
    paused: Paused
    unpaused: Unpaused
    def __init__(self, chain_id: _Optional[int] = ..., block_number: _Optional[int] = ..., block_hash: _Optional[bytes] = ..., transaction_hash: _Optional[bytes] = ..., log_index: _Optional[int] = ..., project_id: _Optional[int] = ..., operator_registered: _Optional[_Union[OperatorRegistered, _Mapping]] = ..., operator_stake_increased: _Optional[_Union[OperatorStakeIncreased, _Mapping]] = ..., operator_deregistered: _Optional[_Union[OperatorDeregistered, _Mapping]] = ..., operator_ejected: _Optional[_Union[OperatorEjected, _Mapping]] = ..., operator_exited: _Optional[_Union[OperatorExited, _Mapping]] = ..., operator_set_sealed: _Optional[_Union[OperatorSetSealed, _Mapping]] = ..., task_opened: _Optional[_Union[TaskOpened, _Mapping]] = ..., seed_fixed: _Optional[_Union[SeedFixed, _Mapping]] = ..., task_submitted: _Optional[_Union[TaskSubmitted, _Mapping]] = ..., task_rejected: _Optional[_Union[TaskRejected, _Mapping]] = ..., task_expired: _Optional[_Union[TaskExpired, _Mapping]] = ..., fees_claimed: _Optional[_Union[FeesClaimed, _Mapping]] = ..., project_opened: _Optional[_Union[ProjectOpened, _Mapping]] = ..., project_closed: _Optional[_Union[ProjectClosed, _Mapping]] = ..., project_suspended: _Optional[_Union[ProjectSuspended, _Mapping]] = ..., project_cancelled: _Optional[_Union[ProjectCancelled, _Mapping]] = ..., topped_up: _Optional[_Union[ToppedUp, _Mapping]] = ..., submission_committed: _Optional[_Union[SubmissionCommitted, _Mapping]] = ..., submission_revealed: _Optional[_Union[SubmissionRevealed, _Mapping]] = ..., submission_reopened: _Optional[_Union[SubmissionReopened, _Mapping]] = ..., submission_settled: _Optional[_Union[SubmissionSettled, _Mapping]] = ..., model_improved: _Optional[_Union[ModelImproved, _Mapping]] = ..., reward_paid: _Optional[_Union[RewardPaid, _Mapping]] = ..., bond_slashed: _Optional[_Union[BondSlashed, _Mapping]] = ..., credited: _Optional[_Union[Credited, _Mapping]] = ..., withdrawn: _Optional[_Union[Withdrawn, _Mapping]] = ..., project_created: _Optional[_Union[ProjectCreated, _Mapping]] = ..., operator_admitted: _Optional[_Union[OperatorAdmitted, _Mapping]] = ..., operator_expelled: _Optional[_Union[OperatorExpelled, _Mapping]] = ..., signing_key_rotated: _Optional[_Union[SigningKeyRotated, _Mapping]] = ..., rewards_receiver_changed: _Optional[_Union[RewardsReceiverChanged, _Mapping]] = ..., operator_owner_changed: _Optional[_Union[OperatorOwnerChanged, _Mapping]] = ..., operator_slashed: _Optional[_Union[OperatorSlashed, _Mapping]] = ..., operator_jailed: _Optional[_Union[OperatorJailed, _Mapping]] = ..., operator_unjailed: _Optional[_Union[OperatorUnjailed, _Mapping]] = ..., performer_guilty: _Optional[_Union[PerformerGuilty, _Mapping]] = ..., task_disputed: _Optional[_Union[TaskDisputed, _Mapping]] = ..., dispute_resolved: _Optional[_Union[DisputeResolved, _Mapping]] = ..., conflict_proven: _Optional[_Union[ConflictProven, _Mapping]] = ..., metadata_changed: _Optional[_Union[MetadataChanged, _Mapping]] = ..., champion_restored: _Optional[_Union[ChampionRestored, _Mapping]] = ..., reward_withheld: _Optional[_Union[RewardWithheld, _Mapping]] = ..., reward_disputed: _Optional[_Union[RewardDisputed, _Mapping]] = ..., reward_returned: _Optional[_Union[RewardReturned, _Mapping]] = ..., paused: _Optional[_Union[Paused, _Mapping]] = ..., unpaused: _Optional[_Union[Unpaused, _Mapping]] = ...) -> None: ...

class Retracted(_message.Message):
    __slots__ = ("event",)
    EVENT_FIELD_NUMBER: _ClassVar[int]
    event: ChainEvent
    def __init__(self, event: _Optional[_Union[ChainEvent, _Mapping]] = ...) -> None: ...

class OperatorRegistered(_message.Message):
    __slots__ = ("operator", "owner", "slot", "bls_key", "stake", "rewards_receiver", "active_from")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    BLS_KEY_FIELD_NUMBER: _ClassVar[int]
    STAKE_FIELD_NUMBER: _ClassVar[int]
    REWARDS_RECEIVER_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FROM_FIELD_NUMBER: _ClassVar[int]
    operator: bytes
    owner: bytes
    slot: int
    bls_key: bytes
    stake: bytes
    rewards_receiver: bytes
    active_from: int
    def __init__(self, operator: _Optional[bytes] = ..., owner: _Optional[bytes] = ..., slot: _Optional[int] = ..., bls_key: _Optional[bytes] = ..., stake: _Optional[bytes] = ..., rewards_receiver: _Optional[bytes] = ..., active_from: _Optional[int] = ...) -> None: ...

class OperatorStakeIncreased(_message.Message):
    __slots__ = ("operator", "amount", "stake")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    STAKE_FIELD_NUMBER: _ClassVar[int]
    operator: bytes
    amount: bytes
    stake: bytes
    def __init__(self, operator: _Optional[bytes] = ..., amount: _Optional[bytes] = ..., stake: _Optional[bytes] = ...) -> None: ...

class Paused(_message.Message):
    __slots__ = ("guardian", "until")
    GUARDIAN_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    guardian: bytes
    until: int
    def __init__(self, guardian: _Optional[bytes] = ..., until: _Optional[int] = ...) -> None: ...

class Unpaused(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: bytes
    def __init__(self, account: _Optional[bytes] = ...) -> None: ...

class OperatorAdmitted(_message.Message):
    __slots__ = ("owner",)
    OWNER_FIELD_NUMBER: _ClassVar[int]
    owner: bytes
    def __init__(self, owner: _Optional[bytes] = ...) -> None: ...

class OperatorExpelled(_message.Message):
    __slots__ = ("owner",)
    OWNER_FIELD_NUMBER: _ClassVar[int]
    owner: bytes
    def __init__(self, owner: _Optional[bytes] = ...) -> None: ...

class SigningKeyRotated(_message.Message):
    __slots__ = ("operator", "signing_key")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    SIGNING_KEY_FIELD_NUMBER: _ClassVar[int]
    operator: bytes
    signing_key: bytes
    def __init__(self, operator: _Optional[bytes] = ..., signing_key: _Optional[bytes] = ...) -> None: ...

class RewardsReceiverChanged(_message.Message):
    __slots__ = ("operator", "rewards_receiver")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    REWARDS_RECEIVER_FIELD_NUMBER: _ClassVar[int]
    operator: bytes
    rewards_receiver: bytes
    def __init__(self, operator: _Optional[bytes] = ..., rewards_receiver: _Optional[bytes] = ...) -> None: ...

class OperatorOwnerChanged(_message.Message):
    __slots__ = ("operator", "owner")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    operator: bytes
    owner: bytes
    def __init__(self, operator: _Optional[bytes] = ..., owner: _Optional[bytes] = ...) -> None: ...

class OperatorSlashed(_message.Message):
    __slots__ = ("operator", "case_id", "amount", "stake")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    STAKE_FIELD_NUMBER: _ClassVar[int]
    operator: bytes
    case_id: bytes
    amount: bytes
    stake: bytes
    def __init__(self, operator: _Optional[bytes] = ..., case_id: _Optional[bytes] = ..., amount: _Optional[bytes] = ..., stake: _Optional[bytes] = ...) -> None: ...

class OperatorJailed(_message.Message):
    __slots__ = ("operator",)
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    operator: bytes
    def __init__(self, operator: _Optional[bytes] = ...) -> None: ...

class OperatorUnjailed(_message.Message):
    __slots__ = ("operator", "active_from")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FROM_FIELD_NUMBER: _ClassVar[int]
    operator: bytes
    active_from: int
    def __init__(self, operator: _Optional[bytes] = ..., active_from: _Optional[int] = ...) -> None: ...

class OperatorDeregistered(_message.Message):
    __slots__ = ("operator",)
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    operator: bytes
    def __init__(self, operator: _Optional[bytes] = ...) -> None: ...

class OperatorEjected(_message.Message):
    __slots__ = ("operator",)
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    operator: bytes
    def __init__(self, operator: _Optional[bytes] = ...) -> None: ...

class OperatorExited(_message.Message):
    __slots__ = ("operator", "to", "stake")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    STAKE_FIELD_NUMBER: _ClassVar[int]
    operator: bytes
    to: bytes
    stake: bytes
    def __init__(self, operator: _Optional[bytes] = ..., to: _Optional[bytes] = ..., stake: _Optional[bytes] = ...) -> None: ...

class OperatorSetSealed(_message.Message):
    __slots__ = ("version", "pointer", "count", "total_stake")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    POINTER_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_STAKE_FIELD_NUMBER: _ClassVar[int]
    version: int
    pointer: bytes
    count: int
    total_stake: bytes
    def __init__(self, version: _Optional[int] = ..., pointer: _Optional[bytes] = ..., count: _Optional[int] = ..., total_stake: _Optional[bytes] = ...) -> None: ...

class TaskOpened(_message.Message):
    __slots__ = ("task_id", "project_id", "submission_index", "opening", "input_root", "k", "champion_index", "set_version", "seed_block", "deadline")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    SUBMISSION_INDEX_FIELD_NUMBER: _ClassVar[int]
    OPENING_FIELD_NUMBER: _ClassVar[int]
    INPUT_ROOT_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    CHAMPION_INDEX_FIELD_NUMBER: _ClassVar[int]
    SET_VERSION_FIELD_NUMBER: _ClassVar[int]
    SEED_BLOCK_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    task_id: bytes
    project_id: int
    submission_index: int
    opening: int
    input_root: bytes
    k: int
    champion_index: int
    set_version: int
    seed_block: int
    deadline: int
    def __init__(self, task_id: _Optional[bytes] = ..., project_id: _Optional[int] = ..., submission_index: _Optional[int] = ..., opening: _Optional[int] = ..., input_root: _Optional[bytes] = ..., k: _Optional[int] = ..., champion_index: _Optional[int] = ..., set_version: _Optional[int] = ..., seed_block: _Optional[int] = ..., deadline: _Optional[int] = ...) -> None: ...

class SeedFixed(_message.Message):
    __slots__ = ("task_id", "seed")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    task_id: bytes
    seed: bytes
    def __init__(self, task_id: _Optional[bytes] = ..., seed: _Optional[bytes] = ...) -> None: ...

class TaskSubmitted(_message.Message):
    __slots__ = ("task_id", "attempt", "performer", "aggregator", "evaluation_hash", "bitmap", "signed_stake", "settlement", "proof_of_task")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    PERFORMER_FIELD_NUMBER: _ClassVar[int]
    AGGREGATOR_FIELD_NUMBER: _ClassVar[int]
    EVALUATION_HASH_FIELD_NUMBER: _ClassVar[int]
    BITMAP_FIELD_NUMBER: _ClassVar[int]
    SIGNED_STAKE_FIELD_NUMBER: _ClassVar[int]
    SETTLEMENT_FIELD_NUMBER: _ClassVar[int]
    PROOF_OF_TASK_FIELD_NUMBER: _ClassVar[int]
    task_id: bytes
    attempt: int
    performer: bytes
    aggregator: bytes
    evaluation_hash: bytes
    bitmap: bytes
    signed_stake: bytes
    settlement: int
    proof_of_task: str
    def __init__(self, task_id: _Optional[bytes] = ..., attempt: _Optional[int] = ..., performer: _Optional[bytes] = ..., aggregator: _Optional[bytes] = ..., evaluation_hash: _Optional[bytes] = ..., bitmap: _Optional[bytes] = ..., signed_stake: _Optional[bytes] = ..., settlement: _Optional[int] = ..., proof_of_task: _Optional[str] = ...) -> None: ...

class TaskRejected(_message.Message):
    __slots__ = ("task_id", "attempt", "performer", "evaluation_hash", "bitmap")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    PERFORMER_FIELD_NUMBER: _ClassVar[int]
    EVALUATION_HASH_FIELD_NUMBER: _ClassVar[int]
    BITMAP_FIELD_NUMBER: _ClassVar[int]
    task_id: bytes
    attempt: int
    performer: bytes
    evaluation_hash: bytes
    bitmap: bytes
    def __init__(self, task_id: _Optional[bytes] = ..., attempt: _Optional[int] = ..., performer: _Optional[bytes] = ..., evaluation_hash: _Optional[bytes] = ..., bitmap: _Optional[bytes] = ...) -> None: ...

class PerformerGuilty(_message.Message):
    __slots__ = ("task_id", "attempt", "performer", "amount")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    PERFORMER_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    task_id: bytes
    attempt: int
    performer: bytes
    amount: bytes
    def __init__(self, task_id: _Optional[bytes] = ..., attempt: _Optional[int] = ..., performer: _Optional[bytes] = ..., amount: _Optional[bytes] = ...) -> None: ...

class TaskDisputed(_message.Message):
    __slots__ = ("task_id", "disputer")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    DISPUTER_FIELD_NUMBER: _ClassVar[int]
    task_id: bytes
    disputer: bytes
    def __init__(self, task_id: _Optional[bytes] = ..., disputer: _Optional[bytes] = ...) -> None: ...

class DisputeResolved(_message.Message):
    __slots__ = ("task_id", "is_overturned")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    IS_OVERTURNED_FIELD_NUMBER: _ClassVar[int]
    task_id: bytes
    is_overturned: bool
    def __init__(self, task_id: _Optional[bytes] = ..., is_overturned: _Optional[bool] = ...) -> None: ...

class ConflictProven(_message.Message):
    __slots__ = ("task_id", "attempt", "culprits", "amount")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    CULPRITS_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    task_id: bytes
    attempt: int
    culprits: bytes
    amount: bytes
    def __init__(self, task_id: _Optional[bytes] = ..., attempt: _Optional[int] = ..., culprits: _Optional[bytes] = ..., amount: _Optional[bytes] = ...) -> None: ...

class TaskExpired(_message.Message):
    __slots__ = ("task_id",)
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    task_id: bytes
    def __init__(self, task_id: _Optional[bytes] = ...) -> None: ...

class FeesClaimed(_message.Message):
    __slots__ = ("operator", "from_settlement", "up_to")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    FROM_SETTLEMENT_FIELD_NUMBER: _ClassVar[int]
    UP_TO_FIELD_NUMBER: _ClassVar[int]
    operator: bytes
    from_settlement: int
    up_to: int
    def __init__(self, operator: _Optional[bytes] = ..., from_settlement: _Optional[int] = ..., up_to: _Optional[int] = ...) -> None: ...

class ProjectCreated(_message.Message):
    __slots__ = ("project_id", "owner", "params")
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    project_id: int
    owner: bytes
    params: ProjectParams
    def __init__(self, project_id: _Optional[int] = ..., owner: _Optional[bytes] = ..., params: _Optional[_Union[ProjectParams, _Mapping]] = ...) -> None: ...

class ProjectParams(_message.Message):
    __slots__ = ("architecture_cid", "parameters_cid", "evaluator_cid", "metadata_cid", "token", "pool", "budget", "reward_rule", "max_reward", "reward_rate", "bond", "fee", "min_gain", "worse_tolerance", "tolerance", "rounds", "alpha_ppm", "quorum_bps", "seed_delay", "max_attempts", "attempt_blocks", "reveal_blocks", "dispute_blocks", "open_until", "owner_pays_misses")
    ARCHITECTURE_CID_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_CID_FIELD_NUMBER: _ClassVar[int]
    EVALUATOR_CID_FIELD_NUMBER: _ClassVar[int]
    METADATA_CID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    REWARD_RULE_FIELD_NUMBER: _ClassVar[int]
    MAX_REWARD_FIELD_NUMBER: _ClassVar[int]
    REWARD_RATE_FIELD_NUMBER: _ClassVar[int]
    BOND_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    MIN_GAIN_FIELD_NUMBER: _ClassVar[int]
    WORSE_TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    ROUNDS_FIELD_NUMBER: _ClassVar[int]
    ALPHA_PPM_FIELD_NUMBER: _ClassVar[int]
    QUORUM_BPS_FIELD_NUMBER: _ClassVar[int]
    SEED_DELAY_FIELD_NUMBER: _ClassVar[int]
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    REVEAL_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    DISPUTE_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    OPEN_UNTIL_FIELD_NUMBER: _ClassVar[int]
    OWNER_PAYS_MISSES_FIELD_NUMBER: _ClassVar[int]
    architecture_cid: str
    parameters_cid: str
    evaluator_cid: str
    metadata_cid: str
    token: bytes
    pool: bytes
    budget: bytes
    reward_rule: int
    max_reward: bytes
    reward_rate: bytes
    bond: bytes
    fee: bytes
    min_gain: int
    worse_tolerance: int
    tolerance: int
    rounds: int
    alpha_ppm: int
    quorum_bps: int
    seed_delay: int
    max_attempts: int
    attempt_blocks: int
    reveal_blocks: int
    dispute_blocks: int
    open_until: int
    owner_pays_misses: bool
    def __init__(self, architecture_cid: _Optional[str] = ..., parameters_cid: _Optional[str] = ..., evaluator_cid: _Optional[str] = ..., metadata_cid: _Optional[str] = ..., token: _Optional[bytes] = ..., pool: _Optional[bytes] = ..., budget: _Optional[bytes] = ..., reward_rule: _Optional[int] = ..., max_reward: _Optional[bytes] = ..., reward_rate: _Optional[bytes] = ..., bond: _Optional[bytes] = ..., fee: _Optional[bytes] = ..., min_gain: _Optional[int] = ..., worse_tolerance: _Optional[int] = ..., tolerance: _Optional[int] = ..., rounds: _Optional[int] = ..., alpha_ppm: _Optional[int] = ..., quorum_bps: _Optional[int] = ..., seed_delay: _Optional[int] = ..., max_attempts: _Optional[int] = ..., attempt_blocks: _Optional[int] = ..., reveal_blocks: _Optional[int] = ..., dispute_blocks: _Optional[int] = ..., open_until: _Optional[int] = ..., owner_pays_misses: _Optional[bool] = ...) -> None: ...

class MetadataChanged(_message.Message):
    __slots__ = ("project_id", "metadata_cid")
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    METADATA_CID_FIELD_NUMBER: _ClassVar[int]
    project_id: int
    metadata_cid: str
    def __init__(self, project_id: _Optional[int] = ..., metadata_cid: _Optional[str] = ...) -> None: ...

class ProjectOpened(_message.Message):
    __slots__ = ("project_id", "champion_score")
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    CHAMPION_SCORE_FIELD_NUMBER: _ClassVar[int]
    project_id: int
    champion_score: int
    def __init__(self, project_id: _Optional[int] = ..., champion_score: _Optional[int] = ...) -> None: ...

class ProjectClosed(_message.Message):
    __slots__ = ("project_id",)
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    project_id: int
    def __init__(self, project_id: _Optional[int] = ...) -> None: ...

class ProjectSuspended(_message.Message):
    __slots__ = ("project_id",)
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    project_id: int
    def __init__(self, project_id: _Optional[int] = ...) -> None: ...

class ProjectCancelled(_message.Message):
    __slots__ = ("project_id",)
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    project_id: int
    def __init__(self, project_id: _Optional[int] = ...) -> None: ...

class ToppedUp(_message.Message):
    __slots__ = ("project_id", "pool", "budget")
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    project_id: int
    pool: bytes
    budget: bytes
    def __init__(self, project_id: _Optional[int] = ..., pool: _Optional[bytes] = ..., budget: _Optional[bytes] = ...) -> None: ...

class SubmissionCommitted(_message.Message):
    __slots__ = ("project_id", "index", "contributor", "commitment")
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTOR_FIELD_NUMBER: _ClassVar[int]
    COMMITMENT_FIELD_NUMBER: _ClassVar[int]
    project_id: int
    index: int
    contributor: bytes
    commitment: bytes
    def __init__(self, project_id: _Optional[int] = ..., index: _Optional[int] = ..., contributor: _Optional[bytes] = ..., commitment: _Optional[bytes] = ...) -> None: ...

class SubmissionRevealed(_message.Message):
    __slots__ = ("project_id", "index", "parameters_cid")
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_CID_FIELD_NUMBER: _ClassVar[int]
    project_id: int
    index: int
    parameters_cid: str
    def __init__(self, project_id: _Optional[int] = ..., index: _Optional[int] = ..., parameters_cid: _Optional[str] = ...) -> None: ...

class SubmissionReopened(_message.Message):
    __slots__ = ("project_id", "index")
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    project_id: int
    index: int
    def __init__(self, project_id: _Optional[int] = ..., index: _Optional[int] = ...) -> None: ...

class SubmissionSettled(_message.Message):
    __slots__ = ("project_id", "index", "task_id", "outcome", "champion_score", "challenger_score", "gain_lower_bound")
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CHAMPION_SCORE_FIELD_NUMBER: _ClassVar[int]
    CHALLENGER_SCORE_FIELD_NUMBER: _ClassVar[int]
    GAIN_LOWER_BOUND_FIELD_NUMBER: _ClassVar[int]
    project_id: int
    index: int
    task_id: bytes
    outcome: int
    champion_score: int
    challenger_score: int
    gain_lower_bound: int
    def __init__(self, project_id: _Optional[int] = ..., index: _Optional[int] = ..., task_id: _Optional[bytes] = ..., outcome: _Optional[int] = ..., champion_score: _Optional[int] = ..., challenger_score: _Optional[int] = ..., gain_lower_bound: _Optional[int] = ...) -> None: ...

class ModelImproved(_message.Message):
    __slots__ = ("project_id", "index", "gain_lower_bound")
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    GAIN_LOWER_BOUND_FIELD_NUMBER: _ClassVar[int]
    project_id: int
    index: int
    gain_lower_bound: int
    def __init__(self, project_id: _Optional[int] = ..., index: _Optional[int] = ..., gain_lower_bound: _Optional[int] = ...) -> None: ...

class ChampionRestored(_message.Message):
    __slots__ = ("project_id", "index")
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    project_id: int
    index: int
    def __init__(self, project_id: _Optional[int] = ..., index: _Optional[int] = ...) -> None: ...

class RewardWithheld(_message.Message):
    __slots__ = ("project_id", "index", "amount", "until")
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    project_id: int
    index: int
    amount: bytes
    until: int
    def __init__(self, project_id: _Optional[int] = ..., index: _Optional[int] = ..., amount: _Optional[bytes] = ..., until: _Optional[int] = ...) -> None: ...

class RewardDisputed(_message.Message):
    __slots__ = ("project_id", "index", "disputer", "until")
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    DISPUTER_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    project_id: int
    index: int
    disputer: bytes
    until: int
    def __init__(self, project_id: _Optional[int] = ..., index: _Optional[int] = ..., disputer: _Optional[bytes] = ..., until: _Optional[int] = ...) -> None: ...

class RewardReturned(_message.Message):
    __slots__ = ("project_id", "index", "amount")
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    project_id: int
    index: int
    amount: bytes
    def __init__(self, project_id: _Optional[int] = ..., index: _Optional[int] = ..., amount: _Optional[bytes] = ...) -> None: ...

class RewardPaid(_message.Message):
    __slots__ = ("project_id", "index", "contributor", "amount")
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTOR_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    project_id: int
    index: int
    contributor: bytes
    amount: bytes
    def __init__(self, project_id: _Optional[int] = ..., index: _Optional[int] = ..., contributor: _Optional[bytes] = ..., amount: _Optional[bytes] = ...) -> None: ...

class BondSlashed(_message.Message):
    __slots__ = ("project_id", "index", "amount")
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    project_id: int
    index: int
    amount: bytes
    def __init__(self, project_id: _Optional[int] = ..., index: _Optional[int] = ..., amount: _Optional[bytes] = ...) -> None: ...

class Credited(_message.Message):
    __slots__ = ("account", "token", "amount")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    account: bytes
    token: bytes
    amount: bytes
    def __init__(self, account: _Optional[bytes] = ..., token: _Optional[bytes] = ..., amount: _Optional[bytes] = ...) -> None: ...

class Withdrawn(_message.Message):
    __slots__ = ("account", "token", "to", "amount")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    account: bytes
    token: bytes
    to: bytes
    amount: bytes
    def __init__(self, account: _Optional[bytes] = ..., token: _Optional[bytes] = ..., to: _Optional[bytes] = ..., amount: _Optional[bytes] = ...) -> None: ...
