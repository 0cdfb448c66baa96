"""The registry: every component that is watched, in the order people read them."""

from functools import partial

from munshi.domain.enums import Service
from munshi.health.broker_checks import find_broker, find_circuit, find_clock, find_session
from munshi.health.candle_checks import find_candles
from munshi.health.desk_checks import (
    find_audit_seal,
    find_backlog,
    find_database,
    find_disk,
    find_scheduler,
    find_workers,
)
from munshi.health.ground import Check

# Longer than a broker's own time limits for connecting and answering.
ASKING_SECONDS = 25.0


def _session(service: Service) -> Check:
    return Check(
        component=f"{service}_session",
        measure="secondsLeft",
        find=partial(find_session, service=service),
    )


def _broker(service: Service) -> Check:
    return Check(
        component=f"{service}_broker",
        measure="responseTime",
        find=partial(find_broker, service=service),
        timeout_seconds=ASKING_SECONDS,
    )


def _circuit(service: Service) -> Check:
    return Check(
        component=f"{service}_circuit",
        measure="failures",
        find=partial(find_circuit, service=service),
    )


CHECKS: tuple[Check, ...] = (
    Check(component="database", measure="responseTime", find=find_database, is_critical=True),
    Check(component="disk", measure="free", find=find_disk),
    Check(component="workers", measure="alive", find=find_workers),
    Check(component="scheduler", measure="lag", find=find_scheduler),
    Check(component="backlog", measure="age", find=find_backlog),
    _session(Service.KITE),
    _session(Service.BREEZE),
    _broker(Service.KITE),
    _broker(Service.BREEZE),
    _circuit(Service.KITE),
    _circuit(Service.BREEZE),
    Check(component="clock", measure="skew", find=find_clock, timeout_seconds=2 * ASKING_SECONDS),
    Check(component="audit_seal", measure="age", find=find_audit_seal),
    Check(component="candles", measure="tradingDaysBehind", find=find_candles),
)
MEASURES = {check.component: check.measure for check in CHECKS}
COMPONENTS: tuple[str, ...] = tuple(check.component for check in CHECKS)
