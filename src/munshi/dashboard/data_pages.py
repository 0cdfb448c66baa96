"""What is held of market data, on pages: the map of months, candles as a chart, its quality."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.roles import Role, actor_of, allows
from munshi.bootstrap import Services
from munshi.clock import today_ist
from munshi.dashboard.at_work import AtWork
from munshi.dashboard.look import Look
from munshi.dashboard.mending_acts import mend_address
from munshi.dashboard.parts import alive
from munshi.domain.jobs import DATA_QUALITY, JobState
from munshi.errors import RequestInvalidError
from munshi.market.quality_job import JSON_NAME

MONTHS_SHOWN = 24
SERIES_SHOWN = 40
GAPS_SHOWN = 20
_GAPS_OVER = timedelta(days=30)
_FURTHEST = 1_000_000
_Text = Annotated[str, Query(max_length=100)]


class DataPages:
    """Reading only, but for a report that is asked for as a job."""

    def __init__(self, services: Services, look: Look) -> None:
        self._services = services
        self._at_work = AtWork(services, look)
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/ui/data", self.held, include_in_schema=False)
        path = "/ui/data/quality"
        router.add_api_route(path, self.quality, include_in_schema=False)
        router.add_api_route(path, self.judge, methods=["POST"], include_in_schema=False)

    @allows(Role.VIEWER)
    def held(
        self,
        request: Request,
        text: _Text = "",
        until: _Text = "",
        skip: Annotated[int, Query(ge=0, le=_FURTHEST)] = 0,
    ) -> Response:
        """The map: a row a series, a cell a month."""
        services, today = self._services, today_ist(self._services.clock)
        last = _month(until, today)
        first = _months_before(last, MONTHS_SHOWN - 1)
        found = services.views.coverage.read(
            text=text.strip(), first=first, last=last, skip=skip, limit=SERIES_SHOWN
        )
        return self._look.page(
            request,
            "data.html",
            title="Data",
            alive=alive(self._at_work.part("data"), "/ui/live/work/data"),
            map=found,
            text=text,
            until=until,
            skip=skip,
            shown=SERIES_SHOWN,
            earlier=f"{_months_before(last, MONTHS_SHOWN):%Y-%m}",
            later=None if (last.year, last.month) >= (today.year, today.month) else "",
            gaps=services.gaps.worst(
                services.settings.brokers, since=today - _GAPS_OVER, limit=GAPS_SHOWN
            ),
            gaps_since=today - _GAPS_OVER,
            mend=mend_address,
        )

    @allows(Role.VIEWER)
    def quality(self, request: Request) -> Response:
        """The newest report, if there is one."""
        jobs = self._services.jobs
        made = jobs.recent(1, states=[JobState.SUCCEEDED], job_type=DATA_QUALITY).jobs
        report: dict[str, Any] | None = None
        if made:
            _, content = jobs.read_artifact(made[0].job_id, JSON_NAME)
            report = json.loads(content)
        return self._look.page(
            request,
            "data_quality.html",
            title="Quality of the data",
            alive=alive(self._at_work.part("data"), "/ui/live/work/data"),
            report=report,
            series=_worst_first(report["series"]) if report else (),
            job=made[0] if made else None,
            mend=mend_address,
        )

    @allows(Role.OPERATOR)
    def judge(self, request: Request) -> Response:
        """Ask for a report of all that is held."""
        job = self._services.jobs.enqueue(DATA_QUALITY, {}, actor=actor_of(request))
        return RedirectResponse(f"/ui/jobs/{job.job_id}?done=run", status_code=303)


def _month(typed: str, today: date) -> date:
    if not typed:
        return today
    try:
        year, month = typed.split("-")
        return date(int(year), int(month), 1)
    except ValueError:
        raise RequestInvalidError(
            f"{typed[:20]!r} is no month.", hint="Write it as 2026-11."
        ) from None


def _months_before(day: date, months: int) -> date:
    number = max(12, day.year * 12 + day.month - 1 - months)
    return date(number // 12, number % 12 + 1, 1)


def _worst_first(series: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those with something missing or wrong, the most missing first."""
    flawed = [one for one in series if one["present"] < one["expected"] or one["findings"]]
    return sorted(flawed, key=lambda one: one["present"] - one["expected"])
