"""What sealing and verifying the audit trail cost a row, and a sealer that has little to do.

Tables are filled through the driver with rows as the repository would have written them. Every
figure is taken in a process of its own, so that its memory is its own too. The floor is what no
check can do without: the same rows by the bare driver, SHA-256 of each body, and the trees.
`--rows 10000000 --database SQLite` looks at one large trail.
"""

import argparse
import json
import multiprocessing
import secrets
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from databases import migrate_template, open_database
from munshi.audit.archive_service import ArchiveService
from munshi.audit.ledger_service import LedgerService
from munshi.audit.sealer import Sealer
from munshi.clock import SystemClock
from munshi.domain.audit import LEAF_PREFIX, MUNSHI, canonical_bytes, leaf_hash
from munshi.domain.ledger.blocks import MOST_ROWS
from munshi.domain.ledger.merkle import merkle_root
from munshi.infrastructure.database.engine import Database
from postgres_cluster import SERVER_OPTIONS, find_programs, running_cluster

AIM_MICROSECONDS = 5.0
AIM_MEGABYTES = 100.0
AIM_IDLE_PERCENT = 0.2
SIZES = {"SQLite": (250_000, 1_000_000), "PostgreSQL": (50_000, 200_000)}
QUICK_SIZES = {"SQLite": (10_000, 40_000), "PostgreSQL": (5_000, 20_000)}
# Rows of a transaction while filling: few on PostgreSQL, whose sealing goes by transactions.
TOGETHER = {"sqlite": 5_000, "postgresql": 100}
STEADY_RATE = 1_000
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = (
    *("format_version", "entity_type", "entity_id", "action", "old_value", "new_value"),
    *("timestamp", "user_id", "request_id", "details", "canonical", "leaf"),
)
READ = ", ".join(("id", "leaf", "canonical", *COLUMNS[1:10], "job_id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one pass over a trail: CPU of the process, of PostgreSQL's server beside it, and memory.

    `megabytes` is what it grew by at the most, `whole` the process at its largest.
    """

    database: str
    act: str
    rows: int
    microseconds: float
    server: float
    seconds: float
    megabytes: float
    whole: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SealerCost:
    """A sealer's thread, in a process that does nothing else, while `rate` rows a second come."""

    database: str
    rate: int
    core_percent: float
    seconds: float
    sealed: int


# --- filling -------------------------------------------------------------------------------


def made_rows(count: int) -> Iterator[tuple[Any, ...]]:
    """Changes of a configuration, spelt as AuditRepository spells them, with SQLite's texts."""
    for number in range(count):
        at = BEGAN + timedelta(milliseconds=37 * number)
        old, new = {"limit": number % 90}, {"limit": number % 90 + 1, "unit": "per minute"}
        details = {"revision": number}
        entity, request = f"jobs/queue.{number % 40}", f"req-{number:012d}"
        canonical = canonical_bytes(
            {
                "entity_type": "config",
                "entity_id": entity,
                "action": "set",
                "old_value": old,
                "new_value": new,
                "timestamp": at,
                "user_id": "asha",
                "request_id": request,
                "job_id": None,
                "details": details,
                "version": 2,
                "nonce": secrets.token_hex(16),
                "personal": {"ip_address": secrets.token_hex(32)},
            }
        )
        texts = (_spell(old), _spell(new))
        instant = at.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
        said = (2, "config", entity, "set", *texts, instant, "asha", request, _spell(details))
        yield (*said, canonical, leaf_hash(canonical))


def _spell(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def fill(url: str, count: int) -> None:
    """A migrated database with `count` rows that wait to be sealed."""
    migrate_template(url)
    database = open_database(url)
    rows = made_rows(count)
    mark = "?" if database.dialect == "sqlite" else "%s"
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    marks = ", ".join([mark] * len(COLUMNS))
    statement = f'INSERT INTO "AuditLogs" ({names}) VALUES ({marks})'
    with database.connected() as connection:
        if database.dialect == "sqlite":
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA synchronous = OFF")
            connection.exec_driver_sql("BEGIN")
        while batch := list(islice(rows, TOGETHER[database.dialect])):
            connection.exec_driver_sql(statement, batch)
            connection.commit()
    if database.dialect == "postgresql":
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    database.close()


# --- measuring -----------------------------------------------------------------------------


def seal(database: Database, home: Path) -> int:  # noqa: ARG001 - one signature for all
    return Sealer(database, SystemClock()).seal_all()


def verify(database: Database, home: Path) -> int:
    report = LedgerService(database, SystemClock(), home=home).verify()
    assert report.is_sound, report.findings
    return report.rows


def floor(database: Database, home: Path) -> int:  # noqa: ARG001
    """Rows by the bare driver as it is quickest, their hashes and the trees; nothing compared."""
    last = database.url.database or ""
    if database.dialect == "sqlite":
        cursor: Any = sqlite3.connect(last).cursor()
        statement = f'SELECT {READ} FROM "AuditLogs" WHERE id BETWEEN ? AND ?'
    else:
        address = database.url.set(drivername="postgresql")
        connection = psycopg.connect(address.render_as_string(hide_password=False))
        cursor = connection.cursor(binary=True)
        read = ", ".join(
            f"{name}::text" if name in ("old_value", "new_value", "details") else name
            for name in READ.split(", ")
        )
        statement = f'SELECT {read} FROM "AuditLogs" WHERE id BETWEEN %s AND %s'
    done, start = 0, 1
    while rows := cursor.execute(statement, (start, start + MOST_ROWS - 1)).fetchall():
        merkle_root([sha256(LEAF_PREFIX + row[2]).digest() for row in rows])
        done += len(rows)
        start += MOST_ROWS
    return done


def archive(database: Database, home: Path) -> int:
    service = ArchiveService(database, SystemClock(), home=home)
    made = service.archive(before=BEGAN + timedelta(days=3650), actor=MUNSHI)
    return sum(each.rows for each in made)


def restore(database: Database, home: Path) -> int:
    service = ArchiveService(database, SystemClock(), home=home)
    return service.restore(service.names_within(None, None), actor=MUNSHI)


AIMED = frozenset({"seal", "verify"})
ACTS: dict[str, Callable[[Database, Path], int]] = {
    "seal": seal,
    "verify": verify,
    "floor of verify": floor,
    "archive": archive,
    "verify, archived": verify,
    "restore": restore,
}


def measure(url: str, act: str, *, database: str, home: Path, server: int) -> Cost:
    """Do it in a new process; `server` is the id of PostgreSQL's."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (url, act, database, home, server))


def _server_cpu(server: int) -> float:
    """CPU seconds of the server's processes, those that have ended included."""
    parent = psutil.Process(server)
    times = [each.cpu_times() for each in (parent, *parent.children())]
    ended = parent.cpu_times()
    living = sum(each.user + each.system for each in times)
    return float(living + ended.children_user + ended.children_system)


def _measure(url: str, act: str, name: str, home: Path, server: int) -> Cost:
    database = open_database(url)
    with database.reading() as tx:
        tx.ledger.is_begun()
    at_rest = _peak_megabytes()
    cpu, began, beside = time.process_time(), time.perf_counter(), _server_cpu(server)
    rows = ACTS[act](database, home)
    used, seconds = time.process_time() - cpu, time.perf_counter() - began
    beside = _server_cpu(server) - beside if name == "PostgreSQL" else 0.0
    peak = _peak_megabytes()
    database.close()
    return Cost(
        database=name,
        act=act,
        rows=rows,
        microseconds=used / rows * 1e6,
        server=beside / rows * 1e6,
        seconds=seconds,
        megabytes=peak - at_rest,
        whole=peak,
    )


def _peak_megabytes() -> float:
    """Not `ru_maxrss`, which a process has from the one that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def measure_sealer(url: str, *, database: str, rate: int, seconds: float) -> SealerCost:
    """Of a sealer that begins with everything sealed; the rows come from this process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        waited = pool.apply_async(_measure_sealer, (url, seconds))
        if rate:
            write_steadily(url, rate=rate, until=waited.ready)
        used, sealed = waited.get()
    return SealerCost(
        database=database,
        rate=rate,
        core_percent=used / seconds * 100,
        seconds=seconds,
        sealed=sealed,
    )


def write_steadily(url: str, *, rate: int, until: Callable[[], bool]) -> None:
    """Ten rows a transaction."""
    database = open_database(url)
    mark = "?" if database.dialect == "sqlite" else "%s"
    names, marks = ", ".join(COLUMNS), ", ".join([mark] * len(COLUMNS))
    statement = f'INSERT INTO "AuditLogs" ({names}) VALUES ({marks})'
    rows = made_rows(10**9)
    due = time.monotonic()
    with database.connected() as connection:
        while not until():
            connection.exec_driver_sql(statement, list(islice(rows, 10)))
            connection.commit()
            due += 10 / rate
            time.sleep(max(0.0, due - time.monotonic()))
    database.close()


def _measure_sealer(url: str, seconds: float) -> tuple[float, int]:
    database = open_database(url)
    sealer = Sealer(database, SystemClock())
    sealer.seal_all()
    sealer.start()
    time.sleep(2.0)
    before, cpu = _sealed(database), time.process_time()
    time.sleep(seconds)
    used = time.process_time() - cpu
    sealed = _sealed(database) - before
    sealer.stop()
    database.close()
    return used, sealed


def _sealed(database: Database) -> int:
    with database.reading() as tx:
        return tx.ledger.get_head()[0].size


def measure_ledger(
    folder: Path, *, sizes: Mapping[str, Sequence[int]], idle_seconds: float
) -> tuple[list[Cost], list[SealerCost]]:
    """Each database, with trails of so many rows."""
    costs: list[Cost] = []
    sealers: list[SealerCost] = []
    with running_cluster(find_programs(), options=SERVER_OPTIONS) as cluster:
        for name, counts in sizes.items():
            for count in counts:
                url = f"sqlite:///{folder / f'ledger-{count}.db'}"
                if name == "PostgreSQL":
                    url = _new_database(cluster.url("postgres"), f"ledger_{count}")
                fill(url, count)
                for act in ACTS:
                    cost = measure(url, act, database=name, home=folder, server=cluster.pid)
                    assert cost.rows == count, cost
                    costs.append(cost)
            sealers += [
                measure_sealer(url, database=name, rate=rate, seconds=idle_seconds)
                for rate in (0, STEADY_RATE)
            ]
    return costs, sealers


def _new_database(admin: str, name: str) -> str:
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(name)))
    return admin.removesuffix("postgres") + name


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small trails")
    parser.add_argument("--idle-seconds", type=float, default=20.0)
    parser.add_argument("--rows", type=int, help="one trail of so many rows")
    parser.add_argument("--database", choices=sorted(SIZES), help="this one only")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    sizes: Mapping[str, Sequence[int]] = QUICK_SIZES if chosen.quick else SIZES
    sizes = {
        name: (chosen.rows,) if chosen.rows else counts
        for name, counts in sizes.items()
        if chosen.database in (None, name)
    }
    with tempfile.TemporaryDirectory(prefix="munshi-trust-") as place:
        costs, sealers = measure_ledger(Path(place), sizes=sizes, idle_seconds=chosen.idle_seconds)
    if chosen.json:
        told = {"costs": [asdict(c) for c in costs], "sealers": [asdict(s) for s in sealers]}
        print(json.dumps(told))
    else:
        tell(costs, sealers)
    kept = all(
        each.microseconds <= AIM_MICROSECONDS and each.megabytes <= AIM_MEGABYTES
        for each in costs
        if each.act in AIMED
    )
    idle = [one for one in sealers if not one.rate]
    return 0 if kept and all(one.core_percent <= AIM_IDLE_PERCENT for one in idle) else 1


def tell(costs: Sequence[Cost], sealers: Sequence[SealerCost]) -> None:
    print(
        f"{'database':<12}{'act':<18}{'rows':>11}{'µs a row':>10}{'server µs':>11}"
        f"{'s':>8}{'MB more':>9}{'MB':>7}"
    )
    for each in costs:
        print(
            f"{each.database:<12}{each.act:<18}{each.rows:>11,}{each.microseconds:>10.2f}"
            f"{each.server:>11.2f}{each.seconds:>8.1f}{each.megabytes:>9.1f}{each.whole:>7.0f}"
        )
    for one in sealers:
        said = f"{one.database:<12}a sealer takes {one.core_percent:.3f} % of a core"
        if one.rate:
            used = one.core_percent / 100 * one.seconds / max(one.sealed, 1) * 1e6
            said += f" while {one.sealed / one.seconds:,.0f} rows a second come: {used:.1f} µs each"
        print(said)


if __name__ == "__main__":
    raise SystemExit(main())
