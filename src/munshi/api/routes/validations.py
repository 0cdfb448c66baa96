"""Model validations that were run; one is begun as any job is, by POST /jobs with its type."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from munshi.api.answers import Shown
from munshi.api.roles import Role, allows
from munshi.bootstrap import Services
from munshi.domain.validation.runs import ValidationFilter
from munshi.domain.validation.verdicts import Verdict

_Word = Annotated[str | None, Query(max_length=300)]


class ValidationSummary(Shown):
    """The headline of a validation: out of sample, walking forward. Money is paise a trade."""

    validation_id: UUID
    job_id: UUID | None
    backtest_run_id: UUID
    model_type: str
    signal_type: str
    status: str
    instrument: str
    bar_interval: str
    from_date: date
    to_date: date
    verdict: str
    reason: str
    accuracy: float | None
    precision_score: float | None
    recall_score: float | None
    f1_score: float | None
    roc_auc: float | None
    pr_auc: float | None
    brier_score: float | None
    log_loss: float | None
    calibration_error: float | None
    expectancy: float | None
    deflated_sharpe: float | None
    threshold: float
    train_samples: int
    test_samples: int
    trials: int
    result_hash: str
    created_at: datetime
    completed_at: datetime


class ValidationsAnswer(Shown):
    """`next_cursor` asks for the page after this one."""

    validations: list[ValidationSummary]
    next_cursor: str | None


class ValidationShown(ValidationSummary):
    """`predictions` are [decided at, probability of a win, whether it won] of each trade judged."""

    confusion: dict[str, int]
    folds: list[dict[str, Any]]
    spread: dict[str, Any]
    confidence_intervals: dict[str, Any]
    baseline: dict[str, Any]
    importance: list[dict[str, Any]]
    reliability: list[dict[str, Any]]
    predictions: list[list[Any]]
    assumptions: list[str]
    parameters: dict[str, Any]
    versions: dict[str, str]
    seed: int
    data_fingerprint: str
    feature_fingerprint: str
    feature_names: list[str]
    model_artifact: str | None
    model_sha256: str | None
    trained_until: datetime
    duration_ms: int


class ValidationRoutes:
    """Each call is one service call."""

    def __init__(self, services: Services) -> None:
        self._validations = services.validations

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["validations"]}
        router.add_api_route("/validations", self.list_runs, **options)
        router.add_api_route("/validations/{validation_id}", self.run, **options)
        router.add_api_route(
            "/validations/{validation_id}/report",
            self.report,
            response_class=Response,
            responses={200: {"content": {"text/html": {}}}},
            **options,
        )

    @allows(Role.VIEWER)
    def list_runs(
        self,
        *,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        cursor: _Word = None,
        model_type: _Word = None,
        signal_type: _Word = None,
        instrument: _Word = None,
        verdict: Verdict | None = None,
    ) -> ValidationsAnswer:
        """What was validated and fits, newest first."""
        page = self._validations.page(
            cursor=cursor,
            limit=limit,
            chosen=ValidationFilter(
                model_type=model_type or "",
                signal_type=signal_type or "",
                instrument=instrument or "",
                verdict=verdict.value if verdict else "",
            ),
        )
        return ValidationsAnswer(
            validations=[ValidationSummary.model_validate(run) for run in page.rows],
            next_cursor=page.next_cursor,
        )

    @allows(Role.VIEWER)
    def run(self, validation_id: UUID) -> ValidationShown:
        """One validation: all that was measured, and what pins it."""
        return ValidationShown.model_validate(self._validations.get(validation_id))

    @allows(Role.VIEWER)
    def report(self, validation_id: UUID) -> Response:
        """The validation as one page of HTML, to be saved."""
        return Response(
            self._validations.report(validation_id),
            media_type="text/html",
            headers={
                "Content-Disposition": f'attachment; filename="validation-{validation_id}.html"'
            },
        )
