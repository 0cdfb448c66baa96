"""Logins, brokers and clocks, against both simulated brokers."""

from datetime import UTC, datetime, timedelta

import pytest

from health.ward import Ward
from munshi.domain.enums import Service
from munshi.domain.health import HealthStatus
from munshi.health.broker_checks import find_broker, find_circuit, find_clock, find_session
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from munshi.settings import BrokerMode
from simulators import Simulator

# 21 Nov 2026 is a Saturday; the simulator's clock starts on the Friday at 10:30:30 IST.
SATURDAY = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
TOMORROW = datetime(2026, 11, 21, 0, 30, tzinfo=UTC)
both = pytest.mark.parametrize("service", Service)


@both
def test_a_broker_nobody_signed_in_to_is_neither_judged_nor_asked(
    ward: Ward, simulator: Simulator, service: Service
) -> None:
    found = [
        find_session(ward.ground, service),
        find_broker(ward.ground, service),
        find_clock(ward.ground),
    ]

    assert {each.status for each in found} == {HealthStatus.UNKNOWN}
    assert simulator.arrivals() == []


@both
def test_a_login_says_how_long_it_lasts(ward: Ward, service: Service) -> None:
    ward.log_in(service, expires_at=TOMORROW)

    found = find_session(ward.ground, service)

    assert found.status is HealthStatus.PASS
    assert (found.value, found.unit) == ((TOMORROW - ward.clock.now()).total_seconds(), "s")
    assert "21 Nov 2026 06:00:00 IST" in found.message


def test_a_login_that_ends_before_trading_does_is_worth_a_warning(ward: Ward) -> None:
    ward.log_in(Service.KITE, expires_at=ward.clock.now() + timedelta(hours=1))

    assert find_session(ward.ground, Service.KITE).status is HealthStatus.WARN


@pytest.mark.parametrize("how", ["expired", "ended"])
def test_a_missing_login_fails_the_desk_only_while_the_market_needs_it(
    ward: Ward, how: str
) -> None:
    ward.log_in(Service.KITE, expires_at=ward.clock.now() + timedelta(minutes=1))
    if how == "expired":
        ward.clock.advance(timedelta(minutes=1))
    else:
        with ward.database.transaction() as tx:
            tx.auth.deactivate_session(
                Service.KITE, mode=BrokerMode.SIMULATED, now=ward.clock.now()
            )
    trading = find_session(ward.ground, Service.KITE)
    ward.clock.set(SATURDAY)
    resting = find_session(ward.ground, Service.KITE)

    assert (trading.status, resting.status) == (HealthStatus.FAIL, HealthStatus.WARN)
    assert "munshi login kite" in trading.message


@both
def test_a_broker_that_answers_is_asked_once_and_without_a_login(
    ward: Ward, simulator: Simulator, service: Service
) -> None:
    ward.log_in(service, expires_at=TOMORROW)

    found = find_broker(ward.ground, service)

    assert found.status is HealthStatus.PASS
    assert [call.service for call in simulator.arrivals()] == [service]


@both
def test_a_broker_that_does_not_answer_fails_the_desk_only_in_trading_hours(
    ward: Ward, simulator: Simulator, service: Service
) -> None:
    ward.log_in(service, expires_at=TOMORROW)
    simulator.fault(FaultKind.BAD_GATEWAY)

    trading = find_broker(ward.ground, service)
    ward.clock.set(SATURDAY)
    resting = find_broker(ward.ground, service)

    assert (trading.status, resting.status) == (HealthStatus.FAIL, HealthStatus.WARN)
    assert trading.message


@pytest.mark.parametrize(
    ("ahead", "status"),
    [
        (0, HealthStatus.PASS),
        (-5, HealthStatus.WARN),
        (5, HealthStatus.WARN),
        (120, HealthStatus.FAIL),
    ],
)
def test_clocks_are_compared_by_the_brokers_date(
    ward: Ward, simulator: Simulator, ahead: float, status: HealthStatus
) -> None:
    ward.log_in(Service.BREEZE, expires_at=TOMORROW)
    simulator.parts.state.set_clock_offset(timedelta(seconds=-ahead))

    found = find_clock(ward.ground)

    assert found.status is status
    assert found.value == pytest.approx(ahead - 0.5, abs=0.01)
    assert ("timedatectl" in found.message) == (status is not HealthStatus.PASS)


def test_the_other_broker_tells_the_time_where_one_does_not_answer(
    ward: Ward, simulator: Simulator
) -> None:
    for service in Service:
        ward.log_in(service, expires_at=TOMORROW)
    simulator.fault(FaultKind.BAD_GATEWAY, service="kite")
    told = find_clock(ward.ground)
    simulator.fault(FaultKind.BAD_GATEWAY)
    silent = find_clock(ward.ground)

    assert (told.status, told.facts) == (HealthStatus.PASS, {"of": "breeze"})
    assert silent.status is HealthStatus.UNKNOWN


def test_a_login_that_was_rejected_is_said_to_have_been(ward: Ward) -> None:
    ward.log_in(Service.KITE, expires_at=TOMORROW)
    mode, now = BrokerMode.SIMULATED, ward.clock.now()
    with ward.database.transaction() as tx:
        found = tx.auth.get_active_session(Service.KITE, mode=mode, now=now)
        assert found is not None
        tx.auth.end_session(found.session_id, now=now)
        tx.login_states.save_rejection(
            Service.KITE, found.session_id, why="Kite said: dead.", mode=mode, now=now
        )

    finding = find_session(ward.ground, Service.KITE)

    assert finding.status is HealthStatus.FAIL
    assert "was rejected 20 Nov 2026" in finding.message
    assert "(Kite said: dead)" in finding.message


def test_a_circuit_tells_how_often_a_broker_has_failed_and_until_when_it_is_left_alone(
    ward: Ward,
) -> None:
    mode, clock = BrokerMode.SIMULATED, ward.clock
    ward.log_in(Service.KITE, expires_at=TOMORROW)
    fine = find_circuit(ward.ground, Service.KITE)
    with ward.database.transaction() as tx:
        tx.circuits.count_failure(Service.KITE, why="It is down.", mode=mode, now=clock.now())
    shaky = find_circuit(ward.ground, Service.KITE)
    with ward.database.transaction() as tx:
        now = clock.now()
        until = now + timedelta(minutes=1)
        tx.circuits.open(Service.KITE, over=now, until=until, mode=mode, now=now)
    resting = find_circuit(ward.ground, Service.KITE)
    clock.advance(timedelta(minutes=1))
    trying = find_circuit(ward.ground, Service.KITE)

    assert (fine.status, fine.value) == (HealthStatus.PASS, 0)
    assert (shaky.status, shaky.value) == (HealthStatus.WARN, 1)
    assert "It is down." in shaky.message
    assert (resting.status, resting.facts["state"]) == (HealthStatus.FAIL, "open")
    assert "left alone until" in resting.message
    assert (trying.status, trying.facts["state"]) == (HealthStatus.WARN, "trying")
    assert find_circuit(ward.ground, Service.BREEZE).status is HealthStatus.UNKNOWN
