"""Payments to the market: coins of the chain go with the call; a token's units the market takes, if it may.

An allowance that is too small is set to exactly what the market is about to take. Two payments of one account in one
token must not be prepared at the same time: the second allowance replaces the first.
"""

import asyncio
from typing import Final

from zarathustra.chain.contracts import COIN
from zarathustra.chain.quantities import format_data
from zarathustra.chain.tokens import Token
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, Wei
from zarathustra.sdk.client import Client

NO_COINS: Final = Wei(0)
READ_ATTEMPTS: Final = 30  # a node may be some blocks behind the one that had the receipt
READ_PAUSE_S: Final = 1.0


async def prepare_payment(
    client: Client, token: Address, amount: Wei, *, read_attempts: int = READ_ATTEMPTS, pause_s: float = READ_PAUSE_S
) -> Wei:
    """Let the market take `amount` of `token` from the account; return the coins that must go with the call.

    Raises Invalid: LOW_BALANCE before anything is sent when the account holds less, REVERTED when the token refuses
    the approval, NOT_APPROVED when it gives no allowance all the same.
    """
    if token == COIN:
        return amount
    market, held = client.reader.deployment.model_submission, Token(client.reader.rpc, client.sender, token)
    await _validate_balance(client, held, token, amount)
    if await held.fetch_allowance(market) >= amount:
        return NO_COINS

    await _approve(held, market, amount)
    for _ in range(read_attempts):
        if await held.fetch_allowance(market) >= amount:
            return NO_COINS
        await asyncio.sleep(pause_s)
    raise Invalid(Reason.NOT_APPROVED, "read allowance", token=format_data(token), needed=amount)


async def validate_token(client: Client, token: Address) -> None:
    """Raise Invalid(REVERTED), as the market would, when new projects may not use the token."""
    if await client.reader.market.fetch_min_fee(token) == 0:
        raise Invalid(Reason.REVERTED, "check token", error="TokenNotAllowed", arguments=f"({format_data(token)})")


async def _validate_balance(client: Client, held: Token, token: Address, amount: Wei) -> None:
    balance = await held.fetch_balance(client.address)
    if balance < amount:
        raise Invalid(
            Reason.LOW_BALANCE,
            "check balance",
            account=format_data(client.address),
            token=format_data(token),
            balance=balance,
            needed=amount,
        )


async def _approve(held: Token, market: Address, amount: Wei) -> None:
    """Set the allowance. Some tokens change one that is not zero only to zero."""
    try:
        await held.approve(market, amount)
    except Invalid:
        if await held.fetch_allowance(market) == 0:
            raise
        await held.approve(market, Wei(0))
        await held.approve(market, amount)
