"""What the process was told, the home folder, and the room on its disk."""

import os
from collections.abc import Iterator
from pathlib import Path

from munshi.config.service import ConfigService
from munshi.doctor.diagnosis import CannotLookError, Diagnosis, State, of_error, of_finding
from munshi.doctor.ground import DoctorGround
from munshi.domain.config_keys import HEALTH, LEAST_FREE_MB, find_key
from munshi.errors import RestoreUnfinishedError
from munshi.health.desk_checks import judge_disk
from munshi.infrastructure.database.url import DATABASE_FILE
from munshi.infrastructure.env_file import read_env_file
from munshi.infrastructure.platform import is_private
from munshi.infrastructure.security.key_places import KEY_FILE
from munshi.keeping.restore_marker import refuse_unfinished

_OTHER_HOME = "Set MUNSHI_HOME to a folder that can, or give it to this account (chown, chmod 700)."
# Whatever else there is can be made again.
_ESSENTIAL = (DATABASE_FILE, f"{DATABASE_FILE}-wal", f"{DATABASE_FILE}-shm", KEY_FILE)


def look_at_settings(ground: DoctorGround) -> Iterator[Diagnosis]:
    """Each variable that cannot be used; the rest of the doctor goes on with its default."""
    for complaint in ground.complaints:
        yield of_error("settings", complaint)
    if not ground.complaints:
        settings = ground.settings
        yield Diagnosis(
            what="settings",
            state=State.OK,
            found=f"{settings.brokers.value} brokers; home {settings.home}.",
            facts={"brokers": settings.brokers.value, "home": str(settings.home)},
        )


def look_at_env_file(ground: DoctorGround) -> Iterator[Diagnosis]:
    """The old-style file with credentials: it need not be there, but it must be private."""
    path = ground.settings.env_file
    if not path.exists():
        yield Diagnosis(what=".env", state=State.OK, found=f"There is no {path}; none is needed.")
        return
    names = len(read_env_file(path))
    private = is_private(path)
    yield Diagnosis(
        what=".env",
        state=State.OK if private else State.WARN,
        found=f"{path} gives {names} values"
        + ("." if private else ", and other accounts of this machine may read it."),
        mend=None if private else f"chmod 600 {path}",
    )


def look_at_home(ground: DoctorGround) -> Iterator[Diagnosis]:
    """Whether the home is a folder of its owner's alone that can be read and written."""
    home = ground.settings.home
    if not home.exists():
        yield _missing(home)
        return
    trouble = _trouble(home)
    loose = trouble is None and not is_private(home)
    if trouble is not None:
        found, state, mend = trouble, State.BROKEN, _OTHER_HOME
    elif loose:
        found = f"Other accounts of this machine may look into {home}."
        state, mend = State.WARN, f"chmod 700 {home}"
    else:
        found, state, mend = f"{home} can be written, and is its owner's alone.", State.OK, ""
    yield Diagnosis(what="home", state=state, found=found, mend=mend or None)
    if trouble is None:
        try:
            refuse_unfinished(home)
        except RestoreUnfinishedError as error:
            yield of_error("restore", error)


def _missing(home: Path) -> Diagnosis:
    """A home that the first start makes, if the folder above lets it."""
    above = next(parent for parent in home.parents if parent.exists())
    can_be_made = above.is_dir() and os.access(above, os.W_OK | os.X_OK)
    return Diagnosis(
        what="home",
        state=State.WARN if can_be_made else State.BROKEN,
        found=f"{home} is not there yet"
        + ("." if can_be_made else f", and cannot be made in {above}."),
        mend="munshi serve makes it." if can_be_made else _OTHER_HOME,
    )


def _trouble(home: Path) -> str | None:
    """Asked and not tried, because trying would write."""
    if not home.is_dir():
        return f"{home} is not a folder."
    if not os.access(home, os.R_OK | os.X_OK):
        return f"{home} cannot be read by this account."
    if not os.access(home, os.W_OK):
        return f"{home} cannot be written by this account."
    for name in _ESSENTIAL:
        path = home / name
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            return f"{path} cannot be read and written by this account."
    return None


def look_at_disk(ground: DoctorGround) -> Iterator[Diagnosis]:
    """Room for the home and an embedded database, against what the configuration wants."""
    places = {ground.settings.home, ground.database_folder or ground.settings.home}
    finding = judge_disk([_nearest(place) for place in places], wanted_mb=_wanted_mb(ground))
    yield of_finding(
        "disk",
        finding,
        mend="Free space on that disk, or: munshi config set health least_free_mb NUMBER",
    )


def _wanted_mb(ground: DoctorGround) -> int:
    try:
        config = ConfigService(ground.sight.of_our_revision(), ground.clock)
    except CannotLookError:
        return int(find_key(HEALTH, LEAST_FREE_MB).default)
    return int(config.value(HEALTH, LEAST_FREE_MB))


def _nearest(place: Path) -> Path:
    """The folder that is there: what is to be made will stand on its disk."""
    return next(each for each in (place, *place.parents) if each.exists())
