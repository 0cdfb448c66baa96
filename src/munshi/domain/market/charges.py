"""What one order leg costs: taxes, exchange and regulator fees and brokerage, by dated rates.

Rates are those of the exchange on the day; the broker's own calculator is the arbiter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Self

from munshi.domain.enums import Service
from munshi.domain.market.instruments import InstrumentKind
from munshi.domain.market.packaged_data import Row, rows
from munshi.errors import MarketFactUnknownError

_PAISA = Decimal("0.01")
_ZERO = Decimal(0)
_PERCENT = Decimal(100)
_CRORE = Decimal(10_000_000)


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class ChargeKind(StrEnum):
    """What the rates distinguish. Options are charged on premium, all else on the full value."""

    DELIVERY = "delivery"
    INTRADAY = "intraday"
    FUTURES = "futures"
    OPTIONS = "options"

    @classmethod
    def of(cls, kind: InstrumentKind, *, intraday: bool = False) -> "ChargeKind":
        """The kind of a trade; `intraday` matters for shares only."""
        if kind is InstrumentKind.INDEX:
            raise MarketFactUnknownError("An index cannot be traded, so it has no charges.")
        if kind is InstrumentKind.EQUITY:
            return cls.INTRADAY if intraday else cls.DELIVERY
        return cls.OPTIONS if kind.is_option else cls.FUTURES


@dataclass(frozen=True, slots=True, kw_only=True)
class LegCharges:
    """The charges of one executed order in rupees, each rounded to a paisa.

    `transaction` includes the contribution to the investor protection fund. The day's contract
    note rounds STT and stamp duty to whole rupees over all legs; that is not done here.
    """

    brokerage: Decimal
    stt: Decimal
    transaction: Decimal
    sebi: Decimal
    stamp: Decimal
    gst: Decimal

    @property
    def total(self) -> Decimal:
        return self.brokerage + self.stt + self.transaction + self.sebi + self.stamp + self.gst


@dataclass(frozen=True, slots=True, kw_only=True)
class Charges:
    """The rates in force on one day, as fractions of the value charged.

    `exercise_stt` is None where the law of the day taxed something other than intrinsic value.
    """

    kind: ChargeKind
    stt: Mapping[Side, Decimal]
    exercise_stt: Decimal | None
    transaction: Decimal
    sebi: Decimal
    stamp: Mapping[Side, Decimal]
    gst: Decimal

    @classmethod
    def on(cls, day: date, kind: ChargeKind, *, exchange: str = "NSE") -> Self:
        """The rates of `day` on NSE or BSE. Raises MarketFactUnknownError."""
        found = {
            charge: _row(charge, day, kind=kind, exchange=exchange)
            for charge in ("stt", "exercise_stt", "transaction", "ipft", "sebi", "stamp", "gst")
        }
        optional = {"exercise_stt"}
        if missing := sorted(name for name in found if not found[name] and name not in optional):
            raise MarketFactUnknownError(
                f"The {', '.join(missing)} rate for {kind} on {exchange} is not known for {day}."
            )
        exercise = found["exercise_stt"]
        return cls(
            kind=kind,
            stt={side: _rate(found["stt"], side) for side in Side},
            exercise_stt=_rate(exercise, Side.BUY) if exercise else None,
            transaction=_rate(found["transaction"]) + _rate(found["ipft"]),
            sebi=_rate(found["sebi"]),
            stamp={side: _rate(found["stamp"], side) for side in Side},
            gst=_rate(found["gst"]),
        )

    def of_leg(
        self, side: Side, *, price: Decimal, quantity: int, brokerage: Decimal
    ) -> LegCharges:
        """The charges of one order of `quantity` units (lots times lot size) at `price` rupees.

        For options `price` is the premium. GST is due on brokerage and on both fees.
        """
        value = price * quantity
        transaction, sebi = _paise(value * self.transaction), _paise(value * self.sebi)
        return LegCharges(
            brokerage=_paise(brokerage),
            stt=_paise(value * self.stt[side]),
            transaction=transaction,
            sebi=sebi,
            stamp=_paise(value * self.stamp[side]),
            gst=_paise((brokerage + transaction + sebi) * self.gst),
        )

    def of_exercise(self, *, intrinsic: Decimal, quantity: int) -> Decimal:
        """The STT the buyer pays when `quantity` units settle `intrinsic` rupees in the money.

        Raises MarketFactUnknownError for other than options, and before 1 Sep 2019.
        """
        if self.exercise_stt is None:
            raise MarketFactUnknownError(
                f"No tax on the intrinsic value of exercised {self.kind} is known for that day."
            )
        return _paise(max(intrinsic, _ZERO) * quantity * self.exercise_stt)


def brokerage(service: Service, kind: ChargeKind, *, value: Decimal, day: date) -> Decimal:
    """What the broker's list price for one executed order of `value` rupees is.

    Raises MarketFactUnknownError where it depends on the account's plan, as with ICICI.
    """
    plan = _newest(
        [row for row in rows("brokerage") if row["service"] == service and _is_for(row, kind)], day
    )
    if plan is None:
        raise MarketFactUnknownError(
            f"The brokerage of {service} for {kind} is not known for {day}.",
            hint="Give the brokerage of your own plan.",
        )
    at_most = Decimal(str(plan["at_most"]))
    if plan["percent"] is None:
        return at_most
    return min(_paise(value * Decimal(str(plan["percent"])) / _PERCENT), at_most)


def _row(charge: str, day: date, *, kind: ChargeKind, exchange: str) -> Row | None:
    return _newest(
        [
            row
            for row in rows("charges")
            if row["charge"] == charge
            and _is_for(row, kind)
            and (row["exchange"] is None or row["exchange"] == exchange)
        ],
        day,
    )


def _newest(candidates: list[Row], day: date) -> Row | None:
    in_force = [row for row in candidates if date.fromisoformat(str(row["since"])) <= day]
    return max(in_force, key=lambda row: str(row["since"]), default=None)


def _is_for(row: Row, kind: ChargeKind) -> bool:
    kinds = row["kinds"]
    return isinstance(kinds, list) and kind in kinds


def _rate(row: Row | None, side: Side | None = None) -> Decimal:
    """The rate as a fraction, zero for the side that does not pay."""
    if row is None or (side is not None and row["side"] not in {"both", side}):
        return _ZERO
    if "percent" in row:
        return Decimal(str(row["percent"])) / _PERCENT
    return Decimal(str(row["per_crore"])) / _CRORE


def _paise(rupees: Decimal) -> Decimal:
    return rupees.quantize(_PAISA, ROUND_HALF_UP)
