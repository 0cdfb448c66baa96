"""Moves sealed rows into files: first the file, on disk, then the rows out of the table."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from munshi.audit.archive_turn import ArchiveTurn
from munshi.clock import Clock
from munshi.domain.audit import Actor, leaf_hash
from munshi.domain.ledger.archives import (
    Archive,
    ArchivedBlock,
    ArchivedRow,
    ArchiveState,
    archive_name,
)
from munshi.domain.ledger.blocks import unpack_ids, unpack_leaves
from munshi.domain.ledger.rows import StoredBlock, says_what_was_hashed
from munshi.errors import AppError, ArchiveInvalidError, LedgerBrokenError
from munshi.infrastructure.archives import ArchiveFolder
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.transaction import Transaction

# What one file holds at most, in whole blocks.
MOST_ROWS = 65_536
# So many rows are read, or leave the table, in one transaction.
ROWS_AT_A_TIME = 2_048
ENTITY = "audit_archive"
# What is being done, and how many rows of how many.
Told = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Whole blocks in a row, with the least and the greatest id of their rows."""

    first_block: int
    last_block: int
    first_id: int
    last_id: int
    rows: int


class Mover:
    """Takes rows out of the table. Whoever calls it has the turn."""

    def __init__(
        self, database: Database, clock: Clock, folder: ArchiveFolder, turn: ArchiveTurn
    ) -> None:
        self._database = database
        self._clock = clock
        self._folder = folder
        self._turn = turn

    def spans(self, before: datetime) -> Iterator[Span]:
        """What can be archived: blocks in no archive whose rows are all older than `before`."""
        with self._database.reading() as tx:
            taken = tx.archives.list_archives()
        gathered: list[tuple[int, tuple[int, ...]]] = []
        after, rows = 0, 0
        while found := self._look(after, before):
            for number, ids, is_old in found:
                after = number
                goes_on = not gathered or gathered[-1][0] == number - 1
                fits = is_old and not any(
                    each.first_block <= number <= each.last_block for each in taken
                )
                if gathered and (not fits or not goes_on or rows + len(ids) > MOST_ROWS):
                    yield _span(gathered)
                    gathered, rows = [], 0
                if fits:
                    gathered.append((number, ids))
                    rows += len(ids)
            self._turn.stay()
        if gathered:
            yield _span(gathered)

    def move(self, span: Span, *, actor: Actor, told: Told) -> Archive:
        """Archive one span: file, record, rows. Raises LedgerBrokenError, ArchiveUnwritableError.

        If it does not come to the record, nothing is left of it.
        """
        archive = self._begin(span)
        try:
            header = self._header(archive)
            digest = self._folder.write(archive.name, header, self._blocks(archive, told))
            self._check_file(archive, digest, told)
        except Exception:
            with suppress(AppError):
                self.discard(archive)
            raise
        self._record(archive, digest, actor=actor)
        return self.finish(archive.name, told=told)

    def discard(self, archive: Archive) -> None:
        """Forget an archive that was being written: every row of it is in the table."""
        with self._database.operational() as tx:
            self._turn.renew(tx)
        self._folder.remove(archive.name)
        with self._database.transaction() as tx:
            self._turn.renew(tx)
            tx.archives.delete_archive(archive.name)

    def finish(self, name: str, *, told: Told) -> Archive:
        """Take the rows of a recorded archive out of the table, some blocks at a time.

        Raises ArchiveInvalidError, before a row is touched, if the file is not what was recorded.
        """
        archive = self._get(name)
        if self._folder.digest(name) != archive.sha256:
            raise ArchiveInvalidError(
                f"The archive {name}, whose rows are leaving the table, was changed.",
                hint="Put the file back from a backup; no row leaves the table before.",
            )
        done, after = 0, archive.first_block - 1
        while after < archive.last_block:
            with self._database.transaction() as tx:
                self._turn.renew(tx)
                found = next_blocks(tx, after, archive)
                ids = [each for _, some in found for each in some]
                tx.archived_rows.delete_rows(ids)
            after, done = found[-1][0], done + len(ids)
            told("removing", done, archive.rows)
        with self._database.transaction() as tx:
            self._turn.renew(tx)
            tx.archives.save_state(
                name, ArchiveState.MOVING, ArchiveState.ARCHIVED, now=self._clock.now()
            )
        return self._get(name)

    # --- steps -----------------------------------------------------------------------------

    def _look(self, after: int, before: datetime) -> list[tuple[int, tuple[int, ...], bool]]:
        with self._database.reading() as tx:
            return [
                (number, ids, _is_old(tx, ids, before))
                for number, ids in tx.archives.list_block_ids(after=after)
            ]

    def _begin(self, span: Span) -> Archive:
        now = self._clock.now()
        archive = Archive(
            name=archive_name(span.first_block, span.last_block),
            first_block=span.first_block,
            last_block=span.last_block,
            first_id=span.first_id,
            last_id=span.last_id,
            rows=span.rows,
            sha256="",
            state=ArchiveState.WRITING,
            created_at=now,
            updated_at=now,
        )
        with self._database.transaction() as tx:
            self._turn.renew(tx)
            tx.archives.save_new(archive)
        return archive

    def _header(self, archive: Archive) -> dict[str, object]:
        with self._database.reading() as tx:
            checkpoint = tx.ledger_reader.checkpoint_of(archive.last_block)
        if checkpoint is None:
            raise _missing(archive.last_block)
        return {
            "ledger": checkpoint.ledger_id,
            "first_block": archive.first_block,
            "last_block": archive.last_block,
            "rows": archive.rows,
            "checkpoint": checkpoint.text(),
        }

    def _blocks(self, archive: Archive, told: Told) -> Iterator[ArchivedBlock]:
        done, after = 0, archive.first_block - 1
        while after < archive.last_block:
            self._turn.stay()
            with self._database.reading() as tx:
                found = next_blocks(tx, after, archive)
                made = [_archived(tx, number) for number, _ in found]
            yield from made
            after, done = found[-1][0], done + sum(len(each.rows) for each in made)
            told("writing", done, archive.rows)

    def _check_file(self, archive: Archive, digest: str, told: Told) -> None:
        """Read the file back: rows are about to be deleted because of it."""
        wanted, done = archive.first_block, 0
        with self._folder.read(archive.name) as (_, blocks):
            for block in blocks:
                self._turn.stay()
                with self._database.reading() as tx:
                    sealed = tx.ledger.get_block(block.number)
                _compare(block, sealed, wanted, archive.name)
                wanted, done = wanted + 1, done + len(block.rows)
                told("checking", done, archive.rows)
        if wanted != archive.last_block + 1 or self._folder.digest(archive.name) != digest:
            raise _unlike(archive.name)

    def _record(self, archive: Archive, digest: str, *, actor: Actor) -> None:
        now = self._clock.now()
        with self._database.transaction() as tx:
            self._turn.renew(tx)
            tx.archives.save_written(archive.name, sha256=digest, now=now)
            tx.audit.log(
                ENTITY,
                "archived",
                entity_id=archive.name,
                new_value={
                    "first_block": archive.first_block,
                    "last_block": archive.last_block,
                    "rows": archive.rows,
                    "sha256": digest,
                },
                actor=actor,
                now=now,
            )

    def _get(self, name: str) -> Archive:
        with self._database.reading() as tx:
            found = tx.archives.get_archive(name)
        if found is None:
            raise ArchiveInvalidError(f"The record of the archive {name} is gone.")
        return found


