"""Market data over HTTP."""

import csv
import io
from decimal import Decimal

import pytest

from apis import slug
from asgi import Caller
from desks import TESTER, Desk
from made_candles import minutes
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.intervals import Interval
from munshi.settings import BrokerMode

FIRST_FIVE = "/data/candles?instrument=NIFTY&interval=5minute"


@pytest.fixture
def nifty(desk: Desk) -> None:
    """Two days of five-minute bars, three each, under the exchange's name."""
    key = CandleKey(
        mode=BrokerMode.SIMULATED,
        source="kite",
        exchange="NSE",
        instrument="NIFTY 50",
        interval=Interval.FIVE_MINUTES,
    )
    for day in ("2026-11-18", "2026-11-19"):
        bars = minutes(f"{day} 09:15", count=3, step=5)
        desk.services.candles.save(key, bars, label="simulated kite")


def _opens(api: Caller, target: str) -> list[str]:
    return [each["opens"] for each in api.get(target).json()["candles"]]


@pytest.mark.usefixtures("nifty")
def test_candles_say_what_they_are_and_are_exact(api: Caller) -> None:
    document = api.get(f"{FIRST_FIVE}&from=2026-11-18&to=2026-11-18").json()

    assert (document["mode"], document["label"]) == ("simulated", "simulated kite")
    assert (document["instrument"], document["interval"]) == ("NSE:NIFTY 50", "5minute")
    first = document["candles"][0]
    assert first["opens"] == "2026-11-18T03:45:00Z"
    assert (first["open"], first["high"], first["close"]) == ("21727.75", "21728.70", "21727.80")
    assert len(document["candles"]) == 3


@pytest.mark.usefixtures("nifty")
@pytest.mark.parametrize("interval", ["5minute", "5m", "5min"])
@pytest.mark.parametrize("instrument", ["NIFTY", "nifty", "NSE:NIFTY%2050"])
def test_instruments_and_intervals_may_be_spelt_as_people_do(
    api: Caller, instrument: str, interval: str
) -> None:
    target = f"/data/candles?instrument={instrument}&interval={interval}"

    assert len(_opens(api, target)) == 6


@pytest.mark.usefixtures("nifty")
def test_both_days_of_a_range_are_included(api: Caller) -> None:
    assert len(_opens(api, f"{FIRST_FIVE}&from=2026-11-18&to=2026-11-19")) == 6
    assert len(_opens(api, f"{FIRST_FIVE}&from=2026-11-19")) == 3
    assert _opens(api, f"{FIRST_FIVE}&from=2026-11-20") == []


@pytest.mark.usefixtures("nifty")
def test_pages_join_without_gap_or_overlap(api: Caller) -> None:
    shown: list[str] = []
    target = f"{FIRST_FIVE}&limit=4"
    page = api.get(target).json()
    shown += [each["opens"] for each in page["candles"]]
    page = api.get(f"{target}&cursor={page['next_cursor']}").json()
    shown += [each["opens"] for each in page["candles"]]

    assert page["next_cursor"] is None
    assert shown == _opens(api, FIRST_FIVE)


@pytest.mark.usefixtures("nifty")
@pytest.mark.parametrize(
    ("suffix", "accept"), [("&format=csv", "*/*"), ("", "text/csv"), ("&format=csv", "text/html")]
)
def test_the_same_candles_come_as_csv(api: Caller, suffix: str, accept: str) -> None:
    answer = api.get(f"{FIRST_FIVE}&limit=2{suffix}", headers={"accept": accept})

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 2
    assert rows[0]["opens"] == "2026-11-18T03:45:00Z"
    assert rows[0]["opens_ist"] == "2026-11-18 09:15:00"
    assert Decimal(rows[0]["open"]) == Decimal("21727.75")
    assert (rows[0]["mode"], rows[0]["label"]) == ("simulated", "simulated kite")
    assert answer.headers["x-munshi-mode"] == "simulated"
    assert answer.headers["x-next-cursor"]


@pytest.mark.usefixtures("nifty")
def test_a_format_that_is_asked_for_wins_over_the_accept_header(api: Caller) -> None:
    answer = api.get(f"{FIRST_FIVE}&format=json", headers={"accept": "text/csv"})

    assert answer.headers["content-type"] == "application/json"


@pytest.mark.usefixtures("nifty")
def test_coverage_lists_what_is_stored(api: Caller) -> None:
    document = api.get("/data/coverage").json()

    assert document["mode"] == "simulated"
    (series,) = document["series"]
    assert (series["instrument"], series["interval"]) == ("NSE:NIFTY 50", "5minute")
    assert (series["rows"], series["mode"]) == (6, "simulated")
    assert series["first_open"] == "2026-11-18T03:45:00Z"
    assert api.get("/data/coverage?instrument=NSE:RELIANCE").json()["series"] == []


def test_instruments_come_in_pages_with_the_mode(api: Caller, desk: Desk) -> None:
    api.post("/auth/db/kite/login")
    desk.services.instruments.refresh(desk.services.kite.service, actor=TESTER)

    first = api.get("/data/instruments?exchange=nse&limit=2").json()
    second = api.get(f"/data/instruments?exchange=nse&limit=2&cursor={first['next_cursor']}").json()

    assert first["mode"] == "simulated"
    names = [each["tradingsymbol"] for page in (first, second) for each in page["instruments"]]
    assert names == sorted(set(names))
    assert len(names) > 2
    assert isinstance(first["instruments"][0]["tick_size"], str)


def test_a_series_that_is_not_stored_names_the_command(api: Caller) -> None:
    answer = api.get(FIRST_FIVE)

    assert (answer.status, slug(answer)) == (404, "instrument-unknown")
    assert "munshi data collect" in answer.json()["hint"]


@pytest.mark.usefixtures("nifty")
@pytest.mark.parametrize(
    ("query", "status", "problem"),
    [
        ("instrument=NIFTY&interval=7minute", 422, "interval-unknown"),
        ("instrument=NOTHING&interval=5minute", 404, "instrument-unknown"),
        ("instrument=XXX:NIFTY&interval=5minute", 404, "instrument-unknown"),
        (
            "instrument=NIFTY&interval=5minute&from=2026-11-19&to=2026-11-18",
            422,
            "date-range-invalid",
        ),
        ("instrument=NIFTY&interval=5minute&from=yesterday", 422, "request-invalid"),
        ("instrument=NIFTY&interval=5minute&from=2026-02-30", 422, "request-invalid"),
        ("instrument=NIFTY&interval=5minute&limit=0", 422, "request-invalid"),
        ("instrument=NIFTY&interval=5minute&format=xml", 422, "request-invalid"),
        ("instrument=NIFTY&interval=5minute&cursor=made-up", 422, "cursor-invalid"),
        ("instrument=NIFTY", 422, "request-invalid"),
        ("interval=5minute", 422, "request-invalid"),
        ("instrument=&interval=5minute", 422, "request-invalid"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    api: Caller, query: str, status: int, problem: str
) -> None:
    answer = api.get(f"/data/candles?{query}")

    assert (answer.status, slug(answer)) == (status, problem)


@pytest.mark.parametrize("query", ["kind=SHARE", "limit=1001", "cursor=made-up"])
def test_instruments_that_cannot_be_meant_are_refused(api: Caller, query: str) -> None:
    assert api.get(f"/data/instruments?{query}").status == 422
