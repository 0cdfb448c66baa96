"""Minute bars from ticks, by the exchange's times alone; provisional until history confirms them.

A tick is a sample of the market, so a bar of ticks may miss what lay between two of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from munshi.domain.market.candles import Candle, to_price
from munshi.domain.market.gaps import StreamGap
from munshi.domain.market.ticks import Tick

MINUTE = timedelta(minutes=1)
# A tick may be on its way when its minute is over.
GRACE = timedelta(seconds=5)
# Exchange times are cut to the second, and messages travel.
SLACK = timedelta(seconds=2)
# One time that is so far ahead is wrong; some in a row say that it was our clock which stood still.
ABSURD, BELIEVED_AFTER = timedelta(seconds=60), 5
_LONG_OVER = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionalBar:
    """A minute as the stream showed it. `is_whole` is False if any of it lies in a gap."""

    token: int
    candle: Candle
    is_whole: bool


@dataclass(slots=True, kw_only=True)
class _Forming:
    opens: datetime
    open: int
    high: int
    low: int
    close: int
    # The day's volume when the bar began; None where nobody heard it.
    volume_before: int | None
    volume: int
    oi: int | None


@dataclass(slots=True, kw_only=True)
class _Series:
    forming: _Forming | None = None
    closed_until: datetime | None = None
    volume: int | None = None
    gap_number: int = 0


@dataclass(slots=True, kw_only=True)
class _Gap:
    """`began` by the exchange's clock as it was known then, None while nothing was known of it."""

    began: datetime | None
    gap: StreamGap


