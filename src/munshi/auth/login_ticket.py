"""Tickets in login links: proof that an operator was shown the link, good for a day.

A link is shown in a status answer, an alert or a paused job, and clicked hours later in a
browser that has no session. The ticket lets that click begin the ten minutes in which the
broker's redirect is accepted.
"""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from munshi.domain.enums import Service
from munshi.errors import LoginNotPendingError
from munshi.infrastructure.security.vault import Vault
from munshi.settings import BrokerMode

GOOD_FOR = timedelta(hours=24)
_PURPOSE = "login-ticket"
_MAC_BYTES = 16
_HOUR = 3600


def issue_ticket(vault: Vault, service: Service, *, mode: BrokerMode, now: datetime) -> str:
    """The same text for a whole hour, so that a status asked often shows one link."""
    return _ticket_of_hour(vault, service, mode, int(now.timestamp()) // _HOUR)


@lru_cache(maxsize=16)
def _ticket_of_hour(vault: Vault, service: Service, mode: BrokerMode, hour: int) -> str:
    until = (hour * _HOUR + int(GOOD_FOR.total_seconds())).to_bytes(8, "big")
    mac = vault.mac(until + f"{service}/{mode}".encode(), purpose=_PURPOSE)[:_MAC_BYTES]
    return base64.urlsafe_b64encode(until + mac).decode().rstrip("=")


def check_ticket(
    vault: Vault, ticket: str, service: Service, *, mode: BrokerMode, now: datetime
) -> None:
    """Raise LoginNotPendingError for a ticket that is not ours, not for `service`, or too old."""
    try:
        raw = base64.urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    until, mac = raw[:8], raw[8:]
    genuine = len(raw) == 8 + _MAC_BYTES and vault.check_mac(
        until + f"{service}/{mode}".encode(), mac, purpose=_PURPOSE
    )
    if not genuine or now >= datetime.fromtimestamp(int.from_bytes(until, "big"), tz=UTC):
        raise LoginNotPendingError(
            f"This {service} login link is not valid any more.", hint=f"munshi login {service}"
        )
