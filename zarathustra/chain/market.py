"""The SDK's reads: projects, submissions, operators and credits."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from zarathustra.chain import abi
from zarathustra.chain.abi import load_abi
from zarathustra.chain.calls import Contract, ViewCall, fetch_head, fetch_views
from zarathustra.chain.history import ChainHistory
from zarathustra.chain.port import Deployment
from zarathustra.chain.quantities import format_data, format_quantity, parse_quantity
from zarathustra.chain.rpc import Rpc
from zarathustra.core.digests import cid_hash, terms_hash
from zarathustra.core.outcomes import Outcome
from zarathustra.core.project import Project, ProjectParams, ProjectStatus, RewardRule, Submission, SubmissionStatus
from zarathustra.core.types import (
    ZERO32,
    Address,
    BlockNumber,
    Bps,
    Cid,
    Micro,
    OperatorId,
    ProjectId,
    SetVersion,
    Slot,
    SubmissionIndex,
    TaskId,
    Wei,
)

# Of what an owner publishes, what storage holds unchanged. Closing a project changes its `open_until`.
STORED_FIELDS: Final = (
    "token",
    "reward_rule",
    "max_reward",
    "reward_rate",
    "bond",
    "fee",
    "min_gain",
    "worse_tolerance",
    "quorum_bps",
    "seed_delay",
    "max_attempts",
    "attempt_blocks",
    "reveal_blocks",
    "dispute_blocks",
    "owner_pays_misses",
)
BASELINE_INDEX: Final = SubmissionIndex(0)
# In blocks. A reward can be released only after its time, and keepers must still find it then.
RELEASE_MARGIN: Final = 10_000


class OperatorStatus(IntEnum):
    """Append-only, shared with `contracts/src/types`."""

    NONE = 0
    ACTIVE = 1
    EXITING = 2
    EJECTED = 3
    EXITED = 4
    JAILED = 5


class RewardStatus(IntEnum):
    """Append-only, shared with `contracts/src/types`."""

    NONE = 0
    WITHHELD = 1
    DISPUTED = 2


@dataclass(frozen=True)
class OperatorRecord:
    """An operator as AvsGovernance shows it; all zero (status NONE) for an address that never registered."""

    status: OperatorStatus
    slot: Slot
    stake: Wei
    owner: Address
    rewards_receiver: Address
    signing_key: OperatorId
    active_from: BlockNumber
    last_version: SetVersion
    first_settlement: int


@dataclass(frozen=True)
class StoredProject:
    """ModelSubmission's struct `Project`, with its field names: all of a project but its texts."""

    status: ProjectStatus
    owner: Address
    token: Address
    created_at: BlockNumber
    pool_free: Wei
    budget_free: Wei
    submission_count: int
    head: SubmissionIndex
    head_since: BlockNumber
    evaluated: int
    champion_index: SubmissionIndex
    champion_score: Micro
    baseline_score: Micro
    rewards_paid: Wei
    reward_rule: RewardRule
    max_reward: Wei
    reward_rate: Wei
    bond: Wei
    fee: Wei
    min_gain: Micro
    worse_tolerance: Micro
    quorum_bps: Bps
    seed_delay: int
    max_attempts: int
    attempt_blocks: int
    reveal_blocks: int
    dispute_blocks: int
    open_until: BlockNumber
    owner_pays_misses: bool
    terms_hash: bytes


@dataclass(frozen=True)
class StoredSubmission:
    """ModelSubmission's struct `Submission`, with its field names. `content`: the commitment, later the CID's hash."""

    contributor: Address
    since: BlockNumber
    status: SubmissionStatus
    outcome: Outcome
    opening: int
    k: int
    content: bytes


@dataclass(frozen=True)
class WithheldReward:
    """The reward of an IMPROVED submission while its verdict can be disputed; `release` credits it from `until` on."""

    status: RewardStatus
    reward: Wei
    until: BlockNumber
    previous_champion: SubmissionIndex
    previous_score: Micro
    disputer: Address


@dataclass(frozen=True)
class MarketLimits:
    """ModelSubmission's struct `Limits`, with its field names."""

    max_pending: int
    max_pending_per_account: int
    open_timeout: int
    min_attempt_blocks: int
    min_dispute_blocks: int
    max_dispute_blocks: int
    resolve_blocks: int
    dispute_bond: Wei
    coin_min_fee: Wei


