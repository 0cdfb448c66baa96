"""The simulator's own switches: clock, arrivals, redirects, master logout."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from munshi.domain.market.calendar import MarketCalendar
from munshi.infrastructure.brokers.simulator.control import Control
from munshi.infrastructure.brokers.simulator.synthetic_candles import SyntheticCandles
from simulators import Simulator, body_of, kite_headers


def test_state_says_who_answers_and_what_the_candles_are(simulator: Simulator) -> None:
    state = body_of(simulator.http.get("/_simulator/state"))

    assert state["simulated"] is True
    assert state["identity"] == simulator.parts.state.identity
    assert state["candles"]["label"] == "synthetic"
    assert state["now"] == "2026-11-20T05:00:30+00:00"


def test_clock_offset_moves_the_broker_past_its_tokens_end(simulator: Simulator) -> None:
    headers = kite_headers(simulator.kite_access_token())

    moved = body_of(simulator.http.post("/_simulator/clock", json={"offset_seconds": 86_400}))
    answer = simulator.http.get("/user/profile", headers=headers)

    assert moved["now"] == "2026-11-21T05:00:30+00:00"
    assert answer.status_code == 403


def test_arrivals_are_written_down_with_time_class_and_answer(simulator: Simulator) -> None:
    simulator.http.get("/user/profile", headers=kite_headers("stale"))
    simulator.clock.advance(timedelta(microseconds=7))
    simulator.http.get("/breezeapi/api/v1/funds")

    listed = body_of(simulator.http.get("/_simulator/arrivals"))["arrivals"]

    assert [(a["service"], a["endpoint_class"], a["status"]) for a in listed] == [
        ("kite", "user", 403),
        ("breeze", "other", 200),
    ]
    assert listed[1]["arrived_at"] - listed[0]["arrived_at"] == 7


def test_arrivals_are_filtered_and_cleared(simulator: Simulator) -> None:
    simulator.http.get("/user/profile", headers=kite_headers("stale"))
    simulator.http.get("/breezeapi/api/v1/funds")

    kite = body_of(simulator.http.get("/_simulator/arrivals", params={"service": "kite"}))
    cleared = body_of(simulator.http.delete("/_simulator/arrivals"))

    assert [arrival["path"] for arrival in kite["arrivals"]] == ["/user/profile"]
    assert cleared["arrivals"] == []


def test_queries_never_reach_the_arrival_log(simulator: Simulator) -> None:
    simulator.http.delete("/session/token", params={"access_token": "a-secret"})

    assert "a-secret" not in simulator.http.get("/_simulator/arrivals").text


def test_redirects_can_be_changed(simulator: Simulator) -> None:
    changed = simulator.http.post(
        "/_simulator/redirects",
        json={"kite_url": "http://127.0.0.1:9/kite", "breeze_mode": "POST"},
    )

    assert body_of(changed)["kite_url"] == "http://127.0.0.1:9/kite"
    assert body_of(changed)["breeze_mode"] == "POST"


def test_master_logout_ends_every_live_token(simulator: Simulator) -> None:
    headers = kite_headers(simulator.kite_access_token())
    simulator.breeze_api_session()

    ended = body_of(simulator.http.post("/_simulator/logout", json={}))

    assert ended["ended"] == {"kite": 1, "breeze": 1}
    assert simulator.http.get("/user/profile", headers=headers).status_code == 403


@pytest.mark.parametrize("path", ["state", "clock", "faults", "arrivals", "limits", "redirects"])
def test_controls_answer_this_machine_only(simulator: Simulator, path: str) -> None:
    control = Control(simulator.parts, SyntheticCandles(MarketCalendar.packaged()))
    route = next(r for r in control.routes() if r.path == f"/_simulator/{path}")
    scope = {"type": "http", "method": "GET", "headers": [], "client": ("192.0.2.7", 1)}

    with pytest.raises(HTTPException, match="answer only to this machine"):
        asyncio.run(route.endpoint(Request(scope | {"query_string": b""})))


def test_controls_do_not_answer_another_sites_page(simulator: Simulator) -> None:
    answer = simulator.http.post(
        "/_simulator/logout", json={}, headers={"Sec-Fetch-Site": "cross-site"}
    )

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("clock", '{"offset_seconds": "soon"}'),
        ("clock", "not json"),
        ("clock", "[]"),
        ("limits", '{"service": "kite", "bucket": "nothing"}'),
        ("redirects", '{"breeze_mode": "FAX"}'),
    ],
)
def test_bad_control_request_is_one_clear_answer(
    simulator: Simulator, path: str, body: str
) -> None:
    answer = simulator.http.post(f"/_simulator/{path}", content=body)

    assert answer.status_code == 400
    assert body_of(answer)["simulated"] is True
    assert isinstance(body_of(answer)["error"], str)


def test_front_page_leads_to_both_logins(simulator: Simulator) -> None:
    page = simulator.http.get("/")

    assert "SIMULATED" in page.text
    assert "/connect/login?v=3&amp;api_key=simkitekey" in page.text
    assert httpx.URL(simulator.url).host == "127.0.0.1"
