"""What is looked up before a validation is stored as a job; no code of the user's is run here."""

from collections.abc import Mapping
from pathlib import Path

from munshi.domain.validation.params import MODELS, ValidationParams
from munshi.errors import JobParametersInvalidError, ModelUnknownError
from munshi.infrastructure.database.transaction import Transaction
from munshi.validation.own_code import find_own


def check_validation(tx: Transaction, asked: Mapping[str, object], *, folder: Path) -> None:
    """Raise JobParametersInvalidError for a backtest, model or features that nobody has."""
    params = ValidationParams.from_json(asked)
    if tx.backtests.get_run(params.run_id) is None:
        raise JobParametersInvalidError(
            f"There is no backtest {params.run_id}.", hint="See them: munshi backtest list"
        )
    for name in (params.model_type, params.features):
        if name is None or name in MODELS:
            continue
        try:
            find_own(name, folder=folder)
        except ModelUnknownError as error:
            raise JobParametersInvalidError(error.detail, hint=error.hint) from error
