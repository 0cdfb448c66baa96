"""What checking the trail keeps at hand: which rows it met, and the archives it reads from."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from typing import Any

from munshi.audit.findings import Report, Trouble
from munshi.domain.ledger.rows import StoredRow
from munshi.errors import ArchiveInvalidError
from munshi.infrastructure.archives import ArchiveFolder


class Bits:
    """A set of numbers, a bit each."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, number: int) -> None:
        place = number >> 3
        if place >= len(self._bits):
            self._bits.extend(bytes(place + 4096 - len(self._bits)))
        self._bits[place] |= 1 << (number & 7)

    def __contains__(self, number: int) -> bool:
        place = number >> 3
        return place < len(self._bits) and bool(self._bits[place] >> (number & 7) & 1)


class Shelf:
    """The archives, read forwards as the blocks come."""

    def __init__(
        self, archives: list[Any], folder: ArchiveFolder, report: Report, opened: ExitStack
    ) -> None:
        self._by_block = {n: each for each in archives for n in _numbers(each)}
        self._folder = folder
        self._report = report
        self._opened = opened
        self._reading: dict[str, Iterator[Any]] = {}
        self._count = len(archives)
        for each in archives:
            if each.state != "expired":
                self._check(each)

    def __len__(self) -> int:
        return self._count

    def has_expired(self, block: int) -> bool:
        archive = self._by_block.get(block)
        return archive is not None and archive.state == "expired"

    def rows(self, block: int) -> Mapping[int, StoredRow]:
        """The rows of a block as its archive has them; none if there is no such archive."""
        archive = self._by_block.get(block)
        if archive is None or archive.state == "expired":
            return {}
        with suppress(ArchiveInvalidError):
            if archive.name not in self._reading:
                _, blocks = self._opened.enter_context(self._folder.read(archive.name))
                self._reading[archive.name] = blocks
            for found in self._reading[archive.name]:
                if found.number == block:
                    return {each.audit_id: each.row for each in found.rows}
        return {}

    def _check(self, archive: Any) -> None:  # noqa: ANN401 - a row of AuditArchives
        try:
            digest = self._folder.digest(archive.name)
        except ArchiveInvalidError as error:
            self._report.add(Trouble.ARCHIVE_WRONG, error.detail, archive=archive.name)
            return
        if digest != archive.sha256:
            self._report.add(
                Trouble.ARCHIVE_WRONG,
                f"The archive {archive.name} was changed.",
                archive=archive.name,
            )


def _numbers(archive: Any) -> range:  # noqa: ANN401 - a row of AuditArchives
    return range(archive.first_block, archive.last_block + 1)
