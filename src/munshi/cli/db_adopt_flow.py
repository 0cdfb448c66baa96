"""Adopting an old install step by step: look, move aside, upgrade, take over, seal, drop."""

from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from munshi.adoption.service import Adopted, Choices
from munshi.adoption.survey import CONFIG, TablePlan, old_settings, survey
from munshi.bootstrap import Services, open_database, open_services
from munshi.cli.db_adopt_text import (
    adopted_json,
    planned_json,
    plans_json,
    print_adopted,
    print_planned,
    print_plans,
    print_settings,
    settings_json,
)
from munshi.cli.output import print_json
from munshi.config.legacy_import import LegacyConfig, refuse_unsound
from munshi.config.legacy_settings import LegacyReading, read_settings
from munshi.domain.audit import COMMAND_LINE
from munshi.domain.enums import Service
from munshi.errors import (
    AppError,
    ConfigConflictUnsettledError,
    ConfigFileInvalidError,
    LegacyTablesKeptError,
)
from munshi.infrastructure.database import migrate
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.legacy_tables import is_ours
from munshi.infrastructure.database.revision import is_current
from munshi.settings import load_settings


def look(choices: Choices, *, as_json: bool) -> None:
    """What would happen. Raises what taking over would raise, after showing the tables."""
    settings = load_settings()
    with open_database(settings) as database:
        plans = survey(database)
        reading = _read(database, plans, choices)
        current = is_current(database)
    done: dict[str, int] = {}
    planned: LegacyConfig | None = None
    trouble: AppError | None = None
    if current and plans:
        with open_services(settings) as services:
            done = {plan.table.kept_as: services.adoption.handled(plan) for plan in plans}
            try:
                planned = services.adoption.plan_config(choices)
            except (ConfigFileInvalidError, ConfigConflictUnsettledError) as error:
                trouble = error
    if as_json:
        settings_shown = settings_json(reading) if reading else planned_json(planned)
        print_json({"dry_run": True, **plans_json(plans, done), **settings_shown})
    else:
        print_plans(plans, done)
        print_settings(reading)
        print_planned(planned)
    if trouble is not None:
        raise trouble
    if reading is not None:
        refuse_unsound(reading)
    if not as_json:
        typer.echo("Nothing was changed: this was a dry run.")


def adopt(choices: Choices, *, as_json: bool) -> None:
    """Nothing is touched before the old configuration was found sound.

    Raises ConfigFileInvalidError, ConfigConflictUnsettledError, DatabaseForeignError.
    """
    settings = load_settings()
    with open_database(settings) as database:
        plans = survey(database)
        if not plans:
            _say_nothing_to_do(as_json=as_json)
            return
        reading = _read(database, plans, choices)
        if reading is not None:
            refuse_unsound(reading)
        renamed = migrate.adopt(database)
        if not as_json:
            for name in renamed:
                typer.echo(f"{name} is now legacy_{name}.")
        if not is_current(database):
            migrate.upgrade(database)
    with open_services(settings) as services:
        services.config.seed(actor=COMMAND_LINE)
        adopted = _take_over(services, choices)
        sealed = services.ledger.seal()
    kept = [plan.table.kept_as for plan in plans]
    if as_json:
        print_json(
            {
                "renamed": {name: f"legacy_{name}" for name in renamed},
                **adopted_json(adopted),
                "audit_rows_sealed": sealed,
                "kept_in_clear": kept,
            }
        )
    else:
        print_adopted(adopted, plans=plans)


def drop(*, dry_run: bool, as_json: bool) -> None:
    """Drop the renamed tables for good, after the person typed what they asked for.

    Raises LegacyTablesKeptError if they typed anything else.
    """
    settings = load_settings()
    with open_database(settings) as database:
        plans = [plan for plan in survey(database) if plan.table.is_renamed]
    if not plans:
        _say_nothing_to_do(as_json=as_json)
        return
    with open_services(settings) as services:
        done = {plan.table.kept_as: services.adoption.handled(plan) for plan in plans}
    if not as_json:
        print_plans(plans, done)
    if dry_run:
        if as_json:
            print_json({"dry_run": True, "dropped": [], **plans_json(plans, done)})
        else:
            typer.echo("Nothing was changed: this was a dry run.")
        return
    words = f"drop {len(plans)} tables"
    typed = typer.prompt(f"Rows that were not taken over are lost. Type '{words}'", err=True)
    if typed.strip() != words:
        raise LegacyTablesKeptError("That was something else; every table is still there.")
    with open_services(settings) as services:
        services.adoption.note_drop([plan.table for plan in plans], actor=COMMAND_LINE)
    with open_database(settings) as database:
        migrate.drop_legacy(database, [plan.table.name for plan in plans])
    names = [plan.table.name for plan in plans]
    if as_json:
        print_json({"dropped": names})
    else:
        typer.echo(f"Dropped: {', '.join(names)}. Copies made before still hold what they held.")


def _read(database: Database, plans: list[TablePlan], choices: Choices) -> LegacyReading | None:
    """The old configuration, as long as nothing of ours is there to compare it with."""
    if is_ours(database):
        return None
    for plan in plans:
        if plan.table.stands_for == CONFIG and plan.becomes:
            return read_settings(
                old_settings(database, plan.table),
                source=Path(plan.table.kept_as),
                leave=choices.leave,
                consented=_nobody_could,
            )
    return None


def _nobody_could(_: Service) -> bool:
    return False


def _take_over(services: Services, choices: Choices) -> Adopted:
    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True, highlight=False)
    words = TextColumn("  {task.description}")
    with Progress(words, *columns, console=console, transient=True) as progress:
        bars = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in bars:
                bars[what] = progress.add_task(what, total=total)
            progress.update(bars[what], completed=done, total=max(done, total))

        return services.adoption.run(choices, actor=COMMAND_LINE, progress=told)


def _say_nothing_to_do(*, as_json: bool) -> None:
    if as_json:
        print_json({"renamed": {}, "tables": [], "dropped": []})
    else:
        typer.echo("There is nothing to adopt.")
