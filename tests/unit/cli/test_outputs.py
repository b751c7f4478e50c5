"""Files that are checked before anything is paid."""

from pathlib import Path

import click
import pytest

from tests.kit.chain.deployment import build_record
from zarathustra.chain.deployment import dump_record, load_record
from zarathustra.cli.administrator.deploy import Outputs
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.sdk.deployer import reserve_file
from zarathustra.sdk.network import NetworkFile, load_network_file, save_network

pytestmark = pytest.mark.unit

IPFS = "http://127.0.0.1:5001"


def list_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_reserve_file__written__whole_and_readable(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    with reserve_file(path) as write:
        assert not path.exists()
        write("text")
    assert path.read_text() == "text"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list_files(tmp_path) == ["file.json"]


def test_reserve_file__never_written__leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(LookupError), reserve_file(tmp_path / "file.json"):
        raise LookupError
    assert list_files(tmp_path) == []


def test_reserve_file__exists__is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text("kept")
    with pytest.raises(Invalid) as caught, reserve_file(path):
        pass
    assert caught.value.reason is Reason.BAD_SETTING
    with reserve_file(path, is_overwriting=True):
        pass
    assert path.read_text() == "kept"


def test_reserve_file__no_folder__is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught, reserve_file(tmp_path / "missing" / "file.json"):
        pass
    assert caught.value.reason is Reason.BAD_SETTING


@pytest.mark.parametrize("network, ipfs_api_url", [("network.json", None), (None, IPFS), ("deployment.json", IPFS)])
def test_outputs__contradiction__wrong_usage(network: str | None, ipfs_api_url: str | None) -> None:
    with pytest.raises(click.UsageError):
        Outputs(Path("deployment.json"), Path(network) if network else None, ("http://node",), ipfs_api_url)


# ---- network files


def test_load_network_file__names_a_deployment_file__relative_to_itself(tmp_path: Path) -> None:
    file = NetworkFile(("http://node",), IPFS, build_record())
    save_network(file, tmp_path / "whole.json")
    (tmp_path / "deployments").mkdir()
    with reserve_file(tmp_path / "deployments" / "test.json") as write:
        write((tmp_path / "whole.json").read_text())
    (tmp_path / "named.json").write_text(
        f'{{"rpc_urls": ["http://node"], "ipfs_api_url": "{IPFS}", "deployment": "deployments/test.json"}}'
    )
    with pytest.raises(Invalid) as caught:  # a network file is no deployment file
        load_network_file(tmp_path / "named.json")
    assert caught.value.details["path"] == tmp_path / "deployments" / "test.json"

    (tmp_path / "deployments" / "test.json").write_text(dump_record(file.record))
    assert load_network_file(tmp_path / "named.json") == file == load_network_file(tmp_path / "whole.json")
    assert load_record(tmp_path / "deployments" / "test.json") == file.record
