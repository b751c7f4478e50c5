"""The contracts' addresses in tests without contracts."""

from typing import Final

from zarathustra.chain.port import Deployment
from zarathustra.core.digests import Domain
from zarathustra.core.types import Address, BlockNumber

DEPLOYMENT: Final = Deployment(
    chain_id=31_337,
    administration=Address(b"\x05" * 20),
    governance=Address(b"\x01" * 20),
    attestation_center=Address(b"\x02" * 20),
    avs_logic=Address(b"\x03" * 20),
    model_submission=Address(b"\x04" * 20),
    deployed_at=BlockNumber(0),
)
DOMAIN: Final = Domain(DEPLOYMENT.chain_id, DEPLOYMENT.attestation_center)
