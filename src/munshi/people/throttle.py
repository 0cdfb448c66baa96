"""Sign-ins that fail make the next one wait, by account and by address, and never for good."""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from munshi.clock import Clock
from munshi.errors import SignInThrottledError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.throttle_repository import Failures
from munshi.infrastructure.security.vault import Vault

FREE_FAILURES, FREE_FAILURES_OF_ADDRESS = 5, 20
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)
KNOWN_FOR = timedelta(days=30)
_TIDY_SECONDS = 600.0
_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One sign-in, counted as failed until it is said to have succeeded."""

    address: bytes
    own: tuple[bytes, ...]


class SignInThrottle:
    """Counts failures of an account, of an address, and of an account from one address.

    An account that somebody attacks from elsewhere must stay open to its owner: from an address
    the user has signed in from in the last 30 days, what strangers did to the account does not
    count, only what came from there. Attempts are counted before the password is looked at, so
    that many at one moment do not slip through; refused ones are not counted. Unknown names are
    counted like known ones.
    """

    def __init__(self, database: Database, clock: Clock, vault: Vault) -> None:
        self._database = database
        self._clock = clock
        self._vault = vault
        self._tidied = clock.monotonic()

    def begin(self, username: str, address: str | None, *, user_id: UUID | None) -> Attempt:
        """Count an attempt. Raises SignInThrottledError with the seconds to wait."""
        self._tidy()
        now = self._clock.now()
        place = network_of(address or "")
        of_address = self._subject("address", place)
        of_pair = self._subject("pair", f"{place} {username}")
        of_account = self._subject("account", username)
        with self._database.transaction() as tx:
            # Asked for nobody too: a question less would tell who is not there.
            known = tx.user_sessions.knows_address(
                user_id or _NOBODY, address or "", since=now - KNOWN_FOR
            )
            own = (of_pair,) if known else (of_pair, of_account)
            found = {
                subject: tx.throttle.lock_failures(subject, now=now)
                for subject in sorted((of_address, *own))
            }
            _refuse_early(max(each.next_at for each in found.values()), now=now)
            for subject, failures in found.items():
                free = FREE_FAILURES_OF_ADDRESS if subject == of_address else FREE_FAILURES
                tx.throttle.save_failures(subject, _one_more(failures, free, now=now), now=now)
        return Attempt(address=of_address, own=own)

    def succeeded(self, attempt: Attempt) -> None:
        """Forget the failures of the account. An address keeps those at other accounts."""
        self._take_back(attempt, forget=True)

    def withdraw(self, attempt: Attempt) -> None:
        """The attempt was not judged: as if it had not been made."""
        self._take_back(attempt, forget=False)

    def _take_back(self, attempt: Attempt, *, forget: bool) -> None:
        now = self._clock.now()
        with self._database.transaction() as tx:
            for subject in sorted((attempt.address, *attempt.own)):
                found = tx.throttle.lock_failures(subject, now=now)
                if forget and subject != attempt.address:
                    tx.throttle.forget(subject)
                    continue
                kept = Failures(count=max(0, found.count - 1), next_at=now)
                tx.throttle.save_failures(subject, kept, now=now)

    def _subject(self, kind: str, value: str) -> bytes:
        return self._vault.mac(f"{kind}\0{value}".encode(), purpose="sign-in throttle")

    def _tidy(self) -> None:
        if self._clock.monotonic() - self._tidied < _TIDY_SECONDS:
            return
        self._tidied = self._clock.monotonic()
        with self._database.transaction() as tx:
            tx.throttle.forget_before(self._clock.now() - FORGOTTEN_AFTER)


def network_of(address: str) -> str:
    """What counts as one caller: an IPv4 address, or the network of an IPv6 one.

    Whoever has one IPv6 address has the 2^64 beside it too.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def wait_after(failures: int, free: int) -> timedelta:
    """Nothing for the first ones, then a second, doubling, and never more than LONGEST_WAIT."""
    if failures < free:
        return timedelta(0)
    return min(LONGEST_WAIT, timedelta(seconds=2 ** min(failures - free, 20)))


def _one_more(found: Failures, free: int, *, now: datetime) -> Failures:
    count = found.count + 1
    return Failures(count=count, next_at=now + wait_after(count, free))


def _refuse_early(next_at: datetime, *, now: datetime) -> None:
    if next_at > now:
        seconds = (next_at - now).total_seconds()
        raise SignInThrottledError(
            "Too many sign-ins have failed for this name or from this address.",
            hint=f"Try again in {int(seconds) + 1} seconds.",
            retry_after=seconds,
        )
