"""The canonical bytes of a run that is told in arrays, without making its objects.

Each piece is written once by the code that writes whole results, with marks where values go.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import numpy as np

from munshi.backtest.compiled_loops import Bytes, Point
from munshi.domain.backtest.costs import LegCost
from munshi.domain.backtest.engine import Request
from munshi.domain.backtest.equity import EquityCurve, EquityPoint
from munshi.domain.backtest.results import (
    BacktestResult,
    LegFill,
    Trade,
    TradeEnd,
    canonical_json,
)
from munshi.domain.market.charges import Side

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MARKED_AT = datetime(1971, 2, 3, 4, 5, 6, 789012, tzinfo=UTC)
_MARK = 700_000_000_000_000_001
_LONGEST_NUMBER = len(str(-(2**63)))


class ResultText:
    """Of the runs of one request over the same bars.

    `blank` makes a result without trades and curve, of a run that ends with so much held.
    """

    def __init__(self, request: Request, blank: Callable[[int], BacktestResult]) -> None:
        self._request = request
        self._blank = blank
        self._begins: dict[int, str] = {}
        _, _, rest = blank(0).canonical().decode().partition('"equity":[')
        between, _, self.end = rest.partition('"trades":[')
        self.between = between + '"trades":['
        self.point = curve_point()
        self._ends = {end: _trade_text(end) for end in TradeEnd}
        self._legs = {side: _leg_text(request, side) for side in Side}
        self._at: dict[int, str] = {}

    def begin(self, held: int) -> str:
        """What stands before the curve. Raises what pricing the way out raises."""
        if (found := self._begins.get(held)) is None:
            before, start, _ = self._blank(held).canonical().decode().partition('"equity":[')
            found = self._begins[held] = before + start
        return found

    def at(self, micros: int) -> str:
        if (found := self._at.get(micros)) is None:
            found = self._at[micros] = _instant(micros)
        return found

    def leg(self, side: Side, values: Mapping[str, object]) -> str:
        return self._legs[side] % values

    def trade(self, end: TradeEnd, *, decided: int, mark: int, legs: Sequence[str]) -> str:
        return self._ends[end] % {
            "decided": self.at(decided),
            "mark": mark,
            "legs": ",".join(legs),
        }


def longest_point(point: Point) -> int:
    """The most bytes that one takes."""
    return sum(map(len, point)) + 2 * _LONGEST_NUMBER


def curve_point() -> Point:
    text = "".join(
        EquityCurve([EquityPoint(at=_MARKED_AT, cash=_MARK, position=_MARK + 1)]).texts()
    )
    before, rest = text.split(_instant_of(_MARKED_AT))
    after, rest = rest.split(str(_MARK))
    middle, end = rest.split(str(_MARK + 1))
    # A comma stands before each point but the first.
    pieces = (
        f",{before}",
        _instant_of(_MARKED_AT.replace(microsecond=0)),
        _instant_of(_MARKED_AT),
        *(after, middle, end),
    )
    return Point(*(_bytes(each.encode()) for each in pieces))


def _leg_text(request: Request, side: Side) -> str:
    names = ("quoted", "price", "stt", "transaction", "sebi", "stamp", "gst")
    marks = {name: _MARK + number for number, name in enumerate(names)}
    cost = LegCost(
        brokerage=request.order.brokerage,
        **{name: marks[name] for name in ("stt", "transaction", "sebi", "stamp", "gst")},
    )
    leg = LegFill(
        instrument=request.order.instrument,
        side=side,
        quantity=request.sizing.quantity,
        quoted=marks["quoted"],
        price=marks["price"],
        at=_MARKED_AT,
        cost=cost,
    )
    return _named(canonical_json(asdict(leg)), marks, "at")


def _trade_text(end: TradeEnd) -> str:
    trade = Trade(decided_at=_MARKED_AT, end=end, legs=(), mark=_MARK)
    return _named(canonical_json(asdict(trade)), {"mark": _MARK}, "decided").replace(
        '"legs":[]', '"legs":[%(legs)s]'
    )


def _named(text: str, marks: Mapping[str, int], instant: str) -> str:
    text = text.replace("%", "%%").replace(_instant_of(_MARKED_AT), f"%({instant})s")
    for name, mark in marks.items():
        text = text.replace(str(mark), f"%({name})d")
    return text


def _instant(micros: int) -> str:
    return _instant_of(_EPOCH + timedelta(microseconds=micros))


def _instant_of(at: datetime) -> str:
    return canonical_json(at).strip('"')


def _bytes(content: bytes) -> Bytes:
    return np.frombuffer(content, np.uint8)
