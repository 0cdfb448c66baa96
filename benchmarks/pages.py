"""What a page costs in CPU on a desk of years: `make bench-pages`.

100,000 jobs and 1,000,000 audit rows on SQLite, called in this process as a browser's request
arrives, gate and all. `--quick` takes a tenth of both.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from starlette.types import ASGIApp, Message

from munshi.bootstrap import BrokerEndpoints, Services, open_database, open_services
from munshi.dashboard.site import create_site
from munshi.domain.audit import Actor
from munshi.domain.jobs import HEALTH_SWEEP, JobState
from munshi.infrastructure.database import migrate
from munshi.infrastructure.database.types import to_text
from munshi.logging_setup import configure_logging
from munshi.settings import load_settings

JOBS, AUDIT_ROWS = 100_000, 1_000_000
CALLS = 40
AIM_MS = 100.0
PATHS = (
    *("/ui/", "/ui/jobs", "/ui/jobs?state=dead", "/ui/jobs?state=queued&job_type=health_sweep"),
    *("/ui/queues", "/ui/schedules", "/ui/limits", "/ui/health", "/jobs?limit=50"),
    *("/ui/job-pace", "/ui/job-pace?hours=720", "/ui/health/database"),
)
# Of a hundred jobs; the others succeeded.
SHARES = {JobState.QUEUED: 10, JobState.DEAD: 5, JobState.FAILED: 5, JobState.CANCELLED: 5}
_OWNER = Actor(user_id="benchmark")


@contextmanager
def _desk(home: Path) -> Iterator[Services]:
    settings = load_settings(_env_file=None, home=home, env_file=home / ".env")
    with open_database(settings) as database:
        migrate.upgrade(database)
    with open_services(settings, endpoints=BrokerEndpoints.at("http://127.0.0.1:9")) as services:
        services.config.seed(actor=_OWNER)
        yield services


def _columns(services: Services, table: str) -> tuple[list[str], tuple[object, ...]]:
    """The columns of a table and its newest row, by the bare driver."""
    with services.database.transaction() as tx:
        found = tx.connection.exec_driver_sql(
            f'SELECT * FROM "{table}" ORDER BY rowid DESC LIMIT 1'
        )
        return list(found.keys()), tuple(found.one())


def _insert(
    services: Services, table: str, columns: list[str], rows: list[tuple[object, ...]]
) -> None:
    names, marks = ", ".join(f'"{each}"' for each in columns), ", ".join("?" * len(columns))
    with services.database.transaction() as tx:
        tx.connection.exec_driver_sql(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)


def _fill_jobs(services: Services, jobs: int) -> None:
    services.jobs.enqueue(HEALTH_SWEEP, {}, actor=_OWNER)
    columns, row = _columns(services, "BackgroundJobs")
    first = dict(zip(columns, row, strict=True))
    states = [state for state, share in SHARES.items() for _ in range(share)]
    states += [JobState.SUCCEEDED] * (100 - len(states))
    now = services.clock.now()
    for start in range(0, jobs, 10_000):
        rows = []
        for number in range(start, start + 10_000):
            state = states[number % 100]
            made = to_text(now - timedelta(seconds=30 * (jobs - number)))
            rows.append(
                tuple(
                    (
                        first
                        | {
                            "job_id": _new_id(first["job_id"]),
                            "status": str(state),
                            "created_at": made,
                            "updated_at": made,
                            "completed_at": made if state.is_final else None,
                        }
                    ).values()
                )
            )
        _insert(services, "BackgroundJobs", columns, rows)


def _new_id(stored: object) -> object:
    made = uuid4()
    if isinstance(stored, bytes):
        return made.bytes
    return str(made) if "-" in str(stored) else made.hex


def _fill_audit(services: Services, rows: int) -> None:
    columns, row = _columns(services, "AuditLogs")
    kept = [each for each in columns if each != "id"]
    first = dict(zip(columns, row, strict=True))
    leaf = kept.index("leaf")
    values = [first[each] for each in kept]
    for start in range(0, rows, 50_000):
        made = []
        for number in range(start, start + 50_000):
            values[leaf] = uuid4().bytes + number.to_bytes(16, "big")
            made.append(tuple(values))
        _insert(services, "AuditLogs", kept, made)


async def _ask(app: ASGIApp, path: str) -> int:
    target, _, query = path.partition("?")
    status = size = 0

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, size
        status = message.get("status", status)
        size += len(message.get("body", b""))

    await app(
        {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": target,
            "raw_path": target.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"host", b"localhost:8000"), (b"accept", b"text/html")],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8000),
        },
        receive,
        send,
    )
    assert status == 200, (path, status)
    return size


async def _measure(app: ASGIApp, path: str) -> tuple[float, int]:
    """The median of the process's CPU in ms, and the size of the answer."""
    found, size = [], 0
    for number in range(CALLS + 3):
        began = time.process_time()
        size = await _ask(app, path)
        if number >= 3:  # the first build what is built once
            found.append((time.process_time() - began) * 1000)
    return statistics.median(found), size


async def _report(app: ASGIApp) -> None:
    for path in PATHS:
        ms, size = await _measure(app, path)
        verdict = "" if ms < AIM_MS else f"   OVER THE AIM OF {AIM_MS:g} ms"
        print(f"{path:50} {ms:8.1f} ms CPU {size / 1024:8.1f} KB{verdict}")


def main() -> None:
    share = 10 if "--quick" in sys.argv else 1
    configure_logging("ERROR")
    with tempfile.TemporaryDirectory() as home, _desk(Path(home)) as services:
        _fill_jobs(services, JOBS // share)
        _fill_audit(services, AUDIT_ROWS // share)
        print(f"{JOBS // share:,} jobs, {AUDIT_ROWS // share:,} audit rows, SQLite")
        with closing(create_site(services)) as site:
            asyncio.run(_report(site.app))
        began = time.process_time()
        for _ in range(CALLS):
            services.job_watch.signs()
        print(
            f"{'the look for changes, once a second':50} "
            f"{(time.process_time() - began) * 1000 / CALLS:8.2f} ms CPU"
        )


if __name__ == "__main__":
    main()
