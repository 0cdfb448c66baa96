"""Sweeps with their trials, and model validations with their verdicts, on pages."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from munshi.api.roles import Role, allows
from munshi.bootstrap import Services
from munshi.dashboard.at_work import AtWork
from munshi.dashboard.figures import figure
from munshi.dashboard.framed import framed
from munshi.dashboard.look import Look
from munshi.dashboard.parts import alive
from munshi.validation.report import (
    baseline_rows,
    confusion_rows,
    fold_rows,
    pin_rows,
    reliability_rows,
    score_rows,
)

LISTED = 100
TRIALS_SHOWN = 100
_Cursor = Annotated[str | None, Query(max_length=300)]


class TrialPages:
    """Looking only."""

    def __init__(self, services: Services, look: Look) -> None:
        self._sweeps = services.sweeps
        self._validations = services.validations
        self._at_work = AtWork(services, look)
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        for path, call in (
            ("/ui/research/sweeps", self.sweeps),
            ("/ui/research/sweeps/{sweep_id}", self.sweep),
            ("/ui/research/validations", self.validations),
            ("/ui/research/validations/{validation_id}", self.validation),
            ("/ui/research/validations/{validation_id}/report", self.report),
        ):
            router.add_api_route(path, call, include_in_schema=False)

    @allows(Role.VIEWER)
    def sweeps(self, request: Request, cursor: _Cursor = None) -> Response:
        page = self._sweeps.page(cursor=cursor, limit=LISTED)
        return self._look.page(
            request,
            "sweeps.html",
            title="Sweeps",
            alive=alive(self._at_work.part("research"), "/ui/live/work/research"),
            page=page,
            cursor=cursor,
        )

    @allows(Role.VIEWER)
    def sweep(self, sweep_id: UUID, request: Request) -> Response:
        """The trials, best first, each after all that was tried on the instrument."""
        found = self._sweeps.show(sweep_id)
        shown = list(zip(found.trials, found.evidence, strict=True))[:TRIALS_SHOWN]
        return self._look.page(
            request,
            "sweep.html",
            title=f"Sweep of {found.sweep.strategy}",
            found=found,
            shown=shown,
            figure=figure,
        )

    @allows(Role.VIEWER)
    def validations(self, request: Request, cursor: _Cursor = None) -> Response:
        page = self._validations.page(cursor=cursor, limit=LISTED)
        return self._look.page(
            request,
            "validations.html",
            title="Model validations",
            alive=alive(self._at_work.part("research"), "/ui/live/work/research"),
            page=page,
            cursor=cursor,
        )

    @allows(Role.VIEWER)
    def validation(self, validation_id: UUID, request: Request) -> Response:
        """The verdict first, then scores with their intervals, baselines and folds."""
        run = self._validations.get(validation_id)
        return self._look.page(
            request,
            "validation.html",
            title=f"{run.model_type} on {run.signal_type}",
            run=run,
            scores=score_rows(run),
            confusion=confusion_rows(run),
            bins=reliability_rows(run),
            pins=pin_rows(run),
            baselines=baseline_rows(run),
            folds=fold_rows(run),
        )

    @allows(Role.VIEWER)
    def report(self, validation_id: UUID) -> Response:
        """The report that needs nothing else, for a frame."""
        return framed(self._validations.report(validation_id))
