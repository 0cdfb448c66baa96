"""What the doctor stands on: everything may be missing or broken, and nothing is changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from munshi.clock import Clock
from munshi.config.service import ConfigService
from munshi.doctor.diagnosis import CannotLookError
from munshi.errors import AppError
from munshi.health.ground import CheckGround
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.opening import check_revision
from munshi.infrastructure.database.sqlite_files import database_path
from munshi.infrastructure.database.url import parse_database_url
from munshi.infrastructure.security.key_sources import KeySources
from munshi.market.calendar_service import CalendarService
from munshi.settings import Settings


class DatabaseSight:
    """The desk's database, opened for looking by whoever asks first. All others get the same."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._opened: Database | None = None
        self._error: Exception | None = None

    @property
    def path(self) -> Path | None:
        """The file of an embedded database; None for a server, or an address that is none."""
        settings = self._settings
        try:
            url = parse_database_url(settings.database_url.get_secret_value(), home=settings.home)
        except AppError:
            return None
        embedded = url.get_backend_name() == "sqlite" and url.database
        return Path(url.database) if embedded and url.database else None

    def any_revision(self) -> Database:
        """Raises CannotLookError where there is none yet; DatabaseUrlInvalidError."""
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def of_our_revision(self) -> Database:
        """Raises CannotLookError when it is away, or not as this version needs it."""
        with self._lock:
            if self._error is not None:
                raise CannotLookError(str(self._error)) from None
        try:
            database = self.any_revision()
            check_revision(database)
        except CannotLookError:
            raise
        except Exception as error:
            why = "The database cannot be used; see the line on it."
            with self._lock:
                self._error = CannotLookError(why)
            raise CannotLookError(why) from error
        return database

    def _open(self) -> Database:
        settings = self._settings
        url = parse_database_url(settings.database_url.get_secret_value(), home=settings.home)
        path = self.path
        if path is not None and not path.exists():
            raise CannotLookError(f"There is no database yet at {path}.")
        return Database(url, pool_size=settings.database_pool_size, read_only=True)

    def close(self) -> None:
        # Whoever looks at a disk that does not answer may hold the lock for ever.
        if self._lock.acquire(timeout=1):
            try:
                if self._opened is not None:
                    self._opened.close()
            finally:
                self._lock.release()


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorGround:
    """`clock` is this machine's own. `hosts` are the brokers' addresses by what people call them.

    `complaints` are about settings that could not be used; `settings` has their defaults.
    """

    settings: Settings
    complaints: Sequence[AppError]
    clock: Clock
    sight: DatabaseSight
    keys: KeySources
    hosts: Mapping[str, str]
    offline: bool

    def health(self) -> CheckGround:
        """What health checks look at, without brokers. Raises CannotLookError."""
        database = self.sight.of_our_revision()
        config = ConfigService(database, self.clock)
        return CheckGround(
            database=database,
            clock=self.clock,
            home=self.settings.home,
            mode=self.settings.brokers,
            config=config,
            calendar=CalendarService(config).calendar,
            pulses={},
        )

    @property
    def database_folder(self) -> Path | None:
        path = self.sight.path
        return None if path is None else path.parent


def is_embedded(database: Database) -> bool:
    return database_path(database) is not None
