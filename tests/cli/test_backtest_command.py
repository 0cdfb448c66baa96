"""`munshi backtest`: run on an imported file, stored once, shown and compared."""

import json
import re
import sys
from datetime import date
from pathlib import Path

import pytest

from command_line import Munshi
from munshi.domain.backtest.kernel import VERSION
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.intervals import Interval

DAYS = (date(2024, 6, 10), date(2024, 6, 11), date(2024, 6, 13))  # the 12th is missing
ASKED = ("backtest", "run", "ma_cross", "NSE:NIFTY 50", "--from", "2024-06-10", "--json")


@pytest.fixture
def minutes(tmp_path: Path, munshi: Munshi) -> None:
    """Three days of prices that go up and down."""
    calendar = MarketCalendar.packaged()
    rows, number = [], 0
    for day in DAYS:
        for at in calendar.bar_opens(day, Interval.ONE_MINUTE, Segment.CASH):
            price = 23_000 + abs(number % 120 - 60)
            rows.append(f"NIFTY,{at:%Y%m%d},{at:%H:%M},{price},{price + 5},{price - 5},{price + 1}")
            number += 1
    path = tmp_path / "made.csv"
    path.write_text("\n".join(["Instrument,Date,Time,Open,High,Low,Close", *rows]))
    assert munshi("data", "import", str(path)).exit_code == 0


@pytest.mark.usefixtures("minutes")
def test_a_run_is_stored_shown_and_the_same_again_by_its_hash(munshi: Munshi) -> None:
    first, again = (json.loads(munshi(*ASKED, "--to", "2024-06-11").stdout) for _ in range(2))

    assert first["run_id"] != again["run_id"]
    assert first["result_hash"] == again["result_hash"]
    assert first["data_fingerprint"] == again["data_fingerprint"]
    assert len(first["trades"]) == first["metrics"]["trades"] > 5
    assert first["net"] == sum(trade["net"] for trade in first["trades"])
    assert first["coverage"]["bars_present"] == first["coverage"]["bars_expected"] == 750
    assert len(json.loads(munshi("backtest", "list", "--json").stdout)) == 2

    assert again["evidence"]["trials"] == 1  # the same again is not another trial
    assert again["metrics"] == first["metrics"]
    assert first["metrics"]["expectancy_low"] <= first["metrics"]["expectancy"]
    assert first["metrics"]["bootstrap_seed"] == int(first["result_hash"][:8], 16)
    [month] = first["groups"]["month"]
    assert month["net"] == first["net"]
    other = json.loads(munshi(*ASKED, "--to", "2024-06-11", "-p", "fast=5").stdout)
    assert other["evidence"]["trials"] == 2

    shown = munshi("backtest", "show", first["run_id"][:8])
    assert "By month" in shown.stdout
    assert "Prices: imported from made.csv" in shown.stdout
    compared = munshi("backtest", "compare", first["run_id"], again["run_id"])
    assert "Results are the same" in compared.stdout


@pytest.mark.usefixtures("minutes")
def test_runs_are_listed_by_strategy_and_instrument_and_page_by_page(munshi: Munshi) -> None:
    nothing = munshi("backtest", "list", "--strategy", "x").stdout
    assert "none was run. Begin with" in nothing
    for strategy in ("ma_cross", "opening_range"):
        munshi("backtest", "run", strategy, *ASKED[3:6], "--to", "2024-06-10")

    def found(*words: str) -> list[str]:
        runs = json.loads(munshi("backtest", "list", "--json", *words).stdout)
        return [run["strategy"] for run in runs]

    assert found() == ["opening_range", "ma_cross"]
    assert found("--strategy", "ma_cross", "--instrument", "nifty") == ["ma_cross"]
    assert found("--instrument", "INFY") == []
    none = munshi("backtest", "list", "--strategy", "ma").stdout
    assert "none fits. There are runs of ma_cross, opening_range." in none
    newest = munshi("backtest", "list", "--limit", "1")
    assert "opening_range" in newest.stdout
    [cursor] = re.findall(r"Older backtests: add --cursor (\S+)", newest.stderr)
    assert found("--cursor", cursor) == ["ma_cross"]
    assert (
        "The page cursor is not one of ours." in munshi("backtest", "list", "--cursor", "x").stderr
    )


