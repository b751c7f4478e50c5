"""The worker's side: jails its own process, then answers questions until the parent closes the socket.

    load everything needed → close other descriptors → jail → greet → question, answer, question, … → end of file: exit

Modules that load lazily must be loaded before: no file can be opened inside the jail.
"""

import os
import sys
from collections.abc import Callable, Mapping

from zarathustra.core.errors import Retry
from zarathustra.sandbox import jail
from zarathustra.sandbox.frames import encode_answer, read_exactly, write_all

Read = Callable[[int], bytes]
Answer = Callable[[Read], Mapping[str, object]]


def serve_jailed(
    descriptor: int, parent: int, answer: Answer, *, greeting: Mapping[str, object], memory_bytes: int
) -> None:
    """Jail this process and serve the socket `descriptor` until it closes.

    `answer` gets a function that reads bytes of the question, and returns the answer's content. If the system cannot
    jail the process, the greeting tells the parent the cause and the process exits with status 1.
    """
    _close_others(descriptor)
    try:
        jail.enter(memory_bytes=memory_bytes, parent=parent)
    except (Retry, OSError) as error:  # OSError: the system refuses a limit or a file in /proc
        write_all(descriptor, encode_answer({"message": str(error)}))
        raise SystemExit(1) from error

    write_all(descriptor, encode_answer(greeting))
    while True:
        write_all(descriptor, encode_answer(answer(lambda length: read_exactly(descriptor, length))))


def _close_others(descriptor: int) -> None:
    """Keep only the socket. Discard output, because a stranger's model could fill the operator's log."""
    sys.stdout.flush()
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in (0, 1, 2, descriptor):
            _close_if_open(int(name))


def _close_if_open(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:  # the descriptor that listed the folder is already closed
        return
