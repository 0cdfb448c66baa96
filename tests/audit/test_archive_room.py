"""No room for an archive: nothing leaves the table, and with room it goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.archive_ground import DESK, ArchiveGround
from clocks import FakeClock
from munshi.errors import ArchiveUnwritableError
from munshi.infrastructure.database.engine import Database
from small_disks import small_disk_at

SMALL = 64 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of some kilobytes, where this user may mount one."""
    with small_disk_at(tmp_path / "small", size=SMALL) as place:
        yield place


def test_a_full_disk_is_named_and_no_row_leaves_the_table(
    database: Database, clock: FakeClock, small_disk: Path
) -> None:
    ground = ArchiveGround(database, clock, small_disk)
    ground.sealed(300)
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (SMALL - 8192))

    with pytest.raises(ArchiveUnwritableError, match="No space left") as raised:
        ground.archives.archive(before=clock.now(), actor=DESK)

    ground.seal()
    assert "no row has left the table" in str(raised.value.hint)
    assert (ground.count("AuditLogs"), ground.count("AuditArchives")) == (300, 0)
    assert ground.files() == []
    assert ground.findings() == []
    filler.unlink()
    assert len(ground.archive_all()) == 1
    assert ground.findings() == []
