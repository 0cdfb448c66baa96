"""What each job type is told, checked before a job is stored and again before it runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Self

from munshi.domain.enums import Service
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.domain.option_chains import OptionChain
from munshi.errors import AppError, JobParametersInvalidError


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionParams:
    """Candles to collect; `instruments` are full names (NSE:NIFTY 50), both dates included.

    A `chain` adds the options around each day's spot. `planned` is how many requests were
    expected when a larger collection was divided into this one and others.
    """

    broker: Service
    instruments: tuple[str, ...]
    interval: Interval
    start: date
    end: date
    chain: OptionChain | None = None
    planned: int | None = None

    @classmethod
    def from_json(cls, raw: Mapping[str, object]) -> Self:
        """Read `broker`, `instruments`, `interval`, `from`, `to` and, if it is there, `chain`.

        With a chain there need be no instruments. Raises JobParametersInvalidError.
        """
        given = {"chain": None, "planned": None, **raw}
        if given["chain"] is not None:
            given.setdefault("instruments", [])
        _check_fields(given, "broker", "instruments", "interval", "from", "to", "chain", "planned")
        start, end = _day(given, "from"), _day(given, "to")
        if end < start:
            raise JobParametersInvalidError(f"The range ends on {end}, before it starts: {start}.")
        chain = None if given["chain"] is None else OptionChain.from_json(given["chain"])
        named, planned = given["instruments"], given["planned"]
        if planned is not None and (not isinstance(planned, int) or planned < 0):
            raise JobParametersInvalidError(f"planned must be a number, not {planned!r}.")
        return cls(
            broker=_service(given, "broker"),
            instruments=() if chain is not None and named == [] else _instruments(named),
            interval=_interval(_text(given, "interval")),
            start=start,
            end=end,
            chain=chain,
            planned=planned,
        )

    def to_json(self) -> dict[str, object]:
        found: dict[str, object] = {
            "broker": self.broker.value,
            "instruments": list(self.instruments),
            "interval": self.interval.value,
            "from": self.start.isoformat(),
            "to": self.end.isoformat(),
        }
        if self.chain is not None:
            found["chain"] = self.chain.to_json()
        if self.planned is not None:
            found["planned"] = self.planned
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationParams:
    """Candle files to hash: of these instruments, or of all where none is named."""

    instruments: tuple[str, ...] = ()
    repair: bool = False

    @classmethod
    def from_json(cls, raw: Mapping[str, object]) -> Self:
        """Read `instruments`, which may be empty, and `repair`.

        Raises JobParametersInvalidError.
        """
        _check_fields(raw, "instruments", "repair")
        repair, named = raw["repair"], raw["instruments"]
        if not isinstance(repair, bool):
            raise JobParametersInvalidError(f"repair must be true or false, not {repair!r}.")
        return cls(instruments=_instruments(named) if named != [] else (), repair=repair)

    def to_json(self) -> dict[str, object]:
        return {"instruments": list(self.instruments), "repair": self.repair}


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityParams:
    """Candles to judge: of these instruments, or of all that is held where none is named.

    Without `interval` of every interval; without `source` of every source; without days all that
    is held. Both dates are included.
    """

    instruments: tuple[str, ...] = ()
    interval: Interval | None = None
    source: str | None = None
    start: date | None = None
    end: date | None = None

    @classmethod
    def from_json(cls, raw: Mapping[str, object]) -> Self:
        """Read `instruments`, `interval`, `source`, `from` and `to`, each of which may be left out.

        Raises JobParametersInvalidError.
        """
        left_out: dict[str, object] = {
            "instruments": [],
            "interval": None,
            "source": None,
            "from": None,
            "to": None,
        }
        given = {**left_out, **raw}
        _check_fields(given, *left_out)
        start = None if given["from"] is None else _day(given, "from")
        end = None if given["to"] is None else _day(given, "to")
        if start is not None and end is not None and end < start:
            raise JobParametersInvalidError(f"The range ends on {end}, before it starts: {start}.")
        named = given["instruments"]
        return cls(
            instruments=_instruments(named) if named != [] else (),
            interval=None if given["interval"] is None else _interval(_text(given, "interval")),
            source=None if given["source"] is None else _text(given, "source"),
            start=start,
            end=end,
        )

    def to_json(self) -> dict[str, object]:
        return {
            "instruments": list(self.instruments),
            "interval": None if self.interval is None else self.interval.value,
            "source": self.source,
            "from": None if self.start is None else self.start.isoformat(),
            "to": None if self.end is None else self.end.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamParams:
    """Prices to stream; `until` a time of today (IST), None for when the market closes."""

    broker: Service
    instruments: tuple[str, ...]
    until: time | None = None

    @classmethod
    def from_json(cls, raw: Mapping[str, object]) -> Self:
        """Read `broker`, `instruments` and, if it is there, `until` (15:30).

        Raises JobParametersInvalidError.
        """
        given = {"until": None, **raw}
        _check_fields(given, "broker", "instruments", "until")
        return cls(
            broker=_service(given, "broker"),
            instruments=_instruments(given["instruments"]),
            until=None if given["until"] is None else _time(given, "until"),
        )

    def to_json(self) -> dict[str, object]:
        return {
            "broker": self.broker.value,
            "instruments": list(self.instruments),
            "until": None if self.until is None else f"{self.until:%H:%M}",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoLoginParams:
    service: Service

    @classmethod
    def from_json(cls, raw: Mapping[str, object]) -> Self:
        """Read `service`. Raises JobParametersInvalidError."""
        _check_fields(raw, "service")
        return cls(service=_service(raw, "service"))

    def to_json(self) -> dict[str, object]:
        return {"service": self.service.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class NoParams:
    """For a job that is told nothing: what it goes by is configured."""

    @classmethod
    def from_json(cls, raw: Mapping[str, object]) -> Self:
        """Raises JobParametersInvalidError for any field at all."""
        _check_fields(raw)
        return cls()

    def to_json(self) -> dict[str, object]:
        return {}


def _check_fields(raw: Mapping[str, object], *wanted: str) -> None:
    hint = f"The parameters are {', '.join(wanted)}." if wanted else "It takes no parameters."
    if missing := [name for name in wanted if name not in raw]:
        raise JobParametersInvalidError(f"Not given: {', '.join(missing)}.", hint=hint)
    if unknown := sorted(set(raw) - set(wanted)):
        raise JobParametersInvalidError(f"Not known here: {', '.join(unknown)}.", hint=hint)


def _text(raw: Mapping[str, object], name: str) -> str:
    value = raw[name]
    if not isinstance(value, str):
        raise JobParametersInvalidError(f"{name} must be text, not {value!r}.")
    return value


def _service(raw: Mapping[str, object], name: str) -> Service:
    value = _text(raw, name)
    try:
        return Service(value.strip().lower())
    except ValueError as error:
        known = " or ".join(Service)
        raise JobParametersInvalidError(f"{name} must be {known}, not {value!r}.") from error


def _day(raw: Mapping[str, object], name: str) -> date:
    value = _text(raw, name)
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise JobParametersInvalidError(
            f"{name} must be a date like 2026-11-20, not {value!r}."
        ) from error


def _time(raw: Mapping[str, object], name: str) -> time:
    value = _text(raw, name)
    try:
        found = time.fromisoformat(value)
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None:
        raise JobParametersInvalidError(f"{name} must be a time like 15:30 (IST), not {value!r}.")
    return found.replace(second=0, microsecond=0)


def _interval(value: str) -> Interval:
    try:
        return Interval.parse(value)
    except AppError as error:
        raise JobParametersInvalidError(error.detail, hint=error.hint) from error


def _instruments(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise JobParametersInvalidError("instruments must be a list that names at least one.")
    names: dict[str, None] = {}
    for each in value:
        if not isinstance(each, str):
            raise JobParametersInvalidError(f"An instrument must be text, not {each!r}.")
        try:
            names[str(InstrumentRef.parse(each))] = None
        except AppError as error:
            raise JobParametersInvalidError(error.detail, hint=error.hint) from error
    return tuple(names)
