"""Examples of what is done with alerts and their channels; see examples.py."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from asgi import Answer
from audit.people_examples import Guest, GuestCall
from desks import TESTER, Desk
from munshi.audit.ledger_service import AUDIT_BROKEN
from munshi.domain.alerts import Severity
from munshi.domain.audit import MUNSHI
from munshi.domain.briefs import BriefKind
from munshi.domain.config_keys import ALERTS, DEAD_MAN_URL

# Nobody listens there: a message that is sent to it is refused at once.
NOWHERE = "json://127.0.0.1:9/"


def open_alert(desk: Desk) -> str:
    desk.services.kite.book.ask_for_login("Somebody should log in.")
    return str(desk.services.alerts.list_open()[-1].alert_id)


def open_channel(desk: Desk) -> str:
    channels = desk.services.alert_channels
    if "phone" not in [each.name for each in channels.list_channels()]:
        channels.add("phone", NOWHERE, least_severity=Severity.CRITICAL, actor=TESTER)
    return "phone"


def add_silence(guest: Guest) -> Answer:
    ends_at = (guest.clock.now() + timedelta(hours=1)).isoformat()
    body = {"pattern": "login:*", "reason": "We know.", "ends_at": ends_at}
    return guest.post("/alerts/silences", body)


def _end_silence(guest: Guest) -> Answer:
    made = add_silence(guest).json()["silence_id"]
    return guest.post(f"/alerts/silences/{made}/end")


def _add_channel(guest: Guest) -> Answer:
    body = {"name": f"of-{guest.name}", "url": NOWHERE, "least_severity": "critical"}
    return guest.post("/alerts/channels", body)


def _keep(desk: Desk) -> None:
    """Unless a worker runs, that none does is told to a channel which takes nothing."""
    services = desk.services
    services.config.seed(actor=MUNSHI)
    services.config.set(ALERTS, "delivery.most_tries", 1, actor=TESTER)
    services.config.set(ALERTS, DEAD_MAN_URL, "http://127.0.0.1:9/", actor=TESTER)
    open_channel(desk)
    keeper = services.alert_keeper()
    for seconds in (0, 60, 15):
        desk.clock.advance(timedelta(seconds=seconds))
        assert keeper.turn()
    keeper.start()
    keeper.stop()


def _verify(desk: Desk) -> None:
    """By a checkpoint of another trail it is not sound; by its own it is."""
    desk.services.config.seed(actor=MUNSHI)
    desk.services.ledger.seal()
    own = desk.services.ledger.checkpoint()
    other = replace(own, block_hash=bytes(32))
    assert not desk.services.ledger.verify(checkpoint=other).is_sound
    assert AUDIT_BROKEN in [each.kind for each in desk.services.alerts.list_open()]
    assert desk.services.ledger.verify(checkpoint=own).is_sound


ROUTES_OF_ALERTS: dict[tuple[str, str], GuestCall] = {
    ("POST", "/alerts/silences"): add_silence,
    ("POST", "/alerts/silences/{silence_id}/end"): _end_silence,
    ("POST", "/alerts/channels"): _add_channel,
    ("POST", "/alerts/channels/{name}/test"): lambda on: on.post(
        f"/alerts/channels/{open_channel(on.desk)}/test"
    ),
    ("POST", "/alerts/channels/{name}/remove"): lambda on: on.post(
        f"/alerts/channels/{open_channel(on.desk)}/remove"
    ),
    ("POST", "/alerts/{alert}/acknowledge"): lambda on: on.post(
        f"/alerts/{open_alert(on.desk)}/acknowledge"
    ),
    ("POST", "/alerts/{alert}/resolve"): lambda on: on.post(
        f"/alerts/{open_alert(on.desk)}/resolve"
    ),
}


def _brief(desk: Desk) -> None:
    open_channel(desk)
    assert desk.services.briefs.tell(BriefKind.MORNING)[1] > 0


def _clean_up(desk: Desk) -> None:
    desk.services.alerts.resolve(open_alert(desk), actor=TESTER)
    desk.clock.advance(timedelta(days=8))
    assert desk.services.alerts.cleanup(7, actor=TESTER) > 0


WORKS_OF_ALERTS: dict[str, Callable[[Desk], object]] = {
    "old alerts are forgotten": _clean_up,
    "a brief is told": _brief,
    "alerts are kept": _keep,
    "the audit trail is checked": _verify,
}
