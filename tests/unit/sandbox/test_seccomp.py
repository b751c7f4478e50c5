"""The seccomp program in an interpreter, so that the architectures of other machines are tested too."""

import errno
import struct

import pytest

from zarathustra.sandbox.seccomp import (
    ALLOW,
    AUDIT_ARCH,
    ERRNO,
    EXECUTABLE_MAPPERS,
    KILL,
    SYSTEM_CALLS,
    X32_BIT,
    build_filter,
)

pytestmark = pytest.mark.unit

REFUSED = ERRNO | errno.EPERM
MACHINES = sorted(AUDIT_ARCH)


def run_filter(machine: str, number: int, *, arch: int | None = None, prot: int = 0) -> int:
    """Return the kernel's verdict on a call: a small interpreter of the five instructions that the filter uses."""
    data = struct.pack("<IIQ6Q", number, AUDIT_ARCH[machine] if arch is None else arch, 0, 0, 0, prot, 0, 0, 0)
    program = list(struct.iter_unpack("=HBBI", build_filter(machine)))
    accumulator = position = 0
    while True:
        code, if_true, if_false, operand = program[position]
        position += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, operand)
            case 0x15:
                position += if_true if accumulator == operand else if_false
            case 0x35:
                position += if_true if accumulator >= operand else if_false
            case 0x54:
                accumulator &= operand
            case 0x06:
                return int(operand)
            case _:
                raise AssertionError(f"unknown instruction {code:#x}")


@pytest.mark.parametrize("machine", MACHINES)
def test_filter__every_number__only_the_listed_pass(machine: str) -> None:
    allowed = {number for number in range(600) if run_filter(machine, number) == ALLOW}
    assert allowed == set(SYSTEM_CALLS[machine].values())
    assert all(run_filter(machine, number) == REFUSED for number in set(range(600)) - allowed)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", sorted(EXECUTABLE_MAPPERS))
@pytest.mark.parametrize(("prot", "verdict"), [(1, ALLOW), (3, ALLOW), (4, REFUSED), (5, REFUSED), (7, REFUSED)])
def test_filter__memory_mapping__is_never_executable(machine: str, name: str, prot: int, verdict: int) -> None:
    assert run_filter(machine, SYSTEM_CALLS[machine][name], prot=prot) == verdict


@pytest.mark.parametrize("machine", MACHINES)
def test_filter__another_architecture__kills(machine: str) -> None:
    others = {AUDIT_ARCH[other] for other in MACHINES if other != machine} | {0x40000003}  # i386
    assert all(run_filter(machine, 0, arch=arch) == KILL for arch in others)


def test_filter__x32_number__kills() -> None:
    assert run_filter("x86_64", X32_BIT + 1) == KILL


@pytest.mark.parametrize("machine", MACHINES)
def test_table__dangerous_calls__are_not_in_it(machine: str) -> None:
    forbidden = {"open", "openat", "socket", "connect", "clone", "clone3", "fork", "execve", "ptrace", "ioctl", "prctl"}
    assert not forbidden & set(SYSTEM_CALLS[machine])
