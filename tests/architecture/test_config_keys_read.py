"""Every declared configuration key has a reader: a setting that nothing reads is a lie."""

import ast
from functools import cache
from pathlib import Path

import pytest

import munshi
from munshi.domain import config_keys
from munshi.domain.config_keys import BROKER_KEYS, DECLARED, ConfigKey, find_key

SOURCE = Path(munshi.__file__).parent
DECLARATIONS = SOURCE / "domain" / "config_keys"
_TABLE = "BROKER_KEYS"


@cache
def read_somewhere() -> frozenset[str]:
    """Texts, constants and fields of `BROKER_KEYS` that code outside the declarations uses."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        if DECLARATIONS not in path.parents:
            tree = ast.parse(path.read_text("utf-8"))
            found |= _texts(tree) | _constants(tree) | _broker_fields(tree)
    return frozenset(found)


def _texts(tree: ast.Module) -> set[str]:
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _constants(tree: ast.Module) -> set[str]:
    """What the names stand for that are used; importing alone reads nothing."""
    used = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    values = (getattr(config_keys, name, None) for name in used)
    return {value for value in values if isinstance(value, str)}


def _broker_fields(tree: ast.Module) -> set[str]:
    """Keys read as `BROKER_KEYS[service].password`, directly or through a name."""
    holders = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _is_table_look_up(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    fields = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and (
            _is_table_look_up(node.value)
            or (isinstance(node.value, ast.Name) and node.value.id in holders)
        )
    }
    return {getattr(keys, name) for keys in BROKER_KEYS.values() for name in fields}


def _is_table_look_up(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == _TABLE
    )


def readers_name(key: ConfigKey) -> set[str]:
    """What a reader may name: the key, or the prefix of its family (a seed is one of these)."""
    prefix = key.name.partition(".")[0] + "."
    if key.pattern is not None:
        return {prefix}
    in_a_family = find_key(key.config_type, f"{prefix}any").pattern if key.is_seeded else None
    return {key.name, prefix} if in_a_family else {key.name}


@pytest.mark.parametrize("key", DECLARED, ids=lambda key: f"{key.config_type}/{key.name}")
def test_something_reads_the_key(key: ConfigKey) -> None:
    if not key.kept_only:
        assert readers_name(key) & read_somewhere(), f"nothing reads {key.config_type}/{key.name}"


KEPT = [key for key in DECLARED if key.kept_only]
_READING = {"value", "secret", "documents", "get_config", "get_configs_by_type"}


def reads_of(tree: ast.Module) -> set[tuple[str, str | None]]:
    """Type and key of every call that reads a value; None for a key that only running would tell.

    A family is read by its prefix.
    """
    found: set[tuple[str, str | None]] = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _READING
            and node.args
            and (config_type := _constant(node.args[0])) is not None
        ):
            key = _constant(node.args[1]) if len(node.args) > 1 else None
            found.add((config_type, key))
    return found


def _constant(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    value = getattr(config_keys, node.id, None) if isinstance(node, ast.Name) else None
    return value if isinstance(value, str) else None


def is_read_by(key: ConfigKey, reads: set[tuple[str, str | None]]) -> bool:
    return any(
        config_type == key.config_type and (name is None or name in readers_name(key))
        for config_type, name in reads
    )


@cache
def read_anywhere() -> frozenset[tuple[str, str | None]]:
    trees = (ast.parse(path.read_text("utf-8")) for path in SOURCE.rglob("*.py"))
    return frozenset(read for tree in trees for read in reads_of(tree))


@pytest.mark.parametrize("key", KEPT, ids=lambda key: f"{key.config_type}/{key.name}")
def test_what_is_said_to_have_no_reader_has_none(key: ConfigKey) -> None:
    """Whoever builds the reader takes the mark away, so that no page goes on saying otherwise."""
    assert not is_read_by(key, set(read_anywhere())), (
        f"{key.config_type}/{key.name} is read now: take `kept_only` from its declaration"
    )


@pytest.mark.parametrize(
    "source",
    [
        'config.value(TRADING, "max_positions")',
        'self._config.value("trading", "max_positions")',
        "services.config.value(TRADING, name)",
        "tx.config.get_configs_by_type(TRADING)",
    ],
)
def test_a_reader_of_what_is_said_to_have_none_is_noticed(source: str) -> None:
    assert is_read_by(find_key("trading", "max_positions"), reads_of(ast.parse(source)))


@pytest.mark.parametrize("text", ["kite.nothing", "nothing.", "keep_nights"])
def test_what_nothing_reads_is_noticed(text: str) -> None:
    assert text not in read_somewhere()
