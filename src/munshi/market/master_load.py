"""Loading a broker's lists of the day: all of them or none, and only what changed is written."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from munshi.cache.cache import Cache
from munshi.clock import Clock, today_ist
from munshi.config.service import ConfigService
from munshi.domain.alerts import Severity
from munshi.domain.audit import Actor
from munshi.domain.config_keys import MARKET, MASTERS_KEY
from munshi.domain.enums import Service
from munshi.domain.market.instruments import Instrument
from munshi.domain.market.listing_history import Difference, compare
from munshi.domain.market.listings import Listing, Unmapped
from munshi.domain.market.pairing import pair
from munshi.errors import BrokerUnavailableError, InstrumentListConflictError, MasterRefusedError
from munshi.infrastructure.database.engine import Database
from munshi.market.listings import Listings, with_auctions
from munshi.market.master_checks import check_listed, check_losses
from munshi.settings import BrokerMode

Counts = dict[str, dict[str, int]]
# Each time it is another load that went through, so as many may load at once.
_TRIES = 8
# For so long an instrument that was left out of the lists may come back as the same one.
_MEMORY = timedelta(days=45)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What the database had when it was read; `number` says whether it still has."""

    number: int
    before: date | None
    newest: date | None
    mine: list[Listing]
    others: list[Listing]


class MasterLoad:
    """Brings the history up to a broker's lists. No transaction is open while one is asked."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        mode: BrokerMode,
        config: ConfigService,
        download: Callable[[Service], Listings],
        cache: Cache,
    ) -> None:
        self._database = database
        self._clock = clock
        self._mode = mode
        self._config = config
        self._download = download
        self._cache = cache

    def load(self, service: Service, *, actor: Actor, accept_losses: bool = False) -> Counts:
        """Load the broker's lists of today; by exchange what is listed, begun, ended, unmapped.

        The same lists again change nothing. Raises what the broker's client raises, and
        MasterRefusedError for lists that are not fit; then nothing has changed. Of a
        BrokerUnavailableError, which is either, an alert tells.
        """
        try:
            listings = with_auctions(self._download(service))
            counts = self.store(service, listings, actor=actor, accept_losses=accept_losses)
        except BrokerUnavailableError as failure:
            self._tell(service, failure, actor=actor)
            raise
        self._cache.look_soon()
        return counts

    def store(
        self, service: Service, listings: Listings, *, actor: Actor, accept_losses: bool = False
    ) -> Counts:
        """As `load`, with lists that are at hand; without an alert."""
        day = today_ist(self._clock)
        listed = check_listed(service, listings, day=day)
        for _ in range(_TRIES):
            held = self._read(service, day)
            found = self._compare(service, held, listed, day, accept_losses=accept_losses)
            reasons = _reasons(service, found, held)
            counts = _counts(found, reasons)
            if self._write(service, held, found, reasons, counts, day=day, actor=actor):
                return counts
        raise InstrumentListConflictError(
            f"Another load stored its lists first, {_TRIES} times over.", hint="Load them again."
        )

    def cleanup(self, *, actor: Actor) -> int:
        """Forget contracts that expired longer ago than is kept, of either mode; how many.

        What shares and indices were called is never forgotten.
        """
        days = int(self._config.value(MARKET, MASTERS_KEY)["keep_days"])
        before = today_ist(self._clock) - timedelta(days=days)
        now = self._clock.now()
        with self._database.transaction() as tx:
            count = tx.listings.cleanup_contracts(before)
            if count:
                tx.audit.log(
                    "instruments",
                    "cleanup",
                    details={"before": before.isoformat(), "forgotten": count},
                    actor=actor,
                    now=now,
                )
        return count

    def _read(self, service: Service, day: date) -> _Held:
        other = Service.BREEZE if service is Service.KITE else Service.KITE
        mode = self._mode
        with self._database.reading() as tx:
            number = tx.instrument_lists.get_number(mode=mode)
            before = tx.instrument_lists.get_day(service, mode=mode, before=day)
            newest = tx.instrument_lists.get_day(service, mode=mode)
            since = min(day - _MEMORY, before or day)
            mine = tx.listings.list_current(service, mode=mode)
            mine += tx.listings.list_ended(service, since=since, mode=mode)
            others = tx.listings.list_current(other, mode=mode)
        return _Held(number=number, before=before, newest=newest, mine=mine, others=others)

    def _compare(
        self,
        service: Service,
        held: _Held,
        listed: list[Instrument],
        day: date,
        *,
        accept_losses: bool,
    ) -> Difference:
        if held.newest is not None and held.newest > day:
            raise MasterRefusedError(
                f"Today is {day}, and lists of {held.newest} were loaded already.",
                hint="Set the clock of this machine right.",
            )
        found = compare(held.mine, listed, service=service, day=day, before=held.before)
        if not accept_losses:
            percent = int(self._config.value(MARKET, MASTERS_KEY)["loss_percent"])
            check_losses(service, found, loss_percent=percent)
        return found

    def _write(
        self,
        service: Service,
        held: _Held,
        found: Difference,
        reasons: dict[UUID, Unmapped | None],
        counts: Counts,
        *,
        day: date,
        actor: Actor,
    ) -> bool:
        """Whether it was written; not if another load came between."""
        now, mode = self._clock.now(), self._mode
        stored = [*found.kept, *found.resumed, *held.others]
        changed = {
            one.listing_id: reasons[one.listing_id]
            for one in stored
            if one.unmapped is not reasons[one.listing_id]
        }
        found.begun = [replace(one, unmapped=reasons[one.listing_id]) for one in found.begun]
        with self._database.transaction() as tx:
            if not tx.instrument_lists.save_list(
                service, mode=mode, number=held.number + 1, day=day, counts=counts, now=now
            ):
                return False
            tx.listings.save(found, mode=mode, now=now)
            tx.listings.save_unmapped(changed)
            tx.alerts.resolve_alert(_fingerprint(service), now=now)
            tx.audit.log(
                "instruments", "refresh", entity_id=service, details=counts, actor=actor, now=now
            )
        return True

    def _tell(self, service: Service, failure: BrokerUnavailableError, *, actor: Actor) -> None:
        now = self._clock.now()
        with self._database.transaction() as tx:
            tx.alerts.raise_alert(
                _fingerprint(service),
                kind="instruments",
                severity=Severity.WARNING,
                title=str(failure),
                subject=service,
                now=now,
            )
            tx.audit.log(
                "instruments",
                "refused",
                entity_id=service,
                details={"reason": failure.detail},
                actor=actor,
                now=now,
            )


def _reasons(service: Service, found: Difference, held: _Held) -> dict[UUID, Unmapped | None]:
    if service is Service.KITE:
        return pair(found.current, held.others)
    return pair(held.others, found.current)


def _counts(found: Difference, reasons: dict[UUID, Unmapped | None]) -> Counts:
    counts: dict[str, Counter[str]] = {}

    def count(listings: list[Listing], word: str) -> None:
        for one in listings:
            counts.setdefault(one.instrument.exchange, Counter())[word] += 1

    current = found.current
    count(current, "listed")
    count([*found.begun, *found.resumed], "begun")
    count(found.ended, "ended")
    count([one for one in current if reasons[one.listing_id] is not None], "unmapped")
    words = ("listed", "begun", "ended", "unmapped")
    return {
        exchange: {word: found_words[word] for word in words}
        for exchange, found_words in sorted(counts.items())
    }


def _fingerprint(service: Service) -> str:
    return f"instruments.{service}"
