"""The questions of `munshi connect`, and where the answers go."""

from dataclasses import replace
from pathlib import Path

import typer

from munshi.auth.credentials import BrokerCredentials, env_credentials
from munshi.domain.enums import Service
from munshi.errors import CredentialsMissingError
from munshi.infrastructure.env_file import read_env_file
from munshi.infrastructure.security.totp import read_seed

OPT_IN = "Let Munshi log in by itself? It then keeps"


def choose_credentials(
    service: Service, env_file: Path, *, from_env: bool, headless: bool
) -> BrokerCredentials:
    """What `.env` holds, if that is wanted, else what the user answers.

    Raises CredentialsMissingError where `from_env` finds nothing, and TotpSeedInvalidError.
    """
    found = env_credentials(service, read_env_file(env_file))
    if found is None:
        if not from_env:
            return ask_credentials(service)
        raise CredentialsMissingError(
            f"{env_file} has no {service.upper()}_API_KEY and {service.upper()}_API_SECRET.",
            hint=f"Give them by hand: munshi connect {service}",
        )
    if not from_env:
        if not typer.confirm(f"{env_file} has them. Use those?"):
            return ask_credentials(service)
        if found.password and found.totp_seed:
            headless = typer.confirm(f"{OPT_IN} its password and TOTP seed too", default=False)
    return narrow(found, headless=headless)


def ask_credentials(service: Service) -> BrokerCredentials:
    """Ask for everything; secrets are not echoed. Raises TotpSeedInvalidError."""
    api_key = typer.prompt(f"{service} API key").strip()
    api_secret = typer.prompt(f"{service} API secret", hide_input=True).strip()
    user_id = typer.prompt(
        "Your user id there (others are then refused; empty for any)",
        default="",
        show_default=False,
    ).strip()
    password = seed = None
    headless = typer.confirm(f"{OPT_IN} your password and TOTP seed, encrypted", default=False)
    if headless:
        user_id = user_id or typer.prompt("Your user id there, to log in with").strip()
        password = typer.prompt("Password", hide_input=True)
        seed = typer.prompt("TOTP seed (the base32 text, not a code)", hide_input=True).strip()
        read_seed(seed)
    return BrokerCredentials(
        api_key=api_key,
        api_secret=api_secret,
        user_id=user_id or None,
        password=password,
        totp_seed=seed,
        headless=headless,
        origin="command line",
    )


def narrow(found: BrokerCredentials, *, headless: bool) -> BrokerCredentials:
    """What to keep of a `.env`: its password and seed only with the user's leave.

    Raises CredentialsMissingError if there is not all that a headless login needs.
    """
    if not headless:
        return replace(found, password=None, totp_seed=None)
    if not (found.user_id and found.password and found.totp_seed):
        raise CredentialsMissingError(
            "A headless login needs the user id, password and TOTP seed, and .env lacks some.",
            hint="Add them there, or leave --headless out.",
        )
    read_seed(found.totp_seed)
    return replace(found, headless=True)
