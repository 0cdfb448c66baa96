"""Who works at the desk: workers, the scheduler, what waits for them, and the sealer."""

from collections.abc import Iterator

from munshi.doctor.diagnosis import Diagnosis, State, of_finding
from munshi.doctor.ground import DoctorGround
from munshi.health.desk_checks import (
    find_audit_seal,
    find_backlog,
    find_scheduler,
    find_workers,
)

_START = "munshi serve, or munshi service install to keep it running"


def look_at_work(ground: DoctorGround) -> Iterator[Diagnosis]:
    """A desk that nobody has started is worth a warning; one that runs and lags is broken."""
    health = ground.health()
    workers = find_workers(health)
    runs = bool(workers.facts["alive"])
    at_worst = State.BROKEN if runs else State.WARN
    yield of_finding("workers", workers, mend=_START, at_worst=State.WARN)
    yield of_finding("scheduler", find_scheduler(health), mend=_START, at_worst=at_worst)
    yield of_finding(
        "backlog", find_backlog(health), mend="munshi jobs list; munshi worker", at_worst=at_worst
    )
    yield of_finding(
        "audit sealing",
        find_audit_seal(health),
        mend="munshi serve or munshi worker seals; look for old transactions in the database.",
        at_worst=at_worst,
    )
