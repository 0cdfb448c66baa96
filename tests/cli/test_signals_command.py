"""`munshi signals`: the weekly signals on stored bars, and what could not be judged."""

import json
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from command_line import Munshi
from made_weeks import NEUTRAL, THIS, hourly
from munshi.clock import IST
from munshi.domain.market.candles import Candle, to_rupees

S1 = [(21_950.0, 21_960.0, 21_880.0, 21_890.0), (21_890.0, 21_900.0, 21_885.0, 21_895.0)]
WEDNESDAY = date(2024, 6, 12)
ASKED = ("signals", "NIFTY", "--from", "2024-06-10", "--to", "2024-06-21")


def _rows(bars: Sequence[Candle], step: int) -> Iterator[str]:
    """Each hourly bar in parts: the first has its whole range, the rest stand at its close."""
    for bar in bars:
        opens, close = bar.opens.astimezone(IST), to_rupees(bar.close)
        if opens.date() == WEDNESDAY:
            continue
        for minute in range(0, 15 if opens.hour == 15 else 60, step):
            prices = [close] * 4
            if minute == 0:
                prices = [to_rupees(each) for each in (bar.open, bar.high, bar.low, bar.close)]
            at = opens + timedelta(minutes=minute)
            yield f"NIFTY,{at:%Y%m%d},{at:%H:%M},{','.join(map(str, prices))}"


def _store(munshi: Munshi, folder: Path, step: int) -> None:
    flat = (21_895.0, 21_895.0, 21_895.0, 21_895.0)
    bars = [*NEUTRAL.bars(), *hourly(THIS, [*S1, *[flat] * 33])]
    path = folder / "made.csv"
    path.write_text("\n".join(["Instrument,Date,Time,Open,High,Low,Close", *_rows(bars, step)]))
    done = munshi("data", "import", str(path))
    assert done.exit_code == 0, done.stdout


@pytest.mark.parametrize(("step", "made_from"), [(1, "1minute"), (5, "5minute")])
def test_a_signal_is_shown_and_a_week_without_bars_is_named(
    munshi: Munshi, tmp_path: Path, step: int, made_from: str
) -> None:
    _store(munshi, tmp_path, step)

    told = json.loads(munshi(*ASKED, "--json").stdout)
    held, empty = told["weeks"]

    assert told["made_from"] == made_from
    assert (held["monday"], held["signal"], held["sells"], held["strike"]) == (
        *("2024-06-10", "S1", "PE"),
        21_800,
    )
    # The second bar opened at 10:15 IST: nobody knew before 11:15, which is 05:45 UTC.
    assert held["known_at"].startswith("2024-06-10T05:45")
    assert held["stop_level"] == "21820.0000"
    assert (empty["signal"], empty["not_evaluated"][:16]) == (None, "There are no bar")
    assert told["missing_days"][0] == "2024-06-12"
    assert "2024-06-17" not in told["missing_days"]  # Bakri Id
    assert len(told["points"]) == 9 * 7

    shown = munshi(*ASKED).stdout
    assert "Without any bar: 2024-06-12, 2024-06-18" in shown
    assert "S1" in shown
    assert "▁" in shown


def test_what_cannot_be_evaluated_is_one_clear_error(munshi: Munshi) -> None:
    for wrong, said in (
        (ASKED, "No 1minute bars of NSE:NIFTY 50 are stored"),
        ((*ASKED, "-p", "trigger=often"), "trigger must be one of once, edge, repeat"),
        ((*ASKED[:-1], "2024-06-01"), "before it starts"),
        ((*ASKED[:-1], "June"), "'June' is not a day"),
    ):
        done = munshi(*wrong)
        assert done.exit_code != 0
        assert said in done.stderr + done.stdout
