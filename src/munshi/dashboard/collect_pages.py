"""A collection from a page: what is wanted, what it would take, and then its job."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.roles import Role, actor_of, allows
from munshi.bootstrap import Services
from munshi.clock import today_ist
from munshi.dashboard.look import Look
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.jobs import DATA_COLLECTION
from munshi.domain.market.intervals import Interval
from munshi.errors import AppError

_LONGEST = 20_000
_Short = Annotated[str, Form(max_length=100)]
_Names = Annotated[str, Form(max_length=_LONGEST)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectForm:
    """What a person typed, as it was typed."""

    broker: str = ""
    instruments: str = ""
    interval: str = ""
    first: str = ""
    last: str = ""
    underlying: str = ""
    strikes: str = ""

    def to_params(self) -> CollectionParams:
        """Raises JobParametersInvalidError."""
        names = [name.strip() for name in self.instruments.replace("\n", ",").split(",")]
        raw: dict[str, object] = {
            "broker": self.broker,
            "instruments": [name for name in names if name],
            "interval": self.interval,
            "from": self.first,
            "to": self.last,
        }
        if self.underlying:
            raw["chain"] = {
                "underlying": self.underlying,
                **({"strikes": int(self.strikes)} if self.strikes.isdecimal() else {}),
            }
        return CollectionParams.from_json(raw)

    @property
    def fields(self) -> Mapping[str, str]:
        """Under the names of the page's form."""
        return {
            "broker": self.broker,
            "instruments": self.instruments,
            "interval": self.interval,
            "from": self.first,
            "to": self.last,
            "underlying": self.underlying,
            "strikes": self.strikes,
        }


class CollectPages:
    """Planning asks no broker for bars; what is begun is a job like any other."""

    def __init__(self, services: Services, look: Look) -> None:
        self._services = services
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        path = "/ui/data/collect"
        router.add_api_route(path, self.ask, include_in_schema=False)
        router.add_api_route(path, self.collect, methods=["POST"], include_in_schema=False)

    @allows(Role.OPERATOR)
    def ask(self, request: Request) -> Response:
        """The form; with `plan` in the address also what it would take."""
        query = request.query_params
        today = today_ist(self._services.clock)
        form = CollectForm(
            broker=query.get("broker", Service.KITE.value)[:100],
            instruments=query.get("instruments", "")[:_LONGEST],
            interval=query.get("interval", Interval.ONE_MINUTE.value)[:100],
            first=query.get("from", f"{today - timedelta(days=30)}")[:100],
            last=query.get("to", f"{today}")[:100],
            underlying=query.get("underlying", "").strip()[:100],
            strikes=query.get("strikes", "").strip()[:100],
        )
        if "plan" not in query:
            return self._page(request, form)
        try:
            return self._page(request, form, plan=self._services.collection.plan(form.to_params()))
        except AppError as error:
            return self._page(request, form, error=error)

    @allows(Role.OPERATOR)
    def collect(
        self,
        request: Request,
        *,
        broker: _Short,
        interval: _Short,
        first: Annotated[str, Form(alias="from", max_length=100)],
        last: Annotated[str, Form(alias="to", max_length=100)],
        instruments: _Names = "",
        underlying: _Short = "",
        strikes: _Short = "",
    ) -> Response:
        """Begin it, and go where it is watched."""
        form = CollectForm(
            broker=broker,
            instruments=instruments,
            interval=interval,
            first=first,
            last=last,
            underlying=underlying.strip(),
            strikes=strikes.strip(),
        )
        try:
            params = form.to_params()
            self._services.collection.check(params)
            job = self._services.jobs.enqueue(
                DATA_COLLECTION, params.to_json(), actor=actor_of(request)
            )
        except AppError as error:
            return self._page(request, form, error=error)
        return RedirectResponse(f"/ui/jobs/{job.job_id}?done=run", status_code=303)

    def _page(
        self,
        request: Request,
        form: CollectForm,
        *,
        plan: Mapping[str, Any] | None = None,
        error: AppError | None = None,
    ) -> Response:
        return self._look.page(
            request,
            "collect.html",
            title="Collect",
            status=error.status if error else 200,
            form=form,
            plan=plan,
            error=error,
            brokers=tuple(Service),
            intervals=tuple(Interval),
        )
