"""`munshi stream`, `quotes`, `data provisional` and `data quotes`, as people type them."""

import json
from datetime import timedelta

import pytest

from command_line import Munshi
from kept_quotes import kept_quote, save_quotes
from made_candles import ist
from munshi.infrastructure.database.engine import Database
from simulators import Simulator


@pytest.fixture
def logged_in(munshi: Munshi, brokers: Simulator) -> Munshi:
    assert brokers.url
    assert munshi("login", "kite", "--headless").exit_code == 0
    return munshi


def test_a_stream_prints_lines_and_leaves_quotes_behind(logged_in: Munshi) -> None:
    streamed = logged_in("stream", "NIFTY", "BANKNIFTY", "--seconds", "2", "--json")
    lines = [json.loads(line) for line in streamed.stdout.splitlines()]
    shown = json.loads(logged_in("quotes", "NIFTY", "--json").stdout)

    events = [line["event"] for line in lines]
    assert events[:2] == ["gap_began", "gap_ended"]
    quotes = {line["instrument"]: line for line in lines if line["event"] == "quote"}
    assert quotes.keys() == {"NSE:NIFTY 50", "NSE:NIFTY BANK"}
    assert {line["mode"] for line in lines} == {"simulated"}
    assert quotes["NSE:NIFTY 50"]["is_provisional"] is True
    assert "2 instruments" in streamed.stderr
    assert "0 quotes" in streamed.stderr  # an index has no book
    [quote] = shown["quotes"]
    assert quote["instrument"] == "NSE:NIFTY 50"
    assert quote["way"] == "call"


def test_a_stream_is_drawn_as_a_table(logged_in: Munshi) -> None:
    shown = logged_in("stream", "NIFTY", "--seconds", "2").stdout

    assert "NSE:NIFTY 50" in shown
    assert "kite stream (simulated), provisional" in shown


@pytest.mark.usefixtures("brokers")
def test_without_a_login_a_stream_waits_and_says_how_to_log_in(munshi: Munshi) -> None:
    waiting = munshi("stream", "NIFTY", "--seconds", "2", "--json")

    events = [json.loads(line) for line in waiting.stdout.splitlines()]
    assert [each["event"] for each in events] == ["gap_began", "gap_lasts"]
    assert events[1]["reason"] == "no_login"
    assert "munshi login kite" in waiting.stderr


def test_quotes_are_a_table(logged_in: Munshi) -> None:
    shown = logged_in("quotes", "NIFTY", "NSE:NIFTY BANK").stdout

    assert "NSE:NIFTY BANK" in shown
    assert "kite call" in shown


def test_unconfirmed_minutes_are_said_to_be_that(munshi: Munshi) -> None:
    shown = munshi("data", "provisional", "NIFTY").stdout
    document = json.loads(munshi("data", "provisional", "NIFTY", "--json").stdout)

    assert "PROVISIONAL" in shown
    assert document["bars"] == []


def test_quotes_that_streams_kept_are_shown_in_ist(
    munshi: Munshi, sqlite_database: Database
) -> None:
    empty = [munshi("data", "quotes", *more).stdout for more in ((), ("NSE:INFY",))]
    at = ist("2026-11-20 09:15") + timedelta(seconds=1, microseconds=5)
    save_quotes(sqlite_database, kept_quote(at))

    shown = munshi("data", "quotes", "NSE:INFY", "--day", "2026-11-20")
    document = json.loads(
        munshi("data", "quotes", "NSE:INFY", "--day", "2026-11-20", "--json").stdout
    )
    held = munshi("data", "quotes").stdout
    held_document = json.loads(munshi("data", "quotes", "--json").stdout)

    assert all("munshi stream --help" in each for each in empty)
    assert "simulated" in shown.stdout
    assert "SIMULATED" in shown.stderr
    for told in ("09:15:01", "99.95", "100.05", "0.10", "kite"):
        assert told in shown.stdout
    assert document["mode"] == "simulated"
    assert document["quotes"] == [
        {
            "at": "2026-11-20T03:45:01.000005Z", "bid": "99.9500", "bid_quantity": 75,
            "offer": "100.0500", "offer_quantity": 50, "source": "kite",
        }
    ]  # fmt: skip
    assert "NSE:INFY" in held
    assert held_document["instruments"] == [
        {
            "instrument": "NSE:INFY", "first": "2026-11-20T03:45:00Z",
            "last": "2026-11-20T03:45:00Z",
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        ("stream", "NSE:NOSUCH"), ("stream", "NIFTY", "--broker", "nse"), ("quotes", "NSE:NOSUCH"),
        ("quotes", "NIFTY", "--broker", "nse"), ("data", "provisional", "nothing"),
        ("data", "provisional", "NIFTY", "--day", "yesterday"),
        ("data", "provisional", "NIFTY", "--day", "0001-01-01"),
        ("data", "quotes", "INFY"), ("data", "quotes", "NSE:INFY", "--day", "2026-02-30"),
        ("data", "quotes", "NSE:INFY", "--day", "9999-12-31"),
        ("data", "quotes", "--day", "2026-11-20"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_error(munshi: Munshi, words: tuple[str, ...]) -> None:
    refused = munshi(*words)

    assert refused.exit_code != 0
    assert "Traceback" not in refused.stderr
