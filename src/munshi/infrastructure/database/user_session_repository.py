"""SQL for UserSessions: people signed in. Only the token's hash is stored."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from munshi.domain.people import SessionLimits, SignedIn, User, UserSession
from munshi.domain.roles import Role
from munshi.infrastructure.database.models import user_sessions, users

LONGEST_AGENT = 300
_rows = user_sessions.c
_active = (_rows.is_active, _rows.expires_at > bindparam("now"))
_GET = (
    select(
        _rows.session_id,
        _rows.user_id,
        users.c.username,
        users.c.role,
        _rows.last_activity,
        _rows.authenticated_at,
    )
    .join_from(user_sessions, users, users.c.user_id == _rows.user_id)
    .where(_rows.session_token == bindparam("token"), *_active, users.c.is_active)
)
_LIST = (
    select(user_sessions)
    .where(*_active, _rows.user_id.is_not(None))
    .order_by(_rows.created_at.desc())
)
_LIST_OF_USER = _LIST.where(_rows.user_id == bindparam("user"))
_INSERT = insert(user_sessions)
_TOUCH_READ = select(_rows.absolute_until, _rows.idle_minutes).where(
    _rows.session_id == bindparam("row")
)
_TOUCH = (
    update(user_sessions)
    .where(
        _rows.session_id == bindparam("row"),
        _rows.is_active,
        _rows.last_activity < bindparam("now"),
    )
    .values(last_activity=bindparam("now"), expires_at=bindparam("until"))
)
_ROTATE = (
    update(user_sessions)
    .where(_rows.session_id == bindparam("row"), *_active)
    .values(session_token=bindparam("to"), authenticated_at=bindparam("now"))
)
_END = {"is_active": False, "revoked_at": bindparam("now")}
_REVOKE = (
    update(user_sessions)
    .where(_rows.session_id == bindparam("row"), _rows.is_active)
    .values(**_END)
)
_REVOKE_OF_USER = (
    update(user_sessions)
    .where(
        _rows.user_id == bindparam("user"), _rows.is_active, _rows.session_id != bindparam("kept")
    )
    .values(**_END)
)
_REVOKE_ALL = update(user_sessions).where(_rows.is_active).values(**_END)
_KNOWN_ADDRESS = (
    select(func.count())
    .select_from(user_sessions)
    .where(
        _rows.user_id == bindparam("user"),
        _rows.ip_address == bindparam("address"),
        _rows.created_at > bindparam("since"),
    )
)
_NOBODY = UUID(int=0)


class UserSessionRepository:
    """Sessions of people. `expires_at` is the earlier of idle and absolute end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get_signed_in(self, token_hash: bytes, *, now: datetime) -> SignedIn | None:
        """The session of a token, if it and its user are good now."""
        row = self._connection.execute(_GET, {"token": token_hash, "now": now}).one_or_none()
        if row is None:
            return None
        return SignedIn(
            session_id=row.session_id,
            user_id=row.user_id,
            username=row.username,
            role=Role.of(row.role),
            last_activity=row.last_activity,
            authenticated_at=row.authenticated_at,
        )

    def list_sessions(self, *, user_id: UUID | None = None, now: datetime) -> list[UserSession]:
        """Those that are good now, newest first; of everybody, or of one user."""
        if user_id is None:
            found = self._connection.execute(_LIST, {"now": now})
        else:
            found = self._connection.execute(_LIST_OF_USER, {"now": now, "user": user_id})
        return [_session(row) for row in found]

    def save_session(
        self,
        user: User,
        token_hash: bytes,
        *,
        limits: SessionLimits,
        ip_address: str | None,
        user_agent: str | None,
        now: datetime,
    ) -> SignedIn:
        session_id = uuid4()
        absolute = now + limits.absolute
        row = {
            "session_id": session_id,
            "user_id": user.user_id,
            "username": user.username,
            "role": user.role.word,
            "session_token": token_hash,
            "ip_address": ip_address,
            "user_agent": None if user_agent is None else user_agent[:LONGEST_AGENT],
            "created_at": now,
            "last_activity": now,
            "authenticated_at": now,
            "absolute_until": absolute,
            "idle_minutes": limits.idle // timedelta(minutes=1),
            "expires_at": min(absolute, now + limits.idle),
            "is_active": True,
        }
        self._connection.execute(_INSERT, row)
        return SignedIn(
            session_id=session_id,
            user_id=user.user_id,
            username=user.username,
            role=user.role,
            last_activity=now,
            authenticated_at=now,
        )

    def save_activity(self, session_id: UUID, *, now: datetime) -> None:
        """The session is used now, so its idle end moves; never past its absolute one."""
        row = self._connection.execute(_TOUCH_READ, {"row": session_id}).one_or_none()
        if row is None or row.absolute_until is None:
            return
        until = min(row.absolute_until, now + timedelta(minutes=row.idle_minutes))
        self._connection.execute(_TOUCH, {"row": session_id, "now": now, "until": until})

    def rotate_token(self, session_id: UUID, token_hash: bytes, *, now: datetime) -> bool:
        """Another token after the password was given; the old one ends. False if all is over."""
        chosen = {"row": session_id, "to": token_hash, "now": now}
        return self._connection.execute(_ROTATE, chosen).rowcount == 1

    def revoke_session(self, session_id: UUID, *, now: datetime) -> bool:
        return self._connection.execute(_REVOKE, {"row": session_id, "now": now}).rowcount == 1

    def revoke_sessions_of(
        self, user_id: UUID, *, except_for: UUID | None = None, now: datetime
    ) -> int:
        chosen = {"user": user_id, "kept": except_for or _NOBODY, "now": now}
        return int(self._connection.execute(_REVOKE_OF_USER, chosen).rowcount)

    def revoke_everybody(self, *, now: datetime) -> int:
        return int(self._connection.execute(_REVOKE_ALL, {"now": now}).rowcount)

    def knows_address(self, user_id: UUID, address: str, *, since: datetime) -> bool:
        """Whether the user signed in from there after `since`."""
        chosen = {"user": user_id, "address": address, "since": since}
        return bool(self._connection.execute(_KNOWN_ADDRESS, chosen).scalar_one())


def _session(row: Row[Any]) -> UserSession:
    return UserSession(
        session_id=row.session_id,
        username=row.username,
        ip_address=row.ip_address,
        user_agent=row.user_agent,
        created_at=row.created_at,
        last_activity=row.last_activity,
        expires_at=row.expires_at,
    )
