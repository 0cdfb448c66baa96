"""What a strategy of options decides: trades to open, with all their legs, and trades to end."""

from dataclasses import dataclass

from munshi.domain.market.charges import Side
from munshi.domain.market.expiries import ExpiryKind
from munshi.domain.market.instruments import InstrumentKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """An option of the order's expiry; `strike` is in whole points."""

    side: Side
    kind: InstrumentKind
    strike: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Enter:
    """Open a trade that `Exit` can name later; of a name that is open, or waits, nothing is done.

    The contracts are those of the nearest expiry after the first possible fill. Stops are per
    cent above the premium that was sold: `leg_stop_percent` ends one sold leg, `stop_percent`
    the whole trade by what closing it costs; both are judged when bars of the options close.
    With `only_when_flat` nothing is done while any trade is open, with `max_days` nothing when
    the expiry is more days away.
    """

    name: str
    legs: tuple[Leg, ...]
    expiry: ExpiryKind = ExpiryKind.WEEKLY
    signal: str | None = None
    leg_stop_percent: int | None = None
    stop_percent: int | None = None
    only_when_flat: bool = False
    max_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """End the trade of that name, if it is open or waits; otherwise nothing is done."""

    name: str


Orders = tuple[Enter | Exit, ...]
