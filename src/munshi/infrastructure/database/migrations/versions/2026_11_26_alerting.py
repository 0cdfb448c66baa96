"""Alerts are pending, firing or resolved; notices of them, channels, messages, silences."""

from typing import Any

import sqlalchemy as sa
from alembic import context, op

from munshi.infrastructure.database import types
from munshi.infrastructure.database.migrations.rebuild import rebuild_table

revision = "2026_11_26_alerting"
down_revision = "2026_11_26_fan"

_ALERTS = "Alerts"
_SEVERITIES = ("info", "warning", "critical")
_NEW_STATE = "state = 'pending' OR state = 'firing' OR state = 'resolved'"
_OLD_STATE = "state IN ('open', 'resolved')"
_OLD_SEVERITY = "severity IN ('info', 'warning', 'critical')"
_OPEN = "uq_Alerts_open"
_TABLES = (
    "AlertNotices",
    "AlertChannels",
    "AlertDeliveries",
    "AlertMessages",
    "AlertSilences",
    "AlertKeeper",
)


def upgrade() -> None:
    op.drop_index(_OPEN, _ALERTS)
    if op.get_context().dialect.name == "sqlite":
        shape = _alerts(_added(), state=_NEW_STATE, severity=_one_of("severity", _SEVERITIES))
        new_state = "CASE WHEN state = 'open' THEN 'firing' ELSE state END"
        _rebuild(shape, {"state": new_state, "fired_at": "raised_at"})
    else:
        for column in _added():
            op.add_column(_ALERTS, column)
        _check("state", "state = 'open' OR state = 'firing' OR state = 'resolved'")
        quoted = op.get_context().dialect.identifier_preparer.quote(_ALERTS)
        op.execute(f"UPDATE {quoted} SET fired_at = raised_at")
        op.execute(f"UPDATE {quoted} SET state = 'firing' WHERE state = 'open'")
        _check("state", _NEW_STATE)
        _check("severity", _one_of("severity", _SEVERITIES))
    _index(_OPEN, _ALERTS, ["fingerprint"], unique=True, where="state <> 'resolved'")
    _create_notices()
    _create_channels()
    _create_messages()
    _create_deliveries()
    _create_silences()
    _create_keeper()
    _index(
        "ix_SchedulerExecutions_missed",
        "SchedulerExecutions",
        ["scheduled_for"],
        where="missed_count > 0",
    )
    op.create_index("ix_CandleGaps_last_seen", "CandleGaps", ["mode", "last_seen"])


def downgrade() -> None:
    op.drop_index("ix_CandleGaps_last_seen", "CandleGaps")
    op.drop_index("ix_SchedulerExecutions_missed", "SchedulerExecutions")
    for name in _TABLES:
        op.drop_table(name)
    op.drop_index(_OPEN, _ALERTS)
    quoted = op.get_context().dialect.identifier_preparer.quote(_ALERTS)
    op.execute(f"DELETE FROM {quoted} WHERE state = 'pending'")
    if op.get_context().dialect.name == "sqlite":
        shape = _alerts([], state=_OLD_STATE, severity=_OLD_SEVERITY)
        old_state = "CASE WHEN state = 'firing' THEN 'open' ELSE state END"
        _rebuild(shape, {"state": old_state})
    else:
        _check("state", "state = 'open' OR state = 'firing' OR state = 'resolved'")
        op.execute(f"UPDATE {quoted} SET state = 'open' WHERE state = 'firing'")
        _check("state", _OLD_STATE)
        _check("severity", _OLD_SEVERITY)
        for column in reversed(_added()):
            op.drop_column(_ALERTS, column.name, mssql_drop_default=True)
    _index(_OPEN, _ALERTS, ["fingerprint"], unique=True, where="state = 'open'")


def _rebuild(shape: sa.Table, copied: dict[str, str]) -> None:
    if not context.is_offline_mode():
        rebuild_table(op.get_bind(), shape, copied=copied)
        return
    # The script begins with an empty database: there is no row to keep.
    op.execute(f'DROP TABLE "{shape.name}"')
    op.execute(sa.schema.CreateTable(shape))
    op.create_index("ix_Alerts_raised_at", _ALERTS, ["raised_at"])


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return " OR ".join(f"{column} = '{value}'" for value in values)


