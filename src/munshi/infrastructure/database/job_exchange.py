"""A worker's own connection: stores what ended well, takes what is due, waits for news.

One transaction does the first two, so a batch of jobs costs one commit.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from munshi.domain.jobs import AttemptOutcome, Job, JobEnding, JobState
from munshi.errors import JobAttemptFencedError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.held_connection import HeldConnection
from munshi.infrastructure.database.job_claim_dialects import DIALECTS
from munshi.infrastructure.database.job_claims import ClaimDialect, Lane, Success
from munshi.infrastructure.database.job_claims_postgresql import PostgresqlClaims
from munshi.infrastructure.database.job_listener import PostgresqlListener
from munshi.infrastructure.database.server_connection import patience_within
from munshi.infrastructure.wake import Wake

_SETTINGS = {
    "timezone": "'UTC'",
    "plan_cache_mode": "force_generic_plan",
    **dict.fromkeys(("enable_seqscan", "enable_hashjoin", "enable_mergejoin"), "off"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a worker has room for: up to `limit` jobs of these lanes."""

    lanes: tuple[Lane, ...]
    limit: int


@dataclass(frozen=True, slots=True)
class Swapped:
    """`kept` are the successes that were stored; a fenced one is not among them."""

    kept: set[UUID]
    claimed: list[list[Job]]


class JobExchange(Protocol):
    """Used by several threads, one at a time; only one of them waits."""

    def swap(self, done: Sequence[Success], wanted: Sequence[Wanted], *, now: datetime) -> Swapped:
        """Store `done` and claim, in one transaction; the claims in the order of `wanted`.

        Raises DatabaseUnreachableError, with nothing stored and nothing claimed.
        """
        ...

    def has_due(self, lanes: Sequence[Lane], *, now: datetime) -> tuple[bool, bool]:
        """Whether a scheduled job's time has come, and whether a claim would find something."""
        ...

    def wait(self, seconds: float, *, for_jobs: bool) -> bool:
        """Until roused, somebody enqueues (where that can be heard) or the time is up.

        Whether to look around: all but a nudge of this process says so. `for_jobs` where the
        worker has room for any: only then is it rung for.
        """
        ...

    def close(self) -> None: ...


def open_exchange(
    database: Database, *, worker_id: str, lease: timedelta, wake: Wake
) -> JobExchange:
    """The way of this database. Connects on first use."""
    way: type[SqliteExchange | PostgresqlExchange | RepositoryExchange] = RepositoryExchange
    if database.dialect in DIALECTS:
        way = SqliteExchange if database.dialect == "sqlite" else PostgresqlExchange
    return way(database, worker_id=worker_id, lease=lease, wake=wake)


class _HeldExchange:
    """What both drivers' exchanges share: a connection that is opened anew after a failure."""

    def __init__(self, database: Database, *, worker_id: str, lease: timedelta, wake: Wake) -> None:
        self._database = database
        self._worker_id = worker_id
        self._lease = lease
        self._wake = wake
        self._claims: ClaimDialect = DIALECTS[database.dialect]
        self._held = HeldConnection(database, self._open)

    def has_due(self, lanes: Sequence[Lane], *, now: datetime) -> tuple[bool, bool]:
        with self._held.used() as connection:
            return self._claims.has_due(connection.cursor(), lanes, now=now)

    def close(self) -> None:
        self._held.close()

    def _open(self) -> Any:  # noqa: ANN401 - a driver's connection
        return self._database.driver_connection(answer_seconds=patience_within(self._lease))

    def _claim(self, cursor: Any, wanted: Sequence[Wanted], now: datetime) -> list[list[Job]]:  # noqa: ANN401
        return [
            self._claims.claim(
                cursor,
                each.lanes,
                worker_id=self._worker_id,
                limit=each.limit,
                lease=self._lease,
                now=now,
            )
            for each in wanted
        ]


class SqliteExchange(_HeldExchange):
    """One durable transaction; other processes' jobs are found by asking often."""

    def swap(self, done: Sequence[Success], wanted: Sequence[Wanted], *, now: datetime) -> Swapped:
        with self._held.used() as connection:
            cursor: sqlite3.Cursor = connection.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            kept = self._claims.succeed(cursor, done, now=now)
            claimed = self._claim(cursor, wanted, now)
            cursor.execute("COMMIT")
            return Swapped(kept, claimed)

    def wait(self, seconds: float, *, for_jobs: bool) -> bool:  # noqa: ARG002 - nobody rings here
        return not self._wake.wait(seconds)


_POSTGRESQL = PostgresqlClaims()


class PostgresqlExchange(_HeldExchange):
    """Each statement is a transaction of its own, and durable."""

    _listener: PostgresqlListener | None = None

    def swap(self, done: Sequence[Success], wanted: Sequence[Wanted], *, now: datetime) -> Swapped:
        with self._held.used() as connection:
            cursor = connection.cursor()
            if done and len(wanted) == 1:
                kept, jobs = _POSTGRESQL.swap(
                    cursor,
                    done,
                    wanted[0].lanes,
                    worker_id=self._worker_id,
                    limit=wanted[0].limit,
                    lease=self._lease,
                    now=now,
                )
                claimed = [jobs]
            else:
                kept = self._claims.succeed(cursor, done, now=now) if done else set()
                claimed = self._claim(cursor, wanted, now)
            return Swapped(kept, claimed)

    def wait(self, seconds: float, *, for_jobs: bool) -> bool:
        if self._listener is None:
            self._listener = PostgresqlListener(self._database, self._wake)
        return self._listener.wait(seconds, for_jobs=for_jobs)

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        super().close()

    def _open(self) -> Any:  # noqa: ANN401
        connection = super()._open()
        connection.autocommit = True
        # Planning a claim takes longer than making it, and every plan but that by index is wrong.
        for setting, value in _SETTINGS.items():
            connection.execute(f"SET {setting} = {value}")
        return connection


class RepositoryExchange:
    """Through Core, for databases without driver SQL of their own: SQL Server."""

    def __init__(self, database: Database, *, worker_id: str, lease: timedelta, wake: Wake) -> None:
        self._database = database
        self._worker_id = worker_id
        self._lease = lease
        self._wake = wake

    def swap(self, done: Sequence[Success], wanted: Sequence[Wanted], *, now: datetime) -> Swapped:
        kept: set[UUID] = set()
        with self._database.transaction() as tx:
            for one in done:
                try:
                    tx.attempts.finish(one.job_id, one.attempt, _ending(one), now=now)
                except JobAttemptFencedError:
                    continue
                kept.add(one.job_id)
            claimed = [
                tx.attempts.claim_jobs(
                    self._worker_id,
                    lanes=each.lanes,
                    limit=each.limit,
                    lease=self._lease,
                    now=now,
                )
                for each in wanted
            ]
        return Swapped(kept, claimed)

    def has_due(self, lanes: Sequence[Lane], *, now: datetime) -> tuple[bool, bool]:
        with self._database.reading() as tx:
            return tx.attempts.has_due(lanes, now=now)

    def wait(self, seconds: float, *, for_jobs: bool) -> bool:  # noqa: ARG002 - nobody rings here
        return not self._wake.wait(seconds)

    def close(self) -> None:
        """There is no connection of its own."""


def _ending(success: Success) -> JobEnding:
    return JobEnding(
        state=JobState.SUCCEEDED,
        outcome=AttemptOutcome.SUCCEEDED,
        percent=100,
        message=success.message,
        result=json.loads(success.result),
    )
