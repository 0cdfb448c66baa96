"""Frames of candles: months as India counts them, and a merge that changes only what differs."""

from hypothesis import given
from hypothesis import strategies as st

from made_candles import candle, ist, minutes
from munshi.domain.market.candles import Candle
from munshi.infrastructure.candles.frames import (
    CANDLE_SCHEMA,
    Merged,
    empty_frame,
    merge,
    split_by_month,
    to_candles,
    to_frame,
)

STAMPS = [ist(f"2024-01-01 09:{minute}") for minute in range(15, 25)]
BARS = st.builds(
    lambda stamp, price, oi: candle(stamp, price=price, oi=oi),
    st.sampled_from(STAMPS),
    st.sampled_from([100_000, 200_000]),
    st.sampled_from([None, 50, 75]),
)
MONTHS = st.lists(BARS, unique_by=lambda bar: bar.opens).map(
    lambda bars: sorted(bars, key=lambda bar: bar.opens)
)


def counts(merged: Merged) -> tuple[int, int, int]:
    return merged.added, merged.changed, merged.same


def test_candles_come_back_from_a_frame_as_they_went_in() -> None:
    bars = [candle(STAMPS[0]), candle(STAMPS[1], oi=1_500, volume=0)]

    frame = to_frame(bars)

    assert frame.schema == CANDLE_SCHEMA
    assert list(to_candles(frame)) == bars


def test_a_daily_bar_belongs_to_the_month_india_is_in() -> None:
    frame = to_frame([candle(ist("2024-02-01 00:00")), candle(ist("2024-01-31 00:00"))])

    months = split_by_month(frame)

    assert [(month, part.height) for month, part in months] == [("202401", 1), ("202402", 1)]
    assert months[0][1].schema == CANDLE_SCHEMA


def test_no_candles_make_no_month() -> None:
    assert split_by_month(empty_frame()) == []


def test_a_merge_counts_what_is_new_what_differs_and_what_was_known() -> None:
    month = minutes("2024-01-01 09:15", count=3)
    first, second, _ = to_candles(month)
    corrected = candle(second.opens, price=second.open, volume=150)

    merged = merge(month, to_frame([corrected, first, candle(STAMPS[5])]))

    assert counts(merged) == (1, 1, 1)
    assert merged.frame["volume"].to_list() == [75, 150, 75, 75]
    assert merged.frame["opens"].is_sorted()


def test_the_same_rows_again_change_nothing() -> None:
    month = minutes("2024-01-01 09:15", count=375)

    merged = merge(month, month.reverse())

    assert merged.is_unchanged
    assert merged.frame.equals(month)


def test_a_row_without_open_interest_does_not_wipe_a_known_one() -> None:
    month = to_frame([candle(STAMPS[0], oi=1_500)])

    merged = merge(month, to_frame([candle(STAMPS[0], oi=None)]))

    assert merged.is_unchanged
    assert merged.frame["oi"].to_list() == [1_500]


@given(MONTHS, MONTHS)
def test_a_merge_is_what_a_dictionary_would_do(old: list[Candle], new: list[Candle]) -> None:
    expected = {bar.opens: bar for bar in old}
    for bar in new:
        known = expected.get(bar.opens)
        keeps_oi = known is not None and bar.oi is None
        expected[bar.opens] = candle(
            bar.opens, price=bar.open, oi=known.oi if keeps_oi and known else bar.oi
        )

    merged = merge(to_frame(old), to_frame(new))

    assert list(to_candles(merged.frame)) == [expected[stamp] for stamp in sorted(expected)]
    assert sum(counts(merged)) == len(new)
    assert merged.is_unchanged == merged.frame.equals(to_frame(old))
    assert merge(merged.frame, to_frame(new)).is_unchanged
