"""Which part of an option chain is collected: how many expiries, and strikes around the spot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Self

from munshi.errors import JobParametersInvalidError

NEAREST = "nearest"
MOST_EXPIRIES, MOST_DATES, MOST_STRIKES = 12, 120, 100
_LONGEST_NAME = 30
_FIELDS = frozenset({"underlying", "expiries", "strikes"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionChain:
    """Calls and puts on `underlying`, chosen anew for each day.

    `expiries` is how many of the nearest ones, or which; `strikes` how many on each side of the
    one nearest to the day's spot.
    """

    underlying: str
    expiries: int | tuple[date, ...] = 1
    strikes: int = 10

    @classmethod
    def from_json(cls, raw: object) -> Self:
        """Read `underlying`, `expiries` ("nearest", a number or dates) and `strikes`.

        Raises JobParametersInvalidError.
        """
        if not isinstance(raw, Mapping) or not isinstance(raw.get("underlying"), str):
            raise JobParametersInvalidError(
                "chain must have an underlying, such as NIFTY.",
                hint="Beside it may stand expiries and strikes.",
            )
        if unknown := sorted(str(name) for name in set(raw) - _FIELDS):
            raise JobParametersInvalidError(f"Not known in chain: {', '.join(unknown)}.")
        name = raw["underlying"].strip().upper()
        if not 1 <= len(name) <= _LONGEST_NAME or ":" in name:
            raise JobParametersInvalidError(
                f"{name[:_LONGEST_NAME]!r} is no underlying.", hint="Write NIFTY or RELIANCE."
            )
        return cls(
            underlying=name,
            expiries=_expiries(raw.get("expiries", NEAREST)),
            strikes=_whole("strikes", raw.get("strikes", 10), least=0, most=MOST_STRIKES),
        )

    def to_json(self) -> dict[str, object]:
        days = self.expiries
        return {
            "underlying": self.underlying,
            "expiries": days if isinstance(days, int) else [day.isoformat() for day in days],
            "strikes": self.strikes,
        }

    def choose(self, listed: Iterable[date], *, day: date) -> list[date]:
        """Those of the `listed` expiries that are wanted of `day`, in order."""
        ahead = sorted({expiry for expiry in listed if expiry >= day})
        if isinstance(self.expiries, int):
            return ahead[: self.expiries]
        return [expiry for expiry in ahead if expiry in self.expiries]


def _expiries(value: object) -> int | tuple[date, ...]:
    if isinstance(value, str) and value.strip().lower() == NEAREST:
        return 1
    if isinstance(value, list | tuple):
        if not 1 <= len(value) <= MOST_DATES:
            raise JobParametersInvalidError(f"expiries must name 1 to {MOST_DATES} dates.")
        return tuple(sorted({_day(each) for each in value}))
    return _whole("expiries", value, least=1, most=MOST_EXPIRIES)


def _day(value: object) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise JobParametersInvalidError(
            f"An expiry must be a date like 2026-11-24, not {value!r}."
        ) from error


def _whole(name: str, value: object, *, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        also = f', or "{NEAREST}", or dates' if name == "expiries" else ""
        raise JobParametersInvalidError(
            f"{name} must be a number from {least} to {most}{also}, not {value!r}."
        )
    return value
