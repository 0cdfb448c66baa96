"""The audit: an honest strategy passes, one that peeks is caught, and each share is by hand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from random import Random

from domain.backtest.test_kernel import bars_of, request
from munshi.clock import IST
from munshi.domain.backtest.audit import BacktestAudit, audit, find_peek
from munshi.domain.backtest.engine import Strategy, Target
from munshi.domain.backtest.kernel import Kernel
from munshi.domain.backtest.strategies import MovingAverageCross
from munshi.domain.market.candles import Candle

DAY = timedelta(days=1)


@dataclass
class Peeker:
    """Reaches around what it is shown, into the bar that has not closed yet."""

    def decide(self, closed: Sequence[Candle], /) -> Target | None:
        bars: Sequence[Candle] = closed._bars  # type: ignore[attr-defined]  # noqa: SLF001
        ahead = bars[min(len(closed), len(bars) - 1)]
        return Target.LONG if ahead.close > closed[-1].close else Target.SHORT


def days_of(count: int) -> list[Candle]:
    random = Random(5)  # noqa: S311
    found: list[Candle] = []
    for day in range(count):
        prices = [2_000_000]
        for _ in range(40):
            prices.append(prices[-1] + random.randint(-900, 900))
        found += [
            *bars_of(prices, first=bars_of([1, 1])[0].opens + DAY * day),
        ]
    return found


def audited(make: Callable[[], Strategy]) -> BacktestAudit:
    return audit(request(days_of(4)), make, engine=Kernel(), seed=1, progress=lambda *_: None)


def test_an_honest_strategy_changes_nothing_when_the_future_is_cut_off() -> None:
    found = audited(lambda: MovingAverageCross(fast=2, slow=5))

    assert found.is_clean
    assert (found.days_cut, found.trades_compared > 20) == (3, True)
    rows = {row.name: row for row in found.assumptions}
    free = rows["without charges and slippage"].net
    assert free > rows["without charges"].net > found.net
    assert rows["5 basis points more slippage"].net < found.net
    unlucky, typical = (
        rows[f"fills anywhere in their bar, {luck}"].net for luck in ("unlucky 1 in 20", "typical")
    )
    assert unlucky < typical
    for row in found.assumptions:
        assert row.change == row.net - found.net
        assert row.share == -row.change / abs(found.net)
    assert found == audited(lambda: MovingAverageCross(fast=2, slow=5))


def test_the_quick_question_finds_it_whatever_the_next_bar_did() -> None:
    for paise in (range(2_000_000, 2_000_400, 7), range(2_000_400, 2_000_000, -7)):
        wanted = request(bars_of(list(paise)))
        assert find_peek(wanted, Peeker) is not None
        assert find_peek(wanted, lambda: MovingAverageCross(fast=2, slow=5)) is None


@dataclass
class OncePeeker:
    """Peeks at the close of one bar alone, and is honest at all others."""

    at: int

    def decide(self, closed: Sequence[Candle], /) -> Target | None:
        if len(closed) == self.at:
            return Peeker().decide(closed)
        return Target.LONG if closed[-1].close % 2 else Target.SHORT


def test_the_quick_question_is_asked_at_every_bar() -> None:
    bars = days_of(2)
    for at in range(1, len(bars)):
        peek = find_peek(request(bars), partial(OncePeeker, at))

        assert peek is not None
        assert f"{bars[at - 1].opens.astimezone(IST):%Y-%m-%d %H:%M}" in peek.what
    assert find_peek(request(bars), partial(OncePeeker, -1)) is None


def test_a_strategy_that_peeks_is_caught_at_the_bar_where_it_does() -> None:
    found = audited(Peeker)

    assert not found.is_clean
    assert "is another without the future" in found.peeks[0].what
    late = next(row for row in found.assumptions if row.name == "every decision one bar later")
    assert late.change < 0
