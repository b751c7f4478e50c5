"""A node that answers from a table and keeps what it was asked."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zarathustra.chain.answers import Call, Parse, keep

Answer = Callable[..., Any]


class FakeRpc:
    """`answers` has a function of the parameters for each method. It may raise, as a real node's refusal does."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._answers = answers
        self.calls: list[Call] = []

    async def call(self, method: str, *params: Any, parse: Parse = keep) -> Any:
        self.calls.append(Call(method, params))
        return parse(self._answers[method](*params))

    async def call_many(self, calls: Sequence[Call]) -> list[Any]:
        return [await self.call(call.method, *call.params, parse=call.parse) for call in calls]
