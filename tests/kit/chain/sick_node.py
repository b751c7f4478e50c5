"""A scripted JSON-RPC node that is sick in the ways that real nodes and providers are.

    ledger ◀─ backends (each may lag, or say in its own way that it lacks a block) ◀─ balancer, in turn ◀─ ailments

An ailment sees each request first and may answer it. The ways are those of public reports about geth, nethermind, besu,
erigon, reth and providers; the names below say what they look like.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.kit.chain.ledger import Ledger, LedgerBlock
from tests.kit.chain.rpc_server import Respond, Server, cut_off, hang, refuse_with, respond_with_status, serve

Ailment = Callable[[Any], Any]
"""Request body → response as `Respond` gives it, or None: the node answers as if it were well."""

# How a call is refused, whatever for.
REFUSALS: dict[str, Respond] = {
    "code-32005": refuse_with({"code": -32005, "message": "query returned more than 10000 results"}),
    "code-32602": refuse_with({"code": -32602, "message": "range 1000 exceeds limit of 300"}),
    "code-32001": refuse_with({"code": -32001, "message": "Unable to complete request at this time."}),
    "code-32603": refuse_with({"code": -32603, "message": "query timeout of 10 seconds exceeded"}),
    "bare-text": refuse_with("Internal server error. Forwarder error: 1000."),
    "status-400-json": refuse_with({"code": -32600, "message": "up to a 300 block range"}, 400),
    "status-400-text": respond_with_status(400, "You can make eth_getLogs requests with up to a 300 block range"),
    "status-413-text": respond_with_status(413, "response too large"),
    "status-504-page": respond_with_status(504, "<html>504 Gateway Time-out</html>"),
    "cut-off": cut_off(),
    "no-answer": hang,
}


class NodeError(Exception):
    """A JSON-RPC error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.body = {"code": code, "message": message}


@dataclass
class Backend:
    """One node. It shows the ledger up to `lag` blocks below the head; `lacking` is how it says that a block is not
    there when asked for its logs or receipts: `error`, `empty` or `null`.
    """

    ledger: Ledger
    lag: int = 0
    lacking: str = "error"
    results: dict[str, Any] = field(default_factory=dict)  # answers to other methods, or instead of the ledger's

    @property
    def shown(self) -> list[LedgerBlock]:
        return self.ledger.blocks[: len(self.ledger.blocks) - self.lag]

    def answer(self, method: str, params: list[Any]) -> Any:
        """Return a result. Raises NodeError."""
        if method in self.results:
            return self.results[method]
        match method:
            case "eth_chainId":
                return hex(self.ledger.chain_id)
            case "eth_blockNumber":
                return hex(len(self.shown) - 1)
            case "eth_getBlockByNumber":
                return _to_json(self._find(params[0]))
            case "eth_getBlockByHash":
                return _to_json(self._find_by_hash(params[0]))
            case "eth_getBlockReceipts":
                block = self._find_by_hash(params[0])
                return None if block is None else block.list_receipts()
            case "eth_getLogs":
                return self._find_logs(params[0])
        raise NodeError(-32601, f"the method {method} does not exist")

    def _find(self, name: str) -> LedgerBlock | None:
        if name == "latest":
            return self.shown[-1]
        if name == "finalized":
            final = self.ledger.final
            return None if final is None else self.shown[min(final, len(self.shown) - 1)]
        number = int(name, 16)
        return self.shown[number] if number < len(self.shown) else None

    def _find_by_hash(self, name: str) -> LedgerBlock | None:
        return next((block for block in self.shown if block.block_hash.hex() == name[2:]), None)

    def _find_logs(self, query: dict[str, Any]) -> Any:
        if "blockHash" in query:
            block = self._find_by_hash(query["blockHash"])
            if block is None:
                if self.lacking == "error":
                    raise NodeError(-32000, "unknown block")
                return [] if self.lacking == "empty" else None
            blocks = [block]
        else:
            blocks = self.shown[int(query["fromBlock"], 16) : int(query["toBlock"], 16) + 1]
        first = query["topics"][0]
        logs = [log for block in blocks for log in block.list_logs()]
        return [log for log in logs if log["address"] in query["address"] and log["topics"][0] in first]


