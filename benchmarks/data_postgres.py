"""One month of one instrument out of PostgreSQL, as a table of bars would hold it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import polars as pl
import psycopg
from data_made import MARCH, cpu
from jobs_ground import PostgresGround, grounds

INSTRUMENTS, TIMES = 4, 20
_TABLE = (
    "CREATE TABLE bars (instrument text, opens timestamptz, open bigint, high bigint, low bigint,"
    " close bigint, volume bigint, oi bigint, PRIMARY KEY (instrument, opens))"
)
_COPY = "COPY bars FROM STDIN (FORMAT csv)"
_MONTH = (
    "SELECT opens, open, high, low, close, volume, oi FROM bars"
    " WHERE instrument = %s AND opens >= %s AND opens < %s ORDER BY opens"
)


class MonthReader(Protocol):
    """CPU seconds of the client and the server for one read."""

    def __call__(self) -> float: ...


@contextmanager
def postgres_month(folder: Path, frame: pl.DataFrame) -> Iterator[MonthReader]:
    """The bars of several instruments, in order of their stamps as a desk collects them."""
    with grounds(folder, frozenset({"PostgreSQL"})) as (server,):
        assert isinstance(server, PostgresGround)
        url = server.template("bars")
        with psycopg.connect(url) as connection:
            connection.execute(_TABLE)
            with connection.cursor().copy(_COPY) as copy:
                for day in frame.iter_slices(375):
                    for number in range(INSTRUMENTS):
                        named = day.select(pl.lit(f"MADE{number}"), pl.all())
                        copy.write(named.write_csv(include_header=False))
            connection.commit()
        server.settle("bars")
        with psycopg.connect(url) as connection:

            def read() -> float:
                before = server.server_cpu()
                client = sum(cpu(lambda: _read(connection, frame)) for _ in range(TIMES))
                return (client + server.server_cpu() - before) / TIMES

            yield read


def _read(connection: psycopg.Connection, frame: pl.DataFrame) -> pl.DataFrame:
    rows = connection.execute(_MONTH, ("MADE1", *MARCH)).fetchall()
    assert rows
    return pl.DataFrame(rows, schema=frame.schema, orient="row")
