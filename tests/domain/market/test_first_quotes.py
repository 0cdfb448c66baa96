"""Of each minute the first quote with both sides, and none whose minute is not certain."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.first_quotes import MOST_UNSURE, FirstQuotes
from munshi.domain.market.intervals import Interval
from munshi.domain.market.kept_quotes import KeptQuote, minute_of
from munshi.domain.market.tick_bars import TickBars
from munshi.domain.market.ticks import DepthRow, Tick, TickMode
from munshi.settings import BrokerMode

TEN = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)
KEY = CandleKey(
    mode=BrokerMode.SIMULATED, source="kite", exchange="NFO", instrument="NIFTY26NOV24000CE",
    interval=Interval.ONE_MINUTE,
)  # fmt: skip
Side = tuple[str, int]
BID, OFFER = ("99.95", 75), ("100.05", 50)


def tick(
    sent: float | None = 0, *, bids: tuple[Side, ...] = (BID,), offers: tuple[Side, ...] = (OFFER,)
) -> Tick:
    """Sent so many seconds after ten, by the exchange's clock, which it cuts to the second."""
    at = None if sent is None else TEN + timedelta(seconds=int(sent // 1))
    rows = [
        tuple(DepthRow(Decimal(price), quantity, 1) for price, quantity in side)
        for side in (bids, offers)
    ]
    return Tick(
        token=1, mode=TickMode.FULL, is_index=False, last_price=Decimal(100), exchange_at=at,
        bids=rows[0], offers=rows[1],
    )  # fmt: skip


def take(
    firsts: FirstQuotes, shown: Tick, *, received: float, lead: float | None = -0.25
) -> KeptQuote | None:
    return firsts.take(
        shown,
        KEY,
        received_at=TEN + timedelta(seconds=received),
        lead=None if lead is None else timedelta(seconds=lead),
    )


def kite() -> FirstQuotes:
    return FirstQuotes(says_when_sent=True)


def test_the_first_of_a_minute_is_kept_with_both_sides_and_its_time() -> None:
    firsts = kite()

    kept = take(firsts, tick(2), received=2.5)
    later = take(firsts, tick(3), received=3.5)
    next_minute = take(firsts, tick(60), received=60.25)

    assert kept == KeptQuote(
        key=KEY, at=TEN + timedelta(seconds=3.25), bid=999_500, bid_quantity=75,
        offer=1_000_500, offer_quantity=50,
    )  # fmt: skip
    assert later is None
    assert next_minute is not None
    assert next_minute.at == TEN + timedelta(seconds=61)


@pytest.mark.parametrize(
    ("bids", "offers"),
    [
        ((), (OFFER,)),
        ((BID,), ()),
        ((("99.95", 0),), (OFFER,)),
        ((("0", 75),), (OFFER,)),
        ((BID,), (("0", 0),) * 5),
        ((("-1", 75),), (OFFER,)),
    ],
)
def test_a_book_with_one_side_is_not_kept_and_the_next_one_is(
    bids: tuple[Side, ...], offers: tuple[Side, ...]
) -> None:
    firsts = kite()

    assert take(firsts, tick(2, bids=bids, offers=offers), received=2.5) is None
    assert take(firsts, tick(3), received=3.5) is not None


def test_an_index_has_no_book_and_nothing_is_said_of_it() -> None:
    firsts = kite()

    assert take(firsts, tick(2, bids=(), offers=()), received=2.5) is None
    assert (firsts.crossed, firsts.untimely, firsts.unreadable) == (0, 0, 0)


def test_a_crossed_book_is_counted_and_the_next_one_is_kept() -> None:
    firsts = kite()

    assert take(firsts, tick(2, bids=(("100.10", 5),)), received=2.5) is None
    locked = take(firsts, tick(3, bids=(("100.05", 5),)), received=3.5)

    assert firsts.crossed == 1
    assert locked is not None
    assert locked.bid == locked.offer


@pytest.mark.parametrize(
    ("bid", "offer"),
    [
        (BID, ("1e30", 5)),
        (BID, ("100.05", 10**16)),
        (("99.95", 10**16), OFFER),
        (("0.00001", 5), OFFER),
    ],
)
def test_numbers_that_cannot_be_stored_are_counted(bid: Side, offer: Side) -> None:
    firsts = kite()

    assert take(firsts, tick(2, bids=(bid,), offers=(offer,)), received=2.5) is None
    assert firsts.unreadable == 1


@pytest.mark.parametrize(
    ("sent", "received", "why"),
    [
        (-1, 0.5, "sent in the minute before"),
        (59, 59.5, "here in the minute after, perhaps"),
        (-3600, 30, "a line that opens repeats what it showed an hour ago"),
        (5, 30, "so long on its way that the book has moved on"),
        (3600, 30, "ahead of every clock"),
    ],
)
def test_what_is_not_certainly_of_the_minute_is_not_kept(
    sent: float, received: float, why: str
) -> None:
    firsts = kite()

    assert take(firsts, tick(sent), received=received) is None, why
    assert firsts.untimely == 1


def test_a_minute_that_comes_after_a_later_one_is_not_kept() -> None:
    firsts = kite()
    take(firsts, tick(62), received=62.5)

    assert take(firsts, tick(50), received=50.5) is None
    assert firsts.untimely == 0


def test_without_a_time_of_its_own_a_message_is_of_when_it_came() -> None:
    breeze = FirstQuotes(says_when_sent=False)
    traded_yesterday = tick(-80_000)

    early = take(breeze, traded_yesterday, received=4, lead=-5)
    kept = take(breeze, traded_yesterday, received=5.5, lead=-5)
    fast_exchange = take(breeze, tick(None), received=61, lead=30)

    assert early is None  # by a clock that may be five seconds ahead it may be of the minute before
    assert kept is not None
    assert kept.at == TEN + timedelta(seconds=5.5)
    assert fast_exchange is not None
    assert fast_exchange.at == TEN + timedelta(seconds=92)


def test_before_anything_is_known_of_the_exchanges_clock_nothing_is_kept() -> None:
    assert take(kite(), tick(None), received=2, lead=None) is None


@given(
    off=st.integers(-400_000_000, 400_000_000),
    steps=st.lists(
        st.tuples(st.integers(0, 30_000_000), st.integers(0, 8_000_000)), min_size=1, max_size=30
    ),
)
def test_no_stamp_is_before_the_quote_was_sent_nor_its_book_of_another_minute(
    off: int, steps: list[tuple[int, int]]
) -> None:
    # Our clock is off by any amount, messages travel up to eight seconds and come in order.
    # In whole microseconds, for no instant has less.
    firsts, bars, now, here = kite(), TickBars(), 0, 0
    for pause, travels in steps:
        now += pause
        here = max(here, now + travels)
        shown = tick(now // 1_000_000)
        received = TEN + timedelta(microseconds=here + off)
        bars.take([shown], received_at=received)

        kept = firsts.take(shown, KEY, received_at=received, lead=bars.lead)

        sent = TEN + timedelta(microseconds=now)
        if kept is not None:
            assert sent < kept.at <= TEN + timedelta(microseconds=here, seconds=1)
            assert minute_of(kept.at) == minute_of(sent)
            assert kept.at - sent <= MOST_UNSURE
