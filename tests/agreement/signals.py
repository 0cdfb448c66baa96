"""The bars and targets that every engine is shown, and what they must agree on.

No slippage, one unit an order: what is left is at which bar and price each order is filled. Our
charges are added back, because other engines know none of them.
"""

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

from munshi.clock import IST
from munshi.domain.backtest.closed_bars import ClosedBars
from munshi.domain.backtest.engine import Order, Request, Strategy, Target
from munshi.domain.backtest.results import BacktestResult, FillModel, Sizing
from munshi.domain.backtest.rules import decision
from munshi.domain.backtest.strategies import MovingAverageCross, OpeningRangeBreakout
from munshi.domain.market.candles import Candle, to_price
from munshi.domain.market.charges import ChargeKind

REAL_DATA = "MUNSHI_REAL_DATA"
MINUTE = timedelta(minutes=1)
CAPITAL = 1_000_000_000
TOLERANCE = 1e-6
_PAISA = 100  # ten-thousandths of a rupee
_DAY_BARS = 75


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """`targets` holds what is decided at the close of each bar; None leaves all as it is."""

    name: str
    bars: Sequence[Candle]
    targets: Sequence[Target | None]

    def request(self) -> Request:
        return Request(
            bars=self.bars,
            span=MINUTE,
            order=Order(
                instrument="NFO:NIFTY24JUNFUT",
                exchange="NSE",
                kind=ChargeKind.FUTURES,
                brokerage=0,
                slippage_bp=0,
                tick=0,
            ),
            sizing=Sizing(capital=CAPITAL, lots=1, lot_size=1),
            fill_model=FillModel.NEXT_OPEN,
        )

    def positions(self) -> list[int]:
        """The position wanted after each bar, -1, 0 or 1."""
        wanted = 0
        return [wanted := wanted if each is None else int(each) for each in self.targets]

    def document(self) -> dict[str, Any]:
        """For an engine in another environment: prices in paise, and the positions wanted."""
        return {
            "name": self.name,
            "stamps": [int(bar.opens.timestamp()) for bar in self.bars],
            **{
                name: [getattr(bar, name) // _PAISA for bar in self.bars]
                for name in ("open", "high", "low", "close")
            },
            "positions": self.positions(),
            "capital": CAPITAL,
        }


@dataclass
class Script:
    """A strategy that decides what it was told, bar by bar."""

    targets: Sequence[Target | None]

    def decide(self, closed: Sequence[Candle], /) -> Target | None:
        return self.targets[len(closed) - 1]


def scenes() -> Iterator[Scene]:
    """Walks over some days with holes, by seeds that stay, and three kinds of signals on each."""
    for seed in (1, 2, 3):
        bars = walk(seed=seed, days=8)
        yield _scene(f"cross {seed}", bars, MovingAverageCross(fast=5, slow=21))
        yield _scene(f"opening range {seed}", bars, OpeningRangeBreakout(bars=15))
        random = Random(seed)  # noqa: S311 - the same signals again by their seed
        choices = (Target.LONG, Target.SHORT, Target.FLAT, None, None, None, None)
        yield Scene(name=f"chance {seed}", bars=bars, targets=random.choices(choices, k=len(bars)))


def real_scenes() -> Iterator[Scene]:
    """The files of minutes in the folder that MUNSHI_REAL_DATA names; nothing without it."""
    if folder := os.environ.get(REAL_DATA):
        for path in sorted(Path(folder).glob("*1min*.csv")):
            bars = _read(path)
            yield _scene(f"{path.stem}, cross 20/50", bars, MovingAverageCross())
            yield _scene(f"{path.stem}, opening range", bars, OpeningRangeBreakout())


def walk(*, seed: int, days: int) -> list[Candle]:
    """Whole paise; here and there a bar is missing, and a night may end far from where it began."""
    random = Random(seed)  # noqa: S311 - the same bars again by their seed
    first = datetime(2024, 6, 10, 9, 15, tzinfo=IST)
    price, bars = 2_300_000, []
    for number in range(days * _DAY_BARS):
        day, minute = divmod(number, _DAY_BARS)
        a = price + (random.randint(-20_000, 20_000) if minute == 0 else random.randint(-300, 300))
        price = a + random.randint(-2_500, 2_500)
        if random.random() > 0.03:
            bars.append(
                Candle(
                    opens=first + timedelta(days=day, minutes=minute * (375 // _DAY_BARS)),
                    open=a * _PAISA,
                    high=(max(a, price) + random.randint(0, 500)) * _PAISA,
                    low=(min(a, price) - random.randint(0, 500)) * _PAISA,
                    close=price * _PAISA,
                    volume=1,
                )
            )
    return bars


def equity_before_charges(result: BacktestResult) -> list[int]:
    """In paise, at each bar's close."""
    charged = dict.fromkeys((point.at for point in result.equity), 0)
    for trade in result.trades:
        for leg in trade.legs:
            charged[leg.at + MINUTE] += leg.cost.total
    spent = accumulate(charged.values())
    return [point.equity + cost for point, cost in zip(result.equity, spent, strict=True)]


def largest_difference(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """As a share of the capital."""
    return max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) / CAPITAL


def _scene(name: str, bars: Sequence[Candle], strategy: Strategy) -> Scene:
    closed = ClosedBars(bars)
    targets = []
    for _ in bars:
        closed.close_next()
        targets.append(decision(strategy, closed))
    return Scene(name=name, bars=bars, targets=targets)


def _read(path: Path) -> list[Candle]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Candle(
                opens=datetime.strptime(f"{row['Date']} {row['Time']}", "%Y%m%d %H:%M").replace(
                    tzinfo=IST
                ),
                open=to_price(row["Open"]),
                high=to_price(row["High"]),
                low=to_price(row["Low"]),
                close=to_price(row["Close"]),
                volume=0,
            )
            for row in csv.DictReader(file)
        ]
