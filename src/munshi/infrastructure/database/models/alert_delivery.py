"""What is to be told of alerts: notices, channels, messages, each try to deliver one; silences."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index

from munshi.domain.alert_delivery import DeliveryOutcome, MessageState, NoticeFate
from munshi.domain.alerts import NoticeEvent, Severity
from munshi.infrastructure.database.models.base import one_of, table, where
from munshi.infrastructure.database.types import (
    Flag,
    Instant,
    Json,
    Name,
    Prose,
    RowUuid,
    Secret,
    Whole,
)

_SEVERITY = one_of("severity", Severity)

# The outbox: written in the transaction in which the alert fires or is resolved.
alert_notices = table(
    "AlertNotices",
    Column("notice_id", RowUuid, primary_key=True),
    Column("alert_id", RowUuid, ForeignKey("Alerts.id", ondelete="CASCADE"), nullable=False),
    Column("number", Whole, nullable=False),
    Column("event", Name(20), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("fate", Name(20)),
    Column("dealt_at", Instant),
    CheckConstraint(one_of("event", NoticeEvent), name="event"),
    CheckConstraint(f"fate IS NULL OR {one_of('fate', NoticeFate)}", name="fate"),
    Index("uq_AlertNotices_number", "alert_id", "number", unique=True),
    Index("ix_AlertNotices_waiting", "created_at", **where("fate IS NULL")),
)

alert_channels = table(
    "AlertChannels",
    Column("channel_id", RowUuid, primary_key=True),
    Column("name", Name(50), nullable=False),
    Column("kind", Name(50), nullable=False),
    Column("url", Secret, nullable=False),
    Column("least_severity", Name(20), nullable=False),
    Column("is_active", Flag, nullable=False),
    Column("created_by", Name(100), nullable=False),
    Column("created_at", Instant, nullable=False),
    CheckConstraint(
        one_of("least_severity", Severity),
        name="least_severity",
    ),
    Index("uq_AlertChannels_name", "name", unique=True),
)

alert_messages = table(
    "AlertMessages",
    Column("message_id", RowUuid, primary_key=True),
    # Named and not held: what was sent stays on record when the channel is gone.
    Column("channel_id", RowUuid, nullable=False),
    Column("channel", Name(50), nullable=False),
    Column("dedupe_key", Name(64), nullable=False),
    Column("severity", Name(20), nullable=False),
    Column("title", Prose, nullable=False),
    Column("body", Prose, nullable=False),
    Column("alert_ids", Json, nullable=False),
    Column("state", Name(20), nullable=False),
    Column("tries", Whole, nullable=False),
    Column("not_before", Instant, nullable=False),
    Column("claimed_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),
    CheckConstraint(_SEVERITY, name="severity"),
    CheckConstraint(one_of("state", MessageState), name="state"),
    Index("uq_AlertMessages_dedupe_key", "dedupe_key", unique=True),
    Index("ix_AlertMessages_open", "not_before", **where("ended_at IS NULL")),
    Index("ix_AlertMessages_created_at", "created_at"),
)

alert_deliveries = table(
    "AlertDeliveries",
    Column("delivery_id", RowUuid, primary_key=True),
    Column(
        "message_id",
        RowUuid,
        ForeignKey("AlertMessages.message_id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("channel_id", RowUuid, nullable=False),
    Column("number", Whole, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("outcome", Name(20), nullable=False),
    Column("answer", Prose),
    CheckConstraint(one_of("outcome", DeliveryOutcome), name="outcome"),
    Index("uq_AlertDeliveries_number", "message_id", "number", unique=True),
    Index("ix_AlertDeliveries_channel_id_began_at", "channel_id", "began_at"),
)

alert_silences = table(
    "AlertSilences",
    Column("silence_id", RowUuid, primary_key=True),
    Column("pattern", Name(200), nullable=False),
    Column("reason", Prose, nullable=False),
    Column("created_by", Name(100), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Index("ix_AlertSilences_ends_at", "ends_at"),
)

# One row: whose turn it is to look at the rules and to send.
alert_keeper = table(
    "AlertKeeper",
    Column("name", Name(20), primary_key=True),
    Column("holder", Name(100)),
    Column("held_until", Instant),
    Column("looked_at", Instant),
)
