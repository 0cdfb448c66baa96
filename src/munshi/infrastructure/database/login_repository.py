"""SQL for PendingLogins: begun by an operator, used once, gone after ten minutes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from munshi.domain.enums import Service
from munshi.infrastructure.database.models import pending_logins
from munshi.settings import BrokerMode

_INSERT = insert(pending_logins)
_waiting = (
    pending_logins.c.service_type == bindparam("service"),
    pending_logins.c.mode == bindparam("for_mode"),
    pending_logins.c.used_at.is_(None),
    pending_logins.c.expires_at > bindparam("now"),
)
_FIND = (
    select(pending_logins.c.login_id, pending_logins.c.created_by)
    .where(*_waiting)
    .order_by(pending_logins.c.created_at.desc())
    .limit(1)
)
_FIND_BY_STATE = (
    select(pending_logins.c.login_id, pending_logins.c.created_by)
    .where(*_waiting, pending_logins.c.state_hash == bindparam("state"))
    .limit(1)
)
_USE = (
    update(pending_logins)
    .where(pending_logins.c.login_id == bindparam("row"), pending_logins.c.used_at.is_(None))
    .values(used_at=bindparam("now"))
)
_FORGET = delete(pending_logins).where(pending_logins.c.expires_at <= bindparam("now"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingLogin:
    """A login that an operator began and the broker has not answered yet."""

    login_id: UUID
    created_by: str


class LoginRepository:
    """Pending logins; only the state's hash is stored."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save_pending_login(
        self,
        service_type: Service,
        *,
        mode: BrokerMode,
        state_hash: bytes,
        created_by: str,
        expires_at: datetime,
        now: datetime,
    ) -> UUID:
        """Begin a login, dropping those that were never answered."""
        login_id = uuid4()
        self._connection.execute(_FORGET, {"now": now})
        self._connection.execute(
            _INSERT,
            {
                "login_id": login_id,
                "service_type": service_type,
                "account": "main",
                "mode": mode,
                "state_hash": state_hash,
                "created_by": created_by,
                "created_at": now,
                "expires_at": expires_at,
            },
        )
        return login_id

    def use_pending_login(
        self, service_type: Service, *, mode: BrokerMode, state_hash: bytes | None, now: datetime
    ) -> PendingLogin | None:
        """Take the waiting login, once. With `state_hash`, only the one begun with that state."""
        chosen = {"service": service_type, "for_mode": mode, "now": now}
        if state_hash is None:
            found = self._connection.execute(_FIND, chosen).one_or_none()
        else:
            found = self._connection.execute(
                _FIND_BY_STATE, {**chosen, "state": state_hash}
            ).one_or_none()
        if found is None:
            return None
        taken = self._connection.execute(_USE, {"row": found.login_id, "now": now}).rowcount
        if taken != 1:
            return None
        return PendingLogin(login_id=found.login_id, created_by=found.created_by)
