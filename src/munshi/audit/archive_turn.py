"""Whose turn it is to work on the archives: one at a time, whatever becomes of the others."""

import os
import platform
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from munshi.clock import Clock, show_ist
from munshi.errors import ArchiveBusyError, DatabaseUnreachableError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.transaction import Transaction

# A killed run holds the others up for so long; each of its transactions takes it anew.
LEASE = timedelta(seconds=60)


class ArchiveTurn:
    """A lease that every transaction of the work renews: who lost it changes nothing more."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._me = f"{platform.node()[:50]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._renewed_at = clock.monotonic()

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Whether there is anything to work on: without a sealed row there is nothing.

        Raises ArchiveBusyError.
        """
        with self._database.reading() as tx:
            is_begun = tx.ledger.is_begun()
        if not is_begun:
            yield False
            return
        self._take()
        try:
            yield True
        finally:
            # If the database is gone, the lease ends by itself.
            with suppress(DatabaseUnreachableError), self._database.operational() as tx:
                tx.archives.end_turn(self._me)

    def renew(self, tx: Transaction) -> None:
        """Call in each transaction that changes something. Raises ArchiveBusyError."""
        if not tx.archives.renew_turn(self._me, lease=LEASE, now=self._clock.now()):
            raise ArchiveBusyError(
                "This run was silent for too long, and another one has taken over.",
                hint="Nothing is lost. Look again when it is done.",
            )
        self._renewed_at = self._clock.monotonic()

    def stay(self) -> None:
        """Call often while no transaction is open. Raises ArchiveBusyError."""
        if self._clock.monotonic() - self._renewed_at > LEASE.total_seconds() / 4:
            with self._database.operational() as tx:
                self.renew(tx)

    def _take(self) -> None:
        now = self._clock.now()
        with self._database.operational() as tx:
            if tx.archives.take_turn(self._me, lease=LEASE, now=now):
                self._renewed_at = self._clock.monotonic()
                return
            turn = tx.archives.get_turn()
        holder, until = turn if turn is not None else ("somebody", now)
        host, _, rest = holder.partition(":")
        raise ArchiveBusyError(
            f"Process {rest.partition(':')[0]} on {host} is at work on the archives.",
            hint=f"If it was killed, its turn ends at {show_ist(until)}; then run the same again.",
        )
