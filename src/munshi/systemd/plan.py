"""What is to run as a service: which processes, from where, as whom, with what settings."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from munshi.errors import ServicePlanInvalidError
from munshi.infrastructure.database.url import parse_database_url
from munshi.infrastructure.env_file import read_env_file
from munshi.settings import Settings

_SECRETS = ("database_url", "master_key")
# The unit's own words for these come from the plan.
_TOLD_OTHERWISE = {"home", "env_file", *_SECRETS}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlan:
    """Everything a unit says. `environment` holds no secret; `left_out` names those it lacks.

    `workers` 0 is one process that does everything; else one serves and so many others work.
    `runs_as` None is the account whose own services these are.
    """

    name: str
    program: tuple[str, ...]
    home: Path
    workers: int
    runs_as: str | None
    sandbox: bool
    beside_postgresql: bool
    environment: dict[str, str] = field(default_factory=dict)
    writable: tuple[Path, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def is_system(self) -> bool:
        return self.runs_as is not None


def plan_service(
    settings: Settings, *, name: str, workers: int, runs_as: str | None, sandbox: bool
) -> ServicePlan:
    """What these settings need to run unattended.

    Raises ServicePlanInvalidError for what a unit cannot hold, DatabaseUrlInvalidError,
    EnvFileInvalidError.
    """
    if not name.replace("-", "").isalnum() or not name.isascii():
        raise ServicePlanInvalidError(
            f"A service cannot be called {name[:60]!r}.", hint="Use letters, digits and hyphens."
        )
    home = settings.home.absolute()
    environment = {"MUNSHI_HOME": str(home)}
    writable = [home]
    # The service reads that file itself, and what is changed there later must count.
    in_file = {each.upper() for each in read_env_file(home / ".env")}
    for field_name in sorted(settings.model_fields_set - _TOLD_OTHERWISE):
        name_outside = f"MUNSHI_{field_name.upper()}"
        if name_outside not in in_file:
            environment[name_outside] = _text(getattr(settings, field_name))
    if settings.env_file.exists() and settings.env_file.absolute() != home / ".env":
        environment["MUNSHI_ENV_FILE"] = str(settings.env_file.absolute())
        writable.append(settings.env_file.absolute().parent)
    left_out = _secrets(settings, environment, in_file)
    url = parse_database_url(settings.database_url.get_secret_value(), home=home)
    if url.get_backend_name() == "sqlite" and url.database:
        writable.append(Path(url.database).absolute().parent)
    for each in (*environment.values(), *map(str, writable)):
        if not each.isprintable():
            raise ServicePlanInvalidError(
                "A path or setting holds characters that a unit cannot, such as a line break.",
                hint="Change it, or put it into the .env file in the home folder.",
            )
    return ServicePlan(
        name=name,
        program=(sys.executable, "-P", "-m", "munshi"),  # nothing is imported from the home
        home=home,
        workers=workers,
        runs_as=runs_as,
        sandbox=sandbox,
        beside_postgresql=url.get_backend_name() == "postgresql"
        and url.host in {None, "", "localhost", "127.0.0.1", "::1"},
        environment=environment,
        writable=tuple(dict.fromkeys(writable)),
        left_out=left_out,
    )


def _secrets(settings: Settings, environment: dict[str, str], in_file: set[str]) -> tuple[str, ...]:
    """Fill in what turns out to be no secret; the names of the others that are set."""
    given = {
        "database_url": settings.database_url.get_secret_value(),
        "master_key": settings.master_key.get_secret_value(),
    }
    found = [name for name in _SECRETS if given[name] and f"MUNSHI_{name.upper()}" not in in_file]
    if "database_url" in found:
        text = given["database_url"]
        url = parse_database_url(text, home=settings.home)
        if "://" in text and url.password is None and not url.query:
            environment["MUNSHI_DATABASE_URL"] = text
            found.remove("database_url")
    return tuple(f"MUNSHI_{name.upper()}" for name in found)


def _text(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(f'"{each}"' for each in value) + "]"
    return str(value)
