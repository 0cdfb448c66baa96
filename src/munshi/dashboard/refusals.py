"""What went wrong on a page, as a page with a way on."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match

from munshi.api.roles import REQUEST, Role
from munshi.dashboard.look import WAYS, Look
from munshi.errors import (
    AppError,
    AuditRowUnknownError,
    AuthenticationNeededError,
    JobUnknownError,
    PasswordConfirmationNeededError,
    ScheduleUnknownError,
)

# Where a person wants to go who came here in vain.
_WAYS_ON: dict[type[AppError], tuple[str, str]] = {
    AuthenticationNeededError: ("/ui/sign-in", "Sign in again"),
    JobUnknownError: ("/ui/jobs", "See the jobs there are"),
    AuditRowUnknownError: ("/ui/audit", "See the newest rows"),
    ScheduleUnknownError: ("/ui/schedules", "See the schedules there are"),
}
_FIRST_PARTS = {
    "jobs": "the jobs",
    "queues": "the queues",
    "schedules": "the schedules",
    "configuration": "the configuration",
    "audit": "the audit trail",
    "alerts": "the alerts",
    "users": "the users",
    "keys": "the API keys",
    "sessions": "my sessions",
    "second-factor": "my second factor",
    "cache": "the cache",
    "data": "the data",
    "research": "the research",
}


_NEEDED = {way.address: way.role for way in WAYS}


class RefusalPages:
    """Who must sign in is led there, and back afterwards."""

    def __init__(self, look: Look) -> None:
        self._look = look

    def refusal(self, error: AppError, request: Request) -> Response:
        if isinstance(error, AuthenticationNeededError) and request.method == "GET":
            return RedirectResponse(f"/ui/sign-in?wanted={quote(_target(request), safe='')}", 303)
        if isinstance(error, PasswordConfirmationNeededError):
            # Every form of a sensitive act is at the address it is sent to.
            wanted = _target(request) if request.method == "GET" else request.url.path
            return RedirectResponse(f"/ui/confirm?wanted={quote(wanted, safe='')}", 303)
        facts = request.scope.get(REQUEST)
        return self._look.page(
            request,
            "refusal.html",
            title=error.title(),
            status=error.status,
            error=error,
            is_form=request.method == "POST",
            way_on=_way_on(error, request),
            request_id=facts.request_id if facts else None,
        )


def _way_on(error: AppError, request: Request) -> tuple[str, str] | None:
    if isinstance(error, AuthenticationNeededError) and _has_page(request):
        return f"/ui/sign-in?wanted={quote(request.url.path, safe='')}", "Sign in again"
    facts = request.scope.get(REQUEST)
    role = facts.principal.role if facts else Role.PUBLIC
    return _WAYS_ON.get(type(error)) or _way_back(request.url.path, role)


def _has_page(request: Request) -> bool:
    """Whether there is something to look at where a form was sent to."""
    asked = {**request.scope, "method": "GET"}
    return any(route.matches(asked)[0] is Match.FULL for route in request.app.routes)


def _target(request: Request) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path


def _way_back(path: str, role: Role) -> tuple[str, str] | None:
    first = path.removeprefix("/ui/").partition("/")[0]
    words = _FIRST_PARTS.get(first)
    needed = _NEEDED.get(f"/ui/{first}", Role.VIEWER)
    return None if words is None or role < needed else (f"/ui/{first}", f"Back to {words}")
