"""What is looked up before an audit or the rest of a sweep is stored as a job."""

from munshi.domain.backtest.audits import AuditParams
from munshi.domain.backtest.sweeps import SweepParams
from munshi.errors import JobParametersInvalidError
from munshi.infrastructure.database.transaction import Transaction


def check_audit(tx: Transaction, asked: AuditParams) -> None:
    """Raise JobParametersInvalidError for a run that nobody has."""
    if tx.backtests.get_run(asked.run_id) is None:
        raise JobParametersInvalidError(
            f"There is no backtest {asked.run_id}.", hint="See them: munshi backtest list"
        )


def check_sweep(tx: Transaction, asked: SweepParams) -> None:
    """Raise JobParametersInvalidError where a sweep is to be resumed that nobody has."""
    if asked.resume is not None and tx.sweeps.get_sweep(asked.resume) is None:
        raise JobParametersInvalidError(
            f"There is no sweep {asked.resume}.", hint="See them: munshi backtest sweeps"
        )
