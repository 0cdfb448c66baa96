"""The weekly signals on stored bars."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query

from munshi.api.answers import Shown
from munshi.api.roles import Role, allows
from munshi.bootstrap import Services
from munshi.domain.market.candles import to_rupees
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.signals.evaluation import WeekOutcome
from munshi.domain.signals.parameters import (
    ALL_SIGNALS,
    FourHourBars,
    SignalName,
    SignalParameters,
    StrikeRule,
    TriggerRule,
    UpperTouch,
    WeekendSessions,
)


class WeekShown(Shown):
    """`known_at` is when the bar that opened at `bar` had closed: not before. Rupees."""

    monday: date
    not_evaluated: str | None
    signal: str | None
    sells: str | None
    strike: int | None
    bar: datetime | None
    known_at: datetime | None
    close: Decimal | None
    stop_level: Decimal | None


class PointShown(Shown):
    """The close of one hourly bar, in rupees."""

    opens: datetime
    close: Decimal


class SignalsShown(Shown):
    """`missing_days` hold no bar, `partial_days` some of them: nothing is filled in."""

    instrument: str
    made_from: str
    label: str
    weeks: list[WeekShown]
    missing_days: list[date]
    partial_days: list[date]
    points: list[PointShown]


class SignalRoutes:
    """Each call is one service call."""

    def __init__(self, services: Services) -> None:
        self._signals = services.signals

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["backtests"]}
        router.add_api_route("/signals", self.evaluate, **options)

    @allows(Role.VIEWER)
    def evaluate(
        self,
        *,
        instrument: Annotated[str, Query(min_length=1, max_length=200)],
        start: Annotated[date, Query(alias="from")],
        end: Annotated[date, Query(alias="to")],
        enabled: Annotated[tuple[SignalName, ...], Query()] = ALL_SIGNALS,
        zone_touch_bypass: bool = False,
        upper_touch: UpperTouch = UpperTouch.WEEK,
        strike: StrikeRule = StrikeRule.AWAY50,
        trigger: TriggerRule = TriggerRule.ONCE,
        four_hour: FourHourBars = FourHourBars.SESSION,
        weekend_sessions: WeekendSessions = WeekendSessions.DROP,
        source: Annotated[str | None, Query(max_length=50)] = None,
    ) -> SignalsShown:
        """The signals S1 to S8 week by week, without trading."""
        report = self._signals.evaluate(
            InstrumentRef.parse(instrument),
            start=start,
            end=end,
            parameters=SignalParameters(
                enabled=enabled,
                zone_touch_bypass=zone_touch_bypass,
                upper_touch=upper_touch,
                strike=strike,
                trigger=trigger,
                four_hour=four_hour,
                weekend_sessions=weekend_sessions,
            ),
            source=source,
        )
        return SignalsShown(
            instrument=str(report.instrument),
            made_from=report.made_from.value,
            label=report.label,
            weeks=[_week(week) for week in report.weeks],
            missing_days=list(report.missing_days),
            partial_days=[day.day for day in report.partial_days],
            points=[PointShown(opens=bar.opens, close=to_rupees(bar.close)) for bar in report.bars],
        )


def _week(week: WeekOutcome) -> WeekShown:
    signal = week.signal
    return WeekShown(
        monday=week.monday,
        not_evaluated=week.not_evaluated,
        signal=signal.name.value if signal else None,
        sells=signal.sells.value if signal else None,
        strike=signal.strike if signal else None,
        bar=signal.bar.astimezone(UTC) if signal else None,
        known_at=signal.known_at.astimezone(UTC) if signal else None,
        close=to_rupees(signal.close) if signal else None,
        stop_level=to_rupees(signal.stop_level) if signal else None,
    )