@pytest.mark.usefixtures("minutes")
def test_holes_are_refused_by_name_or_taken_and_said(munshi: Munshi) -> None:
    refused = munshi(*ASKED, "--to", "2024-06-13")

    assert refused.exit_code == 1
    assert "375 of 1,500 bars are missing, among them all of 2024-06-12." in refused.stdout
    assert json.loads(munshi("backtest", "list", "--json").stdout) == []

    taken = json.loads(munshi(*ASKED, "--to", "2024-06-13", "--accept-holes").stdout)
    assert "375 of 1,500 bars are missing." in taken["assumptions"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--param", "fast=60"), "fast must be from 1 to slow - 1, not 60"),
        (("--param", "speed=1"), "ma_cross has no parameter speed"),
        (("--kind", "options"), "kind must be one of futures, intraday, delivery"),
        (("--capital", "1.005"), "capital must be an amount in rupees and paise"),
        (
            ("--capital", "1e400"),
            "capital must be an amount in rupees and paise, at most 1,000,000",
        ),
        (("--lots", "99999999999999999999"), "lots must be a whole number from 1 to 100,000"),
        (("--slippage-bp", "10001"), "slippage_bp must be a whole number from 0 to 10,000"),
        (("--brokerage", "-1"), "brokerage must be an amount in rupees and paise"),
        (("--from", "0001-01-01"), "from must be a date from 1900-01-01 to 2200-01-01"),
        (("--from", "2024-6-1"), "from must be a date like 2026-11-20, not '2024-6-1'"),
        (("--fill", "last_close"), "fill must be one of next_open, next_close, bid_ask"),
        (("--engine", "abacus"), "engine must be one of kernel, nautilus"),
        (("--engine", "nautilus", "--confirm"), "it is run there already"),
        (("--max-wait", "43201"), "max_wait is minutes of trading, at most 43,200, not 43,201"),
    ],
)
def test_bad_input_is_one_clear_error(munshi: Munshi, wrong: tuple[str, str], said: str) -> None:
    done = munshi(*ASKED, "--to", "2024-06-11", *wrong)

    assert done.exit_code != 0
    assert said in done.stderr


@pytest.mark.usefixtures("minutes")
def test_too_little_capital_stores_nothing(munshi: Munshi) -> None:
    done = munshi(*ASKED, "--to", "2024-06-11", "--capital", "100")

    assert "needs 23," in done.stdout
    assert json.loads(munshi("backtest", "list", "--json").stdout) == []


@pytest.mark.usefixtures("minutes")
def test_a_run_is_audited_and_reported(munshi: Munshi, tmp_path: Path) -> None:
    run = json.loads(munshi(*ASKED, "--to", "2024-06-11", "-p", "fast=5").stdout)

    audited = json.loads(munshi("backtest", "audit", run["run_id"], "--json").stdout)
    assert (audited["is_clean"], audited["days_cut"], audited["net"]) == (True, 1, run["net"])
    free = next(row for row in audited["assumptions"] if row["name"] == "without charges")
    assert free["net"] == run["net"] + run["metrics"]["costs"]
    assert "no decision and none of" in munshi("backtest", "audit", run["run_id"]).stdout

    path = tmp_path / "report.html"
    told = munshi("backtest", "report", run["run_id"], "--html", str(path), "--json")
    document = json.loads(told.stdout)
    assert document["equity"][-1]["equity"] == 100_000_000 + run["net"]
    page = path.read_text(encoding="utf-8")
    assert len(re.findall('class="(buy|sell)"', page)) == sum(len(t["legs"]) for t in run["trades"])
    assert page.count("<svg") == 3
    assert not re.search("<script|https?://|url\\(|@import|<link", page)
    nowhere = munshi("backtest", "report", run["run_id"], "--html", str(tmp_path / "no" / "x"))
    assert "cannot be written: No such file or directory" in nowhere.stderr


