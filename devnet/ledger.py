"""Reads back from the chain, at the end of a run, every event and the gas of every transaction."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from devnet.token import load_token_abi
from zarathustra.chain.abi import CONTRACTS, load_abi
from zarathustra.chain.port import Deployment
from zarathustra.chain.quantities import format_quantity, parse_data, parse_quantity
from zarathustra.chain.rpc import Call, Rpc
from zarathustra.chain.scan import ChainScanner
from zarathustra.core.events import ChainEvent
from zarathustra.core.types import BlockNumber

FINAL_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class GasUse:
    """How often a function was called, and its gas."""

    function: str
    count: int
    minimum: int
    maximum: int


async def fetch_events(rpc: Rpc, deployment: Deployment) -> list[ChainEvent]:
    """Return all events of the deployment up to the current head. Waits until the head is final."""
    scanner = ChainScanner(rpc, deployment)
    head = BlockNumber(parse_quantity(await rpc.call("eth_blockNumber")))
    while (final := await scanner.fetch_final()) is None or final.number < head:
        await asyncio.sleep(FINAL_POLL_SECONDS)
    events: list[ChainEvent] = []
    async for span in scanner.scan_final(deployment.deployed_at, head):
        events += [timed.record for timed in span.records if isinstance(timed.record, ChainEvent)]
    return events


async def fetch_gas(rpc: Rpc, deployment: Deployment) -> list[GasUse]:
    """Return the gas of each contract function, over all transactions since the deployment."""
    names = _name_selectors()
    head = parse_quantity(await rpc.call("eth_blockNumber"))
    used: dict[str, list[int]] = {}
    for number in range(deployment.deployed_at, head + 1):
        block = format_quantity(number)
        full, receipts = await rpc.call_many(
            [Call("eth_getBlockByNumber", (block, True)), Call("eth_getBlockReceipts", (block,))]
        )
        for transaction, receipt in zip(full["transactions"], receipts, strict=True):
            name = _name_transaction(transaction, names)
            used.setdefault(name, []).append(parse_quantity(receipt["gasUsed"]))
    return [GasUse(name, len(gas), min(gas), max(gas)) for name, gas in sorted(used.items())]


def _name_selectors() -> Mapping[bytes, str]:
    return {
        entry.selector: f"{contract.name}.{name}"
        for contract in (load_token_abi(), *map(load_abi, CONTRACTS))
        for name, entry in contract.functions.items()
    }


def _name_transaction(transaction: Mapping[str, str], names: Mapping[bytes, str]) -> str:
    if not transaction.get("to"):
        return "(deployment)"
    return names.get(parse_data(transaction["input"])[:4], "(transfer)")