@dataclass(frozen=True)
class WithheldPlace:
    """A submission whose reward is withheld, and the block from which `release` credits it."""

    project_id: ProjectId
    index: SubmissionIndex
    until: BlockNumber


class MarketReader:
    """Reads the market at the head. Raises Retry when no node answers, Invalid(REVERTED) for unknown ids."""

    def __init__(self, rpc: Rpc, deployment: Deployment) -> None:
        self._rpc = rpc
        self._governance = Contract(load_abi(abi.GOVERNANCE), deployment.governance)
        self._center = Contract(load_abi(abi.ATTESTATION_CENTER), deployment.attestation_center)
        self._market = Contract(load_abi(abi.MODEL_SUBMISSION), deployment.model_submission)
        self._history = ChainHistory(rpc, deployment)

    async def fetch_project_count(self) -> int:
        """Return how many projects there are; they are numbered from 1."""
        return int(await self._fetch_value(self._market, "projectCount"))

    async def fetch_project(self, project_id: ProjectId) -> Project:
        """Return one project with what its owner published."""
        stored = await self.fetch_stored_project(project_id)
        params = await self._history.fetch_params(
            project_id, stored.created_at, lambda params: _is_stored(params, stored)
        )
        return Project(
            status=stored.status,
            owner=stored.owner,
            created_at=stored.created_at,
            pool_free=stored.pool_free,
            budget_free=stored.budget_free,
            submission_count=stored.submission_count,
            head=stored.head,
            evaluated=stored.evaluated,
            champion_index=stored.champion_index,
            champion_score=stored.champion_score,
            open_until=stored.open_until,
            params=params,
        )

    async def fetch_stored_project(self, project_id: ProjectId) -> StoredProject:
        """Return one project as the contract stores it."""
        view = ViewCall(self._market, "getProject", (project_id,))
        return view.parse_struct(await self._fetch(view), StoredProject)

    async def fetch_submission(self, project_id: ProjectId, index: SubmissionIndex) -> Submission:
        """Return one submission with its CID, if it is revealed, and its scores, if it is final."""
        stored = await self.fetch_stored_submission(project_id, index)
        settled = None
        if stored.status is SubmissionStatus.FINAL:
            head = await fetch_head(self._rpc)
            settled = await self._history.fetch_settled(project_id, index, stored.since, head.number)
        return Submission(
            status=stored.status,
            outcome=stored.outcome,
            contributor=stored.contributor,
            since=stored.since,
            k=stored.k,
            opening=stored.opening,
            parameters_cid=await self._fetch_cid(project_id, index, stored) if _is_revealed(stored) else Cid(""),
            task_id=settled.task_id if settled else TaskId(ZERO32),
            champion_score=settled.champion_score if settled else Micro(0),
            challenger_score=settled.challenger_score if settled else Micro(0),
            gain_lower_bound=settled.gain_lower_bound if settled else Micro(0),
        )

    async def fetch_stored_submission(self, project_id: ProjectId, index: SubmissionIndex) -> StoredSubmission:
        """Return one submission as the contract stores it; index 0 is the project owner's baseline."""
        view = ViewCall(self._market, "getSubmission", (project_id, index))
        return view.parse_struct(await self._fetch(view), StoredSubmission)

    async def fetch_withheld(self, project_id: ProjectId, index: SubmissionIndex) -> WithheldReward:
        """Return a submission's reward while it can be disputed; status NONE when there is none (any longer)."""
        view = ViewCall(self._market, "withheldReward", (project_id, index))
        return view.parse_struct(await self._fetch(view), WithheldReward)

    async def fetch_limits(self) -> MarketLimits:
        """Return what was decided about projects at deployment."""
        view = ViewCall(self._market, "limits")
        return view.parse_struct(await self._fetch(view), MarketLimits)

    async def find_submission(
        self, project_id: ProjectId, commitment: bytes, first: BlockNumber
    ) -> SubmissionIndex | None:
        """Return the submission that `commitment` entered in block `first` or later; None if it is not on the chain."""
        head = await fetch_head(self._rpc)
        committed = await self._history.find_committed(project_id, commitment, first, head.number)
        return None if committed is None else committed.index

    async def fetch_withheld_rewards(self) -> Sequence[WithheldPlace]:
        """Return all rewards that are withheld now."""
        limits = await self.fetch_limits()
        head = await fetch_head(self._rpc)
        longest = limits.max_dispute_blocks + limits.resolve_blocks + RELEASE_MARGIN
        first = BlockNumber(max(0, head.number - longest))
        places = []
        for fact in await self._history.fetch_withheld_between(first, head.number):
            withheld = await self.fetch_withheld(fact.project_id, fact.index)
            if withheld.status is not RewardStatus.NONE:
                places.append(WithheldPlace(fact.project_id, fact.index, withheld.until))
        return places

    async def fetch_parameters_cid(self, project_id: ProjectId, index: SubmissionIndex) -> Cid:
        """Return the CID of a revealed submission's parameters."""
        return await self._fetch_cid(project_id, index, await self.fetch_stored_submission(project_id, index))

    async def fetch_champion_cid(self, project_id: ProjectId) -> Cid:
        """Return the CID of the parameters that a challenger has to beat now."""
        stored = await self.fetch_stored_project(project_id)
        return await self.fetch_parameters_cid(project_id, stored.champion_index)

    async def _fetch_cid(self, project_id: ProjectId, index: SubmissionIndex, stored: StoredSubmission) -> Cid:
        if index == BASELINE_INDEX:
            return await self._fetch_baseline_cid(project_id, stored.content)
        return await self._history.fetch_revealed(project_id, index, stored.since, stored.content)

    async def _fetch_baseline_cid(self, project_id: ProjectId, expected: bytes) -> Cid:
        project = await self.fetch_stored_project(project_id)
        params = await self._history.fetch_params(
            project_id,
            project.created_at,
            lambda params: _is_stored(params, project) and cid_hash(params.parameters_cid) == expected,
        )
        return params.parameters_cid

    async def fetch_credit(self, account: Address, token: Address) -> Wei:
        """Return what the account can withdraw of the token."""
        return Wei(await self._fetch_value(self._market, "creditOf", account, token))

    async def fetch_min_fee(self, token: Address) -> Wei:
        """Return a token's least fee; zero: new projects may not use it."""
        return Wei(await self._fetch_value(self._market, "minFeeOf", token))

    async def fetch_operator(self, operator: OperatorId) -> OperatorRecord:
        """Return one operator."""
        view = ViewCall(self._governance, "getOperator", (operator,))
        return view.parse_struct(await self._fetch(view), OperatorRecord)

    async def fetch_latest_set_version(self) -> SetVersion:
        """Return the version of the newest sealed operator set; 0 before the first."""
        return SetVersion(await self._fetch_value(self._governance, "latestVersion"))

    async def fetch_settlement_count(self) -> int:
        """Return how many settlements there are; an operator claims up to this number."""
        return int(await self._fetch_value(self._center, "settlementCount"))

    async def fetch_claim_cursor(self, operator: OperatorId) -> int:
        """Return the number of the first settlement that the operator has not claimed."""
        return int(await self._fetch_value(self._center, "cursorOf", operator))

    async def fetch_balance(self, account: Address) -> Wei:
        """Return the account's balance of the chain's own coin."""
        head = await fetch_head(self._rpc)
        balance: int = await self._rpc.call(
            "eth_getBalance", format_data(account), format_quantity(head.number), parse=parse_quantity
        )
        return Wei(balance)

    async def _fetch_value(self, contract: Contract, function: str, *arguments: object) -> Any:
        view = ViewCall(contract, function, arguments)
        return view.parse(await self._fetch(view))[0]

    async def _fetch(self, view: ViewCall) -> Any:
        head = await fetch_head(self._rpc)
        answers = await fetch_views(self._rpc, head.block_hash, [view])
        return answers[0]


def _is_stored(params: ProjectParams, stored: StoredProject) -> bool:
    """Return whether the contract stores these parameters: their terms' hash, and the fields that it stores as such."""
    return terms_hash(params) == stored.terms_hash and all(
        getattr(params, name) == getattr(stored, name) for name in STORED_FIELDS
    )


def _is_revealed(stored: StoredSubmission) -> bool:
    """Return whether the contributor revealed: a hidden submission can only become UNREVEALED or CANCELLED."""
    if stored.status is not SubmissionStatus.FINAL:
        return stored.status is not SubmissionStatus.COMMITTED
    return stored.opening > 0 or stored.outcome not in {Outcome.UNREVEALED, Outcome.CANCELLED}
