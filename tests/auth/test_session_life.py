"""A login's life on a whole desk: warned of, ended, rejected, tried out, and what waits for it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from auth.desks_anywhere import (
    alerts_about,
    audited,
    open_anywhere,
    refused_calls,
    settings_at,
    state_of,
)
from clocks import FakeClock
from desks import TESTER, Desk
from munshi.domain.config_keys import AUTH, EXPIRY_WARNING_MINUTES
from munshi.domain.enums import Service
from munshi.domain.jobs import AUTO_LOGIN, DATA_COLLECTION, SESSION_WATCH, Job, JobState
from munshi.domain.seeded_schedules import SEEDED_SCHEDULES
from munshi.domain.sessions import TRANSITIONS, AuthSession, SessionEvent, SessionState
from munshi.errors import BrokerSessionExpiredError, LoginNeededError
from munshi.infrastructure.brokers.breeze.access import BreezeAccess
from munshi.infrastructure.brokers.breeze.contracts import BreezeContract
from munshi.infrastructure.brokers.kite.access import KiteAccess
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from simulators import Simulator

both = pytest.mark.parametrize("service", list(Service))
NIFTY = BreezeContract(stock_code="NIFTY", exchange_code="NSE")
DEAD = BrokerSessionExpiredError("The token is dead.")


@pytest.fixture
def anywhere(any_database_url: str, tmp_path: Path, simulator: Simulator) -> Iterator[Desk]:
    with open_anywhere(settings_at(tmp_path, any_database_url), simulator) as desk:
        yield desk


def active(desk: Desk, service: Service) -> AuthSession:
    found = desk.services.logins.of(service).restore()
    assert found is not None
    return found


def happen(desk: Desk, service: Service, event: SessionEvent) -> None:
    """Let it happen to the login, the way it does."""
    broker = desk.services.logins.of(service)
    match event:
        case SessionEvent.LOGIN:
            desk.log_in(service)
        case SessionEvent.WARNING:
            desk.clock.set(active(desk, service).expires_at - timedelta(minutes=10))
        case SessionEvent.END:
            desk.clock.set(desk.clock.now() + timedelta(days=2))
        case SessionEvent.REJECTION:
            broker.book.mark_rejected(active(desk, service), DEAD)
        case SessionEvent.PROBE:
            desk.clock.advance(timedelta(minutes=1))
            assert broker.probe() is True
        case SessionEvent.DISCONNECT:
            broker.disconnect(actor=TESTER)


WAYS: dict[SessionState, list[SessionEvent]] = {
    SessionState.ABSENT: [],
    SessionState.ACTIVE: [SessionEvent.LOGIN],
    SessionState.EXPIRING: [SessionEvent.LOGIN, SessionEvent.WARNING],
    SessionState.EXPIRED: [SessionEvent.LOGIN, SessionEvent.END],
    SessionState.REJECTED: [SessionEvent.LOGIN, SessionEvent.REJECTION],
}


@both
@pytest.mark.parametrize(
    ("before", "event", "after"),
    [
        (state, event, after)
        for state, moves in TRANSITIONS.items()
        for event, after in moves.items()
    ],
)
def test_a_desk_moves_as_the_table_says(
    desk: Desk, service: Service, before: SessionState, event: SessionEvent, after: SessionState
) -> None:
    for each in WAYS[before]:
        happen(desk, service, each)
    stood = state_of(desk, service)

    happen(desk, service, event)

    assert (stood, state_of(desk, service)) == (before, after)


# --- the end, known beforehand ---------------------------------------------------------------


@both
def test_an_end_that_is_near_is_told_once_and_the_end_again_once(
    anywhere: Desk, service: Service
) -> None:
    session = anywhere.log_in(service)
    watch = anywhere.services.login_watch
    anywhere.clock.set(session.expires_at - timedelta(minutes=30, seconds=1))
    early = watch.look()[service]
    quiet = alerts_about(anywhere, service)

    anywhere.clock.set(session.expires_at - timedelta(minutes=30))
    near = watch.look()[service]
    [warning] = alerts_about(anywhere, service)
    anywhere.clock.advance(timedelta(minutes=5))
    watch.look()
    [still] = alerts_about(anywhere, service)
    anywhere.clock.set(session.expires_at)
    over = watch.look()[service]
    [ended] = alerts_about(anywhere, service)

    assert (early, near, over) == (
        SessionState.ACTIVE,
        SessionState.EXPIRING,
        SessionState.EXPIRED,
    )
    assert quiet == []
    assert warning == still
    assert "ends in 30 minutes" in warning
    assert "Log in again" in ended


@pytest.mark.parametrize(
    ("days", "kind", "severity"),
    [(0, "session_expiring", "warning"), (1, "broker_login", "info")],
    ids=["Friday", "Saturday"],
)
def test_an_end_is_a_warning_on_a_trading_day_alone(
    desk: Desk, days: int, kind: str, severity: str
) -> None:
    """Breeze's logins end at midnight: that of Friday in a trading day, that of Saturday not."""
    desk.clock.advance(timedelta(days=days))
    session = desk.log_in(Service.BREEZE)
    desk.clock.set(session.expires_at - timedelta(minutes=20))
    desk.services.login_watch.look()

    [alert] = desk.services.alerts.list_open()
    assert (alert.kind, alert.severity) == (kind, severity)


