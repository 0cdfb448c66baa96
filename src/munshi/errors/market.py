"""Market data: instruments, calendars, candles."""

from munshi.errors.base import AppError


class CalendarYearUnknownError(AppError):
    """The market calendar does not cover this year."""

    status = 422


class CalendarInvalidError(AppError):
    """The calendar file cannot be used."""

    status = 422


class MarketFactUnknownError(AppError):
    """The dated tables of market facts do not cover this."""

    status = 422


class CollectionPartsFailedError(AppError):
    """Parts of a collection failed; what they fetched is kept."""

    status = 409


class SpotPriceMissingError(AppError):
    """No price of the underlying is stored for that day."""

    status = 409


class InstrumentUnknownError(AppError):
    """No such instrument."""

    status = 404


class InstrumentAmbiguousError(AppError):
    """Several instruments could be meant."""

    status = 422


class InstrumentListConflictError(AppError):
    """Other lists of instruments were stored at the same time."""

    status = 409
    retryable = True


class QuoteUnknownError(AppError):
    """The broker has no quote of this instrument."""

    status = 404


class IntervalUnknownError(AppError):
    """No such bar interval."""

    status = 422


class PriceInvalidError(AppError):
    """The value is not a price."""

    status = 422


class DateRangeInvalidError(AppError):
    """The date range cannot be used."""

    status = 422


class CandleFileInvalidError(AppError):
    """The file does not hold usable candles."""

    status = 422


class CandleFileDamagedError(AppError):
    """A stored candle file is missing or differs from its manifest."""

    status = 500


class QualityReportUnknownError(AppError):
    """No report on the quality of candles is kept."""

    status = 404


class ReportUnwritableError(AppError):
    """The report cannot be written there."""


class CandleFilesConflictError(AppError):
    """Another writer stored the same month of candles first."""

    status = 409
    retryable = True


class ProvisionalBarsConflictError(AppError):
    """Another stream stored a bar of the same minute first."""

    status = 409
    retryable = True


class StreamQuotesConflictError(AppError):
    """Another stream stored a quote of the same minute first."""

    status = 409
    retryable = True


class InstrumentNotServedError(AppError):
    """The broker does not serve this instrument."""

    status = 422
