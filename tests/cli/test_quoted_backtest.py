"""`munshi backtest --fill bid_ask`, by quotes that are stored: run, refused, swept and audited."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from cli.test_option_backtest import EXPIRY, FIRST, LAST, chain
from command_line import Munshi
from databases import open_database
from kept_quotes import kept_quote, save_quotes
from made_options import opens_of
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.domain.market.kept_quotes import KeptQuote
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode

__all__ = ["chain"]
DAYS = (date(2024, 6, 10), date(2024, 6, 11))
CALENDAR = MarketCalendar.packaged()
ASKED = ("ma_cross", "NSE:INFY", "--from", "2024-06-10", "--to", "2024-06-11")
BY_QUOTES = ("--kind", "intraday", "--fill", "bid_ask")
RUN = ("backtest", "run", *ASKED, *BY_QUOTES, "--json")


def price_of(number: int) -> int:
    """Rupees, up and down."""
    return 1_500 + abs(number % 120 - 60)


@pytest.fixture
def minutes(tmp_path: Path, munshi: Munshi) -> None:
    """Two days of INFY."""
    rows, number = [], 0
    for day in DAYS:
        for at in CALENDAR.bar_opens(day, Interval.ONE_MINUTE, Segment.CASH):
            price = price_of(number)
            rows.append(
                f"NSE:INFY,{at:%Y%m%d},{at:%H:%M},{price},{price + 2},{price - 2},{price + 1}"
            )
            number += 1
    _import(munshi, tmp_path, rows)


def _import(munshi: Munshi, folder: Path, rows: list[str]) -> None:
    path = folder / "made.csv"
    path.write_text("\n".join(["Instrument,Date,Time,Open,High,Low,Close", *rows]))
    done = munshi("data", "import", str(path))
    assert done.exit_code == 0, done.stdout


@pytest.fixture
def database(munshi: Munshi, sqlite_url: str) -> Iterator[Database]:
    assert munshi("status").exit_code == 0
    opened = open_database(sqlite_url)
    yield opened
    opened.close()


def quotes_of(day: date, first: int = 0) -> list[KeptQuote]:
    """One in each minute of `day`, somewhere in it, ten paise wide."""
    random = Random(1)  # noqa: S311 - the same quotes again by their seed
    return [
        kept_quote(
            at + timedelta(seconds=random.randrange(60), milliseconds=random.randrange(1000)),
            bid=price_of(first + number) * 10_000 + 2_500,
        )
        for number, at in enumerate(CALENDAR.bar_opens(day, Interval.ONE_MINUTE, Segment.CASH))
    ]


@pytest.fixture
def quoted(request: pytest.FixtureRequest, database: Database) -> list[KeptQuote]:
    """Quotes of both days, beside their minutes."""
    request.getfixturevalue("minutes")
    found = [*quotes_of(DAYS[0]), *quotes_of(DAYS[1], 375)]
    assert save_quotes(database, *found) == len(found)
    return found


def test_a_run_is_filled_at_stored_quotes_and_confirmed_to_the_paisa(
    munshi: Munshi, quoted: list[KeptQuote], tmp_path: Path
) -> None:
    done = munshi(*RUN, "-p", "fast=5", "--lots", "60", "--confirm")
    assert done.exit_code == 0, done.stdout + done.stderr
    run = json.loads(done.stdout)

    by_instant = {each.at: each for each in quoted}
    legs = [leg for trade in run["trades"] for leg in trade["legs"]]
    assert len(legs) > 20
    for leg in legs:
        quote = by_instant[datetime.fromisoformat(leg["at"])]
        side = quote.offer if leg["side"] == "buy" else quote.bid
        assert leg["quoted"] == side // 100
    for trade in run["trades"]:
        decided = datetime.fromisoformat(trade["decided_at"])
        first = min(at for at in by_instant if at >= decided)
        assert [datetime.fromisoformat(leg["at"]) for leg in trade["legs"][:1]] in ([first], [])
    made = run["confirmation"]
    assert (made["is_same"], made["result_hash"]) == (True, run["result_hash"])
    told = run["coverage"]
    assert (told["quotes"], told["quoted"], told["quote_days_missing"]) == (750, 1, [])
    # 75 stood at each bid, 50 at each offer.
    assert told["orders_quoted"] == len(legs)
    assert 0 < told["orders_larger"] < len(legs)
    assert "Quotes: simulated: as the simulator streamed them." in run["assumptions"]
    larger = f"{told['orders_larger']} of {len(legs)} orders were larger than what stood"
    assert any(each.startswith(larger) for each in run["assumptions"])
    assert any(
        "A buy pays the offer and a sell gets the bid" in each for each in run["assumptions"]
    )

    audited = json.loads(munshi("backtest", "audit", run["run_id"], "--json").stdout)
    assert (audited["is_clean"], audited["net"]) == (True, run["net"])
    names = {row["name"] for row in audited["assumptions"]}
    assert {"filled by next_open", "fills anywhere between bid and offer, typical"} <= names
    page = tmp_path / "report.html"
    assert munshi("backtest", "report", run["run_id"], "--html", str(page)).exit_code == 0
    assert larger in page.read_text(encoding="utf-8")


@pytest.mark.usefixtures("minutes")
def test_without_quotes_it_is_refused_and_says_what_would_store_some(munshi: Munshi) -> None:
    refused = munshi(*RUN)

    assert refused.exit_code == 1
    assert "No quotes of NSE:INFY are stored from 2024-06-10 to 2024-06-11" in refused.stdout
    assert json.loads(munshi("backtest", "list", "--json").stdout) == []
    engine = munshi(*RUN, "--engine", "nautilus")
    assert "No quotes of NSE:INFY are stored" in engine.stdout
    swept = munshi("backtest", "sweep", *ASKED, "--set", "fill=bid_ask", "-p", "fast=5,9")
    assert "No quotes of NSE:INFY are stored" in swept.stdout + swept.stderr


@pytest.mark.usefixtures("minutes")
def test_a_day_without_quotes_is_refused_by_name_or_taken_and_said(
    munshi: Munshi, database: Database
) -> None:
    save_quotes(database, *quotes_of(DAYS[0]))

    refused = munshi(*RUN)
    assert "No quotes of NSE:INFY are stored of 1 of 2 days, the first of them 2024-06-11" in (
        refused.stdout
    )
    taken = json.loads(munshi(*RUN, "--accept-holes").stdout)

    assert taken["coverage"]["quote_days_missing"] == ["2024-06-11"]
    ends = [(trade["decided_at"][:10], trade["outcome"]) for trade in taken["trades"]]
    assert ("2024-06-10", "closed") in ends
    assert {end for day, end in ends if day == "2024-06-11"} == {"unpriced"}
    assert any("no quotes of 1 day" in each for each in _warnings(munshi, taken["run_id"]))


def _warnings(munshi: Munshi, run_id: str) -> list[str]:
    found: list[str] = json.loads(munshi("backtest", "report", run_id, "--json").stdout)["warnings"]
    return found


def test_the_same_quotes_have_the_same_fingerprint_and_others_another(
    munshi: Munshi, quoted: list[KeptQuote], database: Database
) -> None:
    assert quoted
    first, again = (json.loads(munshi(*RUN).stdout) for _ in range(2))
    assert first["data_fingerprint"] == again["data_fingerprint"]
    assert first["result_hash"] == again["result_hash"]
    by_bars = json.loads(munshi(*RUN[:-2], "next_open", "--json").stdout)
    assert by_bars["data_fingerprint"] == first["coverage"]["bars_fingerprint"]
    assert by_bars["result_hash"] != first["result_hash"]
    assert "quotes" not in by_bars["coverage"]

    with database.operational() as tx:
        infy, day_two = InstrumentRef.parse("NSE:INFY"), quoted[375].at
        tx.stream_quotes.prune(infy, mode=BrokerMode.SIMULATED, before=day_two)
    other = json.loads(munshi(*RUN, "--accept-holes").stdout)
    assert other["data_fingerprint"] != first["data_fingerprint"]
    audited = munshi("backtest", "audit", first["run_id"])
    assert audited.exit_code == 1
    assert "No quotes of NSE:INFY are stored of 1 of 2 days" in audited.stdout + audited.stderr


def test_a_sweep_is_run_by_the_kernel_and_each_trial_is_what_it_is_alone(
    munshi: Munshi, quoted: list[KeptQuote]
) -> None:
    assert quoted
    swept = munshi(
        *("backtest", "sweep", *ASKED, "--set", "fill=bid_ask", "--set", "kind=intraday"),
        *("-p", "fast=5,9,14", "--finalists", "2", "--confirm", "--json"),
    )
    assert swept.exit_code == 0, swept.stdout + swept.stderr
    sweep = json.loads(swept.stdout)
    hashes = {trial["result_hash"] for trial in sweep["trials"]}

    assert len(hashes) == 3
    for run_id in sweep["finalists"]:
        run = json.loads(munshi("backtest", "show", run_id, "--json").stdout)
        assert run["result_hash"] in hashes
        assert run["confirmation"]["is_same"]
    jobs = json.loads(munshi("jobs", "list", "--type", "backtest_sweep_part", "--json").stdout)
    [part] = jobs["jobs"] if isinstance(jobs, dict) else jobs
    shown = json.loads(munshi("jobs", "show", part["job_id"], "--json").stdout)
    assert shown["result"]["engine"] == "kernel"


STRADDLE = (
    *("backtest", "run", "short_straddle", "NIFTY", "--from", "2024-06-10", "--to", "2024-06-13"),
    *("--interval", "5minute", "--fill", "bid_ask", "--json"),
)


@pytest.mark.usefixtures("chain")
def test_legs_of_options_are_filled_at_stored_quotes_and_confirmed(
    munshi: Munshi, database: Database
) -> None:
    refused = munshi(*STRADDLE)
    assert "No quotes are stored of any of the" in refused.stdout
    assert json.loads(munshi("backtest", "list", "--json").stdout) == []

    quotes = [quote for number in range(6) for kind in KINDS for quote in _contract(number, kind)]
    assert save_quotes(database, *quotes) == len(quotes)
    done = munshi(*STRADDLE, "--confirm")
    assert done.exit_code == 0, done.stdout + done.stderr
    run = json.loads(done.stdout)

    stored = {(each.key.instrument, each.at): each for each in quotes}
    assert [trade["outcome"] for trade in run["trades"]] == ["closed"] * 4
    for trade in run["trades"]:
        assert len(trade["legs"]) == 4
        for leg in trade["legs"]:
            name = leg["instrument"].removeprefix("NFO:")
            quote = stored[name, datetime.fromisoformat(leg["at"])]
            side = quote.offer if leg["side"] == "buy" else quote.bid
            assert leg["quoted"] == side // 100
    assert run["confirmation"]["result_hash"] == run["result_hash"]
    assert run["coverage"]["quotes_missing_count"] == 0
    assert run["coverage"]["orders_quoted"] == 16
    audited = json.loads(munshi("backtest", "audit", run["run_id"], "--json").stdout)
    assert (audited["is_clean"], audited["net"]) == (True, run["net"])

    with database.operational() as tx:
        for name in {each.key.instrument for each in quotes}:
            later = next(each.at for each in quotes if each.at.date() == LAST)
            tx.stream_quotes.prune(
                InstrumentRef("NFO", name), mode=BrokerMode.SIMULATED, before=later
            )
    changed = munshi("backtest", "audit", run["run_id"])
    assert changed.exit_code == 1
    assert "quotes of its options" in changed.stdout + changed.stderr


KINDS = ("CE", "PE")


def _contract(number: int, kind: str) -> Iterator[KeptQuote]:
    """A quote of each five minutes to the expiry, somewhere in the first of them."""
    name = f"{EXPIRY}{22_900 + 50 * number}{kind}"
    random = Random(name)  # noqa: S311 - the same quotes again by their seed
    for opens in opens_of(FIRST, LAST):
        yield kept_quote(
            opens + timedelta(seconds=random.randrange(60)),
            bid=random.randint(40, 400) * 10_000,
            exchange="NFO",
            instrument=name,
        )
