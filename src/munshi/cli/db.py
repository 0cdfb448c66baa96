"""`munshi db`: the database's revision, and the way to the one this version needs."""

from enum import StrEnum

import typer

from munshi.cli.db_adopt import adopt_tables
from munshi.cli.output import JsonFlag, print_json

db_app = typer.Typer(help="Create, upgrade and check the database.", no_args_is_help=True)


class Dialect(StrEnum):
    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"
    MSSQL = "mssql"


@db_app.command("upgrade")
def upgrade_database(*, as_json: JsonFlag = False) -> None:
    """Bring the database to the revision this version needs, and store seeded settings."""
    from munshi.bootstrap import open_database, open_services
    from munshi.domain.audit import COMMAND_LINE
    from munshi.infrastructure.database import migrate
    from munshi.infrastructure.database.revision import current_revision
    from munshi.settings import load_settings

    settings = load_settings()
    with open_database(settings) as database:
        before = current_revision(database)
        migrate.upgrade(database)
        after = current_revision(database)
    with open_services(settings) as services:
        seeded = services.config.seed(actor=COMMAND_LINE)
    if as_json:
        print_json({"before": before, "after": after, "settings_seeded": seeded})
    elif before == after:
        typer.echo(f"The database is at {after} already.")
    elif before is None:
        typer.echo(f"The database is made, at {after}.")
    else:
        typer.echo(f"The database was at {before} and is at {after} now.")


@db_app.command("current")
def show_revision(*, as_json: JsonFlag = False) -> None:
    """Show the database's revision and the one this version needs."""
    from munshi.bootstrap import open_database
    from munshi.infrastructure.database.migrations import HEAD
    from munshi.infrastructure.database.revision import current_revision
    from munshi.settings import load_settings

    with open_database(load_settings()) as database:
        found = current_revision(database)
    if as_json:
        print_json({"revision": found, "needed": HEAD, "is_current": found == HEAD})
    elif found == HEAD:
        typer.echo(f"The database is at {found}, as this version needs.")
    else:
        state = "is empty" if found is None else f"is at {found}"
        typer.echo(f"The database {state}; this version needs {HEAD}.")
        typer.echo("Run: munshi db upgrade")


@db_app.command("check")
def check_database(*, as_json: JsonFlag = False) -> None:
    """Compare the database's tables with what this version expects; exit code 1 if they differ."""
    from munshi.bootstrap import open_database
    from munshi.infrastructure.database import migrate
    from munshi.infrastructure.database.opening import check_revision
    from munshi.settings import load_settings

    with open_database(load_settings()) as database:
        check_revision(database)
        found = migrate.differences(database)
    if as_json:
        print_json({"differences": found})
    elif found:
        for difference in found:
            typer.echo(difference)
        places = "1 place" if len(found) == 1 else f"{len(found)} places"
        typer.echo(f"The database differs in {places} from what this version expects.")
    else:
        typer.echo("The database is as this version expects it.")
    if found:
        raise typer.Exit(1)


@db_app.command("sql")
def print_script(
    *,
    dialect: Dialect | None = typer.Option(None, help="For this database [the configured one]."),
) -> None:
    """Print the SQL that makes the database, for whoever runs scripts by hand."""
    from munshi.infrastructure.database import migrate
    from munshi.infrastructure.database.url import parse_database_url
    from munshi.settings import load_settings

    if dialect is None:
        settings = load_settings()
        url = parse_database_url(settings.database_url.get_secret_value(), home=settings.home)
        dialect = Dialect(url.get_backend_name())
    typer.echo(migrate.script(dialect), nl=False)


@db_app.command("copy")
def copy_database(
    *,
    to: str = typer.Option(
        ...,
        metavar="URL",
        envvar="MUNSHI_COPY_TO",
        help="An empty database: sqlite:///FILE or postgresql://USER@HOST/DATABASE.",
    ),
    as_json: JsonFlag = False,
) -> None:
    """Copy the whole desk into an empty database, SQLite or PostgreSQL, and check the copy.

    Stop `munshi serve` and all workers first; nobody can write while it runs.
    """
    from munshi.cli.db_copy import copy_showing_progress

    if not copy_showing_progress(to, as_json=as_json):
        raise typer.Exit(1)


db_app.command("adopt")(adopt_tables)
