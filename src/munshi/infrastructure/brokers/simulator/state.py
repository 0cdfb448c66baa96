"""What a simulated broker remembers, in one SQLite file that survives a SIGKILL."""

import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from munshi.clock import Clock

ARRIVALS_KEPT = 20_000
TRIM_EVERY = 500
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FORGOTTEN_ON_RESET = (
    "kite_logins",
    "kite_passwords",
    "kite_web_sessions",
    "kite_consents",
    "kite_request_tokens",
    "kite_access_tokens",
    "breeze_sessions",
    "arrivals",
    "faults",
    "limits",
    "day_counts",
)


def to_micros(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One call as the broker saw it; `status` is None while, or if never, unanswered."""

    arrived_at: int
    service: str
    endpoint_class: str
    method: str
    path: str
    status: int | None
    fault: str | None


class SimulatorState:
    """The file, the broker's clock and the log of arrivals.

    Times inside are UTC microseconds. Rows are written one statement at a time and are on disk
    before the call is answered, so a killed simulator comes back as the same broker.
    """

    def __init__(self, path: Path, *, clock: Clock, arrivals_kept: int = ARRIVALS_KEPT) -> None:
        self.path = path
        self._clock = clock
        self._arrivals_kept = arrivals_kept
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._offset = timedelta()
        self._since_trim = 0

    def open(self) -> Self:
        """Create or reopen the file."""
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=30
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        schema = resources.files(__package__ or "").joinpath("schema.sql").read_text("utf-8")
        connection.executescript(schema)
        self._connection = connection
        if self.get_meta("identity") is None:
            self.set_meta("identity", str(uuid4()))
        self._offset = timedelta(seconds=float(self.get_meta("clock_offset_seconds") or 0))
        return self

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Execute one statement and commit it; rows come back complete."""
        with self._lock:
            if self._connection is None:
                raise RuntimeError("the simulator's state is not open")
            return self._connection.execute(sql, parameters).fetchall()

    def now(self) -> datetime:
        """The broker's own time: the clock plus the stored offset."""
        return self._clock.now() + self._offset

    def now_micros(self) -> int:
        return to_micros(self.now())

    @property
    def clock_offset(self) -> timedelta:
        return self._offset

    def set_clock_offset(self, offset: timedelta) -> None:
        self.set_meta("clock_offset_seconds", str(offset.total_seconds()))
        self._offset = offset

    @property
    def identity(self) -> str:
        """Made with the file; tells a returning simulator from another one."""
        return self.get_meta("identity") or ""

    def get_meta(self, key: str) -> str | None:
        rows = self.run("SELECT value FROM meta WHERE key = ?", (key,))
        return str(rows[0]["value"]) if rows else None

    def set_meta(self, key: str, value: str) -> None:
        self.run(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, value),
        )

    def record_arrival(self, *, service: str, endpoint_class: str, method: str, path: str) -> int:
        """Write the call down before it is answered. Returns its number."""
        [row] = self.run(
            "INSERT INTO arrivals (arrived_at, service, endpoint_class, method, path)"
            " VALUES (?, ?, ?, ?, ?) RETURNING id",
            (self.now_micros(), service, endpoint_class, method, path),
        )
        self._since_trim += 1
        if self._since_trim >= min(TRIM_EVERY, self._arrivals_kept):
            self._since_trim = 0
            self.run("DELETE FROM arrivals WHERE id <= ?", (row["id"] - self._arrivals_kept,))
        return int(row["id"])

    def record_answer(self, arrival_id: int, *, status: int | None, fault: str | None) -> None:
        self.run(
            "UPDATE arrivals SET status = ?, fault = ? WHERE id = ?", (status, fault, arrival_id)
        )

    def list_arrivals(
        self, *, service: str | None = None, endpoint_class: str | None = None, limit: int = 1000
    ) -> list[Arrival]:
        """The newest `limit` calls, oldest first."""
        rows = self.run(
            "SELECT arrived_at, service, endpoint_class, method, path, status, fault FROM arrivals"
            " WHERE (? IS NULL OR service = ?) AND (? IS NULL OR endpoint_class = ?)"
            " ORDER BY id DESC LIMIT ?",
            (service, service, endpoint_class, endpoint_class, limit),
        )
        return [Arrival(**dict(row)) for row in reversed(rows)]

    def clear_arrivals(self) -> None:
        self.run("DELETE FROM arrivals")

    def reset(self) -> None:
        """Forget all logins, calls, faults and limits; keep identity, apps and keys."""
        for table in FORGOTTEN_ON_RESET:
            self.run(f"DELETE FROM {table}")
        self.set_clock_offset(timedelta())
