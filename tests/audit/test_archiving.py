"""Old rows go into files and come back as they were; the trail is as sound as before."""

import gzip
import json
from datetime import timedelta
from pathlib import Path

import pytest

from audit.archive_ground import DESK, RAVI, ArchiveGround
from audit.tampering import sql, tamper
from clocks import FakeClock
from munshi.audit import archiving
from munshi.audit.archive_turn import LEASE, ArchiveTurn
from munshi.audit.proofs import check_proof
from munshi.domain.ledger.archives import ArchiveState
from munshi.errors import (
    ArchiveBusyError,
    ArchiveInvalidError,
    ArchiveUnknownError,
    ArchiveUnwritableError,
    LedgerBrokenError,
)
from munshi.infrastructure.database.engine import Database


@pytest.fixture
def ground(database: Database, clock: FakeClock, tmp_path: Path) -> ArchiveGround:
    return ArchiveGround(database, clock, tmp_path)


def test_whole_blocks_leave_the_table_and_the_trail_stays_sound(ground: ArchiveGround) -> None:
    ground.sealed(300, 20)
    between = ground.clock.now()
    ground.sealed(30, 5)
    kept = ground.ledger.checkpoint()

    (made,) = ground.archives.archive(before=between, actor=DESK)

    report = ground.ledger.verify(checkpoint=kept)
    assert (made.first_block, made.last_block, made.rows) == (1, 3, 320)
    assert made.state == ArchiveState.ARCHIVED
    assert ground.files() == [made.name] == ["audit-000000001-000000003.jsonl.gz"]
    assert ground.count("AuditLogs", "id <= 320") == 0
    assert ground.count("AuditBlocks") == 5
    assert report.findings == []
    assert (report.rows, report.archived_rows, report.archives) == (355, 320, 1)
    assert (report.unsealed, report.personal_values) == (1, 355)


def test_an_archive_is_json_lines_with_rows_leaves_and_the_checkpoint(
    ground: ArchiveGround,
) -> None:
    ground.sealed(3)
    kept = ground.ledger.checkpoint()
    before = ground.rows()

    (name,) = ground.archive_all()

    with gzip.open(ground.folder.file(name), "rt") as file:
        lines = [json.loads(line) for line in file]
    header, block, *rows = lines
    assert header["checkpoint"] == kept.text()
    assert header["ledger"] == kept.ledger_id
    assert block == {"block": 1, "rows": 3}
    assert [row["row"].encode() for row in rows] == [row.canonical for row in before]
    assert [bytes.fromhex(row["leaf"]) for row in rows] == [row.leaf for row in before]
    assert "192.0.2.7" not in json.dumps(lines)
    assert ground.folder.file(name).stat().st_mode & 0o077 == 0


def test_a_restored_archive_is_in_the_table_byte_for_byte_and_goes_again(
    ground: ArchiveGround,
) -> None:
    ground.sealed(256, 40, 3)
    before = ground.rows()
    (name,) = ground.archive_all()
    digest = ground.folder.digest(name)

    restored = ground.archives.restore([name], actor=DESK)

    assert restored == 299
    assert ground.rows(299) == before
    assert (ground.files(), ground.state(name)) == ([], None)
    assert ground.findings() == []
    assert ground.archives.archive(before=ground.clock.now(), actor=DESK)[0].name == name
    assert ground.folder.digest(name) == digest
    ground.seal()
    assert ground.findings() == []


def test_sealing_goes_on_where_it_was_after_rows_left_and_came_back(ground: ArchiveGround) -> None:
    ground.sealed(10, 10)
    names = ground.archive_all()
    ground.sealed(10)
    ground.archives.restore(names, actor=DESK)

    ground.sealed(10)

    report = ground.ledger.verify()
    assert report.findings == []
    assert report.rows == ground.count("AuditLogs")


def test_a_row_is_proved_from_its_archive(ground: ArchiveGround) -> None:
    ground.sealed(300)
    ground.archive_all()

    proof = ground.ledger.prove(280)

    check_proof(proof)
    assert b"row 279" in proof.canonical


def test_many_rows_make_files_of_whole_blocks(
    ground: ArchiveGround, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "MOST_ROWS", 30)
    ground.sealed(20, 10, 25, 4)

    made = ground.archives.archive(before=ground.clock.now(), actor=DESK)

    assert [(each.first_block, each.last_block, each.rows) for each in made] == [
        (1, 2, 30),
        (3, 4, 29),
    ]
    assert ground.findings() == []


