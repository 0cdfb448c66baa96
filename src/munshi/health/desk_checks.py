"""Checks of the desk's own parts: database, disk, workers, scheduler, backlog. All are quick."""

import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from munshi.domain.config_keys import BACKLOG_MINUTES, HEALTH, LEAST_FREE_MB
from munshi.domain.health import Finding, HealthStatus, graded, worst
from munshi.health.ground import CheckGround
from munshi.infrastructure.database.opening import check_revision
from munshi.infrastructure.database.sqlite_files import database_path, wal_bytes
from munshi.infrastructure.database.vital_signs_repository import Waiting, WorkerSeen

MB = 1024 * 1024
SLOW_MS, VERY_SLOW_MS = 500.0, 3000.0
# SQLite folds its log back at 4 MB; one that grows is held open by a reader that never ends.
LARGE_WAL_MB, HUGE_WAL_MB = 64.0, 1024.0
# No transaction of ours lasts a second; an old one keeps dead rows from being cleaned.
OLD_TRANSACTION, VERY_OLD_TRANSACTION = 60.0, 900.0
SILENT_AFTER = timedelta(seconds=60)
FORGOTTEN_AFTER = timedelta(hours=1)
# A row is sealed within a second; an old transaction anywhere in the server holds it back.
UNSEALED_SECONDS, LONG_UNSEALED_SECONDS = 60.0, 900.0
LATE_SECONDS, VERY_LATE_SECONDS = 60.0, 300.0
_FAILS_AT = 6  # times the minutes that are worth a warning


def find_database(ground: CheckGround) -> Finding:
    """How long a read takes, and what keeps the database from cleaning up after itself."""
    started = ground.clock.monotonic()
    check_revision(ground.database)
    with ground.database.reading() as tx:
        oldest = tx.vital_signs.get_oldest_transaction_seconds()
    ms = round((ground.clock.monotonic() - started) * 1000, 2)
    wal = wal_bytes(ground.database)
    statuses = [graded(ms, warn=SLOW_MS, fail=VERY_SLOW_MS)]
    said = [f"{ground.database.dialect} answers in {ms:g} ms"]
    facts: dict[str, object] = {"kind": ground.database.dialect}
    if wal is not None:
        statuses.append(graded(wal / MB, warn=LARGE_WAL_MB, fail=HUGE_WAL_MB))
        said.append(f"its write-ahead log has {wal / MB:.1f} MB")
        facts["wal_bytes"] = wal
    if oldest is not None:
        statuses.append(graded(oldest, warn=OLD_TRANSACTION, fail=VERY_OLD_TRANSACTION))
        said.append(f"the oldest open transaction is {oldest:.1f} s old")
        facts["oldest_transaction_seconds"] = round(oldest, 3)
    return Finding(
        status=worst(statuses), message=f"{'; '.join(said)}.", value=ms, unit="ms", facts=facts
    )


def find_disk(ground: CheckGround) -> Finding:
    """The least room among the disks that hold the home and the embedded database."""
    path = database_path(ground.database)
    places = [ground.home] if path is None else [ground.home, path.parent]
    wanted: int = ground.config.value(HEALTH, LEAST_FREE_MB)
    return judge_disk(places, wanted_mb=wanted)


def judge_disk(places: Sequence[Path], *, wanted_mb: int) -> Finding:
    """The least room among the disks of `places`. Raises OSError for one that is not there."""
    usage = min((shutil.disk_usage(place) for place in places), key=lambda each: each.free)
    free_mb = usage.free // MB
    if free_mb * 4 < wanted_mb:
        status = HealthStatus.FAIL
    else:
        status = HealthStatus.WARN if free_mb < wanted_mb else HealthStatus.PASS
    return Finding(
        status=status,
        message=f"{free_mb} MB of {usage.total // MB} are free; {wanted_mb} should be.",
        value=free_mb,
        unit="MB",
        facts={
            "total_mb": usage.total // MB,
            "free_percent": round(100 * usage.free / max(usage.total, 1), 1),
        },
    )


def find_workers(ground: CheckGround) -> Finding:
    """Whether anybody runs jobs, and whether one of them fell silent."""
    now = ground.clock.now()
    with ground.database.reading() as tx:
        seen = tx.vital_signs.list_workers(since=now - FORGOTTEN_AFTER)
    alive = [each for each in seen if now - each.heartbeat_at <= SILENT_AFTER]
    silent = len(seen) - len(alive)
    facts: dict[str, object] = {
        "alive": len(alive),
        "silent": silent,
        "draining": sum(each.status == "draining" for each in alive),
        "threads": sum(each.threads for each in alive),
        "running": sum(each.running for each in alive),
        "abandoned": sum(each.abandoned for each in alive),
        "workers": [f"{each.worker_id} on {each.host}, process {each.process_id}" for each in seen],
    }
    status, message = _judge_workers(alive, silent)
    return Finding(status=status, message=message, value=len(alive), unit="workers", facts=facts)


