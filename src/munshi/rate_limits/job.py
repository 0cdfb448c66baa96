"""The job `broker_call_analysis`: a monthly look at how the brokers' limits were used."""

from typing import Any, Protocol

from munshi.domain.job_params import NoParams
from munshi.rate_limits.service import RateLimitService


class Run(Protocol):
    """What the job tells of itself."""

    def progress(self, percent: float, message: str | None = None, /) -> None: ...


class AnalysisServices(Protocol):
    """What the job needs of the desk."""

    @property
    def limits(self) -> RateLimitService: ...


def run(services: AnalysisServices, run: Run, _: NoParams) -> dict[str, Any]:
    """The result is the report that people read."""
    run.progress(10, "Adding up last month's calls.")
    return services.limits.analyse_last_month()
