"""SQL for LoginStates: rejections, probes, warnings and turns, each taken by one process only."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Update, and_, bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from munshi.domain.enums import Service
from munshi.domain.sessions import LoginSeen
from munshi.infrastructure.database.models import auth_sessions, login_states
from munshi.infrastructure.database.types import Instant, RowUuid
from munshi.settings import BrokerMode

_rows = login_states.c
_this = (
    _rows.mode == bindparam("of_mode"),
    _rows.account == bindparam("of_account"),
    _rows.service_type == bindparam("service"),
)
_now = bindparam("now", type_=Instant)
_session = bindparam("session", type_=RowUuid)
_holder = bindparam("holder", type_=RowUuid)
_GET = select(
    _rows.rejected_session_id, _rows.rejected_at, _rows.rejected_why, _rows.probed_at
).where(*_this)
_logins = auth_sessions.c
_LAST = (
    select(
        _logins.session_id,
        _logins.expires_at,
        _logins.is_active,
        _logins.updated_at,
        _rows.rejected_session_id,
        _rows.rejected_why,
    )
    .select_from(
        auth_sessions.outerjoin(
            login_states,
            and_(
                _rows.mode == _logins.mode,
                _rows.account == _logins.account,
                _rows.service_type == _logins.service_type,
            ),
        )
    )
    .where(
        _logins.mode == bindparam("of_mode"),
        _logins.account == bindparam("of_account"),
        _logins.service_type == bindparam("service"),
    )
    # The one in force first: a clock that was set back must not put it behind an older one.
    .order_by(_logins.is_active.desc(), _logins.created_at.desc())
    .limit(1)
)
_INSERT = insert(login_states)
_REJECT = (
    update(login_states)
    .where(*_this)
    .values(
        rejected_session_id=_session,
        rejected_at=_now,
        rejected_why=bindparam("why"),
        # The call that was refused has told as much as a probe would.
        probed_at=_now,
        updated_at=_now,
    )
)
_CLEAR = (
    update(login_states)
    .where(*_this, _rows.rejected_session_id.is_not(None))
    .values(
        rejected_session_id=None,
        rejected_at=None,
        rejected_why=None,
        probed_at=None,
        updated_at=_now,
    )
)
_PROBE = (
    update(login_states)
    .where(
        *_this,
        _rows.rejected_session_id == _session,
        _rows.probed_at <= bindparam("before", type_=Instant),
    )
    .values(probed_at=_now, updated_at=_now)
)
_TELL = (
    update(login_states)
    .where(
        *_this,
        or_(
            _rows.told_session_id.is_(None),
            _rows.told_session_id != _session,
            _rows.told_state != bindparam("told"),
        ),
    )
    .values(told_session_id=_session, told_state=bindparam("told"), updated_at=_now)
)
_TAKE_TURN = (
    update(login_states)
    .where(*_this, or_(_rows.turn_until.is_(None), _rows.turn_until <= _now))
    .values(turn_holder=_holder, turn_until=bindparam("until", type_=Instant), updated_at=_now)
)
_END_TURN = (
    update(login_states)
    .where(*_this, _rows.turn_holder == _holder)
    .values(turn_holder=None, turn_until=None, updated_at=_now)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A login that the broker refused, and when it was last tried."""

    session_id: UUID
    rejected_at: datetime
    why: str
    probed_at: datetime


class LoginStateRepository:
    """One row for each broker, made when it is first needed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get_last_login(
        self, service: Service, *, mode: BrokerMode, account: str = "main"
    ) -> LoginSeen | None:
        """The login in force, else the newest one; no secret is opened."""
        row = self._connection.execute(_LAST, _key(service, mode, account)).one_or_none()
        if row is None:
            return None
        return LoginSeen(
            session_id=row.session_id,
            expires_at=row.expires_at,
            is_active=row.is_active,
            changed_at=row.updated_at,
            is_rejected=not row.is_active and row.rejected_session_id == row.session_id,
            why=row.rejected_why if row.rejected_session_id == row.session_id else None,
        )

    def get_rejection(
        self, service: Service, *, mode: BrokerMode, account: str = "main"
    ) -> Rejection | None:
        """Of the login in force last; None after another login."""
        row = self._connection.execute(_GET, _key(service, mode, account)).one_or_none()
        if row is None or row.rejected_session_id is None:
            return None
        return Rejection(
            session_id=row.rejected_session_id,
            rejected_at=row.rejected_at,
            why=row.rejected_why,
            probed_at=row.probed_at,
        )

    def save_rejection(
        self,
        service: Service,
        session_id: UUID,
        *,
        why: str,
        mode: BrokerMode,
        account: str = "main",
        now: datetime,
    ) -> None:
        values = {**_key(service, mode, account), "session": session_id, "why": why, "now": now}
        self._change(_REJECT, values)

    def clear_rejection(
        self, service: Service, *, mode: BrokerMode, account: str = "main", now: datetime
    ) -> None:
        self._connection.execute(_CLEAR, {**_key(service, mode, account), "now": now})

    def take_probe(
        self,
        service: Service,
        session_id: UUID,
        *,
        apart: timedelta,
        mode: BrokerMode,
        account: str = "main",
        now: datetime,
    ) -> bool:
        """Whether the caller may try the rejected login now: one process, once in `apart`."""
        values = {
            **_key(service, mode, account),
            "session": session_id,
            "before": now - apart,
            "now": now,
        }
        return self._connection.execute(_PROBE, values).rowcount == 1

    def take_telling(
        self,
        service: Service,
        session_id: UUID,
        state: str,
        *,
        mode: BrokerMode,
        account: str = "main",
        now: datetime,
    ) -> bool:
        """Whether it is for the caller to say that this login is in `state`: once."""
        values = {
            **_key(service, mode, account),
            "session": session_id,
            "told": state,
            "now": now,
        }
        return self._change(_TELL, values)

    def take_turn(
        self,
        service: Service,
        holder: UUID,
        *,
        until: datetime,
        mode: BrokerMode,
        account: str = "main",
        now: datetime,
    ) -> bool:
        """Whether nobody else is logging in; the turn ends by itself at `until`."""
        values = {**_key(service, mode, account), "holder": holder, "until": until, "now": now}
        return self._change(_TAKE_TURN, values)

    def end_turn(
        self,
        service: Service,
        holder: UUID,
        *,
        mode: BrokerMode,
        account: str = "main",
        now: datetime,
    ) -> bool:
        """Whether it was the holder's turn until now."""
        values = {**_key(service, mode, account), "holder": holder, "now": now}
        return self._connection.execute(_END_TURN, values).rowcount == 1

    def _change(self, statement: Update, values: dict[str, Any]) -> bool:
        if self._connection.execute(statement, values).rowcount == 1:
            return True
        if self._connection.execute(_GET, values).one_or_none() is not None:
            return False
        row = {
            "mode": values["of_mode"],
            "account": values["of_account"],
            "service_type": values["service"],
            "updated_at": values["now"],
        }
        with suppress(IntegrityError), self._connection.begin_nested():  # somebody was faster
            self._connection.execute(_INSERT, row)
        return self._connection.execute(statement, values).rowcount == 1


def _key(service: Service, mode: BrokerMode, account: str) -> dict[str, Any]:
    return {"of_mode": mode, "of_account": account, "service": service}
