"""`munshi connect`: a broker's credentials go in, and do not come out."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from command_line import Munshi
from munshi.auth.credentials import BrokerCredentials
from munshi.bootstrap import open_services
from munshi.domain.enums import Service
from munshi.settings import BrokerMode, load_settings

KEY, SECRET, PASSWORD = "livekey", "canary-api-secret", "canary-password"
SEED = "GEZDGNBVGY3TQOJQ"
ENV = f"""\
KITE_API_KEY={KEY}
KITE_API_SECRET={SECRET}
KITE_USER_ID=AB1234
KITE_PASSWORD={PASSWORD}
KITE_TOTP_SECRET={SEED}
"""
ANSWERS = f"{KEY}\n{SECRET}\nAB1234\n"
OPTED_IN = f"{ANSWERS}y\n{PASSWORD}\n{SEED}\n"
WHOLE = BrokerCredentials(
    api_key=KEY,
    api_secret=SECRET,
    user_id="AB1234",
    password=PASSWORD,
    totp_seed=SEED,
    headless=True,
    origin="database",
)
WITHOUT_LEAVE = replace(WHOLE, password=None, totp_seed=None, headless=False)


class Stored:
    """What live mode finds."""

    def __init__(self, home: Path, database_url: str) -> None:
        self.home = home
        self._settings = load_settings(
            _env_file=None,
            home=home,
            database_url=database_url,
            env_file=home / "none.env",
            brokers=BrokerMode.LIVE,
        )

    def credentials(self) -> BrokerCredentials:
        with open_services(self._settings) as services:
            return services.logins.of(Service.KITE).credentials()

    def files(self) -> bytes:
        """The database with its log."""
        return b"".join(path.read_bytes() for path in self.home.glob("munshi.db*"))


@pytest.fixture
def stored(tmp_path: Path, sqlite_url: str) -> Stored:
    return Stored(tmp_path, sqlite_url)


def assert_keeps_quiet(munshi: Munshi, shown: str, stored: Stored) -> None:
    everything = shown + munshi("audit", "recent", "--json").stdout
    everything += munshi("config", "list", "--json").stdout
    found = [
        secret
        for secret in (SECRET, PASSWORD, SEED)
        if secret in everything or secret.encode() in stored.files()
    ]

    assert found == []


def test_the_answers_are_stored_encrypted_and_never_echoed(munshi: Munshi, stored: Stored) -> None:
    result = munshi("connect", "kite", typed=OPTED_IN)

    assert result.exit_code == 0, result.stderr
    assert "/auth/kite/callback" in result.stdout
    assert stored.credentials() == WHOLE
    assert_keeps_quiet(munshi, result.output, stored)


def test_without_leave_no_password_is_asked_for(munshi: Munshi, stored: Stored) -> None:
    result = munshi("connect", "kite", typed=f"{ANSWERS}n\n")

    assert result.exit_code == 0, result.stderr
    assert stored.credentials() == WITHOUT_LEAVE


def test_connecting_again_takes_the_leave_back(munshi: Munshi, stored: Stored) -> None:
    munshi("connect", "kite", typed=OPTED_IN)

    munshi("connect", "kite", typed=f"{ANSWERS}n\n")

    assert stored.credentials() == WITHOUT_LEAVE


@pytest.mark.parametrize(
    ("options", "typed", "expected"),
    [
        (("--from-env",), "", WITHOUT_LEAVE),
        (("--from-env", "--headless"), "", WHOLE),
        ((), "y\nn\n", WITHOUT_LEAVE),
        ((), "y\ny\n", WHOLE),
        ((), f"n\n{ANSWERS}n\n", WITHOUT_LEAVE),
    ],
)
def test_the_old_file_is_offered_and_taken(
    munshi: Munshi,
    stored: Stored,
    options: tuple[str, ...],
    typed: str,
    expected: BrokerCredentials,
) -> None:
    (stored.home / ".env").write_text(ENV)

    result = munshi("connect", "kite", *options, typed=typed)

    assert result.exit_code == 0, result.stderr
    assert stored.credentials() == expected
    assert_keeps_quiet(munshi, result.output, stored)


@pytest.mark.parametrize(
    ("lines", "options", "said"),
    [
        ("", ("--from-env",), r"has no KITE_API_KEY and KITE_API_SECRET"),
        (ENV.partition("KITE_PASS")[0], ("--from-env", "--headless"), r"lacks some"),
        (ENV.replace(SEED, "123456"), ("--from-env", "--headless"), r"TOTP seed is not"),
    ],
)
def test_what_the_old_file_lacks_is_one_line_and_nothing_is_stored(
    munshi: Munshi, stored: Stored, lines: str, options: tuple[str, ...], said: str
) -> None:
    (stored.home / ".env").write_text(lines)

    result = munshi("connect", "kite", *options)

    assert result.exit_code == 1
    assert re.fullmatch(rf"munshi: .*{said}.*\n", result.stderr)
    assert '"is_set": true' not in munshi("config", "list", "auth", "--json").stdout


def test_a_code_in_the_place_of_the_seed_is_refused(munshi: Munshi) -> None:
    result = munshi("connect", "kite", typed=f"{ANSWERS}y\n{PASSWORD}\n123456\n")

    assert result.exit_code == 1
    assert "TOTP seed is not" in result.stderr
    assert '"is_set": true' not in munshi("config", "list", "auth", "--json").stdout


def test_a_live_login_begins_with_the_stored_key(
    munshi: Munshi, monkeypatch: pytest.MonkeyPatch
) -> None:
    munshi("connect", "kite", typed=f"{ANSWERS}n\n")
    monkeypatch.setenv("MUNSHI_BROKERS", "live")

    result = munshi("login", "kite", "--wait", "0")

    assert f"https://kite.zerodha.com/connect/login?v=3&api_key={KEY}" in result.stderr
    assert "SIMULATED" not in result.output
