"""The strategies there are, by name."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import time
from enum import StrEnum
from types import MappingProxyType

from munshi.domain.backtest.engine import Engine, Strategy
from munshi.domain.backtest.kernel import Kernel
from munshi.domain.backtest.options.engine import OptionsEngine
from munshi.domain.backtest.options.straddles import ShortStraddle, ShortStrangle
from munshi.domain.backtest.options.weekly_selling import WeeklyOptionSelling
from munshi.domain.backtest.strategies import MovingAverageCross, OpeningRangeBreakout
from munshi.errors import JobParametersInvalidError


class Trades(StrEnum):
    """What a strategy trades: the instrument whose bars it sees, or options on it.

    A class says so in `trades`; without that it is the instrument.
    """

    INSTRUMENT = "instrument"
    OPTIONS = "options"


ENGINES: Mapping[Trades, Engine] = MappingProxyType(
    {Trades.INSTRUMENT: Kernel(), Trades.OPTIONS: OptionsEngine()}
)
STRATEGIES: Mapping[str, type] = MappingProxyType(
    {
        "ma_cross": MovingAverageCross,
        "opening_range": OpeningRangeBreakout,
        "weekly_option_selling": WeeklyOptionSelling,
        "short_straddle": ShortStraddle,
        "short_strangle": ShortStrangle,
    }
)


def traded_by(found: type) -> Trades:
    """Raises JobParametersInvalidError for a class that says what there is no engine for."""
    told = getattr(found, "trades", Trades.INSTRUMENT)
    if told not in list(Trades):
        raise JobParametersInvalidError(
            f"{found.__name__} trades {told!r}, for which there is no engine.",
            hint=f"There are engines for {', '.join(Trades)}.",
        )
    return Trades(told)


def make_strategy(name: str, parameters: Mapping[str, object]) -> Strategy:
    """A new strategy for one run.

    Raises JobParametersInvalidError for a name or a parameter that there is not.
    """
    found = STRATEGIES.get(name)
    if found is None:
        raise JobParametersInvalidError(
            f"There is no strategy {name!r}.", hint=f"There are {', '.join(STRATEGIES)}."
        )
    return build(found, name, parameters)


def is_own(name: str) -> bool:
    """Whether it is one of the user's, of which nothing is known before it is loaded."""
    return name not in STRATEGIES and (".py" in name or name.isidentifier())


def check_strategy(name: str, parameters: Mapping[str, object]) -> None:
    """As far as can be told without running code of the user's.

    Raises JobParametersInvalidError.
    """
    if not is_own(name):
        make_strategy(name, parameters)


def build(found: type, name: str, parameters: Mapping[str, object]) -> Strategy:
    """A new `found`; its parameters are its fields, when it is a dataclass.

    Raises JobParametersInvalidError, and whatever the class raises.
    """
    of_class = fields(found) if is_dataclass(found) else ()
    known = {each.name: each.default for each in of_class if not each.name.startswith("_")}
    if unknown := sorted(set(parameters) - set(known)):
        raise JobParametersInvalidError(
            f"{name} has no parameter {', '.join(unknown)}.",
            hint=f"It has {', '.join(known) or 'none'}.",
        )
    read = {key: _read(key, value, like=known[key]) for key, value in parameters.items()}
    made: Strategy = found(**read)
    return made


def _read(name: str, value: object, *, like: object) -> object:
    if isinstance(like, time):
        try:
            return time.fromisoformat(str(value))
        except ValueError as error:
            raise JobParametersInvalidError(
                f"{name} must be a time like 15:15, not {value!r}."
            ) from error
    if isinstance(like, StrEnum):
        choices = type(like)
        if value not in list(choices):
            raise JobParametersInvalidError(
                f"{name} must be one of {', '.join(choices)}, not {value!r}."
            )
        return choices(str(value))
    if isinstance(like, tuple):
        return tuple(value.split("+") if isinstance(value, str) else _words(name, value))
    if isinstance(like, str) and isinstance(value, str):
        return value
    if type(value) is not type(like):
        if isinstance(like, str):
            raise JobParametersInvalidError(f"{name} must be a word, not {value!r}.")
        wanted = "true or false" if isinstance(like, bool) else "a whole number"
        raise JobParametersInvalidError(f"{name} must be {wanted}, not {value!r}.")
    return value


def _words(name: str, value: object) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise JobParametersInvalidError(
            f"{name} must be a list of words, or words joined by +, not {value!r}."
        )
    return list(value)
