"""A submission that is interrupted anywhere is finished with its ticket, and no second bond is paid."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from devnet.example import load_artefacts
from tests.kit.chain.anvil import mine
from tests.kit.chain.market import DEV_KEYS, TestMarket, Verdict, deploy_market
from tests.kit.simnet.accounts import build_client
from tests.kit.simnet.connections import OperatorStore
from tests.kit.simnet.projects import TERMS as SIMNET_TERMS
from zarathustra.chain.answers import Parse, keep
from zarathustra.chain.rpc import Call, HttpRpc, Rpc
from zarathustra.core.errors import Invalid
from zarathustra.core.project import SubmissionStatus
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Cid, ProjectId, SubmissionIndex, Wei
from zarathustra.sdk.client import Client
from zarathustra.sdk.contributor import commit, draw_ticket, find_submission, reveal
from zarathustra.sdk.owner import publish_project
from zarathustra.sdk.tickets import Ticket, TicketFolder
from zarathustra.signing.keys import EcdsaSecretKey
from zarathustra.store.memory import MemoryStore

pytestmark = pytest.mark.chain
pytest_plugins = ["tests.kit.chain.anvil_fixture"]

OWNER, CONTRIBUTOR = DEV_KEYS[0], DEV_KEYS[1]
CID = Cid("bafkreibupl3ocy5dbtayhfcufrkk6ndrmacm4aoms3edylyw2eaqgcsgmu")
FIRST = SubmissionIndex(1)
TERMS = replace(SIMNET_TERMS, seed_delay=2, attempt_blocks=20, dispute_blocks=3)


class Killed(BaseException):
    """Stands for kill -9."""


class KillingRpc:
    """Ends the process before or after the request with a number."""

    def __init__(self, inner: Rpc, *, at: int, is_after: bool) -> None:
        self._inner = inner
        self._left = at
        self._is_after = is_after

    async def call(self, method: str, *params: Any, parse: Parse = keep) -> Any:
        self._count(is_after=False)
        answer = await self._inner.call(method, *params, parse=parse)
        self._count(is_after=True)
        return answer

    async def call_many(self, calls: Sequence[Call]) -> list[Any]:
        self._count(is_after=False)
        answers = await self._inner.call_many(calls)
        self._count(is_after=True)
        return answers

    def _count(self, *, is_after: bool) -> None:
        if is_after is self._is_after:
            self._left -= 1
            if self._left < 0:
                raise Killed


@dataclass
class Place:
    """A project that takes submissions, and a contributor's folder of tickets."""

    market: TestMarket
    project_id: ProjectId
    folder: TicketFolder

    def open_client(self, rpc: Rpc | None = None) -> Client:
        store = OperatorStore(MemoryStore())
        key = EcdsaSecretKey(CONTRIBUTOR)
        return build_client(rpc or self.market.rpc, self.market.deployment, key, store, poll_s=0.005)

    async def submit(self, client: Client) -> None:
        ticket = await draw_ticket(client, self.project_id, CID)
        self.folder.create(ticket)
        await reveal(client, ticket, await commit(client, ticket))

    async def resume(self) -> list[SubmissionIndex]:
        client = self.open_client()
        indices = []
        for _path, ticket in self.list_open(client):
            indices.append(await commit(client, ticket))
            await reveal(client, ticket, indices[-1])
        return indices

    def list_open(self, client: Client) -> list[tuple[Path, Ticket]]:
        deployment = self.market.deployment
        return list(
            self.folder.list_open(
                chain_id=deployment.chain_id, market=deployment.model_submission, contributor=client.address
            )
        )

    async def fetch_paid(self) -> Wei:
        """Return what is in the market, in wei."""
        return await self.open_client().reader.market.fetch_balance(self.market.deployment.model_submission)


@pytest_asyncio.fixture
async def place(rpc: HttpRpc, tmp_path: Path) -> Place:
    market = await deploy_market(rpc)
    await market.register_operators()
    owner = build_client(rpc, market.deployment, EcdsaSecretKey(OWNER), OperatorStore(MemoryStore()), poll_s=0.005)
    project_id = await publish_project(owner, load_artefacts(), TERMS)
    await market.certify(Verdict())
    return Place(market, project_id, TicketFolder(tmp_path / "tickets"))


@pytest.mark.parametrize("is_after", [False, True])
async def test_submit__killed_at_any_request__resume_finishes_it_for_one_bond(place: Place, is_after: bool) -> None:
    start = await place.market.rpc.call("evm_snapshot")
    before = await place.fetch_paid()
    for at in range(1_000):
        try:
            await place.submit(place.open_client(KillingRpc(place.market.rpc, at=at, is_after=is_after)))
        except Killed:
            was_kept = bool(place.list_open(place.open_client()))
            indices = await place.resume()
        else:
            assert at > 10
            return
        assert indices == ([FIRST] if was_kept else []), at
        assert await place.fetch_paid() - before == (TERMS.bond if was_kept else 0), at
        if was_kept:
            found = await place.open_client().reader.market.fetch_submission(place.project_id, FIRST)
            assert found.status in (SubmissionStatus.REVEALED, SubmissionStatus.EVALUATING)
        for path, _ticket in place.list_open(place.open_client()):
            place.folder.finish(path)
        assert await place.market.rpc.call("evm_revert", start)
        start = await place.market.rpc.call("evm_snapshot")
    raise AssertionError("the submission never ended")


async def test_commit__first_transaction_still_waits__is_replaced_and_one_bond_is_paid(place: Place) -> None:
    rpc, before = place.market.rpc, await place.fetch_paid()
    client = place.open_client()
    ticket = await draw_ticket(client, place.project_id, CID)
    await rpc.call("evm_setAutomine", False)
    dying = place.open_client(_KillAfterBroadcast(rpc))
    with pytest.raises(Killed):
        await commit(dying, ticket)
    assert await find_submission(client.reader, ticket) is None
    await rpc.call("evm_setAutomine", True)
    index = await commit(place.open_client(), ticket)
    await mine(rpc)
    assert index == FIRST
    assert await place.fetch_paid() - before == TERMS.bond


async def test_commit__again__returns_the_same_index_and_sends_nothing(place: Place) -> None:
    client = place.open_client()
    ticket = await draw_ticket(client, place.project_id, CID)
    index = await commit(client, ticket)
    nonce = await place.open_client().sender.fetch_next_nonce()
    assert await commit(place.open_client(), ticket) == index
    assert await place.open_client().sender.fetch_next_nonce() == nonce


async def test_commit__ticket_of_another_account__is_refused(place: Place) -> None:
    client = place.open_client()
    ticket = await draw_ticket(client, place.project_id, CID)
    store = OperatorStore(MemoryStore())
    other = build_client(place.market.rpc, place.market.deployment, EcdsaSecretKey(OWNER), store, poll_s=0.005)
    with pytest.raises(Invalid) as caught:
        await commit(other, ticket)
    assert caught.value.reason is Reason.BAD_TICKET


class _KillAfterBroadcast:
    """Ends the process once a transaction was broadcast."""

    def __init__(self, inner: Rpc) -> None:
        self._inner = inner

    async def call(self, method: str, *params: Any, parse: Parse = keep) -> Any:
        answer = await self._inner.call(method, *params, parse=parse)
        if method == "eth_sendRawTransaction":
            raise Killed
        return answer

    async def call_many(self, calls: Sequence[Call]) -> list[Any]:
        return await self._inner.call_many(calls)
