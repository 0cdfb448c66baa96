"""The gate before every broker call: a permit of all limits that bind it, or a wait."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from threading import Lock

import structlog

from munshi.clock import Clock
from munshi.domain.quotas import (
    MIDNIGHT_SLACK,
    Priority,
    RatePool,
    binding_limits,
    cooling_seconds,
    day_ist,
    midnight_ist,
)
from munshi.errors import BrokerThrottledError, DatabaseUnreachableError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.rate_slot_books import open_slot_book
from munshi.infrastructure.database.rate_slots import (
    Moment,
    Need,
    Permits,
    Refused,
    Settled,
    SlotBook,
)
from munshi.rate_limits.call_counts import CallCounts
from munshi.rate_limits.closures import Closures
from munshi.rate_limits.keeper import Keeper
from munshi.rate_limits.lane import Lane, Permit
from munshi.rate_limits.needs import need_of, unless_too_long, used_up
from munshi.rate_limits.pools import HOLD_SECONDS, PoolBook, PoolsInForce
from munshi.rate_limits.settlements import Settlements
from munshi.rate_limits.wall_clock import WallClock
from munshi.settings import BrokerMode

_log = structlog.get_logger(__name__)
# A machine, and on it a process, does not start again within a window as short as this.
_SHORT_SECONDS = 2.0


def never() -> bool:
    return False


class QuotaGate:
    """Gives out permits per class of calls, to all processes on the database together.

    A slot is taken from the grant until the reply, and free one window after that. The broker
    counts arrivals, which fall anywhere in between, so no bunching on the way can put more than
    the limit into one of the broker's windows. What a process leaves behind when it dies is free
    again by itself, later than it could be and never sooner.
    """

    def __init__(
        self, database: Database, clock: Clock, *, mode: BrokerMode, pools: PoolBook
    ) -> None:
        self._database = database
        self._clock = clock
        self._mode = mode
        self.pools = pools
        self._durable = open_slot_book(database, clock, mode=mode)
        self._quick = self._durable
        if database.dialect == "sqlite":
            self._quick = open_slot_book(database, clock, mode=mode, durable=False)
        self._settlements = Settlements()
        self._counts = CallCounts()
        self._closures = Closures(database, clock, mode=mode)
        self._lock = Lock()
        self._lanes: dict[tuple[str, Priority], Lane] = {}
        self._in_flight: dict[Permit, None] = {}
        self._wall_clock = WallClock(database, clock)
        self._keeper = Keeper(tend=self._tend, is_idle=self._is_idle)

    @contextmanager
    def permit(
        self,
        endpoint_class: str,
        *,
        should_stop: Callable[[], bool] = never,
        priority: Priority = Priority.URGENT,
    ) -> Iterator[None]:
        """Wait for a permit and hold it while the broker is asked.

        A BrokerThrottledError that passes through closes the class for its `retry_after`, for
        every process, and raises an alert. Raises BrokerThrottledError without waiting when the
        class is closed for longer than 90 seconds or the day's count is used up,
        RequestAbandonedError when `should_stop` turns true during the wait, and
        DatabaseUnreachableError: who cannot count does not call.
        """
        began = self._clock.monotonic()
        permit = self._lane(endpoint_class, priority).take(should_stop)
        self._in_flight[permit] = None
        self._keeper.wake()
        waited = self._clock.monotonic() - began
        is_refused = False
        try:
            yield
        except BrokerThrottledError as refusal:
            is_refused = True
            self._close(endpoint_class, permit.pools, refusal)
            raise
        finally:
            self._give_back(permit)
            limit = permit.pools[0].requests
            at = permit.granted_at
            self._counts.add(
                endpoint_class, at=at, limit=limit, waited=waited, is_refused=is_refused
            )
        self._closures.succeeded(endpoint_class)

    def close(self) -> None:
        """Store what is not stored yet; calls under way keep their slots until these expire."""
        self._keeper.stop()
        try:
            self._tend(is_last=True)
        except DatabaseUnreachableError as error:
            _log.warning("rate_limits.not_stored", reason=error.detail)
        self._durable.close()
        self._quick.close()

    # --- taking ----------------------------------------------------------------------------

    def _lane(self, endpoint_class: str, priority: Priority) -> Lane:
        key = endpoint_class, priority
        lane = self._lanes.get(key)
        if lane is None:
            with self._lock:
                lane = self._lanes.setdefault(
                    key, Lane(endpoint_class, priority, claim=self._claim, clock=self._clock)
                )
        return lane

    def _claim(self, lane: Lane, most: int) -> list[Permit] | float:
        known = self.pools.in_force()
        self._wall_clock.hold_if_set(known.by_name.values())
        pools = [known.by_name[name] for name in binding_limits(lane.endpoint_class)]
        moment = self._moment()
        now = moment.now
        wait = self._closures.seconds_left(lane.endpoint_class)
        if not wait and any(pool.daily for pool in pools):
            # A call of these moments might be counted on the day before.
            first = midnight_ist(day_ist(now)) + MIDNIGHT_SLACK
            wait = (first - now).total_seconds()
        if wait > 0:
            return unless_too_long(wait, lane.endpoint_class)
        needs = [
            need_of(pool, lane.priority, known, now=now, day_row=self._day_row(pool, known))
            for pool in pools
        ]
        answer = self._ask(self._book(pools), needs, most, moment)
        if isinstance(answer, Refused):
            return self._refused(answer, lane, needs, known, now)
        good_until = moment.at + HOLD_SECONDS / 2
        return [Permit(held, pools, now, known.day, moment.at, good_until) for held in answer]

    def _ask(
        self, book: SlotBook, needs: Sequence[Need], most: int, moment: Moment
    ) -> Permits | Refused:
        """Once more if the connection was lost: at worst a slot stays unused for a while."""
        for is_last in (False, True):
            settled = self._settlements.take()
            try:
                return book.claim(needs, most=most, settled=settled, moment=moment)
            except BaseException as error:
                self._settlements.put_back(settled)
                if is_last or not isinstance(error, DatabaseUnreachableError):
                    raise
        raise AssertionError

    def _moment(self) -> Moment:
        return Moment(self._clock.now(), self._clock.monotonic())

    def _day_row(self, pool: RatePool, known: PoolsInForce) -> int | None:
        return None if pool.daily is None else self.pools.day_row(pool, known.day)

    def _book(self, pools: Sequence[RatePool]) -> SlotBook:
        is_short = all(pool.seconds <= _SHORT_SECONDS and not pool.daily for pool in pools)
        return self._quick if is_short else self._durable

    def _refused(
        self,
        refused: Refused,
        lane: Lane,
        needs: Sequence[Need],
        known: PoolsInForce,
        now: datetime,
    ) -> float:
        if refused.why == "changed":
            self.pools.forget()
            return 0.0
        if refused.why == "closed":
            self._closures.found_closed(lane.endpoint_class)
        if refused.why != "day":
            return unless_too_long(refused.seconds, lane.endpoint_class)
        [pool] = [each for each in known.by_name.values() if each.pool_id == refused.pool_id]
        [need] = [each for each in needs if each.pool_id == refused.pool_id]
        raise used_up(pool, need, known, now)

    # --- giving back -----------------------------------------------------------------------

    def _give_back(self, permit: Permit) -> None:
        replied_at, replied = self._clock.monotonic(), self._clock.now()
        with self._lock:
            self._in_flight.pop(permit, None)
            for held, pool in zip(permit.held, permit.pools, strict=True):
                free_at = replied_at + cooling_seconds(pool.seconds)
                self._settlements.add(Settled(held, free_at))
        counts_days = any(pool.daily is not None for pool in permit.pools)
        if counts_days and day_ist(replied + MIDNIGHT_SLACK) > permit.day:
            self._count_on_next_day(permit, replied)
        self._keeper.wake()

    def _count_on_next_day(self, permit: Permit, replied: datetime) -> None:
        """The broker may have counted it on either side of midnight, so it counts on both."""
        day = day_ist(replied + MIDNIGHT_SLACK)
        for pool in permit.pools:
            if pool.daily is not None:
                self._count(pool, day, 1)

    def _close(
        self, endpoint_class: str, pools: Sequence[RatePool], refusal: BrokerThrottledError
    ) -> None:
        self._closures.close(endpoint_class, pools, refusal)
        names = {pool.name for pool in pools}
        for lane in list(self._lanes.values()):
            if names & set(binding_limits(lane.endpoint_class)):
                self._put_back(lane.list_unused(all_of_them=True))

    def _put_back(self, unused: Sequence[Permit]) -> None:
        """Permits with which nobody called: their slots were free before, and are so again."""
        at = self._clock.monotonic()
        for permit in unused:
            for held in permit.held:
                self._settlements.add(Settled(held, at))
            for pool in permit.pools:
                if pool.daily is not None:
                    self._count(pool, permit.day, -1)

    def _count(self, pool: RatePool, day: date, more: int) -> None:
        try:
            row = self.pools.day_row(pool, day)
            with self._database.transaction() as tx:
                tx.rate_pools.count_on_day(row, more)
        except DatabaseUnreachableError:
            _log.warning("rate_limits.day_not_counted", pool=pool.name, day=str(day), calls=more)

    # --- what the keeper does --------------------------------------------------------------

    def _tend(self, *, is_last: bool = False, is_time_to_count: bool = False) -> None:
        for lane in list(self._lanes.values()):
            self._put_back(lane.list_unused(all_of_them=is_last))
        self._hold_longer()
        settled = self._settlements.take()
        if settled:
            try:
                self._quick.settle(settled, self._moment())
            except BaseException:
                self._settlements.put_back(settled)
                raise
        if is_last or is_time_to_count:
            self._save_counts()

    def _hold_longer(self) -> None:
        """Calls that take long keep their slots."""
        at = self._clock.monotonic()
        with self._lock:
            for permit in list(self._in_flight):
                if at < permit.good_until:
                    continue
                permit.good_until = at + HOLD_SECONDS / 2
                for held, pool in zip(permit.held, permit.pools, strict=True):
                    until = at + HOLD_SECONDS + cooling_seconds(pool.seconds)
                    self._settlements.add(Settled(held, until))

    def _save_counts(self) -> None:
        counts = self._counts.take()
        if not counts:
            return
        try:
            with self._database.operational() as tx:
                tx.rate_calls.save_calls(counts, mode=self._mode)
        except BaseException:
            self._counts.put_back(counts)
            raise

    def _is_idle(self) -> bool:
        return (
            not self._in_flight
            and self._settlements.is_empty
            and self._counts.is_empty
            and not any(lane.has_stock for lane in list(self._lanes.values()))
        )
