"""The topics of `proto/topics.yaml`: the meaning and the producer of each, and how it is created."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import OperatorId, validate_length

KEPT: Final = "kept"
DAY_MS: Final = 86_400_000
KEPT_MS: Final = -1  # Kafka's value for "no time limit"

# A wheel has the file next to this module; a checkout has it in `proto/`.
_PACKAGED = Path(__file__).with_name("topics.yaml")
_CHECKOUT = Path(__file__).resolve().parents[2] / "proto" / "topics.yaml"


class Profile(StrEnum):
    PRODUCTION = "production"
    TEST = "test"


class Cleanup(StrEnum):
    DELETE = "delete"
    COMPACT = "compact"


@dataclass(frozen=True)
class ProfileSpec:
    partitions: int
    replication: int
    min_insync_replicas: int


@dataclass(frozen=True)
class TopicSpec:
    """One topic of the table. `partitions` overrides the profile's number."""

    name: str
    meaning: str
    key: str
    facts: str
    producer: str
    consumers: tuple[str, ...]
    cleanup: Cleanup
    retention_ms: int
    max_record_bytes: int
    partitions: int | None = None


@dataclass(frozen=True)
class GroupTopicSpec:
    """A topic that exists once for each consumer group."""

    suffix: str
    meaning: str
    cleanup: Cleanup
    retention_ms: int
    max_record_bytes: int


@dataclass(frozen=True)
class TopicCatalogue:
    profiles: Mapping[Profile, ProfileSpec]
    topics: tuple[TopicSpec, ...]
    group_topics: tuple[GroupTopicSpec, ...]


@dataclass(frozen=True)
class TopicPlan:
    """A topic to create, with its configuration."""

    name: str
    partitions: int
    replication: int
    configs: Mapping[str, str]


class GroupTopics(NamedTuple):
    retry: str
    dead_letters: str


def group_name(service: str, operator: OperatorId) -> str:
    """Return the consumer group of one operator's service. Its replicas share the group; two operators never do."""
    validate_length("operator", operator, 20)
    return f"{service}.{operator.hex()}"


def group_topics(group: str) -> GroupTopics:
    """Return the names of a group's retry and dead-letter topics."""
    return GroupTopics(retry=f"{group}.retry.v1", dead_letters=f"{group}.dlq.v1")


def plan_topics(catalogue: TopicCatalogue, *, profile: Profile, groups: Iterable[str] = ()) -> list[TopicPlan]:
    """Plan every topic of the catalogue, and the group topics of `groups`, with the profile's numbers."""
    numbers = catalogue.profiles[profile]
    shared = [_plan(topic.name, topic, numbers, topic.partitions) for topic in catalogue.topics]
    own = [_plan(f"{group}.{topic.suffix}", topic, numbers) for group in groups for topic in catalogue.group_topics]
    return shared + own


def find_missing_topics(plans: Sequence[TopicPlan], existing: Mapping[str, int]) -> list[TopicPlan]:
    """Return the plans whose topic is not in `existing` (name → number of partitions).

    Raises Invalid(BAD_SETTING) with the names of *all* topics that exist with another number of partitions.
    """
    drift = [
        f"{plan.name} has {existing[plan.name]} partitions, not {plan.partitions}"
        for plan in plans
        if existing.get(plan.name, plan.partitions) != plan.partitions
    ]
    if drift:
        raise Invalid(Reason.BAD_SETTING, "topics differ from their table", drift="; ".join(drift))
    return [plan for plan in plans if plan.name not in existing]


def load_catalogue(path: Path | None = None) -> TopicCatalogue:
    """Load the installed table, or the one in `path`. Raises Invalid(BAD_SETTING)."""
    source = path or (_PACKAGED if _PACKAGED.exists() else _CHECKOUT)
    return parse_catalogue(source.read_text(encoding="utf-8"))


