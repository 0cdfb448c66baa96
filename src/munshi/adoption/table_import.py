"""One table of an old install, page by page, each page in a transaction with its audit."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from munshi.adoption.old_audit import ENTITY, IMPORTED, VOUCHED, legacy_audit
from munshi.adoption.old_columns import ColumnMap
from munshi.adoption.old_jobs import id_by_row, legacy_job
from munshi.adoption.old_times import OldTimes
from munshi.adoption.redaction import KnownSecrets, Redactor
from munshi.adoption.survey import JOBS, TablePlan, columns_of
from munshi.clock import Clock
from munshi.config.fingerprints import fingerprint
from munshi.domain.audit import Actor
from munshi.domain.jobs import JobState
from munshi.domain.legacy import RowFate
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.legacy_tables import LegacyRow, read_pages
from munshi.infrastructure.database.transaction import Transaction

CHUNK = 500
TABLE_IMPORTED = "legacy.import"
Progress = Callable[[str, int, int], None]


@dataclass(slots=True, kw_only=True)
class TableOutcome:
    """What became of one table's rows. `before` were taken over earlier.

    `ended` are jobs that were live in the old install, `renumbered` those whose id another job
    has; `unreadable_times` stood where a time should.
    """

    table: str
    becomes: str
    rows: int
    imported: int = 0
    before: int = 0
    ended: int = 0
    renumbered: int = 0
    unreadable_times: int = 0


class TableImport:
    """Takes each row over once; a run that was killed goes on where it was."""

    def __init__(
        self, database: Database, clock: Clock, *, known: KnownSecrets, naive: tzinfo, actor: Actor
    ) -> None:
        self._database = database
        self._clock = clock
        self._known = known
        self._naive = naive
        self._actor = actor

    def run(self, plan: TablePlan, *, progress: Progress) -> TableOutcome:
        """`progress` is told what, how many of how many, after each page."""
        table = plan.table
        outcome = TableOutcome(table=table.kept_as, becomes=plan.becomes, rows=table.rows)
        done = 0
        for page in read_pages(self._database, table, size=CHUNK):
            self._take_over(plan, page, outcome)
            done += len(page)
            progress(plan.becomes, done, table.rows)
        return outcome

    def _take_over(self, plan: TablePlan, page: list[LegacyRow], outcome: TableOutcome) -> None:
        source = plan.table.kept_as
        with self._database.transaction() as tx:
            now = self._clock.now()
            tx.legacy.wait_for_others()
            handled = tx.legacy.list_handled(source, [row.key for row in page])
            outcome.before += len(handled)
            fresh = [row for row in page if row.key not in handled]
            if not fresh:
                return
            times = OldTimes(naive=self._naive, now=now)
            redactor = Redactor(
                self._known, fingerprint=lambda text: fingerprint(tx.vault, ENTITY, "secret", text)
            )
            batch = _Batch(
                tx=tx,
                source=source,
                columns=columns_of(plan.table),
                rows=fresh,
                now=now,
                redactor=redactor,
                times=times,
            )
            if plan.table.stands_for == JOBS:
                _store_jobs(batch, outcome)
            else:
                self._store_audit(batch)
            keys = [row.key for row in fresh]
            tx.legacy.save_handled(source, keys, fate=RowFate.IMPORTED, now=now)
            tx.audit.log(
                ENTITY,
                TABLE_IMPORTED,
                entity_id=source,
                details={"imported": len(fresh), "as": plan.becomes},
                actor=self._actor,
                now=now,
            )
        outcome.imported += len(fresh)
        outcome.unreadable_times += times.unreadable

    def _store_audit(self, batch: "_Batch") -> None:
        for row in batch.rows:
            old = legacy_audit(
                row,
                batch.columns,
                source=batch.source,
                redactor=batch.redactor,
                times=batch.times,
            )
            batch.tx.audit.log(
                ENTITY,
                IMPORTED,
                entity_id=old.entity_id,
                new_value=old.body,
                details={"note": VOUCHED},
                personal=old.personal,
                actor=self._actor,
                now=batch.now,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Rows that are taken over in one transaction, and what they are read with."""

    tx: Transaction
    source: str
    columns: ColumnMap
    rows: list[LegacyRow]
    redactor: Redactor
    times: OldTimes
    now: datetime


def _store_jobs(batch: _Batch, outcome: TableOutcome) -> None:
    """An id that another job has is no reason to lose one of them."""
    jobs = [
        legacy_job(
            row,
            batch.columns,
            source=batch.source,
            redactor=batch.redactor,
            times=batch.times,
            now=batch.now,
        )
        for row in batch.rows
    ]
    seen = batch.tx.legacy.list_present([job.job_id for job in jobs])
    for at, (row, job) in enumerate(zip(batch.rows, jobs, strict=True)):
        if job.job_id in seen:
            jobs[at] = replace(job, job_id=id_by_row(row, batch.source))
            outcome.renumbered += 1
        seen.add(jobs[at].job_id)
    batch.tx.legacy.save_jobs(jobs)
    outcome.ended += sum(
        job.state is JobState.CANCELLED and job.completed_at == batch.now for job in jobs
    )
