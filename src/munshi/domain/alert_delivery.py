"""How alerts are told: channels, silences, quiet hours, messages, and when one is sent again."""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any
from uuid import UUID

from munshi.clock import IST, show_ist
from munshi.domain.alert_rules import AlertRule
from munshi.domain.alerts import Alert, NoticeEvent, Severity

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=15), timedelta(minutes=15)
LONGEST_TITLE, MOST_TOLD = 200, 20
_MOST_DOUBLINGS = 20


class NoticeFate(StrEnum):
    """What became of a notice. Unwanted: no channel asks for it, or it was over unheard."""

    TOLD = "told"
    SILENCED = "silenced"
    UNWANTED = "unwanted"


class MessageState(StrEnum):
    """Unsure: it may have arrived, and is not worth telling twice."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    UNSURE = "unsure"
    GIVEN_UP = "given_up"


class DeliveryOutcome(StrEnum):
    """How one try ended. Begun: it has not, or its sender died. Unanswered: it may have arrived."""

    BEGUN = "begun"
    SENT = "sent"
    REFUSED = "refused"
    UNANSWERED = "unanswered"

    @property
    def is_doubtful(self) -> bool:
        return self in {DeliveryOutcome.BEGUN, DeliveryOutcome.UNANSWERED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One row of AlertChannels without its address. `kind` is the address's scheme."""

    channel_id: UUID
    name: str
    kind: str
    least_severity: Severity
    is_active: bool
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """One row of AlertSilences.

    `pattern` is a fingerprint, a kind or a label as `name=word`, maybe with stars.
    """

    silence_id: UUID
    pattern: str
    reason: str
    created_by: str
    created_at: datetime
    ends_at: datetime

    def covers(self, alert: Alert, *, now: datetime) -> bool:
        if now >= self.ends_at:
            return False
        labels = (f"{name}={word}" for name, word in alert.labels.items())
        said = (alert.fingerprint, alert.kind, *labels)
        return any(fnmatchcase(each, self.pattern) for each in said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One row of AlertNotices that waits, with its alert as it is now."""

    notice_id: UUID
    event: NoticeEvent
    created_at: datetime
    alert: Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One row of AlertMessages: what is told by one channel at once."""

    message_id: UUID
    channel_id: UUID
    channel: str
    severity: Severity
    title: str
    body: str
    alert_ids: Sequence[str]
    state: MessageState
    tries: int
    not_before: datetime
    claimed_until: datetime | None
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One row of AlertDeliveries: one try to hand a message over, and what came back."""

    delivery_id: UUID
    message_id: UUID
    number: int
    began_at: datetime
    ended_at: datetime | None
    outcome: DeliveryOutcome
    answer: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """What becomes of a message after a try; `not_before` where it waits for another."""

    state: MessageState
    not_before: datetime | None = None


def after_try(
    outcome: DeliveryOutcome, *, severity: Severity, tries: int, most_tries: int, now: datetime
) -> NextStep:
    """The delivery rule. In doubt, what is only informative is left; all else is sent again."""
    if outcome is DeliveryOutcome.SENT:
        return NextStep(state=MessageState.SENT)
    if outcome.is_doubtful and severity is Severity.INFO:
        return NextStep(state=MessageState.UNSURE)
    if tries >= most_tries:
        return NextStep(state=MessageState.GIVEN_UP)
    return NextStep(state=MessageState.WAITING, not_before=now + backoff(tries))


def backoff(tries: int) -> timedelta:
    """How long to wait after so many tries: doubled each time, up to a bound."""
    doublings = min(tries - 1, _MOST_DOUBLINGS)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def is_quiet(quiet_hours: Mapping[str, Any], severity: Severity, *, now: datetime) -> bool:
    """Whether alerts of this severity wait; hours are IST and may go over midnight."""
    hours = quiet_hours.get(severity)
    if hours is None:
        return False
    start, end = time.fromisoformat(hours["from"]), time.fromisoformat(hours["to"])
    at = now.astimezone(IST).time()
    return start <= at < end if start <= end else at >= start or at < end


def dedupe_key(channel_id: UUID, told: Iterable[UUID]) -> str:
    """One for each channel and set of notices."""
    said = " ".join([str(channel_id), *sorted(map(str, told))])
    return hashlib.sha256(said.encode()).hexdigest()


def plain(text: str, *, longest: int = 1000) -> str:
    """One line without control characters: what a broker or a person wrote stays text."""
    kept = "".join(
        " " if char.isspace() else char
        for char in text
        if char.isspace() or unicodedata.category(char)[0] != "C"
    )
    line = " ".join(kept.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One alert in a message. `is_over` tells its end."""

    alert: Alert
    event: NoticeEvent

    @property
    def is_over(self) -> bool:
        return self.event is NoticeEvent.RESOLVED


def title_of(told: Sequence[Told], *, in_common: str = "") -> str:
    """The subject line. `in_common` is what alerts of several kinds are told together for."""
    first = told[0]
    word = "RESOLVED" if first.is_over else str(max(_severities(told))[1]).upper()
    if len(told) == 1:
        return f"[{word}] {plain(first.alert.title, longest=LONGEST_TITLE)}"
    if len({each.alert.kind for each in told}) == 1:
        return f"[{word}] {len(told)} alerts of {first.alert.kind.replace('_', ' ')}"
    about = f": {plain(in_common, longest=LONGEST_TITLE)}" if in_common else ""
    return f"[{word}] {len(told)} alerts{about}"


def _severities(told: Sequence[Told]) -> list[tuple[int, Severity]]:
    return [(each.alert.severity.rank, each.alert.severity) for each in told]


def worst_severity(told: Sequence[Told]) -> Severity:
    return max(_severities(told))[1]


def body_of(
    told: Sequence[Told], rules: Mapping[str, AlertRule], *, base_url: str, mode: str
) -> str:
    """What, since when, what it means for today, and where it is mended; the gravest first."""
    gravest = sorted(told, key=lambda each: -each.alert.severity.rank)
    parts = [
        _paragraph(
            each, rules.get(each.alert.kind) or AlertRule(name=each.alert.kind), base_url=base_url
        )
        for each in gravest[:MOST_TOLD]
    ]
    if len(told) > MOST_TOLD:
        parts.append(f"And {len(told) - MOST_TOLD} more: munshi alerts")
    parts.append(f"Munshi, {mode} brokers. {base_url}/ui/alerts")
    return "\n\n".join(parts)


def _paragraph(told: Told, rule: AlertRule, *, base_url: str) -> str:
    alert = told.alert
    since = show_ist(alert.fired_at or alert.raised_at)
    lines = [plain(alert.title)]
    if told.is_over and alert.resolved_at is not None:
        return "\n".join([*lines, f"Over since {show_ist(alert.resolved_at)}; it began {since}."])
    again = "Still so, not acknowledged. " if told.event is NoticeEvent.REPEATED else ""
    lines.append(f"{again}{str(alert.severity).capitalize()}, since {since}.")
    if rule.means:
        lines.append(f"For today: {plain(rule.means)}")
    if alert.link or rule.page:
        lines.append(f"Mend it: {alert.link or base_url + rule.page}")
    if alert.labels:
        lines.append(", ".join(f"{name}: {word}" for name, word in sorted(alert.labels.items())))
    if alert.severity is Severity.CRITICAL:
        lines.append(f"It is repeated until: munshi alerts ack {alert.alert_id}")
    return "\n".join(lines)
