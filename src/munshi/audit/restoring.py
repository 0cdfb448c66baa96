"""Brings archived rows back into the table as they stood there."""

from collections.abc import Iterator

from munshi.audit.archive_turn import ArchiveTurn
from munshi.audit.archiving import ENTITY, Told
from munshi.clock import Clock
from munshi.domain.audit import Actor, leaf_hash
from munshi.domain.ledger.archives import Archive, ArchivedBlock, ArchiveState
from munshi.domain.ledger.blocks import unpack_ids, unpack_leaves
from munshi.domain.ledger.rows import says_what_was_hashed
from munshi.errors import ArchiveDroppedError, ArchiveInvalidError, ArchiveUnknownError
from munshi.infrastructure.archives import ArchiveFolder
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.transaction import Transaction

# So many rows come back in one transaction.
ROWS_AT_A_TIME = 2_048


class Restorer:
    """The file goes when every row is back, and was read there. Whoever calls it has the turn."""

    def __init__(
        self, database: Database, clock: Clock, folder: ArchiveFolder, turn: ArchiveTurn
    ) -> None:
        self._database = database
        self._clock = clock
        self._folder = folder
        self._turn = turn

    def restore(self, name: str, *, actor: Actor, told: Told) -> int:
        """How many rows came back; a later run archives them again.

        Raises ArchiveUnknownError, ArchiveDroppedError, and ArchiveInvalidError for a file that is
        not what was archived.
        """
        archive = self._get(name)
        if archive.state == ArchiveState.DROPPED:
            raise ArchiveDroppedError(f"The archive {name} was dropped by retention.")
        self._check_digest(archive)
        now = self._clock.now()
        with self._database.transaction() as tx:
            self._turn.renew(tx)
            tx.archives.save_state(name, ArchiveState.ARCHIVED, ArchiveState.RESTORING, now=now)
            tx.audit.log(
                ENTITY,
                "restored",
                entity_id=name,
                new_value={"rows": archive.rows, "sha256": archive.sha256},
                actor=actor,
                now=now,
            )
        self.go_on(archive, told=told)
        return archive.rows

    def go_on(self, archive: Archive, *, told: Told) -> None:
        """Bring back what is not back yet."""
        self._check_digest(archive)
        done, behind = 0, archive.first_block - 1
        with self._folder.read(archive.name) as (_, blocks):
            for some in _batches(blocks):
                with self._database.transaction() as tx:
                    self._turn.renew(tx)
                    for block in some:
                        _bring_back(tx, block, archive.name)
                behind, done = some[-1].number, done + sum(len(each.rows) for each in some)
                told("restoring", done, archive.rows)
        if behind != archive.last_block or done != archive.rows:
            raise _unlike(archive.name)
        with self._database.transaction() as tx:
            self._turn.renew(tx)
            tx.archives.save_state(
                archive.name,
                ArchiveState.RESTORING,
                ArchiveState.RESTORED,
                now=self._clock.now(),
            )
        self.clear(archive)

    def clear(self, archive: Archive) -> None:
        """Forget an archive whose rows are all back, and its file."""
        self._folder.remove(archive.name)
        with self._database.transaction() as tx:
            self._turn.renew(tx)
            tx.archives.delete_archive(archive.name)

    def _get(self, name: str) -> Archive:
        self._folder.file(name)
        with self._database.reading() as tx:
            found = tx.archives.get_archive(name)
        if found is None:
            raise ArchiveUnknownError(
                f"There is no archive {name}.", hint="See: munshi audit archives"
            )
        return found

    def _check_digest(self, archive: Archive) -> None:
        if self._folder.digest(archive.name) != archive.sha256:
            raise ArchiveInvalidError(
                f"The archive {archive.name} was changed.",
                hint="Put the file back from a backup; no row was brought back.",
            )


def _batches(blocks: Iterator[ArchivedBlock]) -> Iterator[list[ArchivedBlock]]:
    some: list[ArchivedBlock] = []
    for block in blocks:
        some.append(block)
        if sum(len(each.rows) for each in some) >= ROWS_AT_A_TIME:
            yield some
            some = []
    if some:
        yield some


def _bring_back(tx: Transaction, block: ArchivedBlock, name: str) -> None:
    """Insert what is not there, and read all of it back. Raises ArchiveInvalidError."""
    sealed = tx.ledger.get_block(block.number)
    ids = tuple(each.audit_id for each in block.rows)
    if sealed is None or ids != unpack_ids(sealed.ids):
        raise _unlike(name)
    leaves = unpack_leaves(sealed.leaves)
    if any(
        leaf_hash(each.row.canonical) != leaf for each, leaf in zip(block.rows, leaves, strict=True)
    ):
        raise _unlike(name)
    there = tx.archived_rows.list_ids(ids)
    is_counted_here = sealed.era == tx.ledger.get_head()[1].era
    tx.archived_rows.save_rows(
        (each for each in block.rows if each.audit_id not in there), counted=is_counted_here
    )
    back = tx.archived_rows.list_rows(ids)
    for audit_id, leaf in zip(ids, leaves, strict=True):
        stored = back[audit_id][1]
        if (stored.leaf, leaf_hash(stored.canonical)) != (leaf, leaf):
            raise _unlike(name)
        if not says_what_was_hashed(stored):
            raise _unlike(name)


def _unlike(name: str) -> ArchiveInvalidError:
    return ArchiveInvalidError(
        f"The archive {name} does not hold what was sealed.",
        hint="Run: munshi audit verify",
    )
