"""The indexer's follower on anvil: reorganisations, reverted snapshots, restarts, limits and failures of providers."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
import pytest_asyncio

from tests.kit.chain.anvil import REORGANISABLE_BLOCKS, mine, reorganise
from tests.kit.chain.event_chain import Crash, FakeSink
from tests.kit.chain.market import TestMarket, deploy_market, make_params
from zarathustra.chain.abi import MODEL_SUBMISSION, encode_call, load_abi
from zarathustra.chain.answers import Parse, keep
from zarathustra.chain.follow import ChainFollower
from zarathustra.chain.quantities import format_data
from zarathustra.chain.rpc import Call, HttpRpc, Rpc
from zarathustra.chain.scan import ChainScanner
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.events import ChainEvent, Retracted, ToppedUp, chain_record_id
from zarathustra.core.reasons import Reason
from zarathustra.core.types import BlockNumber

pytestmark = pytest.mark.chain
pytest_plugins = ["tests.kit.chain.anvil_fixture"]

GAS = hex(200_000)


class FaultyRpc:
    """A provider that refuses ranges over `max_range` and fails some calls."""

    def __init__(self, rpc: Rpc, *, max_range: int, failure_rate: float, seed: int) -> None:
        self._rpc = rpc
        self._max_range = max_range
        self._failure_rate = failure_rate
        self._random = random.Random(seed)

    async def call(self, method: str, *params: Any, parse: Parse = keep) -> Any:
        if self._random.random() < self._failure_rate:
            raise Retry(Reason.RPC_UNREACHABLE, "ask node")
        if method == "eth_getLogs" and _count_blocks(params[0]) > self._max_range:
            raise Retry(Reason.RPC_ERROR, "range is too long")
        return await self._rpc.call(method, *params, parse=parse)

    async def call_many(self, calls: Sequence[Call]) -> list[Any]:
        return [await self.call(call.method, *call.params, parse=call.parse) for call in calls]


def _count_blocks(query: dict[str, Any]) -> int:
    return int(query["toBlock"], 16) - int(query["fromBlock"], 16) + 1 if "fromBlock" in query else 1


class Scene:
    """A chain with one project. Its events are top-ups by 0, which any account may send."""

    def __init__(self, market: TestMarket, rpc: HttpRpc, accounts: list[str]) -> None:
        self.market = market
        self.rpc = rpc
        self.accounts = accounts
        self.sink = FakeSink()
        self.follower = self.restart(rpc)

    def restart(self, rpc: Rpc) -> ChainFollower:
        self.sink.effects_left = None
        self.follower = ChainFollower(ChainScanner(rpc, self.market.deployment), self.sink, confirmations=0)
        self.follower.restore(self.sink.checkpoint)
        return self.follower

    def build_top_up(self, account: int) -> dict[str, str]:
        data = encode_call(load_abi(MODEL_SUBMISSION), "topUp", 1, 0, 0)
        return {
            "from": self.accounts[account],
            "to": format_data(self.market.deployment.model_submission),
            "data": format_data(data),
            "gas": GAS,
        }

    async def top_up(self, account: int = 5) -> None:
        before = await self.fetch_head()
        await self.rpc.call("eth_sendTransaction", self.build_top_up(account))
        while await self.fetch_head() == before:  # with automine, the node answers before the block is there
            pass

    async def fetch_head(self) -> int:
        return int(await self.rpc.call("eth_blockNumber"), 16)

    async def fetch_final(self) -> int:
        header = await ChainScanner(self.rpc, self.market.deployment).fetch_final()
        return 0 if header is None else header.number

    async def catch_up(self) -> None:
        while not await self.follower.catch_up():
            pass

    async def fetch_truth(self) -> list[ChainEvent]:
        """Return the canonical events as the node has them."""
        scanner = ChainScanner(self.rpc, self.market.deployment)
        head = await self.fetch_head()
        spans = [span async for span in scanner.scan_final(BlockNumber(0), BlockNumber(head))]
        return [timed.record for span in spans for timed in span.records if isinstance(timed.record, ChainEvent)]

    def count_retracted(self) -> int:
        return sum(isinstance(timed.record, Retracted) for timed in self.sink.records)


@pytest_asyncio.fixture
async def scene(rpc: HttpRpc) -> Scene:
    market = await deploy_market(rpc)
    await market.owner_market.create_project(make_params())
    await mine(rpc, 2 * REORGANISABLE_BLOCKS)  # no reorganisation reaches the deployment
    return Scene(market, rpc, await rpc.call("eth_accounts"))


async def test_follower__fresh_start__every_event_once(scene: Scene) -> None:
    await scene.top_up()
    await mine(scene.rpc, 30)
    await scene.top_up()
    await scene.catch_up()
    published = [timed.record for timed in scene.sink.records]
    assert published == await scene.fetch_truth()
    assert sum(isinstance(event.fact, ToppedUp) for event in published if isinstance(event, ChainEvent)) == 2


async def test_follower__reorganisation__retracts_and_publishes_the_new_branch(scene: Scene) -> None:
    await scene.top_up()
    await scene.top_up()
    await scene.catch_up()
    await reorganise(scene.rpc, 2, [[scene.build_top_up(6), 0]])
    await mine(scene.rpc, 1)
    await scene.catch_up()
    assert scene.count_retracted() == 2
    assert scene.sink.list_live() == await scene.fetch_truth()


async def test_follower__snapshot_reverted_to_a_shorter_chain__waits_then_retracts(scene: Scene) -> None:
    snapshot = await scene.rpc.call("evm_snapshot")
    await scene.top_up()
    await scene.catch_up()
    await scene.rpc.call("evm_revert", snapshot)
    await scene.catch_up()
    assert scene.count_retracted() == 0  # a shorter chain of the same blocks looks like a node that lags
    await mine(scene.rpc, 2)
    await scene.catch_up()
    assert scene.count_retracted() == 1
    assert scene.sink.list_live() == await scene.fetch_truth()


async def test_follower__fork_below_finalized__halts(scene: Scene) -> None:
    await scene.catch_up()
    await reorganise(scene.rpc, 2 * REORGANISABLE_BLOCKS)
    await mine(scene.rpc, 1)
    with pytest.raises(Invalid) as caught:
        await scene.catch_up()
    assert caught.value.reason is Reason.DEEP_FORK


async def test_follower__killed_between_any_two_effects__same_set_of_ids(scene: Scene) -> None:
    await scene.top_up()
    await mine(scene.rpc, 2 * REORGANISABLE_BLOCKS)
    for _ in range(3):
        await scene.top_up()
    truth = {chain_record_id(event) for event in await scene.fetch_truth()}
    for effects in range(20):
        scene.sink = FakeSink()
        scene.restart(scene.rpc)
        scene.sink.effects_left = effects
        try:
            await scene.catch_up()
        except Crash:
            scene.restart(scene.rpc)
        await scene.catch_up()
        assert {chain_record_id(timed.record) for timed in scene.sink.records} == truth


@pytest.mark.parametrize("seed", range(3))
async def test_follower__random_chain_and_provider__readers_end_with_the_canonical_events(
    scene: Scene, seed: int
) -> None:
    generator = random.Random(seed)
    provider = FaultyRpc(scene.rpc, max_range=5, failure_rate=0.02, seed=seed)
    scene.restart(provider)
    highest_final = 0
    for _ in range(60):
        highest_final = max(highest_final, await scene.fetch_final())
        await take_random_step(scene, generator, highest_final)
        if generator.random() < 0.1:
            scene.restart(provider)
        if generator.random() < 0.5:
            await try_turn(scene, generator, provider)
    await mine(scene.rpc, REORGANISABLE_BLOCKS)
    scene.restart(scene.rpc)
    await scene.catch_up()
    assert scene.sink.list_live() == await scene.fetch_truth()
    assert scene.count_retracted() > 0  # otherwise the random steps tested no reorganisation


async def take_random_step(scene: Scene, generator: random.Random, highest_final: int) -> None:
    draw = generator.random()
    room = await scene.fetch_head() - highest_final  # a deeper one would fork below finalized
    if draw < 0.5:
        await scene.top_up(5 + generator.randrange(3))
    elif draw < 0.65:
        await mine(scene.rpc, generator.randrange(1, 5))
    elif draw < 0.9 and room > 2:
        depth = generator.randrange(1, room)
        placed = [[scene.build_top_up(8), generator.randrange(depth)] for _ in range(generator.randrange(3))]
        await reorganise(scene.rpc, depth, placed)
    elif room > 1:
        snapshot = await scene.rpc.call("evm_snapshot")
        await scene.top_up()
        if generator.random() < 0.6:
            await try_turn(scene, generator, scene.rpc)
        await scene.rpc.call("evm_revert", snapshot)


async def try_turn(scene: Scene, generator: random.Random, provider: Rpc) -> None:
    """Catch up once, sometimes with a crash; after a failure of the provider the next call tries again."""
    scene.sink.effects_left = generator.randrange(10) if generator.random() < 0.3 else None
    try:
        await scene.follower.catch_up()
    except Retry:
        pass
    except Crash:
        scene.restart(provider)
    scene.sink.effects_left = None
