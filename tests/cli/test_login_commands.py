"""`munshi status`, `login` and `disconnect`."""

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from asgi import Caller
from command_line import Munshi
from munshi.api.app import create_app
from munshi.bootstrap import open_services
from munshi.settings import load_settings
from simulators import Simulator

pytestmark = pytest.mark.usefixtures("brokers")
SIMULATED = "SIMULATED brokers: no price and no login here is real.\n"


def status_of(munshi: Munshi, service: str) -> dict[str, object]:
    found = json.loads(munshi("status", "--json").stdout)
    return next(one for one in found["services"] if one["service"] == service)


def test_status_says_how_to_log_in(munshi: Munshi) -> None:
    result = munshi("status")

    assert result.exit_code == 0
    assert result.stderr == SIMULATED
    assert re.search(r"kite +absent +nobody +log in: munshi login kite", result.stdout)
    assert re.search(r"breeze +absent +nobody +log in: munshi login breeze", result.stdout)


def test_status_as_json_says_which_brokers(munshi: Munshi) -> None:
    found = json.loads(munshi("status", "--json").stdout)

    assert found["mode"] == "simulated"
    assert [one["service"] for one in found["services"]] == ["kite", "breeze"]
    assert all(one["login_link"].startswith("http://localhost:8000/") for one in found["services"])


@pytest.mark.parametrize(("service", "user"), [("kite", "SIM123"), ("breeze", "SIMBREEZE")])
def test_headless_login_is_stored(munshi: Munshi, service: str, user: str) -> None:
    result = munshi("login", service, "--headless")

    assert result.exit_code == 0, result.stderr
    assert re.fullmatch(rf"Logged in at {service} as {user} until .* IST\.\n", result.stdout)
    assert status_of(munshi, service)["user_id"] == user
    assert re.search(rf"{service} +(active|expiring) +{user} +.* IST", munshi("status").stdout)


def test_login_as_json_holds_no_token(munshi: Munshi, brokers: Simulator) -> None:
    token = brokers.kite_request_token()

    found = json.loads(munshi("login", "kite", "--token", token, "--json").stdout)

    assert set(found) == {"service", "mode", "session_id", "user_id", "expires_at"}
    assert (found["service"], found["mode"], found["user_id"]) == ("kite", "simulated", "SIM123")


@pytest.mark.parametrize(
    "address",
    [
        "{}",
        "  {}  ",
        "http://localhost:8000/auth/kite/callback?status=success&request_token={}&state=x",
    ],
)
def test_a_pasted_token_or_address_logs_in_at_kite(
    munshi: Munshi, brokers: Simulator, address: str
) -> None:
    pasted = address.format(brokers.kite_request_token())

    result = munshi("login", "kite", "--token", "-", typed=f"{pasted}\n")

    assert result.exit_code == 0, result.stderr
    assert "as SIM123" in result.stdout
    assert pasted.strip() not in result.output


def test_a_pasted_address_logs_in_at_breeze(munshi: Munshi, brokers: Simulator) -> None:
    pasted = f"http://localhost:8000/auth/breeze/callback?apisession={brokers.breeze_api_session()}"

    result = munshi("login", "breeze", "--token", pasted)

    assert "as SIMBREEZE" in result.stdout


def test_a_spent_request_token_is_one_line_and_changes_nothing(
    munshi: Munshi, brokers: Simulator
) -> None:
    token = brokers.kite_request_token()
    munshi("login", "kite", "--token", token)
    session = status_of(munshi, "kite")["expires_at"]

    result = munshi("login", "kite", "--token", token)

    assert result.exit_code == 1
    assert result.stderr.removeprefix(SIMULATED).count("\n") == 1
    assert token not in result.output
    assert status_of(munshi, "kite")["expires_at"] == session
    assert "kite: " in munshi("status").stdout


def test_a_link_that_nobody_follows_is_given_up(munshi: Munshi, brokers: Simulator) -> None:
    result = munshi("login", "kite", "--wait", "0")

    assert result.exit_code == 1
    assert f"  {brokers.url}/connect/login?" in result.stderr
    assert result.stderr.endswith("munshi: No kite login came in 0 seconds. munshi login kite\n")


def test_login_by_link_ends_when_the_redirect_has_come(
    munshi: Munshi, brokers: Simulator, sqlite_url: str, tmp_path: Path
) -> None:
    munshi("status")
    environment = {"MUNSHI_HOME": str(tmp_path), "MUNSHI_DATABASE_URL": sqlite_url}
    command = [sys.executable, "-m", "munshi", "login", "kite", "--wait", "60"]
    with subprocess.Popen(
        command,
        env={**environment, "MUNSHI_SIMULATOR_URL": brokers.url, "PATH": ""},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as waiting:
        assert waiting.stderr is not None
        link = next(line.strip() for line in waiting.stderr if line.startswith("  http"))
        state = parse_qs(parse_qs(urlsplit(link).query)["redirect_params"][0])["state"][0]
        settings = load_settings(_env_file=None, home=tmp_path, database_url=sqlite_url)
        with open_services(settings) as services:
            redirect = Caller(create_app(services)).get(
                f"/auth/kite/callback?request_token={brokers.kite_request_token()}"
                f"&status=success&action=login&state={state}"
            )
        said, _ = waiting.communicate(timeout=60)

    assert redirect.status == 303
    assert said.startswith("Logged in at kite as SIM123 until ")
    assert waiting.returncode == 0


def test_disconnect_ends_the_login_once(munshi: Munshi) -> None:
    munshi("login", "kite", "--headless")

    first = munshi("disconnect", "kite")
    second = munshi("disconnect", "kite")

    assert first.stdout == "kite: the login is ended.\n"
    assert second.stdout == "kite: nobody was logged in.\n"
    assert status_of(munshi, "kite")["authenticated"] is False


@pytest.mark.parametrize(
    "words", [("login", "zerodha"), ("disconnect", "zerodha"), ("connect", "zerodha")]
)
def test_an_unknown_service_is_one_line(munshi: Munshi, words: tuple[str, ...]) -> None:
    result = munshi(*words)

    assert result.exit_code == 1
    assert result.stderr.removeprefix(SIMULATED) == (
        "munshi: There is no service 'zerodha'. Known: kite, breeze.\n"
    )
