"""Fetch the broker's jars: only the locked bytes are accepted. The repository is a loopback server."""

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from devnet.kafka_jars import KAFKA_VERSION, KafkaSetupError, fetch_jars, main, read_lock

pytestmark = pytest.mark.bus

JAR = b"PK not really a jar"
PATH = Path("org/example/thing/1.0/thing-1.0.jar")


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it so)
        """Log nothing."""


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder with one jar, and the address that serves it."""
    folder = tmp_path / "repository"
    (folder / PATH).parent.mkdir(parents=True)
    (folder / PATH).write_bytes(JAR)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    path = tmp_path / "lock.toml"
    sha256 = hashlib.sha256(JAR).hexdigest()
    path.write_text(
        '[[dependencies]]\ngroupId = "org.example"\nartifactId = "thing"\nversion = "1.0"\n'
        f'packaging = "jar"\nsha256 = "{sha256}"\n'
    )
    return path


def test_fetch__jar_is_missing__is_downloaded_once(
    repository: tuple[Path, str], lock_file: Path, tmp_path: Path
) -> None:
    folder, address = repository
    fetch = partial(fetch_jars, tmp_path / "cache", lock_file=lock_file, repositories={"local": address})

    [jar] = fetch()
    (folder / PATH).unlink()  # the second time must not need it
    assert fetch() == [jar]

    assert jar.read_bytes() == JAR


def test_fetch__jar_was_cut_off__is_downloaded_again(
    repository: tuple[Path, str], lock_file: Path, tmp_path: Path
) -> None:
    _, address = repository
    cut = tmp_path / "cache" / "m2" / PATH
    cut.parent.mkdir(parents=True)
    cut.write_bytes(JAR[:5])

    fetch_jars(tmp_path / "cache", lock_file=lock_file, repositories={"local": address})

    assert cut.read_bytes() == JAR


def test_fetch__repository_serves_another_jar__is_refused_and_not_kept(
    repository: tuple[Path, str], lock_file: Path, tmp_path: Path
) -> None:
    folder, address = repository
    (folder / PATH).write_bytes(b"something else")

    with pytest.raises(KafkaSetupError, match=r"thing-1.0.jar is not the locked jar"):
        fetch_jars(tmp_path / "cache", lock_file=lock_file, repositories={"local": address})

    assert not list((tmp_path / "cache").rglob("*.jar"))


def test_lock__our_file__names_kafka_and_a_hash_for_every_jar() -> None:
    jars = read_lock()

    kafka = {jar.version for jar in jars if jar.group == "org.apache.kafka"}
    assert kafka == {KAFKA_VERSION}
    assert all(len(bytes.fromhex(jar.sha256)) == 32 for jar in jars)


def test_main__unknown_command__says_how_to_call_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explode"]) == 2
    assert "usage" in capsys.readouterr().err
