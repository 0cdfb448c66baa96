"""New data keys, and every sealed row under them, while the desk works."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.sealed_row_repository import SealedTable, sealed_tables
from munshi.infrastructure.database.vault_key_repository import DataKeyRow
from munshi.infrastructure.security.purposes import Purpose
from munshi.keys.ground import ENTITY, KeyGround

# Login links are good for a day; the key that signed one is kept for two.
TICKET_KEYS_KEPT = timedelta(days=2)
WAIT_SECONDS = 0.2
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reencrypted:
    """What a run did; `resumed` says that it finished one that was cut short."""

    resumed: bool
    new_keys: int
    rows: int
    removed_keys: int


def reencrypt(ground: KeyGround, *, progress: Progress, actor: Actor) -> Reencrypted:
    """Seal everything with new data keys.

    Every purpose gets a new key in a transaction of its own, which waits for those that are
    sealing with the old one; from then on nobody can seal with it. Then rows are sealed anew by
    the batch, and a key goes when no row is sealed with it. A run that was killed leaves retired
    keys, and the next one finishes it before it does anything else. `progress(done, of)` counts
    rows. Raises SecretUnreadableError for a row that does not open; what was done stays done.
    """
    with ground.alone():
        ground.found()
        run = _Run(ground.database, ground.clock, actor)
        started, resumed = run.find_start()
        new_keys = run.make_keys(started)
        rows = run.seal_rows(progress)
        removed = run.remove_keys()
    return Reencrypted(resumed=resumed, new_keys=new_keys, rows=rows, removed_keys=removed)


class _Run:
    def __init__(self, database: Database, clock: Clock, actor: Actor) -> None:
        self._database = database
        self._clock = clock
        self._actor = actor

    def find_start(self) -> tuple[datetime, bool]:
        """When this run, or the one that it finishes, began; and whether it finishes one."""
        with self._database.reading() as tx:
            cut_short = [each.retired_at for each in self._retired(tx.vault_keys.list_data_keys())]
        begun = min((at for at in cut_short if at is not None), default=None)
        return begun or self._clock.now(), begun is not None

    def make_keys(self, started: datetime) -> int:
        """Give each purpose whose key is older than the run a new one."""
        return sum(self._renew(purpose, started) for purpose in Purpose)

    def _renew(self, purpose: Purpose, started: datetime) -> bool:
        with self._database.transaction() as tx:
            # In this order, as those who seal take their locks.
            tx.vault_keys.lock_active(purpose)
            master = tx.vault_keys.lock_master()
            old = next(
                (
                    each
                    for each in tx.vault_keys.list_data_keys()
                    if each.key.purpose is purpose and each.key.is_active
                ),
                None,
            )
            if master is None or old is None or old.created_at >= started:
                return False
            tx.vault_keys.retire_data_key(old.key.key_id, now=started)
            new = tx.vault.make_key(purpose, master_id=master.key_id)
            tx.vault_keys.save_data_key(new, now=started)
            tx.audit.log(
                ENTITY,
                "data_key_renewed",
                entity_id=new.key_id,
                old_value={"data_key": old.key.key_id},
                new_value={"data_key": new.key_id},
                details={"purpose": purpose.value},
                actor=self._actor,
                now=self._clock.now(),
            )
        return True

    def seal_rows(self, progress: Progress) -> int:
        pending = [(table, self._outdated(table)) for table in sealed_tables()]
        total, done = sum(count for _, count in pending), 0
        progress(done, total)
        for table, count in pending:
            left = count
            while left > 0:
                moved = self._seal_batch(table)
                done += moved
                progress(done, max(total, done))
                if moved == 0:  # what is left is being changed by somebody else
                    self._clock.sleep(WAIT_SECONDS)
                left = left - moved if 0 < moved < left else self._outdated(table)
        return done

    def _outdated(self, table: SealedTable) -> int:
        with self._database.reading() as tx:
            active = tx.vault_keys.get_active(table.purpose)
            # Without a key of this format every row is of an older one.
            return tx.sealed_rows.count_outdated(table, key_id=active or "00" * 8)

    def _seal_batch(self, table: SealedTable) -> int:
        with self._database.transaction() as tx:
            active = tx.vault.sealing_key(table.purpose)
            return tx.sealed_rows.seal_anew(table, tx.vault, key_id=active)

    def remove_keys(self) -> int:
        with self._database.reading() as tx:
            listed = tx.vault_keys.list_data_keys()
        return sum(self._remove(each) for each in self._removable(listed))

    def _remove(self, row: DataKeyRow) -> bool:
        """Drop a key unless something is still sealed with it."""
        key = row.key
        with self._database.transaction() as tx:
            if tx.sealed_rows.count_values().get(key.key_id, 0):
                return False
            tx.vault_keys.delete_data_key(key.key_id)
            tx.audit.log(
                ENTITY,
                "data_key_removed",
                entity_id=key.key_id,
                old_value={"data_key": key.key_id},
                details={"purpose": key.purpose.value},
                actor=self._actor,
                now=self._clock.now(),
            )
        return True

    def _retired(self, rows: list[DataKeyRow]) -> list[DataKeyRow]:
        """Those that mark a run as unfinished: ticket keys stay for a while by design."""
        return [
            each
            for each in rows
            if not each.key.is_active and each.key.purpose is not Purpose.TICKETS
        ]

    def _removable(self, rows: list[DataKeyRow]) -> list[DataKeyRow]:
        long_ago = self._clock.now() - TICKET_KEYS_KEPT
        old_tickets = [
            each
            for each in rows
            if each.key.purpose is Purpose.TICKETS
            and each.retired_at is not None
            and each.retired_at <= long_ago
        ]
        return self._retired(rows) + old_tickets
