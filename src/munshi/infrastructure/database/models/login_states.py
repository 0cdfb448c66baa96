"""LoginStates: what all processes must know of a broker's login besides its row; no secret."""

from sqlalchemy import Column

from munshi.infrastructure.database.models.base import table
from munshi.infrastructure.database.types import Instant, Name, Prose, RowUuid

login_states = table(
    "LoginStates",
    Column("mode", Name(20), primary_key=True),
    Column("account", Name(50), primary_key=True),
    Column("service_type", Name(20), primary_key=True),
    # The login that the broker refused, and when one was last tried with it.
    Column("rejected_session_id", RowUuid),
    Column("rejected_at", Instant),
    Column("rejected_why", Prose),
    Column("probed_at", Instant),
    # The login of which people were told that it is in this state.
    Column("told_session_id", RowUuid),
    Column("told_state", Name(20)),
    # Whose turn it is to log in, so that two do not end one another's tokens.
    Column("turn_holder", RowUuid),
    Column("turn_until", Instant),
    Column("updated_at", Instant, nullable=False),
    keyed=True,
)
