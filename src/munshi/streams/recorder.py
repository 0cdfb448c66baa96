"""Joins a line and what becomes of its ticks: quotes and minute bars, gaps remembered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Lock
from uuid import uuid4

import structlog

from munshi.cache.last_quotes import LastQuotes
from munshi.clock import Clock
from munshi.domain.enums import Service
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.first_quotes import FirstQuotes
from munshi.domain.market.gaps import StreamGap
from munshi.domain.market.kept_quotes import KeptQuote
from munshi.domain.market.provisional_bars import KeptBar
from munshi.domain.market.quotes import LastQuote, QuoteWay, StreamState
from munshi.domain.market.tick_bars import ProvisionalBar, TickBars
from munshi.domain.market.ticks import DepthRow, Tick
from munshi.errors import CacheValueTooLargeError
from munshi.streams.stream_store import StreamStore

_log = structlog.get_logger()
Heard = Callable[[str, Mapping[str, object]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """What is streamed: the broker, and each instrument's series by the number its ticks carry."""

    broker: Service
    keys: Mapping[int, CandleKey]


class StreamRecorder:
    """A line's sink. The line's thread hands in; another calls `flush` once a second.

    `flush` is also what closes the bars of a minute after which nothing came. `heard` is told
    gaps and messages, in the line's thread. `least_lead` is where `TickBars.lead` begins.
    """

    def __init__(
        self,
        streamed: Streamed,
        *,
        clock: Clock,
        desk_clock: Clock,
        quotes: LastQuotes,
        store: StreamStore,
        heard: Heard,
        least_lead: timedelta | None = None,
    ) -> None:
        self._streamed = streamed
        self._clock = clock
        self._desk_clock = desk_clock
        self._quotes = quotes
        self._store = store
        self._heard = heard
        self._lock = Lock()
        self._bars = TickBars(lead=least_lead)
        self._closed: list[ProvisionalBar] = []
        # Breeze's messages say when the last trade was, not when they were sent.
        self._firsts = FirstQuotes(says_when_sent=streamed.broker is Service.KITE)
        self._kept: list[KeptQuote] = []
        self._changed: dict[int, LastQuote] = {}
        self._last: dict[int, LastQuote] = {}
        self._gap: StreamGap | None = None
        self._began_at = desk_clock.now()
        self._heard_at: datetime | None = None
        self._lines = self._ticks = self._gaps = self._unreadable = 0
        self.name = uuid4().hex[:12]

    # --- the line's side -------------------------------------------------------------------

    def take(self, ticks: Sequence[Tick], *, received_at: datetime) -> None:
        seen_at = self._desk_clock.now()
        with self._lock:
            self._ticks += len(ticks)
            self._closed += self._bars.take(ticks, received_at=received_at)
            for tick in ticks:
                key = self._streamed.keys.get(tick.token)
                if key is None:
                    continue
                quote = self._quote(tick, key, seen_at)
                self._last[tick.token] = self._changed[tick.token] = quote
                kept = self._firsts.take(tick, key, received_at=received_at, lead=self._bars.lead)
                self._kept += [kept] if kept else []

    def alive(self) -> None:
        """Anything came, a heartbeat included."""
        self._heard_at = self._desk_clock.now()

    def gap_began(self, gap: StreamGap) -> None:
        with self._lock:
            self._gap = gap
            self._gaps += 1
            self._bars.begin_gap(gap)
        self._heard("gap_began", {"reason": gap.reasons[0].value})

    def gap_lasts(self, gap: StreamGap) -> None:
        """A reason more why nothing comes."""
        with self._lock:
            self._gap = gap
        self._heard("gap_lasts", {"reason": gap.reasons[-1].value})

    def gap_ended(self, gap: StreamGap) -> None:
        with self._lock:
            self._gap = None
            self._lines += 1
            self._bars.end_gap(gap)
        seconds = (gap.ended - gap.began).total_seconds() if gap.ended else 0.0
        reasons = ", ".join(gap.reasons)
        self._heard("gap_ended", {"reasons": reasons, "seconds": round(seconds, 1)})

    def told(self, kind: str, said: str) -> None:
        self._heard("broker_said", {"kind": kind, "said": said})

    def refused(self, count: int) -> None:
        """So many packets could not be read."""
        with self._lock:
            self._unreadable += count

    # --- the keeper's side -----------------------------------------------------------------

    def flush(self) -> None:
        """Close what is due, store bars and quotes, and say how the stream stands."""
        with self._lock:
            self._closed += self._bars.close_due(now=self._clock.now())
        self._write()

    def end(self) -> None:
        """Store what was forming, as bars that are not whole; the stream is over."""
        with self._lock:
            self._closed += self._bars.close_all()
        self._write(is_over=True)
        firsts, store = self._firsts, self._store
        told = {
            "quotes_crossed": firsts.crossed,
            "quotes_untimely": firsts.untimely,
            "quotes_unreadable": firsts.unreadable,
            "quotes_lost": store.quotes.lost,
            "bars_lost": store.bars.lost,
        }
        if any(told.values()):
            _log.warning("stream_kept_not_all", **told)

    def state(self, *, is_over: bool = False) -> StreamState:
        with self._lock:
            gap = self._gap
            return StreamState(
                name=self.name,
                broker=self._streamed.broker,
                began_at=self._began_at,
                heard_at=self._heard_at,
                line=0 if gap is not None or is_over else self._lines,
                instruments=len(self._streamed.keys),
                lines=self._lines,
                ticks=self._ticks,
                bars=self._store.bars.stored + len(self._store.bars),
                quotes=self._store.quotes.stored + len(self._store.quotes),
                unreadable=self._unreadable,
                gaps=self._gaps,
                gap_began=gap.began if gap else None,
                gap_reasons=tuple(gap.reasons) if gap else (),
                is_over=is_over,
            )

    def last(self) -> list[LastQuote]:
        """The newest quote of each instrument that has had one."""
        with self._lock:
            return list(self._last.values())

    def _write(self, *, is_over: bool = False) -> None:
        with self._lock:
            closed, self._closed = self._closed, []
            changed, self._changed = self._changed, {}
            kept, self._kept = self._kept, []
        bars = [self._kept_bar(bar) for bar in closed if bar.token in self._streamed.keys]
        self._store.add(bars, kept)
        self._store.flush()
        try:
            self._quotes.keep(changed.values())
            self._quotes.tell(self.state(is_over=is_over))
        except CacheValueTooLargeError as error:
            _log.warning("last_quotes_not_kept", quotes=len(changed), why=error.detail)

    def _kept_bar(self, bar: ProvisionalBar) -> KeptBar:
        return KeptBar(key=self._streamed.keys[bar.token], candle=bar.candle, is_whole=bar.is_whole)

    def _quote(self, tick: Tick, key: CandleKey, seen_at: datetime) -> LastQuote:
        return LastQuote(
            instrument=f"{key.exchange}:{key.instrument}",
            broker=self._streamed.broker,
            way=QuoteWay.STREAM,
            last_price=tick.last_price,
            seen_at=seen_at,
            stream=self.name,
            line=self._lines,
            open=tick.open,
            high=tick.high,
            low=tick.low,
            close=tick.close,
            volume=tick.volume,
            oi=tick.oi,
            best_bid=_best(tick.bids),
            best_offer=_best(tick.offers),
            traded_at=tick.traded_at or tick.exchange_at,
        )


def _best(rows: Sequence[DepthRow]) -> Decimal | None:
    return next((row.price for row in rows if row.quantity), None)
