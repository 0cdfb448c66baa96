"""docs/security.md names every requirement of its sections once, and only what exists."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from source_tree import PACKAGE, ROOT

PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
ROW = re.compile(r"(?m)^\| (\d+\.\d+\.\d+) \| (.*?) \| (.*?) \| (.*?) \| ?(.*?) ?\|$")
# How many requirements each section of ASVS 5.0.0 has.
SECTIONS = {
    "3.3": 5,
    "3.4": 8,
    "3.5": 8,
    "6.2": 12,
    "6.3": 8,
    "6.5": 8,
    "7.2": 4,
    "7.3": 2,
    "7.4": 5,
    "7.5": 3,
    "11.3": 5,
    "11.4": 4,
    "11.5": 2,
    "13.3": 4,
    "15.4": 4,
    "16.2": 5,
    "16.3": 4,
    "16.4": 3,
}
STATES = ("kept", "in part", "not yet", "not applicable")
Requirement = tuple[str, str, str, str, str]
ROWS: list[Requirement] = ROW.findall(PAGE)


def test_every_requirement_of_the_sections_is_there_once() -> None:
    named = Counter(row[0] for row in ROWS)

    assert named == {
        f"{section}.{number}": 1
        for section, count in SECTIONS.items()
        for number in range(1, count + 1)
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_is_kept_names_its_test_and_what_is_not_says_why(row: Requirement) -> None:
    _, _, state, how, proof = row

    assert state in STATES
    assert how
    assert bool(proof) or state in ("not yet", "not applicable")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_files_and_tests_that_are_named_exist(row: Requirement) -> None:
    for path in re.findall(r"`([\w/]+\.py)`", row[3]):
        assert (PACKAGE / path).exists(), path
    for path, name in re.findall(r"`([\w/]+\.py)::(\w+)`", row[4]):
        assert name in names_in(ROOT / "tests" / path), f"{path}::{name}"


@cache
def names_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(
        node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    )
