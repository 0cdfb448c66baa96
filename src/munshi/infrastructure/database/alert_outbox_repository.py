"""SQL for AlertNotices, AlertMessages, AlertDeliveries, AlertSilences and AlertKeeper."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    Connection,
    Row,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from munshi.domain.alert_delivery import (
    Delivery,
    DeliveryOutcome,
    Message,
    MessageState,
    Notice,
    NoticeFate,
    Silence,
)
from munshi.domain.alerts import NoticeEvent, Severity
from munshi.infrastructure.database.alert_repository import to_alert
from munshi.infrastructure.database.models import (
    alert_deliveries,
    alert_keeper,
    alert_messages,
    alert_notices,
    alert_silences,
    alerts,
)

MOST_WAITING = 10_000
_ONLY = "alerts"

_notices, _messages, _tries = alert_notices.c, alert_messages.c, alert_deliveries.c
_silences, _keeper = alert_silences.c, alert_keeper.c
_WAITING = (
    select(alert_notices.c.notice_id, _notices.event, _notices.created_at, alerts)
    .join_from(alert_notices, alerts, _notices.alert_id == alerts.c.id)
    .where(_notices.fate.is_(None))
    .order_by(_notices.created_at, _notices.number)
    .limit(MOST_WAITING)
)
_DEAL = (
    update(alert_notices)
    .where(_notices.notice_id == bindparam("row"), _notices.fate.is_(None))
    .values(fate=bindparam("to"), dealt_at=bindparam("at"))
)
_ADD = insert(alert_messages)
_OPEN = (
    select(alert_messages)
    .where(
        _messages.ended_at.is_(None),
        _messages.not_before <= bindparam("now"),
        or_(
            _messages.state == MessageState.WAITING,
            and_(
                _messages.state == MessageState.SENDING,
                _messages.claimed_until <= bindparam("now"),
            ),
        ),
    )
    .order_by(_messages.not_before, _messages.created_at)
    .limit(MOST_WAITING)
)
_UNENDED = select(_messages.channel_id, _messages.alert_ids).where(_messages.ended_at.is_(None))
_GET = select(alert_messages).where(_messages.message_id == bindparam("row"))
_LIST = (
    select(alert_messages)
    .order_by(_messages.created_at.desc(), _messages.message_id)
    .limit(bindparam("most"))
)
_seen = (
    _messages.message_id == bindparam("row"),
    _messages.tries == bindparam("seen_tries"),
    _messages.state == bindparam("seen_state"),
    _messages.ended_at.is_(None),
)
_CLAIM = (
    update(alert_messages)
    .where(*_seen)
    .values(
        state=MessageState.SENDING,
        tries=_messages.tries + 1,
        claimed_until=bindparam("until"),
    )
)
_STEP = (
    update(alert_messages)
    .where(*_seen)
    .values(
        state=bindparam("to"),
        not_before=bindparam("again"),
        claimed_until=None,
        ended_at=bindparam("ended"),
    )
)
_BEGIN = insert(alert_deliveries)
_END = (
    update(alert_deliveries)
    .where(_tries.message_id == bindparam("row"), _tries.number == bindparam("try_number"))
    .values(outcome=bindparam("to"), answer=bindparam("said"), ended_at=bindparam("at"))
)
_LIST_TRIES = (
    select(alert_deliveries).where(_tries.message_id == bindparam("row")).order_by(_tries.number)
)
_COUNT = (
    select(_tries.channel_id, func.count().label("sent"))
    .where(_tries.began_at > bindparam("since"))
    .group_by(_tries.channel_id)
)
_SILENCE = insert(alert_silences)
_LIST_SILENCES = (
    select(alert_silences)
    .where(_silences.ends_at > bindparam("now"))
    .order_by(_silences.ends_at, _silences.silence_id)
)
_END_SILENCE = (
    update(alert_silences)
    .where(_silences.silence_id == bindparam("row"), _silences.ends_at > bindparam("now"))
    .values(ends_at=bindparam("now"))
)
# What belongs to them goes with them.
_FORGET = (
    delete(alerts).where(
        alerts.c.state == literal_column("'resolved'"), alerts.c.resolved_at < bindparam("before")
    ),
    delete(alert_messages).where(_messages.ended_at < bindparam("before")),
    delete(alert_silences).where(_silences.ends_at < bindparam("before")),
)
_TURN = (
    update(alert_keeper)
    .where(
        _keeper.name == _ONLY,
        or_(
            _keeper.holder.is_(None),
            _keeper.holder == bindparam("me"),
            _keeper.held_until <= bindparam("now"),
        ),
    )
    .values(holder=bindparam("me"), held_until=bindparam("until"))
)
_LEAVE = (
    update(alert_keeper)
    .where(_keeper.name == _ONLY, _keeper.holder == bindparam("me"))
    .values(holder=None, held_until=None)
)
_LOOKED = update(alert_keeper).where(_keeper.name == _ONLY).values(looked_at=bindparam("now"))
_KEEPER = select(alert_keeper).where(_keeper.name == _ONLY)
_BEGIN_KEEPER = insert(alert_keeper)


class AlertOutboxRepository:
    """What is to be told, and what became of it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_waiting(self) -> list[Notice]:
        """Notices nobody has dealt with, oldest first, each with its alert as it is now."""
        return [
            Notice(
                notice_id=row.notice_id,
                event=NoticeEvent(row.event),
                created_at=row.created_at,
                alert=to_alert(row),
            )
            for row in self._connection.execute(_WAITING)
        ]

    def deal_with(self, notice_id: UUID, fate: NoticeFate, *, now: datetime) -> bool:
        """Whether nobody else had."""
        values = {"row": notice_id, "to": fate, "at": now}
        return self._connection.execute(_DEAL, values).rowcount > 0

    def add_message(self, message: Message, *, dedupe_key: str) -> bool:
        """Whether there was none of this key."""
        row = {
            "message_id": message.message_id,
            "channel_id": message.channel_id,
            "channel": message.channel,
            "dedupe_key": dedupe_key,
            "severity": message.severity,
            "title": message.title,
            "body": message.body,
            "alert_ids": list(message.alert_ids),
            "state": message.state,
            "tries": message.tries,
            "not_before": message.not_before,
            "created_at": message.created_at,
        }
        try:
            with self._connection.begin_nested():
                self._connection.execute(_ADD, row)
        except IntegrityError:
            return False
        return True

    def list_due(self, *, now: datetime) -> list[Message]:
        """What waits and may be sent now, and what was begun by a sender that died."""
        return [_message(row) for row in self._connection.execute(_OPEN, {"now": now})]

    def list_unheard(self) -> set[tuple[UUID, str]]:
        """Channels, each with the id of an alert of which a message still waits for it."""
        rows = self._connection.execute(_UNENDED)
        return {(row.channel_id, alert_id) for row in rows for alert_id in row.alert_ids}

    def get_message(self, message_id: UUID) -> Message | None:
        row = self._connection.execute(_GET, {"row": message_id}).first()
        return None if row is None else _message(row)

    def list_messages(self, *, limit: int) -> list[Message]:
        """Newest first."""
        return [_message(row) for row in self._connection.execute(_LIST, {"most": limit})]

    def claim(self, message: Message, *, lease: timedelta, now: datetime) -> bool:
        """Begin a try, which is on record from then on; False if somebody else did."""
        won = self._connection.execute(_CLAIM, _as_seen(message) | {"until": now + lease})
        if won.rowcount == 0:
            return False
        self._connection.execute(
            _BEGIN,
            {
                "delivery_id": uuid4(),
                "message_id": message.message_id,
                "channel_id": message.channel_id,
                "number": message.tries + 1,
                "began_at": now,
                "outcome": DeliveryOutcome.BEGUN,
            },
        )
        return True

    def step(
        self,
        message: Message,
        state: MessageState,
        *,
        not_before: datetime | None,
        now: datetime,
    ) -> bool:
        """Where a message goes from where it was seen; one that waits no more has ended."""
        moved = self._connection.execute(
            _STEP,
            _as_seen(message)
            | {
                "to": state,
                "again": not_before or message.not_before,
                "ended": None if state is MessageState.WAITING else now,
            },
        )
        return moved.rowcount > 0

    def end_try(
        self, message_id: UUID, number: int, outcome: DeliveryOutcome, answer: str, *, now: datetime
    ) -> None:
        values = {"row": message_id, "try_number": number, "to": outcome, "said": answer}
        self._connection.execute(_END, values | {"at": now})

    def list_deliveries(self, message_id: UUID) -> list[Delivery]:
        """Every try, first one first."""
        return [
            Delivery(
                delivery_id=row.delivery_id,
                message_id=row.message_id,
                number=row.number,
                began_at=row.began_at,
                ended_at=row.ended_at,
                outcome=DeliveryOutcome(row.outcome),
                answer=row.answer,
            )
            for row in self._connection.execute(_LIST_TRIES, {"row": message_id})
        ]

    def count_tries(self, *, since: datetime) -> dict[UUID, int]:
        """How many tries each channel had."""
        rows = self._connection.execute(_COUNT, {"since": since})
        return {row.channel_id: row.sent for row in rows}

    def add_silence(self, silence: Silence) -> None:
        self._connection.execute(
            _SILENCE,
            {
                "silence_id": silence.silence_id,
                "pattern": silence.pattern,
                "reason": silence.reason,
                "created_by": silence.created_by,
                "created_at": silence.created_at,
                "ends_at": silence.ends_at,
            },
        )

    def list_silences(self, *, now: datetime) -> list[Silence]:
        """Those in force, the one that ends first first."""
        return [
            Silence(
                silence_id=row.silence_id,
                pattern=row.pattern,
                reason=row.reason,
                created_by=row.created_by,
                created_at=row.created_at,
                ends_at=row.ends_at,
            )
            for row in self._connection.execute(_LIST_SILENCES, {"now": now})
        ]

    def end_silence(self, silence_id: UUID, *, now: datetime) -> bool:
        """Whether it was in force."""
        ended = self._connection.execute(_END_SILENCE, {"row": silence_id, "now": now})
        return ended.rowcount > 0

    def cleanup(self, *, before: datetime) -> int:
        """Forget what ended before then: alerts, messages and their tries, silences; how many."""
        return sum(self._connection.execute(each, {"before": before}).rowcount for each in _FORGET)

    def take_turn(self, me: str, *, lease: timedelta, now: datetime) -> bool:
        """Whether `me` keeps the alerts until the lease ends; taken anew each time."""
        values = {"me": me, "now": now, "until": now + lease}
        if self._connection.execute(_TURN, values).rowcount > 0:
            return True
        if self._connection.execute(_KEEPER).first() is not None:
            return False
        row = {"name": _ONLY, "holder": me, "held_until": now + lease}
        try:
            with self._connection.begin_nested():
                self._connection.execute(_BEGIN_KEEPER, row)
        except IntegrityError:
            return False
        return True

    def is_held_by_another(self, me: str, *, now: datetime) -> bool:
        """Whether somebody else keeps the alerts; looks only."""
        row = self._connection.execute(_KEEPER).first()
        return (
            row is not None
            and row.holder not in {None, me}
            and row.held_until is not None
            and row.held_until > now
        )

    def leave(self, me: str) -> None:
        self._connection.execute(_LEAVE, {"me": me})

    def note_look(self, *, now: datetime) -> None:
        self._connection.execute(_LOOKED, {"now": now})

    def get_last_look(self) -> datetime | None:
        """When the rules were last looked at by anybody."""
        row = self._connection.execute(_KEEPER).first()
        return None if row is None else row.looked_at


def _as_seen(message: Message) -> dict[str, Any]:
    return {
        "row": message.message_id,
        "seen_tries": message.tries,
        "seen_state": message.state,
    }


def _message(row: Row[Any]) -> Message:
    fields: Sequence[str] = (
        *("message_id", "channel_id", "channel", "title", "body", "alert_ids", "tries"),
        *("not_before", "claimed_until", "created_at", "ended_at"),
    )
    return Message(
        severity=Severity(row.severity),
        state=MessageState(row.state),
        **{name: getattr(row, name) for name in fields},
    )
