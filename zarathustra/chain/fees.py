"""EIP-1559 fees, and how much more a replacement pays."""

from dataclasses import dataclass
from typing import Final

from zarathustra.core.types import Wei

BUMP_NUMERATOR: Final = 9  # + 12.5 %: nodes refuse a replacement that pays less than 10 % more
BUMP_DENOMINATOR: Final = 8


@dataclass(frozen=True)
class Fees:
    """EIP-1559 fees, per gas."""

    max_fee: Wei
    priority_fee: Wei

    def bumped(self) -> "Fees":
        """Return both fees raised by 12.5 %, rounded up."""
        return Fees(_bump(self.max_fee), _bump(self.priority_fee))

    def raised_to(self, other: "Fees") -> "Fees":
        """Return the higher one of each fee."""
        return Fees(Wei(max(self.max_fee, other.max_fee)), Wei(max(self.priority_fee, other.priority_fee)))

    def capped(self, limit: Wei) -> "Fees":
        """Return the fees with neither above the limit."""
        max_fee = Wei(min(self.max_fee, limit))
        return Fees(max_fee, Wei(min(self.priority_fee, max_fee)))


def _bump(fee: Wei) -> Wei:
    return Wei(-(-fee * BUMP_NUMERATOR // BUMP_DENOMINATOR))
