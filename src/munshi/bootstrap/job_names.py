"""Whether what a job's parameters name is there, asked when the job is stored."""

from uuid import UUID

from munshi.domain.backtest.audits import AuditParams
from munshi.domain.backtest.sweeps import SweepParams
from munshi.domain.validation.params import ValidationParams
from munshi.errors import BacktestRunUnknownError, BacktestSweepUnknownError
from munshi.infrastructure.database.transaction import Transaction


def check_audited(tx: Transaction, params: AuditParams) -> None:
    """Raise BacktestRunUnknownError."""
    _check_run(tx, params.run_id)


def check_validated(tx: Transaction, params: ValidationParams) -> None:
    """Raise BacktestRunUnknownError."""
    _check_run(tx, params.run_id)


def check_resumed(tx: Transaction, params: SweepParams) -> None:
    """Raise BacktestSweepUnknownError where a sweep is to be resumed that is not there."""
    if params.resume is not None and tx.sweeps.get_sweep(params.resume) is None:
        raise BacktestSweepUnknownError(
            f"There is no sweep {params.resume}.", hint="See them: munshi backtest sweeps"
        )


def _check_run(tx: Transaction, run_id: UUID) -> None:
    if tx.backtests.get_run(run_id) is None:
        raise BacktestRunUnknownError(
            f"There is no backtest {run_id}.", hint="See them: munshi backtest list"
        )
