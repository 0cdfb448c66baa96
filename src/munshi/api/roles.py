"""Who a request comes from, and the one way a route says who may call it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from munshi.domain.audit import Actor
from munshi.domain.people import ApiKey, SignedIn
from munshi.domain.roles import Role
from munshi.errors import AccessDeniedError, AuthenticationNeededError, SessionNeededError

__all__ = [
    "REQUEST",
    "GuardedRoute",
    "Principal",
    "RequestFacts",
    "Role",
    "Routes",
    "actor_of",
    "allows",
    "facts_of",
    "require",
    "signed_in_of",
]

REQUEST = "munshi.request"
_ROLE = "munshi_role"
_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who calls: `session` a person with a browser, `key` a program, neither a plain caller.

    `refusal` says to an anonymous caller why nobody is recognised.
    """

    name: str
    role: Role
    refusal: str = ""
    session: SignedIn | None = None
    key: ApiKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """What the gate found out about a request before any route saw it."""

    principal: Principal
    request_id: str
    peer: str


class Routes(Protocol):
    """A group of endpoints, each marked with the role that may call it."""

    def add_to(self, router: APIRouter) -> None: ...


def allows(role: Role) -> Callable[[_Endpoint], _Endpoint]:
    """Declare the least role that may call the endpoint. A route without it cannot be made."""

    def declare(endpoint: _Endpoint) -> _Endpoint:
        setattr(endpoint, _ROLE, role)
        return endpoint

    return declare


class GuardedRoute(APIRoute):
    """A route that refuses callers below the role of its endpoint, before reading the body."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:  # noqa: ANN401
        role = getattr(endpoint, _ROLE, None)
        if not isinstance(role, Role):
            raise TypeError(f"{path} does not say who may call it: mark its endpoint with @allows")
        super().__init__(path, endpoint, **options)
        self.role = role
        self.openapi_extra = {**(self.openapi_extra or {}), "x-role": role.name.lower()}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        principal: Principal = scope[REQUEST].principal
        if principal.role < self.role:
            raise _refused(principal, self.role)
        await super().handle(scope, receive, send)


def facts_of(request: Request) -> RequestFacts:
    facts: RequestFacts = request.scope[REQUEST]
    return facts


def actor_of(request: Request) -> Actor:
    """The caller as the audit trail names them."""
    facts = facts_of(request)
    return Actor(
        user_id=facts.principal.name, request_id=facts.request_id, ip_address=facts.peer or None
    )


def require(request: Request, role: Role) -> None:
    """Raise AccessDeniedError where what is asked for needs a higher role than the route."""
    principal = facts_of(request).principal
    if principal.role < role:
        raise _refused(principal, role)


def signed_in_of(request: Request) -> SignedIn:
    """The session of the person who calls. Raises SessionNeededError for anybody else."""
    session = facts_of(request).principal.session
    if session is None:
        raise SessionNeededError(
            "Only a person who signed in can do this; API keys and plain calls cannot.",
            hint="Sign in with a browser at /ui/sign-in; on this machine use munshi users.",
        )
    return session


def _refused(principal: Principal, wanted: Role) -> AuthenticationNeededError | AccessDeniedError:
    if principal.role is Role.PUBLIC:
        return AuthenticationNeededError(
            principal.refusal,
            hint="Sign in at /ui/sign-in, send an API key, or use curl or the munshi command on "
            "the machine Munshi runs on.",
        )
    return AccessDeniedError(
        f"This needs the role {wanted.name.lower()}; {principal.name} has "
        f"{principal.role.name.lower()}."
    )
