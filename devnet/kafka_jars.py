"""Apache Kafka's jars, fetched through jgo and each checked against the sha256 in `kafka-jars.lock.toml`.

python -m devnet.kafka_jars fetch [CACHE_DIR]    for preparation: quick when all jars are there
python -m devnet.kafka_jars lock                 write the lock file again, after a change of COORDINATES
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

KAFKA_VERSION: Final = "4.1.2"
LOG4J_VERSION: Final = "2.24.3"  # the one that Kafka 4.1 is released with
COORDINATES: Final = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    # Named here, because jgo 3.2 otherwise takes the older kafka-clients of a managed dependency.
    f"org.apache.kafka:kafka-clients:{KAFKA_VERSION}",
    # The broker calls log4j-core directly and logs through slf4j 1.7.
    f"org.apache.logging.log4j:log4j-slf4j-impl:{LOG4J_VERSION}",
    f"org.apache.logging.log4j:log4j-core:{LOG4J_VERSION}",
)
LOCK_FILE: Final = Path(__file__).with_name("kafka-jars.lock.toml")
DEFAULT_CACHE_DIR: Final = Path(__file__).resolve().parent.parent / ".cache" / "kafka"

DOWNLOADS_AT_ONCE: Final = 8


class KafkaSetupError(Exception):
    """The broker cannot be prepared or started; the message says what to look at."""


@dataclass(frozen=True)
class LockedJar:
    group: str
    artifact: str
    version: str
    sha256: str


def read_lock(lock_file: Path = LOCK_FILE) -> list[LockedJar]:
    """Return the jars of the lock file. Raises KeyError when one has no sha256."""
    entries = tomllib.loads(lock_file.read_text(encoding="utf-8"))["dependencies"]
    return [LockedJar(e["groupId"], e["artifactId"], e["version"], e["sha256"]) for e in entries]


def fetch_jars(
    cache_dir: Path = DEFAULT_CACHE_DIR,
    *,
    lock_file: Path = LOCK_FILE,
    repositories: Mapping[str, str] | None = None,
) -> list[Path]:
    """Return the paths of all jars. Downloads missing ones and checks each against the lock file.

    Idempotent, and safe when several processes share `cache_dir`. `repositories` (name → address) defaults to
    jgo's own settings. Raises KafkaSetupError on a jar that is not the locked one.
    """
    cache_dir.mkdir(parents=True, exist_ok=True)
    with _locked(cache_dir / "fetch.lock"), ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        context = _build_maven_context(cache_dir / "m2", repositories)
        return list(pool.map(lambda jar: _fetch_jar(context, jar), read_lock(lock_file)))


def write_lock(lock_file: Path = LOCK_FILE) -> None:
    """Resolve COORDINATES again and write the lock file, which contains no address of a repository."""
    quoted = ", ".join(f'"{coordinate}"' for coordinate in COORDINATES)
    jgo = Path(sys.executable).with_name("jgo")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "jgo.toml").write_text(
            f'[environment]\nname = "kafka"\n\n[dependencies]\ncoordinates = [{quoted}]\n', encoding="utf-8"
        )
        command = [str(jgo), "--resolver", "python", "--class-path-only", "lock"]
        subprocess.run(command, cwd=folder, check=True)
        shutil.copyfile(Path(folder, "jgo.lock.toml"), lock_file)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_maven_context(cache: Path, repositories: Mapping[str, str] | None) -> Any:
    """Build jgo's context on our own cache. Repositories of the user's jgo settings come before jgo's default."""
    from jgo.config import GlobalSettings  # imported here, because not every caller fetches
    from jgo.maven import MavenContext

    if repositories is None:
        repositories = {**GlobalSettings.load().repositories, **MavenContext().remote_repos}
    return MavenContext(repo_cache=cache, remote_repos=dict(repositories))


def _fetch_jar(context: Any, jar: LockedJar) -> Path:
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact(packaging="jar")
    path: Path = artifact.cached_path
    if path.exists() and _hash_file(path) != jar.sha256:
        path.unlink()  # an interrupted download

    artifact.resolve()
    found = _hash_file(path)
    if found != jar.sha256:
        path.unlink()
        raise KafkaSetupError(f"{path.name} is not the locked jar: sha256 {found}, expected {jar.sha256}")
    return path


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(arguments: Sequence[str]) -> int:
    """Run `fetch [CACHE_DIR]` or `lock`. Return the exit status."""
    match arguments:
        case ["fetch"]:
            jars = fetch_jars()
        case ["fetch", cache_dir]:
            jars = fetch_jars(Path(cache_dir))
        case ["lock"]:
            write_lock()
            jars = fetch_jars()
        case _:
            print("usage: python -m devnet.kafka_jars fetch [CACHE_DIR] | lock", file=sys.stderr)
            return 2
    print(f"Kafka {KAFKA_VERSION}: {len(jars)} jars verified")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
