"""Child processes of the development network: started, stopped in order, killed when they do not stop in time.

No child outlives the process that started it, even if that process is killed with SIGKILL (Linux).
"""

import asyncio
import ctypes
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

Child = asyncio.subprocess.Process

OUTPUT_POLL_S = 0.02
LOG_TAIL_BYTES = 2_000

_PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec only the call itself is safe.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class ChildEndedError(Exception):
    """A child ended before it printed what was waited for; the message is the tail of its log."""


async def spawn_child(
    command: Sequence[str],
    log_file: Path,
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Child:
    """Start `command` and append its output to `log_file`.

    The child is in a process group of its own: Ctrl-C reaches only this process, which stops all children in order.
    """
    with log_file.open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *command,
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )


async def wait_for_output(child: Child, log_file: Path, pattern: re.Pattern[bytes]) -> re.Match[bytes]:
    """Return the first match of `pattern` in the child's log. Raises ChildEndedError."""
    while True:
        output = _read(log_file)
        found = pattern.search(output)
        if found is not None:
            return found
        if child.returncode is not None:
            raise ChildEndedError(_read(log_file)[-LOG_TAIL_BYTES:].decode(errors="replace"))
        await asyncio.sleep(OUTPUT_POLL_S)


async def end_child(child: Child | None, *, deadline_s: float) -> None:
    """Send SIGTERM, and SIGKILL after the deadline. Does nothing when the child does not run."""
    if child is None or child.returncode is not None:
        return
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        await asyncio.wait_for(child.wait(), deadline_s)
    except TimeoutError:
        await kill_child(child)


async def kill_child(child: Child | None) -> None:
    """Send SIGKILL, like a crash. Does nothing when the child does not run."""
    if child is None:
        return
    with suppress(ProcessLookupError):
        child.kill()
    await child.wait()


def get_pid(child: Child | None) -> int | None:
    """Return the process id, or None when the child does not run."""
    return child.pid if child is not None and child.returncode is None else None


def die_with_parent() -> None:
    """Tell the kernel to kill this process when the thread that forked it ends; for `preexec_fn`. Linux only."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _read(log_file: Path) -> bytes:
    return log_file.read_bytes()
