"""`zarathustra account …`: show and withdraw your credit."""

import asyncio
from pathlib import Path

import click

from zarathustra.cli.context import Account, account_options, format_ether, network_option
from zarathustra.core.types import ZERO_ADDRESS, Wei
from zarathustra.sdk.client import open_client, open_reader
from zarathustra.sdk.contributor import withdraw
from zarathustra.sdk.network import Network
from zarathustra.signing.ecdsa import compute_address


@click.group()
def account() -> None:
    """Show and withdraw your credit: what the market contract owes you."""


@account.command()
@account_options
@network_option
def show(network: Network, key_file: Path, password_file: Path) -> None:
    """Show your address, and your balance and credit in the chain's coin."""
    address = compute_address(Account(key_file, password_file).unlock())

    async def fetch() -> tuple[Wei, Wei]:
        async with open_reader(network) as reader:
            market = reader.market
            return await market.fetch_balance(address), await market.fetch_credit(address, ZERO_ADDRESS)

    balance, credit = asyncio.run(fetch())
    click.echo(f"address  0x{address.hex()}\nbalance  {format_ether(balance)}\ncredit   {format_ether(credit)}")


@account.command("withdraw")
@account_options
@network_option
def withdraw_command(network: Network, key_file: Path, password_file: Path) -> None:
    """Withdraw your whole credit in the chain's coin."""
    key = Account(key_file, password_file).unlock()

    async def run() -> Wei:
        async with open_client(network, key) as client:
            return await withdraw(client)

    click.echo(f"withdrawn  {format_ether(asyncio.run(run()))}")
