"""How good the candles are: the newest report, and two sources side by side."""

import json
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from munshi.api.answers import Shown
from munshi.api.instants import Day
from munshi.api.roles import Role, allows
from munshi.bootstrap import Services
from munshi.domain.jobs import DATA_QUALITY, JobState
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.errors import QualityReportUnknownError
from munshi.market.comparing import Tolerance
from munshi.market.comparison import ComparisonAsked
from munshi.market.quality_job import JSON_NAME, PAGE_NAME
from munshi.settings import BrokerMode

_Name = Annotated[str, Query(min_length=1, max_length=200)]
_Source = Annotated[str | None, Query(max_length=50, description="kite, breeze, import …")]
_Percent = Annotated[float, Query(ge=0, le=100)]


class QualityAnswer(Shown):
    """`page` is the same report as a page, to be saved. Of what is in `series` see the guide."""

    mode: BrokerMode
    job_id: UUID
    page: str
    made_at: datetime
    summary: dict[str, Any]
    reasons: dict[str, str]
    flaws: dict[str, str]
    series: list[dict[str, Any]]


class SideShown(Shown):
    source: str
    label: str


class DayComparedShown(Shown):
    day: date
    bars_in_both: int
    bars_only_in_first: int
    bars_only_in_second: int
    prices_differ: int
    volumes_differ: int
    farthest_percent: float
    farthest_at: datetime | None
    first_close: str | None
    second_close: str | None


class ComparisonAnswer(Shown):
    """Bars are counts; the worst days come first."""

    mode: BrokerMode
    instrument: str
    interval: Interval
    first: SideShown
    second: SideShown
    first_day: date = Field(validation_alias="from", serialization_alias="from")
    last_day: date = Field(validation_alias="to", serialization_alias="to")
    price_tolerance_percent: float
    volume_tolerance_percent: float
    is_alike: bool
    days: int
    days_unlike: int
    bars_in_both: int
    bars_only_in_first: int
    bars_only_in_second: int
    bars_differ: int
    prices_differ: int
    volumes_differ: int
    worst_days: list[DayComparedShown]


class DataQualityRoutes:
    """Reading only; a report is begun by POST /jobs with the type `data_quality`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["market data"]}
        router.add_api_route("/data/quality", self.quality, **options)
        router.add_api_route("/data/compare", self.compare, **options)

    @allows(Role.VIEWER)
    def quality(self) -> QualityAnswer:
        """The newest report of a `data_quality` job: what is missing and why, what is wrong."""
        jobs = self._services.jobs
        found = jobs.recent(1, states=[JobState.SUCCEEDED], job_type=DATA_QUALITY).jobs
        if not found:
            raise QualityReportUnknownError(
                "No data_quality job has ended well yet.",
                hint='Begin one: POST /jobs with {"job_type": "data_quality", "parameters": {}}',
            )
        job_id = found[0].job_id
        _, content = jobs.read_artifact(str(job_id), JSON_NAME)
        document: dict[str, Any] = json.loads(content)
        return QualityAnswer(
            job_id=job_id, page=f"/jobs/{job_id}/artifacts/{PAGE_NAME}", **document
        )

    @allows(Role.VIEWER)
    def compare(
        self,
        *,
        instrument: _Name,
        interval: Annotated[str, Query(min_length=1, max_length=20)],
        first: _Source = None,
        second: _Source = None,
        start: Annotated[Day | None, Query(alias="from", description="First day, IST.")] = None,
        end: Annotated[Day | None, Query(alias="to", description="Last day, IST.")] = None,
        price_tolerance_percent: _Percent = 0.05,
        volume_tolerance_percent: _Percent = 1.0,
    ) -> ComparisonAnswer:
        """What two sources hold of an instrument: bars of one only, bars that differ."""
        found = self._services.comparison.compare(
            ComparisonAsked(
                instrument=InstrumentRef.parse(instrument),
                interval=Interval.parse(interval),
                first=first,
                second=second,
                start=start,
                end=end,
                tolerance=Tolerance(
                    price=price_tolerance_percent / 100, volume=volume_tolerance_percent / 100
                ),
            )
        )
        return ComparisonAnswer.model_validate(found)
