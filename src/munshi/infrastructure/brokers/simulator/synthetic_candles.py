"""Made-up minutes from a seed: the same for a day whatever range is asked, gaps overnight."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from random import Random

from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.candles import Candle
from munshi.domain.market.instruments import Instrument, InstrumentKind
from munshi.domain.market.intervals import Interval
from munshi.domain.market.sessions import Segment
from munshi.errors import CalendarYearUnknownError
from munshi.infrastructure.brokers.simulator.levels import MODELS, SEED, level_history
from munshi.infrastructure.brokers.simulator.synthetic_contracts import (
    MINUTE,
    TICK,
    ContractDay,
    ForwardBar,
    forward_bars,
    on_tick,
)
from munshi.infrastructure.brokers.simulator.universe import (
    MONTHLY_AHEAD,
    cash_instruments,
    index_named,
)

DAYS_CACHED = 512
EXPIRIES_CACHED = 32
GAP_SHARE = 0.35
FIRST_DAY = date(2015, 2, 2)


class SyntheticCandles:
    """Indices and shares walk from the day before's level to the day's own; contracts are priced.

    A day the calendar does not know has no candles.
    """

    label = "synthetic"
    first_day: date | None = FIRST_DAY

    def __init__(self, calendar: MarketCalendar) -> None:
        self._calendar = calendar
        self._names = {i.ref: _model_name(i) for i in cash_instruments()}
        self._cached = lru_cache(maxsize=DAYS_CACHED)(self._make)
        self._forwards = lru_cache(maxsize=EXPIRIES_CACHED)(self._forward_bars)
        self._stamps = lru_cache(maxsize=DAYS_CACHED)(self._utc_stamps)

    @property
    def last_day(self) -> date | None:
        years_known = self._calendar.years
        return date(max(years_known), 12, 31) if years_known else None

    def minutes(self, instrument: Instrument, day: date) -> Sequence[Candle]:
        return self._cached(instrument, day)

    def closing(self, instrument: Instrument, day: date) -> int | None:
        """As the last minute says, without making the others of a contract."""
        if instrument.kind.is_derivative:
            stamps = self._known_stamps(instrument, day)
            contract = self._contract_day(instrument, day) if stamps else None
            return contract.closing() if contract else None
        bars = self.minutes(instrument, day)
        return bars[-1].close if bars else None

    def _make(self, instrument: Instrument, day: date) -> Sequence[Candle]:
        stamps = self._known_stamps(instrument, day)
        if not stamps:
            return ()
        if not instrument.kind.is_derivative:
            name = self._names.get(instrument.ref)
            return self._walk(name, day, stamps, instrument) if name else ()
        contract = self._contract_day(instrument, day)
        if contract is None:
            return ()
        return contract.candles(Random(f"{SEED}:{instrument.tradingsymbol}:{day}"))  # noqa: S311

    def _known_stamps(self, instrument: Instrument, day: date) -> Sequence[datetime]:
        try:
            return self._stamps(day, instrument.segment) if day >= FIRST_DAY else ()
        except CalendarYearUnknownError:
            return ()

    def _utc_stamps(self, day: date, segment: Segment) -> Sequence[datetime]:
        opens = self._calendar.bar_opens(day, Interval.ONE_MINUTE, segment)
        return [stamp.astimezone(UTC) for stamp in opens]

    def _walk(
        self, name: str, day: date, stamps: Sequence[datetime], instrument: Instrument
    ) -> Sequence[Candle]:
        history = level_history(name)
        rng = Random(f"{SEED}:{name}:{day}")  # noqa: S311
        before, after = math.log(self._previous_level(name, day)), math.log(history.level(day))
        opening = before + GAP_SHARE * (after - before) + rng.gauss(0, MODELS[name].daily / 8)
        count = len(stamps)
        step = MODELS[name].daily * 0.8 / math.sqrt(max(count, 375))
        walk = [0.0]
        for _ in stamps:
            walk.append(walk[-1] + rng.gauss(0, step))
        drift = (after - opening - walk[-1]) / count
        path = [on_tick(math.exp(opening + walk[k] + drift * k)) for k in range(count + 1)]
        path[count] = on_tick(history.level(day))
        return [
            _bar(
                stamp,
                (path[k], path[k + 1]),
                wicks=(abs(rng.gauss(0, step)), abs(rng.gauss(0, step))),
                volume=_volume(rng, instrument, k, count),
            )
            for k, stamp in enumerate(stamps)
        ]

    def _previous_level(self, name: str, day: date) -> float:
        try:
            before = self._calendar.previous_trading_day(day)
        except CalendarYearUnknownError:
            before = day - timedelta(days=1)
        return level_history(name).level(before)

    def _contract_day(self, instrument: Instrument, day: date) -> ContractDay | None:
        """None for a day on which the contract, or its underlying, does not trade."""
        expiry = instrument.expiry
        if expiry is None or not expiry - MONTHLY_AHEAD <= day <= expiry:
            return None
        bars = self._forwards(instrument.name, day, expiry)
        if not bars:
            return None
        return ContractDay(instrument, bars, fear=level_history("INDIAVIX").level(day) / 100)

    def _forward_bars(self, underlying: str, day: date, expiry: date) -> Sequence[ForwardBar]:
        spots = self.minutes(index_named(underlying), day)
        if not spots:
            return ()
        ends = self._stamps(expiry, Segment.FNO)[-1] + MINUTE
        return forward_bars(spots, self._stamps(day, Segment.FNO), ends=ends)


def _bar(
    stamp: datetime, path: tuple[int, int], *, wicks: tuple[float, float], volume: int
) -> Candle:
    high, low = max(path), min(path)
    return Candle(
        opens=stamp,
        open=path[0],
        high=high + round(high * wicks[0] * 0.5 / TICK) * TICK,
        low=max(low - round(low * wicks[1] * 0.5 / TICK) * TICK, TICK),
        close=path[1],
        volume=volume,
    )


def _volume(rng: Random, instrument: Instrument, place: int, count: int) -> int:
    """Busy at both ends of the day; an index trades nothing."""
    if instrument.kind is InstrumentKind.INDEX:
        return 0
    from_middle = abs(2 * place / max(count - 1, 1) - 1)
    return int(8_000 * (0.4 + from_middle**2) * math.exp(rng.gauss(0, 0.5)))


def _model_name(instrument: Instrument) -> str:
    if instrument.kind is InstrumentKind.INDEX:
        return instrument.name
    return instrument.tradingsymbol
