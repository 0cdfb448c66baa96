"""BrokerCircuits: how often in a row a broker has failed, and until when it is left alone."""

from sqlalchemy import Column

from munshi.infrastructure.database.models.base import table
from munshi.infrastructure.database.types import Instant, Name, Prose, Whole

broker_circuits = table(
    "BrokerCircuits",
    Column("mode", Name(20), primary_key=True),
    Column("service_type", Name(20), primary_key=True),
    Column("failures", Whole, nullable=False),
    # How often in a row it was opened; the wait grows with it.
    Column("openings", Whole, nullable=False),
    Column("opened_at", Instant),
    Column("open_until", Instant),
    Column("last_failure", Prose),
    Column("last_failed_at", Instant),
    Column("updated_at", Instant, nullable=False),
    keyed=True,
)