def test_a_warning_that_was_put_away_does_not_come_again(desk: Desk) -> None:
    session = desk.log_in(Service.KITE)
    desk.clock.set(session.expires_at - timedelta(minutes=20))
    desk.services.login_watch.look()
    [alert] = desk.services.alerts.list_open()

    desk.services.alerts.resolve(str(alert.alert_id), actor=TESTER)
    desk.services.login_watch.look()

    assert alerts_about(desk, Service.KITE) == []


def test_when_to_warn_is_a_setting(desk: Desk) -> None:
    session = desk.log_in(Service.KITE)
    desk.clock.set(session.expires_at - timedelta(minutes=45))
    before = state_of(desk, Service.KITE)

    desk.services.config.set(AUTH, EXPIRY_WARNING_MINUTES, 60, actor=TESTER)
    longer = state_of(desk, Service.KITE), desk.services.login_watch.look()[Service.KITE]
    desk.services.config.set(AUTH, EXPIRY_WARNING_MINUTES, 0, actor=TESTER)
    never = state_of(desk, Service.KITE)

    assert before is never is SessionState.ACTIVE
    assert longer == (SessionState.EXPIRING, SessionState.EXPIRING)


@both
def test_the_next_login_resolves_whatever_was_told(desk: Desk, service: Service) -> None:
    session = desk.log_in(service)
    desk.clock.set(session.expires_at)
    desk.services.login_watch.look()
    told = alerts_about(desk, service)

    desk.log_in(service)

    assert len(told) == 1
    assert alerts_about(desk, service) == []
    assert state_of(desk, service) is SessionState.ACTIVE


def test_the_watch_is_a_job_that_a_schedule_asks_for(desk: Desk) -> None:
    desk.log_in(Service.KITE)
    job = desk.services.jobs.enqueue(SESSION_WATCH, {}, actor=TESTER)

    desk.services.worker().run_until_idle()

    done = desk.services.jobs.get(job.job_id)
    assert done.result_data == {"kite": "active", "breeze": "absent"}
    assert SESSION_WATCH in {each.document["job_type"] for each in SEEDED_SCHEDULES}


# --- a rejection -----------------------------------------------------------------------------


def test_one_of_many_who_are_refused_at_once_ends_the_login(anywhere: Desk) -> None:
    session = anywhere.log_in(Service.KITE)
    book = anywhere.services.kite.book

    with ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(lambda _: book.mark_rejected(session, DEAD), range(24)))

    assert ended.count(True) == 1
    assert len(audited(anywhere, Service.KITE, "session_rejected")) == 1
    [alert] = anywhere.services.alerts.list_open()
    assert "/auth/kite/start?ticket=" in (alert.link or "")


def test_rejections_of_an_old_login_never_end_a_newer_one(anywhere: Desk) -> None:
    """While both happen at once: whoever is refused has the older token."""
    old = anywhere.log_in(Service.KITE)
    kite = anywhere.services.kite

    def refuse(_: int) -> None:
        kite.book.mark_rejected(old, DEAD)

    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(refuse, range(4)))
        newer = pool.submit(anywhere.log_in, Service.KITE)
        first += list(pool.map(refuse, range(40)))
    assert len(first) == 44

    found = kite.restore()

    assert found is not None
    assert found.session_id == newer.result().session_id
    assert state_of(anywhere, Service.KITE) is SessionState.ACTIVE
    assert alerts_about(anywhere, Service.KITE) == []


