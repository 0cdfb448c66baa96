"""This machine's clock against the database server's, by which all leases go."""

from collections.abc import Iterator

from munshi.doctor.diagnosis import Diagnosis, State
from munshi.doctor.ground import DoctorGround, is_embedded
from munshi.infrastructure.database.server_clock import MOST_DRIFT, ServerClock

_SYNCHRONISE = "timedatectl set-ntp true, here and on the database's machine"


def look_at_server_clock(ground: DoctorGround) -> Iterator[Diagnosis]:
    """Munshi refuses to work beyond two seconds; half of that is worth knowing."""
    if ground.sight.path is not None:
        return
    database = ground.sight.of_our_revision()
    if is_embedded(database):
        return
    clock = ServerClock(database, here=ground.clock)
    clock.measure()
    seconds = round(clock.shift.total_seconds(), 3)
    if abs(clock.shift) > MOST_DRIFT:
        state = State.BROKEN
    else:
        state = State.WARN if abs(clock.shift) * 2 > MOST_DRIFT else State.OK
    yield Diagnosis(
        what="clock against database",
        state=state,
        found=f"The database's clock is {seconds:+g} s from this machine's; "
        f"beyond {MOST_DRIFT.total_seconds():g} s Munshi refuses to work.",
        mend=None if state is State.OK else _SYNCHRONISE,
        facts={"seconds": seconds},
    )
