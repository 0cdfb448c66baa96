"""The loops that are compiled: targets of plain strategies, fills, and the bytes of a curve.

The rules are those of `domain/backtest/kernel.py`, told again over arrays of whole numbers; a
test holds both to the same hash. Nothing here is called before numba has compiled it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Targets = NDArray[np.int8]
Bytes = NDArray[np.uint8]
LEAVE = 2
CLOSED, OPEN_AT_END, UNPRICED = 0, 1, 2
# Columns of a leg, of a trade, and of a day's rates; a side's own rate stands after that of buys.
BAR, IS_BUY, QUOTED, PRICE, STT, TRANSACTION, SEBI, STAMP, GST, LEG_WIDTH = range(10)
DECIDED, FIRST_LEG, AFTER_LEG, END, MARK, TRADE_WIDTH = range(6)
RATE_STT, RATE_TRANSACTION, RATE_SEBI, RATE_STAMP, RATE_GST, RATE_WIDTH = 0, 2, 3, 4, 6, 7
_BASIS = 10_000
_PERCENT = 100
_MINUS, _ZERO = 45, 48
_Function = TypeVar("_Function", bound=Callable[..., Any])


def _inlined(function: _Function) -> _Function:
    """May be called from a compiled loop; numba's own decorator has no types."""
    made: _Function = register_jitable(function)
    return made


class Bars(NamedTuple):
    """Stamps and trading time in microseconds, `day` a row of the rates, prices in paise."""

    opens: Ints
    closes: Ints
    traded_at_open: Ints
    traded_at_close: Ints
    day: Ints
    open: Ints
    close: Ints


class Rules(NamedTuple):
    """What all orders of a run share, in paise and microseconds."""

    max_wait: int
    at_open: bool
    capital: int
    quantity: int
    lot_size: int
    margin_percent: int
    slippage_bp: int
    tick: int
    brokerage: int


class Rates(NamedTuple):
    """A row a day, as fractions; a denominator of 0 says that the day's rates are not known."""

    over: Ints
    under: Ints


class Point(NamedTuple):
    """What stands around the values of a point of the curve in the canonical bytes.

    Of an instant it is one with digits to be written over.
    """

    begin: Bytes
    instant: Bytes
    instant_with_micros: Bytes
    after_instant: Bytes
    after_cash: Bytes
    end: Bytes


class Book(NamedTuple):
    """What a run fills in: cash and position at each bar's close, then its legs and trades."""

    cash: Ints
    position: Ints
    legs: Ints
    trades: Ints


def cross_targets(close: Ints, fast: int, slow: int, below: int, targets: Targets) -> None:
    """As MovingAverageCross decides; `below` is what it wants under the slow mean."""
    fast_sum = slow_sum = 0
    for at in range(close.size):
        fast_sum += close[at] - (close[at - fast] if at >= fast else 0)
        slow_sum += close[at] - (close[at - slow] if at >= slow else 0)
        lead = fast_sum * slow - slow_sum * fast
        if at + 1 < slow or lead == 0:
            targets[at] = LEAVE
        else:
            targets[at] = 1 if lead > 0 else below


def range_targets(
    day: Ints, clock: Ints, high: Ints, low: Ints, close: Ints, bars: int, exit_at: int,
    targets: Targets,
) -> None:  # fmt: skip
    """As OpeningRangeBreakout decides; `clock` is the time of day that a bar opens at."""
    seen = top = bottom = 0
    has_traded = False
    for at in range(close.size):
        if at == 0 or day[at] != day[at - 1]:
            seen, has_traded, top, bottom = 0, False, high[at], low[at]
        seen += 1
        targets[at] = LEAVE
        if clock[at] >= exit_at:
            targets[at] = 0
        elif seen <= bars:
            top, bottom = max(top, high[at]), min(bottom, low[at])
            targets[at] = 0
        elif not has_traded and not bottom <= close[at] <= top:
            has_traded = True
            targets[at] = 1 if close[at] > top else -1


def most_orders(targets: Targets) -> int:
    """How often the target changes: no order is decided more often, but after one that lapsed."""
    wanted = changes = 0
    for target in targets:
        if target not in (LEAVE, wanted):
            wanted = target
            changes += 1
    return changes


def simulate(
    bars: Bars, rules: Rules, rates: Rates, targets: Targets, book: Book
) -> tuple[bool, int, int, int]:
    """Fill `book`; whether all went well, how many legs and trades there are, and what is held.

    Where it did not (too little capital, rates that are not known), the plain kernel says why.
    """
    cash, held, wanted, decided, due, opened_by = rules.capital, 0, 0, 0, bars.opens[0], 0
    legs = first = trades = 0
    for bar in range(bars.opens.size):
        if wanted != held and bars.opens[bar] >= due:
            quoted = bars.open[bar] if rules.at_open else bars.close[bar]
            has_room = legs + 2 <= len(book.legs) and trades + 4 <= len(book.trades)
            if rates.under[bars.day[bar], 0] == 0 or not has_room:
                return False, legs, trades, held
            if held != 0:
                cash += _execute(bars, rules, rates, book.legs[legs], bar, held < 0, quoted)
                legs += 1
                _finish(book.trades[trades], opened_by, first, legs, CLOSED, 0)
                trades, first = trades + 1, legs
            waited = bars.traded_at_open[bar] - bars.traded_at_close[decided]
            if wanted != 0 and waited > rules.max_wait:
                _finish(book.trades[trades], decided, legs, legs, UNPRICED, 0)
                trades, wanted = trades + 1, 0
            if wanted != 0:
                if rules.capital < quoted * rules.lot_size * rules.margin_percent // _PERCENT:
                    return False, legs, trades, held
                opened_by = decided
                cash += _execute(bars, rules, rates, book.legs[legs], bar, wanted > 0, quoted)
                legs += 1
            held = wanted
        book.cash[bar] = cash
        book.position[bar] = held * rules.quantity * bars.close[bar]
        if targets[bar] not in (LEAVE, wanted):
            wanted, decided, due = targets[bar], bar, bars.closes[bar]
    if held != 0:
        _finish(book.trades[trades], opened_by, first, legs, OPEN_AT_END, book.position[-1])
        trades += 1
    if wanted not in (held, 0):
        _finish(book.trades[trades], decided, legs, legs, UNPRICED, 0)
        trades += 1
    return True, legs, trades, held


