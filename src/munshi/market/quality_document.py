"""The quality report as a document: what `--json` prints, the job keeps and the page shows."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from munshi.domain.market.data_quality import (
    ABSENCE_WORDS,
    FLAW_WORDS,
    DayCounts,
    Finding,
    Missing,
    MonthQuality,
    SeriesQuality,
    add_up,
)
from munshi.market.mending import mend_finding, mend_missing
from munshi.settings import BrokerMode

_WORST = 10


def quality_document(
    series: Sequence[SeriesQuality], *, mode: BrokerMode, made_at: datetime
) -> dict[str, Any]:
    """Plain values only. Bars are counts; days are `2024-03-01`, instants UTC."""
    return {
        "mode": mode.value,
        "made_at": _instant(made_at),
        "summary": summary(series),
        "reasons": {reason.value: words for reason, words in ABSENCE_WORDS.items()},
        "flaws": {flaw.value: words for flaw, words in FLAW_WORDS.items()},
        "series": [_series(one) for one in series],
    }


def summary(series: Sequence[SeriesQuality]) -> dict[str, Any]:
    """The totals, and the series of which the most is missing or wrong."""
    flawed = add_up((found.flaw.value, found.bars) for one in series for found in one.findings)
    reasons = add_up(
        (reason.value, bars) for one in series for reason, bars in one.missing_by_reason.items()
    )
    expected, present = sum(one.expected for one in series), sum(one.present for one in series)
    worst = sorted(series, key=_badness, reverse=True)[:_WORST]
    return {
        "series": len(series),
        "expected": expected,
        "present": present,
        "missing": expected - present,
        "missing_by_reason": reasons,
        "flawed_by_kind": flawed,
        "is_clean": not reasons and not flawed,
        "worst": [
            {
                "instrument": one.name,
                "interval": one.key.interval.value,
                "source": one.key.source,
                "missing": one.expected - one.present,
                "flawed": sum(found.bars for found in one.findings),
            }
            for one in worst
            if _badness(one)
        ],
    }


def _badness(series: SeriesQuality) -> int:
    return series.expected - series.present + sum(one.bars for one in series.findings)


def _series(series: SeriesQuality) -> dict[str, Any]:
    return {
        "instrument": series.name,
        "interval": series.key.interval.value,
        "source": series.key.source,
        "mode": series.key.mode.value,
        "label": series.label,
        "from": series.first.isoformat(),
        "to": series.last.isoformat(),
        "expected": series.expected,
        "present": series.present,
        "missing_by_reason": _named(series.missing_by_reason),
        "days": _days(series.days),
        "missing": [
            {**_missing(one), "detail": one.detail, "command": mend_missing(series.key, one)}
            for one in series.missing
        ],
        "findings": [
            {
                **_finding(one),
                "examples": [_instant(stamp) for stamp in one.examples],
                "detail": one.detail,
                "command": mend_finding(series.key, one),
            }
            for one in series.findings
        ],
        "months": [_month(one) for one in series.months],
    }


def _month(month: MonthQuality) -> dict[str, Any]:
    return {
        "month": month.month,
        "expected": month.expected,
        "present": month.present,
        "trading_days": month.days.trading,
        "whole_days": month.days.whole,
        "missing": [_missing(one) for one in month.missing],
        "findings": [_finding(one) for one in month.findings],
    }


def _missing(one: Missing) -> dict[str, Any]:
    return {
        "reason": one.reason.value,
        "from": one.first.isoformat(),
        "to": one.last.isoformat(),
        "days": one.days,
        "bars": one.bars,
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "flaw": one.flaw.value,
        "bars": one.bars,
        "days": [day.isoformat() for day in one.days],
    }


def _days(days: DayCounts) -> dict[str, Any]:
    return {
        "trading": days.trading,
        "whole": days.whole,
        "weekends": days.weekends,
        "holidays": [day.isoformat() for day in days.holidays],
        "unknown_hours": days.unknown_hours,
        "to_come": days.to_come,
    }


def _named(counts: Mapping[Any, int]) -> dict[str, int]:
    return {name.value: number for name, number in counts.items()}


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def months_of(document: Mapping[str, Any]) -> list[str]:
    """Every month that any series of a document has, in order."""
    return sorted({month["month"] for one in _all(document) for month in one["months"]})


def _all(document: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = document["series"]
    return found
