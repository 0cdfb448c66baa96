"""The candles that are stored: merged month by month, read through the manifest."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import polars as pl
import structlog

from munshi.cache.cache import Cache
from munshi.cache.shelf import Shelf
from munshi.clock import IST, Clock
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.domain.market.provisional_bars import KeptBar
from munshi.errors import (
    CandleFileDamagedError,
    CandleFilesConflictError,
    CursorInvalidError,
    DateRangeInvalidError,
    InstrumentUnknownError,
)
from munshi.infrastructure.candles.day_bars import bars_by_day
from munshi.infrastructure.candles.frames import (
    Stamps,
    empty_frame,
    merge,
    split_by_month,
    to_candles,
)
from munshi.infrastructure.candles.store import CandleStore
from munshi.infrastructure.database.candle_repository import CandleFile, SeriesSummary
from munshi.infrastructure.database.engine import Database
from munshi.market.candle_parts import BarsOfDays, in_parts
from munshi.settings import BrokerMode

_log = structlog.get_logger()
IMPORTED = "import"
_TRIES = 8
_FOR_EVER_AGO = datetime(1990, 1, 1, tzinfo=IST)
_FAR_AHEAD = datetime(2200, 1, 1, tzinfo=IST)
_KEPT_UNREFERENCED = timedelta(days=1)
# Whose bars are shown where several sources hold the same series and none was named.
_PREFERENCE = ("kite-replay", "breeze-replay", "kite", "breeze", IMPORTED)


# Adding up every month of every series is the dearest thing that pages ask of the manifest.
COVERAGE = Shelf[tuple[SeriesSummary, ...]](
    name="coverage",
    holds=tuple[SeriesSummary, ...],
    fresh_seconds=3600,
    tables=("CandleFiles",),
    most_bytes=16_000_000,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What became of the rows that were to be stored."""

    added: int
    changed: int
    same: int

    def __add__(self, other: "Stored") -> "Stored":
        return Stored(
            added=self.added + other.added,
            changed=self.changed + other.changed,
            same=self.same + other.same,
        )


