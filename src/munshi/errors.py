"""Every error a user can meet, named by what happened and saying what mends it."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar


class AppError(Exception):
    """Something went wrong that Munshi can explain.

    A subclass is named `NounConditionError`; the first line of its docstring is the title that
    people read. `status` is the HTTP answer, `retryable` says whether the same request may
    succeed later, and `hint` names the command or the edit that mends it.
    """

    status: ClassVar[int] = 500
    retryable: bool = False

    def __init__(
        self, detail: str, *, hint: str | None = None, **extra: str | float | None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.extra = extra

    @classmethod
    def slug(cls) -> str:
        """`SessionConflictError` -> `session-conflict`, the stable end of the problem type."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__.removesuffix("Error")).lower()

    @classmethod
    def title(cls) -> str:
        return (cls.__doc__ or "").strip().splitlines()[0].rstrip(".")

    def __str__(self) -> str:
        return f"{self.detail} {self.hint}" if self.hint else self.detail


# --- brokers: named by the reaction they call for ------------------------------------------


class BrokerError(AppError):
    """The broker could not do what was asked."""

    status = 502


class BrokerSessionExpiredError(BrokerError):
    """The broker no longer accepts this login: log in again."""

    status = 409


class BrokerLoginRefusedError(BrokerError):
    """The broker refused the credentials or the one-time token."""

    status = 409


class BrokerThrottledError(BrokerError):
    """The broker's request limit is reached: wait."""

    status = 503
    retryable = True

    def __init__(self, detail: str, *, retry_after: float, hint: str | None = None) -> None:
        super().__init__(detail, hint=hint, retry_after=retry_after)
        self.retry_after = retry_after


class BrokerRequestError(BrokerError):
    """The broker found the request wrong: fix it."""

    status = 422


class BrokerUnavailableError(BrokerError):
    """The broker is down, unreachable or answered nonsense."""

    status = 502
    retryable = True


class MasterRefusedError(BrokerUnavailableError):
    """The broker's list of instruments is not fit to be loaded: the one before it stays."""


class BrokerUnclearError(BrokerUnavailableError):
    """The broker failed at this one request and did not say why."""


class BrokerRestingError(BrokerUnavailableError):
    """The broker failed several times in a row and is left alone for a while: wait."""

    status = 503

    def __init__(self, detail: str, *, retry_after: float, hint: str | None = None) -> None:
        super().__init__(detail, hint=hint, retry_after=retry_after)
        self.retry_after = retry_after


class BrokerClockError(BrokerLoginRefusedError):
    """The broker finds that this machine's clock is wrong."""

    def __init__(
        self, detail: str, *, broker_time: datetime | None = None, hint: str | None = None
    ) -> None:
        super().__init__(detail, hint=hint)
        self.broker_time = broker_time


class BrokerStreamSilentError(BrokerUnavailableError):
    """The broker's stream is open and says nothing, not even its heartbeat."""


class RequestAbandonedError(AppError):
    """The request was given up before it was sent, because whoever asked was told to stop."""

    status = 409


# --- the cache -----------------------------------------------------------------------------


class CacheValueUnfitError(AppError):
    """The value is not what its shelf of the cache holds."""

    status = 500


class CacheValueTooLargeError(AppError):
    """The value is too large for the cache."""

    status = 500


class CacheShelfUnknownError(AppError):
    """No such shelf of the cache."""

    status = 404


# --- the desk ------------------------------------------------------------------------------


class ServiceUnknownError(AppError):
    """No such service."""

    status = 404


class LoginNeededError(AppError):
    """A person has to log in at the broker first."""

    status = 409


class LoginNotPendingError(AppError):
    """No login is waiting for this redirect."""

    status = 403


class CredentialsMissingError(AppError):
    """The broker's key or secret has not been stored."""

    status = 409


class SessionConflictError(AppError):
    """Another login for the same service committed first."""

    status = 409
    retryable = True


