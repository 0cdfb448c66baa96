"""What mends missing bars, as buttons: a collection of just those days, a repair of files."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.roles import Role, actor_of, allows
from munshi.bootstrap import Services
from munshi.dashboard.asking import Typed, ask
from munshi.dashboard.look import Look, address
from munshi.domain.enums import Service
from munshi.domain.job_params import VerificationParams
from munshi.domain.jobs import DATA_VERIFICATION
from munshi.domain.market.data_quality import Absence

REPAIR = "/ui/data/repair"


def mend_address(
    *, source: str, instrument: str, interval: str, first: object, last: object, reason: str = ""
) -> str:
    """Where what mends these days is asked for, with what it takes; empty where nothing does.

    `source` is who served the series: `kite-replay` is Kite's, from recorded files.
    """
    broker = source.partition("-")[0]
    if broker not in set(Service) or reason == Absence.NOT_YET_TRADED:
        return ""
    if reason == Absence.FILE_DAMAGED:
        return address(REPAIR, instrument=instrument)
    asked = {"broker": broker, "instruments": instrument, "interval": interval}
    return address("/ui/data/collect", plan="yes", **asked, **{"from": str(first), "to": str(last)})


class MendingActs:
    """A collection is planned on its own page; a repair asks first."""

    def __init__(self, services: Services, look: Look) -> None:
        self._jobs = services.jobs
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route(REPAIR, self.ask, include_in_schema=False)
        router.add_api_route(REPAIR, self.repair, methods=["POST"], include_in_schema=False)

    @allows(Role.OPERATOR)
    def ask(self, request: Request) -> Response:
        """Raises JobParametersInvalidError."""
        params = _params(request.query_params.get("instrument", ""))
        return ask(
            self._look,
            request,
            title="Check and repair its files?",
            about=params.instruments[0],
            means="A job reads every file of it that is held. The months of one that is not as it "
            "was stored are asked of the broker again; where that cannot be, the job says why.",
            yes="Yes, repair them",
            back="/ui/data/quality",
            fields={"instrument": params.instruments[0]},
        )

    @allows(Role.OPERATOR)
    def repair(self, request: Request, typed: Typed) -> Response:
        params = _params(typed.get("instrument", ""))
        job = self._jobs.enqueue(DATA_VERIFICATION, params.to_json(), actor=actor_of(request))
        return RedirectResponse(f"/ui/jobs/{job.job_id}?done=run", status_code=303)


def _params(instrument: str) -> VerificationParams:
    return VerificationParams.from_json({"instruments": [instrument[:100]], "repair": True})
