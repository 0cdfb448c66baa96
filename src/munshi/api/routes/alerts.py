"""Alerts: what a person should look at, its rules, and what was told of it."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.requests import Request

from munshi.alerts.service import MessageStory
from munshi.api.answers import Body, Shown
from munshi.api.instants import Moment
from munshi.api.roles import Role, actor_of, allows, facts_of
from munshi.bootstrap import Services
from munshi.domain.alert_delivery import DeliveryOutcome, MessageState
from munshi.domain.alert_rules import AlertRule
from munshi.domain.alerts import Alert, Severity

_Alert = Annotated[str, Path(max_length=200, description="Its id, or its fingerprint while open.")]
_Limit = Annotated[int, Query(ge=1, le=500)]


class AlertSeen(Shown):
    """`state` is pending, firing or resolved; `link` only for who may use it.

    `raised_at` is when it was first seen, `fired_at` when it began to fire.
    """

    alert_id: UUID
    fingerprint: str
    kind: str
    severity: Severity
    state: Literal["pending", "firing", "resolved"]
    title: str
    link: str | None
    subject: str | None
    source: str | None
    labels: dict[str, str]
    raised_at: datetime
    fired_at: datetime | None
    resolved_at: datetime | None
    told_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None


class AlertsAnswer(Shown):
    alerts: list[AlertSeen]


class SilenceShown(Shown):
    silence_id: UUID
    pattern: str
    reason: str
    created_by: str
    created_at: datetime
    ends_at: datetime


class SilencesAnswer(Shown):
    silences: list[SilenceShown]


class RuleShown(Shown):
    """`means` is what it means for today, `page` where it is mended. See configuration `alerts`.

    `is_evaluated` says that a condition is looked at; others are raised by parts of the desk.
    """

    name: str
    severity: Severity | None
    is_enabled: bool
    for_seconds: int
    times: int
    keep_firing_seconds: int
    means: str
    page: str
    is_evaluated: bool


class RulesAnswer(Shown):
    rules: list[RuleShown]


class DeliveryShown(Shown):
    """One try. `begun` that never ended, or `unanswered`: it may have arrived."""

    number: int
    began_at: datetime
    ended_at: datetime | None
    outcome: DeliveryOutcome
    answer: str | None


class MessageShown(Shown):
    message_id: UUID
    channel: str
    severity: Severity
    title: str
    body: str
    state: MessageState
    created_at: datetime
    ended_at: datetime | None
    deliveries: list[DeliveryShown]


class MessagesAnswer(Shown):
    messages: list[MessageShown]


class AlertAnswer(Shown):
    """One alert with its rule, the silences that cover it, and what was told of it."""

    alert: AlertSeen
    rule: RuleShown
    silences: list[SilenceShown]
    messages: list[MessageShown]


class SilenceRequest(Body):
    """`pattern` is a fingerprint or a kind, stars allowed: `job_dead:*`."""

    pattern: Annotated[str, Field(min_length=1, max_length=200)]
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    ends_at: Moment


class AlertRoutes:
    """Each call is one service call."""

    def __init__(self, services: Services) -> None:
        self._alerts = services.alerts

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["alerts"]}
        post: dict[str, Any] = {**options, "methods": ["POST"]}
        router.add_api_route("/alerts", self.all_alerts, **options)
        router.add_api_route("/alerts/rules", self.rules, **options)
        router.add_api_route("/alerts/messages", self.messages, **options)
        router.add_api_route("/alerts/silences", self.silences, **options)
        router.add_api_route("/alerts/silences", self.silence, **post)
        router.add_api_route("/alerts/silences/{silence_id}/end", self.end_silence, **post)
        router.add_api_route("/alerts/{alert}", self.show, **options)
        router.add_api_route("/alerts/{alert}/acknowledge", self.acknowledge, **post)
        router.add_api_route("/alerts/{alert}/resolve", self.resolve, **post)

    @allows(Role.VIEWER)
    def all_alerts(
        self,
        request: Request,
        state: Literal["open", "all"] = "open",
        limit: _Limit = 50,
    ) -> AlertsAnswer:
        """Open ones, oldest first; or all, newest first."""
        found = self._alerts.list_open() if state == "open" else self._alerts.list_recent(limit)
        return AlertsAnswer(alerts=[_seen(each, request) for each in found])

    @allows(Role.VIEWER)
    def rules(self) -> RulesAnswer:
        """Every rule as it is in force; the configuration of type `alerts` changes them."""
        return RulesAnswer(rules=[_rule(each) for each in self._alerts.list_rules().values()])

    @allows(Role.OPERATOR)
    def messages(self, limit: _Limit = 50) -> MessagesAnswer:
        """What was told by which channel, when, with what answer; newest first."""
        return MessagesAnswer(
            messages=[message_shown(m) for m in self._alerts.list_messages(limit)]
        )

    @allows(Role.VIEWER)
    def silences(self) -> SilencesAnswer:
        """Silences in force, the one that ends first first."""
        return SilencesAnswer(
            silences=[SilenceShown.model_validate(each) for each in self._alerts.list_silences()]
        )

    @allows(Role.OPERATOR)
    def silence(self, body: SilenceRequest, request: Request) -> SilenceShown:
        """Tell nobody of some alerts until a time; they still fire, and are shown."""
        made = self._alerts.silence(
            body.pattern, reason=body.reason, ends_at=body.ends_at, actor=actor_of(request)
        )
        return SilenceShown.model_validate(made)

    @allows(Role.OPERATOR)
    def end_silence(self, silence_id: UUID, request: Request) -> SilencesAnswer:
        """End a silence now; what still fires is told then. The silences that are left."""
        self._alerts.end_silence(silence_id, actor=actor_of(request))
        return self.silences()

    @allows(Role.OPERATOR)
    def show(self, alert: _Alert, request: Request) -> AlertAnswer:
        """One alert, with its rule and every message about it."""
        story = self._alerts.show(alert)
        return AlertAnswer(
            alert=_seen(story.alert, request),
            rule=_rule(story.rule),
            silences=[SilenceShown.model_validate(each) for each in story.silences],
            messages=[message_shown(each) for each in story.messages],
        )

    @allows(Role.OPERATOR)
    def acknowledge(self, alert: _Alert, request: Request) -> AlertSeen:
        """Somebody looks after it: it is not told again until it is over."""
        return _seen(self._alerts.acknowledge(alert, actor=actor_of(request)), request)

    @allows(Role.OPERATOR)
    def resolve(self, alert: _Alert, request: Request) -> AlertsAnswer:
        """Put an open alert away; it comes back when its cause is seen again. Those left open."""
        self._alerts.resolve(alert, actor=actor_of(request))
        return self.all_alerts(request)


def message_shown(story: MessageStory) -> MessageShown:
    message = story.message
    return MessageShown(
        message_id=message.message_id,
        channel=message.channel,
        severity=message.severity,
        title=message.title,
        body=message.body,
        state=message.state,
        created_at=message.created_at,
        ended_at=message.ended_at,
        deliveries=[DeliveryShown.model_validate(each) for each in story.deliveries],
    )


def _seen(alert: Alert, request: Request) -> AlertSeen:
    shown = AlertSeen.model_validate(alert)
    may_mend = facts_of(request).principal.role >= Role.OPERATOR
    return shown if may_mend else shown.model_copy(update={"link": None})


def _rule(rule: AlertRule) -> RuleShown:
    return RuleShown(
        name=rule.name,
        severity=rule.severity,
        is_enabled=rule.is_enabled,
        for_seconds=int(rule.policy.lasting.total_seconds()),
        times=rule.policy.times,
        keep_firing_seconds=int(rule.policy.keep_firing.total_seconds()),
        means=rule.means,
        page=rule.page,
        is_evaluated=rule.when is not None,
    )
