"""Last quotes, streams and unconfirmed minutes over HTTP."""

from datetime import timedelta

import pytest

from asgi import Caller
from desks import TESTER, Desk
from munshi.domain.enums import Service
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
