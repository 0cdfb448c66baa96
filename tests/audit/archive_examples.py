"""Examples of what is done with archives of the audit trail; see examples.py."""

from collections.abc import Callable
from datetime import timedelta

from asgi import Answer
from audit.people_examples import Guest, GuestCall
from clocks import FakeClock
from desks import TESTER, Desk
from munshi.audit.archive_service import ArchiveService
from munshi.domain.audit import Actor


def made_archive(desk: Desk) -> str:
    """All that stands in the trail, in an archive; the newest one's name."""
    with desk.services.database.transaction() as tx:
        tx.audit.log("job", "created", actor=_SOMEBODY, now=desk.clock.now())
    desk.services.ledger.seal()
    until = desk.clock.now() + timedelta(seconds=1)
    return desk.services.archives.archive(before=until, actor=TESTER)[-1].name


def _restore(guest: Guest) -> Answer:
    return guest.post(f"/audit/archives/{made_archive(guest.desk)}/restore")


def _erase(guest: Guest) -> Answer:
    made_archive(guest.desk)
    return guest.post("/audit/erase", {"user": _SOMEBODY.user_id})


def _erase_value(desk: Desk) -> None:
    made_archive(desk)
    assert desk.services.archives.erase(value=_SOMEBODY.ip_address, actor=TESTER).values


def _drop(desk: Desk) -> None:
    made_archive(desk)
    later = FakeClock(desk.clock.now() + timedelta(days=4000))
    archives = ArchiveService(desk.services.database, later, home=desk.services.settings.home)
    assert archives.drop(keep=timedelta(days=1826), actor=TESTER)


_SOMEBODY = Actor(user_id="somebody", ip_address="203.0.113.5")
ROUTES_OF_ARCHIVES: dict[tuple[str, str], GuestCall] = {
    ("POST", "/audit/archives/{name}/restore"): _restore,
    ("POST", "/audit/erase"): _erase,
}
WORKS_OF_ARCHIVES: dict[str, Callable[[Desk], object]] = {
    "old rows are archived": made_archive,
    "a value is erased wherever it stands": _erase_value,
    "an old archive is dropped": _drop,
}
