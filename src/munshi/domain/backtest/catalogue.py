"""The strategies there are, by name."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import time
from types import MappingProxyType

from munshi.domain.backtest.engine import Strategy
from munshi.domain.backtest.strategies import MovingAverageCross, OpeningRangeBreakout
from munshi.errors import JobParametersInvalidError

STRATEGIES: Mapping[str, type[MovingAverageCross] | type[OpeningRangeBreakout]] = MappingProxyType(
    {"ma_cross": MovingAverageCross, "opening_range": OpeningRangeBreakout}
)


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
    if type(value) is not type(like):
        wanted = "true or false" if isinstance(like, bool) else "a whole number"
        raise JobParametersInvalidError(f"{name} must be {wanted}, not {value!r}.")
    return value
