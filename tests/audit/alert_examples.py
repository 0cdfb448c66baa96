"""Examples of what is done with alerts and their channels; see examples.py."""

from collections.abc import Callable
from datetime import timedelta

from asgi import Answer
from audit.people_examples import Guest, GuestCall
from desks import TESTER, Desk
from munshi.audit.ledger_service import AUDIT_BROKEN
from munshi.domain.alerts import Severity
from munshi.domain.audit import MUNSHI
from munshi.domain.config_keys import ALERTS, DEAD_MAN_URL

# Nobody listens there: a message that is sent to it is refused at once.
NOWHERE = "json://127.0.0.1:9/"


def _alert(desk: Desk) -> str:
    """A critical one that fires."""
    with desk.services.database.transaction() as tx:
        tx.alerts.raise_alert(
            "login:kite",
            kind="told_of",
            severity=Severity.CRITICAL,
            title="Kite ended the login.",
            now=desk.clock.now(),
        )
    return "login:kite"


def _channel(desk: Desk) -> str:
    known = [each.name for each in desk.services.alert_channels.list_channels()]
    if "phone" not in known:
        desk.services.alert_channels.add("phone", NOWHERE, actor=TESTER)
    return "phone"


def _silence(guest: Guest) -> Answer:
    ends_at = (guest.clock.now() + timedelta(hours=1)).isoformat()
    body = {"pattern": "login:*", "reason": "We know.", "ends_at": ends_at}
    return guest.post("/alerts/silences", body)


def _end_silence(guest: Guest) -> Answer:
    made = _silence(guest).json()["silence_id"]
    return guest.post(f"/alerts/silences/{made}/end")


def _add_channel(guest: Guest) -> Answer:
    return guest.post("/alerts/channels", {"name": f"of-{guest.name}", "url": NOWHERE})


def _keep(desk: Desk) -> None:
    """A rule fires, its alert is told, the channel takes nothing and is told of itself."""
    services = desk.services
    services.config.seed(actor=MUNSHI)
    services.config.set(ALERTS, "delivery.most_tries", 1, actor=TESTER)
    services.config.set(ALERTS, DEAD_MAN_URL, "http://127.0.0.1:9/", actor=TESTER)
    _channel(desk)
    _alert(desk)
    keeper = services.alert_keeper()
    for seconds in (0, 15, 60):
        desk.clock.advance(timedelta(seconds=seconds))
        assert keeper.turn()
    keeper.start()
    keeper.stop()


def _sound_again(desk: Desk) -> None:
    with desk.services.database.transaction() as tx:
        tx.alerts.raise_alert(
            AUDIT_BROKEN,
            kind=AUDIT_BROKEN,
            severity=Severity.CRITICAL,
            title="It is not as it was sealed.",
            now=desk.clock.now(),
        )
    assert desk.services.ledger.verify().is_sound


ROUTES_OF_ALERTS: dict[tuple[str, str], GuestCall] = {
    ("POST", "/alerts/silences"): _silence,
    ("POST", "/alerts/silences/{silence_id}/end"): _end_silence,
    ("POST", "/alerts/channels"): _add_channel,
    ("POST", "/alerts/channels/{name}/test"): lambda on: on.post(
        f"/alerts/channels/{_channel(on.desk)}/test"
    ),
    ("POST", "/alerts/channels/{name}/remove"): lambda on: on.post(
        f"/alerts/channels/{_channel(on.desk)}/remove"
    ),
    ("POST", "/alerts/{alert}/acknowledge"): lambda on: on.post(
        f"/alerts/{_alert(on.desk)}/acknowledge"
    ),
    ("POST", "/alerts/{alert}/resolve"): lambda on: on.post(f"/alerts/{_alert(on.desk)}/resolve"),
}
WORKS_OF_ALERTS: dict[str, Callable[[Desk], object]] = {
    "alerts are kept and told": _keep,
    "the audit trail is sound again": _sound_again,
}
