"""`munshi config`: settings as a terminal shows and takes them."""

import json
import sqlite3
from pathlib import Path

import pytest

from command_line import Munshi


def test_a_setting_is_shown_changed_and_shown_again(munshi: Munshi) -> None:
    before = munshi("config", "get", "jobs", "keep_days")
    changed = munshi("config", "set", "jobs", "keep_days", "14")
    after = munshi("config", "get", "jobs", "keep_days", "--json")

    assert before.stdout == "7\n"
    assert changed.stdout == "jobs/keep_days is now 14 (version 1).\n"
    shown = json.loads(after.stdout)
    assert (shown["value"], shown["version"], shown["updated_by"]) == (14, 1, "command-line")


def test_the_default_comes_back(munshi: Munshi) -> None:
    munshi("config", "set", "jobs", "keep_days", "14")

    munshi("config", "set", "jobs", "keep_days", "--default")

    assert munshi("config", "get", "jobs", "keep_days").stdout == "7\n"
    history = munshi("config", "history", "jobs", "keep_days").stdout
    assert "(default)" in history
    assert "command-line" in history


def test_the_list_has_every_key_with_its_purpose(munshi: Munshi) -> None:
    shown = munshi("config", "list").stdout
    listed = json.loads(munshi("config", "list", "--json").stdout)

    assert {"scheduler", "auth", "jobs"} <= {one["config_type"] for one in listed}
    assert "schedule.kite_login" in shown
    purposes = {one["config_key"]: one["description"] for one in listed}
    assert "every Kite token dies at 06:00" in purposes["schedule.kite_login"]
    assert all(purposes.values())


def test_a_document_is_typed_as_json_and_counts_at_once(munshi: Munshi) -> None:
    done = munshi("config", "set", "api", "limit.kite.quote", '{"requests": 1, "seconds": 2}')

    assert '{"requests": 1, "seconds": 2} (version 1)' in done.stdout
    assert "from the next start" not in done.stdout


@pytest.mark.parametrize("given", [[], ["-"]])
def test_a_secret_is_taken_from_standard_input_and_never_shown(
    munshi: Munshi, tmp_path: Path, given: list[str]
) -> None:
    done = munshi("config", "set", "auth", "kite.api_secret", *given, typed="hush-hush\n")

    everything = done.output + munshi("config", "list", "--json").output
    everything += munshi("config", "history", "auth", "kite.api_secret", "--json").output
    everything += munshi("audit", "recent", "--json").output
    assert done.exit_code == 0
    assert munshi("config", "get", "auth", "kite.api_secret").stdout == "(set)\n"
    assert "hush" not in everything
    with sqlite3.connect(tmp_path / "munshi.db") as connection:
        dump = "".join(connection.iterdump())
    connection.close()
    assert "hush" not in dump


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["get", "nonsense", "x"], "There is no configuration type 'nonsense'."),
        (["get", "jobs", "keepdays"], "Did you mean keep_days?"),
        (["list", "nonsense"], "Types: scheduler, trading"),
        (["set", "jobs", "keep_days", "many"], "must be a whole number, not text."),
        (["set", "jobs", "keep_days", "null"], "cannot be null. Use --default"),
        (["set", "jobs", "keep_days", "9", "--expected-version", "4"], "is at version 0, not 4."),
        (["set", "auth", "kite.api_secret", "hush"], "must not stand in a command line."),
        (["set", "auth", "kite.headless", "True"], "must be true or false, not text."),
    ],
)
def test_bad_input_is_one_line_on_stderr(munshi: Munshi, words: list[str], sentence: str) -> None:
    result = munshi("config", *words)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert "hush" not in result.stderr
