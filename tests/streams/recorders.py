"""A recorder on a real database, fed by hand, its clock in the test's hand."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from clocks import FakeClock
from munshi.cache.cache import Cache
from munshi.cache.last_quotes import LastQuotes
from munshi.domain.enums import Service
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.gaps import GapReason, StreamGap
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.domain.market.kept_quotes import KeptQuote
from munshi.domain.market.provisional_bars import KeptBar
from munshi.domain.market.ticks import DepthRow, Tick, TickMode
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode
from munshi.streams.recorder import Streamed, StreamRecorder
from munshi.streams.steady_clock import SteadyClock
from munshi.streams.stream_store import StreamStore

TEN = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)  # 10:00 IST
SHARE = 408065
KEY = CandleKey(
    mode=BrokerMode.SIMULATED, source="kite", exchange="NSE", instrument="INFY",
    interval=Interval.ONE_MINUTE,
)  # fmt: skip


def trade(at: datetime, price: str, volume: int) -> Tick:
    return Tick(
        token=SHARE, mode=TickMode.FULL, is_index=False, last_price=Decimal(price), volume=volume,
        oi=0, close=Decimal(100), traded_at=at, exchange_at=at,
    )  # fmt: skip


def book(at: datetime, bid: str, offer: str, *, quantity: int = 75) -> Tick:
    """A message that tells of the book alone, sent at `at`."""
    return Tick(
        token=SHARE, mode=TickMode.FULL, is_index=False, last_price=Decimal(100), volume=1000,
        oi=0, close=Decimal(100), traded_at=TEN - timedelta(minutes=30), exchange_at=at,
        bids=(DepthRow(Decimal(bid), quantity, 3),), offers=(DepthRow(Decimal(offer), 50, 2),),
    )  # fmt: skip


@dataclass(slots=True)
class Fed:
    """`exchange` goes on with the steady time that passes, whatever the desk's clock says."""

    database: Database
    clock: FakeClock
    recorder: StreamRecorder
    quotes: LastQuotes
    store: StreamStore
    steady: SteadyClock
    heard: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """A line that stands since a minute before ten."""
        gap = StreamGap(began=self.steady.now(), ended=None, reasons=(GapReason.STARTING,))
        self.recorder.gap_began(gap)
        ended = StreamGap(began=gap.began, ended=self.steady.now(), reasons=(GapReason.STARTING,))
        self.recorder.alive()
        self.recorder.gap_ended(ended)

    def pass_seconds(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    def take(self, *ticks: Tick) -> None:
        self.recorder.alive()
        self.recorder.take(ticks, received_at=self.steady.now())

    def bars(self) -> list[KeptBar]:
        with self.database.reading() as tx:
            return tx.provisional_bars.list_bars(
                "NSE", "INFY", mode=BrokerMode.SIMULATED, first=TEN - timedelta(hours=2),
                last=TEN + timedelta(hours=2), limit=100,
            )  # fmt: skip

    def kept(self) -> list[KeptQuote]:
        with self.database.reading() as tx:
            return tx.stream_quotes.list_quotes(
                InstrumentRef("NSE", "INFY"), mode=BrokerMode.SIMULATED,
                first=TEN - timedelta(hours=2), last=TEN + timedelta(hours=2), limit=100,
            )  # fmt: skip


@contextmanager
def fed_recorder(database: Database) -> Iterator[Fed]:
    clock = FakeClock(TEN - timedelta(minutes=2))
    with closing(Cache(database, clock)) as cache:
        quotes = LastQuotes(cache, mode=BrokerMode.SIMULATED)
        store = StreamStore(database, clock)
        steady = SteadyClock(clock)
        heard: list[str] = []

        def hear(event: str, _: Mapping[str, object]) -> None:
            heard.append(event)

        recorder = StreamRecorder(
            Streamed(broker=Service.KITE, keys={SHARE: KEY}),
            clock=steady,
            desk_clock=clock,
            quotes=quotes,
            store=store,
            heard=hear,
        )
        yield Fed(database, clock, recorder, quotes, store, steady, heard)
