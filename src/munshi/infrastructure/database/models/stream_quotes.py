"""StreamQuotes: the first quote of each minute that had both sides, as a stream showed it."""

from sqlalchemy import CheckConstraint, Column

from munshi.infrastructure.database.models.base import one_of, table
from munshi.infrastructure.database.types import Instant, Name, Whole

# The key in this order serves a read of one instrument and the forgetting of what is old, so that
# the largest table of a desk needs no index besides.
stream_quotes = table(
    "StreamQuotes",
    Column("mode", Name(20), primary_key=True),
    Column("exchange", Name(20), primary_key=True),
    Column("instrument", Name(100), primary_key=True),
    Column("minute", Instant, primary_key=True),
    Column("source", Name(50), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("bid", Whole, nullable=False),
    Column("bid_quantity", Whole, nullable=False),
    Column("offer", Whole, nullable=False),
    Column("offer_quantity", Whole, nullable=False),
    CheckConstraint(one_of("mode", ("simulated", "live")), name="mode"),
    CheckConstraint("bid > 0 AND bid <= offer", name="prices"),
    CheckConstraint("bid_quantity > 0 AND offer_quantity > 0", name="quantities"),
    keyed=True,
)
