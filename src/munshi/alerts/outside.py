"""Looks at a desk from outside: no database, no home, one address and one channel."""

from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from munshi.clock import Clock, show_ist
from munshi.domain.alerts import AlertPolicy, AlertState, Severity, Standing, observe
from munshi.errors import RequestInvalidError
from munshi.infrastructure.notifying.sender import Sending, check_url, send
from munshi.infrastructure.posting import ping

SECONDS = 20.0


class OutsideWatch:
    """The same state machine as on the desk: it fires after some failures, and ends at once.

    Raises RequestInvalidError and AlertChannelInvalidError for addresses that make no sense.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        channel: str,
        failures: int,
        repeat: timedelta,
        say: Callable[[str], object],
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise RequestInvalidError(
                "That is no address of a desk.", hint="Write it as https://desk.example:8000"
            )
        if channel:
            check_url(channel)
        self._name = parts.hostname + (f":{parts.port}" if parts.port else "")
        self._url = url if parts.path.strip("/") else f"{url.rstrip('/')}/health"
        self._clock = clock
        self._channel = channel
        self._policy = AlertPolicy(times=failures)
        self._repeat = repeat
        self._say = say
        self._standing = Standing()
        self._told_at: datetime | None = None
        self._unheard = False

    def look(self) -> str:
        """Ask once, and tell what is news; what is wrong, or nothing."""
        trouble = ping(self._url)
        now = self._clock.now()
        before = self._standing
        after = observe(before, seen=bool(trouble), policy=self._policy, now=now)
        self._standing = Standing() if after.state is AlertState.RESOLVED else after
        if after.state is AlertState.FIRING and self._is_due(now):
            since = show_ist(after.since or now)
            self._tell(
                f"[CRITICAL] The desk {self._name} does not do well",
                f"{trouble} So it is since {since}. While it lasts nobody hears of its alerts.",
                now=now,
            )
            self._unheard = False
        elif after.state is AlertState.RESOLVED or (self._unheard and not trouble):
            title = f"[RESOLVED] The desk {self._name} is well again"
            self._unheard = not self._tell(title, "It answers.", now=now)
            self._told_at = None
        return trouble

    def _is_due(self, now: datetime) -> bool:
        return self._told_at is None or now - self._told_at >= self._repeat

    def _tell(self, title: str, body: str, *, now: datetime) -> bool:
        """Whether it was heard. What the channel did not take is tried again at the next look."""
        self._say(f"{show_ist(now)} {title}: {body}")
        if not self._channel:
            self._told_at = now
            return True
        sending = Sending(url=self._channel, title=title, body=body, severity=Severity.CRITICAL)
        answer = send(sending, seconds=SECONDS)
        if answer.outcome == "sent":
            self._told_at = now
            return True
        self._say(f"The channel did not take it: {answer.said}")
        return False
