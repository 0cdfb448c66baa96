"""Backtests that were run; one is begun as any job is, by POST /jobs with its type."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse, Response

from munshi.api.answers import Shown
from munshi.api.roles import Role, allows
from munshi.backtest.page import report_document, report_page
from munshi.bootstrap import Services
from munshi.domain.backtest.audits import KeptAudit
from munshi.domain.backtest.results import Trade

_Text = Annotated[str, Query(max_length=100)]
_Cursor = Annotated[str | None, Query(max_length=300)]
_Limit = Annotated[int, Query(ge=1, le=500)]


class RunShown(Shown):
    """Money is in paise. The same `result_hash` means the same trades and the same curve.

    `confirmation` is what another engine made of the same, with the trades that differ.
    """

    run_id: UUID
    job_id: UUID | None
    strategy: str
    instrument: str
    bar_interval: str
    from_date: date
    to_date: date
    label: str
    engine: str
    engine_version: str
    code_version: str
    parameters: dict[str, Any]
    coverage: dict[str, Any]
    assumptions: list[str]
    metrics: dict[str, float | int | None]
    data_fingerprint: str
    result_hash: str
    net: int
    duration_ms: int
    created_at: datetime
    confirmation: dict[str, Any] | None


class CostShown(Shown):
    brokerage: int
    stt: int
    transaction: int
    sebi: int
    stamp: int
    gst: int
    exercise_stt: int


class LegShown(Shown):
    """`price` has the slippage in it that `quoted` has not."""

    instrument: str
    side: str
    quantity: int
    quoted: int
    price: int
    at: datetime
    cost: CostShown


class TradeShown(Shown):
    """`outcome` is closed, open_at_end or unpriced; `mark` is what was open at the end.

    `signal` is the weekly signal, S1 to S8, that opened it.
    """

    decided_at: datetime
    outcome: str
    mark: int
    gross: int
    costs: int
    net: int
    signal: str | None
    expiry: date | None
    legs: list[LegShown]


class PeekShown(Shown):
    """With nothing after `last_day`, something before it came out otherwise."""

    last_day: date
    what: str


class AssumptionShown(Shown):
    """The profit without it, and the share of the profit it carries."""

    name: str
    net: int
    change: int
    share: float | None


class AuditShown(Shown):
    """`peeks` is empty when no day's end changed anything before it."""

    audit_id: UUID
    run_id: UUID
    job_id: UUID | None
    code_version: str
    is_clean: bool
    net: int
    days_cut: int
    trades_compared: int
    peeks: list[PeekShown]
    assumptions: list[AssumptionShown]
    seed: int
    duration_ms: int
    created_at: datetime


class SweepShown(Shown):
    """`trial_count` is how many there are to be."""

    sweep_id: UUID
    strategy: str
    instrument: str
    bar_interval: str
    from_date: date
    to_date: date
    label: str
    code_version: str
    parameters: dict[str, Any]
    assumptions: list[str]
    trial_count: int
    data_fingerprint: str
    created_at: datetime


class TrialShown(Shown):
    """`tried` is how many trials on the instrument the Sharpe ratio is deflated by."""

    trial_number: int
    parameters: dict[str, Any]
    metrics: dict[str, float | int | None]
    result_hash: str
    net: int
    deflated_sharpe: float | None
    tried: int


class SweepResultShown(Shown):
    """The best trials first.

    `overfitting_probability` is None until all trials are stored, and with too few trials or days.
    """

    sweep: SweepShown
    is_whole: bool
    trials_stored: int
    overfitting_probability: float | None
    trials: list[TrialShown]


