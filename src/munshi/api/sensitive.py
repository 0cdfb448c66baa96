"""Sensitive acts: a person who signed in, and gave the password a short while ago."""

from starlette.requests import Request

from munshi.api.roles import signed_in_of
from munshi.bootstrap.people import People
from munshi.domain.people import SignedIn


def confirmed(request: Request, people: People) -> SignedIn:
    """Whoever does the sensitive act.

    Raises SessionNeededError for API keys and plain calls, and PasswordConfirmationNeededError.
    """
    who = signed_in_of(request)
    people.sign_ins.require_confirmation(who)
    return who
