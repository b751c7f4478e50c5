"""`python -m devnet demo` runs f(x) = x² once; `python -m devnet up` keeps a network running."""

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Coroutine
from pathlib import Path

from rich.console import Console

from devnet.chain import ChainError
from devnet.chains import CHAINS, DEFAULT_CHAIN
from devnet.closing import print_closing, write_summary
from devnet.demo import MISBEHAVIOUR, run_demo
from devnet.memory import sample_memory
from devnet.network import run_devnet
from devnet.processes import ROOT
from devnet.progress import Progress
from devnet.stay import stay_up
from zarathustra.telemetry.log import configure_logging

RUNS = ROOT / ".devnet"


def main() -> int:
    """Run the command.

    Exit status: 0 when every expected outcome was read back, 1 otherwise, 2 without a chain, 130 after Ctrl-C.
    """
    parser = argparse.ArgumentParser(prog="python -m devnet", description=__doc__)
    parser.add_argument("command", choices=("demo", "up"))
    parser.add_argument("--directory", type=Path, help="folder of the run (default: a new one below .devnet/)")
    parser.add_argument("--chain", choices=CHAINS, default=DEFAULT_CHAIN, help=f"default: {DEFAULT_CHAIN}")
    arguments = parser.parse_args()
    console = Console()
    directory = create_directory(arguments.directory)
    configure_logging("devnet", stream=(directory / "devnet.log").open("w"))
    run = demo if arguments.command == "demo" else up
    try:
        return asyncio.run(until_signalled(run(directory, console, chain_name=arguments.chain)))
    except ChainError as error:
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("stopped; no process is left")
        return 130


async def demo(directory: Path, console: Console, *, chain_name: str) -> int:
    """Run the demo and print its closing tables."""
    progress = Progress(console)
    async with (
        sample_memory() as peak,
        run_devnet(directory, progress, misbehaviour=MISBEHAVIOUR, chain_name=chain_name) as devnet,
    ):
        outcomes = await run_demo(devnet, progress)
    write_summary(outcomes, progress, devnet, peak)
    print_closing(console, outcomes, progress, devnet, peak)
    remove_data(directory)
    return 0 if outcomes.is_success else 1


async def up(directory: Path, console: Console, *, chain_name: str) -> int:
    """Keep a network running until stopped."""
    async with run_devnet(directory, Progress(console), chain_name=chain_name) as devnet:
        await stay_up(devnet, console)
    return 0


async def until_signalled(command: Coroutine[object, object, int]) -> int:
    """Run `command`; SIGINT and SIGTERM cancel it, so that everything it started is stopped in order."""
    task = asyncio.ensure_future(command)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, task.cancel)
    return await task


def create_directory(chosen: Path | None) -> Path:
    """Create a new directory for this run."""
    directory = chosen or RUNS / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    directory.mkdir(parents=True)
    return directory.resolve()


def remove_data(directory: Path) -> None:
    """Delete the data that only the running network needed. Logs, reports and summary stay."""
    with contextlib.suppress(OSError):
        shutil.rmtree(directory / "kafka")


if __name__ == "__main__":
    sys.exit(main())
