"""What a job costs in a table that is full of finished and queued ones."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from contenders.catalogue import Contender
from jobs_contest import Drained, drain, load
from jobs_ground import Ground

BATCH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """Rounds of both taken in turn."""

    database: str
    finished: int
    queued: int
    empty: Sequence[Drained]
    full: Sequence[Drained]

    @property
    def growth(self) -> float:
        """By which share a job costs more CPU, the median of the rounds."""
        pairs = zip(self.empty, self.full, strict=True)
        return statistics.median(a.per_cpu_second / b.per_cpu_second for a, b in pairs) - 1

    def __str__(self) -> str:
        costs = [
            statistics.median(1e6 / drained.per_cpu_second for drained in rounds)
            for rounds in (self.empty, self.full)
        ]
        return (
            f"{self.database}, batch {BATCH}: a job costs {costs[0]:,.0f} µs of CPU in an empty "
            f"table, {costs[1]:,.0f} µs beside {self.finished:,} finished and {self.queued:,} "
            f"queued ones"
        )

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "growth": self.growth}


def measure_filled(
    contender: Contender, ground: Ground, *, finished: int, queued: int, jobs: int, rounds: int
) -> Filled:
    """Work off `jobs` jobs of each table in turn; the full one is the same in all rounds."""
    # A worker runs on to the end of what it has claimed; the full table must outlast that.
    jobs = min(jobs, queued // (rounds + 1))
    full = replace(contender, name=f"{contender.name} full", arguments=(str(finished),))
    crowded = load(full, ground, jobs=queued)
    alone = load(contender, ground, jobs=jobs)
    found: dict[str, list[Drained]] = {"empty": [], "full": []}
    for _ in range(rounds):
        url = ground.copy(alone.name)
        found["empty"].append(drain(contender, ground, url, batch=BATCH, jobs=jobs))
        found["full"].append(drain(full, ground, crowded.url, batch=BATCH, jobs=jobs))
    return Filled(
        database=ground.name,
        finished=finished,
        queued=queued,
        empty=found["empty"],
        full=found["full"],
    )
