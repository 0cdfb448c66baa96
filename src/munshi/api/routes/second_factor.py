"""The second factor of the own account. Each change asks for a password given recently."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from munshi.api.answers import Body, Shown
from munshi.api.roles import Role, actor_of, allows
from munshi.api.routes.people import Code, DoneAnswer
from munshi.api.sensitive import confirmed
from munshi.bootstrap import Services


class Proof(Body):
    code: Code


class SeedAnswer(Shown):
    """Shown this once. `address` is what an authenticator reads as a QR code."""

    seed: str
    address: str


class RecoveryCodesAnswer(Shown):
    """Shown this once; each is good once, instead of a one-time code."""

    recovery_codes: list[str]


class SecondFactorRoutes:
    """Each call is one service call."""

    def __init__(self, services: Services) -> None:
        self._people = services.people

    def add_to(self, router: APIRouter) -> None:
        post: dict[str, Any] = {"tags": ["people"], "methods": ["POST"]}
        router.add_api_route("/people/totp/offer", self.offer, **post)
        router.add_api_route("/people/totp/enable", self.enable, **post)
        router.add_api_route("/people/totp/disable", self.disable, **post)
        router.add_api_route("/people/recovery-codes", self.renew_codes, **post)

    @allows(Role.VIEWER)
    def offer(self, request: Request) -> SeedAnswer:
        """A seed for your authenticator; it asks nothing of you until a code has proved it."""
        who = confirmed(request, self._people)
        offered = self._people.second_factor.offer(who, actor=actor_of(request))
        return SeedAnswer(seed=offered.seed, address=offered.address)

    @allows(Role.VIEWER)
    def enable(self, body: Proof, request: Request) -> RecoveryCodesAnswer:
        """Put the offered seed in force with the code it shows now; your other sessions end."""
        who = confirmed(request, self._people)
        codes = self._people.second_factor.enable(who, body.code, actor=actor_of(request))
        return RecoveryCodesAnswer(recovery_codes=codes)

    @allows(Role.VIEWER)
    def disable(self, request: Request) -> DoneAnswer:
        """End your second factor with its recovery codes; your other sessions end."""
        who = confirmed(request, self._people)
        self._people.second_factor.disable(who, actor=actor_of(request))
        return DoneAnswer()

    @allows(Role.VIEWER)
    def renew_codes(self, request: Request) -> RecoveryCodesAnswer:
        """Ten new recovery codes instead of all before."""
        who = confirmed(request, self._people)
        codes = self._people.second_factor.renew_recovery_codes(who, actor=actor_of(request))
        return RecoveryCodesAnswer(recovery_codes=codes)
