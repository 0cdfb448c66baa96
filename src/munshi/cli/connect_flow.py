"""The questions of `munshi connect`, and where the answers go."""

import typer

from munshi.auth.credentials import BrokerCredentials
from munshi.bootstrap import Services
from munshi.domain.audit import COMMAND_LINE
from munshi.domain.config_keys import AUTH, BROKER_KEYS
from munshi.domain.enums import Service
from munshi.infrastructure.security.totp import read_seed


def ask_credentials(service: Service) -> BrokerCredentials:
    """Ask for everything; secrets are not echoed. Raises TotpSeedInvalidError."""
    api_key = typer.prompt(f"{service} API key").strip()
    api_secret = typer.prompt(f"{service} API secret", hide_input=True).strip()
    user_id = typer.prompt(
        "Your user id there (others are then refused; empty for any)",
        default="",
        show_default=False,
    ).strip()
    headless = typer.confirm(
        "Let Munshi log in by itself? It then keeps your password and TOTP seed, encrypted",
        default=False,
    )
    password = seed = None
    if headless:
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


def store_credentials(
    services: Services, service: Service, credentials: BrokerCredentials
) -> list[str]:
    """Store what is given; the names of what was stored."""
    keys = BROKER_KEYS[service]
    given: dict[str, object] = {
        keys.api_key: credentials.api_key,
        keys.api_secret: credentials.api_secret,
        keys.user_id: credentials.user_id,
        keys.password: credentials.password,
        keys.totp_seed: credentials.totp_seed,
        keys.headless: credentials.headless or None,
    }
    stored = {name: value for name, value in given.items() if value is not None}
    for name, value in stored.items():
        services.config.set(AUTH, name, value, actor=COMMAND_LINE)
    return list(stored)
