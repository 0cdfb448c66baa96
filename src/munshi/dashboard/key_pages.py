"""API keys on pages: one's own, and everybody's for an administrator. A key is shown once."""

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.roles import Role, actor_of, allows, signed_in_of
from munshi.api.sensitive import confirmed
from munshi.bootstrap import Services
from munshi.dashboard.asking import Typed, ask
from munshi.dashboard.look import Look
from munshi.domain.people import ApiKey, SignedIn
from munshi.errors import ApiKeyInvalidError, ApiKeyUnknownError, AppError, UserNameInvalidError
from munshi.people.api_keys import DAYS, MOST_DAYS

ROLES = (Role.VIEWER, Role.OPERATOR, Role.ADMIN)


class KeyPages:
    """A key opens no more than its owner may."""

    def __init__(self, services: Services, look: Look) -> None:
        self._people = services.people
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/ui/keys", self.keys, include_in_schema=False)
        for path, form, do in (
            ("/ui/keys/new", self.form, self.create),
            ("/ui/keys/{key_id}/revoke", self.ask_revoke, self.revoke),
        ):
            router.add_api_route(path, form, include_in_schema=False)
            router.add_api_route(path, do, methods=["POST"], include_in_schema=False)

    @allows(Role.VIEWER)
    def keys(self, request: Request) -> Response:
        keys = self._seen(signed_in_of(request))
        return self._look.page(request, "keys.html", title="API keys", keys=keys)

    @allows(Role.VIEWER)
    def form(self, request: Request) -> Response:
        who = confirmed(request, self._people)
        return self._form(request, {"role": who.role.word, "days": str(DAYS)}, who)

    @allows(Role.VIEWER)
    def create(self, request: Request, typed: Typed) -> Response:
        who = confirmed(request, self._people)
        groups = typed.get("groups", "").split()
        try:
            made = self._people.api_keys.create(
                who.username,
                typed.get("name", ""),
                role=_role(typed),
                read_only="read_only" in typed,
                groups=groups or None,
                days=_days(typed),
                actor=actor_of(request),
            )
        except (ApiKeyInvalidError, UserNameInvalidError) as error:
            return self._form(request, typed, who, error=error)
        return self._look.page(
            request,
            "once.html",
            title=f"API key {made.key.name}",
            secret=made.text,
            means="Send it as Authorization: Bearer, followed by this key.",
            back="/ui/keys",
        )

    @allows(Role.VIEWER)
    def ask_revoke(self, key_id: str, request: Request) -> Response:
        for key in self._seen(signed_in_of(request)):
            if str(key.key_id) == key_id:
                return ask(
                    self._look,
                    request,
                    title="Revoke this API key?",
                    about=f"{key.name} of {key.username}, {key.hint}…",
                    means="Whatever calls with it is refused from now on.",
                    yes="Yes, revoke it",
                    back="/ui/keys",
                )
        raise ApiKeyUnknownError("There is no such API key, or it was revoked.")

    @allows(Role.VIEWER)
    def revoke(self, key_id: str, request: Request) -> Response:
        who = signed_in_of(request)
        try:
            wanted = UUID(key_id)
        except ValueError:
            raise ApiKeyUnknownError("There is no such API key.") from None
        mine = None if who.role is Role.ADMIN else who.user_id
        self._people.api_keys.revoke(wanted, user_id=mine, actor=actor_of(request))
        return RedirectResponse("/ui/keys?done=revoked", status_code=303)

    def _seen(self, who: SignedIn) -> list[ApiKey]:
        mine = None if who.role is Role.ADMIN else who.user_id
        return self._people.api_keys.list_keys(user_id=mine)

    def _form(
        self,
        request: Request,
        typed: dict[str, str],
        who: SignedIn,
        *,
        error: AppError | None = None,
    ) -> Response:
        return self._look.page(
            request,
            "key_new.html",
            title="Make an API key",
            status=error.status if error else 200,
            typed=typed,
            roles=[role for role in ROLES if role <= who.role],
            most_days=MOST_DAYS,
            error=error,
        )


def _role(typed: dict[str, str]) -> Role:
    for role in ROLES:
        if role.word == typed.get("role"):
            return role
    raise ApiKeyInvalidError("The role that was asked for is none.")


def _days(typed: dict[str, str]) -> int:
    days = typed.get("days", "")
    if not (days.isascii() and days.isdecimal()) or len(days) > len(str(MOST_DAYS)):
        raise ApiKeyInvalidError(f"A key is good for 1 to {MOST_DAYS} days.")
    return int(days)
