"""What sealing and verifying the audit trail cost a row, and a sealer with nothing to do.

Tables are filled through the driver with rows as the repository would have written them. Every
figure is taken in a process of its own, so that its memory is its own too.
"""

import argparse
import json
import multiprocessing
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from databases import migrate_template, open_database
from munshi.audit.archive_service import ArchiveService
from munshi.audit.ledger_service import LedgerService
from munshi.audit.sealer import Sealer
from munshi.audit.verification import Verification
from munshi.clock import SystemClock
from munshi.domain.audit import MUNSHI, canonical_bytes, leaf_hash
from munshi.infrastructure.archives import ArchiveFolder
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.ledger_reader import LedgerReader
from postgres_cluster import SERVER_OPTIONS, find_programs, running_cluster

AIM_MICROSECONDS = 5.0
AIM_MEGABYTES = 100.0
AIM_IDLE_PERCENT = 0.2
SIZES = {"SQLite": (250_000, 1_000_000), "PostgreSQL": (50_000, 200_000)}
QUICK_SIZES = {"SQLite": (10_000, 40_000), "PostgreSQL": (5_000, 20_000)}
BATCH = 5_000
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = (
    *("format_version", "entity_type", "entity_id", "action", "old_value", "new_value"),
    *("timestamp", "user_id", "request_id", "details", "canonical", "leaf"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one pass over a trail: CPU of the process and what its memory grew by at the most."""

    database: str
    act: str
    rows: int
    microseconds: float
    seconds: float
    megabytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleCost:
    """A sealer's thread with nothing to seal, in a process that does nothing else."""

    database: str
    core_percent: float
    seconds: float


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
    while batch := list(islice(rows, BATCH)):
        with database.transaction() as tx:
            tx.connection.exec_driver_sql(statement, batch)
    if database.dialect == "postgresql":
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    database.close()


# --- measuring -----------------------------------------------------------------------------


class HashesOnly(LedgerReader):
    """Reads no column but the hashed bytes, to tell what comparing the readable ones costs."""

    def rows(self, ids: Sequence[int]) -> Any:  # noqa: ANN401 - as the parent's
        return {key: row._replace(readable=None) for key, row in super().rows(ids).items()}


def seal(database: Database, home: Path) -> int:  # noqa: ARG001 - one signature for all
    return Sealer(database, SystemClock()).seal_all()


def verify(database: Database, home: Path) -> int:
    report = LedgerService(database, SystemClock(), home=home).verify()
    assert report.is_sound, report.findings
    return report.rows


def verify_hashes(database: Database, home: Path) -> int:
    with database.reading() as tx:
        run = Verification(
            HashesOnly(tx.connection, tx.ledger),
            ArchiveFolder(home),
            ledger_id=tx.ledger.get_head()[0].ledger_id,
            keys=tx.audit_keys.list_public_keys(),
            told=lambda done, total: None,  # noqa: ARG005
        )
        report = run.run()
    assert report.is_sound, report.findings
    return report.rows


def archive(database: Database, home: Path) -> int:
    service = ArchiveService(database, SystemClock(), home=home)
    made = service.archive(before=BEGAN + timedelta(days=3650), actor=MUNSHI)
    return sum(each.rows for each in made)


def restore(database: Database, home: Path) -> int:
    service = ArchiveService(database, SystemClock(), home=home)
    return service.restore(service.names_within(None, None), actor=MUNSHI)


AIMED = frozenset({"seal", "verify", "verify, hashes only"})
ACTS: dict[str, Callable[[Database, Path], int]] = {
    "seal": seal,
    "verify": verify,
    "verify, hashes only": verify_hashes,
    "archive": archive,
    "verify, archived": verify,
    "restore": restore,
}


def measure(url: str, act: str, *, database: str, home: Path) -> Cost:
    """Do it in a new process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (url, act, database, home))


def _measure(url: str, act: str, name: str, home: Path) -> Cost:
    database = open_database(url)
    with database.reading() as tx:
        tx.ledger.is_begun()
    at_rest = _peak_megabytes()
    cpu, began = time.process_time(), time.perf_counter()
    rows = ACTS[act](database, home)
    used, seconds = time.process_time() - cpu, time.perf_counter() - began
    peak = _peak_megabytes()
    database.close()
    return Cost(
        database=name,
        act=act,
        rows=rows,
        microseconds=used / rows * 1e6,
        seconds=seconds,
        megabytes=peak - at_rest,
    )


def _peak_megabytes() -> float:
    """Not `ru_maxrss`, which a process has from the one that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def measure_idle(url: str, *, database: str, seconds: float) -> IdleCost:
    """Of a sealer on a trail of which everything is sealed."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure_idle, (url, database, seconds))


def _measure_idle(url: str, name: str, seconds: float) -> IdleCost:
    database = open_database(url)
    sealer = Sealer(database, SystemClock())
    sealer.seal_all()
    sealer.start()
    time.sleep(2.0)
    cpu = time.process_time()
    time.sleep(seconds)
    used = time.process_time() - cpu
    sealer.stop()
    database.close()
    return IdleCost(database=name, core_percent=used / seconds * 100, seconds=seconds)


def measure_ledger(
    folder: Path, *, sizes: dict[str, tuple[int, int]], idle_seconds: float
) -> tuple[list[Cost], list[IdleCost]]:
    """Both databases, a smaller trail and a larger one each."""
    costs: list[Cost] = []
    idle: list[IdleCost] = []
    with running_cluster(find_programs(), options=SERVER_OPTIONS) as cluster:
        for name, counts in sizes.items():
            for count in counts:
                url = f"sqlite:///{folder / f'ledger-{count}.db'}"
                if name == "PostgreSQL":
                    url = _new_database(cluster.url("postgres"), f"ledger_{count}")
                fill(url, count)
                for act in ACTS:
                    cost = measure(url, act, database=name, home=folder)
                    assert cost.rows == count, cost
                    costs.append(cost)
            idle.append(measure_idle(url, database=name, seconds=idle_seconds))
    return costs, idle


def _new_database(admin: str, name: str) -> str:
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(name)))
    return admin.removesuffix("postgres") + name


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small trails")
    parser.add_argument("--idle-seconds", type=float, default=20.0)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="munshi-trust-") as place:
        costs, idle = measure_ledger(
            Path(place),
            sizes=QUICK_SIZES if chosen.quick else SIZES,
            idle_seconds=chosen.idle_seconds,
        )
    if chosen.json:
        print(json.dumps({"costs": [asdict(c) for c in costs], "idle": [asdict(i) for i in idle]}))
    else:
        print(f"{'database':<12}{'act':<22}{'rows':>10}{'µs a row':>10}{'s':>8}{'MB more':>9}")
        for each in costs:
            print(
                f"{each.database:<12}{each.act:<22}{each.rows:>10,}{each.microseconds:>10.2f}"
                f"{each.seconds:>8.1f}{each.megabytes:>9.1f}"
            )
        for one in idle:
            print(f"{one.database:<12}an idle sealer takes {one.core_percent:.3f} % of a core")
    kept = all(
        each.microseconds <= AIM_MICROSECONDS and each.megabytes <= AIM_MEGABYTES
        for each in costs
        if each.act in AIMED
    )
    return 0 if kept and all(one.core_percent <= AIM_IDLE_PERCENT for one in idle) else 1


if __name__ == "__main__":
    raise SystemExit(main())
