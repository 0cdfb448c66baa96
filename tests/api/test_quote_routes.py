"""Last quotes, streams and unconfirmed minutes over HTTP."""

from datetime import datetime, timedelta

import pytest

from asgi import Caller
from desks import TESTER, Desk
from kept_quotes import kept_quote, save_quotes
from munshi.domain.enums import Service
from munshi.settings import BrokerMode
from munshi.streams.line_keeper import Patience
from munshi.streams.price_stream import check_wanted, open_price_stream


def test_a_quote_is_called_for_and_says_how_it_came(api: Caller, desk: Desk) -> None:
    desk.log_in(Service.KITE)

    answer = api.get("/quotes?instrument=NIFTY&instrument=NSE:NIFTY%20BANK").json()

    assert (answer["mode"], len(answer["quotes"])) == ("simulated", 2)
    first = answer["quotes"][0]
    assert (first["instrument"], first["broker"], first["way"]) == ("NSE:NIFTY 50", "kite", "call")
    assert (first["is_provisional"], first["is_current"], first["age_seconds"]) == (False, True, 0)
    assert isinstance(first["last_price"], str)
    assert first["problem"] is None


def test_a_streamed_quote_is_provisional_and_grows_old_when_the_stream_ends(
    api: Caller, desk: Desk
) -> None:
    desk.log_in(Service.KITE)
    wanted = check_wanted(desk.services.streams, Service.KITE, ["NIFTY"])
    with open_price_stream(
        desk.services.streams, wanted, wait_for_login=True, patience=Patience()
    ) as stream:
        while not stream.quotes():
            stream.is_over.wait(0.02)
        stream.tick()
        [on] = api.get("/streams").json()["streams"]
        [live] = api.get("/quotes?instrument=NIFTY").json()["quotes"]
    desk.services.kite.disconnect(actor=TESTER)
    desk.clock.advance(timedelta(seconds=90))
    [off] = api.get("/streams").json()["streams"]

    [old] = api.get("/quotes?instrument=NIFTY&broker=kite").json()["quotes"]

    assert (live["way"], live["is_provisional"], live["is_current"]) == ("stream", True, True)
    assert (on["is_on"], on["instruments"], on["gap_reasons"]) == (True, 1, [])
    assert on["quotes"] == 0  # an index has no book
    assert off["is_on"] is False
    assert (old["is_current"], old["age_seconds"]) == (False, 90.0)
    assert old["problem"] == "Nobody is logged in at kite."
    assert api.get("/data/candles?instrument=NIFTY&interval=1minute").status == 404
    [bar] = api.get("/data/provisional?instrument=NIFTY&day=2026-11-20").json()["bars"]
    assert (bar["is_provisional"], bar["is_whole"], bar["source"]) == (True, False, "kite")
    assert api.get("/data/provisional?instrument=NIFTY&day=2026-11-19").json()["bars"] == []


def test_nobody_logged_in_is_told_where_to_log_in(api: Caller) -> None:
    answer = api.get("/quotes?instrument=NIFTY")

    assert answer.status == 409
    assert "login" in answer.json()["hint"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422), ("instrument=", 422), ("instrument=nothing", 404),
        ("instrument=NSE:NOSUCH", 404),
        ("instrument=NIFTY&broker=nse", 422), ("instrument=" + "x" * 300, 422),
        ("&".join(["instrument=NIFTY"] * 501), 422),
    ],
)  # fmt: skip
def test_bad_questions_are_refused(api: Caller, query: str, status: int) -> None:
    assert api.get(f"/quotes?{query}").status == status


def test_quotes_that_streams_kept_are_listed_by_day(api: Caller, desk: Desk) -> None:
    now = desk.clock.now()
    early, late = now - timedelta(minutes=2), now
    database = desk.services.database
    save_quotes(database, kept_quote(late, bid=1_000_050), kept_quote(early))
    save_quotes(database, kept_quote(late, source="breeze"))
    save_quotes(database, kept_quote(now, mode=BrokerMode.LIVE))
    save_quotes(database, kept_quote(now - timedelta(days=1)))

    answer = api.get("/data/quotes?instrument=nse:infy").json()

    assert (answer["mode"], answer["instrument"]) == ("simulated", "NSE:INFY")
    assert "simulated" in answer["label"].lower()
    assert [(each["source"], each["bid"]) for each in answer["quotes"]] == [
        ("kite", "99.95"), ("breeze", "99.95"), ("kite", "100.005"),
    ]  # fmt: skip
    first = answer["quotes"][0]
    assert (first["bid_quantity"], first["offer"], first["offer_quantity"]) == (75, "100.05", 50)
    assert datetime.fromisoformat(first["at"]) == early
    yesterday = api.get("/data/quotes?instrument=NSE:INFY&day=2026-11-19").json()["quotes"]
    assert [each["bid"] for each in yesterday] == ["99.95"]
    assert api.get("/data/quotes?instrument=NSE:TCS").json()["quotes"] == []


def test_which_instruments_have_quotes_is_told(api: Caller, desk: Desk) -> None:
    none = api.get("/data/quotes/instruments").json()
    now = desk.clock.now()
    save_quotes(desk.services.database, kept_quote(now), kept_quote(now - timedelta(days=3)))

    [held] = api.get("/data/quotes/instruments").json()["instruments"]

    assert (none["mode"], none["instruments"]) == ("simulated", [])
    assert held["instrument"] == "NSE:INFY"
    assert [datetime.fromisoformat(held[end]).date().day for end in ("first", "last")] == [17, 20]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422), ("instrument=", 422), ("instrument=nothing", 404), ("instrument=INFY", 404),
        ("instrument=XXX:INFY", 404), ("instrument=" + "x" * 300, 422),
        ("instrument=NSE:INFY&day=yesterday", 422), ("instrument=NSE:INFY&day=0001-01-01", 422),
        ("instrument=NSE:INFY&day=9999-12-31", 422), ("instrument=NSE:INFY&day=2026-02-30", 422),
    ],
)  # fmt: skip
def test_bad_questions_after_kept_quotes_are_refused(api: Caller, query: str, status: int) -> None:
    assert api.get(f"/data/quotes?{query}").status == status
