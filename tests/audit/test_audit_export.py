"""The audit trail as CSV and as JSON lines: nothing is lost, and no cell is a formula."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clocks import FakeClock
from munshi.audit.export import COLUMNS, TextFormat, read_cell, spell_rows
from munshi.audit.service import AuditQuery, AuditService
from munshi.domain.audit import Actor, AuditEntry
from munshi.infrastructure.database.engine import Database

ASHA = Actor(user_id="asha", job_id="4711")
NASTY = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "'x", "''=x", "plain", 'a "quoted", one', "two\nl"]


def entry(**given: Any) -> AuditEntry:  # noqa: ANN401
    usual: dict[str, Any] = {
        "audit_id": 1,
        "entity_type": "config",
        "entity_id": "x",
        "action": "set",
        "old_value": None,
        "new_value": None,
        "timestamp": datetime(2026, 11, 20, 5, tzinfo=UTC),
        "user_id": "asha",
        "request_id": None,
        "job_id": None,
        "details": None,
        "leaf": b"\x01" * 32,
    }
    return AuditEntry(**{**usual, **given})


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("text", NASTY)
def test_a_cell_that_looks_like_a_formula_is_marked_and_can_be_read_back(text: str) -> None:
    (row,) = rows_of("".join(spell_rows([entry(entity_id=text)], TextFormat.CSV)))

    assert not row["entity_id"].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert read_cell(row["entity_id"]) == text


def test_documents_are_json_in_a_cell_and_documents_in_a_line() -> None:
    one = entry(old_value=-5, new_value={"a": "é"})

    (row,) = rows_of("".join(spell_rows([one], TextFormat.CSV)))
    said = json.loads("".join(spell_rows([one], TextFormat.JSONL)))

    assert json.loads(read_cell(row["old_value"])) == said["old_value"] == -5
    assert json.loads(read_cell(row["new_value"])) == said["new_value"] == {"a": "é"}
    assert row["details"] == ""
    assert said["details"] is None
    assert said["timestamp"] == row["timestamp"] == "2026-11-20T05:00:00.000000Z"
    assert tuple(said) == tuple(row) == COLUMNS


def test_an_export_is_the_trail_as_it_was_oldest_first_and_is_audited(
    database: Database, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        for number in range(2500):
            tx.audit.log("job", "made", entity_id=str(number), actor=ASHA, now=clock.now())
            clock.advance(timedelta(milliseconds=number % 2))
    clock.advance(timedelta(seconds=1))
    audit = AuditService(database, clock)

    taken = audit.begin_export(AuditQuery(user_id="asha"), way="test", actor=ASHA)
    names = [found.entity_id for found in taken.entries]

    assert taken.rows == len(names) == 2500
    assert names == [str(number) for number in range(2500)]
    (row,) = audit.page(action="export").entries
    assert row.new_value == {"way": "test", "rows": 2500, "asked": {"user_id": "asha"}}
    assert row.job_id == "4711"
