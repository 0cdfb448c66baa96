"""The file and the test that `munshi strategy new` writes."""

import re
from pathlib import Path

from munshi.errors import StrategyFileInvalidError

_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")
_STRATEGY = '''"""My strategy. Run it: munshi backtest run NAME.py NSE:INFY --from DAY --to DAY"""

from dataclasses import dataclass

from munshi.domain.backtest.engine import Target


@dataclass
class CLASS:
    """Long after `rises` higher closes in a row, flat after the first lower one."""

    # Each field is a parameter: -p rises=4. Its default says of what kind it is.
    rises: int = 3
    # What begins with _ is the strategy's own memory. Each run begins with a new one.
    _in_a_row: int = 0

    def decide(self, closed):
        """Called when a bar has closed: `closed[-1]` is that bar, `closed[-2]` the one before.

        Bars that have not closed cannot be seen. Prices are ten-thousandths of a rupee, so
        compare them with each other, or divide by 10_000. Return Target.LONG, SHORT or FLAT,
        or None to leave things as they are; it is done at the first price after this bar.
        """
        if len(closed) < 2:
            return None
        if closed[-1].close > closed[-2].close:
            self._in_a_row += 1
            return Target.LONG if self._in_a_row >= self.rises else None
        self._in_a_row = 0
        return Target.FLAT
'''
_TEST = '''"""Run it: python -m pytest test_NAME.py"""

from datetime import UTC, datetime, timedelta

from NAME import CLASS

from munshi.domain.backtest.engine import Target
from munshi.domain.market.candles import Candle


def bars(*closes):
    first = datetime(2026, 1, 1, 4, 0, tzinfo=UTC)
    return [
        Candle(opens=first + timedelta(minutes=n), open=c, high=c, low=c, close=c, volume=1)
        for n, c in enumerate(closes)
    ]


def test_it_is_long_after_three_higher_closes_and_flat_after_a_lower_one():
    strategy, shown = CLASS(rises=3), bars(10, 11, 12, 13, 12)
    decided = [strategy.decide(shown[: n + 1]) for n in range(len(shown))]
    assert decided == [None, None, None, Target.LONG, Target.FLAT]
'''


def write_example(folder: Path, name: str) -> tuple[Path, Path]:
    """A commented strategy and its test in `folder`; nothing that is there is written over.

    Raises StrategyFileInvalidError.
    """
    if not _NAME.fullmatch(name):
        raise StrategyFileInvalidError(
            f"{name!r} is no name for a strategy.",
            hint="Small letters, digits and _, like my_cross.",
        )
    strategy, test = folder / f"{name}.py", folder / f"test_{name}.py"
    made = "".join(part.capitalize() for part in name.split("_"))
    for path in (strategy, test):
        if path.exists():
            raise StrategyFileInvalidError(f"{path} is there already, and was left as it is.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in ((strategy, _STRATEGY), (test, _TEST)):
            path.write_text(text.replace("NAME", name).replace("CLASS", made), encoding="utf-8")
    except OSError as error:
        raise StrategyFileInvalidError(f"{folder} cannot be written: {error.strerror}.") from error
    return strategy, test
