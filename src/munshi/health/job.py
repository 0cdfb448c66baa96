"""The `health_sweep` job: looks at every component and keeps what it found."""

from typing import Any, Protocol

from munshi.domain.job_params import NoParams
from munshi.health.service import HealthService
from munshi.jobs.run import JobRun


class HealthServices(Protocol):
    """What this job needs of the desk."""

    @property
    def health(self) -> HealthService: ...


def run(services: HealthServices, run: JobRun, _: NoParams) -> dict[str, Any]:
    """Succeeds whatever was found; that the desk is unwell is no failure of the sweep."""
    report = services.health.sweep(progress=run.progress)
    return {
        "status": report.status,
        "components": {each.component: str(each.status) for each in report.samples},
        "messages": {
            each.component: each.finding.message
            for each in report.samples
            if each.status in {"warn", "fail"}
        },
    }