def parse_catalogue(text: str) -> TopicCatalogue:
    """Parse the table strictly: a missing or unknown key raises Invalid(BAD_SETTING)."""
    document = _take_keys(yaml.safe_load(text), "the file", {"profiles", "topics", "group_topics"})
    profiles = _take_keys(document["profiles"], "profiles", set(Profile))
    catalogue = TopicCatalogue(
        profiles={Profile(name): _parse_profile(name, spec) for name, spec in profiles.items()},
        topics=tuple(_parse_topic(entry) for entry in document["topics"]),
        group_topics=tuple(_parse_group_topic(entry) for entry in document["group_topics"]),
    )
    _validate_unique([topic.name for topic in catalogue.topics])
    _validate_unique([topic.suffix for topic in catalogue.group_topics])
    return catalogue


def _plan(
    name: str, spec: TopicSpec | GroupTopicSpec, numbers: ProfileSpec, partitions: int | None = None
) -> TopicPlan:
    configs = {
        "cleanup.policy": spec.cleanup.value,
        "retention.ms": str(spec.retention_ms),
        "max.message.bytes": str(spec.max_record_bytes),
        "min.insync.replicas": str(numbers.min_insync_replicas),
    }
    return TopicPlan(name, partitions or numbers.partitions, numbers.replication, configs)


def _parse_profile(name: str, entry: Any) -> ProfileSpec:
    where = f"profile {name}"
    numbers = _take_keys(entry, where, {field.name for field in fields(ProfileSpec)})
    return ProfileSpec(**{key: _parse_positive(value, f"{where}: {key}") for key, value in numbers.items()})


_SHARED_KEYS = {"meaning", "cleanup", "retention_days", "max_record_bytes"}


def _parse_topic(entry: Any) -> TopicSpec:
    where = _describe(entry, "name")
    texts = {"name", "meaning", "key", "facts", "producer"}
    values = _take_keys(entry, where, texts | _SHARED_KEYS | {"consumers"}, optional={"partitions"})
    partitions = values.get("partitions")
    parsed: dict[str, Any] = {name: _parse_text(values[name], f"{where}: {name}") for name in texts}
    return TopicSpec(
        **parsed,
        consumers=tuple(_parse_text(name, f"{where}: consumers") for name in values["consumers"]),
        partitions=None if partitions is None else _parse_positive(partitions, f"{where}: partitions"),
        **_parse_storage(values, where),
    )


def _parse_group_topic(entry: Any) -> GroupTopicSpec:
    where = _describe(entry, "suffix")
    values = _take_keys(entry, where, {"suffix"} | _SHARED_KEYS)
    return GroupTopicSpec(
        suffix=_parse_text(values["suffix"], f"{where}: suffix"),
        meaning=_parse_text(values["meaning"], f"{where}: meaning"),
        **_parse_storage(values, where),
    )


def _parse_storage(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    days = values["retention_days"]
    if values["cleanup"] not in set(Cleanup):
        raise Invalid(Reason.BAD_SETTING, "topics: unknown cleanup", where=where, value=values["cleanup"])
    return {
        "cleanup": Cleanup(values["cleanup"]),
        "retention_ms": KEPT_MS if days == KEPT else _parse_positive(days, f"{where}: retention_days") * DAY_MS,
        "max_record_bytes": _parse_positive(values["max_record_bytes"], f"{where}: max_record_bytes"),
    }


def _describe(entry: Any, key: str) -> str:
    name = entry.get(key) if isinstance(entry, dict) else None
    return f"topic {name}"


def _take_keys(
    value: Any, where: str, required: set[str], optional: frozenset[str] | set[str] = frozenset()
) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Invalid(Reason.BAD_SETTING, "topics: expected a mapping", where=where)

    missing, unknown = required - value.keys(), value.keys() - required - optional
    if missing or unknown:
        raise Invalid(
            Reason.BAD_SETTING, "topics: wrong keys", where=where, missing=sorted(missing), unknown=sorted(unknown)
        )
    return value


def _parse_positive(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise Invalid(Reason.BAD_SETTING, "topics: expected a positive integer", where=where, value=value)
    return value


def _parse_text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise Invalid(Reason.BAD_SETTING, "topics: expected text", where=where, value=value)
    return value


def _validate_unique(names: Sequence[str]) -> None:
    if len(set(names)) != len(names):
        raise Invalid(Reason.BAD_SETTING, "topics: a name occurs twice", names=sorted(names))