@dataclass
class SickNode:
    """One URL. Requests go to its backends in turn, unless an ailment answers first."""

    backends: list[Backend]
    ailments: list[Ailment] = field(default_factory=list)
    _turn: int = -1

    def respond(self, body: Any) -> Any:
        for ailment in self.ailments:
            answer = ailment(body)
            if answer is not None:
                return answer
        self._turn += 1
        backend = self.backends[self._turn % len(self.backends)]
        answers = [_answer(backend, call) for call in _calls_of(body)]
        return answers if isinstance(body, list) else answers[0]


@asynccontextmanager
async def serve_ledger(ledger: Ledger, *ailments: Ailment, lag: int = 0) -> AsyncIterator[Server]:
    """Serve a ledger by one backend."""
    async with serve(SickNode([Backend(ledger, lag=lag)], list(ailments)).respond) as server:
        yield server


# ---- ailments


def refuse_ranges(limit: int, how: Respond) -> Ailment:
    """Refuse the logs of more blocks than `limit`."""
    return lambda body: how(body) if any(_count_blocks(call) > limit for call in _calls_of(body)) else None


def refuse_batches(limit: int, how: Respond) -> Ailment:
    """Refuse more than `limit` calls at once."""
    return lambda body: how(body) if isinstance(body, list) and len(body) > limit else None


def cut_logs(limit: int, backend: Backend) -> Ailment:
    """Answer with the first `limit` logs of a range, without a word about the others."""

    def ail(body: Any) -> Any:
        if isinstance(body, list) or body["method"] != "eth_getLogs":
            return None
        answer = _answer(backend, body)
        return {**answer, "result": answer["result"][:limit]}

    return ail


def answer_part_of_batches(backend: Backend, keep: int) -> Ailment:
    """Answer only the first calls of a batch, the last one first."""

    def ail(body: Any) -> Any:
        if not isinstance(body, list) or len(body) <= keep:
            return None
        return [_answer(backend, call) for call in reversed(body[:keep])]

    return ail


def limit_rate(times: int, *, retry_after: str | None = None, code: int | None = None) -> Ailment:
    """Refuse the next requests because there were too many: by HTTP's 429, or by a JSON-RPC error of this code."""
    left = [times]

    def ail(body: Any) -> web.Response | None:
        left[0] -= 1
        if left[0] < 0:
            return None
        error = {"code": code or -32005, "message": "daily request count exceeded, request rate limited"}
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        number = None if isinstance(body, list) else body["id"]
        status = 200 if code else 429
        return web.json_response({"jsonrpc": "2.0", "id": number, "error": error}, status=status, headers=headers)

    return ail


def answer_null(*methods: str) -> Ailment:
    """Answer null to these methods."""

    def ail(body: Any) -> Any:
        if isinstance(body, list) or body["method"] not in methods:
            return None
        return {"jsonrpc": "2.0", "id": body["id"], "result": None}

    return ail


def _calls_of(body: Any) -> list[dict[str, Any]]:
    return body if isinstance(body, list) else [body]


def _count_blocks(call: dict[str, Any]) -> int:
    query = call["params"][0] if call["method"] == "eth_getLogs" else {}
    return int(query["toBlock"], 16) - int(query["fromBlock"], 16) + 1 if "fromBlock" in query else 0


def _answer(backend: Backend, call: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"jsonrpc": "2.0", "id": call["id"], "result": backend.answer(call["method"], call["params"])}
    except NodeError as error:
        return {"jsonrpc": "2.0", "id": call["id"], "error": error.body}


def _to_json(block: LedgerBlock | None) -> dict[str, Any] | None:
    return None if block is None else block.to_json()
