"""An open transaction with the repositories that work in it."""

from collections.abc import Callable
from functools import cached_property

from sqlalchemy import Connection

from munshi.errors import VaultKeyInvalidError
from munshi.infrastructure.database.alert_channel_repository import AlertChannelRepository
from munshi.infrastructure.database.alert_facts_repository import AlertFactsRepository
from munshi.infrastructure.database.alert_outbox_repository import AlertOutboxRepository
from munshi.infrastructure.database.alert_repository import AlertRepository
from munshi.infrastructure.database.api_key_repository import ApiKeyRepository
from munshi.infrastructure.database.archive_repository import ArchiveRepository
from munshi.infrastructure.database.archived_row_repository import ArchivedRowRepository
from munshi.infrastructure.database.attempt_repository import AttemptRepository
from munshi.infrastructure.database.audit_key_repository import AuditKeyRepository
from munshi.infrastructure.database.audit_repository import AuditRepository
from munshi.infrastructure.database.auth_repository import AuthRepository
from munshi.infrastructure.database.backtest_audit_repository import BacktestAuditRepository
from munshi.infrastructure.database.backtest_repository import BacktestRepository
from munshi.infrastructure.database.cache_repository import CacheRepository
from munshi.infrastructure.database.candle_repository import CandleRepository
from munshi.infrastructure.database.change_repository import ChangeRepository
from munshi.infrastructure.database.circuit_repository import CircuitRepository
from munshi.infrastructure.database.config_history_repository import ConfigHistoryRepository
from munshi.infrastructure.database.config_repository import ConfigRepository
from munshi.infrastructure.database.gap_repository import GapRepository
from munshi.infrastructure.database.health_repository import HealthRepository
from munshi.infrastructure.database.instrument_list_repository import InstrumentListRepository
from munshi.infrastructure.database.instrument_repository import InstrumentRepository
from munshi.infrastructure.database.job_log_repository import JobLogRepository
from munshi.infrastructure.database.job_pace_repository import JobPaceRepository
from munshi.infrastructure.database.job_repository import JobRepository
from munshi.infrastructure.database.ledger_reader import LedgerReader
from munshi.infrastructure.database.ledger_repository import LedgerRepository
from munshi.infrastructure.database.legacy_repository import LegacyRepository
from munshi.infrastructure.database.listing_repository import ListingRepository
from munshi.infrastructure.database.login_repository import LoginRepository
from munshi.infrastructure.database.login_state_repository import LoginStateRepository
from munshi.infrastructure.database.personal_data_repository import PersonalDataRepository
from munshi.infrastructure.database.provisional_bar_repository import ProvisionalBarRepository
from munshi.infrastructure.database.queue_repository import QueueRepository
from munshi.infrastructure.database.rate_call_repository import RateCallRepository
from munshi.infrastructure.database.rate_pool_repository import RatePoolRepository
from munshi.infrastructure.database.schedule_repository import ScheduleRepository
from munshi.infrastructure.database.sealed_row_repository import SealedRowRepository
from munshi.infrastructure.database.setup_link_repository import SetupLinkRepository
from munshi.infrastructure.database.stream_quote_repository import StreamQuoteRepository
from munshi.infrastructure.database.sweep_repository import SweepRepository
from munshi.infrastructure.database.throttle_repository import ThrottleRepository
from munshi.infrastructure.database.user_repository import UserRepository
from munshi.infrastructure.database.user_session_repository import UserSessionRepository
from munshi.infrastructure.database.validation_repository import ValidationRepository
from munshi.infrastructure.database.vault_key_repository import VaultKeyRepository
from munshi.infrastructure.database.vital_signs_repository import VitalSignsRepository
from munshi.infrastructure.security.vault import Vault


