"""Turns MUNSHI_DATABASE_URL, or the connection string of an old install, into an address."""

import re
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from munshi.errors import DatabaseUrlInvalidError

DATABASE_FILE = "munshi.db"
_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "mssql": "mssql+mssqlpython",
    "mssql+mssqlpython": "mssql+mssqlpython",
}
# ADO.NET spellings (Microsoft.Data.SqlClient, SqlConnection.ConnectionString).
_ADO_NAMES = {
    "server": "server",
    "data source": "server",
    "address": "server",
    "addr": "server",
    "network address": "server",
    "database": "database",
    "initial catalog": "database",
    "trusted_connection": "trusted",
    "integrated security": "trusted",
    "user id": "user",
    "uid": "user",
    "user": "user",
    "password": "password",
    "pwd": "password",
}
_YES_NO = {"true": "yes", "false": "no"}  # ADO.NET says true, the driver takes yes
_ADO_PART = re.compile(
    r"""[;\s]*(?P<name>[\w ]+?)\s*=\s*
    (?:"(?P<double>(?:[^"]|"")*)"|'(?P<single>(?:[^']|'')*)'|(?P<plain>(?!['"])[^;\r\n]*))
    \s*?(?:[;\r\n]|$)""",
    re.VERBOSE,
)
_ADO_PASSED_ON = {
    "encrypt": "Encrypt",
    "trustservercertificate": "TrustServerCertificate",
    "trust server certificate": "TrustServerCertificate",
}
_ADO_NO_MEANING_HERE = {"multipleactiveresultsets", "driver", "provider", "application name"}
_HINT = (
    "Use sqlite:///FILE, postgresql://USER:PASSWORD@HOST/DATABASE, "
    "or Server=…;Database=…;Trusted_Connection=yes."
)


def parse_database_url(text: str, *, home: Path) -> URL:
    """`text` as people write it; empty means the embedded SQLite file in `home`.

    Raises DatabaseUrlInvalidError, which never repeats the text: it may hold a password.
    """
    text = text.strip()
    if not text:
        return URL.create("sqlite", database=str(home / DATABASE_FILE))
    if re.match(r"(?i)^\s*[\w ]+=", text) and "://" not in text:
        return _from_ado(text)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise DatabaseUrlInvalidError(
            "MUNSHI_DATABASE_URL cannot be understood.", hint=_HINT
        ) from None
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise DatabaseUrlInvalidError(
            f"MUNSHI_DATABASE_URL names an unsupported database, {url.drivername}.", hint=_HINT
        )
    if driver == "sqlite" and url.database in (None, "", ":memory:"):
        raise DatabaseUrlInvalidError("An in-memory SQLite database cannot be kept.", hint=_HINT)
    return url.set(drivername=driver)


def place_of(url: URL) -> str:
    """Which database `url` names, without user, password and options."""
    place = URL.create(url.get_backend_name(), host=url.host, port=url.port, database=url.database)
    return str(place)


def _from_ado(text: str) -> URL:
    known: dict[str, str] = {}
    passed_on: dict[str, str] = {}
    for name, value in _ado_parts(text):
        if name in _ADO_NAMES:
            known[_ADO_NAMES[name]] = value
        elif name in _ADO_PASSED_ON:
            passed_on[_ADO_PASSED_ON[name]] = _YES_NO.get(value.lower(), value)
        elif name not in _ADO_NO_MEANING_HERE:
            raise DatabaseUrlInvalidError(
                f"The connection string has an unknown part, {name!r}.", hint=_HINT
            )
    for needed in ("Server", "Database"):
        if not known.get(needed.lower()):
            raise DatabaseUrlInvalidError(f"The connection string names no {needed}.", hint=_HINT)
    if known.get("trusted", "no").lower() in {"yes", "true", "sspi"}:
        passed_on["Trusted_Connection"] = "yes"
    host, _, port = known["server"].removeprefix("tcp:").partition(",")
    if port and not port.strip().isdigit():
        raise DatabaseUrlInvalidError("The connection string's port is not a number.", hint=_HINT)
    return URL.create(
        "mssql+mssqlpython",
        username=known.get("user"),
        password=known.get("password"),
        host=host.strip(),
        port=int(port) if port else None,
        database=known.get("database"),
        query=passed_on,
    )


def _ado_parts(text: str) -> Iterator[tuple[str, str]]:
    """Names in lower case with their values, which may be quoted as ADO.NET quotes."""
    at = 0
    while text[at:].strip("; \t\r\n"):
        found = _ADO_PART.match(text, at)
        if found is None:
            raise DatabaseUrlInvalidError(
                "The connection string has a part without '=' or an unclosed quote.", hint=_HINT
            )
        at = found.end()
        if found["double"] is not None:
            value = found["double"].replace('""', '"')
        elif found["single"] is not None:
            value = found["single"].replace("''", "'")
        else:
            value = found["plain"].strip()
        yield found["name"].lower(), value
