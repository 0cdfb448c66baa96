"""`munshi service`: keeps Munshi running under systemd."""

from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json, print_table

service_app = typer.Typer(
    help="Keep Munshi running under systemd: across crashes and restarts of the machine.",
    no_args_is_help=True,
)
Name = Annotated[str, typer.Option("--name", help="Name of the service, for several desks.")]
System = Annotated[
    bool, typer.Option("--system", help="A service of the machine, which needs root.")
]


@service_app.command("install")
def install_service(
    *,
    name: Name = "munshi",
    system: System = False,
    workers: int = typer.Option(
        0, min=0, max=64, help="Run jobs in so many processes of their own [in the server]."
    ),
    run_as: str | None = typer.Option(
        None, help="Account of a --system service [the owner of the home folder]."
    ),
    sandbox: bool | None = typer.Option(
        None, help="Hide the rest of the machine from it too [with --system]."
    ),
    show: bool = typer.Option(
        False, "--print", "--dry-run", help="Print the units and do nothing."
    ),
    start: bool = typer.Option(True, help="Enable and start it too."),
    force: bool = typer.Option(False, "--force", help="Overwrite units that were edited."),
    as_json: JsonFlag = False,
) -> None:
    """Write the units and start them; the settings of this shell go along, without secrets."""
    from munshi.cli.service_account import account_for, require_home
    from munshi.settings import load_settings
    from munshi.systemd.control import Systemd
    from munshi.systemd.files import UnitFiles
    from munshi.systemd.plan import plan_service
    from munshi.systemd.units import started_units, write_units

    settings = load_settings()
    runs_as = account_for(settings.home, given=run_as, may_only_look=show) if system else None
    plan = plan_service(
        settings,
        name=name,
        workers=workers,
        runs_as=runs_as,
        sandbox=system if sandbox is None else sandbox,
    )
    units, files, manager = write_units(plan), UnitFiles.of(system=system), Systemd(system=system)
    if show:
        if as_json:
            print_json({str(files.folder / each): text for each, text in units.items()})
        else:
            for each, text in units.items():
                typer.echo(f"# {files.folder / each}\n{text}")
        _say_left_out(plan.left_out, str(plan.home))
        return
    if start:
        manager.require()
    require_home(settings.home, system=system)
    superfluous = [each for each in files.list_ours(name) if each not in units]
    files.refuse_edited(superfluous, force=force)
    written = files.write(units, force=force)
    if start:
        wanted = started_units(plan)
        running = manager.running(f"{name}-worker@*.service")
        manager.stop([each for each in running if each not in wanted])
        files.remove(superfluous, force=force)
        manager.reload()
        manager.start(wanted)
    else:
        files.remove(superfluous, force=force)
    if as_json:
        print_json({"written": written, "started": started_units(plan) if start else []})
    else:
        for path in written:
            typer.echo(f"Written: {path}")
        if start:
            typer.echo(f"Started: {', '.join(started_units(plan))}")
        if start and not system:
            typer.echo("To keep it running when you are signed out: loginctl enable-linger")
    _say_left_out(plan.left_out, str(plan.home))


@service_app.command("status")
def show_service(
    *, name: Name = "munshi", system: System = False, as_json: JsonFlag = False
) -> None:
    """Show the units, whether they were edited, and whether they run; exit code 1 if not."""
    from munshi.systemd.control import Systemd
    from munshi.systemd.files import UnitFiles

    files, manager = UnitFiles.of(system=system), Systemd(system=system)
    rows: list[dict[str, str]] = []
    for each in files.list_ours(name):
        instances = [each]
        if "@" in each:
            instances = manager.running(each.replace("@", "@*")) if manager.runs() else []
        rows += [
            {"unit": unit, "file": files.state(each).value, "state": manager.state(unit)}
            for unit in instances
        ]
    if as_json:
        print_json({"folder": files.folder, "units": rows})
    else:
        print_table(
            f"Units in {files.folder}",
            ("unit", "file", "state"),
            [(row["unit"], row["file"], row["state"]) for row in rows],
            empty="none. Run: munshi service install",
        )
    if not rows or any(row["state"] != "active" for row in rows):
        raise typer.Exit(1)


@service_app.command("uninstall")
def uninstall_service(
    *,
    name: Name = "munshi",
    system: System = False,
    force: bool = typer.Option(False, "--force", help="Remove units that were edited too."),
    as_json: JsonFlag = False,
) -> None:
    """Stop the service and remove its units; the desk and all its records stay."""
    from munshi.systemd.control import Systemd
    from munshi.systemd.files import UnitFiles

    files, manager = UnitFiles.of(system=system), Systemd(system=system)
    names = files.list_ours(name)
    files.refuse_edited(names, force=force)
    if names and manager.runs():
        running = [each for each in names if "@" not in each]
        for each in names:
            if "@" in each:
                running += manager.running(each.replace("@", "@*"))
        manager.stop(running)
    files.remove(names, force=force)
    if names and manager.runs():
        manager.reload()
    if as_json:
        print_json({"removed": names})
    elif names:
        typer.echo(f"Removed: {', '.join(names)}")
    else:
        typer.echo(f"There is no service {name} in {files.folder}.")


def _say_left_out(names: tuple[str, ...], home: str) -> None:
    for each in names:
        typer.echo(
            f"{each} is secret and not in the unit: put it into {home}/.env, and chmod 600 that.",
            err=True,
        )
