"""LegacyRows: which rows of an old install were dealt with, so that none is taken over twice."""

from sqlalchemy import CheckConstraint, Column

from munshi.domain.legacy import RowFate
from munshi.infrastructure.database.models.base import one_of, table
from munshi.infrastructure.database.types import Instant, Name

legacy_rows = table(
    "LegacyRows",
    # The table as it is called now, and the row's primary key, or a hash of all that is in it.
    Column("source", Name(100), primary_key=True),
    Column("row_key", Name(100), primary_key=True),
    Column("fate", Name(20), nullable=False),
    Column("noted_at", Instant, nullable=False),
    CheckConstraint(one_of("fate", RowFate), name="fate"),
    keyed=True,
)
