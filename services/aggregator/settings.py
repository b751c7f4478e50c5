"""The aggregator's settings, from the environment."""

from dataclasses import dataclass
from pathlib import Path

from zarathustra.core.aggregation.rules import Rules
from zarathustra.duty.operator import OperatorSettings
from zarathustra.runtime.settings import setting


@dataclass(frozen=True, kw_only=True)
class Settings(OperatorSettings):
    data_dir: Path = setting("local copy of the table; losing it costs a recovery from the changelog, nothing else")
    takeover_blocks: int = setting("after how many blocks a certificate is posted out of turn", default=10)
    collect_blocks: int = setting(
        "how many blocks to wait for more votes beyond the quorum", default=Rules.collect_blocks
    )
    reissue_blocks: int = setting(
        "after how many blocks an open task's certificate is issued again", default=Rules.reissue_blocks
    )
    forget_blocks: int = setting(
        "after how many blocks the state of a final task is dropped", default=Rules.forget_blocks
    )
    http_listen: str = setting("address of `/livez`, `/readyz` and `/metrics`", default="127.0.0.1:9103")

    @property
    def rules(self) -> Rules:
        return Rules(
            collect_blocks=self.collect_blocks,
            reissue_blocks=self.reissue_blocks,
            forget_blocks=self.forget_blocks,
        )
