"""The system calls that a jailed worker may make, as a BPF program. All others fail with EPERM; another ABI is fatal.

The worker can compute, allocate, wait, and use descriptors that are already open. It cannot open a file, create a
socket, start a process or a thread, map executable memory or change a limit.
"""

import errno
import platform
import struct
from collections.abc import Iterable, Mapping

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# Numbers from the kernel's stable ABI. aarch64 has no `poll`: its libc calls `ppoll`.
SYSTEM_CALLS: Mapping[str, Mapping[str, int]] = {
    "x86_64": {
        "read": 0, "write": 1, "close": 3, "fstat": 5, "poll": 7, "lseek": 8, "mmap": 9, "mprotect": 10, "munmap": 11,
        "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "readv": 19, "writev": 20,
        "sched_yield": 24, "mremap": 25, "madvise": 28, "nanosleep": 35, "getpid": 39, "exit": 60, "getrusage": 98,
        "sigaltstack": 131, "gettid": 186, "futex": 202, "sched_getaffinity": 204, "restart_syscall": 219,
        "clock_gettime": 228, "clock_nanosleep": 230, "exit_group": 231, "set_robust_list": 273, "getrandom": 318,
        "rseq": 334,
    },
    "aarch64": {
        "read": 63, "write": 64, "close": 57, "fstat": 80, "ppoll": 73, "lseek": 62, "mmap": 222, "mprotect": 226,
        "munmap": 215, "brk": 214, "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139, "readv": 65,
        "writev": 66, "sched_yield": 124, "mremap": 216, "madvise": 233, "nanosleep": 101, "getpid": 172, "exit": 93,
        "getrusage": 165, "sigaltstack": 132, "gettid": 178, "futex": 98, "sched_getaffinity": 123,
        "restart_syscall": 128, "clock_gettime": 113, "clock_nanosleep": 115, "exit_group": 94, "set_robust_list": 99,
        "getrandom": 278, "rseq": 293,
    },
}  # fmt: skip
EXECUTABLE_MAPPERS = frozenset({"mmap", "mprotect"})  # allowed, but never with PROT_EXEC: no shellcode
PROT_EXEC = 4
X32_BIT = 0x40000000  # the x32 ABI reaches the same kernel code with other numbers

# struct seccomp_data: nr u32 | arch u32 | instruction_pointer u64 | args 6 × u64
OFFSET_NUMBER, OFFSET_ARCH, OFFSET_PROT = 0, 4, 32  # args[2]; on little-endian machines its low half is first
LOAD, JUMP_EQUAL, JUMP_GREATER_EQUAL, AND, RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
REFUSE = ERRNO | errno.EPERM

Instruction = tuple[int, int, int, int]  # code, skip if true, skip if false, operand


def build_filter(machine: str = platform.machine()) -> bytes:
    """Build the BPF program for `machine`, as the kernel takes it. Raises KeyError for an unknown architecture."""
    program: list[Instruction] = [
        (LOAD, 0, 0, OFFSET_ARCH),
        (JUMP_EQUAL, 1, 0, AUDIT_ARCH[machine]),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, OFFSET_NUMBER),
    ]
    if machine == "x86_64":
        program += [(JUMP_GREATER_EQUAL, 0, 1, X32_BIT), (RETURN, 0, 0, KILL)]
    for name, number in SYSTEM_CALLS[machine].items():
        program += _allow_unless_executable(number) if name in EXECUTABLE_MAPPERS else _allow(number)
    program.append((RETURN, 0, 0, REFUSE))
    return _encode(program)


def _allow(number: int) -> list[Instruction]:
    return [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]


def _allow_unless_executable(number: int) -> list[Instruction]:
    """Both branches return, because `LOAD` overwrites the system call's number."""
    return [
        (JUMP_EQUAL, 0, 5, number),
        (LOAD, 0, 0, OFFSET_PROT),
        (AND, 0, 0, PROT_EXEC),
        (JUMP_EQUAL, 1, 0, 0),
        (RETURN, 0, 0, REFUSE),
        (RETURN, 0, 0, ALLOW),
    ]


def _encode(program: Iterable[Instruction]) -> bytes:
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