def test_after_a_rejection_the_broker_is_left_alone(desk: Desk) -> None:
    desk.log_in(Service.KITE)
    desk.simulator.end_logins()
    with pytest.raises(BrokerSessionExpiredError):
        desk.services.instruments.refresh(Service.KITE, actor=TESTER)
    calls = len(desk.simulator.arrivals())

    for _ in range(20):
        with pytest.raises(LoginNeededError, match="Nobody is logged in"):
            desk.services.instruments.refresh(Service.KITE, actor=TESTER)
        desk.clock.advance(timedelta(seconds=30))

    assert len(desk.simulator.arrivals()) == calls
    assert refused_calls(desk.simulator) == 1


def test_a_call_that_waited_for_its_permit_is_not_made_with_a_login_that_has_ended(
    desk: Desk,
) -> None:
    session = desk.log_in(Service.KITE)
    calls = len(desk.simulator.arrivals())

    with desk.services.kite.using() as access:
        desk.services.kite.book.mark_rejected(session, DEAD)
        with pytest.raises(LoginNeededError, match="ended before the call"):
            access.headers()
    desk.log_in(Service.BREEZE)
    with desk.services.breeze.using() as signed:
        desk.services.breeze.disconnect(actor=TESTER)
        with pytest.raises(LoginNeededError):
            signed.signed_headers("{}", now=desk.clock.now())
        with pytest.raises(LoginNeededError):
            signed.history_headers()

    assert isinstance(access, KiteAccess)
    assert isinstance(signed, BreezeAccess)
    assert len(desk.simulator.arrivals(service="kite")) == calls


def test_an_older_call_that_is_refused_is_made_again_with_the_login_that_came_meanwhile(
    desk: Desk,
) -> None:
    desk.log_in(Service.KITE)
    tried: list[str] = []

    def ask(access: KiteAccess) -> str:
        tried.append(access.access_token)
        if len(tried) == 1:
            desk.log_in(Service.KITE)  # Kite ends the token that this call is made with.
        return desk.services.instruments._kite.profile(access).user_id  # noqa: SLF001

    answer = desk.services.kite.calling(ask)

    assert answer == active(desk, Service.KITE).user_id
    assert len(set(tried)) == 2
    assert state_of(desk, Service.KITE) is SessionState.ACTIVE
    assert audited(desk, Service.KITE, "session_rejected") == []


# --- trying a rejected login out -------------------------------------------------------------


@both
def test_a_dead_login_is_tried_out_once_a_minute_at_most(
    anywhere: Desk, simulator: Simulator, service: Service
) -> None:
    session = anywhere.log_in(service)
    simulator.end_logins()
    broker = anywhere.services.logins.of(service)
    broker.book.mark_rejected(session, DEAD)
    before = len(simulator.arrivals(service=service))

    seen = []
    for _ in range(40):  # ten minutes
        anywhere.clock.advance(timedelta(seconds=15))
        with ThreadPoolExecutor(4) as pool:
            seen += list(pool.map(lambda _: broker.probe(), range(4)))

    assert len(simulator.arrivals(service=service)) - before == 10
    assert seen.count(False) == 10
    assert seen.count(None) == 150
    assert state_of(anywhere, service) is SessionState.REJECTED


@both
def test_a_login_that_was_refused_for_a_moment_comes_back_by_itself_and_wakes_its_jobs(
    anywhere: Desk, simulator: Simulator, service: Service
) -> None:
    session = anywhere.log_in(service)
    simulator.fault(FaultKind.EXPIRED_TOKEN, service=service, count=1)
    job = _collection(anywhere, service)
    anywhere.services.worker().run_until_idle()
    waiting = anywhere.services.jobs.get(job.job_id)
    told = alerts_about(anywhere, service)

    anywhere.clock.advance(timedelta(minutes=1))
    anywhere.services.login_watch.look()
    anywhere.services.worker().run_until_idle()

    done = anywhere.services.jobs.get(job.job_id)
    assert (waiting.state, done.state) == (JobState.PAUSED, JobState.SUCCEEDED)
    assert len(told) == 1
    assert alerts_about(anywhere, service) == []
    assert active(anywhere, service).session_id == session.session_id
    assert len(audited(anywhere, service, "session_revived")) == 1


def test_a_probe_never_brings_an_old_login_back_over_a_newer_one(anywhere: Desk) -> None:
    old = anywhere.log_in(Service.KITE)
    anywhere.services.kite.book.mark_rejected(old, DEAD)
    newer = anywhere.log_in(Service.KITE)

    revived = anywhere.services.kite.book.revive(old)

    assert revived is False
    assert active(anywhere, Service.KITE).session_id == newer.session_id


