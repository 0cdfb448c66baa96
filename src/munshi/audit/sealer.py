"""Seals the audit trail: rows into blocks, each tied to the one before and signed."""

import os
import platform
import secrets
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from munshi.clock import Clock
from munshi.domain.ledger.blocks import MOST_ROWS, Head, next_block
from munshi.domain.ledger.checkpoints import checkpoint_body, key_fingerprint
from munshi.errors import DatabaseUnreachableError, LedgerBrokenError, SecretUnreadableError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.ledger_repository import SignedBlock, Waiting
from munshi.infrastructure.database.sealing_board import SealingBoard
from munshi.infrastructure.database.transaction import Transaction
from munshi.infrastructure.security.signing import SigningKey

# A row waits so long for others to be sealed with it.
PAUSE_SECONDS = 0.25
# So long others leave the sealing to whoever seals; it is taken anew with every block.
LEASE = timedelta(seconds=0.5)
# So many at once where more waits: one commit for all of them.
MOST_BLOCKS = 16
_log = structlog.get_logger(__name__)


class Sealer:
    """Any number may run on one database; a block's number can be taken only once.

    The lease spares the others the work: they would find each time that they came too late.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._board = SealingBoard(database)
        self._me = f"{platform.node()[:50]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._key: SigningKey | None = None
        self._is_ready = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Seal in a thread until `stop`."""
        self._thread = threading.Thread(target=self._run, name="audit-sealer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Seal what still waits, and end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def seal_all(self) -> int:
        """Seal everything that can be sealed now; how many rows. Waits for no lease."""
        sealed = 0
        while taken := self._seal(alone=False):
            sealed += taken
        return sealed

    def seal_some(self) -> int:
        """Seal some blocks of what waits, if nobody else seals at the time; how many rows."""
        return self._seal(alone=True)

    def _run(self) -> None:
        while not self._stop.wait(PAUSE_SECONDS):
            self._seal_quietly()
        self._seal_quietly()

    def _seal_quietly(self) -> None:
        try:
            while self.seal_some() == MOST_BLOCKS * MOST_ROWS:
                pass
        except (DatabaseUnreachableError, SecretUnreadableError) as error:
            self._is_ready = False
            _log.warning("audit_not_sealed", cause=str(error))

    def _seal(self, *, alone: bool) -> int:
        """Some of what waits; how many rows, 0 where there is none or somebody else seals."""
        if not self._is_ready:
            self._make_ready()
        if not self._board.has_waiting():
            return 0
        now = self._clock.now()
        with self._database.observing() as tx:
            if alone and tx.ledger.is_leased_to_another(self._me, now=now):
                return 0
            head, cursor = tx.ledger.get_head()
            waiting = tx.ledger.list_waiting(cursor, blocks=MOST_BLOCKS)
        if not waiting:
            return 0
        with self._database.transaction() as tx:
            if alone and not tx.ledger.take_lease(self._me, lease=LEASE, now=now):
                return 0
            is_sealed = self._append(tx, head, waiting) is not None
        return sum(len(each.ids) for each in waiting) if is_sealed else 0

    def _append(self, tx: Transaction, head: Head, waiting: Sequence[Waiting]) -> Head | None:
        """The head behind the new blocks; None if somebody else was there first."""
        key = self._signing_key(tx)
        blocks = []
        for each in waiting:
            block = next_block(head, each.ids, each.leaves, sealed_at=self._clock.now())
            head = block.head
            body = checkpoint_body(
                block.ledger_id,
                number=block.number,
                size=block.end_position,
                block_hash=block.block_hash,
                public_key=key.public,
            )
            blocks.append(
                SignedBlock(
                    block=block,
                    cursor=each.cursor,
                    key_id=key_fingerprint(key.public),
                    signature=key.sign(body),
                )
            )
        return head if tx.ledger.save_blocks(blocks) else None

    def _make_ready(self) -> None:
        """Give the ledger its name; go on by another server's count if the rows were moved."""
        with self._database.observing() as tx:
            is_begun, is_elsewhere = tx.ledger.is_begun(), tx.ledger.is_elsewhere()
        if not is_begun:
            with self._database.transaction() as tx:
                tx.ledger.begin()
        if is_elsewhere:
            begin_era(self._database, self._append)
        self._is_ready = True

    def _signing_key(self, tx: Transaction) -> SigningKey:
        if self._key is None:
            self._key = tx.audit_keys.get_signing_key(now=self._clock.now())
        return self._key


def begin_era(
    database: Database, append: Callable[[Transaction, Head, Sequence[Waiting]], Head | None]
) -> None:
    """Seal every row there is and count on by this server, whose transactions begin anew.

    Nobody writes audit rows meanwhile.
    """
    with database.transaction() as tx:
        tx.ledger.stand_still()
        if not tx.ledger.is_elsewhere():
            return
        head, cursor = tx.ledger.get_head()
        for ids, leaves in tx.ledger.list_never_sealed():
            behind = append(tx, head, [Waiting(ids=ids, leaves=leaves, cursor=cursor)])
            if behind is None:
                raise LedgerBrokenError("Somebody else seals while the rows are being moved.")
            head = behind
        tx.ledger.begin_era()
