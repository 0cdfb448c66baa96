"""Every fault, as each broker shows it."""

from typing import Any

import httpx
import pytest

from munshi.infrastructure.brokers.simulator.faults import FaultKind
from munshi.infrastructure.brokers.simulator.seed import BREEZE_USER
from simulators import Simulator, body_of, kite_headers

CUSTOMER = "/breezeapi/api/v1/customerdetails"


def ask_kite(simulator: Simulator) -> httpx.Response:
    return simulator.http.get("/user/profile", headers=kite_headers(simulator.kite_access_token()))


def ask_breeze(simulator: Simulator) -> httpx.Response:
    asked = {"SessionToken": simulator.breeze_api_session(), "AppKey": BREEZE_USER.app_key}
    return simulator.http.request("GET", CUSTOMER, json=asked)


@pytest.mark.parametrize(
    ("kind", "status", "error_type"),
    [
        (FaultKind.THROTTLE, 429, "NetworkException"),
        (FaultKind.BAD_GATEWAY, 502, "DataException"),
        (FaultKind.UNAVAILABLE, 503, "NetworkException"),
        (FaultKind.EXPIRED_TOKEN, 403, "TokenException"),
    ],
)
def test_kite_shows_a_fault_in_its_envelope(
    simulator: Simulator, kind: FaultKind, status: int, error_type: str
) -> None:
    simulator.fault(kind, service="kite")

    answer = ask_kite(simulator)

    assert (answer.status_code, body_of(answer)["error_type"]) == (status, error_type)
    assert ask_breeze(simulator).status_code == 200


@pytest.mark.parametrize(
    ("kind", "http", "status", "error"),
    [
        (
            FaultKind.THROTTLE,
            401,
            5,
            "Limit exceed: API call per minute:Try after some time",
        ),
        (FaultKind.DAILY_LIMIT, 401, 5, "Limit exceed: API call per day: "),
        (FaultKind.BAD_GATEWAY, 502, 502, "Bad Gateway"),
        (FaultKind.UNAVAILABLE, 503, 503, "Service Unavailable"),
        (FaultKind.EXPIRED_TOKEN, 200, 500, "Resource not available."),
    ],
)
def test_breeze_shows_a_fault_in_its_envelope(
    simulator: Simulator, kind: FaultKind, http: int, status: int, error: str
) -> None:
    simulator.fault(kind, service="breeze", endpoint_class="customerdetails")

    answer = ask_breeze(simulator)

    assert answer.status_code == http
    assert body_of(answer) == {"Success": None, "Status": status, "Error": error}


@pytest.mark.parametrize(
    ("kind", "status", "content_type"),
    [(FaultKind.HTML, 503, "text/html"), (FaultKind.THROTTLE_TEXT, 429, "text/plain")],
)
def test_some_faults_are_not_json(
    simulator: Simulator, kind: FaultKind, status: int, content_type: str
) -> None:
    simulator.fault(kind)

    answers = [ask_kite(simulator), ask_breeze(simulator)]

    assert [answer.status_code for answer in answers] == [status, status]
    assert all(answer.headers["content-type"].startswith(content_type) for answer in answers)


def test_hang_outlasts_an_impatient_client_and_answers_a_patient_one(simulator: Simulator) -> None:
    simulator.fault(FaultKind.HANG, seconds=0.4)
    headers = kite_headers(simulator.kite_access_token())

    with pytest.raises(httpx.ReadTimeout):
        simulator.http.get("/user/profile", headers=headers, timeout=0.1)

    assert simulator.http.get("/user/profile", headers=headers).status_code == 200


def test_a_late_answer_comes_after_the_call_took_effect(simulator: Simulator) -> None:
    token = simulator.kite_access_token()
    simulator.fault(FaultKind.LATE, service="kite", endpoint_class="session", count=1, seconds=0.5)
    query = {"api_key": "simkitekey", "access_token": token}

    with pytest.raises(httpx.ReadTimeout):
        simulator.http.delete(
            "/session/token", headers=kite_headers(token), params=query, timeout=0.1
        )

    answer = simulator.http.get("/user/profile", headers=kite_headers(token))
    assert answer.status_code == 403


def test_reset_cuts_the_connection_after_the_call_took_effect(simulator: Simulator) -> None:
    token = simulator.kite_access_token()
    simulator.fault(FaultKind.RESET, service="kite", endpoint_class="session")

    with pytest.raises(httpx.TransportError):
        simulator.http.delete(
            "/session/token",
            headers=kite_headers(token),
            params={"api_key": "simkitekey", "access_token": token},
        )

    answer = simulator.http.get("/user/profile", headers=kite_headers(token))
    assert answer.status_code == 403
    [cut] = simulator.arrivals(endpoint_class="session")
    assert (cut.status, cut.fault) == (None, "reset")


def test_fault_counts_down_and_is_gone(simulator: Simulator) -> None:
    simulator.fault(FaultKind.UNAVAILABLE, count=2)

    statuses = [ask_kite(simulator).status_code for _ in range(3)]

    assert statuses == [503, 503, 200]
    assert simulator.parts.faults.list_faults() == []


def test_fault_can_be_kept_to_one_class_of_calls(simulator: Simulator) -> None:
    simulator.fault(FaultKind.UNAVAILABLE, service="kite", endpoint_class="quote")
    headers = kite_headers(simulator.kite_access_token())

    quote = simulator.http.get("/quote", params={"i": "NSE:INFY"}, headers=headers)
    profile = simulator.http.get("/user/profile", headers=headers)

    assert (quote.status_code, profile.status_code) == (503, 200)


def test_expired_token_does_not_stand_in_the_way_of_a_new_login(simulator: Simulator) -> None:
    simulator.fault(FaultKind.EXPIRED_TOKEN)

    expired = ask_kite(simulator)
    opened = simulator.http.get("/connect/login", params={"api_key": "simkitekey"})
    exchanged = simulator.http.post("/session/token", headers={"X-Kite-Version": "3"})

    assert expired.status_code == 403
    assert opened.status_code == 302
    assert body_of(exchanged)["message"] == "Missing or empty field `api_key`."


def test_faults_are_switched_over_http_and_every_answer_says_simulated(
    simulator: Simulator,
) -> None:
    asked: dict[str, Any] = {
        "kind": "throttle", "service": "kite", "endpoint_class": "historical", "count": 3,
    }  # fmt: skip

    listed = body_of(simulator.http.post("/_simulator/faults", json=asked))
    cleared = body_of(simulator.http.delete("/_simulator/faults"))

    assert listed["simulated"] is True
    assert [fault | {"id": 0} for fault in listed["faults"]] == [
        {
            "id": 0,
            "kind": "throttle",
            "service": "kite",
            "endpoint_class": "historical",
            "remaining": 3,
            "seconds": 0.0,
        }
    ]
    assert cleared == {"simulated": True, "cleared": 1}


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "earthquake"},
        {"kind": "html", "service": "nse"},
        {"kind": "html", "service": "kite", "endpoint_class": "master"},
        {"kind": "hang", "seconds": "long"},
        {"kind": "html", "count": 0},
    ],
)
def test_fault_that_does_not_exist_is_refused(
    simulator: Simulator, wrong: dict[str, object]
) -> None:
    answer = simulator.http.post("/_simulator/faults", json=wrong)

    assert answer.status_code == 400
    assert simulator.parts.faults.list_faults() == []
