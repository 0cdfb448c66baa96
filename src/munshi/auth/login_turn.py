"""Turns: who logs in at a broker does so alone, whatever process asks.

Kite ends a token when it grants another one. Two logins at once could store the older one last.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID, uuid4

from munshi.clock import Clock
from munshi.domain.enums import Service
from munshi.errors import SessionConflictError
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode

# Longer than a broker's time limits for connecting and answering; who dies keeps it no longer.
TURN = timedelta(seconds=60)
_POLL_SECONDS = 0.1


class LoginTurn:
    """One broker's."""

    def __init__(
        self, service: Service, database: Database, clock: Clock, *, mode: BrokerMode
    ) -> None:
        self._service = service
        self._database = database
        self._clock = clock
        self._mode = mode

    @contextmanager
    def taken(self) -> Iterator[bool]:
        """Wait for the turn; whether somebody else had it first.

        Raises SessionConflictError if it does not come within a turn's length.
        """
        holder = uuid4()
        began = self._clock.monotonic()
        has_waited = False
        while not self._take(holder):
            has_waited = True
            if self._clock.monotonic() - began > TURN.total_seconds():
                raise SessionConflictError(
                    f"Another {self._service} login has been running for a minute.",
                    hint="Wait for it; GET /auth/db/status says whether it went well.",
                )
            self._clock.sleep(_POLL_SECONDS)
        try:
            yield has_waited
        finally:
            with self._database.transaction() as tx:
                now = self._clock.now()
                tx.login_states.end_turn(self._service, holder, mode=self._mode, now=now)

    def _take(self, holder: UUID) -> bool:
        now = self._clock.now()
        with self._database.transaction() as tx:
            return tx.login_states.take_turn(
                self._service, holder, until=now + TURN, mode=self._mode, now=now
            )
