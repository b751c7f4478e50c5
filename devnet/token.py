"""The development token: an ERC-20 without value, so that projects in a token can be tried.

The administrator allows it as any token is allowed: through the timelock, after its delay.
"""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from zarathustra.chain.abi import Abi, encode_arguments, parse_abi
from zarathustra.chain.administration import set_token
from zarathustra.chain.deploy import compute_contract_address
from zarathustra.chain.rpc import Rpc
from zarathustra.chain.timelock import OperationState, ScheduledOperation
from zarathustra.chain.tokens import Token
from zarathustra.chain.transactions import Sender, Transaction
from zarathustra.core.types import Address, Wei
from zarathustra.sdk.administrator import execute_call, open_administrator, perform
from zarathustra.sdk.network import NetworkFile
from zarathustra.signing.keys import EcdsaSecretKey

PLAIN: Final = "DevelopmentToken"
RESET_FIRST: Final = "ResetFirstToken"
SUPPLY: Final = Wei(10**27)
MIN_FEE: Final = Wei(10**14)  # as the coin's
ABI_FOLDER: Final = Path(__file__).resolve().parent / "abi"


@dataclass(frozen=True)
class DevelopmentToken:
    """The token, and the account that gives it away."""

    address: Address
    faucet: Token

    async def give(self, address: Address, amount: Wei) -> None:
        """Pay `amount` to `address`."""
        await self.faucet.transfer(address, amount)


def load_token_abi(name: str = PLAIN) -> Abi:
    """Load the ABI and the bytecode of a token of `contracts/devtokens`."""
    return parse_abi(name, json.loads((ABI_FOLDER / f"{name}.json").read_text(encoding="utf-8")))


async def deploy_token(rpc: Rpc, sender: Sender, *, name: str = PLAIN) -> DevelopmentToken:
    """Deploy a token of `contracts/devtokens`. The sender holds all of it, and must send nothing else meanwhile."""
    contract = load_token_abi(name)
    arguments = encode_arguments(contract.constructor_inputs, (sender.address, SUPPLY))
    address = compute_contract_address(sender.address, await sender.fetch_next_nonce())
    await sender.send(Transaction(None, contract.bytecode + arguments))
    return DevelopmentToken(address, Token(rpc, sender, address))


async def allow_token(file: NetworkFile, key: EcdsaSecretKey, token: Address, *, poll_seconds: float) -> None:
    """Allow the token for projects: schedule the call at the timelock, wait for its delay, execute it."""
    call = set_token(token, MIN_FEE)
    async with open_administrator(file, key, poll_seconds=poll_seconds) as administrator:
        scheduled = await perform(administrator, call)
        if not isinstance(scheduled, ScheduledOperation):
            return  # without a timelock the administrator has made the call
        while scheduled.state is OperationState.WAITING:
            await asyncio.sleep(poll_seconds)
            scheduled = await administrator.reader.fetch_operation(scheduled.operation_id)
        await execute_call(administrator, call)
