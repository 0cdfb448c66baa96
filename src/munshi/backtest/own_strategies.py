"""Strategies of the user's own: classes in files of one folder, and of installed packages.

Files are taken from the home's folder `strategies` only: who may ask for a job over HTTP must not
choose which file of the machine is run.
"""

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from munshi.backtest.own_files import OwnFile
from munshi.domain.backtest.catalogue import (
    ENGINES,
    STRATEGIES,
    Trades,
    build,
    make_strategy,
    traded_by,
)
from munshi.domain.backtest.engine import Engine, Strategy
from munshi.errors import AppError, JobParametersInvalidError, StrategyFailedError

GROUP = "munshi.strategies"
FOLDER = "strategies"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundStrategy:
    """`make` gives a new one for each run; `source` tells what an own one is, None for ours.

    What it trades says which engine runs it, and what that needs besides the bars.
    """

    make: Callable[[], Strategy]
    source: str | None
    trades: Trades

    @property
    def engine(self) -> Engine:
        return ENGINES[self.trades]


class StrategyFinder:
    """Looks in Munshi itself, then in `folder`, then among the entry points of `GROUP`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, name: str, parameters: Mapping[str, object]) -> FoundStrategy:
        """`NAME`, `FILE.py` or `FILE.py:CLASS`; a file's code runs now.

        Raises JobParametersInvalidError for what is not there or a parameter it has not, and
        StrategyFailedError for code that cannot be loaded.
        """
        if name in STRATEGIES:
            return FoundStrategy(
                make=lambda: make_strategy(name, parameters),
                source=None,
                trades=traded_by(STRATEGIES[name]),
            )
        if ".py" in name:
            found, source = self._from_file(name)
        else:
            found, source = _from_package(name)
        make = _careful(name, found, parameters)
        make()
        return FoundStrategy(make=make, source=source, trades=traded_by(found))

    def _from_file(self, name: str) -> tuple[type, str]:
        file, _, wanted = name.partition(".py")
        folder = self._folder.resolve()
        path = (folder / f"{file}.py").resolve()
        if not path.is_relative_to(folder) or not path.is_file():
            raise JobParametersInvalidError(
                f"There is no strategy file {file}.py in {folder}.",
                hint=f"Own strategies lie there. Begin one: munshi strategy new {Path(file).stem}",
            )
        own = OwnFile(path)
        classes = _classes_of(own, path.name)
        wanted = wanted.removeprefix(":")
        chosen = [each for each in classes if not wanted or each.__name__ == wanted]
        if len(chosen) != 1:
            names = ", ".join(each.__name__ for each in classes) or "none"
            raise JobParametersInvalidError(
                f"{path.name} must have one class with a method decide"
                f"{f' named {wanted}' if wanted else ''}; it has {names}.",
                hint="Name the class: FILE.py:CLASS",
            )
        return chosen[0], f"{path.name}, SHA-256 {own.digest}"


def _classes_of(own: OwnFile, file: str) -> list[type]:
    name = f"munshi_strategy_{own.digest[:16]}"
    module = own.module(name)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        own.exec_module(module)
    except (Exception, SystemExit) as error:
        raise StrategyFailedError(
            f"{file} cannot be loaded: {type(error).__name__}: {error}",
            hint="Nothing was stored. Mend the file and run it again.",
        ) from error
    finally:
        del sys.modules[name]
    return [
        each
        for _, each in inspect.getmembers(module, inspect.isclass)
        if each.__module__ == name and callable(getattr(each, "decide", None))
    ]


def _from_package(name: str) -> tuple[type, str]:
    found = list(entry_points(group=GROUP, name=name))
    if len(found) != 1:
        others = sorted(each.name for each in entry_points(group=GROUP))
        raise JobParametersInvalidError(
            f"There is no strategy {name!r}.",
            hint=f"There are {', '.join([*STRATEGIES, *others])}; own ones are named FILE.py.",
        )
    [point] = found
    try:
        loaded = point.load()
    except Exception as error:
        raise StrategyFailedError(
            f"{point.value} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    version = point.dist.version if point.dist else "unknown"
    return loaded, f"{point.value}, version {version}"


def _careful(name: str, found: type, parameters: Mapping[str, object]) -> Callable[[], Strategy]:
    def make() -> Strategy:
        try:
            return build(found, name, parameters)
        except AppError:
            raise
        except Exception as error:
            raise StrategyFailedError(
                f"{name} cannot begin: {type(error).__name__}: {error}",
                hint="Nothing was stored. Mend the strategy and run it again.",
            ) from error

    return make
