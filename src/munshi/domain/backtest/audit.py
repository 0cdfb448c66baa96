"""An audit of a backtest: does the future reach into it, and what carries its profit?

The future is cut off after each day, that of options too, and what was decided and traded before
must not change. A strategy that looks something up elsewhere by the time of day cannot be caught
so; one that lives on it falls when its decisions come a bar late.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from random import Random
from typing import overload

from munshi.clock import IST
from munshi.domain.backtest.closed_bars import ClosedBars
from munshi.domain.backtest.engine import Decision, Engine, Request, Strategy
from munshi.domain.backtest.results import BacktestResult, FillModel, Trade, TradeEnd
from munshi.domain.market.candle_columns import candles_between
from munshi.domain.market.candles import Candle
from munshi.domain.market.charges import Side
from munshi.errors import StrategyFailedError

DRAWS = 200
_MOST_PEEKS = 20
_MORE_SLIPPAGE = 5
_CUT_SHARE = 80.0
# By which a run is filled once more.
_OTHER = {
    FillModel.NEXT_OPEN: FillModel.NEXT_CLOSE,
    FillModel.NEXT_CLOSE: FillModel.NEXT_OPEN,
    FillModel.BID_ASK: FillModel.NEXT_OPEN,
}
_ANYWHERE = {
    FillModel.NEXT_OPEN: "fills anywhere in their bar",
    FillModel.NEXT_CLOSE: "fills anywhere in their bar",
    FillModel.BID_ASK: "fills anywhere between bid and offer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Peek:
    """With nothing after `last_day`, something before it came out otherwise."""

    last_day: date
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """The profit in paise without it, and the share of the profit it carries (None of nothing)."""

    name: str
    net: int
    change: int
    share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestAudit:
    """`peeks` is empty when no day's end changed anything before it."""

    net: int
    days_cut: int
    trades_compared: int
    peeks: tuple[Peek, ...]
    assumptions: tuple[Assumption, ...]
    seed: int

    @property
    def is_clean(self) -> bool:
        return not self.peeks


def audit(
    request: Request,
    make: Callable[[], Strategy],
    *,
    engine: Engine,
    seed: int,
    progress: Callable[[float, str], None],
) -> BacktestAudit:
    """`make` gives a new strategy for each run. Raises what the engine raises for the whole."""
    whole, decided = _run(request, make(), engine)
    ends = _day_ends(request.bars)[:-1]
    peeks: list[Peek] = []
    compared = 0
    for number, count in enumerate(ends):
        day = _day(request.bars[count - 1])
        progress(_CUT_SHARE * number / len(ends), f"Nothing after {day}.")
        cut = request.until(count)
        try:
            result, again = _run(cut, make(), engine)
        except StrategyFailedError as error:
            peeks.append(Peek(last_day=day, what=error.detail))
            continue
        closed = [trade for trade in result.trades if trade.end is TradeEnd.CLOSED]
        compared += len(closed)
        if (what := _difference(decided, again, request.bars, whole.trades, closed)) is not None:
            peeks.append(Peek(last_day=day, what=what))
    if not peeks and (peek := find_peek(request, make)) is not None:
        peeks.append(peek)
    progress(_CUT_SHARE, "Taking assumptions away.")
    return BacktestAudit(
        net=whole.net,
        days_cut=len(ends),
        trades_compared=compared,
        peeks=tuple(peeks[:_MOST_PEEKS]),
        assumptions=tuple(
            Assumption(
                name=name,
                net=net,
                change=net - whole.net,
                share=(whole.net - net) / abs(whole.net) if whole.net else None,
            )
            for name, net in _without(request, make, whole, engine=engine, seed=seed)
        ),
        seed=seed,
    )


