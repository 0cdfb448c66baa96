"""Channels: where alerts are told. Their addresses hold credentials and are never shown."""

import re
from dataclasses import replace
from uuid import uuid4

from munshi.alerts.courier import Courier
from munshi.alerts.service import MessageStory
from munshi.alerts.settings import read_telling_rules
from munshi.clock import Clock
from munshi.domain.alert_delivery import Channel, Message, MessageState, dedupe_key
from munshi.domain.alerts import Severity
from munshi.domain.audit import Actor
from munshi.errors import AlertChannelInvalidError, AlertChannelUnknownError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.notifying.sender import check_url, scheme_of

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")
_TEST_TITLE = "[TEST] Munshi can reach you here"
_TEST_BODY = "This is a test of channel {name}. Alerts of {least} and above are told here."


class ChannelService:
    """Addresses go in, and come out only where a message is sent."""

    def __init__(self, database: Database, clock: Clock, *, courier: Courier) -> None:
        self._database = database
        self._clock = clock
        self._courier = courier

    def list_channels(self) -> list[Channel]:
        """By name."""
        with self._database.reading() as tx:
            return tx.alert_channels.list_channels()

    def add(
        self,
        name: str,
        url: str,
        *,
        least_severity: Severity = Severity.WARNING,
        actor: Actor,
    ) -> Channel:
        """`url` is as Apprise has it, such as `tgram://TOKEN/CHAT`.

        Raises AlertChannelInvalidError, AlertChannelExistsError.
        """
        if not _NAME.fullmatch(name):
            raise AlertChannelInvalidError(
                "A channel's name has small letters, digits, - and _, at most 50 of them."
            )
        check_url(url)
        now = self._clock.now()
        channel = Channel(
            channel_id=uuid4(),
            name=name,
            kind=scheme_of(url),
            least_severity=least_severity,
            is_active=True,
            created_by=actor.user_id[:100],
            created_at=now,
        )
        with self._database.transaction() as tx:
            tx.alert_channels.add_channel(channel, url)
            tx.audit.log(
                "alert_channel",
                "added",
                entity_id=name,
                new_value={"kind": channel.kind, "least_severity": str(least_severity)},
                actor=actor,
                now=now,
            )
        return channel

    def remove(self, name: str, *, actor: Actor) -> None:
        """What was sent by it stays on record. Raises AlertChannelUnknownError."""
        now = self._clock.now()
        with self._database.transaction() as tx:
            channel = tx.alert_channels.get_channel(name)
            if channel is None or not tx.alert_channels.remove_channel(channel.channel_id):
                raise _unknown(name)
            tx.audit.log(
                "alert_channel",
                "removed",
                entity_id=name,
                old_value={"kind": channel.kind, "least_severity": str(channel.least_severity)},
                actor=actor,
                now=now,
            )

    def test(self, name: str, *, actor: Actor) -> MessageStory:
        """Send a message now, once, and say what came back. Raises AlertChannelUnknownError."""
        now = self._clock.now()
        with self._database.transaction() as tx:
            channel = tx.alert_channels.get_channel(name)
            if channel is None:
                raise _unknown(name)
            settings = replace(read_telling_rules(tx), most_tries=1)
            message = Message(
                message_id=uuid4(),
                channel_id=channel.channel_id,
                channel=name,
                severity=Severity.INFO,
                title=_TEST_TITLE,
                body=_TEST_BODY.format(name=name, least=channel.least_severity),
                alert_ids=[],
                state=MessageState.WAITING,
                tries=0,
                not_before=now,
                claimed_until=None,
                created_at=now,
                ended_at=None,
            )
            key = dedupe_key(channel.channel_id, [message.message_id])
            tx.alert_outbox.add_message(message, dedupe_key=key)
            tx.audit.log("alert_channel", "tested", entity_id=name, actor=actor, now=now)
        self._courier.send(message, settings)
        with self._database.reading() as tx:
            return MessageStory(
                message=tx.alert_outbox.get_message(message.message_id) or message,
                deliveries=tx.alert_outbox.list_deliveries(message.message_id),
            )


def _unknown(name: str) -> AlertChannelUnknownError:
    return AlertChannelUnknownError(
        f"There is no channel {name[:50]!r}.", hint="List them: munshi alerts channels"
    )
