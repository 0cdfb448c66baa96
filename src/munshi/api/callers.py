"""Who sent a request: whose API key or session it carries, else what its socket and headers say."""

from contextlib import suppress

from starlette.concurrency import run_in_threadpool
from starlette.types import Scope

from munshi.api.cookies import SessionCookie
from munshi.api.roles import Principal, Role
from munshi.api.security import READING, CallerRules, Headers
from munshi.domain.people import API_KEY_PREFIX, ApiKey, SignedIn
from munshi.errors import AccessDeniedError, DatabaseUnreachableError
from munshi.people.sessions import SessionService

_BEARER = b"bearer "
_LONGEST_KEY = 100


class Callers:
    """Nothing is remembered: a session or key that was revoked is refused from then on."""

    def __init__(
        self, rules: CallerRules, cookie: SessionCookie, sessions: SessionService | None
    ) -> None:
        self._rules = rules
        self._cookie = cookie
        self._sessions = sessions

    async def find(self, scope: Scope, headers: Headers, *, is_use: bool = True) -> Principal:
        """Whoever calls, if only as anonymous with the reason. `is_use` notes that they did.

        Raises OriginForeignError, DatabaseUnreachableError, and AccessDeniedError beyond a key's
        scope.
        """
        if headers.authorization is not None:
            return await self._by_key(scope, headers.authorization, is_use=is_use)
        token = self._cookie.read(headers.cookie)
        if token is not None:
            return await self._by_session(scope, headers, token, is_use=is_use)
        return self._rules.principal(scope, headers)

    async def _by_session(
        self, scope: Scope, headers: Headers, token: str, *, is_use: bool
    ) -> Principal:
        sessions = self._sessions
        if sessions is None:
            return self._rules.principal(scope, headers)
        if sessions.is_immediate:
            found = sessions.find(token)
        else:
            found = await run_in_threadpool(sessions.find, token)
        if found is None:
            return _anonymous("The session has ended.")
        self._rules.check_cookie_call(scope, headers)
        if is_use:
            await self._note(sessions, found)
        return Principal(name=found.username, role=found.role, session=found)

    async def _by_key(self, scope: Scope, authorization: bytes, *, is_use: bool) -> Principal:
        sessions, text = self._sessions, authorization[len(_BEARER) :].decode("latin-1").strip()
        is_bearer = authorization[: len(_BEARER)].lower() == _BEARER
        if sessions is None or not (is_bearer and text.startswith(API_KEY_PREFIX)):
            return _anonymous("The Authorization header does not hold an API key of Munshi.")
        if sessions.is_immediate:
            found = sessions.find_key(text[:_LONGEST_KEY])
        else:
            found = await run_in_threadpool(sessions.find_key, text[:_LONGEST_KEY])
        if found is None:
            return _anonymous("The API key is unknown, has expired or was revoked.")
        _check_scope(scope, found)
        if is_use:
            await self._note(sessions, found)
        return Principal(name=f"{found.username}:{found.name}", role=found.role, key=found)

    async def _note(self, sessions: SessionService, caller: SignedIn | ApiKey) -> None:
        if sessions.is_note_due(caller):
            with suppress(DatabaseUnreachableError):  # the next request will do
                await run_in_threadpool(sessions.note_use, caller)


def _check_scope(scope: Scope, key: ApiKey) -> None:
    if key.read_only and scope["method"] not in READING:
        raise AccessDeniedError(f"The API key {key.name} may only read.")
    group = scope["path"].removeprefix("/").partition("/")[0]
    if key.groups is not None and group not in key.groups:
        raise AccessDeniedError(
            f"The API key {key.name} may not call /{group[:40]}, only: {', '.join(key.groups)}."
        )


def _anonymous(refusal: str) -> Principal:
    return Principal(name="anonymous", role=Role.PUBLIC, refusal=refusal)
