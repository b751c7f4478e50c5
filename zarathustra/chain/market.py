"""The SDK's reads: projects, submissions, operators and credits."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from zarathustra.chain import abi
from zarathustra.chain.abi import load_abi
from zarathustra.chain.calls import Contract, ViewCall, fetch_head, fetch_views
from zarathustra.chain.port import Deployment
from zarathustra.chain.quantities import format_data, format_quantity, parse_quantity
from zarathustra.chain.rpc import Rpc
from zarathustra.core.project import Project, Submission
from zarathustra.core.types import (
    Address,
    Cid,
    OperatorId,
    ProjectId,
    SetVersion,
    Slot,
    SubmissionIndex,
    Wei,
)


class OperatorStatus(IntEnum):
    """Append-only, shared with `contracts/src/types`."""

    NONE = 0
    ACTIVE = 1
    EXITING = 2
    EJECTED = 3
    EXITED = 4


@dataclass(frozen=True)
class OperatorRecord:
    """An operator as AvsGovernance stores it; all zero (status NONE) for an address that never registered."""

    status: OperatorStatus
    slot: Slot
    stake: Wei
    owner: Address
    rewards_receiver: Address
    last_version: SetVersion
    key_hash: bytes


class MarketReader:
    """Reads the market at the head. Raises Retry when no node answers, Invalid(REVERTED) for unknown ids."""

    def __init__(self, rpc: Rpc, deployment: Deployment) -> None:
        self._rpc = rpc
        self._governance = Contract(load_abi(abi.GOVERNANCE), deployment.governance)
        self._center = Contract(load_abi(abi.ATTESTATION_CENTER), deployment.attestation_center)
        self._market = Contract(load_abi(abi.MODEL_SUBMISSION), deployment.model_submission)

    async def fetch_project_count(self) -> int:
        """Return how many projects there are; they are numbered from 1."""
        return int(await self._fetch_value(self._market, "projectCount"))

    async def fetch_project(self, project_id: ProjectId) -> Project:
        """Return one project."""
        view = ViewCall(self._market, "getProject", (project_id,))
        return view.parse_struct(await self._fetch(view), Project)

    async def fetch_submission(self, project_id: ProjectId, index: SubmissionIndex) -> Submission:
        """Return one submission; index 0 is the project owner's baseline."""
        view = ViewCall(self._market, "getSubmission", (project_id, index))
        return view.parse_struct(await self._fetch(view), Submission)

    async def fetch_champion_cid(self, project_id: ProjectId) -> Cid:
        """Return the CID of the parameters that a challenger has to beat now."""
        return Cid(await self._fetch_value(self._market, "championCid", project_id))

    async def fetch_credit(self, account: Address, token: Address) -> Wei:
        """Return what the account can withdraw of the token."""
        return Wei(await self._fetch_value(self._market, "creditOf", account, token))

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
        answer = await self._rpc.call("eth_getBalance", format_data(account), format_quantity(head.number))
        return Wei(parse_quantity(answer))

    async def _fetch_value(self, contract: Contract, function: str, *arguments: object) -> Any:
        view = ViewCall(contract, function, arguments)
        return view.parse(await self._fetch(view))[0]

    async def _fetch(self, view: ViewCall) -> Any:
        head = await fetch_head(self._rpc)
        answers = await fetch_views(self._rpc, head.block_hash, [view])
        return answers[0]
