"""`zarathustra admin deploy`: put all contracts on a chain."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from zarathustra.chain.addresses import format_address
from zarathustra.chain.deploy import Step
from zarathustra.chain.deploy_parameters import load_parameters
from zarathustra.chain.deployment import DeploymentRecord, dump_record, to_document
from zarathustra.chain.port import Receipt
from zarathustra.cli.administrator.results import format_holders
from zarathustra.cli.context import FILE, Account, account_options, echo_json, echo_rows, json_option
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.sdk.deployer import WriteFile, deploy_contracts, reserve_file
from zarathustra.sdk.network import NetworkFile, dump_network

NEW_FILE = click.Path(dir_okay=False, path_type=Path)
Write = Callable[[DeploymentRecord], None]


@dataclass(frozen=True)
class Outputs:
    """The files that a deployment is written to. `network`: with the nodes, for the option --network."""

    deployment: Path
    network: Path | None
    rpc_urls: tuple[str, ...]
    ipfs_api_url: str | None

    def __post_init__(self) -> None:
        if (self.network is None) != (self.ipfs_api_url is None):
            raise click.UsageError("--network-out and --ipfs-api-url need each other")
        if self.network == self.deployment:
            raise click.UsageError("--out and --network-out name one file")

    def reserve(self, stack: ExitStack, *, is_overwriting: bool) -> Write:
        """Check that all files can be written; return the function that writes them."""
        write_deployment = stack.enter_context(reserve_file(self.deployment, is_overwriting=is_overwriting))
        write_network: WriteFile | None = None
        if self.network is not None:
            write_network = stack.enter_context(reserve_file(self.network, is_overwriting=is_overwriting))

        def write(record: DeploymentRecord) -> None:
            write_deployment(dump_record(record))
            if write_network is not None:
                write_network(dump_network(NetworkFile(self.rpc_urls, self.ipfs_api_url or "", record)))

        return write


@click.command()
@click.argument("parameters", type=FILE)
@click.option("--rpc-url", "rpc_urls", multiple=True, required=True, help="A node of the chain; repeat for others.")
@click.option(
    "--chain-id",
    type=click.IntRange(1),
    required=True,
    help="The chain that you mean; a node of another one is refused.",
)
@click.option("--out", type=NEW_FILE, required=True, help="The deployment file to write.")
@click.option("--network-out", type=NEW_FILE, help="Also write a network file, for --network. Needs --ipfs-api-url.")
@click.option("--ipfs-api-url", help="The IPFS node of the network file.")
@click.option("--force", is_flag=True, help="Overwrite existing files.")
@json_option
@account_options
def deploy(parameters: Path, chain_id: int, force: bool, as_json: bool, **options: Any) -> None:
    """Deploy all contracts with PARAMETERS (TOML), and write the deployment file.

    `contracts/deployments/example.toml` has all parameters. Your account pays for seven or eight transactions and gets
    no role. Send nothing else with it meanwhile. If the command fails, no file is written, and what was deployed until
    then is without use: run it again.
    """
    account = Account(options["key_file"], options["password_file"])
    outputs = Outputs(options["out"], options["network_out"], options["rpc_urls"], options["ipfs_api_url"])
    chosen = load_parameters(parameters)
    key = account.unlock()

    def show(step: Step, receipt: Receipt) -> None:
        line = (
            f"{step.contract:<22}{format_address(step.address)}  block {receipt.block_number}  {receipt.gas_used} gas"
        )
        click.echo(line, err=as_json)

    with ExitStack() as stack:
        write = outputs.reserve(stack, is_overwriting=force)
        record = asyncio.run(deploy_contracts(outputs.rpc_urls, key, chosen, chain_id=chain_id, on_step=show))
        _keep(record, write)

    if as_json:
        echo_json(to_document(record))
        return
    echo_rows(describe_deployment(record) | {"written to": outputs.deployment})


def describe_deployment(record: DeploymentRecord) -> dict[str, object]:
    """Return who may do what in a new deployment."""
    return {
        "deployed at": f"block {record.deployed_at} of chain {record.chain_id}",
        **{role.name: format_holders(holders) for role, holders in record.roles.items()},
        "resolver": format_address(record.parameters.resolver),
        "treasury": format_address(record.parameters.treasury),
    }


def _keep(record: DeploymentRecord, write: Write) -> None:
    """Write the record; print it if that fails now, because it is paid for."""
    try:
        write(record)
    except OSError as error:
        click.echo(dump_record(record))
        raise Invalid(Reason.BAD_SETTING, "write deployment file: keep what is printed above", cause=error) from error
