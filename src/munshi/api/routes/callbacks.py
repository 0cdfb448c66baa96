"""Where a person sets out for a broker's login page, and where the broker sends them back."""

from collections.abc import Callable
from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.pages import page
from munshi.api.problems import problem
from munshi.api.roles import Role, allows, facts_of
from munshi.bootstrap import Services
from munshi.domain.enums import Service
from munshi.errors import AppError, BrokerLoginRefusedError

_Text = Annotated[str, Query(max_length=500)]


class CallbackRoutes:
    """Open to browsers without a session: a ticket or a pending login is the key here."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["broker redirects"], "response_class": Response}
        router.add_api_route("/auth/{service}/start", self.start, **options)
        router.add_api_route("/auth/kite/callback", self.kite, **options)
        router.add_api_route("/auth/breeze/callback", self.breeze, **options)
        router.add_api_route(
            "/auth/breeze/callback",
            self.breeze_form,
            methods=["POST"],
            operation_id="breeze_callback_by_form",
            **options,
        )

    @allows(Role.PUBLIC)
    def start(self, service: str, request: Request, ticket: _Text = "") -> Response:
        """Go on to the broker's login page, with the ticket of a login link."""
        return self._answer(
            request,
            lambda: RedirectResponse(
                self._services.logins.of(service).start_login(ticket), status_code=303
            ),
        )

    @allows(Role.PUBLIC)
    def kite(
        self, request: Request, request_token: _Text = "", status: _Text = "", state: _Text = ""
    ) -> Response:
        """Kite's redirect. Accepted once, while a login with this state is pending."""

        def complete() -> Response:
            if not request_token:
                raise _nothing_granted(Service.KITE, status)
            self._services.kite.complete_redirect(request_token, state)
            return _done(Service.KITE)

        return self._answer(request, complete)

    @allows(Role.PUBLIC)
    def breeze(self, request: Request, apisession: _Text = "") -> Response:
        """ICICI's redirect. Accepted once, while a login is pending."""
        return self._breeze(request, apisession)

    @allows(Role.PUBLIC)
    def breeze_form(
        self,
        request: Request,
        api_session: Annotated[str, Form(alias="API_Session", max_length=500)] = "",
        apisession: _Text = "",
    ) -> Response:
        """ICICI's redirect as the form it posts."""
        return self._breeze(request, api_session or apisession)

    def _breeze(self, request: Request, api_session: str) -> Response:
        def complete() -> Response:
            if not api_session:
                raise _nothing_granted(Service.BREEZE, "")
            self._services.breeze.complete_redirect(api_session)
            return _done(Service.BREEZE)

        return self._answer(request, complete)

    def _answer(self, request: Request, act: Callable[[], Response]) -> Response:
        """What `act` answers; a refusal is a page for people and a problem for programs."""
        try:
            return act()
        except AppError as error:
            request_id = facts_of(request).request_id
            if "text/html" not in request.headers.get("accept", ""):
                return problem(error, request_id=request_id)
            refusal = page(
                error.title(),
                f"<main><h1>{escape(error.title())}</h1><p>{escape(error.detail)}</p>"
                f"<p>{escape(error.hint or '')}</p><p>Request {request_id}</p></main>",
                mode=self._services.settings.brokers,
            )
            refusal.status_code = error.status
            return refusal


def _done(service: Service) -> Response:
    return RedirectResponse(f"/ui/login/done?service={service}", status_code=303)


def _nothing_granted(service: Service, status: str) -> BrokerLoginRefusedError:
    said = f" and says {status!r}" if status else ""
    return BrokerLoginRefusedError(
        f"{service} sent nothing to log in with{said}.", hint=f"Try again: munshi login {service}"
    )