def test_archiving_twice_finds_nothing_more(ground: ArchiveGround) -> None:
    ground.sealed(5)
    until = ground.clock.now()
    assert len(ground.archives.archive(before=until, actor=DESK)) == 1

    assert ground.archives.archive(before=until, actor=DESK) == []


def test_with_nothing_sealed_there_is_nothing_to_archive(ground: ArchiveGround) -> None:
    ground.write(3)

    assert ground.archives.archive(before=ground.clock.now(), actor=DESK) == []
    assert ground.archives.drop(keep=timedelta(days=400), actor=DESK) == []


def test_a_row_that_was_changed_is_named_and_not_archived(ground: ArchiveGround) -> None:
    ground.sealed(5, 5)
    tamper(ground.database, sql("UPDATE \"AuditLogs\" SET user_id = 'nobody' WHERE id = 7"))

    with pytest.raises(LedgerBrokenError, match="Row 7 of block 2"):
        ground.archives.archive(before=ground.clock.now(), actor=DESK)

    assert (ground.files(), ground.count("AuditArchives")) == ([], 0)
    assert ground.count("AuditLogs") == 10


def test_only_one_run_at_a_time_and_a_killed_one_holds_up_for_a_minute(
    ground: ArchiveGround,
) -> None:
    ground.sealed(5)
    killed = ArchiveTurn(ground.database, ground.clock).held()
    killed.__enter__()

    with pytest.raises(ArchiveBusyError, match="is at work") as raised:
        ground.archives.archive(before=ground.clock.now(), actor=DESK)
    ground.clock.sleep(LEASE.total_seconds() + 1)
    made = ground.archives.archive(before=ground.clock.now(), actor=DESK)

    assert "its turn ends at 20 Nov 2026 10:01:01 IST" in str(raised.value.hint)
    assert len(made) == 1
    killed.__exit__(None, None, None)


def test_a_run_that_lost_its_turn_changes_nothing_more(ground: ArchiveGround) -> None:
    ground.sealed(5)
    lost, other = (ArchiveTurn(ground.database, ground.clock) for _ in range(2))
    with lost.held():
        ground.clock.sleep(LEASE.total_seconds() + 1)
        with (
            other.held(),
            pytest.raises(ArchiveBusyError, match="taken over"),
            ground.database.transaction() as tx,
        ):
            lost.renew(tx)


def test_a_folder_that_cannot_be_leaves_every_row_in_the_table(ground: ArchiveGround) -> None:
    ground.sealed(5)
    ground.folder.path.write_text("a file where the folder should be")

    with pytest.raises(ArchiveUnwritableError):
        ground.archives.archive(before=ground.clock.now(), actor=DESK)

    ground.folder.path.unlink()
    assert (ground.count("AuditLogs"), ground.count("AuditArchives")) == (5, 0)
    assert len(ground.archive_all()) == 1
    assert ground.findings() == []


def test_names_that_are_none_are_refused(ground: ArchiveGround) -> None:
    ground.sealed(5)

    with pytest.raises(ArchiveInvalidError, match="no name of an archive"):
        ground.archives.restore(["../../etc/passwd"], actor=DESK)
    with pytest.raises(ArchiveUnknownError, match="There is no archive"):
        ground.archives.restore(["audit-000000001-000000009.jsonl.gz"], actor=DESK)


def test_a_changed_file_does_not_come_back(ground: ArchiveGround) -> None:
    ground.sealed(5)
    (name,) = ground.archive_all()
    file = ground.folder.file(name)
    file.write_bytes(file.read_bytes()[:-1] + b"x")

    with pytest.raises(ArchiveInvalidError, match="was changed"):
        ground.archives.restore([name], actor=DESK)

    assert ground.state(name) == ArchiveState.ARCHIVED


def test_archives_of_a_time_are_found_by_when_they_were_sealed(ground: ArchiveGround) -> None:
    ground.sealed(5)
    ground.archives.archive(before=ground.clock.now(), actor=DESK)
    ground.clock.sleep(86_400)
    noon = ground.clock.now()
    ground.sealed(5, actor=RAVI)
    ground.archive_all()

    early, late = (line.archive.name for line in ground.archives.list_archives()[:2])

    assert ground.archives.names_within(None, noon) == [early]
    assert late in ground.archives.names_within(noon, None)
    assert early not in ground.archives.names_within(noon, None)
