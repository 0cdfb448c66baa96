"""`munshi audit`: pages of the trail on a terminal."""

import json

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
