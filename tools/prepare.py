"""Install everything the demo and the tests need, on a machine that has Python ≥ 3.11 and nothing else.

Runs on the system's Python with the standard library only:

    .venv  ◀ uv ◀ locks/python.txt ─┬─ locks/torch.txt          (evaluation, training)
                                    ├─ contracts/node_modules   (anvil, forge, cast, solc; Node itself is a wheel)
                                    ├─ examples/by-abi/node_modules   (viem, for the example and its test)
                                    └─ .cache/kafka             (Apache Kafka's jars; Java itself is a wheel)

Every package is locked by hash. A second run does nothing unless a lock file changed.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache"
VENV = ROOT / ".venv"
BIN = VENV / "bin"
STAMP = CACHE / "prepared"
LOG = CACHE / "prepare.log"

MIN_PYTHON = (3, 11)
# torch's build differs per platform: name another lock file to install, say, a CPU-only build.
TORCH_LOCK = Path(os.environ.get("TORCH_LOCK", ROOT / "locks" / "torch.txt"))
LOCKS = (
    ROOT / "locks" / "uv.txt",
    ROOT / "locks" / "python.txt",
    TORCH_LOCK,
    ROOT / "pyproject.toml",
    ROOT / "contracts" / "package-lock.json",
    ROOT / "examples" / "by-abi" / "package-lock.json",
    ROOT / "devnet" / "kafka-jars.lock.toml",
)


def main() -> None:
    if sys.version_info < MIN_PYTHON:
        sys.exit(
            f"prepare: Python {MIN_PYTHON[0]}.{MIN_PYTHON[1]} or newer is needed, this is {sys.version.split()[0]}"
        )
    CACHE.mkdir(exist_ok=True)
    with exclusive_lock(CACHE / "prepare.lock"):
        if STAMP.exists() and STAMP.read_text() == fingerprint():
            return
        STAMP.unlink(missing_ok=True)
        LOG.write_text("")
        prepare()
        STAMP.write_text(fingerprint())


def prepare() -> None:
    """Install in the order the packages need each other; what is independent runs side by side."""
    started = time.monotonic()
    run_steps(started, [("Virtual environment and uv", install_uv)])
    run_steps(started, [("Python packages, Node and Java", install_python)])
    run_steps(
        started,
        [
            ("torch", install_torch),
            ("Foundry, solc and viem", install_node_modules),
            ("Apache Kafka's jars", fetch_kafka_jars),
        ],
    )


def install_uv() -> None:
    if not (BIN / "pip").exists():
        venv.create(VENV, with_pip=True, clear=True)  # one that somebody else made otherwise may lack anything
    run([BIN / "python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", ROOT / "locks" / "uv.txt"])


def install_python() -> None:
    install_locked(ROOT / "locks" / "python.txt")
    # hatchling itself is in the lock: without isolation nothing unlocked is fetched.
    uv_install("--no-deps", "--no-build-isolation", "--editable", ROOT)


def install_torch() -> None:
    install_locked(TORCH_LOCK)


def install_node_modules() -> None:
    # npm runs `node` from the PATH; scripts are refused because no package here needs one.
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    options = ("--ignore-scripts", "--no-audit", "--no-fund")
    run([BIN / "npm", "ci", "--prefix", ROOT / "contracts", *options], environment)
    run([BIN / "npm", "ci", "--prefix", ROOT / "examples" / "by-abi", "--omit=peer", *options], environment)


def fetch_kafka_jars() -> None:
    run([BIN / "python", "-m", "devnet.kafka_jars", "fetch"])


def install_locked(lock: Path) -> None:
    uv_install("--require-hashes", "-r", lock)


def uv_install(*arguments: str | Path) -> None:
    run([BIN / "uv", "pip", "install", "--quiet", "--python", BIN / "python", *arguments])


# ---- how steps run


Step = tuple[str, Callable[[], None]]


def run_steps(started: float, steps: Sequence[Step]) -> None:
    """Run steps side by side and say how long each took; the first failure ends the run with its log."""
    for name, _ in steps:
        print(f"[{time.monotonic() - started:5.1f} s] {name} …", flush=True)
    with ThreadPoolExecutor(len(steps)) as pool:
        futures = [(name, pool.submit(timed, step)) for name, step in steps]
        for name, future in futures:
            try:
                print(f"[{time.monotonic() - started:5.1f} s] {name}: ready after {future.result():.1f} s", flush=True)
            except subprocess.CalledProcessError as error:
                print(LOG.read_text()[-4000:], file=sys.stderr)
                sys.exit(f"prepare: {name} failed ({error}); the whole log is {LOG}")


def timed(step: Callable[[], None]) -> float:
    started = time.monotonic()
    step()
    return time.monotonic() - started


def run(command: Sequence[str | Path], environment: dict[str, str] | None = None) -> None:
    """Run a command in the repository, its output to the log. Raises CalledProcessError."""
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(map(str, command))}\n")
        log.flush()
        subprocess.run(list(map(str, command)), check=True, cwd=ROOT, env=environment, stdout=log, stderr=log)


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """One preparation at a time: two demos may start together."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fingerprint() -> str:
    """A hash of everything that decides what gets installed."""
    digest = hashlib.sha256(sys.version.encode())
    for lock in LOCKS:
        digest.update(lock.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    main()