def _collection(desk: Desk, service: Service) -> Job:
    parameters = {
        "broker": str(service),
        "instruments": ["NIFTY"],
        "interval": "5minute",
        "from": "2026-11-18",
        "to": "2026-11-19",
    }
    return desk.services.jobs.enqueue(DATA_COLLECTION, parameters, actor=TESTER)


# --- what wakes ------------------------------------------------------------------------------


def _by_redirect(desk: Desk) -> None:
    desk.services.breeze.begin_login(actor=TESTER)
    desk.services.breeze.complete_redirect(desk.simulator.breeze_api_session())


def _by_job(desk: Desk) -> None:
    desk.services.jobs.enqueue(AUTO_LOGIN, {"service": "breeze"}, actor=TESTER)


WAYS_IN = {
    "redirect": _by_redirect,
    "pasted": lambda desk: desk.log_in(Service.BREEZE),
    "headless": lambda desk: desk.services.breeze.login_headless(actor=TESTER),
    "job": _by_job,
}


@pytest.mark.parametrize("way", WAYS_IN)
def test_a_login_by_any_way_wakes_what_a_rejection_stopped(desk: Desk, way: str) -> None:
    desk.log_in(Service.BREEZE)
    desk.simulator.end_logins()
    job = _collection(desk, Service.BREEZE)
    desk.services.worker().run_until_idle()
    waiting = desk.services.jobs.get(job.job_id)
    [alert] = desk.services.alerts.list_open()

    WAYS_IN[way](desk)
    desk.services.worker().run_until_idle()

    done = desk.services.jobs.get(job.job_id)
    assert (waiting.state, done.state) == (JobState.PAUSED, JobState.SUCCEEDED)
    assert "ended the login" in alert.title
    assert desk.services.alerts.list_open() == []


def test_a_job_that_waits_for_a_login_raises_the_alert_and_keeps_what_an_open_one_says(
    desk: Desk,
) -> None:
    _collection(desk, Service.KITE)
    desk.services.worker().run_until_idle()
    waits = alerts_about(desk, Service.KITE)
    session = desk.log_in(Service.KITE)
    desk.services.kite.book.mark_rejected(session, DEAD)

    _collection(desk, Service.KITE)
    desk.services.worker().run_until_idle()

    assert waits == ["A job waits for a login at kite."]
    assert alerts_about(desk, Service.KITE) == ["kite ended the login: The token is dead."]


# --- clocks that disagree --------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [-9, 9])
def test_a_login_lives_by_the_brokers_clock(
    simulator: Simulator, any_database_url: str, tmp_path: Path, minutes: int
) -> None:
    """Just before and just after six, on a desk whose clock is off."""
    six = simulator.clock.now().replace(hour=0, minute=30, second=0) + timedelta(days=1)
    mine = FakeClock(simulator.clock.now())
    settings = settings_at(tmp_path, any_database_url)
    with open_anywhere(settings, simulator, clock=mine) as desk:
        for broker_time in (six - timedelta(minutes=3), six + timedelta(minutes=3)):
            simulator.clock.set(broker_time)
            mine.set(broker_time + timedelta(minutes=minutes))
            session = desk.log_in(Service.KITE)
            ends = six if broker_time < six else six + timedelta(days=1)
            assert session.expires_at == ends


@pytest.mark.parametrize("minutes", [-9, 9])
def test_a_headless_login_and_signed_calls_work_on_a_clock_that_is_off(
    simulator: Simulator, tmp_path: Path, sqlite_url: str, minutes: int
) -> None:
    mine = FakeClock(simulator.clock.now() + timedelta(minutes=minutes))
    with open_anywhere(settings_at(tmp_path, sqlite_url), simulator, clock=mine) as desk:
        found = [desk.services.logins.of(s).login_headless(actor=TESTER) for s in Service]
        quote = _breeze_quote(desk)
        again = _breeze_quote(desk)

    refusals = [call.status for call in simulator.arrivals(service="breeze") if call.status == 401]
    assert [session.service for session in found] == list(Service)
    assert quote == again is True
    assert len(refusals) == 1


def _breeze_quote(desk: Desk) -> bool:
    client, contract = desk.services.breeze._client, NIFTY  # noqa: SLF001
    quote = desk.services.breeze.calling(lambda access: client.quotes(access, contract=contract))
    return quote is not None
