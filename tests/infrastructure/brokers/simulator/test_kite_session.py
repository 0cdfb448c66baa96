"""Exchange of Kite's request token, and what ends the access token."""

import hashlib
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from clocks import FakeClock
from munshi.infrastructure.brokers.simulator.seed import KITE_USER
from simulators import Simulator, body_of, kite_headers

VERSION = {"X-Kite-Version": "3"}
WRONG_TOKEN = "Incorrect `api_key` or `access_token`."


def checksum(request_token: str, *, secret: str = KITE_USER.app_secret) -> str:
    return hashlib.sha256(f"{KITE_USER.app_key}{request_token}{secret}".encode()).hexdigest()


def exchange(
    simulator: Simulator, request_token: str, *, secret: str = KITE_USER.app_secret
) -> httpx.Response:
    return simulator.http.post(
        "/session/token",
        headers=VERSION,
        data={
            "api_key": KITE_USER.app_key,
            "request_token": request_token,
            "checksum": checksum(request_token, secret=secret),
        },
    )


def profile(simulator: Simulator, token: str) -> httpx.Response:
    return simulator.http.get("/user/profile", headers=kite_headers(token))


def test_exchange_grants_the_documented_fields(simulator: Simulator) -> None:
    answer = exchange(simulator, simulator.kite_request_token())

    data = body_of(answer)["data"]
    assert answer.status_code == 200
    assert set(data) == {
        "user_type", "email", "user_name", "user_shortname", "broker", "exchanges", "products",
        "order_types", "avatar_url", "user_id", "api_key", "access_token", "public_token",
        "enctoken", "refresh_token", "silo", "login_time", "meta",
    }  # fmt: skip
    assert data["login_time"] == "2026-11-20 10:30:30"
    assert profile(simulator, data["access_token"]).status_code == 200


def test_wrong_checksum_is_refused_and_spends_nothing(simulator: Simulator) -> None:
    token = simulator.kite_request_token()

    refused = exchange(simulator, token, secret="guess")
    granted = exchange(simulator, token)

    assert refused.status_code == 403
    assert body_of(refused)["error_type"] == "TokenException"
    assert body_of(refused)["message"] == "Invalid `checksum`."
    assert granted.status_code == 200


def test_request_token_works_once(simulator: Simulator) -> None:
    token = simulator.kite_request_token()
    exchange(simulator, token)

    again = exchange(simulator, token)

    assert again.status_code == 403
    assert body_of(again) == {
        "status": "error",
        "message": "Token is invalid or has expired.",
        "error_type": "TokenException",
        "data": None,
    }


def test_request_token_lives_five_minutes(simulator: Simulator, simulated_clock: FakeClock) -> None:
    young, old = simulator.kite_request_token(), simulator.kite_request_token()

    simulated_clock.advance(timedelta(minutes=4, seconds=59))
    in_time = exchange(simulator, young)
    simulated_clock.advance(timedelta(seconds=1))
    late = exchange(simulator, old)

    assert in_time.status_code == 200
    assert late.status_code == 403


def test_second_access_token_ends_the_first(simulator: Simulator) -> None:
    first = simulator.kite_access_token()

    second = simulator.kite_access_token()

    assert profile(simulator, first).status_code == 403
    assert profile(simulator, second).status_code == 200


@pytest.mark.parametrize(
    ("granted_at", "dies_at"),
    [
        (datetime(2026, 11, 20, 5, 0, tzinfo=UTC), datetime(2026, 11, 21, 0, 30, tzinfo=UTC)),
        (datetime(2026, 11, 20, 0, 15, tzinfo=UTC), datetime(2026, 11, 20, 0, 30, tzinfo=UTC)),
    ],
)
def test_access_token_dies_at_six_in_the_morning_ist(
    simulator: Simulator, simulated_clock: FakeClock, granted_at: datetime, dies_at: datetime
) -> None:
    simulated_clock.set(granted_at)
    token = simulator.kite_access_token()

    simulated_clock.set(dies_at - timedelta(microseconds=1))
    before = profile(simulator, token)
    simulated_clock.set(dies_at)
    after = profile(simulator, token)

    assert before.status_code == 200
    assert after.status_code == 403
    assert body_of(after)["error_type"] == "TokenException"
    assert body_of(after)["message"] == WRONG_TOKEN


def test_logout_ends_the_token(simulator: Simulator) -> None:
    token = simulator.kite_access_token()

    answer = simulator.http.delete(
        "/session/token",
        headers=kite_headers(token),
        params={"api_key": KITE_USER.app_key, "access_token": token},
    )

    assert body_of(answer) == {"status": "success", "data": True}
    assert profile(simulator, token).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status", "error_type"),
    [
        ({"X-Kite-Version": "3"}, 400, "InputException"),
        ({"X-Kite-Version": "3", "Authorization": "Bearer x"}, 400, "InputException"),
        ({"X-Kite-Version": "3", "Authorization": "token nocolon"}, 400, "InputException"),
        ({"X-Kite-Version": "3", "Authorization": "token a:b"}, 403, "TokenException"),
        ({"Authorization": "token a:b"}, 400, "InputException"),
    ],
)
def test_headers_are_checked(
    simulator: Simulator, headers: dict[str, str], status: int, error_type: str
) -> None:
    answer = simulator.http.get("/user/profile", headers=headers)

    assert (answer.status_code, body_of(answer)["error_type"]) == (status, error_type)


def test_exchange_without_a_field_names_it(simulator: Simulator) -> None:
    answer = simulator.http.post(
        "/session/token", headers=VERSION, data={"api_key": KITE_USER.app_key}
    )

    assert answer.status_code == 400
    assert body_of(answer)["message"] == "Missing or empty field `request_token`."


def test_margins_come_whole_or_by_segment(simulator: Simulator) -> None:
    headers = kite_headers(simulator.kite_access_token())

    both = body_of(simulator.http.get("/user/margins", headers=headers))["data"]
    one = body_of(simulator.http.get("/user/margins/equity", headers=headers))["data"]

    assert set(both) == {"equity", "commodity"}
    assert one == both["equity"]
    assert one["available"]["cash"] == 1_000_000.0


def test_paths_kite_does_not_know_are_404_in_its_envelope(simulator: Simulator) -> None:
    answer = simulator.http.get("/user/unheard")

    assert answer.status_code == 404
    assert body_of(answer)["status"] == "error"
