"""The aggregator's settings, from the environment."""

from dataclasses import dataclass
from pathlib import Path

from zarathustra.core.aggregation.rules import Rules
from zarathustra.duty.operator import OperatorSettings


@dataclass(frozen=True, kw_only=True)
class Settings(OperatorSettings):
    data_dir: Path  # the table's local copy; losing it costs a recovery from the changelog, nothing else
    takeover_blocks: int = 10  # after which a certificate is posted out of turn
    collect_blocks: int = Rules.collect_blocks
    reissue_blocks: int = Rules.reissue_blocks
    forget_blocks: int = Rules.forget_blocks
    http_listen: str = "127.0.0.1:9103"

    @property
    def rules(self) -> Rules:
        return Rules(
            collect_blocks=self.collect_blocks,
            reissue_blocks=self.reissue_blocks,
            forget_blocks=self.forget_blocks,
        )
