"""Broker logins: how they stand, signing in and out, clearing up."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AwareDatetime, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from munshi.api.answers import MODE_LABELS, Body, JsonAnswer, ModeShown, Shown, utc_text
from munshi.api.roles import Role, actor_of, allows, facts_of
from munshi.auth.logins import ServiceStatus
from munshi.bootstrap import Services
from munshi.clock import show_ist
from munshi.domain.alerts import Alert
from munshi.domain.sessions import AuthSession, SessionState
from munshi.settings import BrokerMode

_OneTime = Annotated[str, Field(min_length=1, max_length=500)]


class KiteLogin(Body):
    request_token: _OneTime


class BreezeLogin(Body):
    api_session: _OneTime


class UserShown(Shown):
    id: str
    name: str


class AlertShown(Shown):
    severity: str
    title: str
    link: str | None
    subject: str | None
    raised_at: AwareDatetime
    raised_at_ist: str


class ServiceShown(Shown):
    service: str
    mode: BrokerMode
    account: str
    state: SessionState
    authenticated: bool
    user: UserShown | None
    expires_at: AwareDatetime | None
    expires_at_ist: str | None
    seconds_left: int | None
    login_link: str | None
    last_error: str | None


class StatusAnswer(ModeShown):
    services: Mapping[str, ServiceShown]
    alerts: list[AlertShown]


class LoginAnswer(ModeShown):
    service: str
    authenticated: bool
    user: UserShown
    expires_at: AwareDatetime
    expires_at_ist: str
    seconds_left: int


class DisconnectAnswer(ModeShown):
    service: str
    disconnected: bool


class CleanupAnswer(Shown):
    """How many rows each table lost or ended."""

    ended: Mapping[str, int]


class AuthRoutes:
    """Each call is one service call."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._mode = services.settings.brokers
        self._shown_mode: dict[str, Any] = {"mode": self._mode, "label": MODE_LABELS[self._mode]}

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["logins"]}
        post: dict[str, Any] = {**options, "methods": ["POST"]}
        router.add_api_route("/auth/db/status", self.status, response_model=StatusAnswer, **options)
        router.add_api_route("/auth/db/kite/login", self.kite_login, **post)
        router.add_api_route("/auth/db/breeze/login", self.breeze_login, **post)
        router.add_api_route("/auth/db/disconnect/{service}", self.disconnect, **post)
        router.add_api_route("/auth/db/cleanup", self.cleanup, **post)

    @allows(Role.VIEWER)
    async def status(self, request: Request) -> JsonAnswer:
        """How both brokers' logins stand, and what a person should look at."""
        may_log_in = facts_of(request).principal.role >= Role.OPERATOR
        logins = self._services.logins
        if logins.status_is_immediate:
            desk = logins.desk_status()
        else:
            desk = await run_in_threadpool(logins.desk_status)
        return JsonAnswer(
            {
                **self._shown_mode,
                "services": {
                    each.service: _service_shown(each, may_log_in=may_log_in)
                    for each in desk.services
                },
                "alerts": [_alert_shown(alert, may_log_in=may_log_in) for alert in desk.alerts],
            }
        )

    @allows(Role.OPERATOR)
    def kite_login(self, request: Request, body: KiteLogin | None = None) -> LoginAnswer:
        """Exchange a `request_token`; without one, log in headless where the user opted in.

        Otherwise 409 with the `login_link` for a person to open.
        """
        kite, actor = self._services.kite, actor_of(request)
        if body is None:
            return self._logged_in(kite.login_headless(actor=actor))
        return self._logged_in(kite.login(request_token=body.request_token, actor=actor))

    @allows(Role.OPERATOR)
    def breeze_login(self, request: Request, body: BreezeLogin | None = None) -> LoginAnswer:
        """Exchange an `api_session`; without one, log in headless where the user opted in.

        Otherwise 409 with the `login_link` for a person to open.
        """
        breeze, actor = self._services.breeze, actor_of(request)
        if body is None:
            return self._logged_in(breeze.login_headless(actor=actor))
        return self._logged_in(breeze.login(api_session=body.api_session, actor=actor))

    @allows(Role.OPERATOR)
    def disconnect(self, service: str, request: Request) -> DisconnectAnswer:
        """End the stored login; `disconnected` says whether there was one."""
        broker = self._services.logins.of(service)
        ended = broker.disconnect(actor=actor_of(request))
        return DisconnectAnswer(service=broker.service, disconnected=ended, **self._shown_mode)

    @allows(Role.OPERATOR)
    def cleanup(self, request: Request) -> CleanupAnswer:
        """End expired broker and web logins and drop expired cache rows."""
        counts = self._services.logins.cleanup(actor=actor_of(request))
        return CleanupAnswer(
            ended={
                "AuthSessions": counts.auth_sessions,
                "UserSessions": counts.user_sessions,
                "CacheEntries": counts.cache_entries,
            }
        )

    def _logged_in(self, session: AuthSession) -> LoginAnswer:
        left = session.expires_at - self._services.clock.now()
        return LoginAnswer(
            service=session.service,
            authenticated=True,
            user=UserShown(id=session.user_id, name=session.user_name),
            expires_at=session.expires_at,
            expires_at_ist=show_ist(session.expires_at),
            seconds_left=int(left.total_seconds()),
            **self._shown_mode,
        )


def _service_shown(status: ServiceStatus, *, may_log_in: bool) -> dict[str, object]:
    expires_at = status.expires_at
    return {
        "service": status.service,
        "mode": status.mode,
        "account": status.account,
        "state": status.state,
        "authenticated": status.authenticated,
        "user": {"id": status.user_id, "name": status.user_name} if status.user_id else None,
        "expires_at": utc_text(expires_at) if expires_at else None,
        "expires_at_ist": show_ist(expires_at) if expires_at else None,
        "seconds_left": status.seconds_left,
        "login_link": status.login_link if may_log_in else None,
        "last_error": status.last_error,
    }


def _alert_shown(alert: Alert, *, may_log_in: bool) -> dict[str, object]:
    return {
        "severity": alert.severity,
        "title": alert.title,
        "link": alert.link if may_log_in else None,
        "subject": alert.subject,
        "raised_at": utc_text(alert.raised_at),
        "raised_at_ist": show_ist(alert.raised_at),
    }
