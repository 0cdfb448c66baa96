"""Whether the candles that schedules collect have arrived up to the last session."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from munshi.clock import IST
from munshi.domain.health import Finding, HealthStatus
from munshi.domain.jobs import DATA_COLLECTION
from munshi.domain.market.instruments import InstrumentRef
from munshi.errors import CalendarYearUnknownError, InstrumentUnknownError
from munshi.health.ground import CheckGround
from munshi.health.market_hours import days_behind, last_closed_day

# What is collected after the close needs its time.
GRACE = timedelta(hours=3)
_FAILS_AT = 3
_MOST_NAMED = 20


def find_candles(ground: CheckGround) -> Finding:
    """The instrument of the daily collections that lags most, in trading days."""
    with ground.database.reading() as tx:
        wanted = list(_collected(tx.config.get_scheduler_config()))
        held = {
            (series.key.exchange, series.key.instrument): series.last_open
            for series in sorted(tx.candles.list_series(), key=lambda each: each.last_open)
            if series.key.mode is ground.mode
        }
    newest = {
        str(ref): held[ref.exchange, ref.tradingsymbol].astimezone(IST).date()
        for ref in wanted
        if (ref.exchange, ref.tradingsymbol) in held
    }
    if not newest:
        return Finding(
            status=HealthStatus.UNKNOWN, message="No schedule has collected candles yet."
        )
    try:
        return _judge(ground, newest, missing=[str(r) for r in wanted if str(r) not in newest])
    except CalendarYearUnknownError as error:
        return Finding(status=HealthStatus.UNKNOWN, message=error.detail)


def _collected(schedules: Mapping[str, Any]) -> Iterator[InstrumentRef]:
    for document in schedules.values():
        if document.get("job_type") != DATA_COLLECTION or not document.get("enabled", True):
            continue
        for name in document.get("parameters", {}).get("instruments") or ():
            try:
                yield InstrumentRef.parse(str(name))
            except InstrumentUnknownError:
                continue


def _judge(ground: CheckGround, newest: Mapping[str, date], *, missing: list[str]) -> Finding:
    calendar = ground.calendar()
    last = last_closed_day(calendar, ground.clock.now(), grace=GRACE)
    behind = {name: days_behind(calendar, day, last) for name, day in newest.items()}
    late = sorted((name for name in behind if behind[name]), key=lambda name: -behind[name])
    most = max(behind.values())
    if most >= _FAILS_AT:
        status = HealthStatus.FAIL
    else:
        status = HealthStatus.WARN if late or missing else HealthStatus.PASS
    said = [f"The newest candles are those of {last:%d %b %Y}."]
    if late:
        said = [f"{late[0]} ends on {newest[late[0]]:%d %b %Y}, {most} trading days behind."]
    if missing:
        said.append(f"Of {missing[0]} nothing is stored.")
    return Finding(
        status=status,
        message=" ".join(said),
        value=most,
        unit="trading days",
        facts={
            "last_session": last.isoformat(),
            "instruments": len(newest) + len(missing),
            "behind": {name: behind[name] for name in late[:_MOST_NAMED]},
            "missing": missing[:_MOST_NAMED],
        },
    )