class Transaction:
    """What a service works with; it commits when the service's `with` block ends."""

    def __init__(self, connection: Connection, vault: Vault | None) -> None:
        self.connection = connection
        self._vault = vault
        self._afterwards: dict[Callable[[], None], None] = {}

    def after_commit(self, call: Callable[[], None]) -> None:
        """Have `call` made once when the transaction has committed, and not if it does not."""
        self._afterwards[call] = None

    def committed(self) -> None:
        """Make the calls that were asked for; whoever opened the transaction says when."""
        for call in self._afterwards:
            call()

    @cached_property
    def vault(self) -> Vault:
        if self._vault is None:
            raise VaultKeyInvalidError("The vault has not been opened.")
        return self._vault.bound_to(self.vault_keys)

    @cached_property
    def auth(self) -> AuthRepository:
        return AuthRepository(self.connection, self.vault)

    @cached_property
    def logins(self) -> LoginRepository:
        return LoginRepository(self.connection)

    @cached_property
    def login_states(self) -> LoginStateRepository:
        return LoginStateRepository(self.connection)

    @cached_property
    def provisional_bars(self) -> ProvisionalBarRepository:
        return ProvisionalBarRepository(self.connection)

    @cached_property
    def stream_quotes(self) -> StreamQuoteRepository:
        return StreamQuoteRepository(self.connection)

    @cached_property
    def changes(self) -> ChangeRepository:
        return ChangeRepository(self.connection)

    @cached_property
    def circuits(self) -> CircuitRepository:
        return CircuitRepository(self.connection)

    @cached_property
    def jobs(self) -> JobRepository:
        return JobRepository(self.connection)

    @cached_property
    def attempts(self) -> AttemptRepository:
        return AttemptRepository(self.connection)

    @cached_property
    def queues(self) -> QueueRepository:
        return QueueRepository(self.connection)

    @cached_property
    def job_pace(self) -> JobPaceRepository:
        return JobPaceRepository(self.connection)

    @cached_property
    def job_logs(self) -> JobLogRepository:
        return JobLogRepository(self.connection)

    @cached_property
    def schedules(self) -> ScheduleRepository:
        return ScheduleRepository(self.connection)

    @cached_property
    def config(self) -> ConfigRepository:
        return ConfigRepository(self.connection, lambda: self.vault)

    @cached_property
    def config_history(self) -> ConfigHistoryRepository:
        return ConfigHistoryRepository(self.connection)

    @cached_property
    def audit(self) -> AuditRepository:
        return AuditRepository(self.connection)

    @cached_property
    def ledger(self) -> LedgerRepository:
        return LedgerRepository(self.connection)

    @cached_property
    def audit_keys(self) -> AuditKeyRepository:
        return AuditKeyRepository(self.connection, lambda: self.vault)

    @cached_property
    def ledger_reader(self) -> LedgerReader:
        return LedgerReader(self.connection, self.ledger)

    @cached_property
    def legacy(self) -> LegacyRepository:
        return LegacyRepository(self.connection)

    @cached_property
    def archives(self) -> ArchiveRepository:
        return ArchiveRepository(self.connection)

    @cached_property
    def archived_rows(self) -> ArchivedRowRepository:
        return ArchivedRowRepository(self.connection)

    @cached_property
    def personal_data(self) -> PersonalDataRepository:
        return PersonalDataRepository(self.connection)

    @cached_property
    def alerts(self) -> AlertRepository:
        return AlertRepository(self.connection)

    @cached_property
    def alert_outbox(self) -> AlertOutboxRepository:
        return AlertOutboxRepository(self.connection)

    @cached_property
    def alert_channels(self) -> AlertChannelRepository:
        return AlertChannelRepository(self.connection, lambda: self.vault)

    @cached_property
    def alert_facts(self) -> AlertFactsRepository:
        return AlertFactsRepository(self.connection)

    @cached_property
    def vault_keys(self) -> VaultKeyRepository:
        return VaultKeyRepository(self.connection)

    @cached_property
    def sealed_rows(self) -> SealedRowRepository:
        return SealedRowRepository(self.connection)

    @cached_property
    def backtests(self) -> BacktestRepository:
        return BacktestRepository(self.connection)

    @cached_property
    def backtest_audits(self) -> BacktestAuditRepository:
        return BacktestAuditRepository(self.connection)

    @cached_property
    def validations(self) -> ValidationRepository:
        return ValidationRepository(self.connection)

    @cached_property
    def sweeps(self) -> SweepRepository:
        return SweepRepository(self.connection)

    @cached_property
    def candles(self) -> CandleRepository:
        return CandleRepository(self.connection)

    @cached_property
    def gaps(self) -> GapRepository:
        return GapRepository(self.connection)

    @cached_property
    def instruments(self) -> InstrumentRepository:
        return InstrumentRepository(self.connection)

    @cached_property
    def listings(self) -> ListingRepository:
        return ListingRepository(self.connection)

    @cached_property
    def instrument_lists(self) -> InstrumentListRepository:
        return InstrumentListRepository(self.connection)

    @cached_property
    def health(self) -> HealthRepository:
        return HealthRepository(self.connection)

    @cached_property
    def vital_signs(self) -> VitalSignsRepository:
        return VitalSignsRepository(self.connection)

    @cached_property
    def rate_pools(self) -> RatePoolRepository:
        return RatePoolRepository(self.connection)

    @cached_property
    def rate_calls(self) -> RateCallRepository:
        return RateCallRepository(self.connection)

    @cached_property
    def cache(self) -> CacheRepository:
        return CacheRepository(self.connection)

    @cached_property
    def users(self) -> UserRepository:
        return UserRepository(self.connection, lambda: self.vault)

    @cached_property
    def user_sessions(self) -> UserSessionRepository:
        return UserSessionRepository(self.connection)

    @cached_property
    def api_keys(self) -> ApiKeyRepository:
        return ApiKeyRepository(self.connection)

    @cached_property
    def setup_links(self) -> SetupLinkRepository:
        return SetupLinkRepository(self.connection)

    @cached_property
    def throttle(self) -> ThrottleRepository:
        return ThrottleRepository(self.connection)
