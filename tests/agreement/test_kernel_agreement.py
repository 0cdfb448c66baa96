"""What the engines of ours come to on the signals that all engines are shown."""

from agreement.signals import CAPITAL, Script, equity_before_charges, scenes
from munshi.domain.backtest.kernel import Kernel
from munshi.domain.backtest.results import TradeEnd
from munshi.domain.market.charges import Side


def test_the_kernel_holds_what_the_signals_want_one_bar_late() -> None:
    for scene in scenes():
        result = Kernel().run(scene.request(), Script(scene.targets), progress=lambda _: None)
        held, worth, expected = 0, CAPITAL, []
        # An oracle of a few lines: each bar is opened with what the bar before wanted.
        for bar, wanted in zip(scene.bars, [0, *scene.positions()], strict=False):
            worth -= (wanted - held) * (bar.open // 100)
            held = wanted
            expected.append(worth + held * (bar.close // 100))
        assert equity_before_charges(result) == expected, scene.name
        assert sum(trade.end is TradeEnd.CLOSED for trade in result.trades) > 5, scene.name
        assert {leg.side for trade in result.trades for leg in trade.legs} == set(Side)
