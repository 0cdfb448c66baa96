"""SQL for AlertChannels. An address enters and leaves the table sealed: it holds credentials."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, delete, insert, select
from sqlalchemy.exc import IntegrityError

from munshi.domain.alert_delivery import Channel
from munshi.domain.alerts import Severity
from munshi.errors import AlertChannelExistsError
from munshi.infrastructure.database.models import alert_channels
from munshi.infrastructure.security.vault import Vault

_TABLE = "AlertChannels"
_columns = alert_channels.c
_SHOWN = tuple(each for each in _columns if each is not _columns.url)
_LIST = select(*_SHOWN).order_by(_columns.name)
_URL = select(_columns.url).where(_columns.channel_id == bindparam("row"))
_INSERT = insert(alert_channels)
_DELETE = delete(alert_channels).where(_columns.channel_id == bindparam("row"))


class AlertChannelRepository:
    """Where alerts are told. `vault` is asked for when an address is met."""

    def __init__(self, connection: Connection, vault: Callable[[], Vault]) -> None:
        self._connection = connection
        self._vault = vault

    def list_channels(self) -> list[Channel]:
        """By name, without their addresses."""
        return [_channel(row) for row in self._connection.execute(_LIST)]

    def get_channel(self, name: str) -> Channel | None:
        return next((each for each in self.list_channels() if each.name == name), None)

    def get_url(self, channel_id: UUID) -> str | None:
        """The address, open; None for a channel that is gone. Raises SecretUnreadableError."""
        sealed = self._connection.execute(_URL, {"row": channel_id}).scalar()
        if sealed is None:
            return None
        return self._vault().unseal(sealed, table=_TABLE, column="url", row_id=channel_id)

    def add_channel(self, channel: Channel, url: str) -> None:
        """Raises AlertChannelExistsError."""
        row = {
            "channel_id": channel.channel_id,
            "name": channel.name,
            "kind": channel.kind,
            "url": self._vault().seal(url, table=_TABLE, column="url", row_id=channel.channel_id),
            "least_severity": channel.least_severity,
            "is_active": channel.is_active,
            "created_by": channel.created_by,
            "created_at": channel.created_at,
        }
        try:
            with self._connection.begin_nested():
                self._connection.execute(_INSERT, row)
        except IntegrityError:
            raise AlertChannelExistsError(
                f"There is a channel {channel.name!r} already.",
                hint=f"Remove it first: munshi alerts channels remove {channel.name}",
            ) from None

    def remove_channel(self, channel_id: UUID) -> bool:
        """Whether there was one."""
        return self._connection.execute(_DELETE, {"row": channel_id}).rowcount > 0


def _channel(row: Row[Any]) -> Channel:
    return Channel(
        channel_id=row.channel_id,
        name=row.name,
        kind=row.kind,
        least_severity=Severity(row.least_severity),
        is_active=row.is_active,
        created_by=row.created_by,
        created_at=row.created_at,
    )
