"""What a collection would ask for, before it is asked for."""

from datetime import date, datetime
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from munshi.api.answers import Body, ModeShown, Shown
from munshi.api.roles import Role, allows
from munshi.bootstrap import Services
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.market.intervals import Interval


class PlanAsked(Body):
    """The parameters of a `data_collection`, as `POST /jobs` takes them."""

    parameters: dict[str, Any]


class SeriesPlanShown(Shown):
    instrument: str
    source: Service
    requests: int
    bars_expected: int
    bars_present: int
    days_wanted: int
    days_held: int


class PlanAnswer(ModeShown):
    """`ends_at` and `outlook` are by the quotas alone, as if it began now."""

    source: Service
    interval: Interval
    first: date = Field(validation_alias="from", serialization_alias="from")
    last: date = Field(validation_alias="to", serialization_alias="to")
    requests: int
    requests_by_broker: dict[Service, int]
    parts: int
    ends_at: datetime | None
    outlook: str
    instruments: list[SeriesPlanShown]


class CollectionRoutes:
    """Collections themselves are jobs."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route(
            "/data/collections/plan", self.plan, methods=["POST"], tags=["market data"]
        )

    @allows(Role.VIEWER)
    def plan(self, body: PlanAsked) -> PlanAnswer:
        """The requests that a collection would make now, by broker, and when quotas let it end.

        No broker is asked for bars, and nothing is stored.
        """
        params = CollectionParams.from_json(body.parameters)
        return PlanAnswer.model_validate(self._services.collection.plan(params))
