"""The loop around the fold: the order of effects, retries, dead letters and the timer."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from services.aggregator.fold_loop import FoldLoop, FoldPorts, Performed
from services.aggregator.handlers import EffectPorts, Interpreter
from tests.kit.aggregation.dict_fold import DictTable
from tests.kit.aggregation.signed import BLS, OPERATORS, sign_attestation, signer_of
from tests.kit.aggregation.votes import FIRST_BLOCK, RULES, attest, build_proposal, propose, vote_on
from tests.kit.chain.deployment import DOMAIN
from tests.kit.chain.tasks import build_task
from tests.kit.clock import FakeClock
from tests.kit.waiting import let_others_run
from zarathustra.bus.records import Delivery, Header, Record
from zarathustra.core.aggregation.changes import AttestationAccepted, Change, SignaturesVerified, TaskRead
from zarathustra.core.aggregation.effects import Effect, VerifySignatures
from zarathustra.core.aggregation.state import Ballot, HeldSignature, TaskState
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.task import TaskStatus
from zarathustra.core.types import BlockNumber, TaskId, Topic
from zarathustra.telemetry.metrics import Metrics

pytestmark = pytest.mark.unit

TASK = build_task()
PROPOSAL = build_proposal(TASK)
VOTE = vote_on(PROPOSAL)
READ = TaskRead(TASK, OPERATORS, BlockNumber(FIRST_BLOCK))
DELIVERY = Delivery(Record(Topic.ATTESTATIONS, TASK.task_id, b"value"), partition=1, offset=7, timestamp_ms=0)
ALL = [READ, propose(PROPOSAL), *(AttestationAccepted(sign_attestation(VOTE, slot)) for slot in range(3))]


@dataclass
class RecordingTable(DictTable):
    """A table that records each write in the world's diary."""

    diary: list[str]

    def __post_init__(self) -> None:
        super().__init__()

    def put(self, task_id: TaskId, state: TaskState | None) -> None:
        self.diary.append("save" if state is not None else "forget")
        super().put(task_id, state)


@dataclass
class World:
    """The ports of the loop; each call uses up one entry of its list of failures."""

    changes: Sequence[Change] = ()
    intake_failures: list[Exception] = field(default_factory=list)
    send_failures: list[Exception] = field(default_factory=list)
    task: TaskRead | None = READ
    diary: list[str] = field(default_factory=list)
    sent: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.table = RecordingTable(self.diary)
        interpreter = Interpreter(EffectPorts(BLS, signer_of(0), DOMAIN, FakeClock().now_ms), Metrics("aggregator"))
        self.ports = FoldPorts(self.intake, self.read_task, interpreter.perform, self.send, dead_letters="group.dlq.v1")
        self.loop = FoldLoop(self.ports, self.table, RULES, Metrics("fold"))

    async def intake(self, _delivery: Delivery) -> Sequence[Change]:
        if self.intake_failures:
            raise self.intake_failures.pop(0)
        return self.changes

    async def read_task(self, _task_id: TaskId) -> TaskRead:
        if self.task is None:
            raise Invalid(Reason.UNKNOWN_TASK, "read task")
        return self.task

    async def send(self, records: Sequence[Record]) -> None:
        self.diary.append("send")
        if self.send_failures:
            raise self.send_failures.pop(0)
        self.sent += records


async def test_handle__certificate__is_sent_before_the_state_is_saved() -> None:
    world = World(ALL)

    await world.loop.handle(DELIVERY)

    assert world.diary == ["send", "save"]
    assert [record.topic for record in world.sent] == [Topic.CERTIFICATES]


async def test_handle__send_fails__nothing_is_saved_and_the_same_record_is_sent_again() -> None:
    world = World(ALL, send_failures=[Retry(Reason.BUS_UNREACHABLE, "send")])

    await world.loop.handle(DELIVERY)

    assert world.diary == ["send", "send", "save"]
    assert len(world.sent) == 1


async def test_handle__infrastructure_fails_for_a_while__record_is_not_given_up() -> None:
    world = World(ALL, intake_failures=[Retry(Reason.RPC_UNREACHABLE, "read task")])

    await world.loop.handle(DELIVERY)

    assert len(world.sent) == 1


async def test_handle__invalid_record__goes_to_the_dead_letters_untouched() -> None:
    world = World(ALL, intake_failures=[Invalid(Reason.BAD_ENVELOPE, "open envelope")])

    await world.loop.handle(DELIVERY)

    (letter,) = world.sent
    assert letter.topic == "group.dlq.v1"
    assert letter.value == b"value"
    assert letter.headers[Header.REASON] == b"bad_envelope"
    assert world.table.list_tasks() == []


async def test_handle__bug__propagates() -> None:
    world = World(ALL, intake_failures=[ZeroDivisionError()])

    with pytest.raises(ZeroDivisionError):
        await world.loop.handle(DELIVERY)


