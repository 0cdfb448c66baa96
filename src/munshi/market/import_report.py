"""What an import did and what it refused, for people and for programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.market.candles import NOTHING, Stored
from munshi.market.quality import Coverage, Quality, Refusal
from munshi.market.quality_report import describe_coverage, describe_quality


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesReport:
    """One instrument of the file. `coverage` is None where no row could be taken."""

    instrument: InstrumentRef
    interval: Interval
    rows: int
    quality: Quality
    coverage: Coverage | None
    stored: Mapping[Interval, Stored]

    def sentences(self) -> list[str]:
        found = describe_quality(self.quality)
        if self.coverage is not None:
            found += describe_coverage(self.coverage)
        return found

    def to_json(self) -> dict[str, Any]:
        missing = self.coverage.missing_days if self.coverage else ()
        return {
            "instrument": str(self.instrument),
            "interval": self.interval.value,
            "rows": self.rows,
            "rows_accepted": self.quality.accepted.height,
            "rows_refused": self.quality.refused.height,
            "refusals": [_refusal(refusal) for refusal in self.quality.refusals],
            "bars_expected": self.coverage.expected if self.coverage else 0,
            "bars_present": self.coverage.present if self.coverage else 0,
            "missing_days": [day.isoformat() for day in missing],
            "gap_count": len(self.coverage.gaps) if self.coverage else 0,
            "stored": {
                interval.value: {
                    "added": stored.added,
                    "changed": stored.changed,
                    "same": stored.same,
                }
                for interval, stored in self.stored.items()
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """A file taken into the books. `rounded` prices were finer than what is stored."""

    file: str
    label: str
    rows: int
    rounded: int
    ignored_columns: tuple[str, ...]
    series: tuple[SeriesReport, ...]

    @property
    def stored(self) -> Stored:
        outcomes = (stored for series in self.series for stored in series.stored.values())
        return sum(outcomes, start=NOTHING)

    def to_json(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "label": self.label,
            "rows": self.rows,
            "prices_rounded": self.rounded,
            "ignored_columns": list(self.ignored_columns),
            "series": [series.to_json() for series in self.series],
        }


def _refusal(refusal: Refusal) -> dict[str, Any]:
    return {
        "reason": refusal.reason.value,
        "rows": refusal.rows,
        "days": [day.isoformat() for day in refusal.days],
        "examples": [stamp.isoformat() for stamp in refusal.examples],
    }