def find_change(
    request: Request, make: Callable[[], Strategy], decided: Sequence[Decision | None]
) -> str | None:
    """What a new strategy decides otherwise than one that `decided` so on the same bars.

    One that draws without a seed does, and one that keeps from its first run what came later.
    """
    try:
        again = list(_decisions(make(), _TheFuture(request.bars)))
    except Exception as error:  # noqa: BLE001 - it did not fail the first time
        return f"it fails with {type(error).__name__}: {error}"
    number = _first_other(decided, again)
    if number is None:
        return None
    return f"another decision at the bar of {_said_of(request.bars[number])}"


def find_peek(
    request: Request, make: Callable[[], Strategy], known: Sequence[Decision | None] = ()
) -> Peek | None:
    """The quick question: what if at each bar there were no future, a higher or a lower one?

    Every decision must be the same whichever it is. `known` is what was decided on the bars
    themselves; without it that is asked first.
    """
    bars = request.bars
    decided = list(known)
    others = (_NoFuture, _HigherFuture, _LowerFuture)
    for future in others if known else (_TheFuture, *others):
        again = _decisions(make(), future(bars))
        for number in range(len(bars)):
            try:
                decision = next(again)
            except Exception as error:  # noqa: BLE001 - it does not fail on the bars themselves
                what = f"It fails with {type(error).__name__}: {error}"
                return Peek(last_day=_day(bars[number]), what=what)
            if number == len(decided):
                decided.append(decision)
            elif decision != decided[number]:
                return Peek(last_day=_day(bars[number]), what=_another(bars[number]))
    return None


class _TheFuture(Sequence[Candle]):
    """All bars, as `ClosedBars` holds them; who reaches beyond the `closed` ones sees them."""

    def __init__(self, bars: Sequence[Candle]) -> None:
        self.whole = bars
        self.closed = 0

    def __len__(self) -> int:
        return len(self.whole)

    @overload
    def __getitem__(self, index: int) -> Candle: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Candle]: ...

    def __getitem__(self, index: int | slice) -> Candle | Sequence[Candle]:
        if isinstance(index, slice):
            begin, stop, step = index.indices(len(self))
            if step == 1 and stop <= self.closed:
                return candles_between(self.whole, begin, stop)
            return [self[each] for each in range(begin, stop, step)]
        if 0 <= index < self.closed:
            return self.whole[index]
        count = len(self)
        if not -count <= index < count:
            raise IndexError("there is no such bar")
        index %= count
        return self.whole[index] if index < self.closed else self._ahead(self.whole[index])

    def _ahead(self, bar: Candle) -> Candle:
        return bar


class _NoFuture(_TheFuture):
    def __len__(self) -> int:
        return self.closed


class _HigherFuture(_TheFuture):
    def _ahead(self, bar: Candle) -> Candle:
        return _scaled(bar, 110)


class _LowerFuture(_TheFuture):
    def _ahead(self, bar: Candle) -> Candle:
        return _scaled(bar, 90)


def _scaled(bar: Candle, percent: int) -> Candle:
    return replace(
        bar,
        open=bar.open * percent // 100,
        high=bar.high * percent // 100,
        low=bar.low * percent // 100,
        close=bar.close * percent // 100,
    )


def _decisions(strategy: Strategy, bars: _TheFuture) -> Iterator[Decision | None]:
    closed = ClosedBars(bars)
    for bar in bars.whole:
        bars.closed += 1
        closed.close(bar)
        yield strategy.decide(closed)


class Recorded:
    """A strategy whose decisions are kept; with `late` they come that many bars later.

    `called` is its own name, for errors.
    """

    def __init__(self, strategy: Strategy, *, late: int = 0) -> None:
        self._strategy = strategy
        self._late = late
        self.called = type(strategy).__name__
        self.decided: list[Decision | None] = []

    def decide(self, closed: Sequence[Candle], /) -> Decision | None:
        self.decided.append(self._strategy.decide(closed))
        place = len(self.decided) - 1 - self._late
        return self.decided[place] if place >= 0 else None


