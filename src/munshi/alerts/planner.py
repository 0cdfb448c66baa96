"""Makes messages of notices: who is told what, together with what else, and what waits."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from munshi.alerts.settings import TellingRules, read_telling_rules
from munshi.domain.alert_delivery import (
    Channel,
    Message,
    MessageState,
    Notice,
    NoticeFate,
    Silence,
    Told,
    body_of,
    dedupe_key,
    is_quiet,
    title_of,
    worst_severity,
)
from munshi.domain.alert_groups import GroupKey, due_again, group_key, words_of
from munshi.domain.alert_rules import AlertRule
from munshi.domain.alerts import Alert, AlertState, NoticeEvent, Severity
from munshi.infrastructure.database.transaction import Transaction


class Planner:
    """`base_url` is where the links of messages lead, `mode` which brokers they are about."""

    def __init__(self, *, base_url: str, mode: str) -> None:
        self._base_url = base_url
        self._mode = mode

    def repeat(self, tx: Transaction, *, now: datetime) -> None:
        """Have critical alerts told again that nobody has acknowledged."""
        unheard = [each for each in tx.alerts.list_open_alerts() if _is_unheard(each)]
        if not unheard:
            return
        rules = read_telling_rules(tx)
        waiting = {each.alert.alert_id for each in tx.alert_outbox.list_waiting()}
        free = [each for each in unheard if each.alert_id not in waiting]
        for alert in due_again(free, rules.group_by, every=rules.repeat, now=now):
            tx.alerts.repeat(alert, now=now)

    def plan(self, tx: Transaction, *, now: datetime) -> int:
        """Deal with the notices whose time has come; how many messages wait now to be sent."""
        waiting = tx.alert_outbox.list_waiting()
        if not waiting:
            return 0
        settings = read_telling_rules(tx)
        silences = tx.alert_outbox.list_silences(now=now)
        channels = [each for each in tx.alert_channels.list_channels() if each.is_active]
        rules = tx.alerts.list_rules()
        made = 0
        for group in _groups(waiting, settings.group_by):
            due = self._due(tx, group, silences, settings, now=now)
            if due and now - due[0].created_at >= settings.group:
                made += self._tell(tx, due, channels, rules, settings.group_by, now=now)
        return made

    def _due(
        self,
        tx: Transaction,
        group: Sequence[Notice],
        silences: Sequence[Silence],
        settings: TellingRules,
        *,
        now: datetime,
    ) -> list[Notice]:
        """What may be told now. What is silenced waits, and is dropped when it is over."""
        due = []
        for notice in group:
            alert = notice.alert
            is_over = alert.state == AlertState.RESOLVED
            if any(each.covers(alert, now=now) for each in silences):
                if is_over:
                    tx.alert_outbox.deal_with(notice.notice_id, NoticeFate.SILENCED, now=now)
            elif is_quiet(settings.quiet_hours, alert.severity, now=now):
                continue
            elif notice.event is NoticeEvent.REPEATED and not _is_unheard(alert):
                tx.alert_outbox.deal_with(notice.notice_id, NoticeFate.UNWANTED, now=now)
            else:
                due.append(notice)
        return due

    def _tell(
        self,
        tx: Transaction,
        due: Sequence[Notice],
        channels: Sequence[Channel],
        rules: Mapping[str, AlertRule],
        group_by: Sequence[str],
        *,
        now: datetime,
    ) -> int:
        unheard = tx.alert_outbox.list_unheard()

        def wants(channel: Channel, notice: Notice) -> bool:
            """A repeat is not for a channel that has not taken what is repeated."""
            alert = notice.alert
            if alert.severity.rank < channel.least_severity.rank:
                return False
            is_waiting = (channel.channel_id, str(alert.alert_id)) in unheard
            return notice.event is not NoticeEvent.REPEATED or not is_waiting

        won = []
        for notice in due:
            is_heard = any(wants(channel, notice) for channel in channels)
            fate = NoticeFate.TOLD if is_heard else NoticeFate.UNWANTED
            # Another keeper may deal with some of them in this moment; those are its to tell.
            if tx.alert_outbox.deal_with(notice.notice_id, fate, now=now) and is_heard:
                won.append(notice)
        if not won:
            return 0
        in_common = words_of(won[0].alert, group_by)
        made = 0
        for channel in channels:
            mine = _by_alert([each for each in won if wants(channel, each)])
            if not mine:
                continue
            message = Message(
                message_id=uuid4(),
                channel_id=channel.channel_id,
                channel=channel.name,
                severity=worst_severity(mine),
                title=title_of(mine, in_common=in_common),
                body=body_of(mine, rules, base_url=self._base_url, mode=self._mode),
                alert_ids=[str(each.alert.alert_id) for each in mine],
                state=MessageState.WAITING,
                tries=0,
                not_before=now,
                claimed_until=None,
                created_at=now,
                ended_at=None,
            )
            key = dedupe_key(channel.channel_id, [each.notice_id for each in won])
            made += tx.alert_outbox.add_message(message, dedupe_key=key)
        return made


def _groups(waiting: Sequence[Notice], names: Sequence[str]) -> list[list[Notice]]:
    """By what the alerts say under `names`, what begins apart from what is over."""
    groups: dict[tuple[GroupKey, bool], list[Notice]] = defaultdict(list)
    over = {each.alert.alert_id for each in waiting if each.event is NoticeEvent.RESOLVED}
    for notice in waiting:
        groups[group_key(notice.alert, names), notice.alert.alert_id in over].append(notice)
    return list(groups.values())


def _by_alert(due: Sequence[Notice]) -> list[Told]:
    """One for each alert: the last thing that is to be told of it."""
    last = {each.alert.alert_id: Told(alert=each.alert, event=each.event) for each in due}
    return list(last.values())


def _is_unheard(alert: Alert) -> bool:
    return (
        alert.state == AlertState.FIRING
        and alert.severity is Severity.CRITICAL
        and alert.acknowledged_at is None
    )
