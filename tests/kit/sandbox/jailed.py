"""Runs a hostile program in a process of its own, jailed or not, and reports what it achieved."""

import os
import subprocess
import sys
from dataclasses import dataclass

from tests.kit.paths import ROOT

DEADLINE_SECONDS = 60
MEMORY_BYTES = 256 * 1024 * 1024

# Everything an attack needs is imported before the jail: it must fail by itself, not for lack of a module.
PROGRAM = """
import ctypes, errno, fcntl, mmap, os, pickle, resource, signal, socket, struct, subprocess, sys, threading, time
from zarathustra.sandbox import jail
libc = ctypes.CDLL(None, use_errno=True)
def syscall(number, *arguments):
    # Whole words: the seventh argument goes over the stack, where an int would leave half of its word undefined.
    words = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    result = libc.syscall(ctypes.c_long(number), *words)
    if result < 0:
        raise OSError(ctypes.get_errno(), "system call")
    return result
{definition}
if {jailed}:
    jail.enter(memory_bytes={memory}, parent=os.getppid())
try:
    achieved = attack()
except BaseException as error:
    os.write(3, ("stopped " + type(error).__name__).encode())
else:
    os.write(3, ("achieved " + str(achieved)).encode())
os._exit(0)
"""


@dataclass(frozen=True)
class Outcome:
    """What the program reported before its end, and how it ended."""

    report: str
    returncode: int

    @property
    def is_achieved(self) -> bool:
        return self.report.startswith("achieved")


def run_program(definition: str, *, jailed: bool, environment: dict[str, str] | None = None) -> Outcome:
    """Run `definition`, which defines `attack`, and wait for its report."""
    read_end, write_end = os.pipe()
    program = PROGRAM.format(definition=definition, jailed=jailed, memory=MEMORY_BYTES)
    process = subprocess.Popen(  # noqa: S603  (running hostile programs is what these tests do)
        [sys.executable, "-B", "-s", "-c", _on_descriptor_3(write_end) + program],
        env=environment or {},
        cwd=ROOT,
        pass_fds=(write_end,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    try:
        returncode = process.wait(DEADLINE_SECONDS)
    finally:
        process.kill()
        process.wait()
    with os.fdopen(read_end, "rb") as pipe:
        return Outcome(pipe.read(4096).decode(), returncode)


def _on_descriptor_3(descriptor: int) -> str:
    return f"import os\nos.dup2({descriptor}, 3, inheritable=True)\n"