class BrokerUserMismatchError(AppError):
    """The broker logged in somebody other than the configured user."""

    status = 403


class JobUnknownError(AppError):
    """No such job."""

    status = 404


class JobTypeUnknownError(AppError):
    """No such job type."""

    status = 404


class JobParametersInvalidError(AppError):
    """The job's parameters do not fit its type."""

    status = 422


class JobResultInvalidError(AppError):
    """The job's result cannot be stored."""

    status = 500


class JobExtraMissingError(AppError):
    """The libraries that this job type needs are not installed."""

    status = 503


class JobArtifactInvalidError(AppError):
    """The file cannot be kept with the job."""

    status = 422


class JobArtifactUnwritableError(AppError):
    """The disk does not take the job's file."""

    status = 507


class QueueUnknownError(AppError):
    """No such queue of jobs."""

    status = 404


class JobStateConflictError(AppError):
    """The job's state does not allow this."""

    status = 409


class JobSelectionGrownError(AppError):
    """More jobs match than were shown."""

    status = 409


class JobAttemptFencedError(AppError):
    """A newer attempt of the job has taken over."""

    status = 409


class ScheduleUnknownError(AppError):
    """No such schedule."""

    status = 404


class ScheduleSeededError(AppError):
    """The schedule comes with Munshi and cannot be removed, only paused."""

    status = 409


class JobHandlerFailedError(AppError):
    """The job's handler failed in the process that ran it.

    What it raised there says whether it is `retryable`, after how many seconds at the soonest
    (`retry_after`), and where it happened (`trace`, outermost first).
    """

    def __init__(
        self,
        detail: str,
        *,
        retryable: bool = False,
        retry_after: float | None = None,
        trace: Sequence[str] = (),
    ) -> None:
        super().__init__(detail)
        self.retryable = retryable
        self.retry_after = retry_after
        self.trace = tuple(trace)


class JobProcessDiedError(AppError):
    """The process that ran the job died."""


class JobMemoryExceededError(AppError):
    """The job held more memory than its type may."""


class JobOutputExcessiveError(AppError):
    """The job wrote more output than a job may."""


class JobForkedError(AppError):
    """The job's handler forked the worker."""


class ConfigTypeUnknownError(AppError):
    """No such configuration type."""

    status = 404


class ConfigKeyUnknownError(AppError):
    """No such configuration key."""

    status = 404


class ConfigValueInvalidError(AppError):
    """The configuration value does not fit its key."""

    status = 422


class ConfigVersionConflictError(AppError):
    """The configuration value was changed by somebody else meanwhile."""

    status = 412


class ConfigChangeRepeatedError(AppError):
    """One change names the same setting twice."""

    status = 422


class ConfigRevisionUnknownError(AppError):
    """The configuration never had this revision."""

    status = 404


class ConfigRollbackRefusedError(AppError):
    """What stood then is not allowed today."""

    status = 422


class ConfigFileInvalidError(AppError):
    """The file of configuration cannot be taken over."""

    status = 422


class ConfigExportUnwritableError(AppError):
    """The configuration cannot be written there."""


class EditorFailedError(AppError):
    """The editor did not do its work."""


class ConfigConflictUnsettledError(AppError):
    """Files say different things about the same setting."""

    status = 409


class HealthComponentUnknownError(AppError):
    """No component of that name is watched."""

    status = 404


class AlertUnknownError(AppError):
    """No such open alert."""

    status = 404


class AlertChannelUnknownError(AppError):
    """No such channel for alerts."""

    status = 404


class AlertChannelExistsError(AppError):
    """A channel for alerts of this name exists."""

    status = 409


class AlertChannelInvalidError(AppError):
    """The address of a channel for alerts does not fit."""

    status = 422


class AlertSilenceUnknownError(AppError):
    """No such silence in force."""

    status = 404


class AlertSilenceInvalidError(AppError):
    """A silence needs a pattern, a reason and an end to come."""

    status = 422


class AlertDeliveryFailedError(AppError):
    """A message was not taken by its channel."""

    status = 502


