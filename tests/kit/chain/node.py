"""A node in memory: answers by method, and remembers what it was asked."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zarathustra.chain.rpc import Call

Answer = Callable[..., Any]


class FakeRpc:
    """`answers`: method → function of its parameters; it may raise what a real node's refusal raises."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._answers = answers
        self.calls: list[Call] = []

    async def call(self, method: str, *params: Any) -> Any:
        self.calls.append(Call(method, params))
        return self._answers[method](*params)

    async def call_many(self, calls: Sequence[Call]) -> list[Any]:
        return [await self.call(call.method, *call.params) for call in calls]
