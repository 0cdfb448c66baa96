"""The page of a login's states, with its picture, made from the transition table."""

from collections.abc import Mapping

from job_states import Place, drawing

from munshi.domain.sessions import TRANSITIONS, SessionEvent, SessionState

PLACES: Mapping[str, Place] = {
    SessionState.ABSENT: (90, 60),
    SessionState.ACTIVE: (360, 60),
    SessionState.EXPIRING: (640, 160),
    SessionState.REJECTED: (90, 260),
    SessionState.EXPIRED: (360, 260),
}
MEANINGS = {
    SessionState.ABSENT: "nobody has logged in, or a person has ended the login",
    SessionState.ACTIVE: "calls are made with it",
    SessionState.EXPIRING: "as active, but its end is near (`auth/expiry_warning_minutes`)",
    SessionState.EXPIRED: "its time is up",
    SessionState.REJECTED: "the broker refused a call made with it; nobody uses it any more",
}
EVENTS = {
    SessionEvent.LOGIN: "a login, by whatever way: what waits for it wakes, the alert is resolved",
    SessionEvent.WARNING: "the set time before its end has come: an alert, once",
    SessionEvent.END: "06:00 (Kite) or midnight (Breeze), Indian time: an alert, once",
    SessionEvent.REJECTION: "the broker refuses it: one row of the audit, an alert with the link",
    SessionEvent.PROBE: "the broker takes it again; tried once a minute at most",
    SessionEvent.DISCONNECT: "`munshi disconnect`",
}
HEAD = """\
# States of a broker's login

`munshi status` and `GET /auth/db/status` show them. The table stands in `domain/sessions.py`; where
a login stands follows from its row in `AuthSessions` and the time, so no state is ever stale. What
happens in a state that does not name it changes nothing: a rejection of a login that was replaced,
for one. [How to live with it](../how-to/sessions.md).

"""


def session_states_page() -> str:
    """Markdown with the drawing in it."""
    arrows = [
        (state, after)
        for state, moves in TRANSITIONS.items()
        for after in dict.fromkeys(moves.values())
        if after is not state
    ]
    picture = drawing(
        PLACES, arrows, final=(), label="States of a login and what may follow what", height=320
    )
    lines = [HEAD, picture, "\n\n| state | meaning | after |\n|---|---|---|\n"]
    for state in SessionState:
        moves = ", ".join(f"{event}: {after}" for event, after in TRANSITIONS[state].items())
        lines.append(f"| {state} | {MEANINGS[state]} | {moves} |\n")
    lines.append("\n| event | what it is |\n|---|---|\n")
    lines += [f"| {event} | {EVENTS[event]} |\n" for event in SessionEvent]
    return "".join(lines)