# --- market data ---------------------------------------------------------------------------


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


class InstrumentNotServedError(AppError):
    """The broker does not serve this instrument."""

    status = 422


# --- the ground everything stands on -------------------------------------------------------


class DatabaseUnreachableError(AppError):
    """The database cannot be reached."""

    status = 503
    retryable = True


class DatabaseStaleError(AppError):
    """The database is not at the revision this version needs."""

    status = 503


class DatabaseUnfinishedError(AppError):
    """The database was to become a copy of another, and is not finished."""

    status = 503


class DatabaseInUseError(AppError):
    """Somebody still works with the database that is to be copied."""

    status = 409
    retryable = True


class CopyTargetUnfitError(AppError):
    """The database cannot become a copy of another."""

    status = 409


class LegacyTablesKeptError(AppError):
    """The tables of the old install were not dropped."""

    status = 409


class CopyRowUnfitError(AppError):
    """A row does not fit into the database that it is copied to."""

    status = 422


class CopyUnequalError(AppError):
    """What was copied reads otherwise than what it was copied from."""


class DatabaseForeignError(AppError):
    """The database holds tables of our names that we did not make."""

    status = 503


class DatabaseUrlInvalidError(AppError):
    """The database address cannot be understood."""


class TransactionNestedError(AppError):
    """A transaction was opened inside another."""


class TransactionOpenError(AppError):
    """Something slow was asked while a transaction was open."""


class VaultKeyInvalidError(AppError):
    """The key that protects stored secrets cannot be used."""

    status = 503


class VaultKeyMissingError(AppError):
    """The place where the master key was kept does not hold it any more."""

    status = 503


class VaultKeyConflictError(AppError):
    """Two places hold different master keys."""

    status = 503


class KeyBackupInvalidError(AppError):
    """The copy of the keys cannot be used."""


class PassphraseWeakError(AppError):
    """The passphrase is too easy to guess."""


class KeyChangeConflictError(AppError):
    """Somebody else is changing the keys."""

    status = 409
    retryable = True


class TotpSeedInvalidError(AppError):
    """The TOTP seed cannot be used."""

    status = 422


class SecretUnreadableError(AppError):
    """A stored secret cannot be decrypted."""


class EnvFileInvalidError(AppError):
    """The `.env` file cannot be used."""


class HomeUnusableError(AppError):
    """Munshi's home folder cannot be used."""


class SettingsInvalidError(AppError):
    """A setting has a value that cannot be used."""


class ScriptNotFoundError(AppError):
    """The script cannot be started."""


class PortBusyError(AppError):
    """The port is already in use."""


class SimulatorRunningError(AppError):
    """A simulator already runs in this home."""

    status = 409


class ClockDriftError(AppError):
    """This machine's clock and the database's are too far apart."""

    status = 503
    retryable = True


# --- who may call --------------------------------------------------------------------------


class AccessDeniedError(AppError):
    """This caller may not do that."""

    status = 403


class AuthenticationNeededError(AppError):
    """The caller has to say who they are."""

    status = 401


class SignInRefusedError(AppError):
    """Name, password or one-time code is wrong."""

    status = 401


class SignInThrottledError(AppError):
    """Too many sign-ins have failed: wait."""

    status = 429
    retryable = True


class PasswordQueueFullError(AppError):
    """Too many passwords are being checked at this moment."""

    status = 503
    retryable = True


class PasswordUnfitError(AppError):
    """The password is too easy to guess."""

    status = 422


class UserNameInvalidError(AppError):
    """The name cannot be used."""

    status = 422


class UserUnknownError(AppError):
    """No such user."""

    status = 404


class UserExistsError(AppError):
    """There is a user of that name already."""

    status = 409


class LastAdminError(AppError):
    """This is the last administrator who can sign in."""

    status = 409


class SetupLinkInvalidError(AppError):
    """The link was used already, has expired or was replaced by a newer one."""

    status = 403


