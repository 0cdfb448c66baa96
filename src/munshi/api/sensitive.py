"""Sensitive acts: what an administrator alone may do, and what wants the password once more."""

from collections.abc import Iterable

from starlette.requests import Request

from munshi.api.roles import Role, require, signed_in_of
from munshi.bootstrap.people import People
from munshi.domain.config_keys import find_key
from munshi.domain.people import SignedIn


def confirmed(request: Request, people: People) -> SignedIn:
    """Whoever does the sensitive act.

    Raises SessionNeededError for API keys and plain calls, and PasswordConfirmationNeededError.
    """
    who = signed_in_of(request)
    people.sign_ins.require_confirmation(who)
    return who


def require_right_to_change(request: Request, keys: Iterable[tuple[str, str]]) -> None:
    """Raise AccessDeniedError unless the caller may change all of these settings.

    Raises ConfigTypeUnknownError and ConfigKeyUnknownError.
    """
    if any(find_key(*key).needs_admin for key in keys):
        require(request, Role.ADMIN)
