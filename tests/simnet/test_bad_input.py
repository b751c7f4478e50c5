"""Bad records end in the dead letters of each reader, with the reason, and delay nothing else."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from tests.kit.simnet.attacks import ATTACKS, Attack, find_scene
from tests.kit.simnet.net import Simnet
from tests.kit.simnet.projects import BEST_PARAMETERS, BETTER_PARAMETERS, FIRST, open_project
from tests.kit.simnet.run import open_simnet
from tests.kit.simnet.stage import Stage
from tests.kit.simulated_time import simulate
from zarathustra.bus.records import Header
from zarathustra.core.outcomes import Outcome

pytestmark = pytest.mark.simnet


@dataclass(frozen=True)
class Aftermath:
    """The results of all attacks in one run."""

    reasons: Mapping[str, Mapping[str, frozenset[str]]]  # attack → kind of group → reasons in its dead letters
    readers: Mapping[str, Counter[str]]  # attack → kind of group → how many groups gave it up
    outcomes: tuple[Outcome, ...]  # of the submission under attack, and of the next
    unexpected: int  # dead letters of records that were not an attack


@pytest.fixture(scope="module")
def aftermath(stage: Stage) -> Aftermath:
    """All attacks in one run, while the task they are about is open and has its honest proposal."""

    async def play() -> Aftermath:
        async with open_simnet(stage) as net:
            published = await open_project(net)
            await published.submit(BETTER_PARAMETERS)
            scene = await find_scene(net)
            for attack in ATTACKS:
                record = attack.build(scene)
                net.broker.append(replace(record, headers={**record.headers, Header.ID: attack.name.encode()}))
            first = await net.wait_for_outcome(published.project_id, FIRST)
            index = await published.submit(BEST_PARAMETERS, by=1)
            second = await net.wait_for_outcome(published.project_id, index)
            return read_aftermath(net, (first.outcome, second.outcome))

    return simulate(play())


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_simnet__bad_record__dead_letter_of_every_reader_with_its_reason(aftermath: Aftermath, attack: Attack) -> None:
    found = aftermath.reasons.get(attack.name, {})

    assert found == {kind: frozenset({reason.code}) for kind, reason in attack.reasons.items()}
    groups = {"validator": 3, "performer": 3, "aggregator": 1, "poster": 1, "notifier": 1}
    assert aftermath.readers[attack.name] == {kind: groups[kind] for kind in attack.reasons}


def test_simnet__bad_records_of_all_kinds__delay_nothing_else(aftermath: Aftermath) -> None:
    assert aftermath.outcomes == (Outcome.IMPROVED, Outcome.IMPROVED)
    assert aftermath.unexpected == 0


def read_aftermath(net: Simnet, outcomes: tuple[Outcome, ...]) -> Aftermath:
    names = {attack.name for attack in ATTACKS}
    reasons: dict[str, dict[str, frozenset[str]]] = {}
    readers: dict[str, Counter[str]] = {name: Counter() for name in names}
    unexpected = 0
    for group in net.list_groups():
        kind = group.partition(".")[0]
        for letter in net.dead_letters(group):
            name = letter.headers[Header.ID].decode()
            if name not in names:
                unexpected += 1
                continue
            reason = letter.headers[Header.REASON].decode()
            told = reasons.setdefault(name, {})
            told[kind] = told.get(kind, frozenset()) | {reason}
            readers[name][kind] += 1
    return Aftermath(reasons, readers, outcomes, unexpected)
