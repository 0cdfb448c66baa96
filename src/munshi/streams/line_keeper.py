"""Keeps one line of prices open: opens it again, asks for all of it again, and tells every gap."""

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

import structlog

from munshi.clock import Clock
from munshi.domain.market.gaps import GapReason, StreamGap
from munshi.domain.market.ticks import Tick, TickMode
from munshi.errors import (
    BrokerError,
    BrokerSessionExpiredError,
    BrokerStreamSilentError,
    BrokerUnavailableError,
    LoginNeededError,
)
from munshi.infrastructure.brokers.frames import PriceLine, TickFrame, Told

_log = structlog.get_logger()
_LOOK_SECONDS = 0.5
Access = TypeVar("Access")
Opener = Callable[[Access], AbstractContextManager[PriceLine]]
Login = Callable[[], AbstractContextManager[Access]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds. Kite's heartbeat comes every couple of seconds; its other clients give up at 5.

    Waits between attempts double from `first_wait` to `longest_wait`, each cut by up to half at
    random, so that many desks do not come back at once. A line that lasted `steady` is a good one.
    """

    silence: float = 5.0
    first_wait: float = 0.5
    longest_wait: float = 60.0
    steady: float = 30.0
    login_look: float = 5.0


class Sink(Protocol):
    """Who is told, in the keeper's thread."""

    def take(self, ticks: Sequence[Tick], *, received_at: datetime) -> None: ...

    def alive(self) -> None:
        """Anything came, a heartbeat included; told first."""
        ...

    def refused(self, count: int) -> None:
        """So many packets of a message could not be read."""
        ...

    def gap_began(self, gap: StreamGap) -> None: ...

    def gap_lasts(self, gap: StreamGap) -> None:
        """The gap has a reason more."""
        ...

    def gap_ended(self, gap: StreamGap) -> None: ...

    def told(self, kind: str, said: str) -> None:
        """A text message: `order`, `error`, `message`, or `unreadable`."""
        ...


class LineKeeper(Generic[Access]):
    """Runs until `stop` is set. `refused` counts packets and `lines` connections.

    Where no login is in force it looks for the next one from time to time, without asking the
    broker; one that does not `wait_for_login` ends there, and `run` raises what the login did.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        login: Login[Access],
        opener: Opener[Access],
        modes: Mapping[int, TickMode],
        sink: Sink,
        stop: threading.Event,
        patience: Patience | None = None,
        wait_for_login: bool = True,
    ) -> None:
        self._clock = clock
        self._login = login
        self._opener = opener
        self._modes = dict(modes)
        self._sink = sink
        self._stop = stop
        self._patience = patience or Patience()
        self._waits_for_login = wait_for_login
        self._gap: StreamGap | None = None
        self._failures = 0
        self._last_heard = clock.now()
        self.refused = 0
        self.lines = 0

    def run(self) -> None:
        """Keep the line until told to stop. Raises what is nobody's fault but the request's."""
        self._miss(GapReason.STARTING)
        while not self._stop.is_set():
            reason, wait = self._one_line()
            if self._stop.is_set():
                return
            self._miss(reason)
            self._stop.wait(wait)

    def _one_line(self) -> tuple[GapReason, float]:
        """One login, one connection, until it ends: why it did, and how long to wait."""
        opened = False
        began = self._clock.monotonic()
        try:
            with self._login() as access, self._opener(access) as line:
                opened = True
                self.lines += 1
                line.subscribe(self._modes)
                self._listen(line)
        except (LoginNeededError, BrokerSessionExpiredError):
            # No second try with a login that was refused: only the next one, looked for here.
            if not self._waits_for_login:
                self._miss(GapReason.NO_LOGIN)
                raise
            return GapReason.NO_LOGIN, self._patience.login_look
        except BrokerStreamSilentError:
            return GapReason.SILENT, self._next_wait(began if opened else None)
        except BrokerUnavailableError:
            reason = GapReason.DROPPED if opened else GapReason.UNREACHABLE
            return reason, self._next_wait(began if opened else None)
        except BrokerError as refusal:
            _log.warning("stream_refused", cause=type(refusal).__name__)
            return GapReason.REFUSED, self._next_wait(None)
        return GapReason.DROPPED, 0.0

    def _listen(self, line: PriceLine) -> None:
        while not self._stop.is_set():
            message = self._next(line)
            if message is None:
                return
            now = self._clock.now()
            self._hear(now)
            if isinstance(message, Told):
                self._sink.told(message.kind, message.said)
                continue
            if message.refused:
                self.refused += message.refused
                self._sink.refused(message.refused)
            if message.ticks:
                self._sink.take(message.ticks, received_at=now)

    def _next(self, line: PriceLine) -> TickFrame | Told | None:
        """The next message, looking up in between whether to stop, which is None."""
        patience, waited = line.silence or self._patience.silence, 0.0
        while not self._stop.is_set():
            wait = min(_LOOK_SECONDS, patience - waited)
            try:
                return line.next(patience=wait)
            except BrokerStreamSilentError:
                waited += wait
                if waited >= patience:
                    raise
        return None

    def _hear(self, now: datetime) -> None:
        self._last_heard = now
        self._sink.alive()
        if self._gap is not None:
            ended = StreamGap(began=self._gap.began, ended=now, reasons=self._gap.reasons)
            self._gap = None
            self._sink.gap_ended(ended)

    def _miss(self, reason: GapReason) -> None:
        """A gap begins with the last message that was heard; a later reason joins the first."""
        if self._gap is None:
            self._gap = StreamGap(began=self._last_heard, ended=None, reasons=(reason,))
            self._sink.gap_began(self._gap)
        elif reason not in self._gap.reasons:
            self._gap = StreamGap(
                began=self._gap.began, ended=None, reasons=(*self._gap.reasons, reason)
            )
            self._sink.gap_lasts(self._gap)

    def _next_wait(self, opened_at: float | None) -> float:
        """Longer each time, until a line has lasted: one that is cut at once is no success."""
        if opened_at is not None:
            lasted = self._clock.monotonic() - opened_at
            self._failures = 0 if lasted >= self._patience.steady else self._failures
        longest = min(
            self._patience.longest_wait,
            self._patience.first_wait * 2.0 ** min(self._failures, 30),
        )
        self._failures += 1
        return longest * (0.5 + secrets.randbelow(1000) / 2000)
