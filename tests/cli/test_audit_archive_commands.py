"""`munshi audit archive|archives|restore|erase`, on a desk of their own."""

import json

import pytest

from command_line import Munshi


@pytest.fixture
def sealed(munshi: Munshi) -> Munshi:
    """A desk on which something was done and sealed."""
    munshi("config", "set", "jobs", "keep_days", "10")
    munshi("audit", "seal")
    return munshi


def test_rows_go_and_come_back_and_the_trail_verifies(sealed: Munshi) -> None:
    moved = sealed("audit", "archive", "--before", "2126-01-01")
    listed = sealed("audit", "archives")
    verified = sealed("audit", "verify")
    (name,) = [each["name"] for each in json.loads(sealed("audit", "archives", "--json").stdout)]
    back = sealed("audit", "restore", name)

    assert f"are in {name}" in moved.stdout
    assert name in listed.stdout
    assert "archived" in listed.stdout
    assert "in 1 archives" in verified.stdout
    assert "Nothing was changed." in verified.stdout
    assert "of 1 archives are in the table again" in back.stdout
    assert "none; munshi audit archive makes them" in sealed("audit", "archives").stdout
    assert sealed("audit", "verify").exit_code == 0


def test_json_says_what_was_archived_and_restored(sealed: Munshi) -> None:
    moved = json.loads(sealed("audit", "archive", "--before", "2126-01-01", "--json").stdout)
    (archive,) = moved["archives"]
    back = json.loads(sealed("audit", "restore", "--since", "2020-01-01", "--json").stdout)

    assert archive["state"] == "archived"
    assert len(archive["sha256"]) == 64
    assert back == {"archives": [archive["name"]], "rows": archive["rows"]}


def test_by_default_the_setting_says_what_is_old(sealed: Munshi) -> None:
    result = sealed("audit", "archive")

    assert result.exit_code == 0
    assert "No sealed block is older than" in result.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("restore",), "Say which archives"),
        (("restore", "audit-1", "--since", "2020-01-01"), "Say which archives"),
        (("restore", "nonsense"), "no name of an archive"),
        (("restore", "audit-000000001-000000002.jsonl.gz"), "There is no archive"),
        (("restore", "--since", "2026-02-01", "--until", "2026-01-01"), "ends before it begins"),
        (("erase", "--yes"), "Say whose values"),
    ],
)
def test_bad_input_is_one_clear_error(sealed: Munshi, words: tuple[str, ...], said: str) -> None:
    result = sealed("audit", *words)

    assert result.exit_code != 0
    assert said in result.stderr


def test_erasing_asks_first_and_says_what_went(sealed: Munshi) -> None:
    refused = sealed("audit", "erase", "--user", "asha", typed="n\n")
    done = sealed("audit", "erase", "--user", "asha", "--yes")

    assert refused.exit_code == 1
    assert "cannot come back" in refused.stderr
    assert "0 personal values beside 0 rows are erased" in done.stdout
