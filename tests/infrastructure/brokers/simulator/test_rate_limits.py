"""Request limits, counted on the broker's clock and answered as the brokers answer them."""

from datetime import timedelta

import pytest

from clocks import FakeClock
from munshi.infrastructure.brokers.simulator.rate_limits import DAY_SECONDS, Limit
from munshi.infrastructure.brokers.simulator.seed import BREEZE_USER
from simulators import Simulator, body_of, kite_headers

PROFILE, QUOTE = "/user/profile", "/quote/ltp?i=NSE:INFY"
HISTORY = "/instruments/historical/256265/day?from=2026-11-19&to=2026-11-19"


@pytest.mark.parametrize(("path", "allowed"), [(QUOTE, 1), (HISTORY, 3), (PROFILE, 10)])
def test_kite_grants_its_limit_a_second_and_no_more(
    simulator: Simulator, simulated_clock: FakeClock, path: str, allowed: int
) -> None:
    simulator.documented_limits()
    headers = kite_headers(simulator.kite_access_token())

    first = [simulator.http.get(path, headers=headers).status_code for _ in range(allowed + 1)]
    simulated_clock.advance(timedelta(seconds=1))
    later = simulator.http.get(path, headers=headers)

    assert first == [200] * allowed + [429]
    assert later.status_code == 200


def test_kite_says_429_in_its_envelope(simulator: Simulator) -> None:
    simulator.documented_limits()
    headers = kite_headers(simulator.kite_access_token())
    simulator.http.get(QUOTE, headers=headers)

    refused = simulator.http.get(QUOTE, headers=headers)

    assert body_of(refused)["error_type"] == "NetworkException"
    assert body_of(refused)["message"] == "Too many requests"


def test_window_slides_and_does_not_start_afresh_on_the_second(
    simulator: Simulator, simulated_clock: FakeClock
) -> None:
    simulator.documented_limits()
    headers = kite_headers(simulator.kite_access_token())
    simulated_clock.advance(timedelta(milliseconds=900))
    simulator.http.get(QUOTE, headers=headers)

    simulated_clock.advance(timedelta(milliseconds=200))
    refused = simulator.http.get(QUOTE, headers=headers)
    simulated_clock.advance(timedelta(milliseconds=800))
    granted = simulator.http.get(QUOTE, headers=headers)

    assert (refused.status_code, granted.status_code) == (429, 200)


def ask_breeze(simulator: Simulator) -> dict[str, object]:
    asked = {"SessionToken": simulator.breeze_api_session(), "AppKey": BREEZE_USER.app_key}
    return body_of(simulator.http.request("GET", "/breezeapi/api/v1/customerdetails", json=asked))


def test_breeze_counts_a_hundred_a_minute_over_all_endpoints(
    simulator: Simulator, simulated_clock: FakeClock
) -> None:
    simulator.documented_limits()
    for _ in range(100):
        simulator.parts.limits.take("breeze", "api")

    refused = ask_breeze(simulator)
    simulated_clock.advance(timedelta(minutes=1))
    granted = ask_breeze(simulator)

    assert refused["Status"] == 5
    assert refused["Error"] == "Limit exceed: API call per minute:Try after some time"
    assert granted["Status"] == 200


def test_breeze_counts_the_day_until_midnight_ist(
    simulator: Simulator, simulated_clock: FakeClock
) -> None:
    simulator.parts.limits.save_limit(
        Limit(service="breeze", bucket="api", window_seconds=DAY_SECONDS, allowed=2)
    )
    ask_breeze(simulator)
    ask_breeze(simulator)

    refused = ask_breeze(simulator)
    simulated_clock.advance(timedelta(hours=14))
    granted = ask_breeze(simulator)

    assert refused["Error"] == "Limit exceed: API call per day: "
    assert granted["Status"] == 200


def test_refused_calls_do_not_count(simulator: Simulator, simulated_clock: FakeClock) -> None:
    simulator.documented_limits()
    headers = kite_headers(simulator.kite_access_token())
    simulator.http.get(QUOTE, headers=headers)

    simulated_clock.advance(timedelta(milliseconds=600))
    simulator.http.get(QUOTE, headers=headers)
    simulated_clock.advance(timedelta(milliseconds=400))

    assert simulator.http.get(QUOTE, headers=headers).status_code == 200


def test_limits_are_changed_over_http_and_put_back(simulator: Simulator) -> None:
    small = {"service": "kite", "bucket": "other", "window_seconds": 1, "allowed": 1}
    headers = kite_headers(simulator.kite_access_token())

    changed = body_of(simulator.http.post("/_simulator/limits", json=small))
    statuses = [simulator.http.get(PROFILE, headers=headers).status_code for _ in range(2)]
    simulator.http.delete("/_simulator/limits")

    assert small in changed["limits"]
    assert statuses == [200, 429]
    assert simulator.http.get(PROFILE, headers=headers).status_code == 200


def test_login_pages_are_not_counted(simulator: Simulator) -> None:
    simulator.documented_limits()

    answers = [
        simulator.http.get("/connect/login", params={"api_key": "simkitekey"}) for _ in range(12)
    ]

    assert {answer.status_code for answer in answers} == {302}
