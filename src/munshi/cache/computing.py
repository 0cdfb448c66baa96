"""Working an entry out once: one caller of a process, under a lease that all processes see."""

import random
from collections.abc import Callable
from contextvars import copy_context
from copy import deepcopy
from dataclasses import dataclass
from threading import Thread
from typing import Any

import structlog

from munshi.cache.first_level import Kept
from munshi.cache.parts import Parts
from munshi.cache.shelf_rows import Made, ShelfRows
from munshi.errors import CacheValueUnfitError, DatabaseUnreachableError, RequestAbandonedError

# Who has waited for another process for so long works it out himself.
MOST_WAIT_SECONDS = 30.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.002, 0.05
# When the next one is due and somebody else is at it, it is looked for again after so long.
_AGAIN_SECONDS = 1.0
# Other writers may keep the database busy for so long before everybody works it out for himself.
_BUSY_SECONDS = 1.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be worked out."""

    key: str
    compute: Callable[[], Any]
    tags: tuple[str, ...]


class Computing:
    """Of one shelf."""

    def __init__(self, rows: ShelfRows, parts: Parts) -> None:
        self._rows = rows
        self._parts = parts

    def work_out(self, task: Task) -> Any:  # noqa: ANN401 - what the shelf holds
        """The value: computed here, or by whoever is at it already, in whatever process.

        Raises what `compute` raises, and TransactionOpenError.
        """
        self._parts.database.refuse_in_transaction("A cached value was worked out")
        full = self._rows.full_key(task.key)
        while True:
            flight, leads = self._parts.flights.join(full)
            if leads:
                try:
                    flight.value = self._lead(task, full)
                except BaseException as error:
                    flight.error = error
                    raise
                finally:
                    self._parts.flights.land(full, flight)
                return flight.value
            flight.over.wait()
            if flight.error is None:
                return flight.value if self._rows.is_shared else deepcopy(flight.value)
            if _concerns_all(flight.error):
                raise flight.error

    def work_out_behind(self, task: Task, kept: Kept) -> None:
        """Have the next value worked out by another thread, unless somebody is at it."""
        parts, full = self._parts, self._rows.full_key(task.key)
        kept.early_at = self._parts.watch.monotonic() + _AGAIN_SECONDS
        if parts.database.is_in_transaction or parts.flights.has(full):
            return
        if not parts.refreshes.acquire(blocking=False):
            return
        holder = None
        try:
            holder = parts.leases.take(full)
        except DatabaseUnreachableError as error:
            _log.info("cache.no_lease", key=full, reason=error.detail)
        if holder is None:
            parts.refreshes.release()
            return
        work = copy_context().run
        Thread(
            target=work, args=(self._behind, task, holder), name="munshi-cache-ahead", daemon=True
        ).start()

    def _behind(self, task: Task, holder: int) -> None:
        full = self._rows.full_key(task.key)
        flight, leads = self._parts.flights.join(full)
        try:
            if leads:
                flight.value = self._compute(task, full, holder)
            else:
                self._give_back(full, holder)
        except BaseException as error:  # noqa: BLE001 - nobody waits for it, and the old value stands
            flight.error = error
            _log.warning("cache.refresh_failed", key=full, cause=type(error).__name__)
        finally:
            if leads:
                self._parts.flights.land(full, flight)
            self._parts.refreshes.release()

    def _lead(self, task: Task, full: str) -> Any:  # noqa: ANN401
        if self._parts.watch.is_away:
            return self._compute(task, full, None)
        got = self._lease(task, full)
        if isinstance(got, Kept):
            return self._rows.copy(got)
        return self._compute(task, full, got)

    def _lease(self, task: Task, full: str) -> int | Kept | None:
        """A lease, or what somebody else found meanwhile; None without a lease to be had."""
        parts, clock = self._parts, self._parts.clock
        began, pause, holder = clock.monotonic(), _FIRST_PAUSE, None
        give_up = began + MOST_WAIT_SECONDS
        while True:
            try:
                holder = parts.leases.take(full)
            except DatabaseUnreachableError as error:
                if clock.monotonic() >= began + _BUSY_SECONDS:
                    _log.info("cache.no_lease", key=full, reason=error.detail)
                    return None
            kept = self._rows.load(task.key)
            if kept is not None and clock.monotonic() < kept.fresh_until:
                if holder is not None:
                    self._give_back(full, holder)
                return kept
            if holder is not None or clock.monotonic() >= give_up:
                return holder
            clock.sleep(pause * (0.5 + random.random()))  # noqa: S311 - no secret depends on it
            pause = min(pause * 1.6, _LONGEST_PAUSE)
            parts.watch.look()

    def _compute(self, task: Task, full: str, holder: int | None) -> Any:  # noqa: ANN401
        parts, rows = self._parts, self._rows
        try:
            seen = rows.seen() if holder is None else rows.seen_under_lease(task.key)
            began = parts.clock.monotonic()
            value = task.compute()
            seconds = parts.clock.monotonic() - began
            rows.tally.computed += 1
            rows.tally.compute_seconds += seconds
            if holder is not None:
                self._keep(
                    task,
                    Made(value=value, tags=task.tags, seen=seen, seconds=seconds, holder=holder),
                )
            return value
        finally:
            if holder is not None:
                self._give_back(full, holder)

    def _keep(self, task: Task, made: Made) -> None:
        try:
            self._rows.store(task.key, made)
        except CacheValueUnfitError as error:
            # Whoever asked has his value.
            _log.error("cache.value_unfit", key=self._rows.full_key(task.key), why=error.detail)

    def _give_back(self, full: str, holder: int) -> None:
        try:
            self._parts.leases.give_back(full, holder)
        except DatabaseUnreachableError as error:
            _log.info("cache.lease_left", key=full, reason=error.detail)


def _concerns_all(error: BaseException) -> bool:
    """Whether it tells of what was asked for, and not of the one who asked and was stopped."""
    return isinstance(error, Exception) and not isinstance(error, RequestAbandonedError)
