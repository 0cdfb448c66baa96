"""Changing keys while a desk works, and being killed at every step of it."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from databases import open_database
from munshi.clock import SystemClock
from munshi.domain.audit import Actor
from munshi.errors import VaultKeyInvalidError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.opening import unlock
from munshi.infrastructure.database.sealed_row_repository import sealed_tables
from munshi.infrastructure.database.url import parse_database_url
from munshi.infrastructure.security.key_places import KeyFile
from munshi.infrastructure.security.key_sources import KeySources
from munshi.infrastructure.security.purposes import PURPOSES, Purpose
from munshi.keys.ground import KeyGround
from munshi.keys.service import KeyService
from munshi.settings import KeySource

TESTER = Actor(user_id="tester")
KILLED = -9
CHILD = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import event
from munshi.clock import SystemClock
from munshi.domain.audit import MUNSHI
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.opening import unlock
from munshi.infrastructure.database.url import parse_database_url
from munshi.infrastructure.security.key_sources import KeySources
from munshi.keys.ground import KeyGround
from munshi.keys.service import KeyService
from munshi.settings import KeySource

url, home, act, fatal = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
database = Database(parse_database_url(url, home=home))
sources = KeySources(home, chosen=KeySource.FILE, given="")
unlock(database, sources, clock=SystemClock())
keys = KeyService(
    KeyGround(database=database, clock=SystemClock(), sources=sources, home=home)
)
steps = 0

def step(*_):
    global steps
    steps += 1
    if steps == fatal:
        os.kill(os.getpid(), signal.SIGKILL)

def look(name, arguments):
    if name in ("open", "os.rename") and "vault.key" in str(arguments[0]):
        step()

def moved(done, of):
    if done:
        step()

if act == "rotate":
    event.listen(database.engine, "commit", step)
    sys.addaudithook(look)
    keys.rotate(actor=MUNSHI)
else:
    keys.reencrypt(progress=moved, actor=MUNSHI)
print(steps)
"""


def unseen(_done: int, _of: int) -> None:
    """Progress that nobody looks at."""


def run_child(url: str, home: Path, act: str, *, fatal: int) -> int:
    return subprocess.run(
        [sys.executable, "-c", CHILD, url, home, act, str(fatal)],
        check=False,
        timeout=120,
        stdout=subprocess.DEVNULL,
    ).returncode


class Desk:
    """A database with its keys, as one process has them."""

    def __init__(self, url: str, home: Path) -> None:
        self.database = Database(parse_database_url(url, home=home))
        sources = KeySources(home, chosen=KeySource.FILE, given="")
        unlock(self.database, sources, clock=SystemClock())
        self.keys = KeyService(
            KeyGround(database=self.database, clock=SystemClock(), sources=sources, home=home)
        )

    def store(self, key: str, value: str) -> None:
        with self.database.transaction() as tx:
            tx.config.set_config(
                "auth",
                key,
                value,
                is_secret=True,
                updated_by="asha",
                now=SystemClock().now(),
            )

    def read(self, key: str) -> object:
        with self.database.reading() as tx:
            entry = tx.config.get_config("auth", key)
        return None if entry is None else entry.value

    def reencrypt(self) -> int:
        return self.keys.reencrypt(progress=unseen, actor=TESTER).rows

    def actions(self) -> list[str]:
        with self.database.reading() as tx:
            rows = tx.connection.exec_driver_sql(
                "SELECT action FROM \"AuditLogs\" WHERE entity_type = 'keys' ORDER BY id"
            )
            return [action for (action,) in rows]


@pytest.fixture
def url(any_database_url: str) -> str:
    return any_database_url


