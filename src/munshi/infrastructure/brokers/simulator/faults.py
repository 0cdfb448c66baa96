"""Faults that can be switched on, each the way the broker in question shows it."""

from dataclasses import dataclass
from enum import StrEnum

from munshi.infrastructure.brokers.simulator.endpoints import Endpoint
from munshi.infrastructure.brokers.simulator.state import SimulatorState

SIGNING_IN = {"login", "session", "master"}


class FaultKind(StrEnum):
    """What goes wrong. `reset` closes the connection after the call has taken effect.

    `late` lets the call take effect at once and answers later.
    An open stream is cut by `drop`, says nothing more by `silent`, not even a heartbeat, and
    brings a message that cannot be read by `garbage`.
    """

    THROTTLE = "throttle"
    THROTTLE_TEXT = "throttle_text"
    DAILY_LIMIT = "daily_limit"
    BAD_GATEWAY = "bad_gateway"
    UNAVAILABLE = "unavailable"
    HTML = "html"
    HANG = "hang"
    RESET = "reset"
    LATE = "late"
    EXPIRED_TOKEN = "expired_token"  # noqa: S105
    DROP = "drop"
    SILENT = "silent"
    GARBAGE = "garbage"


# These befall a stream that is open; the others befall a call, or the opening of a stream.
OF_STREAMS = frozenset({FaultKind.DROP, FaultKind.SILENT, FaultKind.GARBAGE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Applies to `endpoint_class` of `service` ("*" is any), `remaining` times or until cleared.

    `seconds` is how long a hang lasts before the call is answered after all, or a late answer
    takes.
    """

    id: int
    service: str
    endpoint_class: str
    kind: FaultKind
    remaining: int | None
    seconds: float


class FaultBoard:
    """The switches, kept in the state file so that a restart does not mend the broker."""

    def __init__(self, state: SimulatorState) -> None:
        self._state = state

    def list_faults(self) -> list[Fault]:
        return [
            Fault(**{**dict(row), "kind": FaultKind(row["kind"])})
            for row in self._state.run("SELECT * FROM faults ORDER BY id")
        ]

    def switch_on(
        self,
        kind: FaultKind,
        *,
        service: str = "*",
        endpoint_class: str = "*",
        count: int | None = None,
        seconds: float = 0.0,
    ) -> int:
        """Returns the fault's number. `count=None` lasts until cleared."""
        [row] = self._state.run(
            "INSERT INTO faults (service, endpoint_class, kind, remaining, seconds)"
            " VALUES (?, ?, ?, ?, ?) RETURNING id",
            (service, endpoint_class, kind.value, count, seconds),
        )
        return int(row["id"])

    def clear(self, *, service: str | None = None) -> int:
        """Mend everything, or one broker. Returns how many switches were on."""
        rows = self._state.run(
            "DELETE FROM faults WHERE ? IS NULL OR service = ? RETURNING id", (service, service)
        )
        return len(rows)

    def take(self, endpoint: Endpoint, *, of_streams: bool = False) -> Fault | None:
        """The oldest switch that fits this call, or an open stream, used up by one."""
        for fault in self.list_faults():
            if (fault.kind in OF_STREAMS) is of_streams and _fits(fault, endpoint):
                self._use(fault)
                return fault
        return None

    def _use(self, fault: Fault) -> None:
        if fault.remaining is None:
            return
        if fault.remaining <= 1:
            self._state.run("DELETE FROM faults WHERE id = ?", (fault.id,))
        else:
            self._state.run("UPDATE faults SET remaining = remaining - 1 WHERE id = ?", (fault.id,))


def _fits(fault: Fault, endpoint: Endpoint) -> bool:
    """An expired token, unless aimed at them, leaves alone the calls that bring a new one."""
    if fault.service not in {"*", endpoint.service}:
        return False
    if fault.endpoint_class != "*":
        return fault.endpoint_class == endpoint.endpoint_class
    return not (fault.kind is FaultKind.EXPIRED_TOKEN and endpoint.endpoint_class in SIGNING_IN)
