"""`munshi audit seal|verify|prove|check-proof|checkpoint`, on a desk of their own."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from command_line import Munshi


@pytest.fixture
def changed(munshi: Munshi) -> Munshi:
    """A desk on which something was done."""
    munshi("config", "set", "jobs", "keep_days", "10")
    return munshi


def test_what_waits_is_sealed_and_then_verified(changed: Munshi) -> None:
    sealed = json.loads(changed("audit", "seal", "--json").stdout)

    result = changed("audit", "verify")
    report = json.loads(changed("audit", "verify", "--json").stdout)

    assert sealed["waiting"] == 0
    assert sealed["sealed"] > 5
    assert "Nothing was changed." in result.stdout
    assert (report["sound"], report["rows"], report["blocks"]) == (True, sealed["sealed"], 1)


def test_a_changed_row_is_named_and_the_exit_code_says_so(changed: Munshi, tmp_path: Path) -> None:
    changed("audit", "seal")
    with closing(sqlite3.connect(tmp_path / "munshi.db")) as forger:
        forger.execute('DROP TRIGGER "tr_AuditLogs_no_update"')
        forger.execute("UPDATE \"AuditLogs\" SET user_id = 'nobody' WHERE id = 3")
        forger.commit()

    result = changed("audit", "verify")
    report = json.loads(changed("audit", "verify", "--json").stdout)

    assert result.exit_code == 1
    assert "Row 3 of block 1" in result.stderr
    assert report["findings"][0]["audit_id"] == 3


def test_a_checkpoint_is_compared_later(changed: Munshi, tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    taken = changed("audit", "checkpoint", "--to", str(kept))
    changed("config", "set", "jobs", "keep_days", "11")
    changed("audit", "seal")

    result = changed("audit", "verify", "--checkpoint", str(kept))

    assert "signed with key" in taken.stdout
    assert kept.stat().st_mode & 0o077 == 0
    assert "It goes on from the checkpoint at block 1." in result.stdout


def test_a_file_that_is_no_checkpoint_is_refused(changed: Munshi, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("something else\n")

    result = changed("audit", "verify", "--checkpoint", str(other))

    assert "no checkpoint of an audit trail" in result.stderr


def test_a_row_is_proved_without_the_desk(changed: Munshi, tmp_path: Path) -> None:
    changed("audit", "seal")
    file = tmp_path / "proof.json"
    changed("audit", "prove", "3", "--to", str(file))
    proof = json.loads(file.read_text())

    good = changed("audit", "check-proof", str(file))
    file.write_text(json.dumps({**proof, "row": proof["row"].replace("set", "get")}))
    bad = changed("audit", "check-proof", str(file))

    assert "Row 3 was sealed in block 1" in good.stdout
    assert "nothing is proved" in bad.stderr


def test_a_row_that_waits_or_is_not_there_is_not_proved(changed: Munshi) -> None:
    waits = changed("audit", "prove", "3")
    unknown = changed("audit", "prove", "999999")

    assert "munshi audit seal" in waits.stderr
    assert "There is no audit row 999999" in unknown.stderr
