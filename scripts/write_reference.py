"""Writes the pages of docs/ that are made from code; --check says which are out of date."""

import importlib
import pkgutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

import munshi
from munshi.api.app import create_app
from munshi.bootstrap import open_database, open_services
from munshi.errors import AppError
from munshi.infrastructure.database.migrate import upgrade
from munshi.settings import Settings

DOCS = Path(__file__).resolve().parents[1] / "docs"
NOTE = "<!-- Made from code by `make reference`; edit the code. -->\n\n"
DEFAULTS_THAT_DEPEND = {"home": "*your user data folder*"}

SETTINGS_HEAD = """\
# Settings

Settings come from the environment, or from a file `.env` in the folder Munshi is started in. A
value that cannot be used stops the start with one line that names the variable.

| variable | default | allowed | what it is |
|---|---|---|---|
"""

PROBLEMS_HEAD = """\
# Problems

The API answers an error as `application/problem+json` (RFC 9457); the `type` ends with the name
below and never changes. The command line prints one line on stderr and exits with a code other
than 0. *Retry* says whether the same request may succeed later without anybody doing anything.

| type | status | retry | meaning |
|---|---|---|---|
"""

API_HEAD = """\
# API

Every call, the least role that may make it, and what it takes; `?` marks what may be left out.
The running API describes all of it, with the shape of every answer, at `/docs` and
`/openapi.json`. Errors are [problems](../problems.md). Who counts as what is told under
[Who may call](../architecture.md#who-may-call).

| call | role | takes | what it does |
|---|---|---|---|
"""


def import_everything() -> None:
    """Subclasses are known once their modules are loaded. Migrations only load inside Alembic."""
    for module in pkgutil.walk_packages(munshi.__path__, "munshi."):
        if ".migrations." not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def errors(root: type[AppError] = AppError) -> Iterator[type[AppError]]:
    for found in root.__subclasses__():
        yield found
        yield from errors(found)


def problems_page() -> str:
    import_everything()
    rows = sorted(
        f"| `{error.slug()}` | {error.status} | {'yes' if error.retryable else 'no'} "
        f"| {error.title()} |\n"
        for error in errors()
    )
    return NOTE + PROBLEMS_HEAD + "".join(rows)


def _default(name: str, field: FieldInfo) -> str:
    if name in DEFAULTS_THAT_DEPEND:
        return DEFAULTS_THAT_DEPEND[name]
    value = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return f"`{value}`" if str(value) else "*empty*"


def _allowed(field: FieldInfo) -> str:
    kind = field.annotation
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return ", ".join(f"`{member.value}`" for member in kind)
    bounds = {type(rule).__name__: rule for rule in field.metadata}
    if {"Ge", "Le"} <= bounds.keys():
        return f"{bounds['Ge'].ge} to {bounds['Le'].le}"
    names = {bool: "true, false", Path: "a path", SecretStr: "text", str: "text"}
    for rule in field.metadata:
        if pattern := getattr(rule, "pattern", None):
            return ", ".join(f"`{word}`" for word in pattern.strip("^()$").split("|"))
    return names.get(kind, "a JSON list") if isinstance(kind, type) else "a JSON list"


def settings_page() -> str:
    rows = [
        f"| `MUNSHI_{name.upper()}` | {_default(name, field)} | {_allowed(field)} "
        f"| {field.description} |\n"
        for name, field in Settings.model_fields.items()
    ]
    return NOTE + SETTINGS_HEAD + "".join(rows)


def openapi() -> dict[str, Any]:
    """The API's own description, from services in a home that is thrown away."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings.model_construct(home=Path(home))
        with open_database(settings) as database:
            upgrade(database)
        with open_services(settings) as services:
            return create_app(services).openapi()


def _takes(call: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    wanted = [
        f"`{given['name']}`{'' if given.get('required') else '?'}"
        for given in call.get("parameters", [])
        if given["in"] == "query"
    ]
    body = call.get("requestBody", {})
    must = body.get("required", False)
    for content in body.get("content", {}).values():
        for name in (option["$ref"] for option in _options(content["schema"])):
            shape = schemas[name.rsplit("/", 1)[1]]
            wanted += [
                f"`{field}`{'' if must and field in shape.get('required', []) else '?'}"
                for field in shape.get("properties", {})
            ]
    return ", ".join(wanted)


def _options(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [option for option in schema.get("anyOf", [schema]) if "$ref" in option]


def api_page() -> str:
    described = openapi()
    schemas = described.get("components", {}).get("schemas", {})
    rows = [
        f"| `{method.upper()} {path}` | {call.get('x-role', '')} | {_takes(call, schemas)} "
        f"| {call.get('description', '').split(chr(10) * 2)[0].replace(chr(10), ' ')} |\n"
        for path, calls in described["paths"].items()
        for method, call in calls.items()
    ]
    return NOTE + API_HEAD + "".join(rows)


PAGES = {
    "problems.md": problems_page,
    "reference/settings.md": settings_page,
    "reference/api.md": api_page,
}


def main() -> int:
    """Write, or with --check print the names of pages that differ and return 1."""
    stale = []
    for name, make in PAGES.items():
        page, text = DOCS / name, make()
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            stale.append(f"docs/{name}")
            if "--check" not in sys.argv:
                page.write_text(text, encoding="utf-8", newline="\n")
    for name in stale:
        print(name)
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