def _run(
    request: Request, strategy: Strategy, engine: Engine, *, late: int = 0
) -> tuple[BacktestResult, list[Decision | None]]:
    recorded = Recorded(strategy, late=late)
    result = engine.run(request, recorded, progress=lambda _: None)
    return result, recorded.decided


def _day_ends(bars: Sequence[Candle]) -> list[int]:
    """How many bars there are until each day's end."""
    days = [_day(bar) for bar in bars]
    return [n for n in range(1, len(days) + 1) if n == len(days) or days[n] != days[n - 1]]


def _difference(
    decided: Sequence[Decision | None],
    again: Sequence[Decision | None],
    bars: Sequence[Candle],
    trades: Sequence[Trade],
    closed: Sequence[Trade],
) -> str | None:
    if (what := _other_decision(decided, again, bars)) is not None:
        return what
    known = set(trades)
    for number, cut in enumerate(closed, start=1):
        if cut not in known:
            return f"Trade {number} is another without the future."
    return None


def _other_decision(
    decided: Sequence[Decision | None], again: Sequence[Decision | None], bars: Sequence[Candle]
) -> str | None:
    number = _first_other(decided, again)
    return None if number is None else _another(bars[number])


def _first_other(
    decided: Sequence[Decision | None], again: Sequence[Decision | None]
) -> int | None:
    pairs = enumerate(zip(decided, again, strict=False))
    return next((number for number, (first, second) in pairs if first != second), None)


def _said_of(bar: Candle) -> str:
    return f"{bar.opens.astimezone(IST):%Y-%m-%d %H:%M}"


def _another(bar: Candle) -> str:
    return f"The decision at the bar of {_said_of(bar)} is another without the future."


def _day(bar: Candle) -> date:
    return bar.opens.astimezone(IST).date()


def _without(
    request: Request,
    make: Callable[[], Strategy],
    whole: BacktestResult,
    *,
    engine: Engine,
    seed: int,
) -> list[tuple[str, int]]:
    costs = sum(trade.costs for trade in whole.trades)
    counted = [trade for trade in whole.trades if trade.end is not TradeEnd.UNPRICED]
    slippage = sum(leg.slippage for trade in counted for leg in trade.legs)
    other = _OTHER[request.fill_model]
    anywhere = _ANYWHERE[request.fill_model]
    dearer = replace(request.order, slippage_bp=request.order.slippage_bp + _MORE_SLIPPAGE)
    drawn = _perturbed(request, whole, Random(seed))  # noqa: S311 - the same again by its seed
    best = sorted((trade.net for trade in whole.trades), reverse=True)
    return [
        ("without charges", whole.net + costs),
        ("without charges and slippage", whole.net + costs + slippage),
        ("every decision one bar later", _run(request, make(), engine, late=1)[0].net),
        (f"filled by {other}", _run(replace(request, fill_model=other), make(), engine)[0].net),
        (
            f"{_MORE_SLIPPAGE} basis points more slippage",
            _run(replace(request, order=dearer), make(), engine)[0].net,
        ),
        (f"{anywhere}, typical", drawn[len(drawn) // 2]),
        (f"{anywhere}, unlucky 1 in 20", drawn[len(drawn) // 20]),
        ("without the best trade", whole.net - max(best[:1], default=0)),
    ]


def _perturbed(request: Request, whole: BacktestResult, random: Random) -> list[int]:
    """Profits with every order at a price drawn from its range; charges as they were.

    That is its bar's, or what lay between bid and offer of its quote, whose worse side it had.
    What was settled was no order, so nothing is drawn for it.
    """
    range_of = request.ranges()
    fills = [
        (leg.quantity if leg.side is Side.SELL else -leg.quantity, leg.quoted, *span)
        for trade in whole.trades
        if trade.end is not TradeEnd.UNPRICED
        for leg in trade.legs
        if (span := range_of(leg)) is not None
    ]
    return sorted(
        whole.net
        + sum(units * (random.randint(low, high) - quoted) for units, quoted, low, high in fills)
        for _ in range(DRAWS)
    )
