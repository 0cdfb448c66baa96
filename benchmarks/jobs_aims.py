"""What Munshi's queue is to reach, against what was measured."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from contenders.catalogue import POSTGRESQL, SQLITE
from jobs_filled import Filled
from jobs_idle import Idle
from jobs_report import Report

BATCH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """One figure and its bound: at least, or at most."""

    what: str
    found: float
    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""

    @property
    def is_kept(self) -> bool:
        low = self.at_least is None or self.found >= self.at_least
        return low and (self.at_most is None or self.found <= self.at_most)

    def __str__(self) -> str:
        bound = (
            f"at least {self.at_least:g}" if self.at_most is None else f"at most {self.at_most:g}"
        )
        verdict = "kept" if self.is_kept else "MISSED"
        return f"{self.what}: {self.found:.2f}{self.unit}, aim {bound}{self.unit}: {verdict}"

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "kept": self.is_kept}


def aims_of_table(report: Report) -> Iterator[Aim]:
    """Those whose rows were measured."""
    for database, peer, peer_batch, least in (
        (POSTGRESQL, "floor", BATCH, 0.5),
        (POSTGRESQL, "PgQueuer", BATCH, 1.5),
        (SQLITE, "floor", BATCH, 0.5),
        (SQLITE, "Huey", 1, 10.0),
    ):
        ours = report.find(database, "Munshi", BATCH)
        ratio = ours and ours.ratio(report.find(database, peer, peer_batch))
        if ratio is not None:
            what = f"{database}, batch {BATCH}, jobs per CPU-second against {peer}"
            yield Aim(what=what, found=ratio, at_least=least)
    ours = report.find(POSTGRESQL, "Munshi", BATCH)
    for share, most in ((0.5, 8.0), (0.99, 35.0)):
        late = ours and ours.percentile(share)
        if late is not None:
            what = f"{POSTGRESQL}, idle, enqueue to start, p{share * 100:g}"
            yield Aim(what=what, found=late, at_most=most, unit=" ms")


def aims_of_filled(measured: Sequence[Filled]) -> Iterator[Aim]:
    for each in measured:
        what = f"{each.database}, growth of a job's CPU on a full table"
        yield Aim(what=what, found=each.growth * 100, at_most=20, unit=" %")


def aims_of_idle(measured: Sequence[Idle]) -> Iterator[Aim]:
    for each in measured:
        what = f"{each.database}, idle `munshi worker`"
        yield Aim(what=f"{what}, of a core", found=each.core_percent, at_most=1, unit=" %")
        yield Aim(what=f"{what}, resident", found=each.resident_mb, at_most=120, unit=" MB")
