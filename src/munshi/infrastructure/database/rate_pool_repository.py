"""SQL for ApiRatePools, ApiRateSlots, and the day counts of ApiRateLimits."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import (
    Connection,
    Insert,
    Row,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from munshi.domain.quotas import RatePool, midnight_ist
from munshi.infrastructure.database.models import (
    api_rate_limits,
    api_rate_pools,
    api_rate_slots,
)
from munshi.infrastructure.database.types import Instant
from munshi.settings import BrokerMode

_pools, _slots, _calls = api_rate_pools.c, api_rate_slots.c, api_rate_limits.c
_ONE_DAY = timedelta(days=1)

_LIST = (
    select(api_rate_pools)
    .where(_pools.mode == bindparam("mode"), _pools.account == bindparam("account"))
    .order_by(_pools.name)
)
_ADD = insert(api_rate_pools)
_CHANGE = (
    update(api_rate_pools)
    .where(_pools.pool_id == bindparam("row"), _pools.version == bindparam("read_version"))
    .values(
        requests=bindparam("new_requests"),
        seconds=bindparam("new_seconds"),
        daily=bindparam("new_daily"),
        kept=bindparam("new_kept"),
        daily_kept=bindparam("new_daily_kept"),
        version=bindparam("new_version"),
        config_revision=bindparam("new_revision"),
        worked_out_for=bindparam("new_day"),
        updated_at=bindparam("at"),
    )
)
_CLOSE = (
    update(api_rate_pools)
    .where(_pools.pool_id == bindparam("row"), _pools.closed_until < bindparam("until"))
    .values(closed_until=bindparam("until"), updated_at=bindparam("at"))
)
_ADD_SLOT = insert(api_rate_slots)
_DROP_SLOTS = delete(api_rate_slots).where(
    _slots.pool_id == bindparam("row"), _slots.slot > bindparam("last")
)
_HOLD_SLOTS = (
    update(api_rate_slots)
    .where(_slots.pool_id == bindparam("row"))
    .values(free_at=bindparam("until"), lease=0)
)
_COUNT_SLOTS = select(func.coalesce(func.max(_slots.slot), 0)).where(
    _slots.pool_id == bindparam("row")
)
_BUSY = (
    select(
        _slots.pool_id,
        func.sum(case((_slots.free_at > bindparam("at"), 1), else_=0)).label("taken"),
        func.min(
            case((_slots.free_at > bindparam("at"), _slots.free_at), else_=None), type_=Instant()
        ).label("next_free"),
    )
    .join(api_rate_pools, _pools.pool_id == _slots.pool_id)
    .where(_pools.mode == bindparam("mode"), _pools.account == bindparam("account"))
    .group_by(_slots.pool_id)
)
_FREE = (
    select(_slots.slot, _slots.free_at)
    .where(
        _slots.pool_id == bindparam("row"),
        _slots.slot > bindparam("above"),
        _slots.free_at <= bindparam("at"),
    )
    .order_by(_slots.free_at)
    .limit(bindparam("most"))
)
_NEXT_FREE = select(func.min(_slots.free_at, type_=Instant())).where(
    _slots.pool_id == bindparam("row"), _slots.slot > bindparam("above")
)
# Whoever reads a slot and then takes it must find it as it was read.
_TAKE = (
    update(api_rate_slots)
    .where(
        _slots.pool_id == bindparam("row"),
        _slots.slot == bindparam("number"),
        _slots.free_at == bindparam("read"),
    )
    .values(free_at=bindparam("until"), lease=bindparam("by"))
)
_SETTLE = (
    update(api_rate_slots)
    .where(
        _slots.pool_id == bindparam("row"),
        _slots.slot == bindparam("number"),
        _slots.lease == bindparam("by"),
    )
    .values(free_at=bindparam("until"))
)
_DAY_KEY = and_(
    _calls.mode == bindparam("mode"),
    _calls.api_name == bindparam("api"),
    _calls.account == bindparam("account"),
    _calls.endpoint == bindparam("end"),
    _calls.window_start == bindparam("start"),
    _calls.window_end == bindparam("stop"),
)
_DAY = select(_calls.id).where(_DAY_KEY)
_DAY_COUNT = select(_calls.request_count).where(_DAY_KEY)
_ADD_DAY = insert(api_rate_limits)
_COUNT = (
    update(api_rate_limits)
    .where(
        _calls.id == bindparam("row"),
        _calls.request_count + bindparam("more") <= bindparam("most"),
    )
    .values(request_count=_calls.request_count + bindparam("more"))
)
_COUNTED = select(_calls.request_count).where(_calls.id == bindparam("row"))
ANY_COUNT = 2**62


class RatePoolRepository:
    """Limits as they hold now, their slots and their day counts, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_pools(self, *, mode: BrokerMode, account: str = "main") -> list[RatePool]:
        rows = self._connection.execute(_LIST, {"mode": mode.value, "account": account})
        return [_pool(row) for row in rows]

    def save_new_pool(
        self, pool: RatePool, *, mode: BrokerMode, account: str = "main", now: datetime
    ) -> bool:
        """Store a limit with all its slots free; False if somebody else did at this moment."""
        values = {
            **_values(pool),
            "mode": mode.value,
            "account": account,
            "name": pool.name,
            "closed_until": pool.closed_until,
            "updated_at": now,
        }
        try:
            with self._connection.begin_nested():
                pool_id = self._insert(_ADD, values)
        except IntegrityError:
            return False
        self._add_slots(pool_id, range(1, pool.requests + 1), free_at=now)
        return True

    def save_pool(self, pool: RatePool, *, read_version: int, now: datetime) -> bool:
        """Store what has changed but for the closure; False if it is no longer as it was read."""
        values = {f"new_{name}": value for name, value in _values(pool).items()}
        values["new_revision"] = values.pop("new_config_revision")
        values["new_day"] = values.pop("new_worked_out_for")
        result = self._connection.execute(
            _CHANGE, {**values, "row": pool.pool_id, "read_version": read_version, "at": now}
        )
        return result.rowcount == 1

    def resize_pool(self, pool: RatePool, *, now: datetime) -> None:
        """As many slots as `pool` says; the new ones are free."""
        row = {"row": pool.pool_id}
        there: int = self._connection.execute(_COUNT_SLOTS, row).scalar_one()
        self._connection.execute(_DROP_SLOTS, {**row, "last": pool.requests})
        self._add_slots(pool.pool_id, range(there + 1, pool.requests + 1), free_at=now)

    def hold_slots(self, pool_id: int, *, until: datetime) -> None:
        """Nobody's slot any more before `until`: what its holders say later is not listened to."""
        self._connection.execute(_HOLD_SLOTS, {"row": pool_id, "until": until})

    def close_pool(self, pool_id: int, *, until: datetime, now: datetime) -> None:
        """Let nobody call before `until`; never shortens a closure."""
        self._connection.execute(_CLOSE, {"row": pool_id, "until": until, "at": now})

    def count_taken(
        self, *, mode: BrokerMode, account: str = "main", now: datetime
    ) -> dict[int, tuple[int, datetime | None]]:
        """By pool, how many slots are taken, and when the next of them can be free."""
        rows = self._connection.execute(_BUSY, {"mode": mode.value, "account": account, "at": now})
        return {row.pool_id: (row.taken, row.next_free) for row in rows}

    # --- slots, one by one -----------------------------------------------------------------

    def list_free_slots(
        self, pool_id: int, *, above: int, most: int, now: datetime
    ) -> list[tuple[int, datetime]]:
        """Slots with the instant since when each is free, the longest free first."""
        values = {"row": pool_id, "above": above, "at": now, "most": most}
        return [(row.slot, row.free_at) for row in self._connection.execute(_FREE, values)]

    def get_next_free(self, pool_id: int, *, above: int) -> datetime | None:
        values = {"row": pool_id, "above": above}
        found: datetime | None = self._connection.execute(_NEXT_FREE, values).scalar()
        return found

    def take_slot(
        self, pool_id: int, slot: int, *, read: datetime, until: datetime, lease: int
    ) -> bool:
        """Hold a slot until then; False if it is no longer as it was read."""
        values = {"row": pool_id, "number": slot, "read": read, "until": until, "by": lease}
        return self._connection.execute(_TAKE, values).rowcount == 1

    def settle_slot(self, pool_id: int, slot: int, *, lease: int, free_at: datetime) -> bool:
        """Say when a slot is free; False if its holder holds it no more."""
        values = {"row": pool_id, "number": slot, "by": lease, "until": free_at}
        return self._connection.execute(_SETTLE, values).rowcount == 1

    # --- days ------------------------------------------------------------------------------

    def open_day(
        self,
        pool_name: str,
        day: date,
        *,
        mode: BrokerMode,
        account: str = "main",
        limit: int | None = None,
    ) -> int:
        """The row that counts `pool_name` on `day` (IST), made if it is not there yet."""
        key = _day_key(pool_name, day, mode=mode, account=account)
        found = self._connection.execute(_DAY, key).scalar()
        if found is not None:
            return int(found)
        values = {
            "mode": key["mode"],
            "api_name": key["api"],
            "account": account,
            "endpoint": key["end"],
            "window_start": key["start"],
            "window_end": key["stop"],
            "limit": limit,
        }
        try:
            with self._connection.begin_nested():
                return self._insert(_ADD_DAY, values)
        except IntegrityError:
            return int(self._connection.execute(_DAY, key).scalar_one())

    def get_day_count(
        self, pool_name: str, day: date, *, mode: BrokerMode, account: str = "main"
    ) -> int:
        key = _day_key(pool_name, day, mode=mode, account=account)
        return int(self._connection.execute(_DAY_COUNT, key).scalar() or 0)

    def get_count(self, day_row: int) -> int:
        return int(self._connection.execute(_COUNTED, {"row": day_row}).scalar() or 0)

    def count_on_day(self, day_row: int, more: int, *, most: int = ANY_COUNT) -> bool:
        """Count `more` calls; False, and nothing counted, if the day then had over `most`."""
        values = {"row": day_row, "more": more, "most": most}
        return self._connection.execute(_COUNT, values).rowcount == 1

    def _insert(self, statement: Insert, values: Mapping[str, object]) -> int:
        """The key that the database gave the row."""
        key = self._connection.execute(statement, values).inserted_primary_key
        return int(key[0]) if key else 0

    def _add_slots(self, pool_id: int, slots: Sequence[int], *, free_at: datetime) -> None:
        rows = [{"pool_id": pool_id, "slot": slot, "free_at": free_at} for slot in slots]
        if rows:
            self._connection.execute(_ADD_SLOT, rows)


