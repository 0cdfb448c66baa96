"""Sentences for people about refused and missing candles."""

from collections.abc import Sequence
from datetime import date, datetime

from munshi.clock import IST
from munshi.market.quality import Coverage, Gap, Quality, Refusal

_LISTED = 8


def describe_quality(quality: Quality) -> list[str]:
    """One sentence for each reason rows were refused for, and one for rows out of order."""
    sentences = [_refusal(refusal) for refusal in quality.refusals]
    if quality.out_of_order:
        sentences.append(f"Put {_count(quality.out_of_order, 'row')} in order.")
    return sentences


def describe_coverage(coverage: Coverage) -> list[str]:
    """What there is, and what is missing: whole trading days first, then gaps within a day."""
    sentences = [f"{coverage.present:,} of {coverage.expected:,} expected bars are there."]
    if coverage.missing_days:
        days = coverage.missing_days
        sentences.append(f"Missing {_count(len(days), 'trading day')}: {list_days(days)}.")
    if coverage.gaps:
        bars = sum(gap.bars for gap in coverage.gaps)
        gaps = _shorten([_gap(gap) for gap in coverage.gaps])
        sentences.append(
            f"Missing {_count(bars, 'bar')} in {_count(len(coverage.gaps), 'gap')}: {gaps}."
        )
    return sentences


def list_days(days: Sequence[date]) -> str:
    """`1 Feb 2024, 4 Mar 2024`, cut off with a count where there are many."""
    return _shorten([_day(day) for day in days])


def _refusal(refusal: Refusal) -> str:
    sentence = f"Refused {_count(refusal.rows, 'row')} {refusal.reason}"
    if not refusal.examples:
        return f"{sentence}."
    first = refusal.examples[0].astimezone(IST)
    on_day = "" if len(refusal.days) == 1 else f" on {_day(first)}"
    return f"{sentence} on {list_days(refusal.days)}, the first at {first:%H:%M} IST{on_day}."


def _gap(gap: Gap) -> str:
    first, last = gap.first.astimezone(IST), gap.last.astimezone(IST)
    until = "" if gap.bars == 1 else f" to {last:%H:%M}"
    return f"{_day(first)} {first:%H:%M}{until}"


def _day(day: date | datetime) -> str:
    return f"{day.day} {day:%b %Y}"


def _shorten(parts: Sequence[str]) -> str:
    more = len(parts) - _LISTED
    listed = ", ".join(parts[:_LISTED])
    return f"{listed} and {more:,} more" if more > 0 else listed


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