def _judge_workers(alive: Sequence[WorkerSeen], silent: int) -> tuple[HealthStatus, str]:
    if not alive:
        return (
            HealthStatus.FAIL,
            "No worker runs, so no job does. Start one: munshi serve, or munshi worker",
        )
    if all(each.status == "draining" for each in alive):
        return HealthStatus.WARN, "Every worker is about to stop and takes no new job."
    if abandoned := sum(each.abandoned for each in alive):
        return (
            HealthStatus.WARN,
            f"{_count(abandoned, 'job')} did not stop when told to and block a worker's threads.",
        )
    if silent:
        return (
            HealthStatus.WARN,
            f"{_count(silent, 'worker')} fell silent within the hour without saying goodbye.",
        )
    return HealthStatus.PASS, f"{_count(len(alive), 'worker')} at work."


def find_scheduler(ground: CheckGround) -> Finding:
    """How long the schedule that is most overdue has been due."""
    now = ground.clock.now()
    with ground.database.reading() as tx:
        known = tx.vital_signs.has_schedules()
        overdue = tx.vital_signs.get_overdue_schedule(now=now)
    if not known:
        return Finding(status=HealthStatus.UNKNOWN, message="No scheduler has run here yet.")
    lag = 0.0 if overdue is None else (now - overdue[1]).total_seconds()
    status = graded(lag, warn=LATE_SECONDS, fail=VERY_LATE_SECONDS)
    if overdue is None or status is HealthStatus.PASS:
        return Finding(status=status, message="No schedule is late.", value=lag, unit="s")
    return Finding(
        status=status,
        message=f"Schedule {overdue[0]} has been due for {lag:.0f} s. Does a scheduler run? "
        "munshi serve has one.",
        value=lag,
        unit="s",
        facts={"schedule": overdue[0]},
    )


def find_backlog(ground: CheckGround) -> Finding:
    """How long the job that waits longest has waited; what a person paused does not count."""
    now = ground.clock.now()
    with ground.database.reading() as tx:
        waiting = tx.vital_signs.list_waiting(now=now)
    counted = [each for each in waiting if not each.is_paused and each.oldest <= now]
    ages = _ages(counted, now)
    slowest = max(ages, key=lambda queue: ages[queue], default=None)
    age = 0.0 if slowest is None else ages[slowest]
    minutes: int = ground.config.value(HEALTH, BACKLOG_MINUTES)
    jobs = sum(each.jobs for each in counted)
    message = "No job waits for a worker."
    if slowest is not None:
        message = (
            f"{'1 job waits' if jobs == 1 else f'{jobs} jobs wait'} for a worker; the oldest, in "
            f"queue {slowest}, for {age / 60:.1f} minutes."
        )
    return Finding(
        status=graded(age, warn=minutes * 60, fail=minutes * 60 * _FAILS_AT),
        message=message,
        value=round(age, 1),
        unit="s",
        facts={
            "seconds_by_queue": {queue: round(each, 1) for queue, each in ages.items()},
            "waiting": jobs,
            "paused": sum(each.jobs for each in waiting if each.is_paused),
        },
    )


def _ages(waiting: Sequence[Waiting], now: datetime) -> dict[str, float]:
    ages: dict[str, float] = {}
    for each in waiting:
        age = (now - each.oldest).total_seconds()
        ages[each.queue] = max(age, ages.get(each.queue, 0.0))
    return ages


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def find_audit_seal(ground: CheckGround) -> Finding:
    """How long the oldest audit row has waited to be sealed."""
    with ground.database.reading() as tx:
        waiting, oldest = tx.ledger_reader.unsealed()
    now = ground.clock.now()
    age = 0.0 if oldest is None else max(0.0, round((now - oldest).total_seconds(), 1))
    message = "Every row of the audit trail is sealed."
    if waiting:
        message = f"{waiting} rows of the audit trail wait to be sealed, the oldest for {age:g} s."
    return Finding(
        status=graded(age, warn=UNSEALED_SECONDS, fail=LONG_UNSEALED_SECONDS),
        message=message,
        value=age,
        unit="s",
        facts={"waiting": waiting},
    )
