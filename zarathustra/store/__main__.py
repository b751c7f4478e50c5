"""`python -m zarathustra.store --root DIR --listen 127.0.0.1:5001`: the embedded content store as a process."""

import argparse
import asyncio
import ipaddress
import signal
import sys
from pathlib import Path

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.store.embedded import serve
from zarathustra.telemetry.log import configure_logging, get_logger


def main() -> int:
    """Serve until SIGTERM or SIGINT. Exit status 2 when a setting is wrong."""
    parser = argparse.ArgumentParser(prog="python -m zarathustra.store", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="directory of blocks and pins; created if missing")
    parser.add_argument("--listen", default="127.0.0.1:5001", metavar="HOST:PORT", help="default: %(default)s")
    arguments = parser.parse_args()
    configure_logging("store")
    try:
        host, port = parse_listen(arguments.listen)
        asyncio.run(run(arguments.root, host, port))
    except (Invalid, OSError) as error:
        get_logger().error("Store cannot run", error=str(error))
        return 2
    return 0


async def run(root: Path, host: str, port: int) -> None:
    """Serve until a signal asks to stop; requests in flight get a few seconds."""
    logger = get_logger()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if not ipaddress.ip_address(host).is_loopback:
        logger.warning("Store listens beyond loopback: whoever reaches it can write", host=host)
    async with serve(root, host=host, port=port) as url:
        logger.info("Store serves", url=url, root=str(root))
        await stop.wait()
    logger.info("Store stopped")


def parse_listen(text: str) -> tuple[str, int]:
    """The address and port of `HOST:PORT`, IPv6 in brackets. Raises Invalid(BAD_SETTING)."""
    host, _colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        ipaddress.ip_address(host)
        number = int(port)
    except ValueError as error:
        raise Invalid(Reason.BAD_SETTING, "listen must be an IP address and a port", listen=text) from error
    if not 0 <= number <= 65535:
        raise Invalid(Reason.BAD_SETTING, "port is out of range", listen=text)
    return host, number


if __name__ == "__main__":
    sys.exit(main())
