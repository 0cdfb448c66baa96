"""What checking the trail keeps at hand: which rows it met, and the archives it reads from."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from typing import Any

from munshi.audit.findings import Report, Trouble
from munshi.domain.ledger.rows import StoredRow
from munshi.errors import ArchiveInvalidError
from munshi.infrastructure.archives import ArchiveFolder

_PAGE = 1 << 15


class Bits:
    """A set of numbers, near each other for the most part: a bit each."""

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {}

    def add(self, number: int) -> None:
        page, place = divmod(number, _PAGE)
        bits = self._pages.get(page)
        if bits is None:
            bits = self._pages[page] = bytearray(_PAGE // 8)
        bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, number: int) -> bool:
        page, place = divmod(number, _PAGE)
        bits = self._pages.get(page)
        return bits is not None and bool(bits[place >> 3] >> (place & 7) & 1)


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
