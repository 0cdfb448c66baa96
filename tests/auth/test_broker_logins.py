"""Signing in to both simulated brokers, every way there is, and what the books say after it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from desks import TESTER, Desk
from munshi.bootstrap import BrokerEndpoints, open_services
from munshi.domain.audit import Actor
from munshi.domain.enums import Service
from munshi.domain.jobs import AUTO_LOGIN, DATA_COLLECTION, JobState
from munshi.errors import (
    AppError,
    BrokerLoginRefusedError,
    BrokerSessionExpiredError,
    BrokerUserMismatchError,
    LoginNeededError,
    LoginNotPendingError,
    ServiceUnknownError,
)
from munshi.settings import BrokerMode
from simulators import Simulator, query_of


def audit_actions(desk: Desk, service: Service) -> list[str]:
    page = desk.services.audit.page(entity_type="auth", entity_id=service, limit=50)
    return [entry.action for entry in page.entries][::-1]


def open_alerts(desk: Desk) -> list[tuple[str | None, str | None]]:
    return [(alert.subject, alert.link) for alert in desk.services.alerts.list_open()]


@pytest.mark.parametrize("service", list(Service))
def test_headless_login_stores_an_active_session(desk: Desk, service: Service) -> None:
    broker = desk.services.logins.of(service)

    session = broker.login_headless(actor=TESTER)

    assert broker.restore() == session
    assert session.is_valid(now=desk.clock.now())
    assert audit_actions(desk, service) == ["login"]


def test_a_kite_login_dies_at_six_and_a_breeze_login_at_midnight_ist(desk: Desk) -> None:
    desk.log_in_everywhere()

    found = {status.service: status.expires_at for status in desk.services.logins.status()}

    # 06:00 and 00:00 IST of Saturday 21 November.
    assert found[Service.KITE] == datetime(2026, 11, 21, 0, 30, tzinfo=UTC)
    assert found[Service.BREEZE] == datetime(2026, 11, 20, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize("service", list(Service))
def test_a_login_is_over_from_its_expiry_on(desk: Desk, service: Service) -> None:
    session = desk.log_in(service)

    desk.clock.set(session.expires_at)

    status = {found.service: found for found in desk.services.logins.status()}[service]
    assert status.authenticated is False
    assert status.seconds_left is None
    with pytest.raises(LoginNeededError):
        desk.services.logins.of(service).book.active()


@pytest.mark.parametrize("service", list(Service))
def test_a_second_login_retires_the_first(desk: Desk, service: Service) -> None:
    first = desk.log_in(service)
    second = desk.log_in(service)

    active = desk.services.logins.of(service).restore()

    assert active is not None
    assert active.session_id == second.session_id != first.session_id


def test_a_kite_request_token_is_good_once(desk: Desk) -> None:
    token = desk.simulator.kite_request_token()
    first = desk.services.kite.login(request_token=token, actor=TESTER)

    with pytest.raises(BrokerLoginRefusedError):
        desk.services.kite.login(request_token=token, actor=TESTER)

    assert desk.services.kite.restore() == first
    assert audit_actions(desk, Service.KITE) == ["login", "login_failed"]


def test_an_unknown_breeze_session_is_refused_and_audited(desk: Desk) -> None:
    with pytest.raises(BrokerLoginRefusedError):
        desk.services.breeze.login(api_session="00000000", actor=TESTER)

    assert desk.services.breeze.restore() is None
    assert audit_actions(desk, Service.BREEZE) == ["login_failed"]
    assert [subject for subject, _ in open_alerts(desk)] == ["breeze"]


def test_kite_redirect_completes_the_login_that_was_begun(desk: Desk) -> None:
    link = desk.services.kite.begin_login(actor=TESTER)
    state = parse_qs(query_of(link)["redirect_params"])["state"][0]

    session = desk.services.kite.complete_redirect(desk.simulator.kite_request_token(), state)

    assert desk.services.kite.restore() == session
    assert audit_actions(desk, Service.KITE) == ["login_begun", "login"]


@pytest.mark.parametrize("state", [None, "", "of-somebody-else"])
def test_a_kite_redirect_without_our_state_is_refused(desk: Desk, state: str | None) -> None:
    desk.services.kite.begin_login(actor=TESTER)

    with pytest.raises(LoginNotPendingError):
        desk.services.kite.complete_redirect(desk.simulator.kite_request_token(), state)

    assert desk.services.kite.restore() is None


def test_a_breeze_redirect_is_taken_only_while_a_login_waits(desk: Desk) -> None:
    with pytest.raises(LoginNotPendingError):
        desk.services.breeze.complete_redirect(desk.simulator.breeze_api_session())

    desk.services.breeze.begin_login(actor=TESTER)
    session = desk.services.breeze.complete_redirect(desk.simulator.breeze_api_session())

    assert desk.services.breeze.restore() == session


def test_a_pending_login_is_used_once(desk: Desk) -> None:
    desk.services.breeze.begin_login(actor=TESTER)
    desk.services.breeze.complete_redirect(desk.simulator.breeze_api_session())

    with pytest.raises(LoginNotPendingError):
        desk.services.breeze.complete_redirect(desk.simulator.breeze_api_session())


def test_a_pending_login_waits_ten_minutes(desk: Desk) -> None:
    desk.services.breeze.begin_login(actor=TESTER)

    desk.clock.advance(timedelta(minutes=10))

    with pytest.raises(LoginNotPendingError):
        desk.services.breeze.complete_redirect(desk.simulator.breeze_api_session())


def test_the_login_link_works_for_a_day_and_for_its_broker_only(desk: Desk) -> None:
    ticket = query_of(desk.services.kite.book.login_link())["ticket"]

    desk.clock.advance(timedelta(hours=22))
    page = desk.services.kite.start_login(ticket)

    assert "/connect/login" in page
    with pytest.raises(LoginNotPendingError):
        desk.services.breeze.start_login(ticket)
    desk.clock.advance(timedelta(hours=3))
    with pytest.raises(LoginNotPendingError):
        desk.services.kite.start_login(ticket)


@pytest.mark.parametrize("ticket", ["", "x", "AAAA", "AAAAAGsEcRCyxfm2bcCLgjy_bXoL8FS_", "é"])
def test_a_made_up_ticket_is_refused(desk: Desk, ticket: str) -> None:
    with pytest.raises(LoginNotPendingError):
        desk.services.kite.start_login(ticket)


def test_a_login_that_kite_rejects_is_ended_once_with_an_alert(desk: Desk) -> None:
    session = desk.log_in(Service.KITE)
    desk.simulator.end_logins()
    error = BrokerSessionExpiredError("Kite says the token is dead.")

    for _ in range(2):
        desk.services.kite.book.mark_rejected(session, error)

    assert desk.services.kite.restore() is None
    assert audit_actions(desk, Service.KITE) == ["login", "session_rejected"]
    [(subject, link)] = open_alerts(desk)
    assert subject == "kite"
    assert link is not None
    assert "/auth/kite/start?ticket=" in link


def test_a_late_rejection_of_the_old_login_leaves_the_new_one_alone(desk: Desk) -> None:
    old = desk.log_in(Service.KITE)
    new = desk.log_in(Service.KITE)

    desk.services.kite.book.mark_rejected(old, BrokerSessionExpiredError("too late"))

    assert desk.services.kite.restore() == new


def test_using_a_dead_login_ends_it_and_passes_the_error_on(desk: Desk) -> None:
    desk.log_in(Service.KITE)
    desk.simulator.end_logins()

    with pytest.raises(BrokerSessionExpiredError):
        desk.services.instruments.refresh(Service.KITE, actor=TESTER)

    assert desk.services.kite.restore() is None


def test_the_next_login_resolves_the_alert(desk: Desk) -> None:
    session = desk.log_in(Service.KITE)
    desk.services.kite.book.mark_rejected(session, BrokerSessionExpiredError("dead"))

    desk.log_in(Service.KITE)

    assert open_alerts(desk) == []


def test_without_opting_in_auto_login_pauses_and_the_redirect_completes_it(desk: Desk) -> None:
    desk.services.config.set("auth", "simulated_headless", False, actor=TESTER)  # noqa: FBT003
    job = desk.services.jobs.enqueue(AUTO_LOGIN, {"service": "breeze"}, actor=TESTER)
    desk.services.worker().run_until_idle()
    paused = desk.services.jobs.get(job.job_id)

    desk.services.breeze.begin_login(actor=TESTER)
    session = desk.services.breeze.complete_redirect(desk.simulator.breeze_api_session())

    done = desk.services.jobs.get(job.job_id)
    assert paused.state is JobState.PAUSED
    assert paused.message is not None
    assert "/auth/breeze/start?ticket=" in paused.message
    assert done.state is JobState.SUCCEEDED
    assert done.result_data is not None
    assert done.result_data["session_id"] == str(session.session_id)


def test_a_collection_without_a_login_waits_and_goes_on_after_it(desk: Desk) -> None:
    parameters = {
        "broker": "kite",
        "instruments": ["NIFTY"],
        "interval": "5minute",
        "from": "2026-11-18",
        "to": "2026-11-19",
    }
    job = desk.services.jobs.enqueue(DATA_COLLECTION, parameters, actor=TESTER)
    desk.services.worker().run_until_idle()
    paused = desk.services.jobs.get(job.job_id)

    desk.log_in(Service.KITE)
    desk.services.worker().run_until_idle()

    done = desk.services.jobs.get(job.job_id)
    assert paused.state is JobState.PAUSED
    assert done.state is JobState.SUCCEEDED
    assert done.result_data is not None
    assert done.result_data["rows_added"] == 150


def test_auto_login_leaves_a_good_login_alone(desk: Desk) -> None:
    session = desk.log_in(Service.KITE)
    job = desk.services.jobs.enqueue(AUTO_LOGIN, {"service": "kite"}, actor=TESTER)

    desk.services.worker().run_until_idle()

    done = desk.services.jobs.get(job.job_id)
    assert done.result_data is not None
    assert done.result_data["session_id"] == str(session.session_id)


def test_a_restart_finds_both_logins_without_asking_the_brokers(desk: Desk) -> None:
    desk.log_in_everywhere()
    calls = len(desk.simulator.arrivals())

    endpoints = BrokerEndpoints.at(desk.simulator.url)
    settings = desk.services.settings
    with open_services(settings, clock=desk.clock, endpoints=endpoints) as again:
        found = [again.kite.restore(), again.breeze.restore()]

    assert all(found)
    assert len(desk.simulator.arrivals()) == calls


def test_disconnect_ends_the_login_here_and_at_kite(desk: Desk) -> None:
    desk.log_in(Service.KITE)

    first = desk.services.kite.disconnect(actor=TESTER)
    second = desk.services.kite.disconnect(actor=TESTER)

    assert (first, second) == (True, False)
    assert desk.services.kite.restore() is None
    assert audit_actions(desk, Service.KITE) == ["login", "disconnect"]


def test_an_unknown_service_is_named(desk: Desk) -> None:
    with pytest.raises(ServiceUnknownError, match="upstox"):
        desk.services.logins.of("upstox")


def test_cleanup_ends_what_expired_and_says_how_many(desk: Desk) -> None:
    desk.log_in_everywhere()
    desk.clock.advance(timedelta(days=2))

    counts = desk.services.logins.cleanup(actor=TESTER)

    assert counts.auth_sessions == 2


@pytest.fixture
def live(desk: Desk, simulator: Simulator) -> Iterator[Desk]:
    """The same home in live mode, with the simulator where the real brokers would be."""
    settings = desk.services.settings.model_copy(update={"brokers": BrokerMode.LIVE})
    endpoints = BrokerEndpoints.at(simulator.url)
    with open_services(settings, clock=desk.clock, endpoints=endpoints) as services:
        yield replace(desk, services=services)


def test_live_mode_never_sees_a_simulated_login(desk: Desk, live: Desk) -> None:
    desk.log_in_everywhere()

    assert live.services.kite.restore() is None
    assert live.services.breeze.restore() is None


def test_live_credentials_come_from_the_database_and_else_from_env(live: Desk) -> None:
    env = live.services.settings.env_file
    env.write_text("KITE_API_KEY=from-env\nKITE_API_SECRET=secret-of-env\n")
    before = live.services.kite.credentials()

    live.services.config.set("auth", "kite.api_key", "simkitekey", actor=TESTER)
    live.services.config.set("auth", "kite.api_secret", "simkitesecret", actor=TESTER)
    after = live.services.kite.credentials()

    assert (before.api_key, before.origin, before.headless) == ("from-env", ".env", False)
    assert (after.api_key, after.origin) == ("simkitekey", "database")


def test_another_user_than_the_configured_one_is_dropped_and_audited(live: Desk) -> None:
    keys = {"api_key": "simkitekey", "api_secret": "simkitesecret", "user_id": "AB1234"}
    for key, value in keys.items():
        live.services.config.set("auth", f"kite.{key}", value, actor=TESTER)

    with pytest.raises(BrokerUserMismatchError, match="AB1234"):
        live.services.kite.login(request_token=live.simulator.kite_request_token(), actor=TESTER)

    assert live.services.kite.restore() is None
    assert audit_actions(live, Service.KITE) == ["login_failed"]


def test_a_live_token_is_mirrored_only_when_asked_and_keeps_the_file(live: Desk) -> None:
    env = live.services.settings.env_file
    env.write_text("# my keys\nKITE_ACCESS_TOKEN=old\nOTHER=1\n")
    for key, value in (("kite.api_key", "simkitekey"), ("kite.api_secret", "simkitesecret")):
        live.services.config.set("auth", key, value, actor=TESTER)

    live.services.kite.login(request_token=live.simulator.kite_request_token(), actor=TESTER)
    untouched = env.read_text()
    live.services.config.set("auth", "mirror_tokens_to_env", True, actor=TESTER)  # noqa: FBT003
    session = live.services.kite.login(
        request_token=live.simulator.kite_request_token(), actor=TESTER
    )

    assert untouched == "# my keys\nKITE_ACCESS_TOKEN=old\nOTHER=1\n"
    assert env.read_text() == f"# my keys\nKITE_ACCESS_TOKEN={session.access_token}\nOTHER=1\n"


def test_no_token_is_readable_in_the_database_or_in_what_people_see(desk: Desk) -> None:
    desk.log_in_everywhere()
    tokens = [
        token
        for service in Service
        if (session := desk.services.logins.of(service).restore())
        for token in (session.access_token, session.session_token)
        if token
    ]
    home = desk.services.settings.home
    kept = b"".join(path.read_bytes() for path in home.iterdir() if path.name.startswith("munshi"))
    shown = repr(
        [
            desk.services.logins.status(),
            desk.services.audit.page(limit=50),
            desk.services.kite.restore(),
            desk.services.breeze.restore(),
            desk.services.kite.credentials(),
        ]
    )

    assert len(tokens) == 3
    assert [token for token in tokens if token.encode() in kept] == []
    assert [token for token in [*tokens, "simkitesecret"] if token in shown] == []


def test_a_failed_login_stays_on_record(desk: Desk) -> None:
    with pytest.raises(AppError):
        desk.services.kite.login(request_token="never-issued", actor=Actor(user_id="asha"))

    page = desk.services.audit.page(user_id="asha")

    assert [entry.action for entry in page.entries] == ["login_failed"]
    assert "never-issued" not in repr(page)


def test_what_a_job_changed_carries_the_jobs_id(desk: Desk) -> None:
    job = desk.services.jobs.enqueue(AUTO_LOGIN, {"service": "kite"}, actor=TESTER)

    desk.services.worker().run_until_idle()

    (row,) = desk.services.audit.page(job_id=str(job.job_id)).entries
    assert (row.action, row.user_id) == ("login", f"job:{job.job_id}")


def test_a_login_says_which_one_it_replaced(desk: Desk) -> None:
    first, second = desk.log_in(Service.KITE), desk.log_in(Service.KITE)

    row = desk.services.audit.page(entity_type="auth", action="login").entries[0]

    assert row.old_value == {"session_id": str(first.session_id)}
    assert row.new_value == {"session_id": str(second.session_id)}
