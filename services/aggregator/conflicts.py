"""Files proofs of conflicting votes: waits for the operator's turn, sends one transaction, notes how it ended.

    ConflictFound, ours
      │ our turn, or waited long enough? ─────────── no ─▶ at the next block: read the task again
      │ both votes are on the task's own input? ──── no ─▶ wrong_input: no operator is at fault
      ▼
    proveConflict ─▶ accepted: filed
                  ├▶ slashed already: not_needed
                  ╰▶ refused: its reason; nothing is tried again

No state is stored. The contract slashes an operator at most once for its conflicts in a task, and a simulation shows
first whether anything is left to do: handled again after a crash, a proof is sent no second time.
"""

from dataclasses import dataclass

from services.aggregator.turns import is_turn_of
from zarathustra.chain.port import Deployment, Receipt, TaskReader, TaskSender
from zarathustra.core.aggregation.proofs import is_punishable
from zarathustra.core.digests import input_hash, seed
from zarathustra.core.errors import Invalid
from zarathustra.core.messages import ConflictFound
from zarathustra.core.reasons import Reason
from zarathustra.core.task import Task
from zarathustra.core.types import TaskId
from zarathustra.duty.blocks import BlockClock
from zarathustra.telemetry.log import get_logger
from zarathustra.telemetry.metrics import Metrics


@dataclass(frozen=True)
class FilerPorts:
    """The adapters that the filer uses. `sender` must be the only user of its key's nonces."""

    reader: TaskReader
    sender: TaskSender
    clock: BlockClock
    deployment: Deployment


class ConflictFiler:
    """Files the conflicts that our own aggregator found, because it has verified their signatures."""

    def __init__(self, ports: FilerPorts, metrics: Metrics, *, takeover_blocks: int) -> None:
        self._ports = ports
        self._takeover_blocks = takeover_blocks
        self._log = get_logger(component="conflicts")
        self._proofs = metrics.counter(
            "conflict_proofs", "Conflicts by how filing them ended: `filed`, `not_needed` or a reason", ["ending"]
        )

    async def file(self, found: ConflictFound) -> None:
        """Return once the proof is mined, refused or not needed. Raises Retry, and Invalid for an unknown task."""
        task = await self._wait_for_turn(found.first.evaluation.task_id)
        try:
            receipt = await self._send(task, found)
        except Invalid as error:
            self._note(found, error.reason.code, error=str(error))
            return
        self._note(found, "not_needed" if receipt is None else "filed")

    async def _wait_for_turn(self, task_id: TaskId) -> Task:
        """Return the task once it is time to send."""
        clock, reader = self._ports.clock, self._ports.reader
        head = first = await clock.wait_for(0)
        while True:
            task = await reader.fetch_task(task_id)
            is_late = head >= first + self._takeover_blocks
            if is_late or await is_turn_of(self._ports.sender.operator_id, reader, task, head):
                return task
            head = await clock.wait_for_next()

    async def _send(self, task: Task, found: ConflictFound) -> Receipt | None:
        """Check the proof against our own node, then send it. Raises Invalid with the reason against it."""
        header = await self._ports.reader.fetch_seed_header(task.seed_block)
        deployment = self._ports.deployment
        task_seed = seed(header.prev_randao, deployment.chain_id, deployment.model_submission, task.task_id)
        if not is_punishable(found, input_hash(task.input_root, task_seed)):
            raise Invalid(Reason.WRONG_INPUT, "votes are on another input than the task's")
        culprit = (await self._ports.reader.fetch_operator_set(task.set_version)).find(found.operator)
        if culprit is None:
            raise Invalid(Reason.UNKNOWN_OPERATOR, "operator is not in the task's set")
        return await self._ports.sender.prove_conflict(found, culprit.slot, header)

    def _note(self, found: ConflictFound, ending: str, *, error: str = "") -> None:
        self._proofs.labels(ending=ending).inc()
        log = self._log.warning if error else self._log.info
        evaluation = found.first.evaluation
        log(
            "Conflict handled",
            task_id=evaluation.task_id,
            attempt=evaluation.attempt,
            operator=found.operator,
            ending=ending,
            error=error,
        )
