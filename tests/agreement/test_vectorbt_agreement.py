"""The plain kernel, the compiled one and vectorbt on the same signals.

With `MUNSHI_REAL_DATA` the minutes of that folder are run, too; `-s` shows the table.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agreement.signals import (
    TOLERANCE,
    Scene,
    Script,
    equity_before_charges,
    largest_difference,
    real_scenes,
    scenes,
)
from munshi.backtest.compiled_kernel import Columns, CompiledRuns, CompiledTrials
from munshi.backtest.compiled_loops import LEAVE
from munshi.domain.backtest.kernel import Kernel
from munshi.domain.backtest.results import BacktestResult
from munshi.domain.market.charges import Side
from sdk_environments import run_script

SCRIPT = Path(__file__).parent / "scripts" / "vectorbt_agreement"


def test_both_kernels_and_vectorbt_agree_on_the_same_signals(tmp_path: Path) -> None:
    shown = [*scenes(), *real_scenes()]
    path = tmp_path / "scenes.json"
    path.write_text(json.dumps([scene.document() for scene in shown]), encoding="utf-8")
    theirs: Any = run_script("vectorbt", [str(path)], folder=tmp_path, script=str(SCRIPT))
    trials = CompiledTrials(tmp_path / "compiled")

    for scene, told in zip(shown, theirs, strict=True):
        request = scene.request()
        plain = Kernel().run(request, Script(scene.targets), progress=lambda _: None)
        runs = CompiledRuns(trials, request, Columns.of(request))
        wanted = [LEAVE if each is None else int(each) for each in scene.targets]
        compiled = runs.replay(np.array(wanted, np.int8))
        assert compiled is not None
        assert runs.digest(compiled) == plain.digest()

        apart = largest_difference(equity_before_charges(plain), told["equity"])
        assert apart < TOLERANCE, scene.name
        ours = _orders(scene, plain)
        assert [order[:2] for order in ours] == [tuple(order[:2]) for order in told["orders"]]
        assert max(_distances(ours, told["orders"])) < TOLERANCE
        print(  # noqa: T201 - the table of agreement
            f"{scene.name:<50} {len(scene.bars):>7,} bars {len(plain.trades):>6,} trades; "
            f"hash of both kernels equal; vectorbt {told['version']} {apart:.1e} apart"
        )


def _orders(scene: Scene, result: BacktestResult) -> list[tuple[int, int, int]]:
    """Bar, signed units and paise; what closes and opens in one bar is one order elsewhere."""
    places = {bar.opens: number for number, bar in enumerate(scene.bars)}
    units: dict[int, int] = {}
    prices: dict[int, int] = {}
    for trade in result.trades:
        for leg in trade.legs:
            at = places[leg.at]
            units[at] = units.get(at, 0) + (1 if leg.side is Side.BUY else -1)
            prices[at] = leg.price
    return [(at, signed, prices[at]) for at, signed in units.items()]


def _distances(
    ours: Sequence[tuple[int, int, int]], theirs: Sequence[Sequence[float]]
) -> list[float]:
    return [abs(a[2] - b[2]) / a[2] for a, b in zip(ours, theirs, strict=True)]
