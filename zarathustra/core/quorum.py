"""When stake decides, in integers: no division, no rounding, the same formula as AttestationCenter's."""

from zarathustra.core.types import Bps, Wei

BPS = 10_000


def is_approved(*, signed: Wei, total: Wei, quorum_bps: Bps) -> bool:
    """Whether strictly more than the quorum approved; "over 66 %" at 6,600."""
    return signed * BPS > total * quorum_bps


def is_rejected(*, rejected: Wei, total: Wei, quorum_bps: Bps) -> bool:
    """Whether so much stake rejected that approval has become impossible; never true together with approval."""
    return rejected > 0 and rejected * BPS >= total * (BPS - quorum_bps)
