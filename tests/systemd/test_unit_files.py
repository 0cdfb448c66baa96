"""Unit files: written whole, never over somebody's edits."""

from pathlib import Path

import pytest

from munshi.errors import ServiceUnitEditedError, ServiceUnitUnwritableError
from munshi.systemd.files import UnitFiles, UnitState

UNITS = {"desk.service": "[Service]\n", "desk-worker@.service": "[Service]\nUMask=0077\n"}


@pytest.fixture
def files(tmp_path: Path) -> UnitFiles:
    return UnitFiles(tmp_path / "systemd" / "user")


def test_what_we_wrote_may_be_written_anew(files: UnitFiles) -> None:
    files.write(UNITS, force=False)
    files.write({**UNITS, "desk.service": "[Service]\nType=exec\n"}, force=False)

    assert (files.folder / "desk.service").read_text().endswith("\n[Service]\nType=exec\n")
    assert files.list_ours("desk") == ["desk.service", "desk-worker@.service"]
    assert sorted(path.name for path in files.folder.iterdir()) == sorted(UNITS)


def test_an_edited_unit_is_kept_and_nothing_else_is_touched(files: UnitFiles) -> None:
    files.write(UNITS, force=False)
    edited = files.folder / "desk-worker@.service"
    edited.write_text(edited.read_text() + "Nice=5\n")
    before = {path.name: path.read_text() for path in files.folder.iterdir()}

    with pytest.raises(ServiceUnitEditedError, match="was changed by hand"):
        files.write(dict.fromkeys(UNITS, "[Service]\nType=exec\n"), force=False)
    with pytest.raises(ServiceUnitEditedError):
        files.remove(list(UNITS), force=False)

    assert {path.name: path.read_text() for path in files.folder.iterdir()} == before
    assert files.state("desk-worker@.service") is UnitState.EDITED


@pytest.mark.parametrize("content", [b"[Service]\n", b"", b"\xff\xfe"])
def test_a_unit_of_somebody_elses_is_kept(files: UnitFiles, content: bytes) -> None:
    files.folder.mkdir(parents=True)
    (files.folder / "desk.service").write_bytes(content)

    with pytest.raises(ServiceUnitEditedError):
        files.write(UNITS, force=False)

    assert (files.folder / "desk.service").read_bytes() == content
    assert not (files.folder / "desk-worker@.service").exists()


def test_force_overwrites_and_removes_what_was_edited(files: UnitFiles) -> None:
    files.folder.mkdir(parents=True)
    (files.folder / "desk.service").write_text("mine")

    files.write(UNITS, force=True)
    assert files.state("desk.service") is UnitState.OURS

    (files.folder / "desk.service").write_text("mine")
    files.remove(list(UNITS), force=True)
    assert files.list_ours("desk") == []


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "systemd").write_text("a file")

    with pytest.raises(ServiceUnitUnwritableError, match="cannot be written"):
        UnitFiles(tmp_path / "systemd" / "user").write(UNITS, force=False)
