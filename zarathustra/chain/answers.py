"""Read what a node answers to JSON-RPC requests: results, reverts, rate limits and refusals.

Nodes and providers differ in words, codes and HTTP statuses. So an error's words are a hint at most, and only where a
wrong guess does no harm: what is neither a revert nor a rate limit is a refusal, whatever it says.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

from zarathustra.core.errors import Invalid, Retry, ZarathustraError
from zarathustra.core.reasons import Reason

REVERT_CODE: Final = 3  # geth, reth, anvil: "execution reverted", with the error's bytes as data
VM_ERROR_CODE: Final = -32015  # nethermind: the revert's bytes are in the text of `data`
TOO_MANY_REQUESTS: Final = 429  # HTTP's status; some providers send it as the code of a JSON-RPC error
REFUSING_STATUSES: Final = frozenset({400, 413})  # with text: this call is refused, for its range or its length
UNAVAILABLE: Final = 503  # a rate limit when it says how long to wait
LIMIT_CODES: Final = frozenset({-32005, -32029, -32097})  # of limits: on requests, but also on ranges and results
MAX_MESSAGE_LENGTH: Final = 200
MAX_RETRY_AFTER_S: Final = 3_600.0  # a wrong header must not shut an endpoint out for days

_REVERT_WORD: Final = re.compile(r"\brevert", re.IGNORECASE)
_RATE_WORDS: Final = re.compile(r"\brate\b|too many requests|request (count|limit)|requests? per|throttl|quota", re.I)
_HEX: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})*\b")

Parse = Callable[[Any], Any]
"""Turns a node's result into a value. Raises Retry when it is not one: then the next endpoint is asked."""


def keep(answer: Any) -> Any:
    """Accept every result as it is, also null."""
    return answer


class Call(NamedTuple):
    """One method with its parameters, and how its result is parsed."""

    method: str
    params: tuple[Any, ...]
    parse: Parse = keep


class CallReverted(Invalid):
    """The contract refused the call; `data` is its error as ABI bytes, empty when it gave none."""

    def __init__(self, message: str, data: bytes) -> None:
        super().__init__(Reason.REVERTED, message, data="0x" + data.hex()[:MAX_MESSAGE_LENGTH])
        self.data = data


class RateLimited(Retry):
    """The endpoint wants fewer requests; `retry_after_s` is how long it asked us to wait, None if it did not say."""

    def __init__(self, message: str, retry_after_s: float | None, **details: object) -> None:
        super().__init__(Reason.RATE_LIMITED, message, **details)
        self.retry_after_s = retry_after_s


class Refused(Retry):
    """The endpoint refuses this call, range or batch; its other answers may be right."""

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(Reason.RPC_ERROR, message, **details)


def build_body(calls: Sequence[Call]) -> Any:
    """Build the request's body: an object for one call, a list for several."""
    requests = [
        {"jsonrpc": "2.0", "id": number, "method": call.method, "params": list(call.params)}
        for number, call in enumerate(calls)
    ]
    return requests[0] if len(requests) == 1 else requests


def parse_response(status: int, headers: Mapping[str, str], content: bytes) -> Any:
    """Return the JSON in an HTTP response, whatever its status. Raises RateLimited, or Retry(RPC_ERROR)."""
    retry_after_s = parse_retry_after(headers.get("Retry-After"), headers.get("Date"))
    if status == TOO_MANY_REQUESTS or (status == UNAVAILABLE and retry_after_s is not None):
        raise RateLimited("too many requests", retry_after_s, status=status)
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError) as error:
        if status in REFUSING_STATUSES:
            raise Refused(content[:MAX_MESSAGE_LENGTH].decode(errors="replace"), status=status) from error
        raise Retry(Reason.RPC_ERROR, "answer is not JSON", status=status) from error
    if isinstance(answer, dict | list):
        return answer
    raise Retry(Reason.RPC_ERROR, "answer is not JSON-RPC", status=status, answer=repr(answer)[:80])


def parse_retry_after(text: str | None, date: str | None) -> float | None:
    """Return the seconds in a `Retry-After` header: a number, or a date that is compared with the answer's own."""
    if text is None:
        return None
    try:
        seconds = float(text) if text.strip().isdigit() else _seconds_between(date, text)
    except ValueError:
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def _seconds_between(date: str | None, later: str) -> float:
    if date is None:
        raise ValueError("the answer has no date")
    return (parsedate_to_datetime(later) - parsedate_to_datetime(date)).total_seconds()


def read_results(calls: Sequence[Call], answers: Any) -> list[Any]:
    """Return the parsed results in the order of the calls. Raises CallReverted, RateLimited or Retry(RPC_ERROR)."""
    return [_read_result(call, answer) for call, answer in zip(calls, _sort(answers, calls), strict=True)]


def _sort(answers: Any, calls: Sequence[Call]) -> list[Any]:
    """Return the answers in the order of the calls: nodes may answer a batch in any order."""
    if len(calls) == 1:
        return [answers[0] if isinstance(answers, list) and len(answers) == 1 else answers]
    if not isinstance(answers, list):
        return [answers] * len(calls)  # one error object for the whole batch

    by_id = {answer.get("id"): answer for answer in answers if isinstance(answer, dict)}
    if by_id.keys() != set(range(len(calls))):
        limits = [error for answer in by_id.values() if isinstance(error := _find_error(answer), RateLimited)]
        if limits:
            raise limits[0]
        raise Retry(Reason.RPC_ERROR, "batch is incomplete", answers=len(answers), calls=len(calls))
    return [by_id[number] for number in range(len(calls))]


def _read_result(call: Call, answer: Any) -> Any:
    error = _find_error(answer)
    if error is not None:
        error.details.setdefault("method", call.method)
        raise error
    if not isinstance(answer, dict) or "result" not in answer:
        raise Retry(Reason.RPC_ERROR, "answer is not JSON-RPC", method=call.method, answer=repr(answer)[:80])
    return call.parse(answer["result"])


def _find_error(answer: Any) -> ZarathustraError | None:
    error = answer.get("error") if isinstance(answer, dict) else None
    return build_error(error) if error else None


def build_error(error: Any) -> ZarathustraError:
    """Convert the `error` of an answer: a revert, a rate limit, or a refusal."""
    details = error if isinstance(error, dict) else {"message": error}
    message, code = str(details.get("message"))[:MAX_MESSAGE_LENGTH], details.get("code")
    if code in {REVERT_CODE, VM_ERROR_CODE} or _REVERT_WORD.search(message):
        return CallReverted(message, _read_revert_data(details.get("data")))
    if code == TOO_MANY_REQUESTS or (code in LIMIT_CODES and _RATE_WORDS.search(message)):
        return RateLimited(message, None, code=code)
    return Refused(message, code=code)


def _read_revert_data(data: Any) -> bytes:
    """Return the error's bytes; empty if the node sends none. Hardhat wraps them, nethermind puts text before them."""
    if isinstance(data, dict):
        data = data.get("data")
    found = _HEX.search(data) if isinstance(data, str) else None
    return bytes.fromhex(found.group()[2:]) if found else b""
