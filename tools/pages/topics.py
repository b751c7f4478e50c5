"""`docs/reference/topics.md`: the topics of `proto/topics.yaml`."""

from collections.abc import Collection

from tools.pages.markdown import build_list, build_page, build_paragraph, build_table, quote
from zarathustra.bus.topics import DAY_MS, KEPT_MS, Cleanup, GroupTopicSpec, TopicCatalogue, TopicSpec

INTRODUCTION = """\
`zarathustra topics` creates the topics that are missing and complains about those that differ. No service creates
one, except the aggregator its changelog (`services/aggregator/README.md`). Records with equal keys stay in order. The
partitions of a topic never change, because keys would move; a topic grows by a new version of it. The option
`--profile` chooses the numbers.
"""
GROUP_INTRODUCTION = "Each consumer group has one of each, named `<group>.<suffix>`, with the profile's partitions."


def build_topics(catalogue: TopicCatalogue, services: Collection[str]) -> str:
    """The page. Consumers that are none of `services` are marked."""
    profiles = [
        (quote(name), str(numbers.partitions), str(numbers.replication), str(numbers.min_insync_replicas))
        for name, numbers in catalogue.profiles.items()
    ]
    blocks = [
        build_paragraph(INTRODUCTION),
        build_table(("profile", "partitions", "replication", "in-sync replicas, at least"), profiles),
    ]
    for topic in catalogue.topics:
        blocks += [f"## {topic.name}", topic.meaning, build_list(_describe(topic, catalogue, services))]
    blocks += ["## Topics of a group", GROUP_INTRODUCTION]
    for spec in catalogue.group_topics:
        blocks += [f"### {spec.suffix}", spec.meaning, build_list(_describe_storage(spec))]
    return build_page("Topics", "`proto/topics.yaml`", *blocks)


def _describe(topic: TopicSpec, catalogue: TopicCatalogue, services: Collection[str]) -> list[str]:
    return [
        f"key: {topic.key}",
        f"records: {topic.facts}",
        f"producer: {_mark(topic.producer, services)}",
        f"consumers: {', '.join(_mark(name, services) for name in topic.consumers)}",
        *_describe_storage(topic),
        f"partitions: {_describe_partitions(topic, catalogue)}",
    ]


def _mark(name: str, services: Collection[str]) -> str:
    return name if name in services else f"{name} (no service of this repository)"


def _describe_storage(spec: TopicSpec | GroupTopicSpec) -> list[str]:
    policy = {Cleanup.DELETE: "`delete`", Cleanup.COMPACT: "`compact`, the latest record of each key stays"}
    kept = "no time limit" if spec.retention_ms == KEPT_MS else f"{spec.retention_ms // DAY_MS} days"
    return [
        f"cleanup: {policy[spec.cleanup]}",
        f"retention: {kept}",
        f"largest record: {spec.max_record_bytes:,} bytes",
    ]


def _describe_partitions(topic: TopicSpec, catalogue: TopicCatalogue) -> str:
    if topic.partitions is not None:
        return f"{topic.partitions} in every profile"
    return ", ".join(f"{numbers.partitions} ({name})" for name, numbers in catalogue.profiles.items())
