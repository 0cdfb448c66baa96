"""Immutable Parquet files of candles, one month a file, named by their content."""

import hashlib
import io
import os
import re
import uuid
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from munshi.domain.market.candle_files import CandleKey, WrittenFile
from munshi.errors import CandleFileDamagedError, HomeUnusableError
from munshi.infrastructure.candles.frames import CANDLE_SCHEMA, empty_frame, month_of
from munshi.infrastructure.candles.names import quote_name
from munshi.infrastructure.platform import flush_directory

_FOLDER = "candles"
_OURS = re.compile(r"\d{6}-[0-9a-f]{12}\.parquet")
_TEMPORARY = re.compile(r"\.\d{6}-[0-9a-f]{12}\.parquet\.[0-9a-f]{32}\.tmp")
# Fixed, because equal rows must give equal bytes: level 3 is within 3 % of the smallest output.
_LEVEL = 3
_ROW_GROUP = 1_000_000
_MEND = "Collect or import that month again."


class CandleStore:
    """Files under `root`. A file is never changed; what the manifest names is what counts."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def write_month(
        self, key: CandleKey, month: str, frame: pl.DataFrame, *, replacing: str | None = None
    ) -> WrittenFile:
        """Put one month (`yyyymm`, IST) on disk: whole, flushed, and under its final name.

        Equal rows give the same path and bytes, and a whole file that is there already stays.
        `frame` has the candle schema, in order, each stamp once, all of that month. `replacing`
        is the month's present file: its age starts anew, for those who are still reading it when
        it is collected. Raises HomeUnusableError where the disk refuses.
        """
        _check(frame, month)
        content = _serialise(frame)
        digest = hashlib.sha256(content).hexdigest()
        folder = self._folder(key)
        path = folder / f"{month}-{digest[:12]}.parquet"
        try:
            if replacing is not None:
                _renew(self._root / replacing)
            if not _is_whole(path, digest):
                _make_folder(folder)
                _put(path, content)
        except OSError as error:
            raise HomeUnusableError(
                f"Candles cannot be written to {folder}: {error.strerror}.",
                hint="Make room there, or set MUNSHI_HOME to a folder that can be written.",
            ) from error
        stamps = frame["opens"]
        return WrittenFile(
            path=path.relative_to(self._root).as_posix(),
            sha256=digest,
            rows=frame.height,
            first_open=stamps[0],
            last_open=stamps[-1],
            bytes=len(content),
        )

    def read(self, files: Sequence[str], *, start: datetime, end: datetime) -> pl.DataFrame:
        """The bars of `files` that open from `start` up to, not including, `end`, in order.

        Raises CandleFileDamagedError if a file is gone or is not what we write.
        """
        if not files:
            return empty_frame()
        frame = self._load(files)
        if not frame["opens"].is_sorted():
            frame = frame.sort("opens")
        # A month is small: to cut it here is cheaper than a condition while it is read.
        ends = pl.Series([start.astimezone(UTC), end.astimezone(UTC)], dtype=CANDLE_SCHEMA["opens"])
        first, last = frame["opens"].search_sorted(ends, side="left")
        return frame.slice(first, max(last - first, 0))

    def has(self, file: str, *, bytes: int) -> bool:  # noqa: A002 - as the manifest calls it
        """Whether the file is there with that length; what is in it, `verify` says."""
        try:
            return os.stat(f"{self._root}/{file}").st_size == bytes  # noqa: PTH116 - thousands
        except OSError:
            return False

    def load(self, file: str) -> pl.DataFrame:
        """All rows of one file in the order in which they stand there, right or wrong.

        Raises CandleFileDamagedError if it is gone or is not what we write.
        """
        return self._load([file])

    def verify(self, file: str, *, sha256: str) -> None:
        """Raises CandleFileDamagedError unless the file is there with exactly these bytes."""
        try:
            found = _digest(self._root / file)
        except OSError as error:
            raise CandleFileDamagedError(f"{file} cannot be read.", hint=_MEND) from error
        if found != sha256:
            raise CandleFileDamagedError(f"{file} differs from what was stored.", hint=_MEND)

    def collect_unreferenced(
        self, referenced: AbstractSet[str], *, older_than: datetime
    ) -> tuple[str, ...]:
        """Delete what no manifest row names and what a kill left half-written.

        `older_than` spares what was written or replaced since, whose row is about to be committed
        or whose readers have not finished: a day is what we use. Files not named as we name ours
        are left alone. Returns what was deleted.
        """
        deleted = []
        for path in sorted((self._root / _FOLDER).rglob("*")):
            name = path.relative_to(self._root).as_posix()
            abandoned = _OURS.fullmatch(path.name) and name not in referenced
            half_written = _TEMPORARY.fullmatch(path.name)
            if (abandoned or half_written) and _delete_if_old(path, older_than=older_than):
                deleted.append(name)
        return tuple(deleted)

    def _folder(self, key: CandleKey) -> Path:
        series = (quote_name(key.exchange), quote_name(key.instrument), key.interval.value)
        return self._root.joinpath(_FOLDER, key.mode.value, key.source, *series)

    def _load(self, files: Sequence[str]) -> pl.DataFrame:
        """All at once; where that fails, one after the other to find out which it is."""
        try:
            return self._scan(files).collect()
        except (OSError, pl.exceptions.PolarsError):
            for file in files:
                self._check_readable(file)
        return self._scan(files).collect()

    def _check_readable(self, file: str) -> None:
        try:
            if pl.read_parquet_schema(self._root / file) != CANDLE_SCHEMA:
                raise CandleFileDamagedError(f"{file} has other columns than candles.", hint=_MEND)
            self._scan([file]).collect()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise CandleFileDamagedError(
                f"{file} is missing or cannot be read.", hint=_MEND
            ) from error

    def _scan(self, files: Sequence[str]) -> pl.LazyFrame:
        paths = [self._root / file for file in files]
        return pl.scan_parquet(paths, glob=False, schema=CANDLE_SCHEMA)


def _check(frame: pl.DataFrame, month: str) -> None:
    if frame.schema != CANDLE_SCHEMA:
        raise ValueError(f"Not the candle schema: {frame.schema}.")
    if frame.is_empty():
        raise ValueError(f"No candles for {month}.")
    if frame.select(pl.exclude("oi")).null_count().sum_horizontal().item():
        raise ValueError(f"Candles of {month} have empty cells.")
    opens = frame["opens"]
    if not (opens.diff().drop_nulls().dt.total_microseconds() > 0).all():
        raise ValueError(f"Candles of {month} are not in order, each stamp once.")
    if {month_of(opens[0]), month_of(opens[-1])} != {month}:
        raise ValueError(f"Not all candles are of {month}.")


def _serialise(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.rechunk().write_parquet(
        buffer,
        compression="zstd",
        compression_level=_LEVEL,
        statistics=True,
        row_group_size=_ROW_GROUP,
    )
    return buffer.getvalue()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _renew(path: Path) -> bool:
    """Let the file's age start anew, unless it is gone."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _is_whole(path: Path, digest: str) -> bool:
    """Renews the file first, so that it is not collected before its manifest row is there."""
    try:
        return _renew(path) and _digest(path) == digest
    except FileNotFoundError:
        return False


def _make_folder(folder: Path) -> None:
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        flush_directory(path.parent)


def _put(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        flush_directory(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _delete_if_old(path: Path, *, older_than: datetime) -> bool:
    try:
        if path.stat().st_mtime >= older_than.timestamp():
            return False
        path.unlink()
    except OSError:  # gone already, or on Windows still open: the next run takes it
        return False
    return True
