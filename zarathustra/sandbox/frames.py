"""What a jailed worker and its parent say to each other over a socket pair. Little-endian, length first.

    question   bytes; what they mean is between the two programs
    answer     length u32 | one JSON object
    greeting   an answer sent once, unasked, when the worker is jailed; {"message": "why not"} when it cannot be

The parent trusts no answer: a hostile program may have taken over the worker.
"""

import json
import os
import struct
from collections.abc import Mapping

ANSWER_HEADER = struct.Struct("<I")
MAX_ANSWER_BYTES = 4096  # 128 scores of 11 digits and signs fit; a flood does not
READ_BYTES = 1 << 20


def encode_answer(content: Mapping[str, object]) -> bytes:
    body = json.dumps(content, separators=(",", ":")).encode()
    return ANSWER_HEADER.pack(len(body)) + body


def read_exactly(descriptor: int, length: int) -> bytes:
    """`length` bytes from the parent; ends the process when the parent has closed its end."""
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
