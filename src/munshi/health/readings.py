"""All that metrics tell, read in one transaction by queries that are bounded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from munshi.domain.circuits import Circuit
from munshi.domain.config_keys import AUTH, EXPIRY_WARNING_MINUTES
from munshi.domain.enums import Service
from munshi.domain.health import HealthSample
from munshi.domain.sessions import SessionState, session_state
from munshi.errors import DatabaseUnreachableError
from munshi.health.desk_checks import SILENT_AFTER
from munshi.health.ground import CheckGround
from munshi.infrastructure.database.vital_signs_repository import Waiting, WorkerSeen

LATELY = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskReadings:
    """`jobs` by state and type, `outcomes` by type and outcome; what has ended is of 24 hours.

    Without a database only `is_database_up` says something.
    """

    is_database_up: bool
    jobs: Mapping[tuple[str, str], int] = field(default_factory=dict)
    outcomes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    waiting: Sequence[Waiting] = ()
    seconds_waited: Mapping[str, float] = field(default_factory=dict)
    workers: Sequence[WorkerSeen] = ()
    scheduler_lag: float = 0.0
    session_seconds: Mapping[Service, float] = field(default_factory=dict)
    session_states: Mapping[Service, SessionState] = field(default_factory=dict)
    circuits: Mapping[Service, Circuit] = field(default_factory=dict)
    read_at: datetime | None = None
    samples: Sequence[HealthSample] = ()


def read_desk(ground: CheckGround) -> DeskReadings:
    """Raises nothing for a database that is away."""
    try:
        return _read(ground)
    except DatabaseUnreachableError:
        return DeskReadings(is_database_up=False)


def _read(ground: CheckGround) -> DeskReadings:
    now = ground.clock.now()
    warning = timedelta(minutes=ground.config.value(AUTH, EXPIRY_WARNING_MINUTES))
    with ground.database.reading() as tx:
        signs = tx.vital_signs
        waiting = signs.list_waiting(now=now)
        jobs = signs.count_jobs(ended_since=now - LATELY)
        outcomes = signs.count_outcomes(since=now - LATELY)
        workers = signs.list_workers(since=now - SILENT_AFTER)
        overdue = signs.get_overdue_schedule(now=now)
        logins = signs.list_logins(mode=ground.mode)
        seen = {
            service: tx.login_states.get_last_login(service, mode=ground.mode)
            for service in Service
        }
        circuits = tx.circuits.list_circuits(mode=ground.mode)
        samples = tx.health.list_latest()
    waited: dict[str, float] = {}
    for each in waiting:
        age = max(0.0, (now - each.oldest).total_seconds())
        waited[each.queue] = max(age, waited.get(each.queue, 0.0))
    return DeskReadings(
        is_database_up=True,
        jobs=jobs,
        outcomes=outcomes,
        waiting=waiting,
        seconds_waited=waited,
        workers=workers,
        scheduler_lag=0.0 if overdue is None else (now - overdue[1]).total_seconds(),
        session_seconds={
            service: max(0.0, (login.expires_at - now).total_seconds()) if login.is_active else 0.0
            for service, login in logins.items()
        },
        session_states={
            service: session_state(login, now=now, warning=warning)
            for service, login in seen.items()
        },
        circuits={service: circuits.get(service, Circuit()) for service in Service},
        read_at=now,
        samples=samples,
    )
