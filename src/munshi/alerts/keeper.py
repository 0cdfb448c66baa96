"""The thread that keeps the alerts: looks at the rules, plans what is told, and has it sent."""

import os
import platform
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from munshi.alerts.courier import Courier
from munshi.alerts.engine import Look, RuleEngine
from munshi.alerts.planner import Planner
from munshi.clock import Clock
from munshi.domain.config_keys import ALERTS, DEAD_MAN_URL
from munshi.errors import AppError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.posting import ping

PAUSE_SECONDS, LOOK_SECONDS, PING_SECONDS = 2.0, 15.0, 60.0
# So long others leave the alerts to whoever keeps them. Two keepers would not tell twice.
LEASE = timedelta(seconds=45)
STOP_SECONDS = 10.0
_log = structlog.get_logger(__name__)


class AlertKeeper:
    """One in every `serve` and `worker`; one of them at a time does the work."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        engine: RuleEngine,
        planner: Planner,
        courier: Courier,
    ) -> None:
        self._database = database
        self._clock = clock
        self._engine = engine
        self._planner = planner
        self._courier = courier
        self._me = f"{platform.node()[:50]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._looked = self._pinged = float("-inf")
        self._held_until = datetime.min.replace(tzinfo=UTC) + LEASE
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Keep the alerts in a thread until `stop`."""
        self._thread = threading.Thread(target=self._run, name="alert-keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, and leave the alerts to others. What is being sent gets some seconds to arrive."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def turn(self) -> bool:
        """Do once all that is to be done; False if another keeper does it.

        Raises DatabaseUnreachableError, and whatever else a part raises.
        """
        if not self._take_turn():
            return False
        look = self._look_if_due()
        self._plan()
        while self._courier.deliver() and not self._stop.is_set():
            pass
        if look is not None and look.is_well:
            self._ping_if_due()
        return True

    def _take_turn(self) -> bool:
        """Writes only now and then: the lease is good for many turns."""
        now = self._clock.now()
        if now < self._held_until - LEASE / 2:
            return True
        with self._database.reading() as tx:
            if tx.alert_outbox.is_held_by_another(self._me, now=now):
                return False
        with self._database.operational() as tx:
            if not tx.alert_outbox.take_turn(self._me, lease=LEASE, now=now):
                return False
        self._held_until = now + LEASE
        return True

    def _run(self) -> None:
        while not self._stop.wait(PAUSE_SECONDS):
            self._quietly(self.turn)
        self._quietly(self._leave)

    def _quietly(self, act: Callable[[], object]) -> None:
        try:
            act()
        except AppError as error:
            _log.warning("alerts.not_kept", cause=error.detail)
        except Exception:  # noqa: BLE001 - the next turn may go well; without one nobody is told
            _log.exception("alerts.turn_failed")

    def _leave(self) -> None:
        with self._database.operational() as tx:
            tx.alert_outbox.leave(self._me)

    def _look_if_due(self) -> Look | None:
        at = self._clock.monotonic()
        if at - self._looked < LOOK_SECONDS:
            return None
        look = self._engine.look()
        self._looked = at
        with self._database.operational() as tx:
            tx.alert_outbox.note_look(now=self._clock.now())
        return look

    def _plan(self) -> None:
        with self._database.reading() as tx:
            is_idle = not tx.alert_outbox.list_waiting() and not tx.alerts.list_open_alerts()
        if is_idle:
            return
        now = self._clock.now()
        with self._database.transaction() as tx:
            self._planner.repeat(tx, now=now)
            self._planner.plan(tx, now=now)

    def _ping_if_due(self) -> None:
        """Tell whoever waits for it that the desk is well; that it failed is said in the log."""
        at = self._clock.monotonic()
        if at - self._pinged < PING_SECONDS:
            return
        with self._database.reading() as tx:
            entry = tx.config.get_config(ALERTS, DEAD_MAN_URL)
        if entry is None:
            return
        self._pinged = at
        trouble = ping(str(entry.value))
        if trouble:
            _log.warning("alerts.dead_man_not_called", cause=trouble)
