"""The frames that a jailed worker and its parent exchange over a socket pair. Little-endian, length first.

    question   bytes; the two programs agree on their meaning
    answer     length u32 | one JSON object
    greeting   an answer that the worker sends once, as soon as it is jailed; {"message": "the cause"} if it cannot be

The parent trusts no answer: a hostile model may control the worker.
"""

import json
import os
import struct
from collections.abc import Mapping

ANSWER_HEADER = struct.Struct("<I")
MAX_ANSWER_BYTES = 4096  # 128 scores of 11 characters fit; a longer answer is hostile
READ_BYTES = 1 << 20


def encode_answer(content: Mapping[str, object]) -> bytes:
    body = json.dumps(content, separators=(",", ":")).encode()
    return ANSWER_HEADER.pack(len(body)) + body


def read_exactly(descriptor: int, length: int) -> bytes:
    """Read `length` bytes from the parent. Ends the process when the parent has closed its end."""
    received = bytearray()
    while len(received) < length:
        chunk = os.read(descriptor, min(length - len(received), READ_BYTES))
        if not chunk:
            raise SystemExit(0)
        received += chunk
    return bytes(received)


def write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
