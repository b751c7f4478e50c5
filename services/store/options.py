"""The query of a request: options that the store implements are taken, all others are refused."""

from collections.abc import Mapping
from typing import NoReturn, TypeVar

from aiohttp import web

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason

_TRUE, _FALSE = ("1", "t", "true"), ("0", "f", "false")

C = TypeVar("C")


class Options:
    """The query of one request. `refuse_others` refuses every option that no `take…` or `require…` has named."""

    def __init__(self, request: web.Request) -> None:
        self._left = dict(request.query)
        # Sent with every ipfshttpclient request, or about networks: they change nothing in a store that joins none.
        for name in ("stream-channels", "offline", "encoding", "timeout"):
            self._left.pop(name, None)

    def take_text(self, name: str, *, default: str) -> str:
        return self._left.pop(name, default)

    def take_path(self) -> str:
        """Return the argument: a CID, alone or as /ipfs/<cid>."""
        return self.take_text("arg", default="").removeprefix("/ipfs/")

    def take_flag(self, name: str, *, default: bool) -> bool:
        text = self.take_text(name, default=str(default)).lower()
        if text not in _TRUE + _FALSE:
            refuse(f"option {name} is not a truth value")
        return text in _TRUE

    def take_integer(self, name: str, *, default: int) -> int:
        text = self.take_text(name, default=str(default))
        if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit() or len(text) > 18:
            refuse(f"option {name} is not a number")
        return int(text)

    def take_choice(self, name: str, choices: Mapping[str, C], *, default: str) -> C:
        text = self.take_text(name, default=default)
        if text not in choices:
            refuse(f"option {name} must be one of {', '.join(choices)}")
        return choices[text]

    def require(self, only: Mapping[str, str]) -> None:
        for name, value in only.items():
            if self.take_text(name, default=value).lower() != value:
                refuse(f"option {name} must be {value}")

    def require_false(self, *names: str) -> None:
        for name in names:
            if self.take_flag(name, default=False):
                refuse(f"option {name} is not supported")

    def refuse_others(self) -> None:
        if self._left:
            refuse(f"unknown options: {', '.join(sorted(self._left))}")


def refuse(message: str) -> NoReturn:
    raise Invalid(Reason.BAD_ARGUMENT, message)
