"""View calls: several in one round trip and all at one block, so that their answers are consistent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

from zarathustra.chain.abi import Abi, decode_result, decode_struct, describe_revert, encode_call
from zarathustra.chain.quantities import format_data, format_quantity, parse_data, parse_field, parse_quantity
from zarathustra.chain.rpc import Call, CallReverted, Rpc
from zarathustra.core.canonical import Header
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, BlockHash, BlockNumber

LATEST: Final = "latest"
FINALIZED: Final = "finalized"

T = TypeVar("T")


@dataclass(frozen=True)
class Contract:
    """A contract's ABI and address."""

    abi: Abi
    address: Address


class ViewCall(NamedTuple):
    """One view call that is not made yet."""

    contract: Contract
    function: str
    arguments: tuple[object, ...] = ()

    def to_call(self, block: BlockHash) -> Call:
        """Build the JSON-RPC call at that block (EIP-1898)."""
        data = encode_call(self.contract.abi, self.function, *self.arguments)
        request = {"to": format_data(self.contract.address), "data": format_data(data)}
        return Call("eth_call", (request, {"blockHash": format_data(block)}), self.check)

    def check(self, answer: Any) -> Any:
        """Return the answer as it is. Raises Retry(RPC_ERROR) when it is not the function's outputs."""
        self.parse(answer)
        return answer

    def parse(self, answer: Any) -> tuple[Any, ...]:
        """Decode the outputs in a node's answer."""
        return decode_result(self.contract.abi, self.function, parse_data(answer))

    def parse_struct(self, answer: Any, value_class: type[T]) -> T:
        """Decode the only struct in a node's answer."""
        return decode_struct(self.contract.abi, self.function, parse_data(answer), value_class)


async def fetch_views(rpc: Rpc, block: BlockHash, views: Sequence[ViewCall]) -> list[Any]:
    """Return the raw answers in order, for `ViewCall.parse`. All have been checked: a node that errs is left.

    Raises Invalid(REVERTED) when one reverts; its fact `error` is the name of the contract's error.
    """
    try:
        return await rpc.call_many([view.to_call(block) for view in views])
    except CallReverted as error:
        raise explain_revert(error, "read contract") from error


async def fetch_header(rpc: Rpc, number: BlockNumber | str) -> Header | None:
    """Return the header of the block that is canonical now at a number or tag; None when the node has none."""
    (header,) = await rpc.call_many([build_header_call(number)])
    return header  # type: ignore[no-any-return]


def build_header_call(number: BlockNumber | str) -> Call:
    """Build the call for a block's header; its result is None when the node has no such block."""
    name = number if isinstance(number, str) else format_quantity(number)

    def parse(answer: Any) -> Header | None:
        header = None if answer is None else parse_header(answer)
        if header is not None and not isinstance(number, str) and header.number != number:
            raise Retry(Reason.RPC_ERROR, "node answered another block", number=number, answered=header.number)
        return header

    return Call("eth_getBlockByNumber", (name, False), parse)


async def fetch_head(rpc: Rpc) -> Header:
    """Return the newest block's header. A read of several values uses this one block for all of them."""
    head: Header = await rpc.call("eth_getBlockByNumber", LATEST, False, parse=parse_header)
    return head


def parse_header(answer: Any) -> Header:
    """Parse the header in a node's answer to eth_getBlockBy…. Raises Retry(RPC_ERROR)."""
    return Header(
        number=BlockNumber(parse_quantity(parse_field(answer, "number"))),
        block_hash=BlockHash(parse_data(parse_field(answer, "hash"), length=32)),
        parent_hash=BlockHash(parse_data(parse_field(answer, "parentHash"), length=32)),
        timestamp_s=parse_quantity(parse_field(answer, "timestamp")),
    )


def explain_revert(error: CallReverted, action: str) -> Invalid:
    """Convert a revert into Invalid(REVERTED) with the facts `error` (the error's name) and `arguments`."""
    described = describe_revert(error.data)
    return Invalid(Reason.REVERTED, action, error=described.name, arguments=described.arguments)
