"""The stake that decides a vote, in integers without division or rounding: the formulas of AttestationCenter."""

from zarathustra.core.types import Bps, Wei

BPS = 10_000


def is_approved(*, signed: Wei, total: Wei, quorum_bps: Bps) -> bool:
    """Return whether strictly more stake than the quorum approved: "more than 66 %" at 6,600."""
    return signed * BPS > total * quorum_bps


def is_rejected(*, rejected: Wei, total: Wei, quorum_bps: Bps) -> bool:
    """Return whether enough stake rejected to make approval impossible. Never true together with approval."""
    return rejected > 0 and rejected * BPS >= total * (BPS - quorum_bps)
