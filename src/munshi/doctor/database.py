"""The database: whether it answers, stands where this version needs it, and is whole."""

from collections.abc import Iterator

from munshi.config.soundness import unsound_values
from munshi.doctor.diagnosis import CannotLookError, Diagnosis, State, of_error, of_finding
from munshi.doctor.ground import DoctorGround
from munshi.errors import DatabaseForeignError, DatabaseStaleError
from munshi.health.desk_checks import find_database
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.examination import engine_version, file_damage
from munshi.infrastructure.database.migrate import differences
from munshi.infrastructure.database.migrations import HEAD
from munshi.infrastructure.database.opening import check_revision
from munshi.infrastructure.database.sqlite_looking import has_unread_log

_MOST_NAMED = 3
_RESTORE = (
    "Stop Munshi, copy away what is there, and restore the last backup into an empty home: "
    "munshi backup restore FILE"
)


def look_at_database(ground: DoctorGround) -> Iterator[Diagnosis]:
    """Reach, revision, tables and file, as far as one lets the next be seen."""
    try:
        database = ground.sight.any_revision()
    except CannotLookError as error:
        yield Diagnosis(
            what="database",
            state=State.WARN,
            found=str(error),
            mend="munshi serve makes it, or: munshi db upgrade",
        )
        return
    try:
        check_revision(database)
    except (DatabaseStaleError, DatabaseForeignError) as error:
        yield from _reached(database)
        yield of_error("database revision", error)
        return
    yield from _reached(database)
    yield Diagnosis(
        what="database revision", state=State.OK, found=f"{HEAD}, as this version needs."
    )
    yield of_finding(
        "database load",
        find_database(ground.health()),
        mend="munshi jobs run database_maintenance; look for programs that hold it open.",
    )
    yield _tables(database)


def look_at_database_file(ground: DoctorGround) -> Iterator[Diagnosis]:
    """Whether a SQLite file is whole; nothing to say of a server's."""
    path = ground.sight.path
    if path is None or not path.exists():
        return
    damage = file_damage(ground.sight.any_revision())
    if damage is None:
        yield Diagnosis(
            what="database file",
            state=State.SKIPPED,
            found=f"{path} is too large to be read through here.",
            mend="munshi jobs run database_maintenance",
        )
    elif damage:
        yield Diagnosis(
            what="database file",
            state=State.BROKEN,
            found=f"{path} is damaged: {'; '.join(damage[:_MOST_NAMED])}",
            mend=_RESTORE,
        )
    elif has_unread_log(path):
        yield Diagnosis(
            what="database file",
            state=State.WARN,
            found="A write-ahead log lies beside it whose last writes were not looked at.",
            mend="Start Munshi once, which folds it in; never delete it.",
        )
    else:
        yield Diagnosis(what="database file", state=State.OK, found=f"{path} is whole.")


def look_at_configuration(ground: DoctorGround) -> Iterator[Diagnosis]:
    """Every stored value against what is declared of it."""
    unsound = unsound_values(ground.sight.of_our_revision())
    yield Diagnosis(
        what="configuration",
        state=State.BROKEN if unsound else State.OK,
        found=" ".join(unsound[:_MOST_NAMED]) or "Every stored value is as it should be.",
        mend="munshi config set TYPE KEY VALUE, or --default" if unsound else None,
        facts={"unsound": list(unsound)},
    )


def _reached(database: Database) -> Iterator[Diagnosis]:
    url = database.url
    port = f":{url.port}" if url.port else ""
    place = f"{url.host}{port}/{url.database}" if url.host else url.database
    yield Diagnosis(
        what="database",
        state=State.OK,
        found=f"{database.dialect} {engine_version(database)} answers at {place}.",
        facts={"kind": database.dialect},
    )


def _tables(database: Database) -> Diagnosis:
    found = differences(database)
    missing = [each for each in found if not each.startswith("('remove_")]
    if not found:
        return Diagnosis(
            what="database tables", state=State.OK, found="As this version expects them."
        )
    return Diagnosis(
        what="database tables",
        state=State.BROKEN if missing else State.WARN,
        found=f"{len(missing)} things are missing or changed, "
        f"{len(found) - len(missing)} are there besides.",
        mend="munshi db check names each",
        facts={"differences": found},
    )
