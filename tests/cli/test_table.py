"""Tables keep every word whole, at any width."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi.cli.table import draw_table

HEADINGS = ("key", "value", "what for")
WORDS = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=14)
CELLS = st.lists(WORDS, max_size=8).map(" ".join)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=4)


def test_a_narrow_table_is_as_wide_as_its_cells() -> None:
    drawn = draw_table(
        ("name", "held"), [("NIFTY 50", 75), ("BANKNIFTY", 7), (None, None)], width=80
    )

    assert drawn == [
        "name       held",
        "─────────  ────",
        "NIFTY 50     75",
        "BANKNIFTY     7",
        "",
    ]


def test_a_long_cell_is_wrapped_between_words() -> None:
    drawn = draw_table(("key", "what for"), [("keep_days", "How long jobs are kept.")], width=24)

    assert drawn == [
        "key        what for",
        "─────────  ─────────────",
        "keep_days  How long jobs",
        "           are kept.",
    ]


def test_where_words_would_break_each_row_is_a_block() -> None:
    rows = [("mirror_tokens_to_env", "false"), ("keep_days", None), ("simulated_headless", "a\nb")]

    drawn = draw_table(("key", "value"), rows, width=26)

    assert drawn == [
        "key    mirror_tokens_to_env",
        "value  false",
        "",
        "key    keep_days",
        "",
        "key    simulated_headless",
        "value  a b",
    ]


@given(rows=ROWS, width=st.integers(20, 120))
def test_no_word_is_broken_and_no_line_is_too_long(
    rows: list[tuple[str, str, str]], width: int
) -> None:
    drawn = draw_table(HEADINGS, rows, width=width)

    words = sorted(word for row in rows for cell in row for word in cell.split())
    shown = [word for line in drawn for word in line.split() if set(word) != {"─"}]
    for word in words:
        assert word in shown
    longest = max(map(len, drawn))
    assert longest <= max(width, len("what for") + 2 + max(map(len, words), default=0))


@pytest.mark.parametrize("width", [1, 10, 1000])
def test_any_width_will_do(width: int) -> None:
    assert draw_table(("a", "b"), [("one", "two words")], width=width)
