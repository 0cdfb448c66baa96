"""The doctor as a whole: it changes nothing, and one broken thing hides no other."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import func, select

from desks import TESTER
from doctor_types import Doctor
from munshi.bootstrap import open_database, open_services
from munshi.clock import SystemClock
from munshi.doctor.diagnosis import Diagnosis, State
from munshi.doctor.examination import LOOKS, examine
from munshi.doctor.ground import DatabaseSight, DoctorGround
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.models import metadata
from munshi.infrastructure.security.key_sources import KeySources
from munshi.settings import load_settings
from simulators import Simulator


def digests(folder: Path) -> dict[str, tuple[int, str]]:
    """Mode and content of every file; SQLite's index of its log is scratch that readers lock."""
    return {
        path.relative_to(folder).as_posix(): (
            path.stat().st_mode,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in sorted(folder.rglob("*"))
        if not path.name.endswith("-shm")
    }


def row_counts(database: Database) -> dict[str, int]:
    with database.engine.connect() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
        }


def test_a_desk_that_others_have_open_is_left_as_it_was(
    doctor: Doctor, sqlite_url: str, tmp_path: Path, simulator: Simulator
) -> None:
    settings = load_settings(_env_file=None, home=tmp_path, database_url=sqlite_url)
    with open_services(settings) as services:
        services.config.set("health", "least_free_mb", 1, actor=TESTER)
    with open_database(settings) as database:  # its pool keeps the file open
        with database.engine.begin() as connection:
            connection.exec_driver_sql('DELETE FROM "CacheEntries" WHERE 1 = 0')
        rows = row_counts(database)
        before = digests(tmp_path)

        found = doctor(database_url=sqlite_url, hosts={"simulator": simulator.url})

        assert digests(tmp_path) == before
        assert row_counts(database) == rows
    assert found["database"].state is State.OK
    assert found["master key"].state is State.OK
    assert found["simulator reach"].state is State.OK


def test_a_desk_that_nobody_has_open_is_left_as_it_was(
    doctor: Doctor, sqlite_url: str, tmp_path: Path
) -> None:
    settings = load_settings(_env_file=None, home=tmp_path, database_url=sqlite_url)
    with open_services(settings):
        pass
    before = digests(tmp_path)

    found = doctor(database_url=sqlite_url)

    assert digests(tmp_path) == before
    assert not (tmp_path / "munshi.db-shm").exists()
    assert found["database file"].state is State.OK


def test_a_home_that_is_not_there_is_not_made(doctor: Doctor, tmp_path: Path) -> None:
    found = doctor(home=tmp_path / "desk", database_url="")

    assert not (tmp_path / "desk").exists()
    assert found["home"].state is State.WARN
    assert found["database"].state is State.WARN
    assert found["database"].mend == "munshi serve makes it, or: munshi db upgrade"
    assert found["configuration"].state is State.SKIPPED


def test_a_server_database_is_looked_at_whole_and_left_as_it_was(
    doctor: Doctor, postgresql_url: str, tmp_path: Path
) -> None:
    settings = load_settings(_env_file=None, home=tmp_path, database_url=postgresql_url)
    with open_services(settings) as services:
        rows = row_counts(services.database)

        found = doctor(database_url=postgresql_url)

        assert row_counts(services.database) == rows
    assert found["database"].found.startswith("postgresql ")
    for what in ("database", "database tables", "clock against database", "master key"):
        assert found[what].state is State.OK, found[what]
    assert "database file" not in found


@pytest.fixture
def ground(sqlite_url: str, tmp_path: Path) -> Iterator[DoctorGround]:
    settings = load_settings(_env_file=None, home=tmp_path, database_url=sqlite_url)
    sight = DatabaseSight(settings)
    yield DoctorGround(
        settings=settings,
        complaints=(),
        clock=SystemClock(),
        sight=sight,
        keys=KeySources(tmp_path, chosen=settings.key_source, given=""),
        hosts={},
        offline=True,
    )
    sight.close()


def test_a_look_that_fails_or_hangs_hides_no_other(ground: DoctorGround) -> None:
    release = Event()

    def falls(_: DoctorGround) -> Iterator[Diagnosis]:
        yield Diagnosis(what="first half", state=State.OK, found="Seen.")
        raise RuntimeError("password=hunter2 cannot be divided")

    def hangs(_: DoctorGround) -> Iterator[Diagnosis]:
        release.wait()
        yield from ()

    found = examine(
        ground, looks=[("falling", falls), ("hanging", hangs), *LOOKS[:1]], patience_seconds=2
    )
    release.set()

    states = [(each.what, each.state) for each in found]
    assert states == [
        ("first half", State.OK),
        ("falling", State.BROKEN),
        ("hanging", State.BROKEN),
        ("versions", State.OK),
    ]
    assert "hunter2" not in found[1].found


def test_a_damaged_desk_tells_all_that_can_still_be_seen(
    doctor: Doctor, tmp_path: Path, sqlite_url: str
) -> None:
    (tmp_path / "munshi.db").write_bytes(b"no database at all" * 500)
    (tmp_path / "vault.key").write_text("no key at all")
    (tmp_path / "vault.key").chmod(0o600)
    (tmp_path / ".env").write_bytes(b"\xff\xfe KITE")
    shutil.copy(tmp_path / ".env", tmp_path / "copy")

    found = doctor(database_url=sqlite_url)

    broken = {what for what, each in found.items() if each.state is State.BROKEN}
    assert broken == {".env", "database", "database file", "master key"}
    assert "is no SQLite database" in found["database"].found
    assert found["database"].mend == (
        "Stop Munshi and restore the last backup into an empty home: munshi backup restore FILE"
    )
    assert found["desk at work"].state is State.SKIPPED
    assert found["versions"].state is State.OK
