"""The chains that a development network can run on, by name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from devnet.anvil import Anvil
from devnet.chain import DevelopmentChain
from devnet.geth import Geth

BLOCK_TIME_S: Final = 1
DEFAULT_CHAIN: Final = "anvil"

CHAINS: Final[Mapping[str, Callable[[Path], DevelopmentChain]]] = MappingProxyType(
    {
        "anvil": lambda logs: Anvil(block_time_s=BLOCK_TIME_S, log_file=logs / "anvil.log"),
        "geth": lambda logs: Geth(block_time_s=BLOCK_TIME_S, log_file=logs / "geth.log"),
    }
)


def build_chain(name: str, logs: Path) -> DevelopmentChain:
    """Return the chain, not started yet. Its log goes to the folder `logs`."""
    return CHAINS[name](logs)
