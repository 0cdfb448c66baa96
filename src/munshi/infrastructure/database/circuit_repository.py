"""SQL for BrokerCircuits."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from munshi.domain.circuits import Circuit
from munshi.domain.enums import Service
from munshi.infrastructure.database.models import broker_circuits
from munshi.infrastructure.database.types import Instant
from munshi.settings import BrokerMode

_rows = broker_circuits.c
_this = (_rows.mode == bindparam("of_mode"), _rows.service_type == bindparam("service"))
_now = bindparam("now", type_=Instant)
_over = bindparam("over", type_=Instant)
_until = bindparam("until", type_=Instant)
_GET = select(broker_circuits).where(*_this)
_LIST = select(broker_circuits).where(_rows.mode == bindparam("of_mode"))
_INSERT = insert(broker_circuits)
_FAIL = (
    update(broker_circuits)
    .where(*_this)
    .values(
        failures=_rows.failures + 1,
        last_failure=bindparam("why"),
        last_failed_at=_now,
        updated_at=_now,
    )
)
# Calls that were under way when it opened fail later: they do not open it again.
_OPEN = (
    update(broker_circuits)
    .where(*_this, or_(_rows.open_until.is_(None), _rows.open_until <= _over))
    .values(
        openings=_rows.openings + 1,
        opened_at=_now,
        open_until=_until,
        updated_at=_now,
    )
)
_TRY = (
    update(broker_circuits)
    .where(*_this, _rows.open_until <= _now)
    .values(open_until=_until, updated_at=_now)
)
_CLOSE = (
    update(broker_circuits)
    .where(*_this, _rows.failures > 0)
    .values(failures=0, openings=0, opened_at=None, open_until=None, updated_at=_now)
)


class CircuitRepository:
    """One row for each broker, made at its first failure."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get_circuit(self, service: Service, *, mode: BrokerMode) -> Circuit:
        """A closed one where the broker has never failed."""
        row = self._connection.execute(_GET, _key(service, mode)).one_or_none()
        return Circuit() if row is None else _circuit(row)

    def list_circuits(self, *, mode: BrokerMode) -> dict[Service, Circuit]:
        """Of the brokers that have ever failed."""
        rows = self._connection.execute(_LIST, {"of_mode": mode})
        return {Service(row.service_type): _circuit(row) for row in rows}

    def count_failure(
        self, service: Service, *, why: str, mode: BrokerMode, now: datetime
    ) -> Circuit:
        """One more in a row; the circuit as it is then."""
        values = {**_key(service, mode), "why": why, "now": now}
        if self._connection.execute(_FAIL, values).rowcount == 0:
            self._begin(service, mode, now)
            self._connection.execute(_FAIL, values)
        return self.get_circuit(service, mode=mode)

    def open(
        self,
        service: Service,
        *,
        over: datetime,
        until: datetime,
        mode: BrokerMode,
        now: datetime,
    ) -> bool:
        """Whether the caller opened it; not if it is open beyond `over` by somebody else."""
        values = {**_key(service, mode), "over": over, "until": until, "now": now}
        return self._connection.execute(_OPEN, values).rowcount == 1

    def take_trial(
        self, service: Service, *, until: datetime, mode: BrokerMode, now: datetime
    ) -> bool:
        """Whether the caller is the one who tries a broker whose rest is over."""
        values = {**_key(service, mode), "until": until, "now": now}
        return self._connection.execute(_TRY, values).rowcount == 1

    def close(self, service: Service, *, mode: BrokerMode, now: datetime) -> bool:
        """Forget all failures; whether there were any."""
        values = {**_key(service, mode), "now": now}
        return self._connection.execute(_CLOSE, values).rowcount == 1

    def _begin(self, service: Service, mode: BrokerMode, now: datetime) -> None:
        row = {
            "mode": mode,
            "service_type": service,
            "failures": 0,
            "openings": 0,
            "updated_at": now,
        }
        with suppress(IntegrityError), self._connection.begin_nested():  # somebody was faster
            self._connection.execute(_INSERT, row)


def _key(service: Service, mode: BrokerMode) -> dict[str, Any]:
    return {"of_mode": mode, "service": service}


def _circuit(row: Row[Any]) -> Circuit:
    return Circuit(
        failures=row.failures,
        openings=row.openings,
        opened_at=row.opened_at,
        open_until=row.open_until,
        last_failure=row.last_failure,
        last_failed_at=row.last_failed_at,
    )
