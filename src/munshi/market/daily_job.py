"""The `daily_collection` job: what the configuration lists, for the last trading days."""

from collections.abc import Callable
from datetime import date
from typing import Any, Protocol

from munshi.clock import Clock, today_ist
from munshi.config.service import ConfigService
from munshi.domain.config_keys import DAILY_COLLECTION_KEY, MARKET
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams, NoParams
from munshi.domain.market.calendar import MarketCalendar
from munshi.errors import BrokerSessionExpiredError, LoginNeededError
from munshi.jobs.run import JobRun
from munshi.market.calendar_service import CalendarService
from munshi.market.collection import CollectionService


class DailyServices(Protocol):
    """What this job needs of the desk."""

    @property
    def clock(self) -> Clock: ...

    @property
    def config(self) -> ConfigService: ...

    @property
    def calendar(self) -> CalendarService: ...

    @property
    def collection(self) -> CollectionService: ...

    @property
    def ask_for_login(self) -> Callable[[Service], str]: ...


def run(services: DailyServices, run: JobRun, _: NoParams) -> dict[str, Any]:
    """Collect the day, and what is missing of the days before it.

    Days that are complete cost no request; what was fetched before a login ended is kept.
    """
    wanted = services.config.value(MARKET, DAILY_COLLECTION_KEY)
    first, last = _last_days(
        services.calendar.calendar(), today_ist(services.clock), int(wanted["days"])
    )
    params = CollectionParams.from_json(
        {
            "broker": wanted["broker"],
            "instruments": wanted["instruments"],
            "interval": wanted["interval"],
            "from": first.isoformat(),
            "to": last.isoformat(),
        }
    )
    try:
        return services.collection.collect(params, progress=run.progress)
    except (LoginNeededError, BrokerSessionExpiredError):
        run.pause_for_login(params.broker, services.ask_for_login(params.broker))


def _last_days(calendar: MarketCalendar, today: date, count: int) -> tuple[date, date]:
    """The first and the last of so many trading days up to today."""
    last = today if calendar.is_trading_day(today) else calendar.previous_trading_day(today)
    first = last
    for _ in range(count - 1):
        first = calendar.previous_trading_day(first)
    return first, last
