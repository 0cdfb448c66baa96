"""The `price_stream` job: streams until the market closes, or a time that was given."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from munshi.clock import IST, Clock, show_ist, today_ist
from munshi.domain.enums import Service
from munshi.domain.job_params import StreamParams
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.gaps import GapReason
from munshi.domain.market.quotes import StreamState
from munshi.errors import BrokerSessionExpiredError, LoginNeededError
from munshi.jobs.run import JobRun
from munshi.streams.ground import StreamGround
from munshi.streams.price_stream import Wanted, check_wanted, open_price_stream

# The last minute's bar closes some seconds after it.
_AFTER_CLOSE = timedelta(minutes=1)
_LOOK_SECONDS = 1.0
# A login may be replaced while its last use is refused; then the newer one is used at once.
_NEWER_LOGINS = 3


class KnownCalendar(Protocol):
    """Where the market's hours are."""

    def calendar(self) -> MarketCalendar: ...


class StreamServices(Protocol):
    """What this job needs of the desk."""

    @property
    def clock(self) -> Clock: ...

    @property
    def streams(self) -> StreamGround: ...

    @property
    def calendar(self) -> KnownCalendar: ...

    @property
    def has_login(self) -> Callable[[Service], bool]: ...

    @property
    def ask_for_login(self) -> Callable[[Service], str]: ...


def run(services: StreamServices, run: JobRun, parameters: StreamParams) -> dict[str, Any]:
    """Keep quotes and provisional minute bars; a rejected login pauses the job."""
    began = services.clock.now()
    wanted = check_wanted(services.streams, parameters.broker, parameters.instruments)
    until = _until(services, parameters, wanted)
    if until is None or until <= began:
        closed = "The market is closed today." if until is None else "The market has closed."
        run.progress(100, closed)
        return {"summary": closed}
    logins = 0
    while True:
        try:
            return _stream(services, run, wanted, began=began, until=until)
        except (LoginNeededError, BrokerSessionExpiredError):
            logins += 1
            if logins == _NEWER_LOGINS or not services.has_login(parameters.broker):
                run.pause_for_login(parameters.broker, services.ask_for_login(parameters.broker))


def _stream(
    services: StreamServices, run: JobRun, wanted: Wanted, *, began: datetime, until: datetime
) -> dict[str, Any]:
    def heard(event: str, fields: Mapping[str, object]) -> None:
        told = ", ".join(f"{name} {value}" for name, value in fields.items())
        run.log(event, told=told)

    with open_price_stream(services.streams, wanted, heard=heard, wait_for_login=False) as stream:
        while (now := services.clock.now()) < until:
            state = stream.tick()
            percent = 100 * (now - began) / (until - began)
            run.progress(min(percent, 99.9), f"{describe(state)}, until {show_ist(until)}")
            stream.is_over.wait(_LOOK_SECONDS)
        state = stream.state()
    run.progress(100, describe(state))
    return {
        "summary": describe(state),
        "broker": wanted.broker.value,
        "instruments": [str(each.ref) for each in wanted.instruments],
        "ticks": state.ticks,
        "bars": state.bars,
        "quotes": state.quotes,
        "gaps": state.gaps,
        "connections": state.lines,
        "unreadable": state.unreadable,
    }


def describe(state: StreamState) -> str:
    """`3 instruments, 120 ticks, 4 bars, 4 quotes, 1 gap`, and whether one lasts."""
    gaps = f"{state.gaps} gap{'' if state.gaps == 1 else 's'}"
    told = (
        f"{state.instruments} instruments, {state.ticks} ticks, {state.bars} bars, "
        f"{state.quotes} quotes, {gaps}"
    )
    if not state.gap_reasons:
        return told
    mend = f" (munshi login {state.broker})" if GapReason.NO_LOGIN in state.gap_reasons else ""
    return f"{told}; nothing comes: {', '.join(state.gap_reasons)}{mend}"


def _until(services: StreamServices, parameters: StreamParams, wanted: Wanted) -> datetime | None:
    """When it is over; None on a day without trading."""
    today = today_ist(services.clock)
    if parameters.until is not None:
        return datetime.combine(today, parameters.until, tzinfo=IST)
    calendar = services.calendar.calendar()
    segments = {each.segment for each in wanted.instruments}
    closes = [
        session.closes for segment in segments for session in calendar.sessions(today, segment)
    ]
    return max(closes) + _AFTER_CLOSE if closes else None
