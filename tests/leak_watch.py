"""Watches what a desk says and leaves behind, and finds in it whatever the desk keeps secret."""

import io
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import structlog

from asgi import HEARERS, Answer
from leaks import SHORTEST, files_of, find_secrets
from munshi.bootstrap import Services
from munshi.errors import DatabaseUnreachableError
from munshi.infrastructure.brokers.simulator.seed import BREEZE_USER, KITE_USER
from munshi.logging_setup import configure_logging
from sealed_values import sealed_values

# The calls whose very purpose is to tell a secret once, such as "POST /seeds".
TELLING: frozenset[str] = frozenset(
    {
        *("POST /people/sign-in", "POST /people/confirm", "POST /people/password"),
        *("POST /people/totp/offer", "POST /people/totp/enable", "POST /people/recovery-codes"),
        *("POST /ui/sign-in", "POST /api-keys", "POST /users"),
    }
)
# What the simulated brokers keep of their users is theirs.
BROKERS_OWN = "simulator."


class LeakWatch:
    """Every answer of the API, the log at DEBUG, and what a test adds."""

    def __init__(self) -> None:
        self.places: dict[str, bytes] = {}
        self._log = io.StringIO()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Answers and log lines of this process, within."""
        root, before = logging.getLogger(), structlog.get_config()
        handlers, level = root.handlers, root.level
        configure_logging("DEBUG", stream=self._log)
        HEARERS.append(self._hear)
        try:
            yield
        finally:
            HEARERS.remove(self._hear)
            root.handlers = handlers
            root.setLevel(level)
            structlog.configure(**before)

    def find(
        self,
        services: Services,
        *,
        untouched: bytes = b"",
        also: Iterable[str] = (),
        most: int | None = None,
    ) -> list[str]:
        """Where which secret was found, of what the desk sealed and `also` of what it did not.

        Files that are `untouched` are not looked into. Of more secrets than `most` every second,
        third and so on is looked for.
        """
        files = {
            name: content
            for name, content in files_of(services.settings.home).items()
            if content != untouched and not name.startswith(BROKERS_OWN)
        }
        places = {**files, **self.places, "log": self._log.getvalue().encode()}
        secrets = sorted({*secrets_of(services), *also})
        step = 1 if most is None else -(-len(secrets) // most)
        return find_secrets(secrets[::step], places)

    def _hear(self, call: str, answer: Answer) -> None:
        if call in TELLING:
            return
        name = f"{len(self.places)} {call}"
        self.places[name] = str(answer.headers).encode() + answer.body


def secrets_of(services: Services) -> list[str]:
    """What the desk has sealed, and what the simulated brokers know of their users."""
    known = {
        text
        for user in (KITE_USER, BREEZE_USER)
        for text in (user.app_secret, user.password, user.totp_seed)
    }
    with suppress(DatabaseUnreachableError):  # a test may have taken it away
        known |= sealed_values(services)
    return sorted(text for text in known if len(text) >= SHORTEST)
