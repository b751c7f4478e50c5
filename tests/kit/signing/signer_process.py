"""A signer in a process of its own, to be killed: `python -m tests.kit.signing.signer_process MODE LOG`.

`hold`        opens the log, prints "ready" and waits.
`stuck`       records an approval of evaluation 1, prints "signing" just before the signature is made, and waits there.
"""

import asyncio
import sys
from pathlib import Path

from tests.kit.signing.values import INPUT_HASH, make_signer, make_vote, open_log
from zarathustra.core.types import BlsSignature, Digest
from zarathustra.signing.bls_fast import FastBls
from zarathustra.signing.keys import BlsSecretKey


class StuckBls(FastBls):
    """Waits between the record in the vote log and the signature."""

    def sign(self, secret: BlsSecretKey, digest: Digest) -> BlsSignature:
        announce_and_wait("signing")
        return super().sign(secret, digest)


def announce_and_wait(word: str) -> None:
    """Tell the parent `word`, then block until it kills this process or closes its input."""
    sys.stdout.write(word + "\n")
    sys.stdout.flush()
    sys.stdin.read()


def main(mode: str, path: Path) -> None:
    log = open_log(path)
    if mode == "hold":
        announce_and_wait("ready")
    if mode == "stuck":
        asyncio.run(make_signer(log, StuckBls()).sign_vote(make_vote(evaluation=1), INPUT_HASH))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
