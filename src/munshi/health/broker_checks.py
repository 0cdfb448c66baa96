"""Checks of the brokers: the login, whether anybody answers, and whether the clocks agree.

No transaction is open while a broker is asked, and a broker nobody has signed in to is not asked.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from munshi.clock import show_ist
from munshi.domain.circuits import CircuitState
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
        return Finding(
            status=HealthStatus.WARN if until is None else HealthStatus.FAIL,
            message=f"The login at {service} {_how_it_ended(ground, service, login)}. "
            f"Log in again: munshi login {service}",
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


def _how_it_ended(ground: CheckGround, service: Service, login: LastLogin) -> str:
    if login.is_active:
        return f"ended {show_ist(login.expires_at)}"
    with ground.database.reading() as tx:
        rejection = tx.login_states.get_rejection(service, mode=ground.mode)
    if rejection is None:
        return "was ended"
    return f"was rejected {show_ist(rejection.rejected_at)} ({rejection.why.rstrip('.')})"


def find_circuit(ground: CheckGround, service: Service) -> Finding:
    """Whether the broker is left alone because it went on failing; the broker is not asked."""
    if service not in _logins(ground):
        return _never_used(service)
    with ground.database.reading() as tx:
        circuit = tx.circuits.get_circuit(service, mode=ground.mode)
    now = ground.clock.now()
    state = circuit.state(now=now)
    facts: dict[str, object] = {"state": str(state)}
    if circuit.open_until is not None:
        facts["open_until"] = circuit.open_until.isoformat()
    if not circuit.failures:
        said = f"{service} answers, or has not been asked lately."
        return Finding(
            status=HealthStatus.PASS, message=said, value=0, unit="failures", facts=facts
        )
    said = f"{service} has failed {circuit.failures} times in a row: {circuit.last_failure}"
    status = HealthStatus.WARN
    if state is CircuitState.OPEN and circuit.open_until is not None:
        said += f" It is left alone until {show_ist(circuit.open_until)}."
        if needed_until(ground.calendar(), now) is not None:
            status = HealthStatus.FAIL
    elif state is CircuitState.TRYING:
        said += " The next call tries whether it is back."
    return Finding(
        status=status, message=said, value=circuit.failures, unit="failures", facts=facts
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
