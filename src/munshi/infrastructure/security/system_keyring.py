"""The operating system's keyring. Loaded only where it is used: finding its parts takes time."""

from collections.abc import Callable
from threading import Thread

import keyring
from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend
from keyring.errors import KeyringError

SERVICE = "munshi"
ANSWER_SECONDS = 20.0
# Stand-ins that keep nothing, and those that keep it in clear.
_UNREAL = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")


class KeyringSilentError(Exception):
    """No real keyring answers; the text says why."""


def read_entry(name: str) -> str | None:
    """What stands in the keyring under `name`. Raises KeyringSilentError."""
    return _ask(lambda backend: backend.get_password(SERVICE, name))


def write_entry(name: str, text: str) -> None:
    """Raises KeyringSilentError."""
    _ask(lambda backend: backend.set_password(SERVICE, name, text))


def _ask(question: Callable[[KeyringBackend], str | None]) -> str | None:
    """A locked keyring may ask a person who is not there, so it has a time limit."""
    answers: list[str | None] = []
    complaints: list[str] = []

    def ask() -> None:
        try:
            answers.append(question(real_backend()))
        except KeyringSilentError as error:
            complaints.append(str(error))
        except (KeyringError, OSError, RuntimeError) as error:
            complaints.append(type(error).__name__)

    thread = Thread(target=ask, name="keyring", daemon=True)
    thread.start()
    thread.join(ANSWER_SECONDS)
    if answers:
        return answers[0]
    raise KeyringSilentError(complaints[0] if complaints else "it does not answer")


def real_backend() -> KeyringBackend:
    """The keyring in use. Raises KeyringSilentError where there is none that keeps secrets."""
    backend = keyring.get_keyring()
    chain = backend.backends if isinstance(backend, ChainerBackend) else [backend]
    for each in chain:
        if not type(each).__module__.startswith(_UNREAL):
            return each
    raise KeyringSilentError("there is none on this machine")
