"""The operator's own chain nodes, opened once per service, with metrics and a check of the deployment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from zarathustra.chain.deployment import DeploymentRecord
from zarathustra.chain.rpc import DEFAULT_TIMEOUT_S, HttpRpc
from zarathustra.chain.wiring import validate_deployment
from zarathustra.runtime.settings import Secret
from zarathustra.telemetry.metrics import Metrics


@asynccontextmanager
async def open_nodes(
    urls: Secret, record: DeploymentRecord, metrics: Metrics, *, timeout_s: float = DEFAULT_TIMEOUT_S
) -> AsyncIterator[HttpRpc]:
    """Open the nodes at the comma-separated `urls`; the next one is asked when one fails.

    Raises Invalid: BAD_SETTING if the node that answers serves another chain, WRONG_DEPLOYMENT if the contracts there
    are not those of `record`. Raises Retry: RPC_UNREACHABLE if no node answers, RPC_ERROR if the node is behind.
    """
    seconds = metrics.histogram("rpc_request_seconds", "Time a node takes to answer", ["method", "host"])
    failures = metrics.counter("rpc_failures", "Requests that a node did not answer or refused", ["method", "host"])

    def observe(method: str, host: str, duration_s: float, is_success: bool) -> None:
        seconds.labels(method=method, host=host).observe(duration_s)
        if not is_success:
            failures.labels(method=method, host=host).inc()

    async with HttpRpc(urls.reveal_list(), chain_id=record.chain_id, timeout_s=timeout_s, on_request=observe) as rpc:
        await validate_deployment(rpc, record)
        yield rpc
