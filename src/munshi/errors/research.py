"""Backtests, strategies and models."""

from munshi.errors.base import AppError


class BacktestDataMissingError(AppError):
    """There are no prices to run the backtest on."""

    status = 422


class BacktestCapitalTooSmallError(AppError):
    """The capital does not pay for one lot."""

    status = 422


class BacktestRunUnknownError(AppError):
    """There is no such backtest."""

    status = 404


class BacktestBarsChangedError(AppError):
    """The bars under the backtest have changed since."""

    status = 409


class BacktestReportUnwritableError(AppError):
    """The report cannot be written there."""

    status = 422


class BacktestSweepUnknownError(AppError):
    """There is no such sweep of backtests."""

    status = 404


class BacktestSweepStaleError(AppError):
    """The sweep cannot go on as it was begun."""

    status = 409


class StrategyFileInvalidError(AppError):
    """The strategy's file cannot be written so."""

    status = 422


class StrategyPeeksError(AppError):
    """The strategy decides by bars that have not closed."""

    status = 422


class StrategyFailedError(AppError):
    """The strategy raised an error of its own."""

    status = 422


class ValidationSamplesMissingError(AppError):
    """There are too few trades to learn from and to judge by."""

    status = 422


class ValidationUnknownError(AppError):
    """There is no such model validation."""

    status = 404


class ValidationExportFailedError(AppError):
    """The validation could not be written to MLflow."""

    status = 502
    retryable = True


class FeaturePeeksError(AppError):
    """A feature uses bars that had not closed when the signal came."""

    status = 422


class FeatureInvalidError(AppError):
    """A feature is missing or is no number."""

    status = 422


class ModelUnknownError(AppError):
    """There is no such model or function of your own."""

    status = 422


class ModelFailedError(AppError):
    """The model raised an error of its own."""

    status = 422


class ModelFileRefusedError(AppError):
    """The model's file is not what was stored, or holds what is not trusted."""

    status = 422
