"""The topics table: its contents, and the tables that the parser refuses."""

import pytest
import yaml

from zarathustra.bus.topics import (
    KEPT_MS,
    Cleanup,
    Profile,
    find_missing_topics,
    group_name,
    group_topics,
    load_catalogue,
    parse_catalogue,
    plan_topics,
)
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import OperatorId, Topic

pytestmark = pytest.mark.unit

TABLE = """
profiles:
  production: {partitions: 12, replication: 3, min_insync_replicas: 2}
  test: {partitions: 3, replication: 1, min_insync_replicas: 1}
topics:
  - {name: a.v1, meaning: m, key: k, facts: f, producer: p, consumers: [c],
     cleanup: delete, retention_days: 14, max_record_bytes: 1000}
group_topics:
  - {suffix: dlq.v1, meaning: m, cleanup: delete, retention_days: kept, max_record_bytes: 2000}
"""


def test_catalogue__our_table__has_exactly_the_topics_that_the_code_names() -> None:
    assert {topic.name for topic in load_catalogue().topics} == set(Topic)


def test_catalogue__our_table__has_the_required_retention() -> None:
    topics = {topic.name: topic for topic in load_catalogue().topics}

    kept = {name for name, topic in topics.items() if topic.retention_ms == KEPT_MS}
    assert kept == {Topic.CHAIN_EVENTS, Topic.CERTIFICATES, Topic.INDEXER_CHECKPOINT}
    assert [name for name, t in topics.items() if t.cleanup is Cleanup.COMPACT] == [Topic.INDEXER_CHECKPOINT]


def test_catalogue__our_table__has_the_group_topics_that_the_loop_writes() -> None:
    names = {f"g.{topic.suffix}" for topic in load_catalogue().group_topics}

    assert names == set(group_topics("g"))


def test_catalogue__our_table__dead_letters_are_larger_than_any_record_that_services_send() -> None:
    catalogue = load_catalogue()
    largest = max(topic.max_record_bytes for topic in catalogue.topics if topic.cleanup is Cleanup.DELETE)

    assert min(topic.max_record_bytes for topic in catalogue.group_topics) > 2 * largest


@pytest.mark.parametrize(("profile", "partitions", "replication"), [("production", 12, 3), ("test", 3, 1)])
def test_plan__profile__sets_the_numbers(profile: str, partitions: int, replication: int) -> None:
    plans = plan_topics(load_catalogue(), profile=Profile(profile), groups=["performer.aa"])

    by_name = {plan.name: plan for plan in plans}
    assert by_name["evaluations.v1"].partitions == partitions
    assert by_name["evaluations.v1"].replication == replication
    assert by_name["evaluations.v1"].configs["retention.ms"] == str(14 * 86_400_000)
    assert by_name["indexer-checkpoint.v1"].partitions == 1
    assert {"performer.aa.retry.v1", "performer.aa.dlq.v1"} <= by_name.keys()


def test_missing__some_exist__gives_the_others() -> None:
    plans = plan_topics(parse_catalogue(TABLE), profile=Profile.TEST, groups=["g"])

    assert [plan.name for plan in find_missing_topics(plans, {"a.v1": 3, "unrelated": 7})] == ["g.dlq.v1"]


def test_missing__drift__names_every_topic() -> None:
    plans = plan_topics(parse_catalogue(TABLE), profile=Profile.TEST, groups=["g"])

    with pytest.raises(Invalid) as caught:
        find_missing_topics(plans, {"a.v1": 4, "g.dlq.v1": 5})
    assert "a.v1 has 4 partitions, not 3; g.dlq.v1 has 5 partitions, not 3" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("meaning: m, key: k", "key: k"),
        ("key: k", "key: k, colour: blue"),
        ("retention_days: 14", "retention_days: forever"),
        ("retention_days: 14", "retention_days: 0"),
        ("cleanup: delete, retention_days: 14", "cleanup: shred, retention_days: 14"),
        ("max_record_bytes: 1000", "max_record_bytes: true"),
        ("partitions: 12", "partitions: 12.5"),
        ("  test: {partitions: 3, replication: 1, min_insync_replicas: 1}\n", ""),
        ("name: a.v1", "name: ''"),
        ("group_topics:", "groups:"),
        ("consumers: [c]", "consumers: [1]"),
    ],
)
def test_parse__table_is_wrong__is_refused(old: str, new: str) -> None:
    assert old in TABLE

    with pytest.raises(Invalid) as caught:
        parse_catalogue(TABLE.replace(old, new))
    assert caught.value.reason is Reason.BAD_SETTING


def test_parse__name_twice__is_refused() -> None:
    table = yaml.safe_load(TABLE)
    table["topics"] *= 2

    with pytest.raises(Invalid, match="a name occurs twice"):
        parse_catalogue(yaml.safe_dump(table))


def test_group_name__operator__is_lower_case_hex() -> None:
    assert group_name("performer", OperatorId(b"\xab" * 20)) == "performer." + "ab" * 20


def test_group_name__not_an_operator__is_refused() -> None:
    with pytest.raises(Invalid):
        group_name("performer", OperatorId(b"\xab"))
