"""How jobs get on over the last hours or days: how many, how many badly, how long."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from munshi.api.roles import Role, allows
from munshi.bootstrap import Services
from munshi.dashboard.look import Look
from munshi.dashboard.pictures import Colour, Line, LineChart
from munshi.jobs.pace import COUNTED_TO, SAMPLED, PaceStep, Spread

PERIODS = {6: "6 hours", 24: "a day", 168: "a week", 720: "30 days"}
_LONGEST = max(PERIODS)


class JobPacePage:
    """Looking only."""

    def __init__(self, services: Services, look: Look) -> None:
        self._watch = services.job_watch
        self._clock = services.clock
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/ui/job-pace", self.pace, include_in_schema=False)

    @allows(Role.VIEWER)
    def pace(
        self, request: Request, hours: Annotated[int, Query(ge=1, le=_LONGEST)] = 24
    ) -> Response:
        steps = self._watch.pace(now=self._clock.now(), hours=hours)
        return self._look.page(
            request,
            "job_pace.html",
            title="How jobs get on",
            steps=steps,
            charts=_charts(steps),
            hours=hours,
            periods=PERIODS,
            counted_to=COUNTED_TO,
            sampled=SAMPLED,
            dead=self._watch.dead_groups(),
        )


def _charts(steps: Sequence[PaceStep]) -> tuple[LineChart, ...]:
    times = [step.begins for step in steps]
    return (
        LineChart(
            title="Jobs made, and how many of them failed for good",
            times=times,
            lines=(
                Line(name="made", values=[step.made for step in steps], kind="bars"),
                Line(
                    name="failed",
                    values=[step.bad for step in steps],
                    colour=Colour.BAD,
                    kind="bars",
                ),
            ),
        ),
        _spreads("Seconds a job waited before it began", times, [step.waits for step in steps]),
        _spreads("Seconds a job took to its end", times, [step.runs for step in steps]),
    )


def _spreads(title: str, times: Sequence[datetime], spreads: Sequence[Spread | None]) -> LineChart:
    return LineChart(
        title=title,
        times=times,
        unit="s",
        lines=(
            Line(name="half took less", values=[None if s is None else s.middle for s in spreads]),
            Line(
                name="19 of 20 took less",
                values=[None if s is None else s.slow for s in spreads],
                colour=Colour.WARN,
            ),
        ),
    )
