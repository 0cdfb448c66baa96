"""The jobs `morning_brief` and `evening_summary`: tell how the day begins, and what it came to."""

from typing import Any, Protocol

from munshi.briefs.service import BriefService
from munshi.domain.briefs import BriefKind
from munshi.domain.job_params import NoParams
from munshi.jobs.run import JobRun


class BriefServices(Protocol):
    """What these jobs need of the desk."""

    @property
    def briefs(self) -> BriefService: ...


def morning(services: BriefServices, run: JobRun, _: NoParams) -> dict[str, Any]:
    """Leave it for the channels; whoever keeps the alerts sends it."""
    return _tell(services, run, BriefKind.MORNING)


def evening(services: BriefServices, run: JobRun, _: NoParams) -> dict[str, Any]:
    """The same of the day that is over."""
    return _tell(services, run, BriefKind.EVENING)


def _tell(services: BriefServices, run: JobRun, kind: BriefKind) -> dict[str, Any]:
    run.progress(10, "Looking at the desk.")
    headline, channels = services.briefs.tell(kind)
    return {"headline": headline, "channels": channels}
