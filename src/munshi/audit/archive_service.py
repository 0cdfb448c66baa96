"""The archives of the audit trail as people use them; one run at a time works on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from munshi.audit.archive_turn import ArchiveTurn
from munshi.audit.archiving import Mover, Told
from munshi.audit.erasure import Erased, Erasure
from munshi.audit.restoring import Restorer
from munshi.audit.retention import Retention
from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.domain.ledger.archives import Archive, ArchiveState
from munshi.errors import DateRangeInvalidError
from munshi.infrastructure.archives import ArchiveFolder
from munshi.infrastructure.database.engine import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLine:
    """An archive, when its last block was sealed, and how large its file is (None: no file)."""

    archive: Archive
    sealed_from: datetime | None
    sealed_until: datetime | None
    bytes: int | None


def _untold(_: str, __: int, ___: int) -> None: ...


class ArchiveService:
    """Each call that changes something first ends what a killed run left.

    They raise ArchiveBusyError while another run is at work.
    """

    def __init__(self, database: Database, clock: Clock, *, home: Path) -> None:
        self._database = database
        self._clock = clock
        self._folder = ArchiveFolder(home)

    def list_archives(self) -> list[ArchiveLine]:
        """By their blocks, oldest first, the dropped ones too."""
        with self._database.reading() as tx:
            found = [
                (
                    each,
                    tx.archives.get_sealed_at(each.first_block),
                    tx.archives.get_sealed_at(each.last_block),
                )
                for each in tx.archives.list_archives()
            ]
        return [
            ArchiveLine(
                archive=each,
                sealed_from=since,
                sealed_until=until,
                bytes=self._folder.size(each.name),
            )
            for each, since, until in found
        ]

    def archive(self, *, before: datetime, actor: Actor, told: Told = _untold) -> list[Archive]:
        """Move the blocks whose rows are all older than `before` into files.

        Raises LedgerBrokenError for a row that is not what was sealed, ArchiveUnwritableError.
        """
        turn = ArchiveTurn(self._database, self._clock)
        with turn.held() as is_begun:
            if not is_begun:
                return []
            self._end_what_was_begun(turn, told)
            mover = Mover(self._database, self._clock, self._folder, turn)
            return [mover.move(span, actor=actor, told=told) for span in list(mover.spans(before))]

    def restore(self, names: Sequence[str], *, actor: Actor, told: Told = _untold) -> int:
        """Bring the rows of these archives back into the table; how many.

        Raises ArchiveUnknownError, ArchiveDroppedError, ArchiveInvalidError.
        """
        turn = ArchiveTurn(self._database, self._clock)
        restorer = Restorer(self._database, self._clock, self._folder, turn)
        with turn.held() as is_begun:
            begun = self._end_what_was_begun(turn, told) if is_begun else {}
            # One whose restoring was only ended here has come back as it was asked to.
            return sum(
                begun[name] if name in begun else restorer.restore(name, actor=actor, told=told)
                for name in dict.fromkeys(names)
            )

    def names_within(self, since: datetime | None, until: datetime | None) -> list[str]:
        """The archives with blocks sealed in that time, the dropped ones left out.

        Raises DateRangeInvalidError.
        """
        if since is not None and until is not None and until <= since:
            raise DateRangeInvalidError(
                "The time range ends before it begins.", hint="Swap since and until."
            )
        return [
            line.archive.name
            for line in self.list_archives()
            if line.archive.state != ArchiveState.DROPPED
            and line.sealed_from is not None
            and line.sealed_until is not None
            and (until is None or line.sealed_from < until)
            and (since is None or line.sealed_until >= since)
        ]

    def drop(self, *, keep: timedelta, actor: Actor, told: Told = _untold) -> list[Archive]:
        """Drop the archives that were made longer than `keep` ago, a year at the least."""
        turn = ArchiveTurn(self._database, self._clock)
        with turn.held() as is_begun:
            if not is_begun:
                return []
            self._end_what_was_begun(turn, told)
            retention = Retention(self._database, self._clock, self._folder, turn)
            return retention.drop(keep=keep, actor=actor, told=told)

    def erase(
        self,
        *,
        user_id: str | None = None,
        value: str | None = None,
        actor: Actor,
        told: Told = _untold,
    ) -> Erased:
        """Erase the personal values beside what `user_id` did, and `value` wherever it stands.

        Raises RequestInvalidError, and ArchiveInvalidError before anything is erased.
        """
        turn = ArchiveTurn(self._database, self._clock)
        with turn.held():
            erasure = Erasure(self._database, self._clock, self._folder, turn)
            return erasure.erase(user_id=user_id, value=value, actor=actor, told=told)

    def _end_what_was_begun(self, turn: ArchiveTurn, told: Told) -> dict[str, int]:
        """Go on where a run was killed; the rows of each archive that was being restored."""
        mover = Mover(self._database, self._clock, self._folder, turn)
        restorer = Restorer(self._database, self._clock, self._folder, turn)
        with self._database.reading() as tx:
            archives = tx.archives.list_archives()
        self._folder.clear_partial()
        files = self._folder.names()
        back = {}
        for each in archives:
            if each.state == ArchiveState.WRITING:
                mover.discard(each)
            elif each.state == ArchiveState.MOVING:
                mover.finish(each.name, told=told)
            elif each.state == ArchiveState.RESTORING:
                restorer.go_on(each, told=told)
                back[each.name] = each.rows
            elif each.state == ArchiveState.RESTORED:
                restorer.clear(each)
                back[each.name] = each.rows
            elif each.state == ArchiveState.DROPPED and each.name in files:
                self._folder.remove(each.name)
        return back
