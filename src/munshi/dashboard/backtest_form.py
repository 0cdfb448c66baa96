"""A backtest from a page: first its strategy, then what it is told, then its job."""

from dataclasses import dataclass, fields, is_dataclass
from datetime import time, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.roles import Role, actor_of, allows
from munshi.bootstrap import Services
from munshi.clock import today_ist
from munshi.dashboard.look import Look
from munshi.domain.backtest.catalogue import STRATEGIES
from munshi.domain.backtest.engine import EngineName
from munshi.domain.backtest.params import BacktestParams, kinds_of
from munshi.domain.backtest.results import FillModel
from munshi.domain.jobs import BACKTEST, BACKTEST_AUDIT
from munshi.domain.market.intervals import Interval
from munshi.errors import AppError, JobParametersInvalidError

SERIES_NAMED = 200
_Text = Annotated[str, Form(max_length=200)]
# What is not filled in is as `POST /jobs` has it.
_WHOLE = ("lots", "lot_size", "slippage_bp", "margin_percent", "max_wait")


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What the form holds, as it was typed."""

    instrument: str
    interval: str
    first: str
    last: str
    capital: str = "1000000"
    lots: str = "1"
    lot_size: str = "1"
    kind: str = ""
    fill: str = FillModel.NEXT_OPEN.value
    slippage_bp: str = "1"
    brokerage: str = "20"
    margin_percent: str = ""
    max_wait: str = "60"
    engine: str = EngineName.KERNEL.value
    confirm: str = ""
    accept_holes: str = ""
    source: str = ""
    parameters: str = ""

    def to_json(self, strategy: str) -> dict[str, object]:
        """As `POST /jobs` takes it. Raises JobParametersInvalidError for what is no number."""
        return {
            "strategy": strategy,
            "parameters": _read_parameters(self.parameters),
            "instrument": self.instrument,
            "interval": self.interval,
            "from": self.first,
            "to": self.last,
            "capital": self.capital,
            "kind": self.kind or None,
            "fill": self.fill,
            "brokerage": self.brokerage,
            "engine": self.engine,
            "confirm": bool(self.confirm),
            "accept_holes": bool(self.accept_holes),
            "source": self.source or None,
            **{name: _whole(name, text) for name in _WHOLE if (text := getattr(self, name))},
        }


class BacktestForm:
    """What is begun is a job like any other; its page leads to the result."""

    def __init__(self, services: Services, look: Look) -> None:
        self._services = services
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        path = "/ui/research/new"
        router.add_api_route(path, self.ask, include_in_schema=False)
        router.add_api_route(path, self.begin, methods=["POST"], include_in_schema=False)
        path = "/ui/research/runs/{run_id}/audit"
        router.add_api_route(path, self.audit, methods=["POST"], include_in_schema=False)

    @allows(Role.OPERATOR)
    def ask(
        self, request: Request, strategy: Annotated[str, Query(max_length=200)] = ""
    ) -> Response:
        """The strategies there are, and the form of the one that was chosen."""
        today = today_ist(self._services.clock)
        typed = Typed(
            instrument="",
            interval=Interval.ONE_MINUTE.value,
            first=f"{today - timedelta(days=90)}",
            last=f"{today - timedelta(days=1)}",
            parameters=_defaults(strategy),
        )
        return self._page(request, strategy, typed)

    @allows(Role.OPERATOR)
    def begin(
        self,
        request: Request,
        *,
        strategy: _Text,
        instrument: _Text,
        interval: _Text,
        first: Annotated[str, Form(alias="from", max_length=200)],
        last: Annotated[str, Form(alias="to", max_length=200)],
        capital: _Text,
        lots: _Text,
        lot_size: _Text,
        kind: _Text = "",
        fill: _Text,
        slippage_bp: _Text,
        brokerage: _Text = "20",
        margin_percent: _Text = "",
        max_wait: _Text = "60",
        engine: _Text = EngineName.KERNEL.value,
        confirm: _Text = "",
        accept_holes: _Text = "",
        source: _Text = "",
        parameters: Annotated[str, Form(max_length=5000)] = "",
    ) -> Response:
        """`parameters` are the strategy's own, a line each as NAME=VALUE."""
        typed = Typed(
            instrument=instrument.strip(),
            interval=interval,
            first=first,
            last=last,
            capital=capital.strip(),
            lots=lots,
            lot_size=lot_size,
            kind=kind,
            fill=fill,
            slippage_bp=slippage_bp,
            brokerage=brokerage.strip(),
            margin_percent=margin_percent.strip(),
            max_wait=max_wait.strip(),
            engine=engine,
            confirm=confirm,
            accept_holes=accept_holes,
            source=source.strip(),
            parameters=parameters,
        )
        try:
            params = BacktestParams.from_json(typed.to_json(strategy))
            job = self._services.jobs.enqueue(BACKTEST, params.to_json(), actor=actor_of(request))
        except AppError as error:
            return self._page(request, strategy, typed, error=error)
        return RedirectResponse(f"/ui/jobs/{job.job_id}?done=run", status_code=303)

    @allows(Role.OPERATOR)
    def audit(self, run_id: UUID, request: Request) -> Response:
        """Ask whether the future reaches into a run, and what carries its profit."""
        told = {"run_id": str(self._services.backtests.get(run_id).run_id)}
        job = self._services.jobs.enqueue(BACKTEST_AUDIT, told, actor=actor_of(request))
        return RedirectResponse(f"/ui/jobs/{job.job_id}?done=run", status_code=303)

    def _page(
        self,
        request: Request,
        strategy: str,
        typed: Typed,
        *,
        error: AppError | None = None,
    ) -> Response:
        held = self._services.candles.coverage()
        names = dict.fromkeys(f"{one.key.exchange}:{one.key.instrument}" for one in held)
        return self._look.page(
            request,
            "backtest_form.html",
            title="Run a backtest",
            status=error.status if error else 200,
            strategies=tuple(STRATEGIES),
            strategy=strategy,
            typed=typed,
            error=error,
            names=list(names)[:SERIES_NAMED],
            intervals=tuple(Interval),
            kinds=kinds_of(strategy),
            fills=tuple(FillModel),
            engines=tuple(EngineName),
        )


def _defaults(strategy: str) -> str:
    """The parameters of one of ours as the form shows them; nothing is known of others."""
    found = STRATEGIES.get(strategy)
    if found is None or not is_dataclass(found):
        return ""
    return "\n".join(
        f"{each.name}={_spelt(each.default)}"
        for each in fields(found)
        if not each.name.startswith("_")
    )


def _spelt(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "+".join(map(str, value))
    return f"{value:%H:%M}" if isinstance(value, time) else str(value)


def _read_parameters(text: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not name:
            raise JobParametersInvalidError(
                f"{line[:60]!r} is no parameter.", hint="Write a line each, such as fast=20."
            )
        found[name] = _read_value(value)
    return found


def _read_value(text: str) -> object:
    if text in {"true", "false"}:
        return text == "true"
    return int(text) if text.removeprefix("-").isdecimal() else text


def _whole(name: str, text: str) -> int:
    if not text.strip().isdecimal():
        raise JobParametersInvalidError(f"{name} must be a whole number, not {text[:40]!r}.")
    return int(text)
