"""A writer killed at any moment leaves whole files, or temporary ones that are cleaned."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from made_candles import ist
from munshi.infrastructure.candles.store import CandleStore

TESTS = Path(__file__).parents[2]
ROWS = 44_000
SERIES = "candles/live/kite/NSE/M%26M/1minute"
WRITER = f"""
import random
import sys
from pathlib import Path
import polars as pl
from made_candles import minutes
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.candles.store import CandleStore
from munshi.settings import BrokerMode

key = CandleKey(mode=BrokerMode.LIVE, source="kite", exchange="NSE", instrument="M&M",
                interval=Interval.ONE_MINUTE)
noise = pl.Series([random.getrandbits(60) for _ in range({ROWS})], dtype=pl.Int64)
frame = minutes("2024-01-01 00:00", count={ROWS}).with_columns(high=noise, low=-noise, oi=noise)
while True:
    frame = frame.with_columns(pl.col("volume") + 1)
    CandleStore(Path(sys.argv[1])).write_month(key, "202401", frame)
"""


def kill_while_writing(home: Path) -> None:
    """Kill the writer as soon as anything new appears: a file being written, if all goes well."""
    folder = home / SERIES
    folder.mkdir(parents=True, exist_ok=True)
    before = set(folder.iterdir())
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(home)],
        env={**os.environ, "PYTHONPATH": str(TESTS), "POLARS_MAX_THREADS": "1"},
    ) as writer:
        while set(folder.iterdir()) == before:
            assert writer.poll() is None
        writer.send_signal(signal.SIGKILL)


def test_a_killed_writer_leaves_only_whole_and_temporary_files(tmp_path: Path) -> None:
    for _ in range(3):
        kill_while_writing(tmp_path)

    left = {path.relative_to(tmp_path).as_posix() for path in (tmp_path / SERIES).iterdir()}
    whole = {file for file in left if file.endswith(".parquet")}
    store = CandleStore(tmp_path)
    for file in whole:
        bars = store.read([file], start=ist("2024-01-01"), end=ist("2024-02-01"))
        assert bars.height == ROWS
    assert left
    assert all(file.endswith(".tmp") for file in left - whole)


def test_what_a_killed_writer_left_is_cleaned_a_day_later(tmp_path: Path) -> None:
    kill_while_writing(tmp_path)
    left = {path.relative_to(tmp_path).as_posix() for path in (tmp_path / SERIES).iterdir()}
    whole = {file for file in left if file.endswith(".parquet")}
    store = CandleStore(tmp_path)

    too_soon = store.collect_unreferenced(whole, older_than=datetime.now(UTC) - timedelta(days=1))
    in_time = store.collect_unreferenced(whole, older_than=datetime.now(UTC) + timedelta(seconds=1))

    assert too_soon == ()
    assert set(in_time) == left - whole
