"""What of the weekly signals may be chosen; the first value of each is the default."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Self

from munshi.errors import JobParametersInvalidError


class SignalName(StrEnum):
    """In order of precedence: of those that hold at one bar the first wins."""

    S1 = "S1"
    S2 = "S2"
    S3 = "S3"
    S4 = "S4"
    S5 = "S5"
    S6 = "S6"
    S7 = "S7"
    S8 = "S8"


class UpperTouch(StrEnum):
    """Which bars may have touched the upper zone for S8: any of the week so far, or this one."""

    WEEK = "week"
    BAR = "bar"


class StrikeRule(StrEnum):
    """How a stop-loss level becomes a strike.

    away50: PE down, CE up to the 50-point grid; a multiple stays. nearest100: a tie goes up.
    away50_nearest100: one after the other.
    """

    AWAY50 = "away50"
    NEAREST100 = "nearest100"
    AWAY50_NEAREST100 = "away50_nearest100"


class TriggerRule(StrEnum):
    """When a breakout or breakdown counts.

    once: the first time in the week. edge: at every change from false to true. repeat: at every
    bar where it is true.
    """

    ONCE = "once"
    EDGE = "edge"
    REPEAT = "repeat"


class FourHourBars(StrEnum):
    """Whose bodies make the zones.

    session: 09:15 to 13:15 and 13:15 to 15:30 of each day. clock: four hourly bars at a time,
    across days. hourly: the hourly bars themselves.
    """

    SESSION = "session"
    CLOCK = "clock"
    HOURLY = "hourly"


class WeekendSessions(StrEnum):
    DROP = "drop"
    KEEP = "keep"


class StopBasis(StrEnum):
    """What an hourly close is compared with to end the trade: the strike sold, or the level."""

    STRIKE = "strike"
    LEVEL = "level"


ALL_SIGNALS = tuple(SignalName)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalParameters:
    """`enabled` is the filter; it comes before the rule of one signal a week."""

    enabled: tuple[SignalName, ...] = ALL_SIGNALS
    zone_touch_bypass: bool = False
    upper_touch: UpperTouch = UpperTouch.WEEK
    strike: StrikeRule = StrikeRule.AWAY50
    trigger: TriggerRule = TriggerRule.ONCE
    four_hour: FourHourBars = FourHourBars.SESSION
    weekend_sessions: WeekendSessions = WeekendSessions.DROP
    stop_basis: StopBasis = StopBasis.STRIKE

    @classmethod
    def from_json(cls, raw: Mapping[str, object]) -> Self:
        """Read any of the fields; those not given keep their default.

        Raises JobParametersInvalidError, which names the field and what it may be.
        """
        known = [each.name for each in fields(cls)]
        if unknown := sorted(set(raw) - set(known)):
            raise JobParametersInvalidError(
                f"No parameter of the signals: {', '.join(unknown)}.",
                hint=f"There are {', '.join(known)}.",
            )
        readers: Mapping[str, Callable[[str, object], object]] = {
            "enabled": _names,
            "zone_touch_bypass": _flag,
            "upper_touch": _one_of(UpperTouch),
            "strike": _one_of(StrikeRule),
            "trigger": _one_of(TriggerRule),
            "four_hour": _one_of(FourHourBars),
            "weekend_sessions": _one_of(WeekendSessions),
            "stop_basis": _one_of(StopBasis),
        }
        return cls(**{name: readers[name](name, value) for name, value in raw.items()})  # type: ignore[arg-type]

    def to_json(self) -> dict[str, object]:
        return {
            "enabled": [name.value for name in self.enabled],
            "zone_touch_bypass": self.zone_touch_bypass,
            "upper_touch": self.upper_touch.value,
            "strike": self.strike.value,
            "trigger": self.trigger.value,
            "four_hour": self.four_hour.value,
            "weekend_sessions": self.weekend_sessions.value,
            "stop_basis": self.stop_basis.value,
        }


def _one_of(choices: type[StrEnum]) -> Callable[[str, object], object]:
    def read(name: str, value: object) -> object:
        if value not in list(choices):
            raise JobParametersInvalidError(
                f"{name} must be one of {', '.join(choices)}, not {value!r}."
            )
        return choices(str(value))

    return read


def _flag(name: str, value: object) -> object:
    if not isinstance(value, bool):
        raise JobParametersInvalidError(f"{name} must be true or false, not {value!r}.")
    return value


def _names(name: str, value: object) -> object:
    known = [each.value for each in SignalName]
    if not isinstance(value, list | tuple) or not value or any(one not in known for one in value):
        raise JobParametersInvalidError(
            f"{name} must be a list of some of {', '.join(known)}, not {value!r}."
        )
    return tuple(each for each in SignalName if each.value in value)