class BacktestRoutes:
    """Each call is one service call."""

    def __init__(self, services: Services) -> None:
        self._backtests = services.backtests
        self._sweeps = services.sweeps
        self._review = services.review
        self._audits = services.backtest_audits

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["backtests"]}
        router.add_api_route("/backtests", self.list_runs, **options)
        router.add_api_route("/backtests/sweeps", self.list_sweeps, **options)
        router.add_api_route("/backtests/sweeps/{sweep_id}", self.sweep, **options)
        router.add_api_route("/backtests/{run_id}", self.run, **options)
        router.add_api_route("/backtests/{run_id}/report", self.report, **options)
        router.add_api_route(
            "/backtests/{run_id}/report.html",
            self.report_file,
            response_class=HTMLResponse,
            **options,
        )
        router.add_api_route("/backtests/{run_id}/audits", self.audits, **options)
        router.add_api_route("/backtests/{run_id}/trades", self.trades, **options)

    @allows(Role.VIEWER)
    def list_runs(
        self,
        response: Response,
        strategy: _Text = "",
        instrument: _Text = "",
        cursor: _Cursor = None,
        limit: _Limit = 50,
    ) -> list[RunShown]:
        """What was run, newest first: of a strategy, and on what holds `instrument`.

        Where there are older ones, the header X-Next-Cursor says the `cursor` of the next page.
        """
        page = self._backtests.page(
            cursor=cursor, limit=limit, strategy=strategy, instrument=instrument
        )
        _tell_next(response, page.next_cursor)
        return [RunShown.model_validate(run) for run in page.rows]

    @allows(Role.VIEWER)
    def list_sweeps(
        self, response: Response, cursor: _Cursor = None, limit: _Limit = 50
    ) -> list[SweepShown]:
        """Sweeps, newest first; X-Next-Cursor as of the runs."""
        page = self._sweeps.page(cursor=cursor, limit=limit)
        _tell_next(response, page.next_cursor)
        return [SweepShown.model_validate(each) for each in page.rows]

    @allows(Role.VIEWER)
    def sweep(
        self, sweep_id: UUID, limit: Annotated[int, Query(ge=1, le=1000)] = 50
    ) -> SweepResultShown:
        """One sweep with its best trials, and how likely the best was luck."""
        found = self._sweeps.show(sweep_id)
        return SweepResultShown(
            sweep=SweepShown.model_validate(found.sweep),
            is_whole=found.is_whole,
            trials_stored=len(found.trials),
            overfitting_probability=found.overfitting,
            trials=[
                TrialShown(
                    trial_number=trial.trial_number,
                    parameters=dict(trial.parameters),
                    metrics=dict(trial.metrics),
                    result_hash=trial.result_hash,
                    net=trial.net,
                    deflated_sharpe=evidence.deflated_sharpe,
                    tried=evidence.trials,
                )
                for trial, evidence in zip(found.trials[:limit], found.evidence, strict=False)
            ],
        )

    @allows(Role.VIEWER)
    def run(self, run_id: UUID) -> RunShown:
        """One run: what it was told, what it ran on, and what came of it."""
        return RunShown.model_validate(self._backtests.get(run_id))

    @allows(Role.VIEWER)
    def report(self, run_id: UUID) -> dict[str, Any]:
        """Assumptions and warnings first, then figures, equity by day and trades.

        Nothing is run again; the equity is that which the run kept, empty where it is gone.
        """
        return report_document(self._review.report(run_id))

    @allows(Role.VIEWER)
    def report_file(self, run_id: UUID) -> HTMLResponse:
        """The same as one HTML file to keep; it needs no script and no other host."""
        return HTMLResponse(
            report_page(self._review.report(run_id)),
            headers={"content-disposition": f'attachment; filename="backtest-{run_id}.html"'},
        )

    @allows(Role.VIEWER)
    def audits(self, run_id: UUID) -> list[AuditShown]:
        """Its audits, newest first; one is begun by POST /jobs with the type backtest_audit."""
        return [_audit(kept) for kept in self._audits.list_of(run_id)]

    @allows(Role.VIEWER)
    def trades(self, run_id: UUID) -> list[TradeShown]:
        """The run's trades in order, with every order and its charges."""
        return [_shown(trade) for trade in self._backtests.trades(run_id)]


def _tell_next(response: Response, cursor: str | None) -> None:
    if cursor is not None:
        response.headers["X-Next-Cursor"] = cursor


def _audit(kept: KeptAudit) -> AuditShown:
    found = kept.found
    return AuditShown(
        audit_id=kept.audit_id,
        run_id=kept.run_id,
        job_id=kept.job_id,
        code_version=kept.code_version,
        is_clean=found.is_clean,
        net=found.net,
        days_cut=found.days_cut,
        trades_compared=found.trades_compared,
        peeks=[PeekShown.model_validate(peek) for peek in found.peeks],
        assumptions=[AssumptionShown.model_validate(each) for each in found.assumptions],
        seed=found.seed,
        duration_ms=kept.duration_ms,
        created_at=kept.created_at,
    )


def _shown(trade: Trade) -> TradeShown:
    return TradeShown(
        decided_at=trade.decided_at,
        outcome=trade.end.value,
        mark=trade.mark,
        gross=trade.gross,
        costs=trade.costs,
        net=trade.net,
        signal=trade.signal,
        expiry=trade.expiry,
        legs=[LegShown.model_validate(leg) for leg in trade.legs],
    )
