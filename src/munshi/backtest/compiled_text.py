"""The canonical bytes of a run that is told in arrays, without making its objects.

Each piece is written once by the code that writes whole results, with marks where values go.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np

from munshi.backtest.compiled_loops import Bytes, Ints
from munshi.domain.backtest.costs import LegCost
from munshi.domain.backtest.engine import Request
from munshi.domain.backtest.results import (
    BacktestResult,
    EquityPoint,
    LegFill,
    Trade,
    TradeEnd,
    canonical_json,
)
from munshi.domain.market.charges import Side

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MARKED_AT = datetime(1971, 2, 3, 4, 5, 6, 789012, tzinfo=UTC)
_MARK = 700_000_000_000_000_001


class ResultText:
    """Of the runs of one request over the same bars, whose `closes` are in microseconds.

    `blank` makes a result without trades and curve, of a run that ends with so much held.
    """

    def __init__(
        self, request: Request, closes: Ints, blank: Callable[[int], BacktestResult]
    ) -> None:
        self._request = request
        self._closes = closes
        self._blank = blank
        self._begins: dict[int, str] = {}
        _, _, rest = blank(0).canonical().decode().partition('"equity":[')
        between, _, self.end = rest.partition('"trades":[')
        self.between = between + '"trades":['
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

    @cached_property
    def curve(self) -> tuple[Bytes, Ints, Bytes]:
        """What stands before each bar's cash, where each of these ends, and what comes after."""
        point = EquityPoint(at=_MARKED_AT, cash=_MARK, position=_MARK + 1)
        text = canonical_json(asdict(point))
        before, rest = text.split(_instant_of(_MARKED_AT))
        after, rest = rest.split(str(_MARK))
        middle, tail = rest.split(str(_MARK + 1))
        longest = len(f"{tail},{before}{_instant_of(_MARKED_AT)}{after}".encode())
        heads = bytearray(longest * self._closes.size)
        ends = np.zeros(self._closes.size + 1, np.int64)
        end = 0
        for number, micros in enumerate(self._closes):
            # What follows a position stands before the next point.
            comma = f"{tail}," if number else ""
            head = f"{comma}{before}{_instant(int(micros))}{after}".encode()
            begin, end = end, end + len(head)
            heads[begin:end] = head
            ends[number + 1] = end
        self.between = tail + self.between
        return _bytes(heads)[:end], ends, _bytes(middle.encode())


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


def _bytes(content: bytes | bytearray) -> Bytes:
    return np.frombuffer(content, np.uint8)
