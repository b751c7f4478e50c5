"""`zarathustra admin roles` and `check`: who may do what, and whether the contracts are those of the file."""

import asyncio

import click

from zarathustra.chain.addresses import format_address
from zarathustra.chain.deployment import DeploymentRecord
from zarathustra.chain.roles import Role, RoleHolders, fetch_role_holders
from zarathustra.chain.wiring import Change, fetch_changes, format_value
from zarathustra.cli.administrator.results import format_holders
from zarathustra.cli.context import echo_json, echo_rows, json_option, network_file_option
from zarathustra.sdk.administrator import open_checked
from zarathustra.sdk.network import NetworkFile


@click.command()
@json_option
@network_file_option
def roles(network: NetworkFile, as_json: bool) -> None:
    """Show the holders of each role, as the chain says now and as they were at deployment."""
    record = network.record

    async def fetch() -> RoleHolders:
        async with open_checked(network) as rpc:
            return await fetch_role_holders(rpc, record.addresses, record.deployed_at)

    now = asyncio.run(fetch())
    if as_json:
        echo_json(roles_to_document(record, now))
        return
    echo_rows(describe_roles(record, now))


@click.command()
@json_option
@network_file_option
def check(network: NetworkFile, as_json: bool) -> None:
    """Compare the deployment in the network file with the chain: code, wiring, and all that never changes.

    Fails with `wrong_deployment` at the first difference. Also shows what administrators changed since the deployment.
    """
    record = network.record

    async def fetch() -> list[Change]:
        async with open_checked(network) as rpc:
            return await fetch_changes(rpc, record)

    changes = asyncio.run(fetch())
    if as_json:
        echo_json({"contracts": record.addresses, "changes": [_change_to_document(change) for change in changes]})
        return
    echo_rows(
        {name: f"{format_address(address)}  as in the file" for name, address in record.addresses.items()}
        | {f"{change.contract}.{change.getter}": _describe_change(change) for change in changes}
    )


def describe_roles(record: DeploymentRecord, now: RoleHolders) -> dict[str, object]:
    """Return each role's holders as text; those at deployment only if they differ."""
    return {
        **{role.name: _describe_holders(role, record.roles, now) for role in now},
        "resolver": f"{format_address(record.parameters.resolver)} (fixed)",
        "treasury": f"{format_address(record.parameters.treasury)} (fixed)",
    }


def roles_to_document(record: DeploymentRecord, now: RoleHolders) -> dict[str, object]:
    """Return each role's holders, now and at deployment, as JSON values."""
    at_deployment = record.roles
    holders = {
        role.name: {
            "now": [format_address(holder) for holder in now[role]],
            "at_deployment": [format_address(holder) for holder in at_deployment[role]],
        }
        for role in now
    }
    return {"roles": holders, "resolver": record.parameters.resolver, "treasury": record.parameters.treasury}


def _describe_holders(role: Role, before: RoleHolders, now: RoleHolders) -> str:
    text = format_holders(now[role])
    if set(now[role]) == set(before[role]):
        return text
    return f"{text}  (at deployment: {format_holders(before[role])})"


def _describe_change(change: Change) -> str:
    return f"changed from {format_value(change.at_deployment)} to {format_value(change.now)}"


def _change_to_document(change: Change) -> dict[str, str]:
    return {
        "contract": change.contract,
        "getter": change.getter,
        "at_deployment": format_value(change.at_deployment),
        "now": format_value(change.now),
    }
