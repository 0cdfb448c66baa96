"""Hands one message to a channel, in a process of its own that may not take too long."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from munshi.domain.alert_delivery import DeliveryOutcome
from munshi.domain.alerts import Severity
from munshi.errors import AlertChannelInvalidError

# What starting Python and Apprise may take, beyond what the channel may.
START_SECONDS = 20.0
_TYPES = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "failure"}
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,49}(?=://)")
# These put a message on this machine's own screen or disk, or read local files to send.
_NEVER = frozenset({"dbus", "gnome", "kde", "glib", "qt", "macosx", "windows", "syslog", "file"})
_SHORTEST_SECRET = 4
_LONGEST_ANSWER = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One message for one address."""

    url: str
    title: str
    body: str
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of it. `said` has no part of the address."""

    outcome: DeliveryOutcome
    said: str


def scheme_of(url: str) -> str:
    """The kind of channel an address is for. Raises AlertChannelInvalidError."""
    found = _SCHEME.match(url)
    if found is None or found.group() in _NEVER:
        raise AlertChannelInvalidError(
            "That is no address of a channel.",
            hint="Write it as Apprise does, such as tgram://TOKEN/CHAT, mailto://… or json://…",
        )
    return found.group()


def check_url(url: str) -> None:
    """Raises AlertChannelInvalidError for an address that Apprise does not understand."""
    scheme_of(url)
    try:
        answer = _ask({"url": url, "only_check": True}, seconds=0.0)
    except subprocess.TimeoutExpired as error:
        raise AlertChannelInvalidError(
            f"Apprise did not say within {START_SECONDS:g} s whether it understands this address.",
            hint="This machine is busy; try it again.",
        ) from error
    if answer.get("outcome") != "sent":
        raise AlertChannelInvalidError(
            "Apprise does not understand this address.",
            hint="Each service's form stands at https://appriseit.com/services/",
        )


def send(sending: Sending, *, seconds: float) -> Answer:
    """Hand it over; no more than `seconds` for the channel, and never an exception for its sake."""
    asked = {
        "url": sending.url,
        "title": sending.title,
        "body": sending.body,
        "type": _TYPES[sending.severity],
        "seconds": seconds,
    }
    try:
        answer = _ask(asked, seconds=seconds)
    except subprocess.TimeoutExpired:
        return Answer(outcome=DeliveryOutcome.UNANSWERED, said=f"No answer within {seconds:g} s.")
    outcome = {
        "sent": DeliveryOutcome.SENT,
        "unanswered": DeliveryOutcome.UNANSWERED,
    }.get(str(answer.get("outcome")), DeliveryOutcome.REFUSED)
    said = without_secrets(str(answer.get("answer", "")), sending.url)
    return Answer(outcome=outcome, said=said[:_LONGEST_ANSWER])


def _ask(asked: dict[str, object], *, seconds: float) -> dict[str, object]:
    """Raises subprocess.TimeoutExpired when the child was ended."""
    ran = subprocess.run(
        [sys.executable, "-m", "munshi.infrastructure.notifying.child"],
        input=json.dumps(asked).encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=START_SECONDS + seconds,
        check=False,
        env={name: value for name, value in os.environ.items() if not _is_ours(name)},
    )
    try:
        answer = json.loads(ran.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        # It may have died before or behind the sending.
        return {"outcome": "unanswered", "answer": f"The sender ended with {ran.returncode}."}
    return answer if isinstance(answer, dict) else {}


def _is_ours(name: str) -> bool:
    return name.startswith("MUNSHI_")


def without_secrets(text: str, url: str) -> str:
    """`text` without any part of the address, which may be a token or a password."""
    rest = urlsplit(url)
    parts = re.split(r"[/:@?&=,]", url.removeprefix(f"{rest.scheme}://"))
    secrets = {part for part in parts if len(part) >= _SHORTEST_SECRET}
    secrets |= {unquote(part) for part in secrets}
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
