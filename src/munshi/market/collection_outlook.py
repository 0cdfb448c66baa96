"""When a collection will have ended, by what the brokers' quotas leave."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from munshi.clock import Clock
from munshi.domain.enums import Service
from munshi.domain.jobs import COLLECTION_PART, DATA_COLLECTION, Job, JobState
from munshi.domain.quota_forecast import Forecast
from munshi.jobs.service import JobService

# Which limit binds requests for history.
LIMITS: Mapping[Service, str] = {Service.KITE: "kite.historical", Service.BREEZE: "breeze.api"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """`requests` are left to make; `ends_at` is None where nobody can say.

    `waits_for_login` where nothing goes on before a person has logged in.
    """

    requests: int
    ends_at: datetime | None
    said: str
    waits_for_login: bool = False


class CollectionOutlook:
    """By quotas alone: a slow broker, or other jobs, may make it later."""

    def __init__(
        self,
        clock: Clock,
        *,
        jobs: JobService,
        forecast: Callable[[str, int], Forecast | None],
    ) -> None:
        self._clock = clock
        self._jobs = jobs
        self._forecast = forecast

    def of_requests(self, requests: Mapping[Service, int]) -> Outlook:
        """Two brokers are asked beside each other, so the later end counts."""
        left = {service: count for service, count in requests.items() if count}
        now = self._clock.now()
        if not left:
            return Outlook(requests=0, ends_at=now, said="nothing is left to ask for")
        found: list[Forecast] = []
        for service, count in left.items():
            one = self._forecast(LIMITS[service], count)
            if one is None:
                said = f"no download may ask {service.capitalize()}: munshi limits"
                return Outlook(requests=sum(left.values()), ends_at=None, said=said)
            found.append(one)
        latest = max(found, key=lambda one: one.ends_at)
        return Outlook(
            requests=sum(left.values()), ends_at=latest.ends_at, said=latest.said(now=now)
        )

    def of_job(self, job: Job) -> Outlook | None:
        """Of a live collection in parts, or of one part; None for any other job."""
        if job.state.is_final:
            return None
        if job.job_type == COLLECTION_PART:
            return self._of_parts([job])
        if job.job_type != DATA_COLLECTION or job.state is not JobState.WAITING:
            return None
        return self._of_parts(self._jobs.children(job.job_id))

    def _of_parts(self, parts: list[Job]) -> Outlook:
        left: dict[Service, int] = dict.fromkeys(Service, 0)
        live = [part for part in parts if not part.state.is_final]
        for part in live:
            left[Service(str(part.parameters["broker"]))] += _requests_left(part)
        waiting = {part.waits_for_service for part in live if part.state is JobState.PAUSED}
        if live and len(live) == sum(part.state is JobState.PAUSED for part in live):
            names = " and ".join(sorted(str(service) for service in waiting if service))
            return Outlook(
                requests=sum(left.values()),
                ends_at=None,
                said=f"waits for a login at {names}",
                waits_for_login=True,
            )
        return self.of_requests(left)


def _requests_left(part: Job) -> int:
    planned = part.parameters.get("planned")
    whole = planned if isinstance(planned, int) else 1
    return round(whole * (100 - part.progress_percent) / 100)
