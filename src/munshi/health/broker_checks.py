"""Checks of the brokers: the login, whether anybody answers, and whether the clocks agree.

No transaction is open while a broker is asked, and a broker nobody has signed in to is not asked.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from munshi.clock import show_ist
from munshi.domain.enums import Service
from munshi.domain.health import Finding, HealthStatus, graded
from munshi.errors import AppError, BrokerUnavailableError
from munshi.health.ground import CheckGround
from munshi.health.market_hours import needed_until
from munshi.infrastructure.database.vital_signs_repository import LastLogin

# Half a step of the one-time codes, which are good for 30 s.
SKEW_WARN, SKEW_FAIL = 3.0, 30.0
# A Date header is cut to whole seconds.
_HALF_A_SECOND = timedelta(seconds=0.5)


def find_session(ground: CheckGround, service: Service) -> Finding:
    """Whether the stored login is good, and lasts until the close; the broker is not asked.

    While the market does not need it, having no login is worth a warning only.
    """
    now = ground.clock.now()
    login = _logins(ground).get(service)
    if login is None:
        return _never_used(service)
    until = needed_until(ground.calendar(), now)
    if not login.is_active or login.expires_at <= now:
        ended = "was ended" if not login.is_active else f"ended {show_ist(login.expires_at)}"
        return Finding(
            status=HealthStatus.WARN if until is None else HealthStatus.FAIL,
            message=f"The login at {service} {ended}. Log in again: munshi login {service}",
            value=0,
            unit="s",
        )
    left = int((login.expires_at - now).total_seconds())
    is_short = until is not None and login.expires_at < until
    return Finding(
        status=HealthStatus.WARN if is_short else HealthStatus.PASS,
        message=f"The login at {service} ends {show_ist(login.expires_at)}"
        + (", before trading does." if is_short else "."),
        value=left,
        unit="s",
        facts={"expires_at": login.expires_at.isoformat()},
    )


def find_broker(ground: CheckGround, service: Service) -> Finding:
    """Whether the broker answers a call without a key; at night and on holidays it may not."""
    if service not in _logins(ground):
        return _never_used(service)
    started = ground.clock.monotonic()
    try:
        ground.pulses[service]()
    except BrokerUnavailableError as error:
        until = needed_until(ground.calendar(), ground.clock.now())
        return Finding(
            status=HealthStatus.WARN if until is None else HealthStatus.FAIL,
            message=error.detail,
        )
    ms = round((ground.clock.monotonic() - started) * 1000, 1)
    return Finding(
        status=HealthStatus.PASS, message=f"{service} answers in {ms:g} ms.", value=ms, unit="ms"
    )


def find_clock(ground: CheckGround) -> Finding:
    """How far the desk's clock is from a broker's; the first broker in use that answers."""
    for service in _logins(ground):
        before = ground.clock.now()
        try:
            dated = ground.pulses[service]().dated
        except AppError:
            continue
        if dated is not None:
            return judge_clock(service, dated, before=before, after=ground.clock.now())
    return Finding(
        status=HealthStatus.UNKNOWN, message="No broker in use has told its time.", unit="s"
    )


def judge_clock(whose: str, dated: datetime, *, before: datetime, after: datetime) -> Finding:
    """How far our clock, read `before` and `after`, is from the `dated` of an answer."""
    here = before + (after - before) / 2
    skew = round((here - (dated + _HALF_A_SECOND)).total_seconds(), 1)
    status = graded(abs(skew), warn=SKEW_WARN, fail=SKEW_FAIL)
    said = f"The desk's clock differs from {whose}'s by {skew:g} s."
    if status is not HealthStatus.PASS:
        said += " Synchronise this machine's clock (timedatectl set-ntp true)."
    return Finding(status=status, message=said, value=skew, unit="s", facts={"of": str(whose)})


def _logins(ground: CheckGround) -> Mapping[Service, LastLogin]:
    with ground.database.reading() as tx:
        return tx.vital_signs.list_logins(mode=ground.mode)


def _never_used(service: Service) -> Finding:
    return Finding(status=HealthStatus.UNKNOWN, message=f"Nobody has signed in at {service} yet.")
