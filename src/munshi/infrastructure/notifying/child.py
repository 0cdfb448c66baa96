"""The process that sends one message through Apprise: a job on stdin, one line of answer on stdout.

It is a process of its own because a plugin may hang, and because Apprise is heavy. Nobody imports
this module; the address, which holds credentials, never stands in an argument.
"""

import json
import logging
import sys

import apprise

# What the libraries below Apprise say when nothing can have arrived.
_NEVER_THERE = ("newconnectionerror", "connecttimeout", "nameresolution", "connection refused")
_FORM = "%(levelname)s %(message)s"
_NO_ANSWER = ("connection error", "timed out", "timeout", "socket exception")


def main() -> None:
    """Answer `{"outcome": "sent"|"refused"|"unanswered"|"invalid", "answer": "…"}`."""
    asked = json.loads(sys.stdin.buffer.read())
    outcome, answer = _send(asked)
    sys.stdout.write(json.dumps({"outcome": outcome, "answer": answer}) + "\n")


def _send(asked: dict[str, object]) -> tuple[str, str]:
    plugin = apprise.Apprise.instantiate(str(asked["url"]), suppress_exceptions=True)
    if plugin is None:
        return "invalid", "Apprise does not know such an address."
    if asked.get("only_check"):
        return "sent", ""
    plugin.socket_connect_timeout = plugin.socket_read_timeout = float(str(asked["seconds"]))
    # Its details are for judging alone: they may repeat the address.
    with apprise.LogCapture(level=logging.DEBUG, fmt=_FORM) as said:  # type: ignore[no-untyped-call]
        is_sent = plugin.notify(
            title=str(asked["title"]),
            body=str(asked["body"]),
            notify_type=str(asked["type"]),
            body_format=apprise.NotifyFormat.TEXT,
        )
        log = said.getvalue()
    if is_sent:
        return "sent", "It was taken."
    lines = [line.removeprefix("WARNING ") for line in log.splitlines() if _is_grave(line)]
    details = log.lower()
    is_doubtful = any(word in details for word in _NO_ANSWER) and not any(
        word in details for word in _NEVER_THERE
    )
    return ("unanswered" if is_doubtful else "refused"), " ".join(lines) or "It was not taken."


def _is_grave(line: str) -> bool:
    return line.startswith(("WARNING ", "ERROR "))


if __name__ == "__main__":
    main()
