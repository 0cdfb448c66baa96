"""Breeze's login pages, the redirect and customer details."""

import base64
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from clocks import FakeClock
from munshi.infrastructure.brokers.simulator.parts import RedirectMode
from munshi.infrastructure.brokers.simulator.seed import BREEZE_USER
from simulators import Simulator, body_of, code_now, hidden_fields, query_of


def open_page(client: httpx.Client) -> dict[str, str]:
    begun = client.get("/apiuser/login", params={"api_key": BREEZE_USER.app_key})
    shown = client.post("/apiuser/tradelogin", data=hidden_fields(begun.text))
    return hidden_fields(shown.text)


def encrypted(fields: dict[str, str], password: str) -> str:
    pem = next(value for name, value in fields.items() if name.endswith("hidpv"))
    key = load_pem_public_key(pem.encode())
    assert isinstance(key, rsa.RSAPublicKey)
    return base64.b64encode(key.encrypt(password.encode(), padding.PKCS1v15())).decode()


def first_factor(fields: dict[str, str], *, password: str = BREEZE_USER.password) -> dict[str, str]:
    return fields | {
        "txtuid": BREEZE_USER.user_id,
        "hidp": encrypted(fields, password),
        "txtPass": "*" * len(password),
        "chkssTnc": "Y",
    }


def log_in(simulator: Simulator, *, code: str | None = None) -> httpx.Response:
    with httpx.Client(base_url=simulator.url) as client:
        data = first_factor(open_page(client))
        client.post("/apiuser/tradelogin/getotp", data=data)
        otp = code or code_now(simulator.clock, BREEZE_USER.totp_seed)
        return client.post("/apiuser/tradelogin/validateuser", data=data | {"hiotp": otp})


def customer_details(
    simulator: Simulator, api_session: str, *, app_key: str = BREEZE_USER.app_key
) -> dict[str, Any]:
    return body_of(
        simulator.http.request(
            "GET",
            "/breezeapi/api/v1/customerdetails",
            json={"SessionToken": api_session, "AppKey": app_key},
        )
    )


def test_headless_login_redirects_with_the_api_session(simulator: Simulator) -> None:
    done = log_in(simulator)

    assert done.status_code == 302
    assert done.headers["location"].startswith("http://127.0.0.1:8000/auth/breeze/callback?")
    assert query_of(done.headers["location"])["apisession"].isdigit()


def test_post_mode_answers_with_a_form_that_posts_itself(simulator: Simulator) -> None:
    simulator.parts.redirects.breeze_mode = RedirectMode.POST

    done = log_in(simulator)

    assert done.status_code == 200
    assert 'action="http://127.0.0.1:8000/auth/breeze/callback"' in done.text
    assert hidden_fields(done.text)["API_Session"].isdigit()


def test_people_without_scripts_log_in_by_the_form(simulator: Simulator) -> None:
    with httpx.Client(base_url=simulator.url) as client:
        form = open_page(client) | {
            "txtuid": BREEZE_USER.user_id,
            "txtPass": BREEZE_USER.password,
            "hiotp": code_now(simulator.clock, BREEZE_USER.totp_seed),
        }
        done = client.post("/apiuser/tradelogin/validateuser", data=form)

    assert "apisession" in query_of(done.headers["location"])


def test_wrong_code_and_wrong_password_stay_on_the_page(simulator: Simulator) -> None:
    with httpx.Client(base_url=simulator.url) as client:
        refused = client.post(
            "/apiuser/tradelogin/getotp", data=first_factor(open_page(client), password="guess")
        )
    wrong_code = log_in(simulator, code="000000")

    assert "Invalid User ID or Password." in refused.text
    assert wrong_code.status_code == 200
    assert "Invalid OTP." in wrong_code.text


def test_form_must_come_from_the_page(simulator: Simulator) -> None:
    with httpx.Client(base_url=simulator.url) as client:
        data = first_factor(open_page(client)) | {"checksum": "forged"}
        refused = client.post("/apiuser/tradelogin/getotp", data=data)

    assert "open the link again" in refused.text


def test_unknown_app_key_is_told_so_on_the_page(simulator: Simulator) -> None:
    answer = simulator.http.get("/apiuser/login", params={"api_key": "other"})

    assert "Public Key does not exist." in answer.text


def test_customer_details_give_the_header_value_for_signed_calls(simulator: Simulator) -> None:
    answer = customer_details(simulator, simulator.breeze_api_session())

    success = answer["Success"]
    assert (answer["Status"], answer["Error"]) == (200, None)
    assert success["idirect_userid"] == BREEZE_USER.user_id
    user_id, key = base64.b64decode(success["session_token"]).decode().split(":")
    assert user_id == BREEZE_USER.user_id
    assert key.isdigit()
    assert success["exg_trade_date"]["NSE"] == "20-Nov-2026"
    assert success["idirect_lastlogin_time"] == "20-Nov-2026 10:30:30"


def test_customer_details_can_be_asked_again(simulator: Simulator) -> None:
    api_session = simulator.breeze_api_session()

    first, second = (customer_details(simulator, api_session)["Success"] for _ in range(2))

    assert first["session_token"] == second["session_token"]


@pytest.mark.parametrize(
    ("api_session", "app_key", "text"),
    [
        ("12", BREEZE_USER.app_key, "Invalid session."),
        ("12", "other", "Public Key does not exist."),
    ],
)
def test_customer_details_refuse_with_the_documented_texts(
    simulator: Simulator, api_session: str, app_key: str, text: str
) -> None:
    answer = customer_details(simulator, api_session, app_key=app_key)

    assert answer == {"Success": None, "Status": 500, "Error": text}


def test_session_is_dead_at_midnight_ist(simulator: Simulator, simulated_clock: FakeClock) -> None:
    api_session = simulator.breeze_api_session()

    simulated_clock.advance(timedelta(hours=13, minutes=29, seconds=29))
    before = customer_details(simulator, api_session)
    simulated_clock.advance(timedelta(seconds=1))
    after = customer_details(simulator, api_session)

    assert before["Status"] == 200
    assert after == {"Success": None, "Status": 500, "Error": "Resource not available."}
