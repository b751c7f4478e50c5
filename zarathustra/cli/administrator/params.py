"""`zarathustra admin params …`: the settings of a deployment."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from datetime import timedelta
from typing import Any

import click

from zarathustra.chain.administration import (
    Settings,
    fetch_min_fee,
    fetch_settings,
    set_center_parameters,
    set_token,
)
from zarathustra.chain.market import MarketLimits
from zarathustra.chain.quantities import format_data
from zarathustra.chain.reader import CenterParameters
from zarathustra.cli.administrator.calls import call_options, make_call
from zarathustra.cli.context import ADDRESS, echo_json, echo_rows, format_ether, json_option, network_file_option
from zarathustra.core.types import Address, Wei
from zarathustra.sdk.administrator import format_time, open_checked
from zarathustra.sdk.network import NetworkFile


@click.group()
def params() -> None:
    """Show and change the settings of a deployment."""


@params.command()
@click.option("--token", "tokens", type=ADDRESS, multiple=True, help="Show the least fee of this ERC-20 too.")
@json_option
@network_file_option
def show(network: NetworkFile, tokens: tuple[Address, ...], as_json: bool) -> None:
    """Show the settings as they are on chain now."""

    async def fetch() -> tuple[Settings, dict[str, Wei]]:
        async with open_checked(network) as rpc:
            fees = {format_data(token): await fetch_min_fee(rpc, network.record, token) for token in tokens}
            return await fetch_settings(rpc, network.record), fees

    settings, fees = asyncio.run(fetch())
    if as_json:
        echo_json({"settings": settings, "token_min_fees": fees})
        return
    echo_rows(describe_settings(settings, fees))


@params.command("set")
@click.option("--min-operators", type=click.IntRange(1, 128), help="Operators that a set needs, for later tasks.")
@click.option("--turn-blocks", type=click.IntRange(1, 2**32 - 1), help="Blocks of one operator's turn to post.")
@click.option("--guilty-slash-bps", type=click.IntRange(0, 10_000), help="Slash of a guilty performer, in 1/10,000.")
@click.option("--conflict-slash-bps", type=click.IntRange(0, 10_000), help="Slash for conflicting votes, in 1/10,000.")
@click.option(
    "--overturned-slash-bps",
    type=click.IntRange(0, 10_000),
    help="Slash of an overturned verdict's signers, in 1/10,000.",
)
@call_options
def set_command(network: NetworkFile, **options: Any) -> None:
    """Change AttestationCenter's parameters; those that you do not name keep their value.

    Needs the role PARAMETERS, as `zarathustra admin admit` needs ADMISSION. With `--execute`, name the same values; if
    another parameter changed meanwhile, run `zarathustra admin execute` with the operation's id.
    """
    names = [field.name for field in fields(CenterParameters)]
    changes = {name: value for name in names if (value := options.pop(name)) is not None}
    if not changes:
        raise click.UsageError("name at least one parameter")

    async def fetch() -> CenterParameters:
        async with open_checked(network) as rpc:
            return (await fetch_settings(rpc, network.record)).center

    make_call(set_center_parameters(apply_changes(asyncio.run(fetch()), changes)), network=network, **options)


@params.command("set-token")
@click.argument("token", type=ADDRESS)
@click.argument("min_fee", type=click.IntRange(0, 2**96 - 1))
@call_options
def set_token_command(token: Address, min_fee: int, **options: Any) -> None:
    """Set the least fee of new projects in TOKEN, in its smallest unit; 0 forbids the token.

    The zero address is the chain's own coin. Never allow a token that rebases, takes a fee on transfers or can freeze
    the market's balance: credits could then not be paid. Needs the role PARAMETERS.
    """
    make_call(set_token(token, Wei(min_fee)), **options)


def apply_changes(current: CenterParameters, changes: Mapping[str, Any]) -> CenterParameters:
    """Return the parameters with the changes."""
    return replace(current, **changes)


def describe_settings(settings: Settings, token_min_fees: Mapping[str, Wei]) -> dict[str, object]:
    """Return the settings with their units, in the order in which they are shown."""
    limits = settings.limits
    return {
        "paused": f"until {format_time(settings.paused_until)}" if settings.is_paused else "no",
        "registration": "open to anyone" if settings.is_registration_open else "admitted accounts only",
        "admin delay": str(timedelta(seconds=settings.admin_delay_s)),
        **_describe_fields(settings.center),
        **{
            name: value
            for name, value in _describe_fields(limits).items()
            if name not in {"dispute bond", "coin min fee"}
        },
        "dispute bond": format_ether(limits.dispute_bond),
        "min fee": format_ether(settings.coin_min_fee),
        **{f"min fee of {token}": fee or "not allowed" for token, fee in token_min_fees.items()},
    }


def _describe_fields(values: CenterParameters | MarketLimits) -> dict[str, object]:
    return {name.replace("_", " "): value for name, value in asdict(values).items()}
