"""SQL for InstrumentLists: which lists of the brokers were loaded, each a number of its own."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from munshi.domain.enums import Service
from munshi.infrastructure.database.models import instrument_lists
from munshi.settings import BrokerMode

_lists = instrument_lists.c
_OF_BROKER = (_lists.mode == bindparam("of_mode"), _lists.service_type == bindparam("of_service"))
_NUMBER = select(func.max(_lists.number)).where(_lists.mode == bindparam("of_mode"))
_LOADED_AT = select(func.max(_lists.loaded_at)).where(*_OF_BROKER)
_DAY = select(func.max(_lists.day)).where(*_OF_BROKER)
_DAY_BEFORE = _DAY.where(_lists.day < bindparam("of_day"))
_FIRST_DAY = select(func.min(_lists.day)).where(*_OF_BROKER)
_INSERT = insert(instrument_lists)
_FORGET = delete(instrument_lists).where(_lists.day < bindparam("of_day"))


class InstrumentListRepository:
    """One row a load. Numbers go up by one, so that of two loads at once one is refused."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get_number(self, *, mode: BrokerMode) -> int:
        """The number of the newest list of either broker, 0 before the first."""
        return self._connection.execute(_NUMBER, {"of_mode": mode}).scalar() or 0

    def get_loaded_at(self, service: Service, *, mode: BrokerMode) -> datetime | None:
        """When the broker's lists were last loaded."""
        loaded: datetime | None = self._scalar(_LOADED_AT, service, mode)
        return loaded

    def get_day(
        self, service: Service, *, mode: BrokerMode, before: date | None = None
    ) -> date | None:
        """The day of the broker's newest lists, or of the newest from `before` a day."""
        day: date | None
        if before is None:
            day = self._scalar(_DAY, service, mode)
        else:
            day = self._scalar(_DAY_BEFORE, service, mode, of_day=before)
        return day

    def get_first_day(self, service: Service, *, mode: BrokerMode) -> date | None:
        """From which day on the history of the broker's listings is known."""
        day: date | None = self._scalar(_FIRST_DAY, service, mode)
        return day

    def save_list(
        self,
        service: Service,
        *,
        mode: BrokerMode,
        number: int,
        day: date,
        counts: Mapping[str, Mapping[str, int]],
        now: datetime,
    ) -> bool:
        """Take `number` for a list of `day`; False if another load was faster."""
        row = {
            "mode": mode,
            "number": number,
            "service_type": service,
            "day": day,
            "loaded_at": now,
            "counts": {name: dict(found) for name, found in counts.items()},
        }
        try:
            with self._connection.begin_nested():
                self._connection.execute(_INSERT, row)
        except IntegrityError:
            return False
        return True

    def cleanup_lists(self, before: date, *, now: datetime) -> int:  # noqa: ARG002 - as all do
        """Forget which lists were loaded before a day."""
        return self._connection.execute(_FORGET, {"of_day": before}).rowcount

    def _scalar(self, statement: Any, service: Service, mode: BrokerMode, **more: Any) -> Any:  # noqa: ANN401
        return self._connection.execute(
            statement, {"of_mode": mode, "of_service": service, **more}
        ).scalar()
