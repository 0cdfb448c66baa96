"""Leaves a broker alone that goes on failing, for all processes on the database together."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog

from munshi.clock import Clock, show_ist
from munshi.domain.alerts import Severity
from munshi.domain.circuits import FAILURES_TO_OPEN, TRIAL, Circuit, CircuitState, rest
from munshi.domain.enums import Service
from munshi.errors import (
    BrokerError,
    BrokerRestingError,
    BrokerUnavailableError,
    BrokerUnclearError,
    DatabaseUnreachableError,
)
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode

ALERT_KIND = "broker_circuit"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """`trial_until` is set for the one call that tries whether the broker is back."""

    has_failed: bool
    trial_until: datetime | None = None


class CircuitBreaker:
    """One broker's. While the broker answers, a call costs one read and no write.

    A refusal is an answer too: only a broker that is down, unreachable or talks nonsense fails.
    """

    def __init__(
        self, service: Service, database: Database, clock: Clock, *, mode: BrokerMode
    ) -> None:
        self._service = service
        self._database = database
        self._clock = clock
        self._mode = mode
        self._has_failed_here = False

    def check(self) -> None:
        """Raise BrokerRestingError while the broker is left alone."""
        with self._database.observing() as tx:
            circuit = tx.circuits.get_circuit(self._service, mode=self._mode)
        self._refuse_if_open(circuit)

    @contextmanager
    def call(self, *, sign_in: bool = False) -> Iterator[None]:
        """Make one call, whose end is counted; a `sign_in` is made whatever came before.

        After its rest, one call of one process tries whether the broker is back. Raises
        BrokerRestingError and DatabaseUnreachableError before anything is sent.
        """
        begun = self._begin(sign_in=sign_in)
        try:
            yield
        except BrokerError as error:
            if isinstance(error, BrokerUnavailableError) and not isinstance(
                error, BrokerUnclearError
            ):
                self._failed(error, begun)
            else:
                self._answered(begun)
            raise
        self._answered(begun)

    def _begin(self, *, sign_in: bool) -> _Begun:
        with self._database.observing() as tx:
            circuit = tx.circuits.get_circuit(self._service, mode=self._mode)
        now = self._clock.now()
        begun = _Begun(has_failed=circuit.failures > 0)
        if sign_in or circuit.state(now=now) is CircuitState.CLOSED:
            return begun
        self._refuse_if_open(circuit)
        until = now + TRIAL
        with self._database.operational() as tx:
            if tx.circuits.take_trial(self._service, until=until, mode=self._mode, now=now):
                return _Begun(has_failed=True, trial_until=until)
            circuit = tx.circuits.get_circuit(self._service, mode=self._mode)
        self._refuse_if_open(circuit)
        return begun

    def _refuse_if_open(self, circuit: Circuit) -> None:
        now = self._clock.now()
        if circuit.open_until is None or now >= circuit.open_until:
            return
        raise BrokerRestingError(
            f"{self._service.capitalize()} has failed {circuit.failures} times in a row and is "
            f"left alone until {show_ist(circuit.open_until)}. It last said: "
            f"{circuit.last_failure}",
            retry_after=(circuit.open_until - now).total_seconds(),
        )

    def _failed(self, failure: BrokerUnavailableError, begun: _Begun) -> None:
        self._has_failed_here = True
        now = self._clock.now()
        try:
            with self._database.transaction() as tx:
                circuit = tx.circuits.count_failure(
                    self._service, why=failure.detail, mode=self._mode, now=now
                )
                if circuit.failures < FAILURES_TO_OPEN:
                    return
                until = now + rest(circuit.openings + 1)
                over = begun.trial_until or now
                if tx.circuits.open(
                    self._service, over=over, until=until, mode=self._mode, now=now
                ):
                    tx.alerts.raise_alert(
                        self._fingerprint,
                        kind=ALERT_KIND,
                        severity=Severity.WARNING,
                        title=f"{self._service.capitalize()} has failed {circuit.failures} times "
                        f"in a row and is left alone until {show_ist(until)}: {failure.detail}",
                        subject=self._service,
                        now=now,
                    )
        except DatabaseUnreachableError:
            # The broker's failure is what the caller has to hear of.
            _log.warning("circuit.failure_not_counted", service=self._service)

    def _answered(self, begun: _Begun) -> None:
        if not (begun.has_failed or self._has_failed_here):
            return
        now = self._clock.now()
        try:
            with self._database.transaction() as tx:
                if tx.circuits.close(self._service, mode=self._mode, now=now):
                    tx.alerts.resolve_alert(self._fingerprint, now=now)
        except DatabaseUnreachableError:
            _log.warning("circuit.success_not_counted", service=self._service)
            return
        self._has_failed_here = False

    @property
    def _fingerprint(self) -> str:
        return f"{ALERT_KIND}:{self._mode}:{self._service}"
