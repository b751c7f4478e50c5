"""Hostile programs in the jail. Each must succeed outside it: otherwise its failure in the jail shows nothing."""

import os
import platform
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.sandbox.jailed import run_program

pytestmark = pytest.mark.sandbox

ON_X86 = platform.machine() == "x86_64"
SECRET = "the operator's key"

# Programs that must succeed unjailed and fail jailed. {file}, {port}, {socket}, {abstract}, {pid} are filled in.
ATTACKS = {
    "read_file": "def attack(): return open('{file}').read()",
    "read_passwd": "def attack(): return open('/etc/passwd').read()[:9]",
    "list_folder": "def attack(): return os.listdir('/')",
    "list_processes": "def attack(): return os.listdir('/proc')",
    "read_parent_environment": "def attack(): return open('/proc/{pid}/environ', 'rb').read()",
    "read_own_environment": "def attack(): return open('/proc/self/environ', 'rb').read()",
    "read_parent_memory_file": "def attack(): return open('/proc/{pid}/mem', 'rb')",
    "stat_file": "def attack(): return os.stat('{file}').st_size",
    "write_file": "def attack(): return open('{file}.new', 'w').write('x')",
    "delete_file": "def attack(): return os.remove('{file}.victim')",
    "make_folder": "def attack(): return os.mkdir('{file}.folder')",
    "symlink": "def attack(): return os.symlink('/etc/passwd', '{file}.link')",
    "memfd": "def attack(): return os.memfd_create('x')",
    "connect_tcp": "def attack(): return socket.create_connection(('127.0.0.1', {port}), 5)",
    "listen_tcp": "def attack():\n s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); return 1",
    "send_udp": "def attack():\n s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
    " return s.sendto(b'x', ('127.0.0.1', 9))",
    "connect_unix": "def attack(): return socket.socket(socket.AF_UNIX).connect('{socket}')",
    "connect_abstract_unix": "def attack(): return socket.socket(socket.AF_UNIX).connect('\\0{abstract}')",
    "netlink": "def attack(): return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)",
    "fork": "def attack():\n p = os.fork()\n if not p: os._exit(0)\n return p",
    "thread": "def attack():\n t = threading.Thread(target=int); t.start(); t.join(); return 1",
    "exec": "def attack(): return subprocess.run(['/bin/true'], check=True)",
    "exec_self": "def attack():\n os.set_inheritable(3, True)\n"
    " os.execv('/bin/sh', ['sh', '-c', 'printf \"achieved exec\" >&3'])",
    "signal_parent": "def attack(): return os.kill({pid}, 0)",
    "raise_limit": "def attack(): return resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))",
    "shellcode_page": "def attack(): return mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)",
    "make_page_executable": "def attack():\n m = mmap.mmap(-1, 4096)\n"
    " a = ctypes.addressof(ctypes.c_char.from_buffer(m))\n"
    " if libc.mprotect(ctypes.c_void_p(a), 4096, 5): raise OSError(ctypes.get_errno(), 'mprotect')\n return 1",
    "memory_bomb": "def attack():\n b = [bytearray(b'x' * (64 << 20)) for _ in range(12)]\n return len(b)",
    "anonymous_mapping_bomb": "def attack():\n m = [mmap.mmap(-1, 64 << 20) for _ in range(12)]\n return len(m)",
    "duplicate_descriptor": "def attack(): return os.dup(3)",
    "fcntl": "def attack(): return fcntl.fcntl(3, fcntl.F_GETFL)",
    "open_terminal": "def attack(): return os.open('/dev/null', os.O_RDWR)",
    "umask": "def attack(): return str(os.umask(0))",
    "change_folder": "def attack(): return os.chdir('/')",
    "unprivileged_identity": "def attack(): return os.getresuid()",
    "prctl": "def attack(): return libc.prctl(4, 1, 0, 0, 0) and 1 / 0",
}  # fmt: skip
X86_ATTACKS = {
    "raw_socket_call": "def attack(): return syscall(41, 2, 1, 0)",
    "ptrace_traceme": "def attack(): return syscall(101, 0, 0, 0, 0)",
    "io_uring": "def attack(): return syscall(425, 8, ctypes.create_string_buffer(120))",
    "inotify": "def attack(): return syscall(294, 0)",
    "eventfd": "def attack(): return syscall(290, 0, 0)",
    "pidfd_open": "def attack(): return syscall(434, {pid}, 0)",
    "process_vm_readv": "def attack():\n b = ctypes.create_string_buffer(b'secret00')\n"
    " o = ctypes.create_string_buffer(8)\n"
    " v = lambda x: struct.pack('QQ', ctypes.addressof(x), 8)\n return syscall(310, os.getpid(), v(o), 1, v(b), 1, 0)",
    "clone3_by_number": "def attack():\n a = struct.pack('8Q', 0, 0, 0, 0, signal.SIGCHLD, 0, 0, 0)\n"
    " p = syscall(435, ctypes.create_string_buffer(a), 64)\n"
    " if not p: os._exit(0)\n return p",
    "shared_memory": "def attack(): return syscall(29, 0, 4096, 0o1600)",
    "open_by_old_number": "def attack(): return syscall(2, b'/etc/passwd', 0)",
    "personality": "def attack(): return syscall(135, 0xffffffff)",
}  # fmt: skip
ALL_ATTACKS = ATTACKS | (X86_ATTACKS if ON_X86 else {})

