"""Who a session token or an API key belongs to, in the fewest steps: every request asks."""

import json
from datetime import datetime
from uuid import UUID

from munshi.domain.people import ApiKey, SignedIn
from munshi.domain.roles import Role
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.types import to_text

_SESSION = """
SELECT s.session_id, s.user_id, u.username, u.role, s.last_activity, s.authenticated_at
FROM "UserSessions" AS s JOIN "Users" AS u ON u.user_id = s.user_id
WHERE s.session_token = ? AND s.is_active = 1 AND s.expires_at > ? AND u.is_active = 1
"""
_KEY = """
SELECT k.key_id, k.user_id, u.username, k.name, k.hint, k.role, u.role, k.read_only,
  k.path_groups, k.created_at, k.expires_at, k.last_used_at
FROM "ApiKeys" AS k JOIN "Users" AS u ON u.user_id = k.user_id
WHERE k.key_hash = ? AND k.revoked_at IS NULL AND u.is_active = 1
  AND (k.expires_at IS NULL OR k.expires_at > ?)
"""


class CallerBoard:
    """On SQLite by driver SQL on a held connection; elsewhere through the repositories.

    Nothing is remembered between two look-ups. `is_immediate` says that one takes microseconds
    and waits for nobody, so that an event loop may do it in place.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.is_immediate = database.dialect == "sqlite"

    def session_of(self, token_hash: bytes, *, now: datetime) -> SignedIn | None:
        """Raises DatabaseUnreachableError."""
        if not self.is_immediate:
            with self._database.reading() as tx:
                return tx.user_sessions.get_signed_in(token_hash, now=now)
        for row in self._database.fetch_held(_SESSION, (token_hash, to_text(now))):
            return SignedIn(
                session_id=UUID(row[0]),
                user_id=UUID(row[1]),
                username=row[2],
                role=Role.of(row[3]),
                last_activity=datetime.fromisoformat(row[4]),
                authenticated_at=datetime.fromisoformat(row[5]),
            )
        return None

    def key_of(self, key_hash: bytes, *, now: datetime) -> ApiKey | None:
        """Raises DatabaseUnreachableError."""
        if not self.is_immediate:
            with self._database.reading() as tx:
                return tx.api_keys.get_active_key(key_hash, now=now)
        for row in self._database.fetch_held(_KEY, (key_hash, to_text(now))):
            return ApiKey(
                key_id=UUID(row[0]),
                user_id=UUID(row[1]),
                username=row[2],
                name=row[3],
                hint=row[4],
                role=min(Role.of(row[5]), Role.of(row[6])),
                read_only=bool(row[7]),
                groups=None if row[8] is None else tuple(json.loads(row[8])),
                created_at=datetime.fromisoformat(row[9]),
                expires_at=_instant(row[10]),
                last_used_at=_instant(row[11]),
                revoked_at=None,
            )
        return None


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