NOTHING = Stored(added=0, changed=0, same=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandlePage:
    """Bars of one series in order; `label` says where the prices come from."""

    key: CandleKey
    label: str
    frame: pl.DataFrame
    next_cursor: str | None


class CandleService:
    """Stores and reads candles. Files are written outside any transaction.

    Without a `cache` the manifest is added up each time.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        store: CandleStore,
        mode: BrokerMode,
        cache: Cache | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._store = store
        self._mode = mode
        self._cache = cache
        self._coverage = None if cache is None else cache.open(COVERAGE)

    def save(self, key: CandleKey, frame: pl.DataFrame, *, label: str) -> Stored:
        """Merge validated bars into what is stored; equal bars change nothing.

        A month whose file is damaged is begun anew. Raises HomeUnusableError.
        """
        outcome = NOTHING
        for month, part in split_by_month(frame):
            outcome += self._save_month(key, month, part, label=label)
        return outcome

    def _save_month(self, key: CandleKey, month: str, part: pl.DataFrame, *, label: str) -> Stored:
        stamps = Stamps(part)
        first, last = stamps.first, stamps.last
        for _ in range(_TRIES):
            with self._database.reading() as tx:
                current = tx.candles.list_files(key, from_month=month, to_month=month)
                seen = tx.provisional_bars.list_confirmed(key, stamps, first=first, last=last)
            merged = merge(self._read_intact(current), part)
            outcome = Stored(added=merged.added, changed=merged.changed, same=merged.same)
            if merged.is_unchanged:
                if seen:
                    self._forget_provisional(key, part)
                return outcome
            replaced = current[0] if current else None
            written = self._store.write_month(
                key, month, merged.frame, replacing=replaced.path if replaced else None
            )
            try:
                with self._database.transaction() as tx:
                    tx.candles.save_file(
                        key,
                        month,
                        written,
                        label=label,
                        replaces=replaced.file_id if replaced else None,
                        now=self._clock.now(),
                        day_bars=bars_by_day(merged.frame),
                    )
                    seen = tx.provisional_bars.confirm(key, stamps, first=first, last=last)
            except CandleFilesConflictError:
                continue
            _compare(seen, part)
            if self._cache is not None:
                self._cache.look_soon()
            return outcome
        raise CandleFilesConflictError(
            f"{key.exchange}:{key.instrument} {key.interval} of {month} is being written "
            "by others all the time.",
            hint="Let one job collect an instrument at a time.",
        )

    def _forget_provisional(self, key: CandleKey, part: pl.DataFrame) -> None:
        """What a stream stored after history had it."""
        stamps = Stamps(part)
        with self._database.operational() as tx:
            seen = tx.provisional_bars.confirm(key, stamps, first=stamps.first, last=stamps.last)
        _compare(seen, part)

    def list_files(self, instruments: Collection[InstrumentRef] = ()) -> list[CandleFile]:
        """The current files of all series, or of these instruments."""
        with self._database.reading() as tx:
            files = tx.candles.list_all_files()
        wanted = set(instruments)
        return [
            file
            for file in files
            if not wanted or InstrumentRef(file.key.exchange, file.key.instrument) in wanted
        ]

    def verify(self, file: CandleFile) -> None:
        """Raises CandleFileDamagedError unless the file holds the bytes that were stored."""
        self._store.verify(file.path, sha256=file.sha256)

    def replace(self, file: CandleFile, frame: pl.DataFrame, *, label: str) -> None:
        """Store validated bars of the same month in place of a damaged file, merging nothing.

        Raises CandleFilesConflictError if another writer stored the month meanwhile,
        HomeUnusableError.
        """
        written = self._store.write_month(file.key, file.month, frame)
        with self._database.transaction() as tx:
            tx.candles.save_file(
                file.key,
                file.month,
                written,
                label=label,
                replaces=file.file_id,
                now=self._clock.now(),
                day_bars=bars_by_day(frame),
            )

    def read(self, key: CandleKey, *, start: datetime, end: datetime) -> pl.DataFrame:
        """The series' bars that open from `start` up to, not including, `end`."""
        with self._database.reading() as tx:
            files = tx.candles.list_files(
                key, from_month=_month(start), to_month=_month(end - timedelta(microseconds=1))
            )
        return self._read(files, start=start, end=end)

    def read_parts(self, key: CandleKey, *, first: date, last: date) -> Iterator[BarsOfDays]:
        """The bars of the days from `first` to `last`, IST, some months at a time, in order."""
        with self._database.reading() as tx:
            files = tx.candles.list_files(key, from_month=f"{first:%Y%m}", to_month=f"{last:%Y%m}")
        return in_parts(files, self._read, first=first, last=last)

    def read_intact(self, key: CandleKey, *, start: datetime, end: datetime) -> pl.DataFrame:
        """As `read`, without the months whose file is damaged: what must be asked for again."""
        with self._database.reading() as tx:
            files = tx.candles.list_files(
                key, from_month=_month(start), to_month=_month(end - timedelta(microseconds=1))
            )
        return self._read_intact(files, start=start, end=end)

    def coverage(self, instrument: InstrumentRef | None = None) -> list[SeriesSummary]:
        """What is stored, of everything or of one instrument."""
        known = self._coverage
        series = self._add_up() if known is None else known.get_or_compute("all", self._add_up)
        return [
            found
            for found in series
            if self._is_shown(found)
            and (
                instrument is None
                or (found.key.exchange, found.key.instrument)
                == (instrument.exchange, instrument.tradingsymbol)
            )
        ]

    def _add_up(self) -> tuple[SeriesSummary, ...]:
        with self._database.reading() as tx:
            return tuple(tx.candles.list_series())

    def find_series(
        self, instrument: InstrumentRef, interval: Interval, *, source: str | None = None
    ) -> SeriesSummary:
        """The series that answers for `instrument`.

        Raises InstrumentUnknownError if nothing is stored.
        """
        found = [
            series
            for series in self.coverage(instrument)
            if series.key.interval is interval and source in (None, series.key.source)
        ]
        if not found:
            raise InstrumentUnknownError(
                f"No {interval} bars of {instrument} are stored"
                + (f" from {source}." if source else "."),
                hint=f'Collect them: munshi data collect "{instrument}" --interval {interval}',
            )
        return min(found, key=lambda series: source_rank(series.key.source))

    def every_series(
        self, interval: Interval, *, source: str | None = None
    ) -> dict[str, SeriesSummary]:
        """As `find_series`, of everything that is stored, by `EXCHANGE:SYMBOL`."""
        found: dict[str, SeriesSummary] = {}
        for series in self.coverage():
            if series.key.interval is not interval or source not in (None, series.key.source):
                continue
            name = f"{series.key.exchange}:{series.key.instrument}"
            best = found.get(name)
            if best is None or source_rank(series.key.source) < source_rank(best.key.source):
                found[name] = series
        return found

    def page(
        self,
        instrument: InstrumentRef,
        interval: Interval,
        *,
        start: date | None = None,
        end: date | None = None,
        source: str | None = None,
        cursor: str | None = None,
        limit: int = 1000,
    ) -> CandlePage:
        """Bars from `start` to `end`, both days included, oldest first.

        Raises InstrumentUnknownError, DateRangeInvalidError, CursorInvalidError.
        """
        if start is not None and end is not None and end < start:
            raise DateRangeInvalidError(f"The range ends on {end}, before it starts on {start}.")
        series = self.find_series(instrument, interval, source=source)
        after = _FOR_EVER_AGO if start is None else datetime.combine(start, time(0), tzinfo=IST)
        before = _FAR_AHEAD
        if end is not None:
            before = datetime.combine(end + timedelta(days=1), time(0), tzinfo=IST)
        if cursor is not None:
            after = max(after, _read_cursor(cursor))
        frame = self._read_some(series.key, start=after, end=before, rows=limit + 1)
        shown = frame.head(limit)
        more = frame.height > limit
        return CandlePage(
            key=series.key,
            label=series.label,
            frame=shown,
            next_cursor=_cursor(shown["opens"][-1]) if more else None,
        )

    def collect_garbage(self) -> tuple[str, ...]:
        """Delete files that no manifest row has named for a day."""
        with self._database.reading() as tx:
            current = tx.candles.list_paths()
        return self._store.collect_unreferenced(
            current, older_than=self._clock.now() - _KEPT_UNREFERENCED
        )

    def _read_some(
        self, key: CandleKey, *, start: datetime, end: datetime, rows: int
    ) -> pl.DataFrame:
        """The first `rows` bars or more; no month is read that they do not need."""
        frame = empty_frame()
        if start >= end:
            return frame
        with self._database.reading() as tx:
            files = tx.candles.list_files(key, from_month=_month(start), to_month=_month(end))
        for file in files:
            frame = pl.concat([frame, self._read([file], start=start, end=end)])
            if frame.height >= rows:
                break
        return frame

    def _read(
        self,
        files: Sequence[CandleFile],
        *,
        start: datetime = _FOR_EVER_AGO,
        end: datetime = _FAR_AHEAD,
    ) -> pl.DataFrame:
        return self._store.read([file.path for file in files], start=start, end=end)

    def _read_intact(
        self,
        files: Sequence[CandleFile],
        *,
        start: datetime = _FOR_EVER_AGO,
        end: datetime = _FAR_AHEAD,
    ) -> pl.DataFrame:
        with suppress(CandleFileDamagedError):
            return self._read(files, start=start, end=end)
        intact = empty_frame()
        for file in files:
            try:
                intact = pl.concat([intact, self._read([file], start=start, end=end)])
            except CandleFileDamagedError as error:
                _log.warning("candle_file_damaged", path=file.path, cause=error.detail)
        return intact

    def _is_shown(self, series: SeriesSummary) -> bool:
        """Simulated and live prices are never mixed; what a user imported is always theirs."""
        return series.key.mode is self._mode or series.key.source == IMPORTED


def _compare(seen: Sequence[KeptBar], confirmed: pl.DataFrame) -> None:
    """Tell how well a stream saw the minutes that history has now."""
    if not seen:
        return
    known = {candle.opens: candle for candle in to_candles(confirmed)}
    same = sum(bar.candle.close == known[bar.candle.opens].close for bar in seen)
    _log.info(
        "provisional_bars_confirmed",
        instrument=f"{seen[0].key.exchange}:{seen[0].key.instrument}",
        bars=len(seen),
        same_close=same,
        whole=sum(bar.is_whole for bar in seen),
    )


def source_rank(source: str) -> int:
    """Whose bars, and whose quotes, come first where none was named: the smallest."""
    return _PREFERENCE.index(source) if source in _PREFERENCE else len(_PREFERENCE)


def _month(instant: datetime) -> str:
    return instant.astimezone(IST).strftime("%Y%m")


def _cursor(opens: datetime) -> str:
    return str(int(opens.timestamp()))


def _read_cursor(text: str) -> datetime:
    if not text.isascii() or not text.isdigit() or len(text) > len("9999999999"):
        raise CursorInvalidError(
            "The cursor is not one that was given out.", hint="Ask for the first page again."
        )
    return datetime.fromtimestamp(int(text) + 1, tz=IST)
