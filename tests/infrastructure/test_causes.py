"""What a failure says in a row and in the log."""

import pytest

from munshi.errors import BrokerUnavailableError
from munshi.infrastructure.causes import LONGEST, cause, trace


def test_an_error_of_ours_is_told_in_its_own_words_without_the_hint() -> None:
    assert cause(BrokerUnavailableError("Kite is down.", hint="Wait.")) == "Kite is down."


def test_any_other_error_is_told_by_type_and_first_line() -> None:
    error = ValueError("no such thing\n[SQL: INSERT …]\n[parameters: ('hush',)]")

    assert cause(error) == "ValueError: no such thing"


def test_an_error_without_words_is_told_by_its_type() -> None:
    assert cause(SystemExit()) == "SystemExit"


def test_an_error_that_cannot_say_what_it_is_is_told_by_its_type() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert cause(MuteError()) == "MuteError"


@pytest.mark.parametrize(
    "text",
    [
        "GET /session?request_token=hush&checksum=hush failed",
        "headers {'Authorization': 'token key:hush'}",
        "X-SessionToken: hush",
        'body {"api_secret": "hush", "password":"hush"}',
        "Authorization: Bearer hush",
    ],
)
def test_secrets_are_left_out(text: str) -> None:
    assert "hush" not in cause(RuntimeError(text))


def test_a_cause_is_one_line_of_bounded_length_that_any_database_takes() -> None:
    said = cause(RuntimeError("a\0b\ud800\t" + "x" * 9999))

    assert len(said) == LONGEST
    assert said.startswith("RuntimeError: ab? x")


def test_the_trace_names_places_and_no_values() -> None:
    def fail(password: str) -> None:
        raise RuntimeError(password)

    try:
        fail("hush")
    except RuntimeError as error:
        places = trace(error)

    assert len(places) == 2
    assert all("tests/infrastructure/test_causes.py:" in place for place in places)
    assert places[-1].endswith(" fail")
    assert "hush" not in " ".join(places)
