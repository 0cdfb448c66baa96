"""What can be wrong with a desk, and that the doctor says so and what mends it."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy.exc import DBAPIError

from clocks import FakeClock
from desks import TESTER
from doctor_types import Doctor
from munshi.bootstrap import open_services
from munshi.clock import SystemClock
from munshi.config.service import ConfigService
from munshi.doctor.diagnosis import State
from munshi.errors import DatabaseUnreachableError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.sqlite_looking import has_unread_log, has_wal_reset_bug
from munshi.infrastructure.database.url import parse_database_url
from munshi.infrastructure.platform import is_administrator
from munshi.infrastructure.security.master_keys import new_ring, ring_to_json
from munshi.keeping.restore_marker import write_marker
from munshi.settings import BrokerMode, load_settings
from raw_server import RawServer, http_reply
from simulators import Simulator

NOBODY = 65534


@pytest.fixture
def sealed_url(any_database_url: str, tmp_path: Path) -> str:
    """A database that was opened once, so that a key sealed it."""
    settings = load_settings(_env_file=None, home=tmp_path, database_url=any_database_url)
    with open_services(settings) as services:
        services.config.seed(actor=TESTER)
    return any_database_url


@pytest.fixture
def database(sealed_url: str) -> Iterator[Database]:
    opened = Database(parse_database_url(sealed_url, home=Path()))
    yield opened
    opened.close()


def test_the_right_key_is_known(doctor: Doctor, sealed_url: str) -> None:
    key = doctor(database_url=sealed_url)["master key"]

    assert (key.state, key.mend) == (State.OK, None)


def test_a_wrong_key_is_named_and_nothing_is_made(
    doctor: Doctor, sealed_url: str, tmp_path: Path
) -> None:
    (tmp_path / "vault.key").write_text(ring_to_json(new_ring()))

    key = doctor(database_url=sealed_url)["master key"]

    assert key.state is State.BROKEN
    assert "munshi keys restore FILE" in str(key.mend)


def test_a_lost_key_is_not_made_anew(doctor: Doctor, sealed_url: str, tmp_path: Path) -> None:
    (tmp_path / "vault.key").unlink()

    key = doctor(database_url=sealed_url)["master key"]

    assert key.state is State.BROKEN
    assert "is missing" in key.found
    assert not (tmp_path / "vault.key").exists()


def test_a_key_that_others_can_read_is_named(
    doctor: Doctor, sealed_url: str, tmp_path: Path
) -> None:
    (tmp_path / "vault.key").chmod(0o644)

    key = doctor(database_url=sealed_url)["master key"]

    assert (key.state, key.mend) == (State.BROKEN, f"chmod 600 {tmp_path}/vault.key")


def test_a_loose_home_and_env_file_are_warnings(
    doctor: Doctor, sqlite_url: str, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("KITE_API_KEY=k\n")
    (tmp_path / ".env").chmod(0o644)
    tmp_path.chmod(0o755)

    found = doctor(database_url=sqlite_url)

    assert (found["home"].state, found["home"].mend) == (State.WARN, f"chmod 700 {tmp_path}")
    assert (found[".env"].state, found[".env"].mend) == (State.WARN, f"chmod 600 {tmp_path}/.env")


def test_a_restore_that_was_cut_short_is_named(
    doctor: Doctor, sqlite_url: str, tmp_path: Path
) -> None:
    write_marker(tmp_path, backup_id="b1", file=tmp_path / "desk.tar")

    found = doctor(database_url=sqlite_url)

    assert found["restore"].state is State.BROKEN
    assert "munshi backup restore" in str(found["restore"].mend)


def test_a_home_that_is_a_file_is_broken(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "desk").write_text("not a folder")

    found = doctor(home=tmp_path / "desk")

    assert found["home"].state is State.BROKEN
    assert "is not a folder" in found["home"].found
    assert found["versions"].state is State.OK


@pytest.mark.skipif(not is_administrator(), reason="gives up root's rights")
def test_a_home_of_another_account_is_told_without_a_traceback(tmp_path: Path) -> None:
    """As the account `nobody`, which may not look into the home."""
    tmp_path.chmod(0o700)
    script = (
        "import os, sys; from munshi.cli.app import main; import munshi.bootstrap.doctor, "
        "munshi.doctor.examination, munshi.cli.table; "
        f"os.setgid({NOBODY}); os.setuid({NOBODY}); "
        "sys.argv = ['munshi', 'doctor', '--offline', '--json']; main()"
    )

    ran = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "MUNSHI_HOME": str(tmp_path), "MUNSHI_PORT": "0"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    found = {each["what"]: each for each in json.loads(ran.stdout)["checks"]}
    assert (ran.returncode, ran.stderr) == (1, "")
    assert found["home"]["state"] == found["database"]["state"] == "broken"
    assert "Permission denied" in found["home"]["found"]
    assert "chown" in found["home"]["mend"]
    assert found["versions"]["state"] == "ok"


def test_a_disk_with_less_room_than_wanted_is_told(doctor: Doctor, database: Database) -> None:
    config = ConfigService(database, SystemClock())
    config.set("health", "least_free_mb", 100_000_000, actor=TESTER)

    disk = doctor(database_url=database.url.render_as_string(hide_password=False))["disk"]

    assert disk.state is State.BROKEN
    assert "100000000 should be" in disk.found


def test_a_port_is_free_or_held_by_us_or_by_somebody_else(
    doctor: Doctor, sqlite_url: str, raw_server: RawServer
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    ours = int(raw_server.url.rpartition(":")[2])
    raw_server.replies = [http_reply('{"status": "alive"}'), http_reply("<p>Somebody's own page")]

    at_ours = doctor(database_url=sqlite_url, port=ours)["port"]
    at_theirs = doctor(database_url=sqlite_url, port=ours)["port"]

    assert doctor(database_url=sqlite_url, port=free)["port"].state is State.OK
    assert (at_ours.state, at_ours.found) == (
        State.OK,
        f"A Munshi serves at 127.0.0.1:{ours} already.",
    )
    assert at_theirs.state is State.BROKEN
    assert f"(process {os.getpid()})" in at_theirs.found


def test_a_port_whose_holder_says_nothing_is_taken(
    doctor: Doctor, sqlite_url: str, raw_server: RawServer
) -> None:
    raw_server.replies = [None]

    port = doctor(database_url=sqlite_url, port=int(raw_server.url.rpartition(":")[2]))["port"]

    assert port.state is State.BROKEN


def test_a_broker_that_hangs_is_broken_and_holds_up_no_other(
    doctor: Doctor, sqlite_url: str, raw_server: RawServer, simulator: Simulator
) -> None:
    raw_server.replies = [None]
    simulator.clock.set(SystemClock().now())
    started = SystemClock().monotonic()

    found = doctor(
        database_url=sqlite_url,
        hosts={"Kite": raw_server.url, "Breeze": simulator.url},
        brokers=BrokerMode.LIVE,
    )

    assert SystemClock().monotonic() - started < 15
    assert (found["Kite reach"].state, found["Breeze reach"].state) == (State.BROKEN, State.OK)
    assert found["Kite reach"].found == "Kite did not answer in time."


def test_a_broker_that_answers_a_byte_at_a_time_is_given_up(
    doctor: Doctor, sqlite_url: str
) -> None:
    over = Event()

    def trickle(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not over.wait(0.5):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=trickle, args=(listener,), daemon=True)
        thread.start()
        at = f"http://127.0.0.1:{listener.getsockname()[1]}"

        found = doctor(database_url=sqlite_url, hosts={"Kite": at}, brokers=BrokerMode.LIVE)
        over.set()
        thread.join()

    assert found["Kite reach"].state is State.BROKEN
    assert found["Kite reach"].found == "Kite did not answer in time."


def test_a_simulator_that_was_killed_is_a_warning_unless_it_was_named(
    doctor: Doctor, sqlite_url: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = f"http://127.0.0.1:{taken.getsockname()[1]}"

    left = doctor(database_url=sqlite_url, hosts={"simulator": at})
    named = doctor(database_url=sqlite_url, hosts={"simulator": at}, simulator_url=at)

    assert left["simulator reach"].state is State.WARN
    assert named["simulator reach"].state is State.BROKEN


def test_who_only_looks_cannot_write(database: Database) -> None:
    looking = Database(database.url, read_only=True)

    with pytest.raises((DBAPIError, DatabaseUnreachableError)), looking.transaction() as tx:
        tx.vault_keys.save_source("file")

    looking.close()


def test_nothing_secret_is_sent_to_a_broker(
    doctor: Doctor, sqlite_url: str, raw_server: RawServer
) -> None:
    doctor(database_url=sqlite_url, hosts={"Kite": f"{raw_server.url}/"})

    names = {line.partition(":")[0].lower() for line in raw_server.lines[1:]}
    assert raw_server.lines[0] == "HEAD / HTTP/1.1"
    assert names == {"host", "accept", "accept-encoding", "connection", "user-agent"}


def test_offline_asks_nobody(doctor: Doctor, sqlite_url: str) -> None:
    found = doctor(database_url=sqlite_url, hosts=None)

    assert found["broker reach"].state is State.SKIPPED


def test_a_clock_seven_minutes_off_is_broken(
    doctor: Doctor, postgresql_url: str, raw_server: RawServer
) -> None:
    now = SystemClock().now()
    raw_server.replies = [
        http_reply("{}", headers=[f"Date: {now:%a, %d %b %Y %H:%M:%S} GMT"]),
    ]

    found = doctor(
        database_url=postgresql_url,
        clock=FakeClock(now + timedelta(minutes=7)),
        hosts={"Kite": raw_server.url},
    )

    for what in ("clock against database", "clock against brokers"):
        assert found[what].state is State.BROKEN, found[what]
        assert str(found[what].mend).startswith("timedatectl set-ntp true")
    assert "differs from Kite's by 4" in found["clock against brokers"].found


@pytest.mark.parametrize(("seconds", "state"), [(0, State.OK), (1.5, State.WARN)])
def test_a_clock_is_judged_before_munshi_refuses_to_work(
    doctor: Doctor, postgresql_url: str, seconds: float, state: State
) -> None:
    class Shifted(SystemClock):
        def now(self) -> datetime:
            return super().now() + timedelta(seconds=seconds)

    found = doctor(database_url=postgresql_url, clock=Shifted())["clock against database"]

    assert found.state is state


def test_a_server_that_is_away_is_broken_and_all_else_is_seen(doctor: Doctor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"postgresql://munshi:hunter2@127.0.0.1:{port}/munshi"

    found = doctor(database_url=url)

    assert found["database"].state is State.BROKEN
    assert found["database"].mend == "Check MUNSHI_DATABASE_URL and that the server runs."
    assert found["master key"].state is State.SKIPPED
    assert found["disk"].state is State.OK
    assert "hunter2" not in str(found)


def test_a_server_that_says_nothing_is_given_up(doctor: Doctor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]

        found = doctor(
            database_url=f"postgresql://munshi@127.0.0.1:{port}/munshi?connect_timeout=2"
        )

    assert found["database"].state is State.BROKEN


def test_a_database_page_that_was_overwritten_is_found(doctor: Doctor, tmp_path: Path) -> None:
    path = tmp_path / "munshi.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes (words TEXT)")
    connection.executemany("INSERT INTO notes VALUES (?)", [("x" * 900,)] * 400)
    connection.commit()
    connection.close()
    with path.open("r+b") as file:
        file.seek(4096 * 20)
        file.write(b"\xff" * 4096 * 3)

    found = doctor(database_url=f"sqlite:///{path}")

    assert found["database file"].state is State.BROKEN
    assert "is damaged" in found["database file"].found


def test_an_empty_database_names_the_command(doctor: Doctor, empty_url: str) -> None:
    if empty_url.startswith("sqlite"):
        Path(empty_url.removeprefix("sqlite:///")).touch()

    found = doctor(database_url=empty_url)

    assert found["database revision"].mend == "Run: munshi db upgrade"
    assert found["database revision"].state is State.BROKEN
    assert found["configuration"].state is State.SKIPPED


def test_an_index_that_is_missing_is_broken_and_one_besides_a_warning(
    doctor: Doctor, database: Database
) -> None:
    url = database.url.render_as_string(hide_password=False)
    with database.engine.begin() as connection:
        connection.exec_driver_sql('CREATE INDEX besides ON "Alerts" (title)')
    besides = doctor(database_url=url)["database tables"]
    with database.engine.begin() as connection:
        connection.exec_driver_sql('DROP INDEX "ix_Alerts_raised_at"')

    missing = doctor(database_url=url)["database tables"]

    assert (besides.state, missing.state) == (State.WARN, State.BROKEN)


def test_a_value_that_somebody_wrote_by_hand_is_named(doctor: Doctor, database: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql(
            'UPDATE "SystemConfigurations" SET config_value = \'{"trigger": "never"}\' '
            "WHERE config_key = 'schedule.kite_login'"
        )

    found = doctor(database_url=database.url.render_as_string(hide_password=False))

    assert found["configuration"].state is State.BROKEN
    assert "scheduler/schedule.kite_login" in found["configuration"].found


def test_a_desk_nobody_runs_is_a_warning(doctor: Doctor, sealed_url: str) -> None:
    found = doctor(database_url=sealed_url)

    assert found["workers"].state is State.WARN
    assert {found[what].state for what in ("scheduler", "backlog", "audit sealing")} <= {
        State.OK,
        State.WARN,
    }


def test_a_log_left_without_its_index_is_a_warning(
    doctor: Doctor, sqlite_url: str, tmp_path: Path
) -> None:
    settings = load_settings(_env_file=None, home=tmp_path, database_url=sqlite_url)
    copy = tmp_path / "copied"
    copy.mkdir()
    with open_services(settings):
        for name in ("munshi.db", "munshi.db-wal"):
            (copy / name).write_bytes((tmp_path / name).read_bytes())

    found = doctor(database_url=f"sqlite:///{copy}/munshi.db")

    assert has_unread_log(copy / "munshi.db")
    assert found["database file"].state is State.WARN


@pytest.mark.parametrize(
    ("version", "is_faulty"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 0), False),
    ],
)
def test_the_wal_reset_bug_is_known_by_number(
    version: tuple[int, int, int], *, is_faulty: bool
) -> None:
    assert has_wal_reset_bug(version) is is_faulty
