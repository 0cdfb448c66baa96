"""What stood in an old install: times of any kind, secrets in any place, values of any size."""

from datetime import UTC, date, datetime

import pytest

from munshi.adoption.old_times import OldTimes
from munshi.adoption.old_values import parsed, percent, shortened
from munshi.adoption.redaction import KnownSecrets, Redactor, is_secret_name

NOW = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)
TOKEN = "kT9xQ2mVb7LpZr4WcN8sYd1HfGa5Jue3"


def redactor(*known: str) -> Redactor:
    return Redactor(KnownSecrets(known), fingerprint=lambda text: f"<{len(text)}>")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2025-03-01 09:15:00", "2025-03-01T03:45:00"),
        ("2025-03-01T09:15:00.1234567", "2025-03-01T03:45:00.123456"),
        ("2025-03-01T09:15:00Z", "2025-03-01T09:15:00"),
        ("2025-03-01 09:15:00.1234567 +05:30", "2025-03-01T03:45:00.123456"),
        ("2025-03-01 09:15:00+05:30", "2025-03-01T03:45:00"),
        ("1740800700", "2025-03-01T03:45:00"),
        (1740800700000, "2025-03-01T03:45:00"),
        (date(2025, 3, 1), "2025-02-28T18:30:00"),
        (datetime(2025, 3, 1, 9, 15), "2025-03-01T03:45:00"),  # noqa: DTZ001 - as SQL Server gives it
    ],
)
def test_times_of_every_kind_are_read(written: object, read: str) -> None:
    times = OldTimes(now=NOW)

    assert times.read(written) == datetime.fromisoformat(read).replace(tzinfo=UTC)
    assert times.unreadable == 0


@pytest.mark.parametrize(
    "written",
    [
        "yesterday",
        "0000-00-00",
        "0001-01-01",
        "9999-12-31",
        "31/12/2025",
        10**30,
        "NaN",
        b"x",
        True,
    ],
)
def test_what_is_no_time_is_counted_and_not_guessed_at(written: object) -> None:
    times = OldTimes(now=NOW)

    assert times.read(written) is None
    assert times.unreadable == 1


@pytest.mark.parametrize("written", [None, "", "  "])
def test_where_nothing_stands_nothing_is_counted(written: object) -> None:
    times = OldTimes(now=NOW)

    assert (times.read(written), times.unreadable) == (None, 0)


@pytest.mark.parametrize(
    "text",
    [
        f"GET /callback?request_token={TOKEN}&status=ok",
        f"Authorization: token key:{TOKEN}",
        f"the session {TOKEN} was stored",
        f'{{"access_token": "{TOKEN}", broken',
        f"https://example.org/{TOKEN}/x",
    ],
)
def test_a_token_in_prose_is_found_by_its_looks_or_its_name(text: str) -> None:
    assert TOKEN not in redactor().text(text)


def test_a_known_secret_is_found_wherever_it_stands() -> None:
    hidden = redactor("Hush!Hush.9", "p@ss word", "plain-old-password")

    said = hidden.text("tried Hush!Hush.9, then p%40ss%20word and xx/plain-old-password/yy")

    assert said == "tried (secret <11>), then (secret <13>) and xx/(secret <18>)/yy"


def test_what_is_no_secret_stays() -> None:
    kept = {
        "job_id": "0b0f3a52-6c1e-4c39-9f5e-2f5a3b1c9d10",
        "file": "/data/2024/nifty_1min_2024_jan_aug.csv",
        "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "tokens_used": 12,
        "session_timeout_minutes": 1440,
        "said": "The token expired at 06:00; it was refused.",
    }

    assert redactor().value(kept) == kept


@pytest.mark.parametrize(
    "name",
    [
        *("password", "kite_api_secret", "accessToken", "API_KEY", "totp", "pin", "new_password"),
        *("session_token", "token_value", "breeze_api_session"),
    ],
)
def test_secrets_are_known_by_their_names(name: str) -> None:
    assert is_secret_name(name)
    assert redactor().value({name: "abc", "a": [{name: 123456}]}) == {
        name: {"fingerprint": "<3>"},
        "a": [{name: {"fingerprint": "<6>"}}],
    }


def test_values_become_json_that_every_database_takes() -> None:
    assert parsed('{"a": 1.5, "b": NaN, "c": 1e999}') == {"a": "1.5", "b": "NaN", "c": "1E+999"}
    assert parsed("{not json") == "{not json"
    assert parsed("a\0b\ud800") == "a\ufffdb?"
    assert parsed(b"\xff\x00") == "base64:/wA="
    assert parsed("[" * 5000) == "[" * 5000
    assert "(too deep)" in str(parsed("[" * 100 + "]" * 100))
    assert shortened("x" * 30_000)["characters"] == 30_000
    assert [percent(each) for each in ("45%", 140, "-3", "NaN", None)] == [45, 100, 0, None, None]


def test_a_long_value_takes_no_longer_than_it_is_long() -> None:
    assert len(redactor(TOKEN).text("a" * 3_000_000)) == 3_000_000
