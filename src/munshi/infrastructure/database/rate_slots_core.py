"""Slots through Core, for databases without driver SQL of their own: SQL Server."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.rate_pool_repository import RatePoolRepository
from munshi.infrastructure.database.rate_slots import (
    Held,
    Moment,
    Need,
    Permits,
    Refused,
    Settled,
    draw_lease,
    until_free,
)
from munshi.infrastructure.database.transaction import Transaction
from munshi.settings import BrokerMode


class _TakenMeanwhileError(Exception):
    """Somebody else has changed what was read: everything is undone."""


class RepositorySlots:
    """Reads, then takes what is still as it was read; needs no lock hints of any database."""

    def __init__(self, database: Database, *, mode: BrokerMode, account: str = "main") -> None:
        self._database = database
        self._mode = mode
        self._account = account

    def claim(
        self, needs: Sequence[Need], *, most: int, settled: Sequence[Settled], moment: Moment
    ) -> Permits | Refused:
        if settled:
            self.settle(settled, moment)
        try:
            with self._database.transaction() as tx:
                return self._claim(tx, needs, most, moment.now)
        except _TakenMeanwhileError:
            return Refused(needs[0].pool_id, "slots", 0.0)

    def settle(self, settled: Sequence[Settled], moment: Moment) -> None:
        with self._database.transaction() as tx:
            for one in settled:
                held = one.held
                tx.rate_pools.settle_slot(
                    held.pool_id, held.slot, lease=held.lease, free_at=moment.instant(one.free_at)
                )

    def close(self) -> None:
        """There is no connection of its own."""

    def _claim(
        self, tx: Transaction, needs: Sequence[Need], most: int, now: datetime
    ) -> Permits | Refused:
        pools = {
            pool.pool_id: pool
            for pool in tx.rate_pools.list_pools(mode=self._mode, account=self._account)
        }
        free: list[list[tuple[int, datetime]]] = []
        room = most
        for need in needs:
            pool = pools.get(need.pool_id)
            if pool is None or pool.version != need.version:
                return Refused(need.pool_id, "changed", 0.0)
            if pool.closed_until > now:
                return Refused(need.pool_id, "closed", (pool.closed_until - now).total_seconds())
            if need.day_row is not None:
                room = min(room, need.day_limit - tx.rate_pools.get_count(need.day_row))
                if room <= 0:
                    return Refused(need.pool_id, "day", 0.0)
            slots = tx.rate_pools.list_free_slots(
                need.pool_id, above=need.above, most=room, now=now
            )
            if not slots:
                next_free = tx.rate_pools.get_next_free(need.pool_id, above=need.above)
                left = None if next_free is None else (next_free - now).total_seconds()
                return until_free(need, left)
            room = min(room, len(slots))
            # In one order, so that two who want the same ones meet at the first of them.
            free.append(sorted(slots))
        return [
            tuple(
                _taken(tx.rate_pools, need, slots[at], now)
                for need, slots in zip(needs, free, strict=True)
            )
            for at in range(room)
        ]


def _taken(
    pools: RatePoolRepository, need: Need, free: tuple[int, datetime], now: datetime
) -> Held:
    (slot, read), lease = free, draw_lease()
    until = now + timedelta(seconds=need.taken_for)
    if not pools.take_slot(need.pool_id, slot, read=read, until=until, lease=lease):
        raise _TakenMeanwhileError
    if need.day_row is not None and not pools.count_on_day(need.day_row, 1, most=need.day_limit):
        raise _TakenMeanwhileError
    return Held(need.pool_id, slot, lease)
