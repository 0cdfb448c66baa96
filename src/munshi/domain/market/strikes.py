"""Which strikes lie around a price, from a list of them or from the distance between them."""

from bisect import bisect_left
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from munshi.domain.market.packaged_data import rows
from munshi.errors import MarketFactUnknownError

_ONE = Decimal(1)


def strikes_around(
    spot: Decimal, strikes: Iterable[Decimal], *, each_side: int
) -> tuple[Decimal, ...]:
    """The strike nearest to `spot`, the upper of two, and up to `each_side` on each side of it."""
    listed = sorted(set(strikes))
    if not listed:
        return ()
    above = min(bisect_left(listed, spot), len(listed) - 1)
    below = max(above - 1, 0)
    middle = above if listed[above] - spot <= spot - listed[below] else below
    return tuple(listed[max(middle - each_side, 0) : middle + each_side + 1])


def derived_strikes(underlying: str, spot: Decimal, *, each_side: int) -> tuple[Decimal, ...]:
    """As `strikes_around`, where no list of the time is kept.

    Raises MarketFactUnknownError where the distance of strikes is not known.
    """
    step = strike_step(underlying)
    middle = (spot / step).quantize(_ONE, rounding=ROUND_HALF_UP) * step
    found = (middle + step * place for place in range(-each_side, each_side + 1))
    return tuple(strike for strike in found if strike > 0)


@cache
def strike_step(underlying: str) -> Decimal:
    """The points between listed strikes. Raises MarketFactUnknownError."""
    for row in rows("strike_steps"):
        if row["underlying"] == underlying:
            return Decimal(str(row["step"]))
    known = ", ".join(str(row["underlying"]) for row in rows("strike_steps"))
    raise MarketFactUnknownError(
        f"The distance of {underlying} strikes is not known, and no list of that time is kept.",
        hint=f"It is known for {known}. Of others, choose days since lists were loaded.",
    )
