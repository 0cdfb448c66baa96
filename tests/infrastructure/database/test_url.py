"""Database addresses as people write them, the old connection string among them."""

from pathlib import Path

import pytest
from mssql_python.connection_string_parser import _ConnectionStringParser
from sqlalchemy import URL

from munshi.errors import DatabaseUrlInvalidError
from munshi.infrastructure.database.url import parse_database_url

HOME = Path("home")
OLD = "Server=(localdb)\\mssqllocaldb;Database=KiteConnectApi;Trusted_Connection=yes"


def parse(text: str) -> URL:
    return parse_database_url(text, home=HOME)


def driver_gets(url: URL) -> dict[str, str]:
    """What the driver reads out of the connection string that SQLAlchemy builds for it."""
    arguments, _ = url.get_dialect()().create_connect_args(url)
    parser = _ConnectionStringParser(validate_keywords=True)
    parsed: dict[str, str] = parser._parse(arguments[0])  # noqa: SLF001
    return parsed


def test_nothing_means_a_file_in_the_home_folder() -> None:
    assert parse("  ") == URL.create("sqlite", database=str(HOME / "munshi.db"))


@pytest.mark.parametrize(
    "text",
    [
        OLD,
        OLD + ";",
        f"  {OLD}\n",
        OLD.replace(";", "\n"),
        OLD.replace(";", ";\r\n"),
        OLD.replace(";", "; ").upper().replace("KITECONNECTAPI", "KiteConnectApi"),
        OLD.replace("Server", "Data Source").replace("Trusted_Connection", "Integrated Security"),
        f"{OLD};Initial Catalog=KiteConnectApi;MultipleActiveResultSets=true",
    ],
)
def test_the_old_connection_string_reaches_the_driver_whole(text: str) -> None:
    url = parse(text)

    given = driver_gets(url)

    assert url.drivername == "mssql+mssqlpython"
    assert given.pop("server").lower() == "(localdb)\\mssqllocaldb"
    assert given == {"database": "KiteConnectApi", "trusted_connection": "yes"}


def test_a_server_with_port_user_and_quoted_password_reaches_the_driver_whole() -> None:
    url = parse(
        "Server=tcp:db.example,1433;Database=Desk;User Id=sa;Password='a;b}\"c''d= ';"
        "Encrypt=True;TrustServerCertificate=False"
    )

    assert driver_gets(url) == {
        "server": "db.example,1433",
        "database": "Desk",
        "uid": "sa",
        "pwd": "a;b}\"c'd= ",
        "encrypt": "yes",
        "trustservercertificate": "no",
    }


def test_double_quotes_quote_too() -> None:
    assert parse('Server=h;Database="a;b";Password="say ""so"""').password == 'say "so"'


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("sqlite:///desk.db", "sqlite"),
        ("postgresql://asha@db/desk", "postgresql+psycopg"),
        ("postgres://asha@db/desk", "postgresql+psycopg"),
        ("postgresql+psycopg://asha@db/desk", "postgresql+psycopg"),
        ("mssql://sa@db/desk", "mssql+mssqlpython"),
    ],
)
def test_each_database_gets_the_driver_we_use(text: str, driver: str) -> None:
    assert parse(text).drivername == driver


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("mysql://u:hush@h/d", "unsupported database, mysql."),
        ("postgresql+asyncpg://u:hush@h/d", "unsupported database, postgresql+asyncpg."),
        ("hush", "cannot be understood."),
        ("postgresql://u:hush@h:port/d", "cannot be understood."),
        ("sqlite://", "in-memory SQLite database cannot be kept."),
        ("sqlite:///:memory:", "in-memory SQLite database cannot be kept."),
        ("Server=h;Database=d;hush", "has a part without '='"),
        ("Server=h;Database=d;Colour=hush", "has an unknown part, 'colour'."),
        ("Database=d;Password=hush", "names no Server."),
        ("Server=h;Password=hush", "names no Database."),
        ("Server=h,x;Database=d;Password=hush", "port is not a number."),
        ("Server=h;Database=d;Password='hush", "unclosed quote."),
    ],
)
def test_a_wrong_address_is_one_sentence_that_repeats_no_secret(text: str, sentence: str) -> None:
    with pytest.raises(DatabaseUrlInvalidError) as refusal:
        parse(text)

    assert sentence in refusal.value.detail
    assert "hush" not in str(refusal.value)
    assert "\n" not in str(refusal.value)
