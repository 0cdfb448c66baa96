"""Statements are built once and bound: building one costs five times its execution."""

import ast
from collections.abc import Iterator
from pathlib import Path

import munshi

REPOSITORIES = Path(munshi.__file__).parent / "infrastructure" / "database"
BUILDERS = {"select", "insert", "update", "delete", "text"}
CACHES = ("lru_cache", "cache")


def built_per_call(source: str) -> Iterator[str]:
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        if any(ast.unparse(each).startswith(CACHES) for each in function.decorator_list):
            continue
        calls = (node for node in ast.walk(function) if isinstance(node, ast.Call))
        for call in calls:
            if isinstance(call.func, ast.Name) and call.func.id in BUILDERS:
                yield f"{function.name} line {call.lineno}"


def test_no_method_of_a_repository_builds_its_statement() -> None:
    found = {
        path.name: list(built_per_call(path.read_text("utf-8")))
        for path in REPOSITORIES.glob("*_repository.py")
    }

    assert len(found) > 5
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_a_statement_built_in_a_method_is_noticed() -> None:
    wrong = "def get(self):\n    return self.connection.execute(select(rows))\n"
    right = "@lru_cache\ndef listing(given):\n    return select(rows)\n"

    assert list(built_per_call(wrong)) == ["get line 2"]
    assert list(built_per_call(right)) == []