def _check(name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_Alerts_{name}"), _ALERTS, type_="check")
    op.create_check_constraint(op.f(f"ck_Alerts_{name}"), _ALERTS, condition)


def _index(name: str, table: str, columns: list[str], *, where: str, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(
        name,
        table,
        columns,
        unique=unique,
        sqlite_where=condition,
        mssql_where=condition,
        postgresql_where=condition,
    )


def _alerts(added: list[sa.Column[Any]], *, state: str, severity: str) -> sa.Table:
    return sa.Table(
        _ALERTS,
        sa.MetaData(),
        sa.Column("id", types.RowUuid()),
        sa.Column("fingerprint", types.Name(200), nullable=False),
        sa.Column("kind", types.Name(50), nullable=False),
        sa.Column("severity", types.Name(20), nullable=False),
        sa.Column("state", types.Name(20), nullable=False),
        sa.Column("title", types.Prose(), nullable=False),
        sa.Column("link", types.Prose()),
        sa.Column("subject", types.Name(200)),
        sa.Column("raised_at", types.Instant(), nullable=False),
        sa.Column("resolved_at", types.Instant()),
        *added,
        sa.PrimaryKeyConstraint("id", name="pk_Alerts"),
        sa.CheckConstraint(severity, name="ck_Alerts_severity"),
        sa.CheckConstraint(state, name="ck_Alerts_state"),
        sqlite_strict=True,
    )


def _added() -> list[sa.Column[Any]]:
    return [
        sa.Column("fired_at", types.Instant()),
        sa.Column("cleared_at", types.Instant()),
        sa.Column("times", types.Whole(), nullable=False, server_default="1"),
        sa.Column("told", types.Whole(), nullable=False, server_default="0"),
        sa.Column("told_at", types.Instant()),
        sa.Column("acknowledged_at", types.Instant()),
        sa.Column("acknowledged_by", types.Name(100)),
        sa.Column("source", types.Name(20)),
        sa.Column("labels", types.Json()),
    ]


def _create_notices() -> None:
    events = ("fired", "worsened", "repeated", "resolved")
    fates = ("told", "silenced", "unwanted")
    op.create_table(
        "AlertNotices",
        sa.Column("notice_id", types.RowUuid()),
        sa.Column("alert_id", types.RowUuid(), nullable=False),
        sa.Column("number", types.Whole(), nullable=False),
        sa.Column("event", types.Name(20), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("fate", types.Name(20)),
        sa.Column("dealt_at", types.Instant()),
        sa.PrimaryKeyConstraint("notice_id", name="pk_AlertNotices"),
        sa.CheckConstraint(_one_of("event", events), name=op.f("ck_AlertNotices_event")),
        sa.CheckConstraint(
            f"fate IS NULL OR {_one_of('fate', fates)}", name=op.f("ck_AlertNotices_fate")
        ),
        sa.ForeignKeyConstraint(
            ["alert_id"],
            ["Alerts.id"],
            ondelete="CASCADE",
            name=op.f("fk_AlertNotices_alert_id_Alerts"),
        ),
        sqlite_strict=True,
    )
    op.create_index("uq_AlertNotices_number", "AlertNotices", ["alert_id", "number"], unique=True)
    _index("ix_AlertNotices_waiting", "AlertNotices", ["created_at"], where="fate IS NULL")


def _create_channels() -> None:
    op.create_table(
        "AlertChannels",
        sa.Column("channel_id", types.RowUuid()),
        sa.Column("name", types.Name(50), nullable=False),
        sa.Column("kind", types.Name(50), nullable=False),
        sa.Column("url", types.Secret(), nullable=False),
        sa.Column("least_severity", types.Name(20), nullable=False),
        sa.Column("is_active", types.Flag(), nullable=False),
        sa.Column("created_by", types.Name(100), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("channel_id", name="pk_AlertChannels"),
        sa.CheckConstraint(
            _one_of("least_severity", _SEVERITIES), name=op.f("ck_AlertChannels_least_severity")
        ),
        sqlite_strict=True,
    )
    op.create_index("uq_AlertChannels_name", "AlertChannels", ["name"], unique=True)


def _create_messages() -> None:
    states = ("waiting", "sending", "sent", "unsure", "given_up")
    name = "AlertMessages"
    op.create_table(
        name,
        sa.Column("message_id", types.RowUuid()),
        sa.Column("channel_id", types.RowUuid(), nullable=False),
        sa.Column("channel", types.Name(50), nullable=False),
        sa.Column("dedupe_key", types.Name(64), nullable=False),
        sa.Column("severity", types.Name(20), nullable=False),
        sa.Column("title", types.Prose(), nullable=False),
        sa.Column("body", types.Prose(), nullable=False),
        sa.Column("alert_ids", types.Json(), nullable=False),
        sa.Column("state", types.Name(20), nullable=False),
        sa.Column("tries", types.Whole(), nullable=False),
        sa.Column("not_before", types.Instant(), nullable=False),
        sa.Column("claimed_until", types.Instant()),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("ended_at", types.Instant()),
        sa.PrimaryKeyConstraint("message_id", name="pk_AlertMessages"),
        sa.CheckConstraint(
            _one_of("severity", _SEVERITIES), name=op.f("ck_AlertMessages_severity")
        ),
        sa.CheckConstraint(_one_of("state", states), name=op.f("ck_AlertMessages_state")),
        sqlite_strict=True,
    )
    op.create_index("uq_AlertMessages_dedupe_key", name, ["dedupe_key"], unique=True)
    _index("ix_AlertMessages_open", name, ["not_before"], where="ended_at IS NULL")
    op.create_index("ix_AlertMessages_created_at", name, ["created_at"])


def _create_deliveries() -> None:
    outcomes = ("begun", "sent", "refused", "unanswered")
    name = "AlertDeliveries"
    op.create_table(
        name,
        sa.Column("delivery_id", types.RowUuid()),
        sa.Column("message_id", types.RowUuid(), nullable=False),
        sa.Column("channel_id", types.RowUuid(), nullable=False),
        sa.Column("number", types.Whole(), nullable=False),
        sa.Column("began_at", types.Instant(), nullable=False),
        sa.Column("ended_at", types.Instant()),
        sa.Column("outcome", types.Name(20), nullable=False),
        sa.Column("answer", types.Prose()),
        sa.PrimaryKeyConstraint("delivery_id", name="pk_AlertDeliveries"),
        sa.CheckConstraint(_one_of("outcome", outcomes), name=op.f("ck_AlertDeliveries_outcome")),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["AlertMessages.message_id"],
            ondelete="CASCADE",
            name=op.f("fk_AlertDeliveries_message_id_AlertMessages"),
        ),
        sqlite_strict=True,
    )
    op.create_index("uq_AlertDeliveries_number", name, ["message_id", "number"], unique=True)
    op.create_index("ix_AlertDeliveries_channel_id_began_at", name, ["channel_id", "began_at"])


def _create_silences() -> None:
    op.create_table(
        "AlertSilences",
        sa.Column("silence_id", types.RowUuid()),
        sa.Column("pattern", types.Name(200), nullable=False),
        sa.Column("reason", types.Prose(), nullable=False),
        sa.Column("created_by", types.Name(100), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("ends_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("silence_id", name="pk_AlertSilences"),
        sqlite_strict=True,
    )
    op.create_index("ix_AlertSilences_ends_at", "AlertSilences", ["ends_at"])


def _create_keeper() -> None:
    op.create_table(
        "AlertKeeper",
        sa.Column("name", types.Name(20)),
        sa.Column("holder", types.Name(100)),
        sa.Column("held_until", types.Instant()),
        sa.Column("looked_at", types.Instant()),
        sa.PrimaryKeyConstraint("name", name="pk_AlertKeeper"),
        sqlite_strict=True,
    )
