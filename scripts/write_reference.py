"""Writes the pages of docs/ that are made from code; --check says which are out of date."""

import importlib
import json
import pkgutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from job_states import states_page
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from session_states import session_states_page
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

import munshi
from munshi.api.app import create_app
from munshi.bootstrap import open_database, open_services
from munshi.cli.app import app
from munshi.domain.config_keys import DECLARED, ConfigKey
from munshi.domain.config_schema import allowed_values
from munshi.domain.operational_writes import OPERATIONAL_WRITES, OperationalWrite
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

CONFIGURATION_HEAD = """\
# Configuration

Values that live in the database, with versions and history: `munshi config`, `GET /config/all`.
What the process is told from outside is under [Settings](settings.md). A secret is stored sealed
and never shown. *After restart* marks what counts from the next start on; everything else counts in
running processes within a second. *Kept* marks what nothing reads yet.

| type | key | kind | allowed | default | what it is |
|---|---|---|---|---|---|
"""

COMMANDS_HEAD = """\
# Commands

Each is followed by what it needs; options may be left out, and `--help` says what they mean. A
command that fails prints one line on stderr and exits with another code than 0.

| command | options | what it does |
|---|---|---|
"""

OPERATIONAL_HEAD = """\
# Operational writes

What the audit does not cover, and no more than this: whatever else changes a table writes an
[audit row](../how-to/audit.md) in the same transaction. `tests/audit/` reads the same list, in
`domain/operational_writes.py`, and fails otherwise. *But* names the states of a row that are
audited all the same.

| table | what | but | why |
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


def _default_of(key: ConfigKey) -> str:
    return "" if key.default is None else f"`{json.dumps(key.default)}`"


def configuration_page() -> str:
    rows = [
        f"| {key.config_type} | `{key.name}` | {'secret ' if key.is_secret else ''}{key.shape.kind}"
        f"{', after restart' if key.restart_needed else ''}{', kept' if key.kept_only else ''} "
        f"| {allowed_values(key)} | {_default_of(key)} "
        f"| {key.description} |\n"
        for key in sorted(DECLARED, key=lambda key: (key.config_type, key.name))
    ]
    return NOTE + CONFIGURATION_HEAD + "".join(rows)


def _commands(command: TyperGroup | TyperCommand, name: str) -> Iterator[tuple[str, TyperCommand]]:
    """Every command by its whole name, a group itself where it does something alone."""
    if isinstance(command, TyperCommand):
        yield name, command
        return
    if command.invoke_without_command:
        yield name, cast("TyperCommand", command)
    for word, found in command.commands.items():
        yield from _commands(cast("TyperGroup | TyperCommand", found), f"{name} {word}")


def _needs(command: TyperCommand) -> str:
    arguments = (each for each in command.params if isinstance(each, TyperArgument))
    return "".join(
        f" {each.metavar or (each.name or '').upper()}{'…' if each.nargs < 0 else ''}"
        for each in arguments
    ).replace("……", "…")


def commands_page() -> str:
    rows = []
    for name, command in _commands(cast("TyperGroup", get_command(app)), "munshi"):
        options = (each.opts[0] for each in command.params if isinstance(each, TyperOption))
        said = (command.help or "").split("\n\n")[0].replace("\n", " ")
        shown = " ".join(f"`{option}`" for option in options if option != "--help")
        rows.append(f"| `{name}{_needs(command)}` | {shown} | {said} |\n")
    return NOTE + COMMANDS_HEAD + "".join(rows)


def operational_writes_page() -> str:
    rows = [
        f"| `{each.table}` | {each.what} | {_but(each)} | {each.why} |\n"
        for each in OPERATIONAL_WRITES
    ]
    return NOTE + OPERATIONAL_HEAD + "".join(rows)


def _but(write: OperationalWrite) -> str:
    """Which states of a row are audited all the same."""
    return ", ".join(f"`{state}`" for state in sorted(write.except_states)) or "nothing"


def job_states_page() -> str:
    return NOTE + states_page()


def login_states_page() -> str:
    return NOTE + session_states_page()


ROLES_BEGIN = "<!-- roles: made from code by `make reference`; edit the code. -->\n"
ROLES_END = "<!-- /roles -->"


def security_page() -> str:
    """The page as it stands, with the table of roles made anew."""
    page = (DOCS / "security.md").read_text(encoding="utf-8")
    before, _, rest = page.partition(ROLES_BEGIN)
    return before + ROLES_BEGIN + "\n" + _roles() + "\n" + ROLES_END + rest.partition(ROLES_END)[2]


def _roles() -> str:
    """What each role may call beyond the one before it."""
    calls: dict[str, list[str]] = {}
    for path, methods in openapi()["paths"].items():
        for method, call in methods.items():
            calls.setdefault(call["x-role"], []).append(f"`{method.upper()} {path}`")
    said = {
        "public": "anybody, also without signing in",
        "viewer": "who may look",
        "operator": "who runs the desk; also plain calls from this machine, if they are trusted",
        "admin": "who decides about people",
    }
    rows = [
        f"| {name} | {who} | {', '.join(sorted(calls.get(name, [])))} |\n"
        for name, who in said.items()
    ]
    head = "| role | who | may call, beside what stands above |\n|---|---|---|\n"
    return head + "".join(rows)


PAGES = {
    "security.md": security_page,
    "problems.md": problems_page,
    "reference/settings.md": settings_page,
    "reference/api.md": api_page,
    "reference/commands.md": commands_page,
    "reference/configuration.md": configuration_page,
    "reference/job-states.md": job_states_page,
    "reference/session-states.md": login_states_page,
    "reference/operational-writes.md": operational_writes_page,
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