@dataclass(slots=True)
class TickBars:
    """The bars of any number of instruments. Not for several threads.

    `lead` is how far the exchange's clock is ahead of ours, learned from the freshest ticks; gaps,
    which only our clock can time, are carried over by it. Ours must not be set meanwhile, though
    it may stand still. `late` counts ticks of a minute that was closed already, `absurd` those
    whose time lies far ahead of all others, and `timeless` those that say no exchange time; no
    bar is made from any of them.
    """

    late: int = 0
    timeless: int = 0
    absurd: int = 0
    lead: timedelta | None = None
    _series: dict[int, _Series] = field(default_factory=dict)
    _gaps: list[_Gap] = field(default_factory=list)
    _gap_number: int = 0
    _absurd_in_a_row: int = 0
    # Of what lies before, by our clock, nobody watched, or the gaps are forgotten.
    _unknown_until: datetime | None = None

    def begin_gap(self, gap: StreamGap) -> None:
        """From now on what comes may have been preceded by what did not."""
        self._gap_number += 1
        began = None if self.lead is None else gap.began + self.lead
        self._gaps.append(_Gap(began=began, gap=gap))

    def end_gap(self, gap: StreamGap) -> None:
        """The gap that began last is over."""
        self._gaps[-1].gap = gap
        if gap.ended is None:
            return
        oldest = gap.ended - _LONG_OVER
        over = [each.gap.ended for each in self._gaps if each.gap.ended]
        known = min(over) if self._unknown_until is None else self._unknown_until
        self._unknown_until = max([known, *(ended for ended in over if ended < oldest)])
        self._gaps = [g for g in self._gaps if g.gap.ended is None or g.gap.ended >= oldest]

    def take(self, ticks: Sequence[Tick], *, received_at: datetime) -> list[ProvisionalBar]:
        """Add ticks; the bars that they or the time closed."""
        closed = []
        for tick in [tick for tick in ticks if self._believes(tick, received_at)]:
            bar = self._add(tick, received_at)
            closed += [bar] if bar else []
        return [*closed, *self.close_due(now=received_at)]

    def _believes(self, tick: Tick, received_at: datetime) -> bool:
        """Learn from the tick how the clocks differ, unless its time cannot be right."""
        if tick.exchange_at is None:
            return True
        ahead = tick.exchange_at - received_at
        if self.lead is not None and ahead > self.lead + ABSURD:
            self._absurd_in_a_row += 1
            if self._absurd_in_a_row < BELIEVED_AFTER:
                self.absurd += 1
                return False
        self._absurd_in_a_row = 0
        self.lead = ahead if self.lead is None else max(self.lead, ahead)
        return True

    def close_due(self, *, now: datetime) -> list[ProvisionalBar]:
        """The bars whose minute is over at the exchange, with a few seconds' grace."""
        if self.lead is None:
            return []
        at_exchange = now + self.lead
        return [
            self._close(token, series, series.forming)
            for token, series in self._series.items()
            if series.forming and series.forming.opens + MINUTE + GRACE <= at_exchange
        ]

    def close_all(self) -> list[ProvisionalBar]:
        """What is forming when the stream is stopped: none of it is whole."""
        return [
            self._close(token, series, series.forming, is_cut=True)
            for token, series in self._series.items()
            if series.forming
        ]

    def _add(self, tick: Tick, received_at: datetime) -> ProvisionalBar | None:
        if tick.exchange_at is None:
            self.timeless += 1
            return None
        series = self._series.setdefault(tick.token, _Series(gap_number=self._gap_number))
        before = series.volume if series.gap_number == self._gap_number else None
        series.gap_number = self._gap_number
        if before is not None and tick.volume is not None and tick.volume < before:
            before = 0  # the exchange counts anew: another day
        at = tick.exchange_at
        if not tick.is_index:
            # A share's message may only tell of its book: without a trade there is no bar.
            traded = tick.volume != before if before is not None else True
            if tick.traded_at is None or not traded:
                series.volume = tick.volume
                return None
            at = tick.traded_at
            if before is None and at + MINUTE + GRACE < received_at + (self.lead or timedelta()):
                # A line that opens repeats the last trade, however long ago nobody saw it.
                series.volume = tick.volume
                return None
        opens = at.replace(second=0, microsecond=0)
        if series.closed_until is not None and opens < series.closed_until:
            # A line opened again repeats the last trade; only a new one comes too late.
            self.late += before is not None
            series.volume = tick.volume
            return None
        closed = None
        if series.forming is not None and opens < series.forming.opens:
            self.late += 1
            return None
        if series.forming is not None and opens > series.forming.opens:
            closed = self._close(tick.token, series, series.forming)
        self._put(series, tick, opens=opens, before=before)
        series.volume = tick.volume
        return closed

    def _put(self, series: _Series, tick: Tick, *, opens: datetime, before: int | None) -> None:
        price, volume = to_price(tick.last_price), tick.volume or 0
        bar = series.forming
        if bar is None:
            series.forming = _Forming(
                opens=opens, open=price, high=price, low=price, close=price,
                volume_before=before if before is not None else volume, volume=volume, oi=tick.oi,
            )  # fmt: skip
            return
        bar.high, bar.low, bar.close = max(bar.high, price), min(bar.low, price), price
        bar.volume, bar.oi = volume, tick.oi

    def _close(
        self, token: int, series: _Series, bar: _Forming, *, is_cut: bool = False
    ) -> ProvisionalBar:
        series.forming = None
        series.closed_until = bar.opens + MINUTE
        return ProvisionalBar(
            token=token,
            candle=Candle(
                opens=bar.opens,
                open=bar.open,
                high=bar.high,
                low=bar.low,
                close=bar.close,
                volume=max(bar.volume - (bar.volume_before or 0), 0),
                oi=bar.oi,
            ),
            is_whole=not is_cut and not self._touches_gap(bar.opens),
        )

    def _touches_gap(self, opens: datetime) -> bool:
        """Rather too often than too seldom: a minute is whole only if that is certain."""
        lead = self.lead or timedelta()
        if self._unknown_until is None or opens < self._unknown_until + lead + SLACK:
            return True
        return any(
            (each.began or each.gap.began + lead) - SLACK < opens + MINUTE
            and (each.gap.ended is None or opens < each.gap.ended + lead + SLACK)
            for each in self._gaps
        )
