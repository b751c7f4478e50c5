"""ERC-20 tokens: what an account holds, and what it lets a contract take.

A token is a stranger's contract. Its answers decide what the SDK tells its user, never what our contracts accept.
"""

from typing import Any, Final

from zarathustra.chain.abi import Abi, encode_call, parse_abi
from zarathustra.chain.calls import Contract, ViewCall, fetch_head, fetch_views
from zarathustra.chain.port import Receipt
from zarathustra.chain.rpc import Rpc
from zarathustra.chain.transactions import Sender, Transaction
from zarathustra.core.types import Address, Wei

# Of ERC-20, the functions that are called here. Some tokens in use return nothing from `approve`: nothing reads it.
_ABI: Final[Abi] = parse_abi(
    "ERC20",
    {
        "abi": [
            {
                "type": "function",
                "name": "balanceOf",
                "inputs": [{"name": "account", "type": "address"}],
                "outputs": [{"name": "", "type": "uint256"}],
            },
            {
                "type": "function",
                "name": "allowance",
                "inputs": [{"name": "owner", "type": "address"}, {"name": "spender", "type": "address"}],
                "outputs": [{"name": "", "type": "uint256"}],
            },
            {
                "type": "function",
                "name": "approve",
                "inputs": [{"name": "spender", "type": "address"}, {"name": "amount", "type": "uint256"}],
            },
            {
                "type": "function",
                "name": "transfer",
                "inputs": [{"name": "to", "type": "address"}, {"name": "amount", "type": "uint256"}],
            },
        ]
    },
)


class Token:
    """One ERC-20 token, with one holder's key. Raises as the contracts of `chain.contracts`."""

    def __init__(self, rpc: Rpc, sender: Sender, address: Address) -> None:
        self._rpc = rpc
        self._sender = sender
        self._contract = Contract(_ABI, address)

    async def fetch_balance(self, account: Address) -> Wei:
        """Return what an account holds, in the token's smallest unit."""
        return Wei(await self._fetch("balanceOf", account))

    async def fetch_allowance(self, spender: Address) -> Wei:
        """Return what `spender` may still take from the sender."""
        return Wei(await self._fetch("allowance", self._sender.address, spender))

    async def approve(self, spender: Address, amount: Wei) -> Receipt:
        """Let `spender` take `amount` from the sender from now on, instead of what it might take before."""
        return await self._send("approve", spender, amount)

    async def transfer(self, to: Address, amount: Wei) -> Receipt:
        """Pay `amount` to `to`."""
        return await self._send("transfer", to, amount)

    async def _send(self, function: str, *arguments: object) -> Receipt:
        data = encode_call(_ABI, function, *arguments)
        return (await self._sender.send(Transaction(self._contract.address, data))).receipt

    async def _fetch(self, function: str, *arguments: object) -> Any:
        view = ViewCall(self._contract, function, arguments)
        head = await fetch_head(self._rpc)
        return view.parse((await fetch_views(self._rpc, head.block_hash, [view]))[0])[0]
