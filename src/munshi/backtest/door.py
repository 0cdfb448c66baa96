"""What is looked up before an audit of a backtest is stored as a job."""

from collections.abc import Mapping

from munshi.domain.backtest.audits import AuditParams
from munshi.errors import JobParametersInvalidError
from munshi.infrastructure.database.transaction import Transaction


def check_audit(tx: Transaction, asked: Mapping[str, object]) -> None:
    """Raise JobParametersInvalidError for a run that nobody has."""
    run_id = AuditParams.from_json(asked).run_id
    if tx.backtests.get_run(run_id) is None:
        raise JobParametersInvalidError(
            f"There is no backtest {run_id}.", hint="See them: munshi backtest list"
        )
