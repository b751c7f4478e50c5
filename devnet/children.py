"""Child processes of the development network: started on a leash, ended in order, killed when they do not listen.

No child outlives the process that started it, however that ends: also after kill −9 (Linux).
"""

import asyncio
import ctypes
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

Child = asyncio.subprocess.Process

_PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec only the call itself is safe.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


async def spawn_child(
    command: Sequence[str],
    log_file: Path,
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Child:
    """Start `command`, its output appended to `log_file`.

    It gets a session of its own: Ctrl-C reaches us alone, and we end everything in order.
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


async def end_child(child: Child | None, *, deadline_s: float) -> None:
    """SIGTERM, and SIGKILL after the deadline. Does nothing when it does not run."""
    if child is None or child.returncode is not None:
        return
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        await asyncio.wait_for(child.wait(), deadline_s)
    except TimeoutError:
        await kill_child(child)


async def kill_child(child: Child | None) -> None:
    """SIGKILL, as a crash would. Does nothing when it does not run."""
    if child is None:
        return
    with suppress(ProcessLookupError):
        child.kill()
    await child.wait()


def get_pid(child: Child | None) -> int | None:
    """The process id while it runs."""
    return child.pid if child is not None and child.returncode is None else None


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that forked it ends; for `preexec_fn`. Linux only."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
