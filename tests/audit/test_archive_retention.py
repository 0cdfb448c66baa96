"""Archives are dropped by setting, on record, and never before a year is over."""

from datetime import timedelta
from pathlib import Path

import pytest

from audit.archive_ground import DESK, ArchiveGround
from audit.tampering import sql, tamper
from clocks import FakeClock
from munshi.audit.findings import Trouble
from munshi.domain.ledger.archives import ArchiveState
from munshi.errors import ArchiveDroppedError
from munshi.infrastructure.database.engine import Database

FIVE_YEARS = timedelta(days=1826)


@pytest.fixture
def ground(database: Database, clock: FakeClock, tmp_path: Path) -> ArchiveGround:
    made = ArchiveGround(database, clock, tmp_path)
    made.sealed(10, 5)
    return made


def later(ground: ArchiveGround, days: float) -> None:
    ground.clock.sleep(timedelta(days=days).total_seconds())


def test_a_dropped_archive_is_no_trouble_and_its_blocks_stay(ground: ArchiveGround) -> None:
    (name,) = ground.archive_all()
    later(ground, 1827)
    when = ground.clock.now()

    (gone,) = ground.archives.drop(keep=FIVE_YEARS, actor=DESK)

    ground.seal()
    report = ground.ledger.verify()
    assert gone.name == name
    assert (ground.files(), ground.state(name)) == ([], ArchiveState.DROPPED)
    assert report.findings == []
    assert (report.rows, report.dropped_rows) == (17, 15)
    assert [(each.first_block, each.last_block, each.dropped_at) for each in report.dropped] == [
        (1, 2, when)
    ]
    assert ground.count("AuditPersonalData") == 0
    with pytest.raises(ArchiveDroppedError):
        ground.archives.restore([name], actor=DESK)
    with pytest.raises(ArchiveDroppedError):
        ground.ledger.prove(3)


def test_dropping_is_audited_with_what_went(ground: ArchiveGround) -> None:
    (name,) = ground.archive_all()
    digest = ground.folder.digest(name)
    later(ground, 1827)

    ground.archives.drop(keep=FIVE_YEARS, actor=DESK)

    with ground.database.reading() as tx:
        (row,) = tx.audit.get_logs_by_entity("audit_archive", name, limit=1)
    assert row.action == "dropped"
    assert row.old_value == {"first_block": 1, "last_block": 2, "rows": 15, "sha256": digest}
    assert row.details == {"kept_days": 1826, "personal_values": 15}


def test_what_is_not_old_enough_stays(ground: ArchiveGround) -> None:
    ground.archive_all()
    later(ground, 1825)

    assert ground.archives.drop(keep=FIVE_YEARS, actor=DESK) == []


def test_what_was_archived_late_is_kept_as_long_as_any_other(ground: ArchiveGround) -> None:
    later(ground, 1827)
    ground.archive_all()

    assert ground.archives.drop(keep=FIVE_YEARS, actor=DESK) == []


def test_nothing_is_dropped_within_a_year_whatever_is_asked(ground: ArchiveGround) -> None:
    ground.archive_all()
    later(ground, 364)

    assert ground.archives.drop(keep=timedelta(0), actor=DESK) == []

    later(ground, 2)
    assert len(ground.archives.drop(keep=timedelta(0), actor=DESK)) == 1


@pytest.mark.parametrize(
    "change",
    ["last_block = 4", "sha256 = '00'", '"rows" = 3', "dropped_at = created_at", "key_id = 'x'"],
)
def test_a_record_of_retention_holds_only_as_it_was_signed(
    ground: ArchiveGround, change: str
) -> None:
    ground.archive_all()
    later(ground, 1827)
    ground.archives.drop(keep=FIVE_YEARS, actor=DESK)
    tamper(ground.database, sql(f'UPDATE "AuditArchives" SET {change}'))

    report = ground.ledger.verify()

    assert (report.findings[0].trouble, report.findings[0].archive) == (
        Trouble.ARCHIVE_WRONG,
        "audit-000000001-000000002.jsonl.gz",
    )
