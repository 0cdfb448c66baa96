"""Instrument names survive the way to a folder name and back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi.infrastructure.candles.names import quote_name, unquote_name


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("NIFTY 50", "NIFTY%2050"),
        ("M&M", "M%26M"),
        ("BAJAJ-AUTO", "BAJAJ-AUTO"),
        ("NIFTY24D0524000CE", "NIFTY24D0524000CE"),
        ("CON", "%43ON"),
        ("../../etc", "%2E%2E%2F%2E%2E%2F%65%74%63"),
    ],
)
def test_a_name_becomes_a_folder_name_that_can_be_read(name: str, folder: str) -> None:
    assert quote_name(name) == folder


@given(st.text(min_size=1))
def test_every_name_comes_back_and_is_safe_on_every_file_system(name: str) -> None:
    folder = quote_name(name)

    assert unquote_name(folder) == name
    assert re.fullmatch(r"[A-Z0-9_%-]+", folder)


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_names_differ_even_where_case_does_not_count(one: str, other: str) -> None:
    same_folder = quote_name(one).casefold() == quote_name(other).casefold()

    assert same_folder == (one == other)


def test_two_names_that_differ_in_case_get_two_folders() -> None:
    assert quote_name("Nifty").casefold() != quote_name("NIFTY").casefold()


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(ValueError, match="without a name"):
        quote_name("")
