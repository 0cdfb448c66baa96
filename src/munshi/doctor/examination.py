"""Looks at everything at once; one thing that fails, or hangs, hides no other."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from munshi.clock import SystemClock
from munshi.doctor.clocks import look_at_server_clock
from munshi.doctor.database import (
    look_at_configuration,
    look_at_database,
    look_at_database_file,
)
from munshi.doctor.diagnosis import Diagnosis, State, of_error
from munshi.doctor.ground import DoctorGround
from munshi.doctor.home import look_at_disk, look_at_env_file, look_at_home, look_at_settings
from munshi.doctor.hosts import look_at_address, look_at_hosts
from munshi.doctor.keys import look_at_key
from munshi.doctor.machine import look_at_files, look_at_time_zones
from munshi.doctor.port import look_at_port
from munshi.doctor.versions import look_at_sqlite, look_at_versions
from munshi.doctor.work import look_at_work

Look = Callable[[DoctorGround], Iterator[Diagnosis]]
# Longer than a connection to a database server may take, and than a broker that is silent.
PATIENCE_SECONDS = 20.0

# In the order people read them: what they were told, the machine, the database, then others.
LOOKS: Sequence[tuple[str, Look]] = (
    ("versions", look_at_versions),
    ("SQLite library", look_at_sqlite),
    ("settings", look_at_settings),
    (".env", look_at_env_file),
    ("home", look_at_home),
    ("disk", look_at_disk),
    ("open files", look_at_files),
    ("time zones", look_at_time_zones),
    ("database", look_at_database),
    ("database file", look_at_database_file),
    ("clock against database", look_at_server_clock),
    ("master key", look_at_key),
    ("configuration", look_at_configuration),
    ("port", look_at_port),
    ("desk at work", look_at_work),
    ("broker reach", look_at_hosts),
    ("fixed address", look_at_address),
)


@dataclass(slots=True)
class _Sight:
    """One look under way in a thread of its own, and what it has found so far."""

    name: str
    look: Look
    found: list[Diagnosis] = field(default_factory=list)

    def run(self, ground: DoctorGround) -> None:
        try:
            for diagnosis in self.look(ground):
                self.found.append(diagnosis)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is what was found
            self.found.append(of_error(self.name, error))


def examine(
    ground: DoctorGround,
    *,
    looks: Sequence[tuple[str, Look]] = LOOKS,
    patience_seconds: float = PATIENCE_SECONDS,
) -> list[Diagnosis]:
    """What every look found, in their order. Raises nothing, and waits no longer than told."""
    clock = SystemClock()
    deadline = clock.monotonic() + patience_seconds
    running: list[tuple[_Sight, threading.Thread]] = []
    for name, look in looks:
        sight = _Sight(name, look)
        thread = threading.Thread(target=sight.run, args=(ground,), name=name, daemon=True)
        thread.start()
        running.append((sight, thread))
    found: list[Diagnosis] = []
    for sight, thread in running:
        thread.join(max(0.0, deadline - clock.monotonic()))
        found += list(sight.found)
        if thread.is_alive():
            found.append(
                Diagnosis(
                    what=sight.name,
                    state=State.BROKEN,
                    found=f"Looking at it did not end within {patience_seconds:g} s.",
                )
            )
    return found


def is_broken(found: Sequence[Diagnosis]) -> bool:
    return any(each.state is State.BROKEN for each in found)
