"""Orders that stored quotes fill: a ledger by hand, and what never happens."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.backtest.test_kernel import (
    CAPITAL,
    FLAT,
    LONG,
    MINUTE,
    PRICES,
    SHORT,
    Script,
    bars_of,
    request,
)
from made_candles import ist
from made_quotes import HeldQuotes, Quoted, drawn_quotes, quotes_of
from munshi.domain.backtest.audit import audit
from munshi.domain.backtest.engine import Order, Request, Target
from munshi.domain.backtest.hours import ALWAYS, TradingHours
from munshi.domain.backtest.kernel import Kernel
from munshi.domain.backtest.quotes import QuoteBook
from munshi.domain.backtest.results import BacktestResult, FillModel, LegFill, Sizing, TradeEnd
from munshi.domain.market.candles import Candle
from munshi.domain.market.charges import ChargeKind, Side
from munshi.domain.market.kept_quotes import QuoteTrack

INFY = Order(
    instrument="NSE:INFY", exchange="NSE", kind=ChargeKind.INTRADAY, brokerage=2_000, slippage_bp=1
)
NAME = "NFO:NIFTY24JUNFUT"  # of the kernel's test
DAY = TradingHours([(ist("2024-06-10 09:15"), ist("2024-06-10 15:30"))])
TARGETS = st.lists(st.sampled_from([*Target, None]), min_size=80, max_size=80)
SEEDS = st.integers(0, 10_000)
HOLES = st.sampled_from([0.0, 0.4, 0.9])


def at(clock: str) -> datetime:
    return ist(f"2024-06-10 {clock}").astimezone(UTC)


def book(
    quoted: Mapping[str, Quoted] | QuoteTrack, *, name: str = NAME, hours: TradingHours = ALWAYS
) -> QuoteBook:
    """By the time of the day of each."""
    track = (
        quoted
        if isinstance(quoted, QuoteTrack)
        else quotes_of({at(when): each for when, each in quoted.items()})
    )
    return QuoteBook(HeldQuotes({name: track}), hours)


def asked(bars: Sequence[Candle], quotes: QuoteBook, **other: object) -> Request:
    return request(bars, fill_model=FillModel.BID_ASK, quotes=quotes, **other)


def run(
    bars: Sequence[Candle],
    targets: Sequence[Target | None],
    quoted: Mapping[str, Quoted] | QuoteTrack | QuoteBook,
    **other: object,
) -> BacktestResult:
    quotes = quoted if isinstance(quoted, QuoteBook) else book(quoted)
    return Kernel().run(asked(bars, quotes, **other), Script(targets), progress=lambda _: None)


def legs_of(result: BacktestResult) -> list[LegFill]:
    return [leg for trade in result.trades for leg in trade.legs]


def test_a_trade_is_the_ledger_worked_out_by_hand() -> None:
    """100 INFY intraday on 10 June 2024.

    | | bought | sold |
    |---|---|---|
    | quote | 1,499.50 / 1,500.00 | 1,509.80 / 1,510.40 |
    | slippage, 1 basis point, of 15.000 and 15.098 paise | +0.15 | -0.16 |
    | price | 1,500.15 | 1,509.64 |
    | value | 150,015.00 | 150,964.00 |
    | brokerage | 20.00 | 20.00 |
    | STT, 0.025 % of what is sold | - | 37.74 |
    | exchange, 0.00322 % and 0.0001 % for its fund | 4.98 | 5.01 |
    | SEBI, 0.0001 % | 0.15 | 0.15 |
    | stamp, 0.003 % of what is bought | 4.50 | - |
    | GST, 18 % of brokerage, exchange and SEBI | 4.52 | 4.53 |
    """
    bars = bars_of([149_900, 150_100, 150_700, 151_000, 151_200])
    quoted: dict[str, Quoted] = {
        "09:15:30": (140_000, 140_010),  # before the decision
        "09:16:07.250000": (149_950, 150_000),
        "09:16:40": (1, 2),
        "09:17:02": (150_980, 151_040),
        "09:18:00": (1, 2),
    }
    [trade] = run(
        bars,
        [LONG, FLAT, None, None],
        book(quoted, name="NSE:INFY"),
        order=INFY,
        sizing=Sizing(capital=CAPITAL, lots=1, lot_size=100),
    ).trades

    bought, sold = trade.legs
    assert (bought.at, bought.side, bought.quoted) == (at("09:16:07.250000"), Side.BUY, 150_000)
    assert (sold.at, sold.side, sold.quoted) == (at("09:17:02"), Side.SELL, 150_980)
    assert (bought.price, sold.price) == (150_015, 150_964)
    costs = [
        (c.brokerage, c.stt, c.transaction, c.sebi, c.stamp, c.gst)
        for c in (bought.cost, sold.cost)
    ]
    assert costs == [(2_000, 0, 498, 15, 450, 452), (2_000, 3_774, 501, 15, 0, 453)]
    assert (trade.gross, trade.costs) == (94_900, 10_158)
    assert (trade.end, trade.net) == (TradeEnd.CLOSED, 84_742)


def test_who_turns_sells_twice_at_the_bid_and_takes_what_stood_there_together() -> None:
    bars = bars_of([2_000_000] * 5)
    quoted: dict[str, Quoted] = {
        "09:16:01": (1_999_900, 2_000_100, 25, 25),
        "09:17:01": (1_999_800, 2_000_200, 49, 50),
    }
    result = run(bars, [LONG, SHORT, None, None], quoted)

    first, second = result.trades
    assert [leg.quoted for leg in (*first.legs, *second.legs)] == [2_000_100, 1_999_800, 1_999_800]
    assert (second.end, second.mark) == (TradeEnd.OPEN_AT_END, -2_000_000 * 25)
    way_out, larger = result.assumptions
    assert way_out.endswith("rupees more, and the spread.")
    assert larger == (
        "1 of 3 orders were larger than what stood at the price at which they were filled."
    )


@pytest.mark.parametrize(
    ("quoted", "wait", "filled"),
    [
        pytest.param({"09:15:59.999999": (9, 9)}, 60, None, id="before the decision"),
        pytest.param({"09:16:00": (9, 9)}, 0, "09:16:00", id="at the decision"),
        pytest.param({"09:18:00": (9, 9)}, 2, "09:18:00", id="at the end of the wait"),
        pytest.param({"09:18:00.000001": (9, 9)}, 2, None, id="too late"),
        pytest.param({"09:20:00": (9, 9)}, 60, None, id="as the last bar closes"),
        pytest.param({"09:16:30": (10, 9), "09:17:30": (9, 9)}, 60, "09:17:30", id="crossed"),
        pytest.param({"09:16:30": (0, 9), "09:17:30": (9, 9)}, 60, "09:17:30", id="one-sided"),
    ],
)
def test_an_order_to_open_takes_the_first_quote_in_its_wait_or_lapses(
    quoted: Mapping[str, Quoted], wait: int, filled: str | None
) -> None:
    bars = bars_of([2_000_000] * 6)
    result = run(bars, [LONG, *[None] * 4], quoted, max_wait=timedelta(minutes=wait))

    [trade] = result.trades
    if filled is None:
        assert (trade.end, trade.legs, trade.net) == (TradeEnd.UNPRICED, (), 0)
        assert {point.equity for point in result.equity} == {CAPITAL}
    else:
        assert [leg.at for leg in trade.legs] == [at(filled)]


def test_an_order_lapses_at_its_deadline_and_another_decision_may_follow() -> None:
    bars = bars_of([2_000_000] * 7)
    quoted: dict[str, Quoted] = {"09:20:10": (9, 9)}
    first, second = run(
        bars, [LONG, None, None, None, LONG, None], quoted, max_wait=timedelta(minutes=2)
    ).trades

    assert (first.end, first.decided_at) == (TradeEnd.UNPRICED, at("09:16"))
    assert (second.decided_at, second.legs[0].at) == (at("09:20"), at("09:20:10"))


def test_who_wants_out_waits_for_a_bid_and_what_should_follow_lapses() -> None:
    bars = bars_of([2_000_000] * 9)
    quoted: dict[str, Quoted] = {"09:16:10": (8, 9), "09:22:30": (8, 9)}
    out, never = run(bars, [LONG, SHORT, *[None] * 6], quoted, max_wait=timedelta(minutes=2)).trades

    # It had lapsed before the other was closed.
    assert (out.end, out.decided_at) == (TradeEnd.UNPRICED, at("09:17"))
    assert [leg.at for leg in never.legs] == [at("09:16:10"), at("09:22:30")]
    assert never.end is TradeEnd.CLOSED


def test_a_quote_outside_trading_hours_fills_nothing() -> None:
    evening = [replace(bar, opens=bar.opens + timedelta(hours=6, minutes=13)) for bar in FOUR]
    night: dict[str, Quoted] = {"09:07:00": (9, 9), "15:30:00": (9, 9), "15:31:00": (9, 9)}
    early = run(FOUR, [LONG, None, None], book(night, hours=DAY))
    late = run([*FOUR, *evening], [*[None] * 3, LONG, None, None], book(night, hours=DAY))

    for result in (early, late):
        assert [trade.end for trade in result.trades] == [TradeEnd.UNPRICED]
    assert book(night, hours=DAY).track(NAME).stamps == []


FOUR = bars_of([2_000_000] * 4)


def drawn(bars: Sequence[Candle], seed: int, holes: float) -> QuoteTrack:
    minutes = [bars[0].opens + MINUTE * number for number in range(-2, len(bars) + 2)]
    return drawn_quotes(minutes, lambda _: 2_000_500, seed=seed, holes=holes)


@given(paise=PRICES, targets=TARGETS, seed=SEEDS, holes=HOLES, cut=st.integers(1, 79))
def test_a_future_quote_changes_no_past_trade(
    paise: list[int], targets: list[Target | None], seed: int, holes: float, cut: int
) -> None:
    """It is taken away with its bars, or is another one."""
    bars = bars_of(paise)
    track = drawn(bars, seed, holes)
    whole = asked(bars, book(track))
    part = whole.until(min(cut, len(bars)))
    end = part.bars[-1].opens + MINUTE
    kept = track.place(end)
    dearer = [*track.offers[:kept], *(offer + 9_999 for offer in track.offers[kept:])]
    moved = asked(bars, book(replace(track, offers=dearer)))
    told, cut_off, other = (
        Kernel().run(each, Script(targets), progress=lambda _: None)
        for each in (whole, part, moved)
    )

    past = [leg for leg in legs_of(told) if leg.at < end]
    assert legs_of(cut_off) == past == [leg for leg in legs_of(other) if leg.at < end]
    count = len(part.bars)
    assert cut_off.equity == told.equity[:count] == other.equity[:count]


@given(paise=PRICES, targets=TARGETS, seed=SEEDS, holes=HOLES)
def test_every_order_has_the_first_quote_of_its_decision_or_later(
    paise: list[int], targets: list[Target | None], seed: int, holes: float
) -> None:
    """By an oracle that looks at every quote."""
    bars = bars_of(paise)
    quotes = book(drawn(bars, seed, holes))
    track = quotes.track(NAME)
    stamps = [track.at(place) for place in range(len(track.stamps))]
    result = run(bars, targets, quotes)

    last = bars[-1].opens + MINUTE
    for trade in result.trades:
        first = next((each for each in stamps if each >= trade.decided_at), None)
        if trade.end is TradeEnd.UNPRICED:
            late = trade.decided_at + timedelta(hours=1)
            assert first is None or first >= min(last, late)
            continue
        entry = trade.legs[0]
        assert entry.at == first
        for leg in trade.legs:
            place = stamps.index(leg.at)
            assert leg.quoted == (track.offers if leg.side is Side.BUY else track.bids)[place]
            assert (leg.price > leg.quoted) if leg.side is Side.BUY else (leg.price < leg.quoted)
    assert result.equity[-1].equity == CAPITAL + result.net


@given(paise=PRICES, targets=TARGETS)
def test_with_the_openings_as_quotes_it_is_the_next_open(
    paise: list[int], targets: list[Target | None]
) -> None:
    bars = bars_of(paise)
    opens = quotes_of({bar.opens: (bar.open // 100, bar.open // 100) for bar in bars})
    by_bars = Kernel().run(request(bars), Script(targets), progress=lambda _: None)
    by_quotes = run(bars, targets, opens)

    assert by_quotes.trades == by_bars.trades
    assert by_quotes.equity == by_bars.equity


@given(paise=PRICES, targets=TARGETS, seed=SEEDS, others=st.permutations(["A", "B", NAME]))
def test_quotes_of_other_instruments_touch_nothing(
    paise: list[int], targets: list[Target | None], seed: int, others: list[str]
) -> None:
    bars = bars_of(paise)
    tracks = {name: drawn(bars, seed + len(name), 0.4) for name in others}
    quotes = QuoteBook(HeldQuotes(tracks))
    for name in others:
        quotes.track(name)

    assert run(bars, targets, quotes).digest() == run(bars, targets, tracks[NAME]).digest()


def test_the_fingerprint_is_of_the_quotes_that_were_asked_for() -> None:
    track = drawn(FOUR, 1, 0.0)
    moved = replace(track, bid_quantities=[each + 1 for each in track.bid_quantities])
    prints = []
    for each in (track, track, moved):
        quotes = QuoteBook(HeldQuotes({NAME: each, "NSE:INFY": track}))
        assert quotes.coverage() == {}
        run(FOUR, [LONG, None, None], quotes)
        told = quotes.coverage()
        assert (told["quoted"], told["quotes_missing"]) == (1, [])
        prints.append(told["quotes_fingerprint"])
    assert prints[0] == prints[1] != prints[2]


def _tight(track: QuoteTrack) -> QuoteTrack:
    return replace(track, offers=track.bids)


@pytest.mark.parametrize(
    ("change", "is_better"),
    [pytest.param(lambda each: each, True, id="spread"), pytest.param(_tight, False, id="none")],
)
def test_an_audit_draws_between_bid_and_offer_and_fills_by_the_next_open_once_more(
    change: Callable[[QuoteTrack], QuoteTrack], *, is_better: bool
) -> None:
    bars = bars_of([2_000_000 + 100 * number for number in range(60)])
    targets = [LONG, FLAT] * 30
    wanted = asked(bars, book(change(drawn(bars, 3, 0.0))))
    by_bars = Kernel().run(request(bars), Script(targets), progress=lambda _: None)

    found = audit(
        wanted,
        lambda: Script(targets),
        engine=Kernel(),
        seed=1,
        progress=lambda *_: None,
    )

    rows = {row.name: row.net for row in found.assumptions}
    assert rows["filled by next_open"] == by_bars.net
    unlucky = rows["fills anywhere between bid and offer, unlucky 1 in 20"]
    assert (unlucky > found.net) == is_better
    assert unlucky >= found.net
    assert found.is_clean
