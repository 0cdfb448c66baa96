"""`munshi backtest` on options: index and contracts imported, run, swept, audited and reported.

The prices are made up: every contract is worth its intrinsic value and some time value.
"""

import json
import re
from datetime import date, datetime
from pathlib import Path

import pytest

from command_line import Munshi
from made_options import WalkedTracks, flat_bars, opens_of
from munshi.clock import IST
from munshi.domain.market.candles import to_rupees

FIRST, LAST = date(2024, 6, 10), date(2024, 6, 13)  # the 13th is an expiry
EXPIRY = "NIFTY24613"
ASKED = ("NIFTY", "--from", "2024-06-10", "--to", "2024-06-13")
RUN = ("backtest", "run", "short_straddle", *ASKED, "--interval", "5minute", "--json")


@pytest.fixture
def chain(tmp_path: Path, munshi: Munshi) -> None:
    """Five-minute bars of four days: the index, and the strikes around it to one expiry."""
    bars = flat_bars(opens_of(FIRST, LAST), lambda n: 2_300_000 + 25 * abs(n % 160 - 80))
    rows = []
    for bar in bars:
        prices = [to_rupees(each) for each in (bar.open, bar.high, bar.low, bar.close)]
        rows.append(_row("NIFTY", int(bar.opens.timestamp()), *prices))
    options = WalkedTracks(bars)
    for strike in range(22_900, 23_151, 50):
        for kind in ("CE", "PE"):
            name = f"NFO:{EXPIRY}{strike}{kind}"
            track = options.track(name, LAST)
            rows += [
                _row(name, at, *(price / 100 for price in prices))
                for at, *prices in zip(
                    track.stamps, track.opens, track.highs, track.lows, track.closes, strict=True
                )
            ]
    path = tmp_path / "made.csv"
    path.write_text("\n".join(["Instrument,Date,Time,Open,High,Low,Close", *rows]))
    done = munshi("data", "import", str(path))
    assert done.exit_code == 0, done.stdout


def _row(name: str, stamp: int, *prices: object) -> str:
    at = datetime.fromtimestamp(stamp, IST)
    return f"{name},{at:%Y%m%d},{at:%H:%M},{','.join(map(str, prices))}"


@pytest.mark.usefixtures("chain")
def test_a_straddle_is_run_shown_audited_and_reported_with_all_its_legs(
    munshi: Munshi, tmp_path: Path
) -> None:
    told = munshi(*RUN)
    assert told.exit_code == 0, told.stdout + told.stderr
    run = json.loads(told.stdout)

    assert (run["engine"], len(run["trades"])) == ("options", 4)
    for trade in run["trades"]:
        assert (trade["outcome"], trade["expiry"], len(trade["legs"])) == (
            "closed",
            "2024-06-13",
            4,
        )
        assert all(leg["quantity"] == 25 for leg in trade["legs"])
    assert run["net"] == sum(trade["net"] for trade in run["trades"])
    [weekday] = run["groups"]["expiry_weekday"]
    assert (weekday["name"], weekday["trades"]) == ("Thursday", 4)
    assert run["parameters"]["kind"] == "options"
    assert run["coverage"]["contracts_missing_count"] == 0
    assert run["coverage"]["contract_bars"] > 300
    assert "Prices of options: imported from made.csv." in run["assumptions"]

    audited = json.loads(munshi("backtest", "audit", run["run_id"], "--json").stdout)
    assert (audited["is_clean"], audited["days_cut"], audited["net"]) == (True, 3, run["net"])

    path = tmp_path / "report.html"
    shown = munshi("backtest", "show", run["run_id"])
    assert "Orders, leg by leg" in shown.stdout
    document = json.loads(
        munshi("backtest", "report", run["run_id"], "--html", str(path), "--json").stdout
    )
    assert document["equity"][-1]["equity"] == 100_000_000 + run["net"]
    page = path.read_text(encoding="utf-8")
    assert page.count(f"<td>NFO:{EXPIRY}") == 16
    assert len(re.findall('class="(entry|exit)"', page)) == 2 * len(run["trades"])
    assert "Expiries settle at the average" in page

    to_expiry = json.loads(munshi(*RUN, "-p", "exit_at=expiry").stdout)
    [held] = to_expiry["trades"]
    assert held["legs"][-1]["at"].startswith("2024-06-13T10:00")
    compared = json.loads(
        munshi("backtest", "compare", run["run_id"], to_expiry["run_id"], "--json").stdout
    )
    assert any("exit_at" in str(row) for row in compared["rows"])


@pytest.mark.usefixtures("chain")
def test_a_sweep_gives_each_trial_the_result_it_has_alone(munshi: Munshi) -> None:
    swept = munshi(
        *("backtest", "sweep", "short_strangle", *ASKED, "--set", "interval=5minute"),
        *("-p", "distance=0,50,100", "-p", "exit_at=15:15,expiry", "--json", "--finalists", "2"),
        "--confirm",
    )
    assert swept.exit_code == 0, swept.stdout + swept.stderr
    sweep = json.loads(swept.stdout)

    hashes = {trial["result_hash"] for trial in sweep["trials"]}
    alone = [
        json.loads(munshi("backtest", "show", run, "--json").stdout) for run in sweep["finalists"]
    ]

    assert len(sweep["trials"]) == 6
    assert len(alone) == 2
    assert {run["result_hash"] for run in alone} <= hashes
    for run in alone:
        made = sweep["confirmations"][run["run_id"]]
        assert (made["engine"], made["is_same"], made["net"]) == ("nautilus", True, run["net"])
        assert made["result_hash"] == run["result_hash"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--kind", "futures"), "kind must be one of options, not 'futures'"),
        (("--lot-size", "25"), "The lot_size of options follows from their expiry"),
        (("--engine", "nautilus", "--confirm"), "it is run there already"),
        (("--interval", "1day"), "Options need bars that are shorter than a day"),
    ],
)
def test_what_does_not_go_with_options_is_one_clear_error(
    munshi: Munshi, wrong: tuple[str, str], said: str
) -> None:
    done = munshi(*RUN, *wrong)

    assert done.exit_code != 0
    assert said in done.stderr


@pytest.mark.usefixtures("chain")
def test_no_bars_of_any_contract_are_an_error_and_some_missing_are_told_by_both_engines(
    munshi: Munshi,
) -> None:
    none = munshi(
        "backtest", "run", "short_strangle", *ASKED, "--interval", "5minute", "-p", "distance=500"
    )
    assert none.exit_code == 1
    assert "No bars are stored of any of the" in none.stderr + none.stdout
    assert json.loads(munshi("backtest", "list", "--json").stdout) == []

    some = munshi(*RUN, "-p", "hedge_distance=200")
    run = json.loads(some.stdout)
    assert run["coverage"]["contracts_missing_count"] > 0
    assert run["metrics"]["unpriced"] > 0

    told = munshi(*RUN, "-p", "hedge_distance=200", "--engine", "nautilus")
    assert told.exit_code == 0, told.stdout + told.stderr
    there = json.loads(told.stdout)
    assert (there["engine"], there["engine_version"]) == ("nautilus", "1.221.0")
    assert run["engine"] == "options"
    for name in ("result_hash", "net", "coverage", "trades"):
        assert there[name] == run[name]
