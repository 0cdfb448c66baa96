"""Kite's login pages and the calls headless clients make."""

from datetime import timedelta

import httpx

from clocks import FakeClock
from munshi.infrastructure.brokers.simulator.seed import KITE_USER
from simulators import Simulator, body_of, code_now, hidden_fields, kite_headers, query_of

LOGIN = {"v": "3", "api_key": KITE_USER.app_key}


def sign_in(client: httpx.Client, clock: FakeClock) -> httpx.Response:
    asked = client.post(
        "/api/login", data={"user_id": KITE_USER.user_id, "password": KITE_USER.password}
    )
    return client.post(
        "/api/twofa",
        data={
            "user_id": KITE_USER.user_id,
            "request_id": body_of(asked)["data"]["request_id"],
            "twofa_value": code_now(clock, KITE_USER.totp_seed),
            "twofa_type": "totp",
        },
    )


def test_first_headless_login_asks_for_consent_and_then_redirects(
    simulator: Simulator, simulated_clock: FakeClock
) -> None:
    with httpx.Client(base_url=simulator.url) as client:
        begun = client.get("/connect/login", params=LOGIN | {"redirect_params": "state=abc&x=1"})
        sess_id = query_of(begun.headers["location"])["sess_id"]
        sign_in(client, simulated_clock)
        finish = {"api_key": KITE_USER.app_key, "sess_id": sess_id}
        asked = client.get("/connect/finish", params=finish)
        consent = finish | {"authorize": client.cookies["public_token"]}
        done = client.post("/connect/finish", data=consent)

    assert begun.status_code == 302
    assert "Authorise" in asked.text
    assert done.status_code == 302
    assert done.headers["location"].startswith("http://127.0.0.1:8000/auth/kite/callback?")
    query = query_of(done.headers["location"])
    assert len(query.pop("request_token")) == 32
    assert query == {
        "action": "login",
        "type": "login",
        "status": "success",
        "state": "abc",
        "x": "1",
    }


def test_second_login_with_the_cookies_needs_no_password(
    simulator: Simulator, simulated_clock: FakeClock
) -> None:
    simulator.authorise_kite_app()

    with httpx.Client(base_url=simulator.url, follow_redirects=False) as client:
        sign_in(client, simulated_clock)
        again = client.get("/connect/login", params=LOGIN | {"skip_session": "true"})
        done = client.get(again.headers["location"])

    assert "request_token" in query_of(done.headers["location"])


def test_login_page_signs_in_a_browser_without_scripts(simulator: Simulator) -> None:
    simulator.authorise_kite_app()

    with httpx.Client(base_url=simulator.url) as client:
        shown = client.get("/connect/login", params=LOGIN, follow_redirects=True)
        form = hidden_fields(shown.text) | {
            "user_id": KITE_USER.user_id,
            "password": KITE_USER.password,
            "twofa_value": code_now(simulator.clock, KITE_USER.totp_seed),
        }
        posted = client.post("/connect/login", data=form)
        done = client.get(posted.headers["location"])

    assert "SIMULATED" in shown.text
    assert KITE_USER.password in shown.text
    assert "request_token" in query_of(done.headers["location"])


def test_login_page_says_what_was_wrong_and_stays(simulator: Simulator) -> None:
    with httpx.Client(base_url=simulator.url) as client:
        shown = client.get("/connect/login", params=LOGIN, follow_redirects=True)
        form = hidden_fields(shown.text) | {"user_id": KITE_USER.user_id, "password": "guess"}
        posted = client.post("/connect/login", data=form)

    assert posted.status_code == 200
    assert "Invalid username or password." in posted.text
    assert "kf_session" not in posted.cookies


def test_wrong_password_and_wrong_code_answer_in_the_error_envelope(
    simulator: Simulator, simulated_clock: FakeClock
) -> None:
    with httpx.Client(base_url=simulator.url) as client:
        wrong = client.post("/api/login", data={"user_id": KITE_USER.user_id, "password": "no"})
        asked = client.post(
            "/api/login", data={"user_id": KITE_USER.user_id, "password": KITE_USER.password}
        )
        stale = code_now(simulated_clock, KITE_USER.totp_seed)
        simulated_clock.advance(timedelta(minutes=5))
        refused = client.post(
            "/api/twofa",
            data={
                "user_id": KITE_USER.user_id,
                "request_id": body_of(asked)["data"]["request_id"],
                "twofa_value": stale,
            },
        )

    assert (wrong.status_code, body_of(wrong)["error_type"]) == (400, "InputException")
    assert (refused.status_code, body_of(refused)["message"]) == (400, "Invalid TOTP.")
    assert "kf_session" not in refused.cookies


def test_unknown_api_key_is_refused_before_the_form(simulator: Simulator) -> None:
    answer = simulator.http.get("/connect/login", params={"v": "3", "api_key": "other"})

    assert answer.status_code == 400
    assert body_of(answer)["message"] == "Invalid `api_key`."


def test_cookies_of_the_web_login_die_at_six(
    simulator: Simulator, simulated_clock: FakeClock
) -> None:
    with httpx.Client(base_url=simulator.url) as client:
        sign_in(client, simulated_clock)
        simulated_clock.advance(timedelta(hours=20))
        again = client.get("/connect/login", params=LOGIN)

    assert again.headers["location"].startswith("/connect/login?")


def test_profile_answers_the_token_that_a_login_gave(simulator: Simulator) -> None:
    token = simulator.kite_access_token()

    answer = simulator.http.get("/user/profile", headers=kite_headers(token))

    assert answer.headers["content-type"] == "application/json"
    assert body_of(answer)["status"] == "success"
    assert body_of(answer)["data"]["user_id"] == KITE_USER.user_id
    assert "access_token" not in body_of(answer)["data"]
