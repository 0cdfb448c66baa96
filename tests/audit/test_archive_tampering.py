"""Whatever is done to archives, their records or what belongs to them is found and named."""

from pathlib import Path

import pytest

from audit.archive_ground import DESK, ArchiveGround
from audit.archive_tampering import ARCHIVE_TAMPERINGS, FIRST, SECOND, THIRD
from clocks import FakeClock
from munshi.audit import archiving
from munshi.infrastructure.database.engine import Database


@pytest.fixture
def ground(
    database: Database, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ArchiveGround:
    """Ninety rows in three archives, and five in the table."""
    monkeypatch.setattr(archiving, "MOST_ROWS", 30)
    made = ArchiveGround(database, clock, tmp_path)
    made.sealed(*[10] * 9)
    before = clock.now()
    made.sealed(5)
    names = [each.name for each in made.archives.archive(before=before, actor=DESK)]
    assert names == [FIRST, SECOND, THIRD]
    return made


def test_untouched_archives_are_sound(ground: ArchiveGround) -> None:
    report = ground.ledger.verify()

    assert report.findings == []
    assert (report.archives, report.archived_rows, report.personal_values) == (3, 90, 95)


@pytest.mark.parametrize("what", ARCHIVE_TAMPERINGS)
def test_tampering_with_archives_is_found_and_named(ground: ArchiveGround, what: str) -> None:
    done = ARCHIVE_TAMPERINGS[what]
    done.act(ground)

    report = ground.ledger.verify()

    assert not report.is_sound
    named = [(each.trouble, each.archive, each.audit_id, each.detail) for each in report.findings]
    assert any(
        trouble is done.trouble
        and (done.archive is None or archive == done.archive)
        and (done.row is None or audit_id == done.row)
        and done.says in detail
        for trouble, archive, audit_id, detail in named
    ), named
