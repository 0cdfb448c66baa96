"""A desk with rows in every table, and a way to compare two databases row by row."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Column, Table, insert, select

from crowd import OWNER, PASSWORD, hash_cheaply
from desks import Desk
from keeping.kept_desk import archive_everything
from munshi.bootstrap import Services
from munshi.domain.audit import Actor
from munshi.domain.jobs import SESSION_CLEANUP, WorkerStatus
from munshi.domain.legacy import RowFate
from munshi.domain.market.candle_gaps import MissingReason
from munshi.domain.roles import Role
from munshi.infrastructure.database import types
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.models import metadata
from munshi.infrastructure.database.transaction import Transaction
from munshi.infrastructure.database.url import parse_database_url
from munshi.infrastructure.security.totp import one_time_code
from munshi.keeping.copying import DatabaseCopy, Told

# Its rows come from the services alone: they hold each other, or are held by the ledger.
BY_SERVICES = {
    *("AuditLogs", "AuditPersonalData", "AuditBlocks", "AuditKeys", "AuditSealer"),
    "AuditArchives",
    *("VaultKeys", "DataKeys", "ConfigRevision", "CacheState"),
}
# What the copy itself changes: the trail goes on, and counts by another server.
CHANGED = {"AuditLogs", "AuditBlocks", "AuditSealer"}
VISITOR = Actor(user_id="visitor", ip_address="192.0.2.44", request_id="r-1")
_AT = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)
_WORDS = {
    "mode": ("simulated", "live"),
    "service_type": ("kite", "breeze"),
    "severity": ("info", "warning", "critical"),
    "least_severity": ("info", "warning", "critical"),
    "event": ("fired", "worsened", "repeated", "resolved"),
    "outcome": ("begun", "sent", "refused"),
    "role": ("viewer", "operator", "admin"),
    "kind": ("queue", "job_type"),
    "fate": tuple(RowFate),
    "reason": tuple(MissingReason),
}
# Where a word of `_WORDS` means something else.
_MADE_UP = {("JobPauses", "reason"), ("AlertSilences", "reason")}
_STATES: dict[tuple[str, str], tuple[Any, ...]] = {
    ("Alerts", "state"): ("firing", "resolved"),
    ("AlertMessages", "state"): ("waiting", "sent", "given_up"),
    ("BackgroundJobs", "status"): ("succeeded", "running", "failed", "dead"),
    ("JobWorkers", "status"): tuple(WorkerStatus),
    ("AlertNotices", "fate"): (None, "told", "silenced"),
    ("AlertChannels", "kind"): ("json", "mailto", "tgram"),
}
_MAKERS: dict[type, Callable[[int], Any]] = {
    types.Instant: lambda n: _AT - timedelta(days=n, microseconds=n * 333_331 + 1),
    types.Day: lambda n: date(2026, 1, 31) + timedelta(days=n),
    types.Flag: lambda n: n % 2 == 1,
    types.Prose: lambda n: f"two\nlines of \ttext \\N 💹 {n}",
    types.Json: lambda n: {"z": [1.5, 1e16, -0.25, True, None], "a": {"ü": "\\u0000"}, "n": n},
    types.Amount: lambda n: Decimal("25350.05") + n,
    types.Digest: lambda n: bytes([n, 255, 0]) + uuid4().bytes + b"x" * 13,
    types.Octets: lambda n: bytes(range(256)) * (n + 1),
    types.Real: lambda n: 0.1 + 0.2 + n,
}
# Neither of these may hold two of them, or hold them twice.
_LEFT_EMPTY = {"parent_id", "replaces", "config_value"}


def fill(desk: Desk) -> None:
    """Something of everything, by the services where they matter and made up elsewhere."""
    services = desk.services
    services.config.seed()
    hash_cheaply(services.config)
    services.config.set("auth", "kite.api_secret", "the secret of asha", actor=OWNER)
    services.config.set("jobs", "keep_days", 9, actor=OWNER)
    desk.log_in_everywhere()
    _add_people(desk)
    services.jobs.enqueue(SESSION_CLEANUP, {}, actor=VISITOR)
    archive_everything(services)
    with services.database.transaction() as tx:
        for table in metadata.sorted_tables:
            if table.name not in BY_SERVICES:
                _make_rows(tx, table)
        tx.audit.log(
            "desk",
            "looked",
            details={"ünïcode": ["\u20b9", {"b": 1, "a": None}], "big": 2**53 + 1},
            personal={"email": "asha@example.test"},
            actor=VISITOR,
            now=_AT + timedelta(microseconds=7),
        )


def _add_people(desk: Desk) -> None:
    people = desk.services.people
    people.users.add("asha", Role.ADMIN, password=PASSWORD, actor=OWNER)
    granted = people.sign_ins.sign_in("asha", PASSWORD, "", user_agent="Browser", actor=VISITOR)
    who = people.sessions.find(granted.token)
    assert who is not None
    seed = people.second_factor.offer(who, actor=VISITOR).seed
    people.second_factor.enable(who, one_time_code(seed, now=desk.clock.now()), actor=VISITOR)
    people.api_keys.create("asha", "script", actor=OWNER)


def _make_rows(tx: Transaction, table: Table) -> None:
    for number in range(3):
        row: dict[str, Any] = {}
        key = uuid4()
        for column in table.columns:
            if isinstance(column.type, types.Secret):
                row[column.name] = tx.vault.seal(
                    f"secret {number}", table=table.name, column=column.name, row_id=key
                )
            else:
                row[column.name] = _value(tx, column, number, key)
        if any(column.identity is not None for column in table.primary_key.columns):
            row = {k: v for k, v in row.items() if not table.c[k].primary_key}
        tx.connection.execute(insert(table), row)


def _value(tx: Transaction, column: Column[Any], number: int, key: object) -> Any:  # noqa: ANN401
    table = column.table.name
    if column.name in _LEFT_EMPTY:
        return None
    for foreign in column.foreign_keys:
        parents = tx.connection.execute(select(foreign.column)).scalars().all()
        return parents[number % len(parents)]
    if table == "BrokerCircuits" and column.name == "service_type":
        number //= 2  # with the mode it is the key
    if words := _STATES.get((table, column.name)):
        return words[number % len(words)]
    if (table, column.name) in _MADE_UP:
        return _made(column, number, key)
    if column.name in _WORDS and not (table == "Instruments" and column.name == "kind"):
        return _WORDS[column.name][number % len(_WORDS[column.name])]
    return _made(column, number, key)


def _made(column: Column[Any], number: int, key: object) -> Any:  # noqa: ANN401
    kind = column.type
    if isinstance(kind, types.RowUuid):
        return key
    if isinstance(kind, types.Name):
        return f"{column.name} ₹é {number}"[-kind.length :]
    if isinstance(kind, types.Whole):
        return number + 11
    return _MAKERS[type(kind)](number)


def rows_of(database: Database, table: Table) -> list[Any]:
    """Every row as Python has it, in one order; without the transaction that wrote it."""
    columns = [each for each in table.columns if not isinstance(each.type, types.TransactionId)]
    with database.connected() as connection:
        rows = list(connection.execute(select(*columns)))
    keys = [columns.index(each) for each in table.primary_key.columns]
    return sorted(rows, key=lambda row: [row[place] for place in keys])


def counts(database: Database) -> dict[str, int]:
    return {table.name: len(rows_of(database, table)) for table in metadata.sorted_tables}


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(parse_database_url(url, home=Path()))
    try:
        yield database
    finally:
        database.close()


def copy_to(services: Services, url: str, *, told: Told | None = None) -> Any:  # noqa: ANN401
    """What `munshi db copy --to` does."""
    from munshi.bootstrap.copying import open_copy  # noqa: PLC0415 - as the command does

    with open_copy(services, url) as copying:
        return _run(copying, told)


def _run(copying: DatabaseCopy, told: Told | None) -> Any:  # noqa: ANN401
    return copying.copy(actor=OWNER) if told is None else copying.copy(actor=OWNER, told=told)


def stop_at(what: str, act: Callable[[], None]) -> Told:
    """Does `act` when the copy comes to `what` for the first time."""
    done: list[str] = []

    def told(now: str, _: int, __: int) -> None:
        if now == what and not done:
            done.append(now)
            act()

    return told
