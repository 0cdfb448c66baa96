"""Copies a desk's database into an empty one, ids and bytes kept, and proves that it did."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import sleep

from munshi.audit.findings import Report
from munshi.audit.ledger_service import LedgerService
from munshi.audit.sealer import Sealer
from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.errors import CopyTargetUnfitError, CopyUnequalError, DatabaseInUseError
from munshi.infrastructure.database.copied_rows import RowTally, copied_tables
from munshi.infrastructure.database.copy_source import CopySource, reading_alone
from munshi.infrastructure.database.copy_target import CopyTarget, identity_of
from munshi.infrastructure.database.copy_writer import CopyWriter
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.opening import unlock
from munshi.infrastructure.database.url import place_of
from munshi.infrastructure.security.key_sources import KeySources
from munshi.jobs.signs import SECONDS_BETWEEN_SIGNS

ENTITY = "database"
# A worker that was killed is believed gone after so long.
SILENT_AFTER = timedelta(seconds=3 * SECONDS_BETWEEN_SIGNS)
# How often it is looked whether the last audit rows can be sealed, and how long each time.
TRIES_TO_SEAL, SECONDS_BETWEEN_TRIES = 75, 0.2
_KINDS = {"sqlite", "postgresql"}
# What is done, rows done and rows in all.
Told = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A finished copy: rows by table, and whether its audit trail is sound."""

    place: str
    tables: dict[str, int]
    seconds: float
    trail: Report

    @property
    def rows(self) -> int:
        return sum(self.tables.values())


def _say_nothing(what: str, done: int, total: int) -> None:
    del what, done, total


class DatabaseCopy:
    """From one database to another. The old one is left as it is, but for what the trail says."""

    def __init__(
        self,
        source: Database,
        target: Database,
        clock: Clock,
        *,
        sources: KeySources,
        home: Path,
    ) -> None:
        self._source = source
        self._target = target
        self._clock = clock
        self._sources = sources
        self._home = home

    def copy(self, *, actor: Actor, told: Told = _say_nothing) -> Copied:
        """Copy every table; nothing is to be seen of it before all is there and compared.

        Nobody can write to the old database meanwhile. Raises CopyTargetUnfitError,
        DatabaseInUseError, DatabaseUnreachableError, DatabaseStaleError, DatabaseForeignError,
        CopyRowUnfitError and CopyUnequalError; the target then is as it was.
        """
        began = self._clock.monotonic()
        self._refuse_unfit()
        self._refuse_workers()
        target = CopyTarget(self._target)
        try:
            target.mark()
            self._note(self._source, "copy", {"to": place_of(self._target.url)}, actor=actor)
            tables = self._fill(target, told)
        except BaseException:
            target.unmark()
            raise
        unlock(self._target, self._sources, clock=self._clock)
        details = {"from": place_of(self._source.url), "rows": sum(tables.values())}
        self._note(self._target, "copied", details, actor=actor)
        ledger = LedgerService(self._target, self._clock, home=self._home)
        ledger.seal()
        trail = ledger.verify(told=lambda done, total: told("audit trail", done, total))
        return Copied(
            place=place_of(self._target.url),
            tables=tables,
            seconds=self._clock.monotonic() - began,
            trail=trail,
        )

    def _fill(self, target: CopyTarget, told: Told) -> dict[str, int]:
        unsealed = 0
        for _ in range(TRIES_TO_SEAL):
            Sealer(self._source, self._clock).seal_all()
            with reading_alone(self._source) as source:
                unsealed = source.count_unsealed()
                if not unsealed:
                    with target.filling() as writer:
                        return _copy_rows(source, writer, told)
            # Of other programs' transactions no clock of ours knows.
            sleep(SECONDS_BETWEEN_TRIES)
        raise DatabaseInUseError(
            f"{unsealed:,} audit rows cannot be sealed yet: somebody writes, or a transaction is "
            "open somewhere on the server.",
            hint="End it, then copy again.",
        )

    def _refuse_unfit(self) -> None:
        for database in (self._source, self._target):
            if database.dialect not in _KINDS:
                raise CopyTargetUnfitError(
                    "Only SQLite and PostgreSQL databases can be copied, from and to."
                )
        if identity_of(self._source) == identity_of(self._target):
            raise CopyTargetUnfitError(
                f"{place_of(self._target.url)} is the database that this desk uses.",
                hint="Name another, empty one.",
            )

    def _refuse_workers(self) -> None:
        now = self._clock.now()
        with self._source.reading() as tx:
            seen = tx.queues.list_workers()
        for worker in seen:
            age = now - worker.heartbeat_at
            if age <= SILENT_AFTER:
                raise DatabaseInUseError(
                    f"A worker still runs on this database: process {worker.process_id} on "
                    f"{worker.host}, heard of {max(0, int(age.total_seconds()))} s ago.",
                    hint="Stop every munshi serve and worker. One that was killed counts as gone "
                    f"after {SILENT_AFTER.seconds} s.",
                )

    def _note(
        self, database: Database, action: str, details: dict[str, object], *, actor: Actor
    ) -> None:
        with database.transaction() as tx:
            tx.audit.log(ENTITY, action, details=details, actor=actor, now=self._clock.now())


def _copy_rows(source: CopySource, writer: CopyWriter, told: Told) -> dict[str, int]:
    """Rows by table, each read back and compared."""
    tables = copied_tables()
    total, done = sum(source.count(table) for table in tables), 0
    read: dict[str, RowTally] = {}
    for table in tables:
        tally = read[table.name] = RowTally(table)
        for batch in writer.write(table, source.batches(table)):
            tally.add(batch)
            done += len(batch)
            told("copy", done, total)
    done = 0
    for table in tables:
        written = RowTally(table)
        for batch in writer.read_back(table):
            written.add(batch)
            done += len(batch)
            told("compare", done, total)
        _refuse_unequal(table.name, read[table.name], written)
    writer.refuse_orphans()
    writer.begin_era()
    writer.count_on(source.highest_ids())
    return {name: tally.rows for name, tally in read.items()}


def _refuse_unequal(table: str, read: RowTally, written: RowTally) -> None:
    if read.rows != written.rows:
        raise CopyUnequalError(
            f"{table} had {read.rows:,} rows and the copy has {written.rows:,}; it was undone."
        )
    if read.digest != written.digest:
        raise CopyUnequalError(
            f"A row of {table} reads otherwise in the copy than before; it was undone."
        )
