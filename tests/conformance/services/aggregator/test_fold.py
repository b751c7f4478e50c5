"""One suite for the fold over a dict and over Faust, on Apache Kafka."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.kit.aggregation.signed import sign_attestation
from tests.kit.aggregation.sites import (
    RunFold,
    Site,
    certificates_of,
    open_site,
    run_dict_fold,
    run_faust_fold,
    running,
    verify_certificate,
    wipe,
)
from tests.kit.aggregation.votes import build_proposal, vote_on
from tests.kit.bus.buses import unique_name
from tests.kit.bus.records import fetching
from tests.kit.waiting import until
from zarathustra.bus.kafka import KafkaConsumer, KafkaProducer
from zarathustra.bus.records import Delivery, Header, Record
from zarathustra.bus.topics import group_topics
from zarathustra.core.reasons import Reason
from zarathustra.core.types import TaskId

pytestmark = pytest.mark.conformance
pytest_plugins = ["tests.kit.bus.kafka_fixture"]


@pytest.fixture(params=[run_dict_fold, run_faust_fold], ids=["dict", "faust"])
def run(request: pytest.FixtureRequest) -> RunFold:
    chosen: RunFold = request.param
    return chosen


@pytest.fixture
async def site(kafka_bootstrap: str, tmp_path: Path) -> Site:
    return await open_site(kafka_bootstrap, tmp_path / "aggregator")


@asynccontextmanager
async def outputs(site: Site, topic: str = "") -> AsyncIterator[list[Delivery]]:
    """Yield a list that receives what the aggregator publishes."""
    topics = [topic or site.certificates]
    async with (
        KafkaConsumer(site.bootstrap_servers, group=unique_name("reader"), topics=topics) as consumer,
        fetching(consumer) as deliveries,
    ):
        yield deliveries


@asynccontextmanager
async def barriers(site: Site) -> AsyncIterator[Callable[[TaskId], Awaitable[None]]]:
    """Yield a function that waits until everything that was sent about a task is folded.

    It sends records without a type and waits for their dead letters, which come last.
    """

    async def wait(task_id: TaskId) -> None:
        count = len(dead)
        async with KafkaProducer(site.bootstrap_servers, client_id="barrier") as producer:
            await producer.send([Record(topic, task_id, b"") for topic in (site.evaluations, site.attestations)])
        await until(lambda: len(dead) == count + 2)

    async with outputs(site, group_topics(site.group).dead_letters) as dead:
        yield wait


async def test_fold__all_approve__one_certificate_that_verifies(site: Site, run: RunFold) -> None:
    proposal = build_proposal(site.open_task("a"))
    vote = vote_on(proposal)
    async with outputs(site) as published, running(site, run):
        await site.send(proposal, *(sign_attestation(vote, slot) for slot in range(3)))
        await until(lambda: len(published) == 1)

    (certificate,) = certificates_of(published)
    assert certificate.bitmap == 0b111
    verify_certificate(certificate, vote)


async def test_fold__votes_before_the_proposal_and_repeated__one_certificate(site: Site, run: RunFold) -> None:
    proposal = build_proposal(site.open_task("a"))
    votes = [sign_attestation(vote_on(proposal), slot) for slot in (2, 0, 1)]
    other = build_proposal(site.open_task("b"))
    async with outputs(site) as published, running(site, run):
        await site.send(*votes, *votes)
        await site.send(proposal, *votes, proposal)
        await site.send(other, *(sign_attestation(vote_on(other), slot) for slot in range(3)))
        await until(lambda: len(published) == 2)

    assert {one.proposal for one in certificates_of(published)} == {proposal, other}


async def test_fold__bad_signature_among_them__certificate_without_it(site: Site, run: RunFold) -> None:
    proposal = build_proposal(site.open_task("a"))
    vote = vote_on(proposal)
    async with outputs(site) as published, running(site, run):
        await site.send(proposal, *(sign_attestation(vote, slot, is_good=slot != 0) for slot in range(3)))
        await until(lambda: len(published) == 1)

    (certificate,) = certificates_of(published)
    assert certificate.bitmap == 0b110
    verify_certificate(certificate, vote)


@pytest.mark.parametrize("loses_disk", [False, True], ids=["disk-kept", "disk-lost"])
async def test_fold__restarted_between_votes__counts_all_of_them(site: Site, run: RunFold, loses_disk: bool) -> None:
    proposal = build_proposal(site.open_task("a"))
    vote = vote_on(proposal)
    async with outputs(site) as published:
        async with barriers(site) as wait_for, running(site, run):
            await site.send(proposal, sign_attestation(vote, 0), sign_attestation(vote, 1))
            await wait_for(vote.task_id)
        if loses_disk:
            wipe(site)
        await site.send(sign_attestation(vote, 2))
        async with running(site, run):
            await until(lambda: len(published) == 1)

    (certificate,) = certificates_of(published)
    assert certificate.bitmap == 0b111


async def test_fold__time_passes__timer_ends_the_collection_and_issues_again(site: Site, run: RunFold) -> None:
    proposal = build_proposal(site.open_task("a"))
    vote = vote_on(proposal)
    async with outputs(site) as published, barriers(site) as wait_for, running(site, run):
        await site.send(proposal, sign_attestation(vote, 0), sign_attestation(vote, 1))
        await wait_for(vote.task_id)
        assert published == []

        site.chain.mine(site.rules.collect_blocks)
        await until(lambda: len(published) == 1)
        site.chain.mine(site.rules.reissue_blocks)
        await until(lambda: len(published) == 2)

    assert [one.bitmap for one in certificates_of(published)] == [0b011, 0b011]
    assert published[0].record.headers[Header.ID] == published[1].record.headers[Header.ID]


async def test_fold__malformed__is_dead_lettered_and_the_others_are_folded(site: Site, run: RunFold) -> None:
    proposal = build_proposal(site.open_task("a"))
    malformed = Record(site.attestations, proposal.evaluation.task_id, b"\xff", {Header.TYPE: b"AttestationSigned"})
    dead_letters = group_topics(site.group).dead_letters
    async with (
        outputs(site) as published,
        outputs(site, dead_letters) as dead,
        running(site, run),
        KafkaProducer(site.bootstrap_servers, client_id="stranger") as producer,
    ):
        await producer.send([malformed])
        await site.send(proposal, *(sign_attestation(vote_on(proposal), slot) for slot in range(3)))
        await until(lambda: len(published) == 1 and len(dead) == 1)

    assert dead[0].record.value == b"\xff"
    assert dead[0].record.headers[Header.REASON] == Reason.UNPARSABLE.code.encode()
