"""`munshi audit`: pages of the trail on a terminal."""

import csv
import json
from pathlib import Path

import polars as pl
import pytest

from command_line import Munshi
from munshi.domain.config_keys import seeded_keys


@pytest.fixture
def changed(munshi: Munshi) -> Munshi:
    """A desk on which `keep_days` was changed three times."""
    for days in ("10", "20", "30"):
        munshi("config", "set", "jobs", "keep_days", days)
    return munshi


def test_one_thing_is_followed_page_by_page(changed: Munshi) -> None:
    words = ("audit", "entity", "config", "jobs/keep_days", "--limit", "2", "--json")

    first = json.loads(changed(*words).stdout)
    second = json.loads(changed(*words, "--cursor", first["next_cursor"]).stdout)

    assert [entry["new_value"] for entry in first["entries"]] == [30, 20]
    assert [entry["new_value"] for entry in second["entries"]] == [10]
    assert second["next_cursor"] is None
    assert all(len(entry["leaf"]) == 64 for entry in first["entries"])


def test_the_table_says_how_to_go_on(changed: Munshi) -> None:
    result = changed("audit", "recent", "--limit", "1")

    assert "config jobs/keep_days" in result.stdout
    assert "--cursor" in result.stderr


def test_a_users_rows_are_told_from_others(changed: Munshi) -> None:
    mine = json.loads(changed("audit", "user", "command-line", "--json").stdout)["entries"]
    theirs = json.loads(changed("audit", "user", "munshi", "--json").stdout)["entries"]

    assert {entry["entity_id"] for entry in mine} == {"jobs/keep_days"}
    assert {entry["entity_id"] for entry in theirs} == {
        f"{key.config_type}/{key.name}" for key in seeded_keys()
    }


def test_a_filter_that_nothing_passes_says_so(changed: Munshi) -> None:
    assert "nothing yet" in changed("audit", "recent", "--until", "2020-01-01").stdout
    assert "nothing yet" in changed("audit", "recent", "--since", "2999-01-01").stdout
    assert "nothing yet" in changed("audit", "recent", "--action", "deleted").stdout


def test_a_foreign_cursor_is_one_line_on_stderr(munshi: Munshi) -> None:
    result = munshi("audit", "recent", "--cursor", "x")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "cursor" in result.stderr


def test_all_filters_narrow_together(changed: Munshi) -> None:
    words = ("audit", "recent", "--json", "--user", "command-line", "--entity-type", "config")

    mine = json.loads(changed(*words, "--entity-id", "jobs/keep_days").stdout)["entries"]
    none = json.loads(changed(*words, "--job-id", "4711").stdout)["entries"]

    assert [entry["new_value"] for entry in mine] == [30, 20, 10]
    assert none == []


def test_the_tail_is_the_newest_rows_oldest_first(changed: Munshi) -> None:
    lines = changed("audit", "tail", "-n", "2", "--user", "command-line", "--json").stdout
    text = changed("audit", "tail", "-n", "1", "--user", "command-line").stdout

    assert [json.loads(line)["new_value"] for line in lines.splitlines()] == [20, 30]
    assert "config jobs/keep_days" in text
    assert "20 -> 30" in text


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_an_export_is_a_private_file_with_every_row(
    changed: Munshi, tmp_path: Path, form: str
) -> None:
    path = tmp_path / f"trail.{form}"

    result = changed("audit", "export", "--to", str(path), "--user", "command-line", "--json")

    assert json.loads(result.stdout) == {"path": str(path), "format": form, "rows": 3}
    assert path.stat().st_mode & 0o077 == 0
    assert _values(path, form) == ["10", "20", "30"]
    assert not list(tmp_path.glob(".trail*"))
    (row,) = json.loads(changed("audit", "recent", "--action", "export", "--json").stdout)[
        "entries"
    ]
    assert row["new_value"]["rows"] == 3


def _values(path: Path, form: str) -> list[str]:
    if form == "parquet":
        frame = pl.read_parquet(path)
        assert frame.schema["timestamp"] == pl.Datetime("us", "UTC")
        return frame["new_value"].to_list()
    if form == "csv":
        with path.open(newline="", encoding="utf-8") as file:
            return [row["new_value"] for row in csv.DictReader(file)]
    return [str(json.loads(line)["new_value"]) for line in path.read_text().splitlines()]


def test_an_export_replaces_nothing_unasked_and_leaves_nothing_half_done(
    changed: Munshi, tmp_path: Path
) -> None:
    path = tmp_path / "trail.csv"
    path.write_text("mine")

    refused = changed("audit", "export", "--to", str(path))
    nowhere = changed("audit", "export", "--to", str(tmp_path / "none" / "trail.csv"))
    forced = changed("audit", "export", "--to", str(path), "--force")

    assert (refused.exit_code, nowhere.exit_code, forced.exit_code) == (1, 1, 0)
    assert "--force" in refused.stderr
    assert "cannot be written" in nowhere.stderr
    assert path.read_text().startswith("id,timestamp,")
