"""ApiRateSlots: the slots of each limit; one row lets one call through in each window."""

from sqlalchemy import Column, ForeignKey

from munshi.infrastructure.database.models.base import table
from munshi.infrastructure.database.types import Instant, Whole

# There is no index on `free_at`: a pool is a page or two, and PostgreSQL then changes rows in
# place instead of leaving dead entries where every claim begins to read.
api_rate_slots = table(
    "ApiRateSlots",
    Column("pool_id", Whole, ForeignKey("ApiRatePools.pool_id"), primary_key=True),
    Column("slot", Whole, primary_key=True, autoincrement=False),
    Column("free_at", Instant, nullable=False),
    # Drawn by whoever took it last, who alone may say when it is free.
    Column("lease", Whole, nullable=False, server_default="0"),
    keyed=True,
)
