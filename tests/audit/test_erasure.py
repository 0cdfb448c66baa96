"""Personal values are forgotten, beside rows in the table and in archives; proofs stay."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from audit.archive_ground import ASHA, DESK, RAVI, ArchiveGround
from clocks import FakeClock
from munshi.audit.erasure import Erased
from munshi.errors import ArchiveInvalidError, RequestInvalidError
from munshi.infrastructure.database.engine import Database


@pytest.fixture
def ground(database: Database, clock: FakeClock, tmp_path: Path) -> ArchiveGround:
    """Two archived blocks and two in the table, of Asha and of Ravi."""
    made = ArchiveGround(database, clock, tmp_path)
    made.sealed(4)
    made.sealed(3, actor=RAVI)
    before = clock.now()
    made.archives.archive(before=before, actor=DESK)
    made.sealed(2)
    made.sealed(5, actor=RAVI)
    return made


def values(ground: ArchiveGround) -> list[str]:
    with ground.database.engine.connect() as connection:
        found = connection.execute(text('SELECT value FROM "AuditPersonalData" ORDER BY audit_id'))
        return [row.value for row in found]


def test_a_users_values_go_and_everything_still_verifies(ground: ArchiveGround) -> None:
    files = {name: ground.folder.digest(name) for name in ground.files()}

    erased = ground.archives.erase(user_id="asha", actor=DESK)

    report = ground.ledger.verify()
    assert erased == Erased(values=6, rows=6, archived_rows=4)
    assert set(values(ground)) == {RAVI.ip_address}
    assert (report.findings, report.personal_values) == ([], 8)
    assert {name: ground.folder.digest(name) for name in ground.files()} == files
    ground.ledger.prove(2)


def test_a_restored_row_has_no_value_that_was_erased(ground: ArchiveGround) -> None:
    ground.archives.erase(user_id="asha", actor=DESK)

    ground.archives.restore(ground.files(), actor=DESK)

    assert set(values(ground)) == {RAVI.ip_address}
    ground.seal()
    assert ground.findings() == []


def test_a_value_goes_wherever_it_stands_and_is_not_named_in_the_trail(
    ground: ArchiveGround,
) -> None:
    erased = ground.archives.erase(value=RAVI.ip_address, actor=DESK)

    assert (erased.values, erased.rows) == (8, 8)
    assert set(values(ground)) == {ASHA.ip_address}
    with ground.database.reading() as tx:
        row = tx.audit.get_logs_by_entity("audit", "", limit=1)
        newest = tx.connection.execute(
            text("SELECT canonical FROM \"AuditLogs\" WHERE action = 'erased'")
        ).scalar_one()
    assert row == []
    said = json.loads(bytes(newest))
    assert said["details"] == {"fields": ["ip_address"], "values": 8}
    assert str(RAVI.ip_address) not in bytes(newest).decode()
    assert ground.findings() == []


def test_erasing_again_finds_nothing_and_writes_nothing(ground: ArchiveGround) -> None:
    ground.archives.erase(user_id="asha", actor=DESK)
    rows = ground.count("AuditLogs")

    assert ground.archives.erase(user_id="asha", actor=DESK) == Erased(
        values=0, rows=0, archived_rows=0
    )
    assert ground.count("AuditLogs") == rows


def test_nothing_is_erased_while_an_archive_cannot_be_read(ground: ArchiveGround) -> None:
    (name,) = ground.files()
    ground.folder.file(name).write_bytes(b"something else")

    with pytest.raises(ArchiveInvalidError, match="was changed"):
        ground.archives.erase(user_id="asha", actor=DESK)

    assert len(values(ground)) == 14


@pytest.mark.parametrize("given", ["", "x" * 1001])
def test_what_is_to_be_erased_must_be_said(ground: ArchiveGround, given: str) -> None:
    with pytest.raises(RequestInvalidError):
        ground.archives.erase(user_id=given, actor=DESK)
    with pytest.raises(RequestInvalidError):
        ground.archives.erase(value=given, actor=DESK)
    with pytest.raises(RequestInvalidError):
        ground.archives.erase(actor=DESK)


def test_sqlite_keeps_no_trace_of_an_erased_value_in_its_files(
    sqlite_database: Database, clock: FakeClock, tmp_path: Path
) -> None:
    ground = ArchiveGround(sqlite_database, clock, tmp_path)
    ground.sealed(50)
    ground.archive_all()
    value = str(ASHA.ip_address).encode()

    def trace() -> list[str]:
        folder = (path for path in tmp_path.rglob("*") if path.is_file())
        return [path.name for path in folder if value in path.read_bytes()]

    assert trace()
    ground.archives.erase(user_id="asha", actor=DESK)

    assert trace() == []
