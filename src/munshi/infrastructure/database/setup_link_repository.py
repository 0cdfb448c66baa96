"""SQL for SetupLinks: a one-time link lets somebody choose a password. Only hashes are stored."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, and_, bindparam, delete, insert, or_, select, update

from munshi.infrastructure.database.models import setup_links

_rows = setup_links.c
_good = (
    _rows.token_hash == bindparam("token"),
    _rows.used_at.is_(None),
    _rows.expires_at > bindparam("now"),
)
_FIND = select(_rows.link_id, _rows.user_id, _rows.expires_at).where(*_good)
_USE = update(setup_links).where(*_good).values(used_at=bindparam("now"))
_INSERT = insert(setup_links)
# A newer link replaces the older ones for the same person; `user` None is the first one.
_REPLACE = delete(setup_links).where(
    or_(
        _rows.user_id == bindparam("user"),
        and_(bindparam("first") == 1, _rows.user_id.is_(None)),
        _rows.expires_at <= bindparam("now"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupLink:
    """A link that is good; `user_id` None makes the first administrator."""

    link_id: UUID
    user_id: UUID | None
    expires_at: datetime


class SetupLinkRepository:
    """One-time links."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save_link(
        self,
        token_hash: bytes,
        *,
        user_id: UUID | None,
        created_by: str,
        expires_at: datetime,
        now: datetime,
    ) -> None:
        """Store a link; those for the same person before it end."""
        first = int(user_id is None)
        self._connection.execute(_REPLACE, {"user": user_id, "first": first, "now": now})
        self._connection.execute(
            _INSERT,
            {
                "link_id": uuid4(),
                "user_id": user_id,
                "token_hash": token_hash,
                "created_by": created_by,
                "created_at": now,
                "expires_at": expires_at,
            },
        )

    def get_link(self, token_hash: bytes, *, now: datetime) -> SetupLink | None:
        row = self._connection.execute(_FIND, {"token": token_hash, "now": now}).one_or_none()
        if row is None:
            return None
        return SetupLink(link_id=row.link_id, user_id=row.user_id, expires_at=row.expires_at)

    def use_link(self, token_hash: bytes, *, now: datetime) -> bool:
        """Take the link, once, however many try at the same moment."""
        return self._connection.execute(_USE, {"token": token_hash, "now": now}).rowcount == 1
