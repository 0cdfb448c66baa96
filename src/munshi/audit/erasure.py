"""Forgets personal values beside audit rows, in the table and in archives; every proof stays."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from munshi.audit.archive_turn import ArchiveTurn
from munshi.audit.archiving import Told
from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.domain.ledger.archives import ON_FILE, Archive
from munshi.errors import ArchiveInvalidError, RequestInvalidError
from munshi.infrastructure.archives import ArchiveFolder
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.sweeping import sweep

# So many rows lose their values in one transaction, with one audit row.
ROWS_AT_A_TIME = 10_000
LONGEST = 1_000
Place = TypeVar("Place")


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """How many values were erased, beside how many rows, of which how many are archived."""

    values: int
    rows: int
    archived_rows: int


class Erasure:
    """No file is written: archives hold commitments, and the values stand in the database."""

    def __init__(
        self, database: Database, clock: Clock, folder: ArchiveFolder, turn: ArchiveTurn
    ) -> None:
        self._database = database
        self._clock = clock
        self._folder = folder
        self._turn = turn

    def erase(self, *, user_id: str | None, value: str | None, actor: Actor, told: Told) -> Erased:
        """Every personal value beside what `user_id` did, and `value` wherever it stands.

        Raises RequestInvalidError if neither is given, and ArchiveInvalidError, before anything
        is erased, for an archive that cannot be read.
        """
        for given in (user_id, value):
            if given is not None and not 1 <= len(given) <= LONGEST:
                raise RequestInvalidError(f"Give 1 to {LONGEST} characters.")
        if user_id is None and value is None:
            raise RequestInvalidError("Say whose values, or which value, to erase.")
        archived = [] if user_id is None else self._archived_rows_of(user_id, told)
        values = 0
        with self._database.reading() as tx:
            live = [] if user_id is None else tx.personal_data.list_rows_of(user_id)
            places = [] if value is None else tx.personal_data.list_with_value(value)
        rows = sorted({*live, *archived})
        for some in _batches(rows):
            values += self._erase_rows(some, user_id, actor)
        chosen = {*rows}
        left = [place for place in places if place[0] not in chosen]
        for places_left in _batches(left):
            values += self._erase_values(places_left, actor)
        if values:
            sweep(self._database)
        return Erased(
            values=values,
            rows=len(chosen | {place[0] for place in left}),
            archived_rows=len(archived),
        )

    def _erase_rows(self, ids: Sequence[int], user_id: str | None, actor: Actor) -> int:
        now = self._clock.now()
        with self._database.transaction() as tx:
            tx.personal_data.erase_thoroughly()
            erased = tx.personal_data.erase_rows(ids)
            tx.audit.log(
                "audit",
                "erased",
                entity_id=user_id,
                details={"values": erased, "rows": len(ids)},
                actor=actor,
                now=now,
            )
        return erased

    def _erase_values(self, places: Sequence[tuple[int, str]], actor: Actor) -> int:
        """The row says in which fields, and never which value."""
        now = self._clock.now()
        with self._database.transaction() as tx:
            tx.personal_data.erase_thoroughly()
            tx.personal_data.erase_values(places)
            fields = sorted({field for _, field in places})
            tx.audit.log(
                "audit",
                "erased",
                details={"values": len(places), "fields": fields},
                actor=actor,
                now=now,
            )
        return len(places)

    def _archived_rows_of(self, user_id: str, told: Told) -> list[int]:
        """The archived rows that say `user_id` and still have a personal value."""
        with self._database.reading() as tx:
            archives = [each for each in tx.archives.list_archives() if each.state in ON_FILE]
        for archive in archives:
            if self._folder.digest(archive.name) != archive.sha256:
                raise ArchiveInvalidError(
                    f"The archive {archive.name} was changed, so it cannot be told whose rows are "
                    "in it.",
                    hint="Put the file back from a backup; nothing was erased.",
                )
        found: list[int] = []
        total = sum(each.rows for each in archives)
        done = 0
        for archive in archives:
            for ids, rows in self._rows_of(archive, user_id):
                self._turn.stay()
                done += rows
                if ids:
                    with self._database.reading() as tx:
                        found += tx.personal_data.list_with_any(ids)
                told("looking", done, total)
        return found

    def _rows_of(self, archive: Archive, user_id: str) -> Iterator[tuple[list[int], int]]:
        mark = json.dumps(user_id, ensure_ascii=False).encode()
        with self._folder.read(archive.name) as (_, blocks):
            for block in blocks:
                ids = [
                    each.audit_id
                    for each in block.rows
                    if mark in each.row.canonical
                    and json.loads(each.row.canonical)["user_id"] == user_id
                ]
                yield ids, len(block.rows)


def _batches(places: Sequence[Place]) -> Iterator[Sequence[Place]]:
    for start in range(0, len(places), ROWS_AT_A_TIME):
        yield places[start : start + ROWS_AT_A_TIME]
