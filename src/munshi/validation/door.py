"""What is looked up before a validation is stored as a job; no code of the user's is run here."""

from pathlib import Path

from munshi.domain.validation.params import MODELS, ValidationParams
from munshi.errors import JobParametersInvalidError, ModelUnknownError
from munshi.infrastructure.database.transaction import Transaction
from munshi.validation.own_code import find_own


def check_validation(tx: Transaction, asked: ValidationParams, *, folder: Path) -> None:
    """Raise JobParametersInvalidError for a backtest, model or features that nobody has."""
    if tx.backtests.get_run(asked.run_id) is None:
        raise JobParametersInvalidError(
            f"There is no backtest {asked.run_id}.", hint="See them: munshi backtest list"
        )
    for name in (asked.model_type, asked.features):
        if name is None or name in MODELS:
            continue
        try:
            find_own(name, folder=folder)
        except ModelUnknownError as error:
            raise JobParametersInvalidError(error.detail, hint=error.hint) from error
