"""A sealed trail of which some can be archived, for the tests of archives."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import text

from clocks import FakeClock
from munshi.audit.archive_service import ArchiveService
from munshi.audit.ledger_service import LedgerService
from munshi.domain.audit import Actor
from munshi.infrastructure.archives import ArchiveFolder
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.transaction import Transaction

ASHA = Actor(user_id="asha", ip_address="192.0.2.7", request_id="r1")
RAVI = Actor(user_id="ravi", ip_address="198.51.100.9")
DESK = Actor(user_id="munshi")
_COLUMNS = {
    "sqlite": "*",
    "postgresql": "id, transaction_id::text, format_version, entity_type, entity_id, action, "
    "old_value::text, new_value::text, timestamp, user_id, request_id, job_id, details::text, "
    "canonical, leaf",
}


class ArchiveGround:
    """Writes rows a second apart, seals them in blocks of its own choosing, and looks."""

    def __init__(self, database: Database, clock: FakeClock, home: Path) -> None:
        self.database = database
        self.clock = clock
        self.home = home
        self.ledger = LedgerService(database, clock, home=home)
        self.archives = ArchiveService(database, clock, home=home)
        self.folder = ArchiveFolder(home)
        self.written = 0

    def write(self, many: int, *, actor: Actor = ASHA) -> None:
        with self.database.transaction() as tx:
            for _ in range(many):
                self._log(tx, actor)
        self.clock.sleep(1.0)

    def sealed(self, *blocks: int, actor: Actor = ASHA) -> None:
        """Blocks of so many rows each, a second apart."""
        for many in blocks:
            self.write(many, actor=actor)
            self.seal()

    def seal(self) -> None:
        """Seal all there is; PostgreSQL lets it wait while an older transaction runs anywhere."""
        self.ledger.seal()
        while self.ledger.state().unsealed_rows:
            self.ledger.seal()

    def archive_all(self) -> list[str]:
        made = self.archives.archive(before=self.clock.now(), actor=DESK)
        self.seal()
        return [each.name for each in made]

    def rows(self, last: int = 2**40) -> Sequence[Any]:
        """The rows of AuditLogs up to `last`, byte for byte."""
        columns = _COLUMNS[self.database.dialect]
        with self.database.engine.connect() as connection:
            return connection.execute(
                text(f'SELECT {columns} FROM "AuditLogs" WHERE id <= {last} ORDER BY id')
            ).fetchall()

    def count(self, table: str, where: str = "1 = 1") -> int:
        with self.database.engine.connect() as connection:
            found = connection.execute(text(f'SELECT count(*) FROM "{table}" WHERE {where}'))
            return int(found.scalar_one())

    def state(self, name: str) -> str | None:
        with self.database.reading() as tx:
            archive = tx.archives.get_archive(name)
        return None if archive is None else archive.state

    def files(self) -> list[str]:
        path = self.folder.path
        return sorted(each.name for each in path.iterdir()) if path.is_dir() else []

    def findings(self) -> list[str]:
        return [each.detail for each in self.ledger.verify().findings]

    def _log(self, tx: Transaction, actor: Actor) -> None:
        number = self.written
        self.written += 1
        tx.audit.log(
            "job",
            "created",
            entity_id=f"row {number}",
            old_value="a text" if number % 4 == 0 else None,
            new_value={"b": number, "a": ["é", None, {"z": 1, "y": '"'}]} if number % 3 else None,
            details={"why": 'a "quoted" word', "and": "so"} if number % 2 else None,
            actor=actor,
            now=self.clock.now(),
        )
