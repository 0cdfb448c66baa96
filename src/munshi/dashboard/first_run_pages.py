"""The first run: connect both brokers, choose what starts by itself, and end on Today."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.roles import Role, actor_of, allows
from munshi.auth.credentials import BrokerCredentials, save_credentials
from munshi.bootstrap import Services
from munshi.dashboard.look import Look
from munshi.dashboard.schedule_plain_words import PLAIN_WORDS
from munshi.domain.config_keys import AUTH, SIMULATED_HEADLESS
from munshi.domain.enums import Service
from munshi.errors import TotpSeedInvalidError
from munshi.infrastructure.security.totp import read_seed

_Word = Annotated[str, Form(max_length=200)]
_Names = Annotated[list[str], Form()]
_UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedCredentials:
    """A broker's app and user as typed; what is secret never goes back into a page."""

    api_key: _Word = ""
    api_secret: _Word = ""
    user_id: _Word = ""
    headless: _Word = ""
    password: _Word = ""
    totp_seed: _Word = ""

    def wrong(self) -> dict[str, str]:
        """What is wrong, by field."""
        needed = ["api_key", "api_secret"]
        if self.headless:
            needed += ["user_id", "password", "totp_seed"]
        found = {name: "This is needed." for name in needed if not str(getattr(self, name)).strip()}
        if self.headless and "totp_seed" not in found:
            try:
                read_seed(self.totp_seed.strip())
            except TotpSeedInvalidError as error:
                found["totp_seed"] = str(error)
        return found

    def credentials(self) -> BrokerCredentials:
        """Password and seed only where a person opted in."""
        return BrokerCredentials(
            api_key=self.api_key.strip(),
            api_secret=self.api_secret.strip(),
            user_id=self.user_id.strip() or None,
            password=self.password if self.headless else None,
            totp_seed=self.totp_seed.strip() if self.headless else None,
            headless=bool(self.headless),
            origin="page",
        )


_Typed = Annotated[TypedCredentials, Depends(TypedCredentials)]


class FirstRunPages:
    """Each step shows how the desk stands, so it can be left and taken up again at any time."""

    def __init__(self, services: Services, look: Look) -> None:
        self._services = services
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        broker, schedules = "/ui/first-run/brokers/{service}", "/ui/first-run/schedules"
        for path, call, method in (
            ("/ui/first-run", self.overview, "GET"),
            (broker, self.broker, "GET"),
            (broker, self.connect, "POST"),
            (f"{broker}/auto", self.auto, "POST"),
            (schedules, self.schedules, "GET"),
            (schedules, self.choose, "POST"),
        ):
            router.add_api_route(path, call, methods=[method], include_in_schema=False)

    @allows(Role.OPERATOR)
    def overview(self, request: Request) -> Response:
        """Every step and how it stands; the first that is not done is the way on."""
        logins, schedules = self._services.logins, self._services.schedules.list_all()
        return self._look.page(
            request,
            "first_run.html",
            title="Setting up",
            statuses=[(each, logins.look(each).is_set_up) for each in logins.status()],
            enabled=sum(view.enabled for view in schedules),
            schedules=len(schedules),
        )

    @allows(Role.OPERATOR)
    def broker(self, service: str, request: Request) -> Response:
        return self._broker(request, self._services.logins.of(service).service)

    @allows(Role.OPERATOR)
    def connect(self, service: str, request: Request, typed: _Typed) -> Response:
        """Store what a broker needs, in the place of what was stored before."""
        chosen = self._services.logins.of(service).service
        wrong = typed.wrong()
        if wrong:
            return self._broker(request, chosen, typed=typed, wrong=wrong)
        save_credentials(
            self._services.config, chosen, typed.credentials(), actor=actor_of(request)
        )
        return _to(f"/ui/first-run/brokers/{chosen}?done=credentials")

    @allows(Role.OPERATOR)
    def auto(self, service: str, request: Request, headless: _Word = "") -> Response:
        """Whether the simulated user lets Munshi sign in by itself."""
        chosen = self._services.logins.of(service).service
        self._services.config.set(AUTH, SIMULATED_HEADLESS, bool(headless), actor=actor_of(request))
        return _to(f"/ui/first-run/brokers/{chosen}?done=auto")

    @allows(Role.OPERATOR)
    def schedules(self, request: Request) -> Response:
        views = self._services.schedules.list_all()
        return self._look.page(
            request,
            "first_schedules.html",
            title="What starts by itself",
            views=views,
            plain_words=PLAIN_WORDS,
        )

    @allows(Role.OPERATOR)
    def choose(self, request: Request, shown: _Names = [], on: _Names = []) -> Response:  # noqa: B006
        """Resume what is ticked and pause what is not, of those that the page showed."""
        schedules, actor = self._services.schedules, actor_of(request)
        for view in schedules.list_all():
            if view.name not in shown or view.schedule is None:
                continue
            if view.name in on and not view.enabled:
                schedules.resume(view.name, actor=actor)
            elif view.name not in on and view.enabled:
                schedules.pause(view.name, actor=actor)
        return _to("/ui/?done=first-run")

    def _broker(
        self,
        request: Request,
        service: Service,
        *,
        typed: TypedCredentials | None = None,
        wrong: dict[str, str] | None = None,
    ) -> Response:
        logins, settings = self._services.logins, self._services.settings
        status = next(each for each in logins.status() if each.service is service)
        return self._look.page(
            request,
            "first_broker.html",
            title=f"Connect {service.title()}",
            status=_UNPROCESSABLE if wrong else 200,
            broker=status,
            is_set_up=logins.look(status).is_set_up,
            simulated_auto=bool(self._services.config.value(AUTH, SIMULATED_HEADLESS)),
            callback=f"{settings.base_url}/auth/{service}/callback",
            next_step=_after(service),
            typed=typed or TypedCredentials(),
            wrong=wrong or {},
        )


def _after(service: Service) -> str:
    brokers = list(Service)
    rest = brokers[brokers.index(service) + 1 :]
    return f"/ui/first-run/brokers/{rest[0]}" if rest else "/ui/first-run/schedules"


def _to(address: str) -> Response:
    return RedirectResponse(address, status_code=303)