class SessionNeededError(AppError):
    """Only a signed-in person can do this."""

    status = 403


class SessionUnknownError(AppError):
    """No such session."""

    status = 404


class PasswordConfirmationNeededError(AppError):
    """The password has to be given again first."""

    status = 403


class SecondFactorConflictError(AppError):
    """The second factor's state does not allow this."""

    status = 409


class ApiKeyUnknownError(AppError):
    """No such API key."""

    status = 404


class ApiKeyInvalidError(AppError):
    """The API key cannot be made like this."""

    status = 422


class RateLimitExceededError(AppError):
    """Too many requests: wait."""

    status = 429
    retryable = True


class BodyTimeoutError(AppError):
    """The body took too long to arrive."""

    status = 408
    retryable = True


class HostForeignError(AppError):
    """The request was meant for another server."""

    status = 421


class OriginForeignError(AppError):
    """The request was sent by another site."""

    status = 403


class PathUnknownError(AppError):
    """There is nothing at this address."""

    status = 404


class MethodUnsupportedError(AppError):
    """The address does not take this method."""

    status = 405


class BodyTooLargeError(AppError):
    """The body is too large."""

    status = 413


class BodyMalformedError(AppError):
    """The body cannot be read."""

    status = 400


class UnexpectedError(AppError):
    """Something failed inside Munshi."""


class RequestInvalidError(AppError):
    """The request cannot be understood."""

    status = 422


class ConditionMalformedError(AppError):
    """The If-Match or If-None-Match header cannot be read."""

    status = 400


class CursorInvalidError(AppError):
    """The page cursor is not one of ours."""

    status = 422


class BindRefusedError(AppError):
    """Listening beyond this machine is refused until a user exists."""


class CheckpointInvalidError(AppError):
    """The text is no checkpoint of an audit trail."""

    status = 422


class ProofInvalidError(AppError):
    """The file is no proof of an audit row, or does not prove it."""

    status = 422


class AuditRowUnknownError(AppError):
    """There is no audit row of that number."""

    status = 404


class AuditRowUnsealedError(AppError):
    """The audit row is not sealed yet."""

    status = 409
    retryable = True


class LedgerBrokenError(AppError):
    """The audit trail is not as it was sealed."""

    status = 500


class ArchiveInvalidError(AppError):
    """The archive of audit rows is missing, damaged or does not belong here."""

    status = 422


class ArchiveUnwritableError(AppError):
    """An archive of audit rows cannot be written or removed."""

    status = 507
    retryable = True


class ArchiveUnknownError(AppError):
    """There is no archive of audit rows by that name."""

    status = 404


class ArchiveBusyError(AppError):
    """Somebody else is at work on the archives of the audit trail."""

    status = 409
    retryable = True


class ArchiveDroppedError(AppError):
    """The archive was dropped by retention and cannot come back."""

    status = 410


# --- services under systemd ----------------------------------------------------------------


class ServicePlanInvalidError(AppError):
    """That service cannot be set up so."""

    status = 422


class ServiceUnitEditedError(AppError):
    """A unit was changed by hand, and is not overwritten."""

    status = 409


class ServiceUnitUnwritableError(AppError):
    """A unit cannot be written."""


class SystemdAbsentError(AppError):
    """This machine has no systemd that could keep Munshi running."""


class SystemdRefusedError(AppError):
    """systemd did not do what was asked."""


# --- keeping and moving --------------------------------------------------------------------


class BackupFailedError(AppError):
    """The backup could not be made."""


class BackupInvalidError(AppError):
    """The file is no backup, or it is damaged."""

    status = 422


class BackupNewerError(AppError):
    """The backup was made by a later version of Munshi."""

    status = 422


class BackupProgramMissingError(AppError):
    """A program of PostgreSQL's that copies databases is missing or too old."""


class RestoreRefusedError(AppError):
    """The backup cannot be restored to this place."""

    status = 409


class RestoreUnfinishedError(AppError):
    """A restore into this home was cut short."""

    status = 409
