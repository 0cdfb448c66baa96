"""What must be true of every job once the chaos is over, and the counts of how it went."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from uuid import UUID

from sqlalchemy import select, text

from jobs.waiting import until
from munshi.domain.jobs import FINAL_STATES, JobState
from munshi.errors import DatabaseUnreachableError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.models import background_jobs, job_attempts, job_slots

OVER = {*FINAL_STATES, JobState.HELD}
UNDER_WAY = text(
    """SELECT count(*) FROM "BackgroundJobs" WHERE status IN """
    "('scheduled', 'queued', 'running', 'waiting', 'paused')"
)
_JOBS = select(background_jobs)
_ATTEMPTS = select(job_attempts)
_SLOTS = select(job_slots)
_EFFECTS = text('SELECT job_id, attempt FROM "ChaosEffects"')
FENCED_EFFECTS = ("effect", "narrow", "flaky", "family")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`wrong` has a sentence for each job that is not as it must be."""

    wrong: tuple[str, ...]
    states: Counter[str]
    outcomes: Counter[str]
    repeats: int
    ends: tuple[datetime, ...]

    def counts(self) -> str:
        """For people."""
        attempts = sum(self.outcomes.values())
        states = ", ".join(f"{count} {state}" for state, count in self.states.most_common())
        outcomes = ", ".join(f"{count} {name}" for name, count in self.outcomes.most_common())
        jobs = sum(self.states.values())
        return f"{jobs} jobs ({states}); {attempts} attempts ({outcomes}); {self.repeats} repeats"


def settle(database: Database, *, seconds: float = 90.0) -> None:
    """Wait until nothing is under way."""

    def is_settled() -> bool:
        try:
            with database.reading() as tx:
                return not tx.connection.execute(UNDER_WAY).scalar_one()
        except DatabaseUnreachableError:
            return False

    try:
        until(is_settled, seconds=seconds)
    except AssertionError as error:
        with database.reading() as tx:
            left = [
                f"{job.job_type} {job.status} attempt {job.attempt}, lease {job.lease_until}, "
                f"parent {job.parent_id}, crashes {job.crashes}, errors {job.errors}"
                for job in tx.connection.execute(_JOBS)
                if job.status not in OVER
            ]
        raise AssertionError(f"still under way: {left}") from error


def judge(database: Database, folder: Path, *, asked: Sequence[UUID]) -> Verdict:
    """`asked` are the jobs that were said to be stored; `folder` has the lines they left."""
    with database.reading() as tx:
        jobs = {row.job_id: row for row in tx.connection.execute(_JOBS)}
        attempts: dict[UUID, list[tuple[int, str]]] = {job_id: [] for job_id in jobs}
        for row in tx.connection.execute(_ATTEMPTS):
            attempts[row.job_id].append((row.attempt, row.outcome))
        slots = tx.connection.execute(_SLOTS).all()
        effects = {UUID(row.job_id): row.attempt for row in tx.connection.execute(_EFFECTS)}
    lines = Counter(_lines(folder))
    wrong = [f"{job_id} was said to be stored and is not there" for job_id in {*asked} - {*jobs}]
    wrong += [f"the place {slot.slot} of {slot.queue} is still taken" for slot in slots]
    for job_id, job in jobs.items():
        what = f"{job.job_type} {job_id}"
        wrong += [f"{what}: {flaw}" for flaw in _flaws(job, attempts[job_id])]
        wrong += [f"{what}: {flaw}" for flaw in _marks(job, effects.get(job_id), lines)]
    starts = Counter((kind, job_id) for kind, job_id, _ in lines.elements())
    return Verdict(
        wrong=tuple(wrong),
        states=Counter(str(job.status) for job in jobs.values()),
        outcomes=Counter(str(outcome) for _, outcome in chain.from_iterable(attempts.values())),
        repeats=sum(count - 1 for count in starts.values()),
        ends=tuple(sorted(job.completed_at for job in jobs.values() if job.completed_at)),
    )


def _flaws(job, attempts: Sequence[tuple[int, str]]) -> list[str]:  # type: ignore[no-untyped-def]  # noqa: ANN001 - a row
    """What its own rows say."""
    flaws = []
    if job.status not in OVER:
        flaws.append(f"is still {job.status}")
    if sorted(number for number, _ in attempts) != list(range(1, job.attempt + 1)):
        flaws.append(f"has attempts {sorted(attempts)}, and its number is {job.attempt}")
    if any(outcome in {None, "None"} for _, outcome in attempts):
        flaws.append("has an attempt that never ended")
    successes = [number for number, outcome in attempts if outcome == "succeeded"]
    if job.status == JobState.SUCCEEDED and successes != [job.attempt]:
        flaws.append(f"succeeded in the attempts {successes} of {job.attempt}")
    if job.status != JobState.SUCCEEDED and (successes or not job.error_details):
        flaws.append(f"is {job.status} without a reason, or although it succeeded")
    return flaws


def _marks(job, effect: int | None, lines: Counter[tuple[str, str, int]]) -> list[str]:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """What its handler left behind."""
    job_id, name = str(job.job_id), str(job.job_type)
    succeeded = job.status == JobState.SUCCEEDED
    if name in FENCED_EFFECTS and succeeded and effect != job.attempt:
        return [f"shows the effect of attempt {effect}, and {job.attempt} succeeded"]
    if name in {"brief", "compute"} and succeeded and not lines[name, job_id, job.attempt]:
        return [f"attempt {job.attempt} succeeded without leaving its line"]
    if name == "once":
        starts = sum(lines[name, job_id, number] for number in range(1, job.attempt + 1))
        if starts > 1 or (succeeded and not starts):
            return [f"was started {starts} times"]
    return []


def _lines(folder: Path) -> list[tuple[str, str, int]]:
    """A process that was killed may have left half a line."""
    lines = [
        line.split() for path in folder.glob("lines-*") for line in path.read_text().splitlines()
    ]
    return [(words[0], words[1], int(words[2])) for words in lines if len(words) == 3]


def back_after(
    ends: Sequence[datetime], *, baseline: tuple[datetime, datetime], well_at: datetime
) -> float | None:
    """Seconds from `well_at` until a second in which 95 % of the baseline's rate was reached."""
    first, last = baseline
    usual = sum(first <= end < last for end in ends) / (last - first).total_seconds()
    step = timedelta(seconds=0.25)
    start = well_at
    while ends and start <= ends[-1]:
        if sum(start <= end < start + timedelta(seconds=1) for end in ends) >= 0.95 * usual:
            return (start - well_at).total_seconds() + 1.0
        start += step
    return None