def _is_old(tx: Transaction, ids: tuple[int, ...], before: datetime) -> bool:
    """A row that is not there was archived, or is missing; neither can be archived."""
    count, newest = tx.archived_rows.newest(ids)
    return count == len(ids) and newest is not None and newest < before


def _span(gathered: list[tuple[int, tuple[int, ...]]]) -> Span:
    ids = [each for _, some in gathered for each in some]
    return Span(
        first_block=gathered[0][0],
        last_block=gathered[-1][0],
        first_id=min(ids),
        last_id=max(ids),
        rows=len(ids),
    )


def next_blocks(tx: Transaction, after: int, archive: Archive) -> list[tuple[int, tuple[int, ...]]]:
    """The archive's blocks behind `after` that one transaction deals with.

    Raises LedgerBrokenError.
    """
    found = tx.archives.list_block_ids(
        after=after, last=archive.last_block, most_rows=ROWS_AT_A_TIME
    )
    if not found or [number for number, _ in found] != [*range(after + 1, found[-1][0] + 1)]:
        raise _missing(after + 1)
    return found


def _archived(tx: Transaction, number: int) -> ArchivedBlock:
    """A block's rows as they lie in the table, each compared with what was sealed."""
    block = tx.ledger.get_block(number)
    if block is None:
        raise _missing(number)
    ids = unpack_ids(block.ids)
    found = tx.archived_rows.list_rows(ids)
    rows: list[ArchivedRow] = []
    for audit_id, leaf in zip(ids, unpack_leaves(block.leaves), strict=True):
        row, stored = found.get(audit_id, (None, None))
        is_sealed = (
            row is not None
            and stored is not None
            and stored.leaf == leaf == leaf_hash(stored.canonical)
            and says_what_was_hashed(stored)
        )
        if row is None or not is_sealed:
            raise LedgerBrokenError(
                f"Row {audit_id} of block {number} is not what was sealed, so it is not archived.",
                hint="Run: munshi audit verify",
            )
        rows.append(row)
    return ArchivedBlock(number=number, rows=tuple(rows))


def _compare(block: ArchivedBlock, sealed: StoredBlock | None, wanted: int, name: str) -> None:
    if sealed is None or block.number != wanted:
        raise _unlike(name)
    ids = tuple(each.audit_id for each in block.rows)
    leaves = tuple(leaf_hash(each.row.canonical) for each in block.rows)
    if ids != unpack_ids(sealed.ids) or leaves != unpack_leaves(sealed.leaves):
        raise _unlike(name)


def _missing(number: int) -> LedgerBrokenError:
    return LedgerBrokenError(
        f"Block {number} is missing, or does not follow the one before.",
        hint="Run: munshi audit verify",
    )


def _unlike(name: str) -> ArchiveInvalidError:
    return ArchiveInvalidError(
        f"The archive {name} reads otherwise than it was written.",
        hint="Check the disk; no row has left the table for it.",
    )