# A kernel or container may refuse these even outside the jail, so they have no control run.
UNCONTROLLED = {
    "bpf": "def attack(): return syscall(321, 0, ctypes.create_string_buffer(72), 72)",
    "perf": "def attack(): return syscall(298, ctypes.create_string_buffer(128), 0, -1, -1, 0)",
    "userfaultfd": "def attack(): return syscall(323, 0x80001)",
    "keyring": "def attack(): return syscall(250, 0, -3, 1)",
    "new_user_namespace": "def attack(): return syscall(272, 0x10000000)",
    "mount": "def attack(): return syscall(165, b'none', b'/', b'tmpfs', 0, None)",
    "become_root": "def attack(): return syscall(105, 0)",
    "seize_parent": "def attack(): return syscall(101, 0x4206, {pid}, 0, 0)",
    "x32_read": "def attack(): return syscall(0x40000000 + 39)",
}


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    """Targets of the attacks: a secret file, a TCP server, Unix sockets, this process."""
    folder = tmp_path_factory.mktemp("targets")
    folder.chmod(0o777)
    (folder / "secret").write_text(SECRET)
    unix_path, abstract = folder / "socket", f"zarathustra-test-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(unix_path))
        unix.listen()
        with socket.socket(socket.AF_UNIX) as abstract_socket:
            abstract_socket.bind("\0" + abstract)
            abstract_socket.listen()
            yield {
                "file": folder / "secret",
                "port": server.getsockname()[1],
                "socket": unix_path,
                "abstract": abstract,
                "pid": os.getpid(),
            }


def fill(program: str, targets: dict[str, object]) -> str:
    for name, value in targets.items():
        program = program.replace("{" + name + "}", str(value))
    Path(f"{targets['file']}.victim").write_text("x")
    return program


@pytest.mark.parametrize("name", sorted(ALL_ATTACKS))
def test_attack__unjailed__succeeds(name: str, targets: dict[str, object]) -> None:
    assert run_program(fill(ALL_ATTACKS[name], targets), jailed=False).is_achieved


@pytest.mark.parametrize("name", sorted(ALL_ATTACKS))
def test_attack__jailed__is_stopped(name: str, targets: dict[str, object]) -> None:
    outcome = run_program(fill(ALL_ATTACKS[name], targets), jailed=True)
    assert outcome.report.startswith("stopped"), outcome  # the program had entered the jail
    assert Path(f"{targets['file']}.victim").exists()


@pytest.mark.skipif(not ON_X86, reason="system calls by x86-64 number")
@pytest.mark.parametrize("name", sorted(UNCONTROLLED))
def test_attack_on_the_kernel__jailed__is_stopped(name: str, targets: dict[str, object]) -> None:
    outcome = run_program(fill(UNCONTROLLED[name], targets), jailed=True)
    assert not outcome.is_achieved, outcome


def test_jail__honest_program__computes() -> None:
    program = "def attack(): return sum(x * x for x in range(10)) + len(bytearray(50 << 20)) + (time.time() > 0)"
    outcome = run_program(program, jailed=True)
    assert outcome.report == f"achieved {285 + (50 << 20) + 1}"


def test_jail__x32_call__kills_the_process() -> None:
    if not ON_X86:
        pytest.skip("x32 is an ABI of x86-64")
    assert run_program(UNCONTROLLED["x32_read"], jailed=True).returncode < 0


def test_jail__environment__is_what_was_given() -> None:
    program = "def attack(): return os.environ['OPERATOR_KEY']"
    assert run_program(program, jailed=False, environment={"OPERATOR_KEY": SECRET}).is_achieved
    assert not run_program(program, jailed=True).is_achieved


def test_jail__process_with_threads__refuses() -> None:
    program = """
gate = threading.Event()
threading.Thread(target=gate.wait, daemon=True).start()
def attack(): return 'jailed with a free thread'
"""
    outcome = run_program(program, jailed=True)
    assert (outcome.report, outcome.returncode) == ("", 1)


def test_jail__kernel_without_landlock__refuses() -> None:
    """Inside a jail the Landlock calls fail, as on a kernel without Landlock."""
    program = """
def attack():
    try:
        jail._restrict_with_landlock()
    except Exception as error:
        return str(error.reason.code)
"""
    outcome = run_program(program, jailed=True)
    assert outcome.report == "achieved sandbox_unavailable"


def test_jail__parent_is_gone__exits() -> None:
    outcome = run_program("jail.die_with(1 if os.getppid() != 1 else 2)\ndef attack(): return 1", jailed=True)
    assert (outcome.report, outcome.returncode) == ("", 1)
