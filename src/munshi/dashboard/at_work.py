"""What is at work on a page's own matter: its jobs, alive, with those that ended just now."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from types import MappingProxyType

from markupsafe import Markup

from munshi.bootstrap import Services
from munshi.dashboard.look import Look
from munshi.dashboard.parts import Part
from munshi.domain.jobs import (
    AUDIT_ARCHIVE,
    AUDIT_VERIFICATION,
    BACKTEST,
    BACKTEST_AUDIT,
    BACKTEST_SWEEP,
    DAILY_COLLECTION,
    DATA_COLLECTION,
    DATA_QUALITY,
    DATA_VERIFICATION,
    INSTRUMENT_LOAD,
    ML_VALIDATION,
    Job,
    JobState,
)
from munshi.errors import PathUnknownError

ACTIVE = (JobState.RUNNING, JobState.QUEUED, JobState.WAITING, JobState.PAUSED)
MOST_SHOWN, ENDED_SHOWN = 10, 3
ENDED_LATELY = timedelta(minutes=15)
# By the page's matter, as it stands in the address of its stream.
MATTERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "data": (
            *(DATA_COLLECTION, DAILY_COLLECTION, DATA_QUALITY, DATA_VERIFICATION),
            INSTRUMENT_LOAD,
        ),
        "research": (BACKTEST, BACKTEST_SWEEP, BACKTEST_AUDIT, ML_VALIDATION),
        "audit": (AUDIT_VERIFICATION, AUDIT_ARCHIVE),
    }
)


class AtWork:
    """A few small reads by index; alike for everybody who may look."""

    def __init__(self, services: Services, look: Look) -> None:
        self._jobs = services.jobs
        self._clock = services.clock
        self._look = look

    def part(self, matter: str) -> Part:
        """Raises PathUnknownError."""
        if matter not in MATTERS:
            raise PathUnknownError(f"No page is about {matter[:40]!r}.")
        return Part(key=("at work", matter), draw=partial(self._draw, matter))

    def _draw(self, matter: str) -> Markup:
        active: list[Job] = []
        ended: list[Job] = []
        since = self._clock.now() - ENDED_LATELY
        for job_type in MATTERS[matter]:
            newest = self._jobs.recent(ENDED_SHOWN, job_type=job_type).jobs
            ended += [each for each in newest if each.completed_at and each.completed_at > since]
            active += self._jobs.recent(MOST_SHOWN, job_type=job_type, states=ACTIVE).jobs
        active.sort(key=lambda job: job.created_at, reverse=True)
        ended.sort(key=lambda job: job.completed_at or job.created_at, reverse=True)
        return self._look.fragment(
            "at_work.html",
            may_act=False,
            active=active[:MOST_SHOWN],
            more=max(0, len(active) - MOST_SHOWN),
            ended=ended[:ENDED_SHOWN],
        )
