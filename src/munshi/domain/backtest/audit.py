"""An audit of a backtest: does the future reach into it, and what carries its profit?

The future is cut off after each day, that of options too, and what was decided and traded before
must not change. A strategy that looks something up elsewhere by the time of day cannot be caught
so; one that lives on it falls when its decisions come a bar late.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from random import Random

from munshi.clock import IST
from munshi.domain.backtest.closed_bars import ClosedBars
from munshi.domain.backtest.engine import Decision, Engine, Request, Strategy
from munshi.domain.backtest.results import BacktestResult, FillModel, Trade, TradeEnd
from munshi.domain.market.candles import Candle
from munshi.domain.market.charges import Side
from munshi.errors import StrategyFailedError

DRAWS = 200
QUICK_CUTS = 5
_FUTURE_BARS = 500
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
        day = request.bars[count - 1].opens.astimezone(IST).date()
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


def find_peek(
    request: Request, make: Callable[[], Strategy], *, cuts: int = QUICK_CUTS
) -> Peek | None:
    """The quick question: at `cuts` bars, with no future, a higher and a lower one.

    What was decided until then must be the same before each of them.
    """
    total = len(request.bars)
    for count in sorted({total * place // (cuts + 1) for place in range(1, cuts + 1)} - {0}):
        last = request.bars[count - 1].opens.astimezone(IST).date()
        decided: list[Decision | None] | None = None
        for bars in _futures(request.bars, count):
            try:
                again = _decisions(make(), bars, count)
            except Exception as error:  # noqa: BLE001 - it does not fail on the bars themselves
                said = f"It fails with {type(error).__name__}: {error}"
                return Peek(last_day=last, what=said)
            if decided is None:
                decided = again
            elif (what := _other_decision(decided, again, bars)) is not None:
                return Peek(last_day=last, what=what)
    return None


def _futures(bars: Sequence[Candle], count: int) -> Iterator[list[Candle]]:
    past, future = list(bars[:count]), bars[count : count + _FUTURE_BARS]
    yield [*past, *future]
    yield past
    for percent in (110, 90):
        yield [*past, *(_scaled(bar, percent) for bar in future)]


def _scaled(bar: Candle, percent: int) -> Candle:
    return replace(
        bar,
        open=bar.open * percent // 100,
        high=bar.high * percent // 100,
        low=bar.low * percent // 100,
        close=bar.close * percent // 100,
    )


def _decisions(strategy: Strategy, bars: Sequence[Candle], count: int) -> list[Decision | None]:
    closed = ClosedBars(bars)
    decided: list[Decision | None] = []
    for _ in range(count):
        closed.close_next()
        decided.append(strategy.decide(closed))
    return decided


class _Recorded:
    """A strategy whose decisions are kept; `late` of them come that many bars later."""

    def __init__(self, strategy: Strategy, *, late: int = 0) -> None:
        self._strategy = strategy
        self._late = late
        self.decided: list[Decision | None] = []

    def decide(self, closed: Sequence[Candle], /) -> Decision | None:
        self.decided.append(self._strategy.decide(closed))
        place = len(self.decided) - 1 - self._late
        return self.decided[place] if place >= 0 else None


def _run(
    request: Request, strategy: Strategy, engine: Engine, *, late: int = 0
) -> tuple[BacktestResult, list[Decision | None]]:
    recorded = _Recorded(strategy, late=late)
    result = engine.run(request, recorded, progress=lambda _: None)
    return result, recorded.decided


def _day_ends(bars: Sequence[Candle]) -> list[int]:
    """How many bars there are until each day's end."""
    days = [bar.opens.astimezone(IST).date() for bar in bars]
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
    for number, (first, second) in enumerate(zip(decided, again, strict=False)):
        if first != second:
            at = bars[number].opens.astimezone(IST)
            return f"The decision at the bar of {at:%Y-%m-%d %H:%M} is another without the future."
    return None


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