def split_name(name: str) -> tuple[str, str]:
    """`kite.quote` as the broker's name and the rest."""
    api, _, endpoint = name.partition(".")
    return api, endpoint


def _day_key(pool_name: str, day: date, *, mode: BrokerMode, account: str) -> dict[str, object]:
    api, endpoint = split_name(pool_name)
    return {
        "mode": mode.value,
        "api": api,
        "account": account,
        "end": endpoint,
        "start": midnight_ist(day),
        "stop": midnight_ist(day + _ONE_DAY),
    }


def _values(pool: RatePool) -> dict[str, object]:
    return {
        "requests": pool.requests,
        "seconds": pool.seconds,
        "daily": pool.daily,
        "kept": pool.kept,
        "daily_kept": pool.daily_kept,
        "version": pool.version,
        "config_revision": pool.config_revision,
        "worked_out_for": pool.worked_out_for,
    }


def _pool(row: Row[tuple[object, ...]]) -> RatePool:
    return RatePool(
        pool_id=row.pool_id,
        name=row.name,
        requests=row.requests,
        seconds=row.seconds,
        daily=row.daily,
        kept=row.kept,
        daily_kept=row.daily_kept,
        closed_until=row.closed_until,
        version=row.version,
        config_revision=row.config_revision,
        worked_out_for=row.worked_out_for,
    )
