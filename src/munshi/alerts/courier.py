"""Sends messages: each try is on record before it begins, and no transaction is open meanwhile."""

import threading
from dataclasses import replace
from datetime import timedelta

import structlog

from munshi.alerts.settings import TellingRules, read_telling_rules
from munshi.clock import Clock
from munshi.domain.alert_delivery import (
    DeliveryOutcome,
    Message,
    MessageState,
    NextStep,
    after_try,
)
from munshi.domain.alerts import Severity
from munshi.errors import AppError, SecretUnreadableError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.notifying.sender import START_SECONDS, Answer, Sending, send

CHANNELS_AT_ONCE = 4
# How long beyond the longest sending its sender may be silent before it counts as dead.
PATIENCE = 20.0
CHANNEL_FAILS = "channel_failing"
_MINUTE = timedelta(minutes=1)
_log = structlog.get_logger(__name__)


class Courier:
    """Any number may deliver at once; one of them gets each try."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def deliver(self) -> int:
        """Try what may be tried now, one message a channel; how many were tried."""
        now = self._clock.now()
        with self._database.reading() as tx:
            due = tx.alert_outbox.list_due(now=now)
            if not due:
                return 0
            settings = read_telling_rules(tx)
            spent = tx.alert_outbox.count_tries(since=now - _MINUTE)
        chosen: dict[object, Message] = {}
        for message in sorted(due, key=lambda each: -each.severity.rank):
            if spent.get(message.channel_id, 0) < settings.most_per_minute:
                chosen.setdefault(message.channel_id, message)
        if not chosen:
            return 0
        tried: list[Message] = []
        # A process that ends does not wait for a channel that hangs.
        crew = [
            threading.Thread(target=self._try, args=(each, settings, tried), daemon=True)
            for each in list(chosen.values())[:CHANNELS_AT_ONCE]
        ]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()
        return len(tried)

    def send(self, message: Message, settings: TellingRules) -> Answer | None:
        """One try of a message that was seen to wait; None if there is none to make any more."""
        claimed = self._claim(message, settings)
        if claimed is None:
            return None
        answer = self._hand_over(claimed, settings)
        self._record(claimed, answer, settings)
        return answer

    def _try(self, message: Message, settings: TellingRules, tried: list[Message]) -> None:
        try:
            answer = self.send(message, settings)
        except AppError as error:
            # The try stays on record as begun, and is dealt with as one whose sender died.
            _log.warning("alerts.try_not_recorded", channel=message.channel, cause=error.detail)
            return
        if answer is None:
            return
        tried.append(message)
        if answer.outcome is not DeliveryOutcome.SENT:
            _log.warning(
                "alerts.not_delivered",
                channel=message.channel,
                outcome=str(answer.outcome),
                said=answer.said,
            )

    def _claim(self, message: Message, settings: TellingRules) -> Message | None:
        """Begin a try. What a dead sender had begun is in doubt, and dealt with by the rule."""
        now = self._clock.now()
        lease = timedelta(seconds=settings.timeout_seconds + START_SECONDS + PATIENCE)
        with self._database.transaction() as tx:
            if message.state is MessageState.SENDING:
                step = _next(message, DeliveryOutcome.BEGUN, settings, self._clock)
                if step.state is not MessageState.WAITING:
                    tx.alert_outbox.step(message, step.state, not_before=None, now=now)
                    return None
            if not tx.alert_outbox.claim(message, lease=lease, now=now):
                return None
        return replace(message, state=MessageState.SENDING, tries=message.tries + 1)

    def _hand_over(self, message: Message, settings: TellingRules) -> Answer:
        try:
            with self._database.reading() as tx:
                url = tx.alert_channels.get_url(message.channel_id)
        except SecretUnreadableError as error:
            return Answer(outcome=DeliveryOutcome.REFUSED, said=error.detail)
        if url is None:
            return Answer(outcome=DeliveryOutcome.REFUSED, said="The channel is gone.")
        sending = Sending(
            url=url, title=message.title, body=message.body, severity=message.severity
        )
        return send(sending, seconds=settings.timeout_seconds)

    def _record(self, message: Message, answer: Answer, settings: TellingRules) -> None:
        now = self._clock.now()
        step = _next(message, answer.outcome, settings, self._clock)
        with self._database.transaction() as tx:
            tx.alert_outbox.end_try(
                message.message_id, message.tries, answer.outcome, answer.said, now=now
            )
            tx.alert_outbox.step(message, step.state, not_before=step.not_before, now=now)
            fingerprint = f"{CHANNEL_FAILS}:{message.channel}"
            if step.state is MessageState.GIVEN_UP:
                tx.alerts.raise_alert(
                    fingerprint,
                    kind=CHANNEL_FAILS,
                    severity=Severity.WARNING,
                    title=f"Channel {message.channel} takes no messages: {answer.said} "
                    f"Try it: munshi alerts test {message.channel}",
                    subject=message.channel,
                    now=now,
                )
            elif step.state is MessageState.SENT:
                tx.alerts.resolve_alert(fingerprint, now=now)


def _next(
    message: Message, outcome: DeliveryOutcome, settings: TellingRules, clock: Clock
) -> NextStep:
    return after_try(
        outcome,
        severity=message.severity,
        tries=message.tries,
        most_tries=settings.most_tries,
        now=clock.now(),
    )
