"""Wiring of what looks at the desk's health."""

from munshi.bootstrap.broker_lines import BrokerLines, Ground
from munshi.config.service import ConfigService
from munshi.domain.enums import Service
from munshi.health.ground import CheckGround
from munshi.health.service import HealthService
from munshi.market.calendar_service import CalendarService


def wire_health(
    ground: Ground, lines: BrokerLines, *, config: ConfigService, calendar: CalendarService
) -> HealthService:
    return HealthService(
        CheckGround(
            database=ground.database,
            clock=ground.clock,
            home=ground.settings.home,
            mode=ground.mode,
            config=config,
            calendar=calendar.calendar,
            pulses={Service.KITE: lines.kite.pulse, Service.BREEZE: lines.breeze.pulse},
        )
    )
