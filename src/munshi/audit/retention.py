"""Drops archives that are older than the desk keeps them; their blocks stay for ever."""

from datetime import datetime, timedelta

from munshi.audit.archive_turn import ArchiveTurn
from munshi.audit.archiving import ENTITY, Told, next_blocks
from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.domain.ledger.archives import LEAST_KEPT, Archive, ArchiveState, drop_body
from munshi.domain.ledger.checkpoints import key_fingerprint
from munshi.errors import LedgerBrokenError
from munshi.infrastructure.archives import ArchiveFolder
from munshi.infrastructure.database.engine import Database


class Retention:
    """Counts from when an archive was made.

    That time is not signed, so the sealing of its last block must be as old, which nobody can put
    back. Whoever calls it has the turn.
    """

    def __init__(
        self, database: Database, clock: Clock, folder: ArchiveFolder, turn: ArchiveTurn
    ) -> None:
        self._database = database
        self._clock = clock
        self._folder = folder
        self._turn = turn

    def drop(self, *, keep: timedelta, actor: Actor, told: Told) -> list[Archive]:
        """Drop what was archived longer than `keep` ago, and never before a year is over."""
        kept = max(keep, LEAST_KEPT)
        old = self._list_older_than(self._clock.now() - kept)
        for done, archive in enumerate(old, start=1):
            self._drop(archive, kept=kept, actor=actor)
            told("dropping", done, len(old))
        return old

    def _list_older_than(self, instant: datetime) -> list[Archive]:
        with self._database.reading() as tx:
            ages = [
                (each, tx.archives.get_sealed_at(each.last_block))
                for each in tx.archives.list_archives()
                if each.state == ArchiveState.ARCHIVED and each.created_at < instant
            ]
        return [each for each, sealed_at in ages if sealed_at is not None and sealed_at < instant]

    def _drop(self, archive: Archive, *, kept: timedelta, actor: Actor) -> None:
        """The signed record, the audit row and the personal values in one transaction.

        The file goes afterwards.
        """
        now = self._clock.now()
        with self._database.transaction() as tx:
            self._turn.renew(tx)
            key = tx.audit_keys.get_signing_key(now=now)
            body = drop_body(tx.ledger.get_head()[0].ledger_id, archive, now)
            is_new = tx.archives.save_dropped(
                archive.name,
                key_id=key_fingerprint(key.public),
                signature=key.sign(body),
                now=now,
            )
            if not is_new:
                raise LedgerBrokenError(f"The record of the archive {archive.name} was changed.")
            erased, after = 0, archive.first_block - 1
            while after < archive.last_block:
                found = next_blocks(tx, after, archive)
                ids = [each for _, some in found for each in some]
                erased += tx.personal_data.erase_rows(ids)
                after = found[-1][0]
            tx.audit.log(
                ENTITY,
                "dropped",
                entity_id=archive.name,
                old_value={
                    "first_block": archive.first_block,
                    "last_block": archive.last_block,
                    "rows": archive.rows,
                    "sha256": archive.sha256,
                },
                details={"kept_days": kept.days, "personal_values": erased},
                actor=actor,
                now=now,
            )
        self._folder.remove(archive.name)
