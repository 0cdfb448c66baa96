"""What every act on keys stands on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from munshi.clock import Clock
from munshi.errors import KeyChangeConflictError, VaultKeyMissingError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.opening import check_canary
from munshi.infrastructure.database.vault_key_repository import MasterKeyRow
from munshi.infrastructure.security.key_sources import FoundKeys, KeySources

ENTITY = "keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyGround:
    """The database, and where its master key is kept."""

    database: Database
    clock: Clock
    sources: KeySources
    home: Path

    def master(self) -> MasterKeyRow | None:
        with self.database.reading() as tx:
            return tx.vault_keys.get_master()

    def found(self) -> tuple[MasterKeyRow, FoundKeys]:
        """The master key in force, proved. Raises what `unlock` raises."""
        master = self.master()
        if master is None:
            raise VaultKeyMissingError(
                "Nothing was sealed in this database yet, so there is no key.",
                hint="Run any other command first, such as: munshi status",
            )
        found = self.sources.open(master.key_id, source=master.source)
        check_canary(found, master)
        return master, found

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Only one act on keys at a time in this home. Raises KeyChangeConflictError."""
        lock = FileLock(self.home / "keys.lock", timeout=0)
        try:
            held = lock.acquire()
        except Timeout:
            raise KeyChangeConflictError(
                "Another process of this home is changing the keys.",
                hint="Wait until it is done, then run the command again.",
            ) from None
        with held:
            yield