@pytest.mark.usefixtures("minutes")
def test_a_run_is_made_by_the_engine_that_was_asked_for_or_confirmed_there(
    munshi: Munshi, tmp_path: Path
) -> None:
    ours = json.loads(munshi(*ASKED, "--to", "2024-06-10", "--confirm").stdout)
    theirs = json.loads(munshi(*ASKED, "--to", "2024-06-10", "--engine", "nautilus").stdout)

    made = ours["confirmation"]
    assert (ours["engine"], ours["engine_version"]) == ("kernel", VERSION)
    assert (theirs["engine"], theirs["engine_version"]) == ("nautilus", "1.221.0")
    assert (made["engine"], made["engine_version"]) == ("nautilus", "1.221.0")
    assert (made["is_same"], made["differ"], made["differences"]) == (True, 0, [])
    assert made["net"] == ours["net"] == theirs["net"]
    assert made["result_hash"] == ours["result_hash"] == theirs["result_hash"]
    assert made["trades"] == len(ours["trades"]) > 1
    assert theirs["confirmation"] is None

    said = f"Confirmed by nautilus 1.221.0: the same {made['trades']} trades and the same curve."
    assert said in munshi("backtest", "show", ours["run_id"]).stdout
    assert "engine nautilus 1.221.0" in munshi("backtest", "show", theirs["run_id"]).stdout
    path = tmp_path / "report.html"
    munshi("backtest", "report", ours["run_id"], "--html", str(path))
    assert said in path.read_text(encoding="utf-8")


@pytest.mark.usefixtures("minutes")
def test_the_finalists_of_a_sweep_are_confirmed_when_asked(munshi: Munshi) -> None:
    grid = ("-p", "fast=5,10", "-p", "slow=30", "--finalists", "1")
    done = json.loads(munshi(*SWEPT, *grid, "--confirm").stdout)

    [finalist] = done["finalists"]
    made = done["confirmations"][finalist]
    assert (made["engine"], made["is_same"], made["net"]) == (
        "nautilus",
        True,
        done["trials"][0]["net"],
    )
    refused = munshi(*SWEPT, *grid, "--set", "confirm=true")
    assert "The trials of a sweep are run in the kernel." in refused.stderr


@pytest.mark.usefixtures("minutes")
def test_without_the_extra_nothing_is_run_and_what_to_install_is_said(
    munshi: Munshi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nautilus_trader", None)
    swept = (*SWEPT, "-p", "fast=5,10", "-p", "slow=30", "--confirm")
    asked = (*ASKED, "--to", "2024-06-10")
    for words in ((*asked, "--engine", "nautilus"), (*asked, "--confirm"), swept):
        done = munshi(*words)
        assert done.exit_code == 1
        assert "needs nautilus_trader, which is not installed: pip install" in done.stdout
    assert json.loads(munshi("backtest", "list", "--json").stdout) == []
    assert json.loads(munshi("backtest", "sweeps", "--json").stdout) == []


SWEPT = ("backtest", "sweep", *ASKED[2:6], "--to", "2024-06-11", "--json", "--chunk", "2")


@pytest.mark.usefixtures("minutes")
def test_a_sweep_tries_every_combination_and_runs_the_best_alone(munshi: Munshi) -> None:
    grid = ("-p", "fast=5:15:5", "-p", "slow=10,30", "--finalists", "1")
    done = json.loads(munshi(*SWEPT, *grid).stdout)

    assert done["is_whole"]
    assert done["overfitting_probability"] is None  # two days are too few
    assert done["trial_count"] == 4  # fast 10 and 15 are no cross with slow 10
    sharpes = [trial["metrics"]["sharpe"] for trial in done["trials"]]
    assert sharpes == sorted(sharpes, reverse=True)
    [finalist] = done["finalists"]
    best = done["trials"][0]
    alone = json.loads(munshi("backtest", "show", finalist, "--json").stdout)
    assert (alone["result_hash"], alone["net"]) == (best["result_hash"], best["net"])
    assert alone["evidence"]["trials"] == best["evidence"]["trials"] == 4  # not five

    again = json.loads(munshi(*SWEPT, *grid, "--resume", done["sweep_id"]).stdout)
    assert again["trials"] == done["trials"]
    assert len(json.loads(munshi("backtest", "sweeps", "--json").stdout)) == 1
    other = munshi(*SWEPT, "-p", "fast=5", "--resume", done["sweep_id"])
    assert "was told something else" in other.stdout
    assert "Trials" in munshi("backtest", "sweeps", done["sweep_id"]).stdout


def test_a_grid_that_fits_nothing_is_one_clear_error(munshi: Munshi) -> None:
    done = munshi(*SWEPT, "-p", "fast=60,70")
    assert "fast must be from 1 to slow - 1" in done.stderr
    assert "There is no sweep" in munshi("backtest", "sweeps", "x").stderr
