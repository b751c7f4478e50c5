"""Install everything the demo and the tests need, on a machine that has Python ≥ 3.11 and nothing else.

Runs on the system's Python with the standard library only:

    .venv  ◀ uv ◀ locks/python.txt ─┬─ locks/torch.txt          (evaluation, training)
                                    ├─ contracts/node_modules   (anvil, cast, forge; Node itself is a wheel)
                                    ├─ examples/by-abi/node_modules   (viem, for the example and its test)
                                    └─ .cache/kafka             (Apache Kafka's jars; Java itself is a wheel)

With `--checks` also what only the checks and developers need:

                                    ├─ .cache/slither           (in an environment of its own: it pins other versions)
                                    └─ contracts/node_modules   (the devDependencies: solc, OpenZeppelin, buf, solhint)

Every package is locked by hash. A second run does nothing unless a lock file changed.
"""

import argparse
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
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache"
VENV = ROOT / ".venv"
BIN = VENV / "bin"
STAMP = CACHE / "prepared"
CHECKS_STAMP = CACHE / "prepared-checks"
SLITHER = CACHE / "slither"
LOG = CACHE / "prepare.log"

MIN_PYTHON = (3, 11)
# torch's build differs per platform: name another lock file to install, say, a CPU-only build.
TORCH_LOCK = Path(os.environ.get("TORCH_LOCK", ROOT / "locks" / "torch.txt"))
LOCKS = (
    ROOT / "locks" / "uv.txt",
    ROOT / "locks" / "python.txt",
    TORCH_LOCK,
    ROOT / "locks" / "slither.txt",
    ROOT / "pyproject.toml",
    ROOT / "contracts" / "package-lock.json",
    ROOT / "examples" / "by-abi" / "package-lock.json",
    ROOT / "devnet" / "kafka-jars.lock.toml",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="tools/prepare.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--checks", action="store_true", help="also what only the checks need")
    for_checks = parser.parse_args().checks
    if sys.version_info < MIN_PYTHON:
        sys.exit(
            f"prepare: Python {MIN_PYTHON[0]}.{MIN_PYTHON[1]} or newer is needed, this is {sys.version.split()[0]}"
        )
    CACHE.mkdir(exist_ok=True)
    with exclusive_lock(CACHE / "prepare.lock"):
        stamps = [STAMP, CHECKS_STAMP] if for_checks else [STAMP]
        if all(stamp.exists() and stamp.read_text() == fingerprint() for stamp in stamps):
            return
        for stamp in (STAMP, CHECKS_STAMP):  # npm removes what is for the checks alone when they are not asked for
            stamp.unlink(missing_ok=True)
        LOG.write_text("")
        prepare(for_checks)
        for stamp in stamps:
            stamp.write_text(fingerprint())


def prepare(for_checks: bool) -> None:
    """Install in the order the packages need each other; what is independent runs side by side."""
    started = time.monotonic()
    run_steps(started, [("Virtual environment and uv", install_uv)])
    run_steps(started, [("Python packages, Node and Java", install_python)])
    contracts = "Foundry, solc, linters and viem" if for_checks else "Foundry and viem"
    run_steps(
        started,
        [
            ("torch", install_torch),
            (contracts, partial(install_node_modules, for_checks)),
            ("Apache Kafka's jars", fetch_kafka_jars),
            *([("slither", install_slither)] if for_checks else []),
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


def install_node_modules(for_checks: bool) -> None:
    # npm runs `node` from the PATH; scripts are refused because no package here needs one.
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    options = ("--ignore-scripts", "--no-audit", "--no-fund")
    omitted = () if for_checks else ("--omit=dev",)
    run([BIN / "npm", "ci", "--prefix", ROOT / "contracts", *omitted, *options], environment)
    run([BIN / "npm", "ci", "--prefix", ROOT / "examples" / "by-abi", "--omit=peer", *options], environment)


def fetch_kafka_jars() -> None:
    run([BIN / "python", "-m", "devnet.kafka_jars", "fetch"])


def install_slither() -> None:
    run([BIN / "uv", "venv", "--quiet", "--clear", "--python", BIN / "python", SLITHER])
    install_locked(ROOT / "locks" / "slither.txt", SLITHER)


def install_locked(lock: Path, environment: Path = VENV) -> None:
    uv_install("--require-hashes", "-r", lock, environment=environment)


def uv_install(*arguments: str | Path, environment: Path = VENV) -> None:
    run([BIN / "uv", "pip", "install", "--quiet", "--python", environment / "bin" / "python", *arguments])


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
