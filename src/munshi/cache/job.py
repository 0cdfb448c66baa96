"""The job `cache_report`: a monthly look at how often the cache had the answer."""

from typing import Any, Protocol

from munshi.cache.service import CacheService
from munshi.domain.job_params import NoParams


class Run(Protocol):
    """What the job tells of itself."""

    def progress(self, percent: float, message: str | None = None, /) -> None: ...


class ReportServices(Protocol):
    """What the job needs of the desk."""

    @property
    def cache_service(self) -> CacheService: ...


def run(services: ReportServices, run: Run, _: NoParams) -> dict[str, Any]:
    """The result is the report that people read."""
    run.progress(10, "Adding up last month's gets.")
    return services.cache_service.report_last_month()
