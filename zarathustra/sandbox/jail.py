"""Jails the calling process permanently: rlimits, Landlock and seccomp. Needs no privilege and no other program.

    rlimits     bounded memory; no core dump, no file writes, no new processes
    Landlock    no file; no TCP port from ABI 4 on; no signal to other processes from ABI 6 on
    seccomp     only the system calls listed in `seccomp`; no socket and no signal on any kernel

Needs Linux ≥ 5.13 on x86-64 or aarch64. No setting turns the jail off: if a layer is missing, `enter` raises.
"""

import ctypes
import os
import platform
import resource
import signal
import struct

from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.sandbox.seccomp import AUDIT_ARCH, build_filter

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
# The same numbers on both architectures.
SYS_LANDLOCK_CREATE_RULESET, SYS_LANDLOCK_RESTRICT_SELF = 444, 446
SYS_SECCOMP = {"x86_64": 317, "aarch64": 277}
LANDLOCK_CREATE_RULESET_VERSION = 1
SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC = 1, 1

# Rights by the Landlock ABI that introduced them. A kernel refuses rights that it does not know.
LANDLOCK_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
LANDLOCK_NET_RIGHTS = 0b11  # bind and connect TCP, ABI 4
LANDLOCK_SCOPES = 0b11  # abstract Unix sockets and signals, ABI 6

NOBODY = 65_534
MAX_STACK_BYTES = 16 * 1024 * 1024

_libc = ctypes.CDLL(None, use_errno=True)


def die_with(parent: int) -> None:
    """Make the kernel kill this process when `parent` ends. Exit now if `parent` has ended already."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit("parent is gone")


def enter(*, memory_bytes: int, parent: int) -> None:
    """Jail this process. It can then only compute, use its open descriptors and allocate `memory_bytes` more.

    Raises Retry(SANDBOX_UNAVAILABLE) if the system lacks a layer. The process is then only partly jailed and must exit.
    """
    machine = platform.machine()
    if machine not in AUDIT_ARCH:
        raise _unavailable("no seccomp table for this architecture", machine=machine)
    _require_one_thread()
    _limit_resources(memory_bytes)
    _drop_root()
    die_with(parent)  # after the change of user, which clears it
    _prctl(PR_SET_DUMPABLE, 0)  # other processes of the same user cannot trace it or read its /proc files
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    _restrict_with_landlock()
    _restrict_with_seccomp(machine)


def _require_one_thread() -> None:
    """Raise Retry if there are other threads: Landlock restricts only the calling thread."""
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise _unavailable("the process already has threads", threads=threads)


def _drop_root() -> None:
    if os.geteuid() != 0:
        return
    try:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    except OSError as error:
        raise _unavailable("drop root; run the service as a plain user", error=error.strerror) from error


def _limit_resources(memory_bytes: int) -> None:
    # /proc/self/statm: size resident shared text lib data dirty, in pages
    with open("/proc/self/statm", encoding="utf-8") as file:
        fields = [int(field) * resource.getpagesize() for field in file.read().split()]
    for kind, limit in (
        (resource.RLIMIT_AS, fields[0] + memory_bytes),
        (resource.RLIMIT_DATA, fields[5] + memory_bytes),
        (resource.RLIMIT_STACK, MAX_STACK_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        ceiling = resource.getrlimit(kind)[1]
        lowered = limit if ceiling == resource.RLIM_INFINITY else min(limit, ceiling)
        resource.setrlimit(kind, (lowered, lowered))


def _restrict_with_landlock() -> None:
    """Restrict all rights that the kernel knows, and allow none of them."""
    abi = _libc.syscall(SYS_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), LANDLOCK_CREATE_RULESET_VERSION)
    if abi < 1:
        raise _unavailable("Landlock is not enabled in this kernel")
    files = max(rights for since, rights in LANDLOCK_FILE_RIGHTS.items() if since <= abi)
    attributes = struct.pack("=Q", files)
    attributes += struct.pack("=Q", LANDLOCK_NET_RIGHTS) if abi >= 4 else b""
    attributes += struct.pack("=Q", LANDLOCK_SCOPES) if abi >= 6 else b""

    ruleset = _libc.syscall(SYS_LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        raise _unavailable("create Landlock ruleset", errno=ctypes.get_errno())
    if _libc.syscall(SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0) != 0:
        raise _unavailable("enforce Landlock ruleset", errno=ctypes.get_errno())
    os.close(ruleset)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _restrict_with_seccomp(machine: str) -> None:
    instructions = build_filter(machine)
    program = _Program(len(instructions) // 8, instructions)
    if _libc.syscall(SYS_SECCOMP[machine], SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, ctypes.byref(program)):
        raise _unavailable("load seccomp filter", errno=ctypes.get_errno())


def _prctl(option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)
    if _libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero) != 0:
        raise _unavailable("call prctl", option=option, errno=ctypes.get_errno())


def _unavailable(message: str, **details: object) -> Retry:
    return Retry(Reason.SANDBOX_UNAVAILABLE, message, **details)