async def test_handle__same_record_twice__changes_nothing() -> None:
    world = World(ALL)
    await world.loop.handle(DELIVERY)
    await world.loop.handle(DELIVERY)

    assert world.diary == ["send", "save"]


async def test_tick__only_time_passed__writes_nothing() -> None:
    world = World(ALL[:3])
    await world.loop.handle(DELIVERY)
    world.task = replace(READ, block=BlockNumber(FIRST_BLOCK + 1))

    await world.loop.tick(BlockNumber(FIRST_BLOCK + 1))

    assert world.diary == ["save"]


async def test_tick__lost_verification__is_asked_for_again() -> None:
    """The state was saved before its votes were verified: a crash between the fold and the verifier's answer."""
    world = World(ALL[:2])
    await world.loop.handle(DELIVERY)
    state = world.table.get(TASK.task_id)
    assert state is not None
    ballot = {VOTE: _unverified_ballot()}
    world.table.put(TASK.task_id, replace(state, ballots=ballot))

    await world.loop.tick(BlockNumber(FIRST_BLOCK))

    assert len(world.sent) == 1


async def test_tick__node_does_not_answer__next_tick_asks_again() -> None:
    world = World(ALL[:2])
    await world.loop.handle(DELIVERY)
    world.send_failures = [Retry(Reason.BUS_UNREACHABLE, "send")]
    state = world.table.get(TASK.task_id)
    assert state is not None
    world.table.put(TASK.task_id, replace(state, ballots={VOTE: _unverified_ballot()}))

    await world.loop.tick(BlockNumber(FIRST_BLOCK))
    assert world.sent == []
    await world.loop.tick(BlockNumber(FIRST_BLOCK))
    assert len(world.sent) == 1


async def test_tick__task_reorganised_away__is_forgotten_after_a_while() -> None:
    world = World(ALL)
    await world.loop.handle(DELIVERY)
    world.task = None

    await world.loop.tick(BlockNumber(FIRST_BLOCK + 1))
    await world.loop.tick(BlockNumber(FIRST_BLOCK + RULES.forget_blocks))
    assert world.table.list_tasks() == [TASK.task_id]
    await world.loop.tick(BlockNumber(FIRST_BLOCK + 1 + RULES.forget_blocks))
    assert world.table.list_tasks() == []


async def test_tick__task_final_for_long__is_forgotten_and_late_votes_do_not_restore_it() -> None:
    world = World(ALL)
    await world.loop.handle(DELIVERY)
    settled = build_task(status=TaskStatus.SETTLED)
    for block in (110, 110 + RULES.forget_blocks):
        world.task = TaskRead(settled, OPERATORS, BlockNumber(block))
        await world.loop.tick(BlockNumber(block))
    assert world.table.list_tasks() == []

    world.changes = [world.task or READ, *attest(VOTE, OPERATORS.operators)]
    await world.loop.handle(DELIVERY)
    assert world.table.list_tasks() == []


async def test_tick__task_forgotten_while_it_is_read__is_not_restored() -> None:
    world = World(ALL)
    await world.loop.handle(DELIVERY)

    async def forget_and_read(task_id: TaskId) -> TaskRead:
        world.table.put(task_id, None)
        return READ

    loop = FoldLoop(replace(world.ports, read_task=forget_and_read), world.table, RULES, Metrics("fold"))
    await loop.tick(BlockNumber(FIRST_BLOCK))

    assert world.table.list_tasks() == []


async def test_handle__another_record_is_being_folded__waits_for_it() -> None:
    """Both read, send and save the same state: if they interleaved, one would overwrite the state of the other."""
    world = World(ALL)
    gate, sends = asyncio.Event(), [0]

    async def slow_send(_records: Sequence[Record]) -> None:
        sends[0] += 1
        await gate.wait()

    async def verify_at_once(effect: Effect) -> Performed:
        if not isinstance(effect, VerifySignatures):
            return Performed(records=(DELIVERY.record,))
        good = frozenset(signer.operator_id for signer in effect.signers)
        return Performed(changes=(SignaturesVerified(effect.vote, good, frozenset()),))

    ports = replace(world.ports, send=slow_send, perform=verify_at_once)
    loop = FoldLoop(ports, world.table, RULES, Metrics("fold"))
    both = asyncio.gather(loop.handle(DELIVERY), loop.handle(DELIVERY))
    await let_others_run()
    assert sends == [1]

    gate.set()
    await both
    assert sends == [1]  # the second found the certificate already issued


def _unverified_ballot() -> Ballot:
    return Ballot(
        {
            operator.operator_id: HeldSignature(sign_attestation(VOTE, operator.slot).signature)
            for operator in OPERATORS.operators
        }
    )