@pytest.fixture
def desk(url: str, tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(url, tmp_path)
    yield opened
    opened.database.close()


def test_every_table_with_secrets_has_a_purpose_and_rows_with_one_key() -> None:
    tables = sealed_tables()

    assert {each.table.name for each in tables} >= {"AuthSessions", "SystemConfigurations"}
    assert all(each.table.name in PURPOSES for each in tables)


def test_rotation_changes_the_master_key_and_nothing_that_was_sealed(
    desk: Desk, url: str, tmp_path: Path
) -> None:
    desk.store("kite.password", "hush")
    with desk.database.reading() as tx:
        before = tx.sealed_rows.count_values()

    done = desk.keys.rotate(actor=TESTER)

    ring = KeyFile(tmp_path).read()
    assert ring is not None
    assert set(ring.keys) == {done.new_key_id}
    assert done.new_key_id != done.old_key_id
    with desk.database.reading() as tx:
        assert tx.sealed_rows.count_values() == before
        assert {key.master_key_id for key in tx.vault_keys.list_wrapped()} == {done.new_key_id}
    later = Desk(url, tmp_path)
    assert later.read("kite.password") == "hush"
    assert desk.actions() == ["rotated"]
    later.database.close()


def test_a_process_that_runs_goes_on_after_rotation_and_new_data_keys(
    desk: Desk, url: str, tmp_path: Path
) -> None:
    other = Desk(url, tmp_path)
    other.store("kite.password", "hush")

    desk.keys.rotate(actor=TESTER)
    desk.reencrypt()

    assert other.read("kite.password") == "hush"
    other.store("kite.totp_seed", "seed")
    assert desk.read("kite.totp_seed") == "seed"
    other.database.close()


def test_a_rotation_killed_at_any_step_leaves_a_desk_that_opens(
    desk: Desk, url: str, tmp_path: Path
) -> None:
    desk.store("kite.password", "hush")
    fatal, survived = 0, False

    while not survived:
        fatal += 1
        survived = run_child(url, tmp_path, "rotate", fatal=fatal) == 0
        reopened = Desk(url, tmp_path)
        assert reopened.read("kite.password") == "hush", f"killed at step {fatal}"
        reopened.database.close()

    ring = KeyFile(tmp_path).read()
    assert fatal > 6  # two writes of the file and a commit, each looked at from both sides
    assert ring is not None
    assert len(ring.keys) == 1


def test_reencryption_gives_every_row_a_new_key_and_removes_the_old_ones(desk: Desk) -> None:
    for number in range(120):
        desk.store(f"secret{number}", f"value{number}")
    with desk.database.reading() as tx:
        old = set(tx.sealed_rows.count_values())

    rows = desk.reencrypt()

    with desk.database.reading() as tx:
        new = set(tx.sealed_rows.count_values())
        kept = {key.key_id for key in tx.vault_keys.list_wrapped() if key.purpose != "tickets"}
    assert rows == 120
    assert not new & old
    assert kept == new
    assert [desk.read(f"secret{number}") for number in (0, 60, 119)] == [
        *("value0", "value60", "value119")
    ]
    assert desk.actions().count("data_key_removed") == 1


def test_a_reencryption_that_was_killed_is_finished_by_the_next_one(
    desk: Desk, url: str, tmp_path: Path
) -> None:
    for number in range(120):
        desk.store(f"secret{number}", f"value{number}")

    killed = run_child(url, tmp_path, "reencrypt", fatal=1)
    assert killed == KILLED
    assert desk.read("secret0") == "value0"
    assert desk.read("secret119") == "value119"
    done = desk.keys.reencrypt(progress=unseen, actor=TESTER)

    assert (done.resumed, done.rows, done.new_keys, done.removed_keys) == (True, 70, 0, 1)
    with desk.database.reading() as tx:
        assert sum(tx.sealed_rows.count_values().values()) == 120
    assert all(desk.read(f"secret{number}") == f"value{number}" for number in range(120))


def test_processes_write_while_keys_change_and_nothing_is_lost(
    desk: Desk, url: str, tmp_path: Path
) -> None:
    stop = Event()

    def write(name: str) -> int:
        mine, count = Desk(url, tmp_path), 0
        try:
            while not stop.is_set():
                count += 1
                mine.store(name, f"{name} {count}")
                assert mine.read(name) == f"{name} {count}"
        finally:
            mine.database.close()
        return count

    names = ["one", "two", "three"]
    for number in range(60):
        desk.store(f"still{number}", "still")
    with ThreadPoolExecutor(len(names)) as pool:
        written = {name: pool.submit(write, name) for name in names}
        try:
            for _ in range(3):
                desk.reencrypt()
                desk.keys.rotate(actor=TESTER)
        finally:
            stop.set()

    assert {name: desk.read(name) for name in names} == {
        name: f"{name} {counted.result()}" for name, counted in written.items()
    }
    with desk.database.reading() as tx:
        used = set(tx.sealed_rows.count_values())
        keys = tx.vault_keys.list_wrapped()
    assert used == {key.key_id for key in keys if key.purpose is Purpose.CONFIGURATION}
    assert desk.read("still59") == "still"


def test_the_key_that_signs_login_links_outlives_them(desk: Desk) -> None:
    with desk.database.reading() as tx:
        [ticket_key] = [
            key.key_id for key in tx.vault_keys.list_wrapped() if key.purpose is Purpose.TICKETS
        ]

    desk.reencrypt()

    with desk.database.reading() as tx:
        kept = [key for key in tx.vault_keys.list_wrapped() if key.purpose is Purpose.TICKETS]
    assert ticket_key in [key.key_id for key in kept]
    assert [key.is_active for key in kept].count(True) == 1


@pytest.mark.usefixtures("desk")
def test_a_process_with_another_master_key_seals_nothing(url: str) -> None:
    stranger = open_database(url)

    with (
        pytest.raises(VaultKeyInvalidError, match="which this process does not have"),
        stranger.transaction() as tx,
    ):
        tx.vault.sealing_key(Purpose.CONFIGURATION)

    stranger.close()
