"""The own second factor on pages: set up, proved by a code, with recovery codes, and ended."""

from typing import Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.roles import Role, actor_of, allows, signed_in_of
from munshi.api.sensitive import confirmed
from munshi.bootstrap import Services
from munshi.dashboard.asking import Typed, ask
from munshi.dashboard.look import Look
from munshi.domain.people import SignedIn
from munshi.errors import AppError, SignInRefusedError

PAGE = "/ui/second-factor"
_Act = Literal["set-up", "recovery-codes", "end"]
_GROUP = 4
_CODES_MEAN = (
    "Each of these is good once, where a one-time code is asked for. Keep them where the "
    "authenticator is not."
)
# Of each act: the question, what it means, and the button.
_ASKED = {
    "set-up": (
        "Set up a second factor?",
        (
            "You are shown a seed for an authenticator app. Nothing changes before you have "
            "typed a code that the app made of it; then every sign-in asks for one, and your "
            "other sessions end."
        ),
        "Yes, show me a seed",
    ),
    "recovery-codes": (
        "Make new recovery codes?",
        "Those you have now are good no more.",
        "Yes, make new ones",
    ),
    "end": (
        "End your second factor?",
        (
            "Your password alone is enough again, the recovery codes are good no more, and your "
            "other sessions end."
        ),
        "Yes, end it",
    ),
}


class SecondFactorPages:
    """Only a person's own session, with the password given a short while ago."""

    def __init__(self, services: Services, look: Look) -> None:
        self._people = services.people
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        for path, call, method in (
            (PAGE, self.standing, "GET"),
            (f"{PAGE}/code", self.code_form, "GET"),
            (f"{PAGE}/code", self.enable, "POST"),
            (f"{PAGE}/{{act}}", self.ask, "GET"),
            (f"{PAGE}/{{act}}", self.do, "POST"),
        ):
            router.add_api_route(path, call, methods=[method], include_in_schema=False)

    @allows(Role.VIEWER)
    def standing(self, request: Request) -> Response:
        who = signed_in_of(request)
        return self._look.page(
            request,
            "second_factor.html",
            title="My second factor",
            has_totp=self._people.users.get(who.username).has_totp,
            codes_left=self._people.second_factor.codes_left(who),
        )

    @allows(Role.VIEWER)
    def ask(self, act: _Act, request: Request) -> Response:
        who = confirmed(request, self._people)
        title, means, yes = _ASKED[act]
        return ask(
            self._look,
            request,
            title=title,
            about=f"The account {who.username}",
            means=means,
            yes=yes,
            back=PAGE,
        )

    @allows(Role.VIEWER)
    def do(self, act: _Act, request: Request) -> Response:
        who, actor = confirmed(request, self._people), actor_of(request)
        factor = self._people.second_factor
        if act == "set-up":
            offered = factor.offer(who, actor=actor)
            seed = " ".join(
                offered.seed[at : at + _GROUP] for at in range(0, len(offered.seed), _GROUP)
            )
            return self._code_page(request, seed=seed, address_of_seed=offered.address)
        if act == "recovery-codes":
            return self._codes(request, factor.renew_recovery_codes(who, actor=actor))
        factor.disable(who, actor=actor)
        return RedirectResponse(f"{PAGE}?done=factor-ended", status_code=303)

    @allows(Role.VIEWER)
    def code_form(self, request: Request) -> Response:
        """For a seed that is in the authenticator already."""
        confirmed(request, self._people)
        return self._code_page(request)

    @allows(Role.VIEWER)
    def enable(self, request: Request, typed: Typed) -> Response:
        who: SignedIn = confirmed(request, self._people)
        try:
            codes = self._people.second_factor.enable(
                who, typed.get("code", "")[:100], actor=actor_of(request)
            )
        except SignInRefusedError as error:
            return self._code_page(request, error=error)
        return self._codes(request, codes)

    def _codes(self, request: Request, codes: list[str]) -> Response:
        return self._look.page(
            request,
            "once.html",
            title="Recovery codes",
            secret="\n".join(codes),
            means=_CODES_MEAN,
            back=PAGE,
        )

    def _code_page(
        self,
        request: Request,
        *,
        seed: str = "",
        address_of_seed: str = "",
        error: AppError | None = None,
    ) -> Response:
        return self._look.page(
            request,
            "second_factor_code.html",
            title="A code of your authenticator",
            status=error.status if error else 200,
            seed=seed,
            address_of_seed=address_of_seed,
            error=error,
        )
