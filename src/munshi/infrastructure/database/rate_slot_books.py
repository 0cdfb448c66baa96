"""Which way to the slots a database has."""

from munshi.clock import Clock
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.rate_slots import SlotBook
from munshi.infrastructure.database.rate_slots_core import RepositorySlots
from munshi.infrastructure.database.rate_slots_postgresql import PostgresqlSlots
from munshi.infrastructure.database.rate_slots_sqlite import SqliteSlots
from munshi.infrastructure.database.server_clock import ServerClock
from munshi.settings import BrokerMode


def open_slot_book(
    database: Database,
    clock: Clock,
    *,
    mode: BrokerMode,
    account: str = "main",
    durable: bool = True,
) -> SlotBook:
    """The way of this database; connects on first use. Only SQLite can do without `durable`.

    Where `clock` follows PostgreSQL's, slots are timed by the server itself.
    """
    if database.dialect == "sqlite":
        return SqliteSlots(database, durable=durable)
    if database.dialect == "postgresql":
        return PostgresqlSlots(database, by_server=isinstance(clock, ServerClock))
    return RepositorySlots(database, mode=mode, account=account)
