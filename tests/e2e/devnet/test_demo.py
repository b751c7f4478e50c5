"""All services as users run them: as processes, on real parts, some killed during the run."""

import json
import signal
from pathlib import Path

import pytest

from devnet.geth import BINARY_VARIABLE
from tests.kit.chain.geth import skip_without_geth
from tests.kit.demo import start_demo, wait_until_gone

pytestmark = pytest.mark.e2e

START_SECONDS = 600.0  # three gates side by side on two cores need 250
RUN_SECONDS = 300.0


async def test_demo__services_killed_in_the_middle__every_outcome_is_still_read_back(tmp_path: Path) -> None:
    async with start_demo("demo", tmp_path / "run") as demo:
        await demo.read_until("✔ Contributor 1 trains", timeout_s=START_SECONDS)
        family = demo.get_family()
        for module in ("services.aggregator", "services.validator", "devnet.liars.performer"):
            demo.find_child(module).send_signal(signal.SIGKILL)
        status = await demo.read_to_end(timeout_s=RUN_SECONDS)

        summary = json.loads((demo.directory / "summary.json").read_text())
        assert status == 0, "\n".join(demo.lines)
        assert summary["success"]
        assert all(summary["expectations"].values())
        assert len(summary["expectations"]) >= 12
        assert sum(summary["restarts"].values()) == 3
        assert {name: found["outcome"] for name, found in summary["submissions"].items()} == {
            "1": "IMPROVED",
            "2": "WORSE",
            "3": "NOT_IMPROVED",
        }
        assert summary["memory"]["peak_pss_bytes"] < 3 * 2**30
        assert await wait_until_gone(family) == []


async def test_demo__on_geth__every_outcome_is_read_back(tmp_path: Path) -> None:
    skip_without_geth()
    async with start_demo("demo", tmp_path / "run", "--chain", "geth") as demo:
        await demo.read_until("✔ Services", timeout_s=START_SECONDS)
        family = demo.get_family()
        assert await demo.read_to_end(timeout_s=RUN_SECONDS) == 0, "\n".join(demo.lines)
        summary = json.loads((demo.directory / "summary.json").read_text())
        assert summary["success"]
        assert all(summary["expectations"].values())
        assert await wait_until_gone(family) == []


async def test_demo__geth_is_not_installed__says_how_to_get_it(tmp_path: Path) -> None:
    nothing = {BINARY_VARIABLE: str(tmp_path / "geth")}
    async with start_demo("demo", tmp_path / "run", "--chain", "geth", environment=nothing) as demo:
        assert await demo.read_to_end(timeout_s=START_SECONDS) == 2
        assert "go install" in demo.lines[-2]


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
async def test_devnet__stopped_or_killed__leaves_no_process_behind(
    tmp_path: Path, sent: signal.Signals, status: int
) -> None:
    async with start_demo("up", tmp_path / "run") as demo:
        await demo.read_until("✔ Services", timeout_s=START_SECONDS)
        family = demo.get_family()
        assert len(family) >= 14
        demo.process.send_signal(sent)
        assert await demo.read_to_end(timeout_s=60.0) == status
        assert await wait_until_gone(family) == []


async def test_devnet__second_run_beside_the_first__picks_other_ports(tmp_path: Path) -> None:
    async with start_demo("up", tmp_path / "one") as first:
        await first.read_until("✔ Chain", timeout_s=START_SECONDS)
        async with start_demo("up", tmp_path / "two") as second:
            await second.read_until("✔ Chain", timeout_s=START_SECONDS)
            networks = [json.loads((demo.directory / "deployment.json").read_text()) for demo in (first, second)]
            assert networks[0]["chain_id"] == networks[1]["chain_id"]
            assert first.process.returncode is None
            files = [json.loads((demo.directory / "network.json").read_text()) for demo in (first, second)]
            assert files[0]["rpc_urls"] != files[1]["rpc_urls"]
            assert files[0]["ipfs_api_url"] != files[1]["ipfs_api_url"]
