"""`/instruments`: one instrument, its history, contracts of a day, and what has no counterpart."""

import pytest

from asgi import Caller
from desks import TESTER, Desk
from munshi.domain.enums import Service


@pytest.fixture
def loaded(desk: Desk) -> Desk:
    desk.log_in(Service.KITE)
    for service in Service:
        desk.services.instruments.load(service, actor=TESTER)
    return desk


@pytest.mark.usefixtures("loaded")
def test_an_instrument_is_shown_with_both_brokers_codes(api: Caller) -> None:
    plain = api.get("/instruments/show?instrument=NSE:RELIANCE").json()
    of_day = api.get("/instruments/show?instrument=nse:reliance&on=2026-11-20").json()
    of_token = api.get("/instruments/show?instrument=738561&broker=kite").json()

    assert plain["mode"] == "simulated"
    assert (plain["instrument"]["kite_token"], plain["instrument"]["breeze_code"]) == (
        738561,
        "RELIND",
    )
    assert of_day["instrument"] == plain["instrument"]
    assert of_token["instrument"]["tradingsymbol"] == "RELIANCE"


@pytest.mark.usefixtures("loaded")
def test_its_history_has_a_listing_of_each_broker(api: Caller) -> None:
    listings = api.get("/instruments/history?instrument=NSE:RELIANCE").json()["listings"]

    assert {one["broker"] for one in listings} == {"kite", "breeze"}
    assert {one["first_day"] for one in listings} == {"2026-11-20"}
    assert {one["last_day"] for one in listings} == {None}


@pytest.mark.usefixtures("loaded")
def test_contracts_are_those_of_the_day(api: Caller) -> None:
    of_day = api.get("/instruments/contracts?underlying=nifty&on=2026-11-20&kind=FUT").json()
    before = api.get("/instruments/contracts?underlying=NIFTY&on=2026-11-19").json()

    assert [one["kind"] for one in of_day["contracts"]] == ["FUT"] * len(of_day["contracts"])
    assert len(of_day["contracts"]) > 1
    assert before["contracts"] == []
    assert before["known_since"] == {"kite": "2026-11-20", "breeze": "2026-11-20"}


@pytest.mark.usefixtures("loaded")
def test_what_has_no_counterpart_comes_in_pages(api: Caller) -> None:
    page = api.get("/instruments/unmapped?exchange=bse&limit=2").json()
    rest = api.get(f"/instruments/unmapped?exchange=bse&cursor={page['next_cursor']}").json()

    names = [one["tradingsymbol"] for each in (page, rest) for one in each["unmapped"]]
    assert names == sorted(set(names))
    assert len(names) == 5
    assert {one["unmapped"] for one in page["unmapped"]} == {"not_listed"}


@pytest.mark.parametrize(
    ("path", "status", "problem"),
    [
        ("show?instrument=NSE:NOBODY", 404, "instrument-unknown"),
        ("show?instrument=NSE:RELIANCE&on=2020-01-01", 404, "instrument-unknown"),
        ("show?instrument=5&broker=kite", 404, "instrument-unknown"),
        ("history?instrument=NSE:NOBODY", 404, "instrument-unknown"),
        ("history?instrument=5&broker=breeze", 404, "instrument-unknown"),
        ("unmapped?cursor=x", 422, "cursor-invalid"),
        ("unmapped?why=bored", 422, "request-invalid"),
        ("contracts", 422, "request-invalid"),
    ],
)
def test_what_cannot_be_answered_is_a_problem(
    api: Caller, path: str, status: int, problem: str
) -> None:
    answer = api.get(f"/instruments/{path}")

    assert (answer.status, answer.json()["type"].rpartition("/")[2]) == (status, problem)
