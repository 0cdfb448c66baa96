"""What was measured, as one table of rates, latencies and promises; and as JSON."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from contenders.catalogue import Contender
from jobs_contest import Drained

MISSING = "not installed: make bench-envs"
HEADS = (
    *("contender", "batch", "jobs/CPU-s", "(spread)", "of floor", "jobs/s", "p50 ms", "p99 ms"),
    *("commits", "durable", "lease", "fencing", "attempts", "retries"),
)
TO_THE_LEFT = {0, *range(8, len(HEADS))}


@dataclass(slots=True, kw_only=True)
class Row:
    """One contender on one database with one batch, over all rounds."""

    database: str
    contender: Contender
    batch: int | None
    durability: str = ""
    rounds: list[Drained] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    fault: str | None = None

    @property
    def per_cpu_second(self) -> float:
        return statistics.median(drained.per_cpu_second for drained in self.rounds)

    @property
    def per_second(self) -> float:
        return statistics.median(drained.per_second for drained in self.rounds)

    @property
    def spread(self) -> tuple[float, float]:
        rates = [drained.per_cpu_second for drained in self.rounds]
        return min(rates), max(rates)

    def ratio(self, other: "Row | None") -> float | None:
        """Jobs per CPU-second against the other's, round by round; the median."""
        if other is None or not self.rounds or len(self.rounds) != len(other.rounds):
            return None
        pairs = zip(self.rounds, other.rounds, strict=True)
        return statistics.median(a.per_cpu_second / b.per_cpu_second for a, b in pairs)

    def percentile(self, share: float) -> float | None:
        """Milliseconds from enqueue to start."""
        if not self.latencies:
            return None
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Report:
    """Every row of a run."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def find(self, database: str, name: str, batch: int | None) -> Row | None:
        for row in self.rows:
            if (row.database, row.contender.name, row.batch) == (database, name, batch):
                return row
        return None

    def of_floor(self, row: Row) -> float | None:
        return row.ratio(self.find(row.database, "floor", row.batch))

    def lines(self) -> list[str]:
        """The table, a part for each database."""
        cells: list[Sequence[str] | str] = [HEADS]
        for row in self.rows:
            if row.database not in cells:
                cells.append(row.database)
            cells.append(self._cells(row))
        return _aligned(cells)

    def notes(self) -> list[str]:
        """What stands behind each contender's words, once each."""
        seen: dict[str, list[str]] = {}
        for row in self.rows:
            names = seen.setdefault(row.contender.promises.note, [])
            if row.contender.name not in names:
                names.append(row.contender.name)
        return [f"{'; '.join(names)}: {note}" for note, names in seen.items()]

    def _cells(self, row: Row) -> list[str]:
        promises, name = row.contender.promises, row.contender.name
        said = (promises.durable, promises.lease, promises.fencing)
        kept = (promises.attempts, promises.retries)
        fault = MISSING if not row.contender.is_installed() else row.fault
        if fault:
            return [name, fault, *[""] * (len(HEADS) - 2)]
        rates = ["", "", "", ""]
        if row.rounds:
            low, high = row.spread
            rates = [
                f"{row.per_cpu_second:,.0f}",
                f"({low:,.0f}-{high:,.0f})",
                _number(self.of_floor(row), 2),
                f"{row.per_second:,.0f}",
            ]
        late = [_number(row.percentile(share), 1) for share in (0.5, 0.99)]
        batch = "" if row.batch is None else str(row.batch)
        return [name, batch, *rates, *late, row.durability, *said, *kept]

    def document(self) -> list[dict[str, Any]]:
        """For `--json`."""
        return [
            {
                "database": row.database,
                "contender": row.contender.name,
                "installed": row.contender.is_installed(),
                "fault": row.fault,
                "batch": row.batch,
                "commits": row.durability,
                "jobs_per_cpu_second": row.per_cpu_second if row.rounds else None,
                "of_floor": self.of_floor(row),
                "jobs_per_second": row.per_second if row.rounds else None,
                "p50_ms": row.percentile(0.5),
                "p99_ms": row.percentile(0.99),
                "rounds": [asdict(drained) for drained in row.rounds],
                "promises": asdict(row.contender.promises),
            }
            for row in self.rows
        ]


def _number(value: float | None, places: int) -> str:
    return "" if value is None else f"{value:.{places}f}"


def _aligned(cells: Sequence[Sequence[str] | str]) -> list[str]:
    """Columns as wide as they must be; a plain text is a heading of its own."""
    rows = [row for row in cells if not isinstance(row, str)]
    whole = [row for row in rows if any(row[2:])]
    widths = [max(len(row[at]) for row in whole) for at in range(len(HEADS))]
    widths[0] = max(len(row[0]) for row in rows)
    lines = []
    for row in cells:
        if isinstance(row, str):
            lines += ["", row]
        elif row in whole:
            placed = [
                text.ljust(width) if at in TO_THE_LEFT else text.rjust(width)
                for at, (text, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  ".join(placed).rstrip())
        else:
            lines.append(f"{row[0].ljust(widths[0])}  {row[1]}")
    return lines
