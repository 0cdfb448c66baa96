"""What a filled leg costs, in whole paise, by the day's rates.

The rates and their sources are rows of `domain/market/data/charges.json`: STT of options 0.0625 %
until 30 Sep 2024, 0.1 % until 31 Mar 2026, 0.15 % since (NSE FATAX73524); of exercise 0.125 %
until 31 Mar 2026, 0.15 % since; exchange charges as of NSE FA73061, 1 Mar 2026. They were read in
November 2026: what changes later is not known, and `assumption_beyond` says so.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from munshi.domain.market.charges import ChargeKind, Charges, Side

RATES_READ_ON = date(2026, 11, 26)
_PAISE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LegCost:
    """The parts of one leg's charges in paise; `exercise_stt` is for options that expired."""

    brokerage: int = 0
    stt: int = 0
    transaction: int = 0
    sebi: int = 0
    stamp: int = 0
    gst: int = 0
    exercise_stt: int = 0

    @property
    def total(self) -> int:
        fees = self.brokerage + self.transaction + self.sebi
        return fees + self.gst + self.stt + self.stamp + self.exercise_stt


NO_COST = LegCost()


def cost_of_leg(
    day: date,
    kind: ChargeKind,
    side: Side,
    *,
    price: int,
    quantity: int,
    brokerage: int,
    exchange: str = "NSE",
) -> LegCost:
    """The charges of one order of `quantity` units at `price` paise; `brokerage` is in paise too.

    Raises MarketFactUnknownError for a day whose rates are not known.
    """
    charged = _rates(day, kind, exchange).of_leg(
        side, price=_rupees(price), quantity=quantity, brokerage=_rupees(brokerage)
    )
    return LegCost(
        brokerage=_to_paise(charged.brokerage),
        stt=_to_paise(charged.stt),
        transaction=_to_paise(charged.transaction),
        sebi=_to_paise(charged.sebi),
        stamp=_to_paise(charged.stamp),
        gst=_to_paise(charged.gst),
    )


def cost_of_exercise(day: date, *, intrinsic: int, quantity: int, exchange: str = "NSE") -> LegCost:
    """What the buyer pays of an option that expires `intrinsic` paise in the money.

    Raises MarketFactUnknownError before 1 Sep 2019, when another value was taxed.
    """
    if intrinsic <= 0:
        return NO_COST
    rates = _rates(day, ChargeKind.OPTIONS, exchange)
    return LegCost(
        exercise_stt=_to_paise(rates.of_exercise(intrinsic=_rupees(intrinsic), quantity=quantity))
    )


def assumption_beyond(last_day: date) -> str | None:
    """What a run that reaches `last_day` takes for granted of charges, if anything."""
    if last_day <= RATES_READ_ON:
        return None
    return f"Charges after {RATES_READ_ON} are taken to be those of that day."


@lru_cache(maxsize=4096)
def _rates(day: date, kind: ChargeKind, exchange: str) -> Charges:
    return Charges.on(day, kind, exchange=exchange)


def _rupees(paise: int) -> Decimal:
    return Decimal(paise) / _PAISE


def _to_paise(rupees: Decimal) -> int:
    return int(rupees * _PAISE)