@_inlined
def _execute(
    bars: Bars, rules: Rules, rates: Rates, leg: Ints, bar: int, is_buy: bool, quoted: int
) -> int:
    """Write the leg; what it adds to the cash, its cost taken off."""
    slip = max(rules.tick, -(-quoted * rules.slippage_bp // _BASIS))
    price = quoted + slip if is_buy else max(quoted - slip, 0)
    value, day, side = price * rules.quantity, bars.day[bar], 0 if is_buy else 1
    leg[BAR], leg[IS_BUY], leg[QUOTED], leg[PRICE] = bar, 1 - side, quoted, price
    leg[STT] = _share(value, rates, day, RATE_STT + side)
    leg[TRANSACTION] = _share(value, rates, day, RATE_TRANSACTION)
    leg[SEBI] = _share(value, rates, day, RATE_SEBI)
    leg[STAMP] = _share(value, rates, day, RATE_STAMP + side)
    fees = leg[TRANSACTION] + leg[SEBI]
    leg[GST] = _share(rules.brokerage + fees, rates, day, RATE_GST)
    cost = rules.brokerage + leg[STT] + fees + leg[STAMP] + leg[GST]
    added: int = (-value if is_buy else value) - cost
    return added


@_inlined
def _share(value: int, rates: Rates, day: int, which: int) -> int:
    """Halves up, in whole paise; no value here is negative."""
    under = rates.under[day, which]
    share: int = (2 * value * rates.over[day, which] + under) // (2 * under)
    return share


@_inlined
def _finish(trade: Ints, decided: int, first: int, after: int, end: int, mark: int) -> None:
    trade[DECIDED], trade[FIRST_LEG], trade[AFTER_LEG] = decided, first, after
    trade[END], trade[MARK] = end, mark


def write_curve(point: Point, closes: Ints, book: Book, begin: int, stop: int, out: Bytes) -> int:
    """Write the points from `begin` to before `stop`; how many bytes of `out` were written."""
    at = 0
    for bar in range(begin, stop):
        at = _write_text(point.begin if bar > 0 else point.begin[1:], out, at)
        at = _write_instant(closes[bar], point, out, at)
        at = _write_text(point.after_instant, out, at)
        at = _write_number(book.cash[bar], out, at)
        at = _write_text(point.after_cash, out, at)
        at = _write_number(book.position[bar], out, at)
        at = _write_text(point.end, out, at)
    return at


@_inlined
def _write_text(text: Bytes, out: Bytes, at: int) -> int:
    for place in range(text.size):
        out[at + place] = text[place]
    after: int = at + text.size
    return after


@_inlined
def _write_instant(micros: int, point: Point, out: Bytes, at: int) -> int:
    """As `datetime.isoformat` does in UTC, for the years 1 to 9999."""
    second, micros = micros // 1_000_000, micros % 1_000_000
    day, second = second // 86_400, second % 86_400
    # Here a year begins in March, so that a leap day is its last; four centuries have 146,097
    # days, and one of their first days was 719,468 days before 1970.
    day += 719_468
    centuries, day = day // 146_097, day % 146_097
    year = (day - day // 1_460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    is_next = 1 if month >= 10 else 0  # noqa: PLR2004 - January and February
    after = _write_text(point.instant_with_micros if micros > 0 else point.instant, out, at)
    _write_digits(400 * centuries + year + is_next, out, at, at + 4)
    _write_digits(month + 3 - 12 * is_next, out, at + 5, at + 7)
    _write_digits(day + 1, out, at + 8, at + 10)
    _write_digits(second // 3_600, out, at + 11, at + 13)
    _write_digits(second // 60 % 60, out, at + 14, at + 16)
    _write_digits(second % 60, out, at + 17, at + 19)
    if micros > 0:
        _write_digits(micros, out, at + 20, at + 26)
    return after


@_inlined
def _write_digits(number: int, out: Bytes, begin: int, stop: int) -> None:
    for place in range(stop - 1, begin - 1, -1):
        out[place] = _ZERO + number % 10
        number //= 10


@_inlined
def _write_number(number: int, out: Bytes, at: int) -> int:
    if number < 0:
        out[at] = _MINUS
        at += 1
        number = -number
    digits, rest = 1, number // 10
    while rest > 0:
        digits, rest = digits + 1, rest // 10
    for place in range(at + digits - 1, at - 1, -1):
        out[place] = _ZERO + number % 10
        number //= 10
    return at + digits
