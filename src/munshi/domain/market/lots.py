"""Contract lot sizes by the contract's expiry, because two sizes trade side by side."""

from dataclasses import dataclass
from datetime import date
from functools import cache

from munshi.domain.market.packaged_data import rows
from munshi.errors import MarketFactUnknownError


@dataclass(frozen=True, slots=True, kw_only=True)
class LotSizeRow:
    """The lot of contracts that expire from `first_expiry` to `last_expiry` (None: open)."""

    underlying: str
    lot_size: int
    first_expiry: date
    last_expiry: date | None


def lot_size(underlying: str, expiry: date) -> int:
    """The lot of the contract on `underlying` that expires on `expiry`.

    For weekly and monthly contracts; quarterly ones changed in the middle of their lives. On a
    live desk the day's instrument list is the law. Raises MarketFactUnknownError.
    """
    covering = [
        row
        for row in _by_underlying(underlying)
        if row.first_expiry <= expiry and (row.last_expiry is None or expiry <= row.last_expiry)
    ]
    if not covering:
        raise MarketFactUnknownError(
            f"No lot size is known for {underlying} contracts that expire on {expiry}.",
            hint="Take it from the broker's instrument list of that time.",
        )
    return max(covering, key=lambda row: row.first_expiry).lot_size


@cache
def _by_underlying(underlying: str) -> tuple[LotSizeRow, ...]:
    return tuple(
        LotSizeRow(
            underlying=underlying,
            lot_size=int(str(row["lot_size"])),
            first_expiry=date.fromisoformat(str(row["first_expiry"])),
            last_expiry=date.fromisoformat(str(row["last_expiry"])) if row["last_expiry"] else None,
        )
        for row in rows("lot_sizes")
        if row["underlying"] == underlying
    )
