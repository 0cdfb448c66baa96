"""Made-up minutes from a seed: the same for a day whatever range is asked, gaps overnight."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from random import Random

from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.candles import PRICE_SCALE, Candle
from munshi.domain.market.instruments import Instrument, InstrumentKind
from munshi.domain.market.intervals import Interval
from munshi.domain.market.sessions import Segment
from munshi.errors import CalendarYearUnknownError
from munshi.infrastructure.brokers.simulator.levels import MODELS, SEED, level_history
from munshi.infrastructure.brokers.simulator.option_prices import (
    forward,
    implied_volatility,
    option_price,
    years,
)
from munshi.infrastructure.brokers.simulator.universe import (
    MONTHLY_AHEAD,
    cash_instruments,
    index_named,
)

TICK = 500
DAYS_CACHED = 256
MINUTE = timedelta(minutes=1)
A_MINUTE = years(MINUTE)
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
        self._stamps = lru_cache(maxsize=DAYS_CACHED)(self._utc_stamps)

    @property
    def last_day(self) -> date | None:
        years_known = self._calendar.years
        return date(max(years_known), 12, 31) if years_known else None

    def minutes(self, instrument: Instrument, day: date) -> Sequence[Candle]:
        return self._cached(instrument, day)

    def _make(self, instrument: Instrument, day: date) -> Sequence[Candle]:
        if day < FIRST_DAY:
            return ()
        try:
            stamps = self._stamps(day, instrument.segment)
        except CalendarYearUnknownError:
            return ()
        if not stamps:
            return ()
        if not instrument.kind.is_derivative:
            name = self._names.get(instrument.ref)
            return self._walk(name, day, stamps, instrument) if name else ()
        if instrument.expiry is None or not (
            instrument.expiry - MONTHLY_AHEAD <= day <= instrument.expiry
        ):
            return ()
        return self._price(instrument, day, stamps)

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
        path = [_ticks(math.exp(opening + walk[k] + drift * k)) for k in range(count + 1)]
        path[count] = _ticks(history.level(day))
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

    def _price(
        self, instrument: Instrument, day: date, stamps: Sequence[datetime]
    ) -> Sequence[Candle]:
        """Every bar's four prices from the underlying's four, at the times the bar opens and ends.

        The implied volatility of a strike holds for the day, so that within the day a call only
        rises and a put only falls with the underlying.
        """
        spots = {bar.opens: bar for bar in self.minutes(index_named(instrument.name), day)}
        if not spots or instrument.expiry is None:
            return ()
        ends = self._stamps(instrument.expiry, Segment.FNO)[-1] + MINUTE
        worth = _Worth(instrument, self._fear(day), next(iter(spots.values())), stamps[0], ends)
        rng = Random(f"{SEED}:{instrument.tradingsymbol}:{day}")  # noqa: S311
        interest = _interest(rng, instrument, worth.distance)
        found: list[Candle] = []
        flat = next(iter(spots.values()))
        for stamp in stamps:
            bar = spots.get(stamp, flat)
            begun = years(ends - stamp)
            done = max(begun - A_MINUTE, 0.0)
            opened, closed = worth.at(bar.open, begun), worth.at(bar.close, done)
            reached = (opened, closed, worth.at(bar.high, begun), worth.at(bar.low, begun))
            lots = int(rng.random() ** 3 * 900 * math.exp(-abs(worth.distance) * 50))
            interest = max(interest + rng.randint(-2, 2), 0)
            found.append(
                Candle(
                    opens=stamp,
                    open=opened,
                    high=max(reached),
                    low=min(reached),
                    close=closed,
                    volume=lots * instrument.lot_size,
                    oi=interest * instrument.lot_size,
                )
            )
            flat = _flat(bar)
        return found

    def _fear(self, day: date) -> float:
        return level_history("INDIAVIX").level(day) / 100


class _Worth:
    """What one contract is worth on one day, by the underlying's price and the time left."""

    def __init__(
        self,
        instrument: Instrument,
        fear: float,
        first: Candle,
        opens: datetime,
        ends: datetime,
    ) -> None:
        t = years(ends - opens)
        at_open = forward(first.open / PRICE_SCALE, t)
        self._kind = instrument.kind
        self._strike = float(instrument.strike or 0)
        self.distance = math.log(self._strike / at_open) if self._strike else 0.0
        self._iv = (
            implied_volatility(fear, strike=self._strike, forward=at_open, t=t)
            if self._strike
            else 0.0
        )

    def at(self, spot: int, t: float) -> int:
        """Ten-thousandths of a rupee, on the tick, at least one tick."""
        future = forward(spot / PRICE_SCALE, t)
        if self._kind is InstrumentKind.FUTURE:
            return _ticks(future)
        is_call = self._kind is InstrumentKind.CALL
        return _ticks(
            option_price(is_call=is_call, forward=future, strike=self._strike, t=t, iv=self._iv)
        )


def _flat(bar: Candle) -> Candle:
    """What the underlying shows after its own session: its last price."""
    last = bar.close
    return Candle(opens=bar.opens, open=last, high=last, low=last, close=last, volume=0)


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


def _interest(rng: Random, instrument: Instrument, distance: float) -> int:
    """Open contracts at the start of the day, in lots."""
    most = 160_000 if instrument.kind is InstrumentKind.FUTURE else 60_000
    return int(most * math.exp(-abs(distance) * 25) * (0.8 + 0.4 * rng.random())) + 5


def _model_name(instrument: Instrument) -> str:
    if instrument.kind is InstrumentKind.INDEX:
        return instrument.name
    return instrument.tradingsymbol


def _ticks(rupees: float) -> int:
    """The nearest tick, in ten-thousandths of a rupee; never below one tick."""
    return max(round(rupees * PRICE_SCALE / TICK), 1) * TICK
