"""What a backtest is told; all but strategy, instrument and range has a default."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Self

from munshi.domain.backtest.catalogue import STRATEGIES, Trades, check_strategy, traded_by
from munshi.domain.backtest.engine import LONGEST_WAIT, EngineName
from munshi.domain.backtest.results import FillModel
from munshi.domain.market.charges import ChargeKind
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.errors import AppError, JobParametersInvalidError

_MINUTE = timedelta(minutes=1)
_MOST_WAIT = timedelta(days=30)
# Wider than any calendar; beyond lie days that have no next or no UTC.
_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(2200, 1, 1)
# Orders of so many units, and what they come to, still fit into 64 bits in paise.
_MOST_UNITS = 100_000
_MOST_PAISE = 10**14
_WHOLE_PRICE_BP = 10_000
_MOST_MARGIN = 1_000
_DEFAULTS: Mapping[str, object] = MappingProxyType(
    {
        "parameters": {},
        "interval": "1minute",
        "capital": "1000000",
        "lots": 1,
        "lot_size": 1,
        "kind": None,
        "brokerage": "20",
        "slippage_bp": 1,
        "margin_percent": None,
        "fill": "next_open",
        "max_wait": int(LONGEST_WAIT / _MINUTE),
        "engine": EngineName.KERNEL.value,
        "confirm": False,
        "accept_holes": False,
        "source": None,
    }
)
_NEEDED = ("strategy", "instrument", "from", "to")


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestParams:
    """`capital` and `brokerage` (for an order) are paise; both dates are included.

    An order to open that finds no price within `max_wait` of trading lapses.
    With `accept_holes` it runs although bars are missing, and the result says how many. With
    `confirm` it is run in the kernel and then in nautilus, and what differs is kept with it.
    """

    strategy: str
    parameters: Mapping[str, object]
    instrument: InstrumentRef
    interval: Interval
    start: date
    end: date
    capital: int
    lots: int
    lot_size: int
    kind: ChargeKind
    brokerage: int
    slippage_bp: int
    margin_percent: int
    fill: FillModel
    max_wait: timedelta
    engine: EngineName
    confirm: bool
    accept_holes: bool
    source: str | None

    @classmethod
    def from_json(cls, raw: Mapping[str, object]) -> Self:
        """Read the fields of the class, `from` and `to`, capital and brokerage in rupees.

        Raises JobParametersInvalidError.
        """
        known = (*_NEEDED, *_DEFAULTS)
        hint = f"The parameters are {', '.join(known)}."
        if missing := [name for name in _NEEDED if name not in raw]:
            raise JobParametersInvalidError(f"Not given: {', '.join(missing)}.", hint=hint)
        if unknown := sorted(set(raw) - set(known)):
            raise JobParametersInvalidError(f"Not known here: {', '.join(unknown)}.", hint=hint)
        given = {**_DEFAULTS, **raw}
        parameters = given["parameters"]
        if not isinstance(parameters, Mapping):
            raise JobParametersInvalidError(f"parameters must be an object, not {parameters!r}.")
        check_strategy(str(given["strategy"]), parameters)
        start, end = _day(given, "from"), _day(given, "to")
        if end < start:
            raise JobParametersInvalidError(f"The range ends on {end}, before it starts: {start}.")
        kind = _kind(given, str(given["strategy"]))
        if given["margin_percent"] is None:
            given["margin_percent"] = _MARGIN[kind]
        engine = EngineName(_word(given, "engine", [name.value for name in EngineName]))
        confirm, source = _yes_or_no(given, "confirm"), given["source"]
        if confirm and engine is not EngineName.KERNEL:
            raise JobParametersInvalidError(
                f"confirm makes a run of the kernel again in {engine}; it is run there already."
            )
        try:
            instrument = InstrumentRef.parse(str(given["instrument"]))
            interval = Interval.parse(str(given["interval"]))
        except AppError as error:
            raise JobParametersInvalidError(error.detail, hint=error.hint) from error
        if kind is ChargeKind.OPTIONS:
            _check_options(given, interval)
        return cls(
            strategy=str(given["strategy"]),
            parameters=dict(parameters),
            instrument=instrument,
            interval=interval,
            start=start,
            end=end,
            capital=_paise(given, "capital", least=1),
            lots=_whole(given, "lots", least=1, most=_MOST_UNITS),
            lot_size=_whole(given, "lot_size", least=1, most=_MOST_UNITS),
            kind=kind,
            brokerage=_paise(given, "brokerage", least=0),
            slippage_bp=_whole(given, "slippage_bp", least=0, most=_WHOLE_PRICE_BP),
            margin_percent=_whole(given, "margin_percent", least=1, most=_MOST_MARGIN),
            fill=FillModel(_word(given, "fill", [fill.value for fill in FillModel])),
            max_wait=_minutes(given, "max_wait"),
            engine=engine,
            confirm=confirm,
            accept_holes=_yes_or_no(given, "accept_holes"),
            source=None if source is None else str(source),
        )

    def to_json(self) -> dict[str, object]:
        return {
            "strategy": self.strategy,
            "parameters": dict(self.parameters),
            "instrument": str(self.instrument),
            "interval": self.interval.value,
            "from": self.start.isoformat(),
            "to": self.end.isoformat(),
            "capital": str(Decimal(self.capital) / 100),
            "lots": self.lots,
            "lot_size": self.lot_size,
            "kind": self.kind.value,
            "brokerage": str(Decimal(self.brokerage) / 100),
            "slippage_bp": self.slippage_bp,
            "margin_percent": self.margin_percent,
            "fill": self.fill.value,
            "max_wait": int(self.max_wait / _MINUTE),
            "engine": self.engine.value,
            "confirm": self.confirm,
            "accept_holes": self.accept_holes,
            "source": self.source,
        }


_KINDS: Mapping[Trades, tuple[ChargeKind, ...]] = MappingProxyType(
    {
        Trades.INSTRUMENT: (ChargeKind.FUTURES, ChargeKind.INTRADAY, ChargeKind.DELIVERY),
        Trades.OPTIONS: (ChargeKind.OPTIONS,),
    }
)
# What brokers ask for a sold index option is near a seventh of its underlying's value.
_MARGIN = {kind: 15 if kind is ChargeKind.OPTIONS else 100 for kind in ChargeKind}


def kinds_of(strategy: str) -> list[ChargeKind]:
    """What its engine charges, where that is known before code of the user's has run."""
    found = STRATEGIES.get(strategy)
    if found is None:
        return [kind for kinds in _KINDS.values() for kind in kinds]
    return list(_KINDS[traded_by(found)])


