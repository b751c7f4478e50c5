"""`zarathustra topics`: create the topics of `proto/topics.yaml`. Idempotent."""

import asyncio

import click

from zarathustra.bus.kafka import create_topics
from zarathustra.bus.topics import Profile


@click.command()
@click.option("--bootstrap-servers", envvar="KAFKA_BOOTSTRAP_SERVERS", required=True, help="Kafka brokers, host:port.")
@click.option(
    "--profile",
    type=click.Choice([profile.value for profile in Profile]),
    default="production",
    show_default=True,
    help="How many partitions and copies the topics get.",
)
@click.option(
    "--group", "groups", multiple=True, help="A consumer group; its retry and dead-letter topics are created too."
)
def topics(bootstrap_servers: str, profile: str, groups: tuple[str, ...]) -> None:
    """Create the missing topics. Fails if an existing topic has another number of partitions."""
    created = asyncio.run(create_topics(bootstrap_servers, profile=Profile(profile), groups=groups))
    click.echo("\n".join(created) or "nothing to create")
