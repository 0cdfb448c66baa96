"""The engine against ledgers worked out by hand: every figure is read from the page."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from made_options import (
    FIVE,
    StoredTracks,
    flat_bars,
    maker,
    opens_of,
    option_request,
    run_options,
    track_of,
)
from munshi.clock import IST
from munshi.domain.backtest.engine import Strategy
from munshi.domain.backtest.options.market import OptionRequest
from munshi.domain.backtest.options.orders import Enter, Leg, Orders
from munshi.domain.backtest.results import BacktestResult, TradeEnd
from munshi.domain.market.candles import Candle
from munshi.domain.market.charges import Side
from munshi.domain.market.instruments import InstrumentKind

PAGE = Path(__file__).parents[4] / "docs/how-to/option-ledger.md"
COSTS = ("brokerage", "stt", "transaction", "sebi", "stamp", "gst", "exercise_stt")


def paise(text: str) -> int:
    """Exactly, as they are written."""
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    rupees, _, rest = digits.replace(",", "").partition(".")
    assert len(rest) == 2, text
    return sign * (int(rupees) * 100 + int(rest))


@dataclass(frozen=True)
class Line:
    """One row of a ledger."""

    side: Side
    instrument: str
    units: int
    quoted: int
    price: int
    value: int
    costs: list[int]
    total: int


@dataclass(frozen=True)
class Ledger:
    title: str
    opens: datetime
    expires: datetime
    index: int
    half_hour: list[int]
    settlement: int
    lines: list[Line]
    gross: int
    charges: int
    net: int


def read_ledgers() -> list[Ledger]:
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return [read(section) for section in sections if "| order |" in section]


def read(section: str) -> Ledger:
    text = " ".join(section.split())
    title = section.partition("\n")[0]
    index = re.search(r"with the index at ([\d,.]+\d)\.", text)
    expires = re.search(r"expires on \w+, (\d+ \w+ \d+)", text)
    closes = re.search(r"half hour: ([\d,. ]+);.* a sixth of it ([\d,.]+\d)\.", text)
    sums = re.search(r"gross (-?[\d,.]+), charges ([\d,.]+), net (-?[\d,.]+\d)\.", text)
    assert index is not None
    assert expires is not None
    assert closes is not None
    assert sums is not None
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if " NFO:" in line]
    day = datetime.strptime(title.partition(", ")[2], "%d %b %Y").replace(tzinfo=IST)
    return Ledger(
        title=title,
        opens=day.replace(hour=9, minute=20),
        expires=datetime.strptime(expires[1], "%d %b %Y").replace(tzinfo=IST),
        index=paise(index[1]),
        half_hour=[paise(each) for each in closes[1].split()],
        settlement=paise(closes[2]),
        lines=[
            Line(
                side=Side(row[0].split()[0]),
                instrument=row[0].split()[1],
                units=int(row[1]),
                quoted=paise(row[2]),
                price=paise(row[3]),
                value=paise(row[4]),
                costs=[paise(each) for each in row[5:12]],
                total=paise(row[12]),
            )
            for row in rows
        ],
        gross=paise(sums[1]),
        charges=paise(sums[2]),
        net=paise(sums[3]),
    )


@dataclass
class Spread:
    """Enters the first two orders of a ledger at its time."""

    ledger: Ledger

    def decide(self, closed: Sequence[Candle], /) -> Orders | None:
        if closed[-1].opens + FIVE != self.ledger.opens:
            return None
        legs = tuple(
            Leg(
                side=line.side,
                kind=InstrumentKind(line.instrument[-2:]),
                strike=int(line.instrument[-7:-2]),
            )
            for line in self.ledger.lines[:2]
        )
        return (Enter(name="spread", legs=legs),)


def asked(ledger: Ledger) -> tuple[OptionRequest, Strategy]:
    """Its prices, and what sells its first two lines at its time."""
    opens = opens_of(ledger.opens.date(), ledger.expires.date())
    closes = [ledger.index] * (len(opens) - 5) + ledger.half_hour
    bars = flat_bars(opens, lambda number: closes[number])
    quoted = {line.instrument: line.quoted for line in ledger.lines[:2]}
    stored = StoredTracks(
        {name: track_of({ledger.opens: (price, price)}) for name, price in quoted.items()}
    )
    request = option_request(bars, stored)
    request = replace(request, order=replace(request.order, slippage_bp=10))
    if "straddle" in ledger.title:
        return request, maker("short_straddle", exit_at="expiry")()
    return request, Spread(ledger)


def hold(result: BacktestResult, ledger: Ledger) -> None:
    """Its first trade is that of the page, every figure of it."""
    trade = result.trades[0]
    assert trade.end is TradeEnd.CLOSED
    assert trade.expiry == ledger.expires.date()
    found = [
        Line(
            side=leg.side,
            instrument=leg.instrument,
            units=leg.quantity,
            quoted=leg.quoted,
            price=leg.price,
            value=abs(leg.cash),
            costs=[getattr(leg.cost, name) for name in COSTS],
            total=leg.cost.total,
        )
        for leg in trade.legs
    ]
    assert found == ledger.lines
    assert [leg.at for leg in trade.legs[:2]] == [ledger.opens] * 2
    assert trade.legs[2].at == ledger.expires + timedelta(hours=15, minutes=30)
    assert (trade.gross, trade.costs, trade.net) == (ledger.gross, ledger.charges, ledger.net)


@pytest.mark.parametrize("ledger", read_ledgers(), ids=lambda ledger: ledger.title)
def test_the_engine_comes_to_the_ledger_to_the_paisa(ledger: Ledger) -> None:
    hold(run_options(*asked(ledger)), ledger)


def test_the_page_adds_up_and_has_all_four() -> None:
    ledgers = read_ledgers()
    assert [ledger.title for ledger in ledgers] == [
        f"{what}, {day}"
        for day in ("30 Sep 2024", "2 Apr 2026")
        for what in ("Short straddle", "Hedged put spread")
    ]
    for ledger in ledgers:
        flows = [line.value if line.side is Side.SELL else -line.value for line in ledger.lines]
        assert sum(flows) == ledger.gross
        assert sum(line.total for line in ledger.lines) == ledger.charges
        assert ledger.gross - ledger.charges == ledger.net
        assert [sum(line.costs) for line in ledger.lines] == [line.total for line in ledger.lines]
        assert round(sum(ledger.half_hour) / 6) == ledger.settlement