def _kind(given: Mapping[str, object], strategy: str) -> ChargeKind:
    choices = kinds_of(strategy)
    if given["kind"] is None:
        return choices[0]
    return ChargeKind(_word(given, "kind", [kind.value for kind in choices]))


def _check_options(given: Mapping[str, object], interval: Interval) -> None:
    if interval.is_daily:
        raise JobParametersInvalidError("Options need bars that are shorter than a day.")
    if given["lot_size"] != 1:
        raise JobParametersInvalidError(
            "The lot_size of options follows from their expiry.", hint="Say lots."
        )


def needs_nautilus(raw: Mapping[str, object]) -> bool:
    """Whether a backtest or a sweep that is told `raw` cannot be made by the kernel alone."""
    return raw.get("engine") == EngineName.NAUTILUS or raw.get("confirm") is True


def _day(given: Mapping[str, object], name: str) -> date:
    try:
        day = date.fromisoformat(str(given[name]))
    except ValueError as error:
        raise JobParametersInvalidError(
            f"{name} must be a date like 2026-11-20, not {repr(given[name])[:40]}."
        ) from error
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise JobParametersInvalidError(
            f"{name} must be a date from {_FIRST_DAY} to {_LAST_DAY}, not {day}."
        )
    return day


def _whole(given: Mapping[str, object], name: str, *, least: int, most: int) -> int:
    value = given[name]
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise JobParametersInvalidError(
            f"{name} must be a whole number from {least} to {most:,}, not {repr(value)[:40]}."
        )
    return value


def _yes_or_no(given: Mapping[str, object], name: str) -> bool:
    value = given[name]
    if not isinstance(value, bool):
        raise JobParametersInvalidError(f"{name} must be true or false, not {value!r}.")
    return value


def _minutes(given: Mapping[str, object], name: str) -> timedelta:
    value = given[name]
    if isinstance(value, int) and value > _MOST_WAIT / _MINUTE:
        raise JobParametersInvalidError(
            f"{name} is minutes of trading, at most {_MOST_WAIT / _MINUTE:,.0f}, not {value:,}."
        )
    return timedelta(minutes=_whole(given, name, least=0, most=int(_MOST_WAIT / _MINUTE)))


def _paise(given: Mapping[str, object], name: str, *, least: int) -> int:
    try:
        paise = Decimal(str(given[name])) * 100
    except InvalidOperation:
        paise = Decimal("NaN")
    if not paise.is_finite() or paise > _MOST_PAISE or paise != int(paise) or paise < least:
        raise JobParametersInvalidError(
            f"{name} must be an amount in rupees and paise, at most {_MOST_PAISE // 100:,}, not "
            f"{repr(given[name])[:40]}."
        )
    return int(paise)


def _word(given: Mapping[str, object], name: str, choices: list[str]) -> str:
    value = given[name]
    if value not in choices:
        raise JobParametersInvalidError(
            f"{name} must be one of {', '.join(choices)}, not {value!r}."
        )
    return str(value)
