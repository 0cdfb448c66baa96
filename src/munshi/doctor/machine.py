"""The machine: how many files may be open, its time zone, and what it knows of time zones."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import TZPATH, available_timezones

from munshi.clock import IST
from munshi.doctor.diagnosis import Diagnosis, State
from munshi.doctor.ground import DoctorGround
from munshi.infrastructure.platform import open_file_limit

FEWEST_FILES = 1024
TOO_FEW_FILES = 128
# India has had no other since 1945, and the market's hours are reckoned by it.
_AN_INSTANT = datetime(2026, 1, 1, tzinfo=UTC)
_INDIAN = timedelta(hours=5, minutes=30)


def look_at_files(_: DoctorGround) -> Iterator[Diagnosis]:
    """Each page that follows events and each connection is an open file."""
    limit = open_file_limit()
    if limit is None:
        yield Diagnosis(what="open files", state=State.OK, found="No limit is set.")
        return
    state = State.BROKEN if limit < TOO_FEW_FILES else State.WARN
    yield Diagnosis(
        what="open files",
        state=State.OK if limit >= FEWEST_FILES else state,
        found=f"A process may have {limit} files and connections open.",
        mend=None
        if limit >= FEWEST_FILES
        else "ulimit -n 4096 before starting, or LimitNOFILE=4096 in the systemd unit.",
        facts={"limit": limit},
    )


def look_at_time_zones(ground: DoctorGround) -> Iterator[Diagnosis]:
    """IST is what people see and the market goes by; the machine's own zone does not matter."""
    here = ground.clock.now().astimezone()
    offset = IST.utcoffset(_AN_INSTANT.astimezone(IST))
    known = len(available_timezones())
    is_right = offset == _INDIAN
    yield Diagnosis(
        what="time zones",
        state=State.OK if is_right else State.BROKEN,
        found=(
            f"{known} zones are known; this machine is in {here.tzname()} ({here:%z}), "
            "and Munshi shows IST."
            if is_right
            else f"Asia/Kolkata is {offset} from UTC here, and should be {_INDIAN}."
        ),
        mend=None if is_right else "pip install --force-reinstall tzdata",
        facts={"zone": here.tzname(), "zones": known, "read_from": list(TZPATH)},
    )
