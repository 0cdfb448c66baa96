"""A desk on either database, wired as `munshi serve` wires it, on the simulator's clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clocks import FakeClock
from desks import Desk
from munshi.bootstrap import BrokerEndpoints, open_services
from munshi.domain.audit import AuditEntry
from munshi.domain.enums import Service
from munshi.domain.sessions import SessionState
from munshi.settings import Settings, load_settings
from simulators import Simulator


def settings_at(home: Path, url: str) -> Settings:
    return load_settings(_env_file=None, home=home, database_url=url, env_file=home / ".env")


@contextmanager
def open_anywhere(
    settings: Settings, simulator: Simulator, *, clock: FakeClock | None = None
) -> Iterator[Desk]:
    """`clock` is the desk's own; the broker's without one."""
    at, mine = BrokerEndpoints.at(simulator.url), clock or simulator.clock
    with open_services(settings, clock=mine, endpoints=at) as services:
        yield Desk(services=services, simulator=simulator, clock=mine)


def state_of(desk: Desk, service: Service) -> SessionState:
    return {each.service: each.state for each in desk.services.logins.status()}[service]


def audited(desk: Desk, service: Service, action: str) -> list[AuditEntry]:
    page = desk.services.audit.page(entity_type="auth", entity_id=service, limit=100)
    return [entry for entry in page.entries if entry.action == action]


def alerts_about(desk: Desk, service: Service) -> list[str]:
    """Titles of open alerts."""
    return [each.title for each in desk.services.alerts.list_open() if each.subject == service]


def refused_calls(simulator: Simulator) -> int:
    """How many calls came with a token that Kite did not take."""
    calls = simulator.arrivals(service="kite")
    return sum(call.status == 403 for call in calls)
