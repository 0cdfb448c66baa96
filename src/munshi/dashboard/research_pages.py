"""Backtests on pages: what was run, one of them with its warnings first, some side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from munshi.api.roles import Role, allows
from munshi.backtest.confirming import confirmation_lines
from munshi.backtest.page import report_page
from munshi.bootstrap import Services
from munshi.clock import IST
from munshi.dashboard.at_work import AtWork
from munshi.dashboard.figures import figure, figure_rows
from munshi.dashboard.framed import framed
from munshi.dashboard.look import Look
from munshi.dashboard.parts import alive
from munshi.dashboard.pictures import Colour, Line, LineChart
from munshi.domain.backtest.breakdown import breakdown
from munshi.domain.backtest.pitfalls import check_pitfalls
from munshi.domain.backtest.runs import BacktestRun
from munshi.domain.backtest.warnings import warnings_of
from munshi.errors import AppError, RequestInvalidError

RUNS_SHOWN = 50
TRADES_SHOWN = 200
MOST_COMPARED = 6
_Text = Annotated[str, Query(max_length=100)]
_Cursor = Annotated[str | None, Query(max_length=300)]
_COLOURS = (Colour.MAIN, Colour.WARN, Colour.GOOD, Colour.BAD, Colour.CALM, Colour.MAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRow:
    """One figure or parameter of every run, as text."""

    name: str
    values: Sequence[str]

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


class ResearchPages:
    """Looking only."""

    def __init__(self, services: Services, look: Look) -> None:
        self._backtests = services.backtests
        self._review = services.review
        self._audits = services.backtest_audits
        self._at_work = AtWork(services, look)
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        for path, call in (
            ("/ui/research", self.runs),
            ("/ui/research/compare", self.compare),
            ("/ui/research/runs/{run_id}", self.run),
            ("/ui/research/runs/{run_id}/report", self.report),
        ):
            router.add_api_route(path, call, include_in_schema=False)

    @allows(Role.VIEWER)
    def runs(
        self,
        request: Request,
        strategy: _Text = "",
        instrument: _Text = "",
        cursor: _Cursor = None,
    ) -> Response:
        """Those that fit, the newest first."""
        page = self._backtests.page(
            cursor=cursor, limit=RUNS_SHOWN, strategy=strategy, instrument=instrument
        )
        return self._look.page(
            request,
            "research.html",
            title="Research",
            alive=alive(self._at_work.part("research"), "/ui/live/work/research"),
            page=page,
            cursor=cursor,
            strategies=self._backtests.list_strategies(),
            strategy=strategy,
            instrument=instrument,
            figure=figure,
        )

    @allows(Role.VIEWER)
    def run(self, run_id: UUID, request: Request) -> Response:
        """Warnings first, then the evidence, figures, curve and trades."""
        run = self._backtests.get(run_id)
        evidence = self._backtests.evidence(run)
        trades = self._backtests.trades(run_id)
        pitfalls = check_pitfalls(run, trades)
        curve, trouble = self._curve(run)
        charts: tuple[LineChart, ...] = ()
        if curve:
            charts = (
                LineChart(
                    title="Equity at each bar's close",
                    unit="₹",
                    times=[at for at, _ in curve],
                    lines=(Line(name="equity", values=[paise / 100 for _, paise in curve]),),
                ),
            )
        return self._look.page(
            request,
            "research_run.html",
            title=f"{run.strategy} on {run.instrument}",
            run=run,
            warnings=warnings_of(run, evidence, pitfalls),
            pitfalls=pitfalls,
            evidence=evidence,
            audits=self._audits.list_of(run_id),
            confirmation=list(confirmation_lines(run)),
            figures=figure_rows(run.metrics),
            groups=breakdown(trades),
            trades=trades[:TRADES_SHOWN],
            more_trades=max(0, len(trades) - TRADES_SHOWN),
            charts=charts,
            days=_by_day(curve)[-TRADES_SHOWN:],
            trouble=trouble,
            figure=figure,
        )

    @allows(Role.VIEWER)
    def report(self, run_id: UUID) -> Response:
        """The report that needs nothing else, for a frame."""
        return framed(report_page(self._review.report(run_id)))

    @allows(Role.VIEWER)
    def compare(
        self, request: Request, run: Annotated[list[UUID] | None, Query()] = None
    ) -> Response:
        """Figures, parameters and curves of some runs side by side."""
        chosen = list(dict.fromkeys(run or ()))
        if not 2 <= len(chosen) <= MOST_COMPARED:  # noqa: PLR2004
            raise RequestInvalidError(
                f"{len(chosen)} backtests are chosen.",
                hint=f"Choose 2 to {MOST_COMPARED} in the list, then Compare.",
            )
        runs = [self._backtests.get(each) for each in chosen]
        return self._look.page(
            request,
            "research_compare.html",
            title="Backtests compared",
            runs=runs,
            figures=[
                ComparedRow(name=name.replace("_", " "), values=values)
                for name, values in _compared_figures(runs).items()
            ],
            told=[
                ComparedRow(name=name, values=[str(run.parameters.get(name, "-")) for run in runs])
                for name in dict.fromkeys(name for run in runs for name in run.parameters)
            ],
            charts=self._curves(runs),
        )

    def _curve(self, run: BacktestRun) -> tuple[list[tuple[datetime, int]], str | None]:
        try:
            return self._review.curve(run), None
        except AppError as error:
            return [], error.detail

    def _curves(self, runs: Sequence[BacktestRun]) -> tuple[LineChart, ...]:
        """Equity of each day's end as a share of the first, for those whose curve is there."""
        curves = [dict(_by_day(self._curve(run)[0])) for run in runs]
        days = sorted({day for curve in curves for day in curve})
        if not days:
            return ()
        lines = []
        for number, (run, curve) in enumerate(zip(runs, curves, strict=True)):
            first = next(iter(curve.values()), 0)
            lines.append(
                Line(
                    name=f"{number + 1}: {run.strategy}",
                    colour=_COLOURS[number],
                    values=[
                        100 * curve[day] / first - 100 if first and day in curve else None
                        for day in days
                    ],
                )
            )
        return (
            LineChart(
                title="Equity at the end of each day, against that of the first",
                unit="%",
                times=[datetime.combine(day, time(15, 30), IST) for day in days],
                lines=lines,
            ),
        )


def _by_day(curve: Sequence[tuple[datetime, int]]) -> list[tuple[date, int]]:
    return list({at.astimezone(IST).date(): paise for at, paise in curve}.items())


def _compared_figures(runs: Sequence[BacktestRun]) -> dict[str, list[str]]:
    names: dict[str, Any] = dict.fromkeys(name for run in runs for name in run.metrics)
    return {
        name: [figure(name, run.metrics.get(name)) for run in runs]
        for name in names
        if not name.endswith(("_low", "_high")) and name != "bootstrap_seed"
    }
