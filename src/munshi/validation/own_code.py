"""Functions and classes of the user's own: from a file below the home, or an installed package."""

from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from munshi.backtest.own_files import OwnFile
from munshi.domain.validation.params import ENTRY
from munshi.errors import ModelFailedError, ModelUnknownError

GROUP = "munshi.models"


def load_own(name: str, *, folder: Path) -> tuple[Any, str]:
    """What FILE.py:NAME or entry:NAME names, and what pins its code: a hash or a version.

    Raises ModelUnknownError, ModelFailedError.
    """
    found = find_own(name, folder=folder)
    # Where importlib_metadata is installed, an entry point may be of its class.
    return _load_file(name, found) if isinstance(found, Path) else _load_entry(found)


def find_own(name: str, *, folder: Path) -> Path | EntryPoint:
    """The file or the entry point, without running any of it.

    A file lies in `folder`, because a job may be asked for from afar, and must not run any file
    of the machine. Raises ModelUnknownError.
    """
    if name.startswith(ENTRY):
        return _find_entry(name.removeprefix(ENTRY))
    file_name, _, _ = name.partition(":")
    path = (folder / file_name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise ModelUnknownError(
            f"There is no file {file_name} in the folder for code of your own.",
            hint=f"Put it there: {folder}",
        )
    return path


def _load_file(name: str, path: Path) -> tuple[Any, str]:
    file_name, _, attribute = name.partition(":")
    own = OwnFile(path)
    module = own.module(f"munshi_own_{path.stem}")
    try:
        own.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ModelFailedError(f"{file_name}: {type(error).__name__}: {error}") from error
    found = getattr(module, attribute, None)
    if not callable(found):
        raise ModelUnknownError(
            f"{file_name} has no function or class {attribute}.", hint="Name it as FILE.py:NAME."
        )
    return found, own.digest


def _find_entry(name: str) -> EntryPoint:
    for point in entry_points(group=GROUP, name=name):
        return point
    raise ModelUnknownError(
        f"No installed package has a {name} of the group {GROUP}.",
        hint="It is declared in the package's pyproject.toml as an entry point of that group.",
    )


def _load_entry(point: EntryPoint) -> tuple[Any, str]:
    try:
        version = point.dist.version if point.dist else ""
        return point.load(), f"{point.value} {version}".strip()
    except (Exception, SystemExit) as error:
        raise ModelFailedError(f"{point.value}: {type(error).__name__}: {error}") from error
