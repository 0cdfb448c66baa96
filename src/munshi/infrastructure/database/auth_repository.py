"""SQL for AuthSessions: through the stored procedures where the database has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from munshi.domain.enums import Service
from munshi.domain.sessions import AuthSession, BrokerSession
from munshi.errors import SessionConflictError
from munshi.infrastructure.database import procedure_calls
from munshi.infrastructure.database.models import auth_sessions, cache_entries, user_sessions
from munshi.infrastructure.security.vault import Sealed, Vault
from munshi.settings import BrokerMode

_TABLE = "AuthSessions"
_ours = (
    auth_sessions.c.service_type == bindparam("service"),
    auth_sessions.c.account == bindparam("for_account"),
    auth_sessions.c.mode == bindparam("for_mode"),
)
_GET_ACTIVE = (
    select(auth_sessions)
    .where(*_ours, auth_sessions.c.is_active, auth_sessions.c.expires_at > bindparam("now"))
    .order_by(auth_sessions.c.created_at.desc())
    .limit(1)
)
_GET_LATEST = (
    select(auth_sessions).where(*_ours).order_by(auth_sessions.c.created_at.desc()).limit(1)
)
_LIST_ACTIVE = (
    select(
        auth_sessions.c.service_type,
        auth_sessions.c.user_id,
        auth_sessions.c.user_name,
        auth_sessions.c.expires_at,
    )
    .where(
        auth_sessions.c.mode == bindparam("for_mode"),
        auth_sessions.c.account == bindparam("for_account"),
        auth_sessions.c.is_active,
    )
    .order_by(auth_sessions.c.service_type)
)
_RETIRE = (
    update(auth_sessions)
    .where(*_ours, auth_sessions.c.is_active)
    .values(is_active=False, updated_at=bindparam("now"))
)
_this = auth_sessions.c.session_id == bindparam("row")
_GET = select(auth_sessions).where(_this)
_IS_GOOD = select(auth_sessions.c.session_id).where(
    _this, auth_sessions.c.is_active, auth_sessions.c.expires_at > bindparam("now")
)
# By the row and not by the service: a login that came meanwhile is left alone.
_END = (
    update(auth_sessions)
    .where(_this, auth_sessions.c.is_active)
    .values(is_active=False, updated_at=bindparam("now"))
)
_REVIVE = (
    update(auth_sessions)
    .where(_this, ~auth_sessions.c.is_active, auth_sessions.c.expires_at > bindparam("now"))
    .values(is_active=True, updated_at=bindparam("now"))
)
_INSERT = insert(auth_sessions)
_UPDATE_TOKEN = (
    update(auth_sessions)
    .where(auth_sessions.c.session_id == bindparam("row"))
    .values(
        access_token=bindparam("new_access_token"),
        session_token=bindparam("new_session_token"),
        key_id=bindparam("new_key_id"),
        expires_at=bindparam("new_expires_at"),
        updated_at=bindparam("now"),
    )
)
_EXPIRE_BROKER = (
    update(auth_sessions)
    .where(auth_sessions.c.is_active, auth_sessions.c.expires_at <= bindparam("now"))
    .values(is_active=False, updated_at=bindparam("now"))
)
_EXPIRE_WEB = (
    update(user_sessions)
    .where(user_sessions.c.is_active, user_sessions.c.expires_at <= bindparam("now"))
    .values(is_active=False)
)
_EXPIRE_CACHE = delete(cache_entries).where(cache_entries.c.expires_at <= bindparam("now"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupCounts:
    """What `cleanup_expired_sessions` ended, by table."""

    auth_sessions: int
    user_sessions: int
    cache_entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLogin:
    """An active login without its tokens, for those who only look."""

    service: Service
    user_id: str
    user_name: str
    expires_at: datetime


class AuthRepository:
    """Broker logins. Tokens leave and enter the table sealed."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    def get_active_session(
        self, service_type: Service, *, account: str = "main", mode: BrokerMode, now: datetime
    ) -> AuthSession | None:
        """The newest active login that has not expired."""
        chosen = {"service": service_type, "for_account": account, "for_mode": mode, "now": now}
        if procedure_calls.available(self._connection):
            row = procedure_calls.get_active_session(self._connection, chosen)
        else:
            row = self._connection.execute(_GET_ACTIVE, chosen).one_or_none()
        return None if row is None else self._session(row)

    def get_latest_session(
        self, service_type: Service, *, account: str = "main", mode: BrokerMode
    ) -> AuthSession | None:
        """The newest login of any state."""
        chosen = {"service": service_type, "for_account": account, "for_mode": mode}
        row = self._connection.execute(_GET_LATEST, chosen).one_or_none()
        return None if row is None else self._session(row)

    def get_session(self, session_id: UUID) -> AuthSession | None:
        """One login, whatever became of it."""
        row = self._connection.execute(_GET, {"row": session_id}).one_or_none()
        return None if row is None else self._session(row)

    def is_session_good(self, session_id: UUID, *, now: datetime) -> bool:
        """Whether this very login is in force; no secret is opened."""
        chosen = {"row": session_id, "now": now}
        return self._connection.execute(_IS_GOOD, chosen).first() is not None

    def list_active_logins(self, *, account: str = "main", mode: BrokerMode) -> list[StoredLogin]:
        """Active rows, expired ones included; no secret is opened."""
        rows = self._connection.execute(_LIST_ACTIVE, {"for_account": account, "for_mode": mode})
        return [
            StoredLogin(
                service=Service(row.service_type),
                user_id=row.user_id,
                user_name=row.user_name,
                expires_at=row.expires_at,
            )
            for row in rows
        ]

    def save_session(self, granted: BrokerSession, *, now: datetime) -> AuthSession:
        """Store `granted` as the service's one active login, retiring the one before it.

        Raises SessionConflictError if another login for the service committed first.
        """
        session_id = uuid4()
        access_token = self._vault.seal(
            granted.access_token, table=_TABLE, column="access_token", row_id=session_id
        )
        values: dict[str, Any] = {
            "session_id": session_id,
            "service_type": granted.service,
            "account": granted.account,
            "mode": granted.mode,
            "access_token": access_token,
            "session_token": self._seal(granted.session_token, "session_token", session_id),
            "key_id": access_token.key_id,
            "user_id": granted.user_id,
            "user_name": granted.user_name,
            "expires_at": granted.expires_at,
            "metadata": dict(granted.metadata),
        }
        try:
            if procedure_calls.available(self._connection):
                procedure_calls.update_auth_session(self._connection, {**values, "now": now})
            else:
                self._replace(values, now=now)
        except IntegrityError:
            raise SessionConflictError(
                f"Another {granted.service} login was stored at the same moment.",
                hint="Look at GET /auth/db/status; that login is the one in use.",
            ) from None
        return AuthSession(
            session_id=session_id,
            service=granted.service,
            mode=granted.mode,
            account=granted.account,
            access_token=granted.access_token,
            session_token=granted.session_token,
            user_id=granted.user_id,
            user_name=granted.user_name,
            expires_at=granted.expires_at,
            is_active=True,
            created_at=now,
            updated_at=now,
            metadata=dict(granted.metadata),
        )

    def _replace(self, values: Mapping[str, Any], *, now: datetime) -> None:
        retired = {
            "service": values["service_type"],
            "for_account": values["account"],
            "for_mode": values["mode"],
            "now": now,
        }
        self._connection.execute(_RETIRE, retired)
        row = {**values, "is_active": True, "created_at": now, "updated_at": now}
        self._connection.execute(_INSERT, row)

    def update_session_token(
        self,
        session: AuthSession,
        *,
        access_token: str,
        session_token: str | None,
        expires_at: datetime,
        now: datetime,
    ) -> bool:
        """Replace the tokens of one login; whether the row was there."""
        sealed = self._vault.seal(
            access_token, table=_TABLE, column="access_token", row_id=session.session_id
        )
        result = self._connection.execute(
            _UPDATE_TOKEN,
            {
                "row": session.session_id,
                "new_access_token": sealed,
                "new_session_token": self._seal(session_token, "session_token", session.session_id),
                "new_key_id": sealed.key_id,
                "new_expires_at": expires_at,
                "now": now,
            },
        )
        return result.rowcount == 1

    def deactivate_session(
        self, service_type: Service, *, account: str = "main", mode: BrokerMode, now: datetime
    ) -> bool:
        """End the active login; whether there was one."""
        chosen = {"service": service_type, "for_account": account, "for_mode": mode, "now": now}
        return self._connection.execute(_RETIRE, chosen).rowcount > 0

    def end_session(self, session_id: UUID, *, now: datetime) -> bool:
        """End this very login; whether it was in force until now, and the caller ended it."""
        return self._connection.execute(_END, {"row": session_id, "now": now}).rowcount == 1

    def revive_session(self, session_id: UUID, *, now: datetime) -> bool:
        """Put a login that was ended back in force; False if it has expired or another is."""
        try:
            with self._connection.begin_nested():
                chosen = {"row": session_id, "now": now}
                return self._connection.execute(_REVIVE, chosen).rowcount == 1
        except IntegrityError:
            return False

    def cleanup_expired_sessions(self, *, now: datetime) -> CleanupCounts:
        """End expired broker and web logins and drop expired cache rows."""
        if procedure_calls.available(self._connection):
            broker, web, cache = procedure_calls.cleanup_expired_sessions(self._connection, now)
        else:
            at = {"now": now}
            broker = self._connection.execute(_EXPIRE_BROKER, at).rowcount
            web = self._connection.execute(_EXPIRE_WEB, at).rowcount
            cache = self._connection.execute(_EXPIRE_CACHE, at).rowcount
        return CleanupCounts(auth_sessions=broker, user_sessions=web, cache_entries=cache)

    def _seal(self, value: str | None, column: str, session_id: UUID) -> Sealed | None:
        if value is None:
            return None
        return self._vault.seal(value, table=_TABLE, column=column, row_id=session_id)

    def _unseal(self, sealed: bytes, column: str, session_id: UUID) -> str:
        return self._vault.unseal(sealed, table=_TABLE, column=column, row_id=session_id)

    def _session(self, row: Row[Any]) -> AuthSession:
        return AuthSession(
            session_id=row.session_id,
            service=Service(row.service_type),
            mode=BrokerMode(row.mode),
            account=row.account,
            access_token=self._unseal(row.access_token, "access_token", row.session_id),
            session_token=None
            if row.session_token is None
            else self._unseal(row.session_token, "session_token", row.session_id),
            user_id=row.user_id,
            user_name=row.user_name,
            expires_at=row.expires_at,
            is_active=row.is_active,
            created_at=row.created_at,
            updated_at=row.updated_at,
            metadata=row.metadata,
        )
