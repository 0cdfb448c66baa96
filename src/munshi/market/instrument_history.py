"""What was listed on a day: by symbol, token or terms; and what has no counterpart."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from munshi.domain.enums import Service
from munshi.domain.market.instruments import Instrument, InstrumentKind, InstrumentRef
from munshi.domain.market.listings import Listing, Unmapped
from munshi.errors import CursorInvalidError, InstrumentAmbiguousError, InstrumentUnknownError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.listing_rows import joined
from munshi.settings import BrokerMode


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmappedPage:
    """Current listings without a counterpart; `next_cursor` asks for those behind."""

    listings: tuple[Listing, ...]
    next_cursor: str | None


class InstrumentHistory:
    """Reads the history of both brokers' lists. Days are those of the exchange, IST."""

    def __init__(self, database: Database, *, mode: BrokerMode) -> None:
        self._database = database
        self._mode = mode

    def known_since(self, service: Service) -> date | None:
        """The day of the broker's first list; of days before it nothing is known."""
        with self._database.reading() as tx:
            return tx.instrument_lists.get_first_day(service, mode=self._mode)

    def of_token(
        self, service: Service, token: str, *, day: date, exchange: str | None = None
    ) -> Listing:
        """What the broker's token meant on `day`; ICICI's are unique only within an exchange.

        Raises InstrumentUnknownError, and InstrumentAmbiguousError where the exchange is needed.
        """
        with self._database.reading() as tx:
            found = tx.listings.list_of_token(service, token, mode=self._mode)
        held = [
            one
            for one in found
            if one.holds_on(day) and exchange in {None, one.instrument.exchange}
        ]
        if not held:
            raise InstrumentUnknownError(
                f"{service.capitalize()} listed nothing with the token {token} on {day}.",
                hint=f"All that had it: munshi instruments history {token} --broker {service}",
            )
        if len(held) > 1:
            refs = ", ".join(str(one.instrument.ref) for one in held)
            raise InstrumentAmbiguousError(
                f"The token {token} was that of {refs} on {day}.", hint="Name the exchange too."
            )
        return held[0]

    def of_symbol(self, ref: InstrumentRef, *, day: date) -> Instrument:
        """What the symbol meant on `day`, with both brokers' codes.

        Raises InstrumentUnknownError.
        """
        with self._database.reading() as tx:
            found = tx.listings.list_of_symbol(ref, mode=self._mode)
        held = [one for one in found if one.holds_on(day)]
        if not held:
            raise InstrumentUnknownError(
                f"Nobody listed {ref} on {day}.", hint=f"munshi instruments history {ref}"
            )
        return joined(held)

    def of_terms(
        self,
        underlying: str,
        *,
        expiry: date,
        kind: InstrumentKind,
        strike: Decimal | None = None,
        day: date | None = None,
        exchange: str | None = None,
    ) -> Instrument:
        """The contract of these terms, expired or not, as of `day` or else as it was last.

        Raises InstrumentUnknownError, and InstrumentAmbiguousError where two exchanges list it.
        """
        with self._database.reading() as tx:
            found = tx.listings.list_contracts(
                underlying, day=day, expiry=expiry, strike=strike, kind=kind, mode=self._mode
            )
        found = [one for one in found if exchange in {None, one.instrument.exchange}]
        contracts = _contracts(found)
        if not contracts:
            terms = " ".join(str(part) for part in (underlying, expiry, strike, kind) if part)
            raise InstrumentUnknownError(
                f"Nobody listed {terms}{'' if day is None else f' on {day}'}."
            )
        if len(contracts) > 1:
            refs = ", ".join(str(one.ref) for one in contracts)
            raise InstrumentAmbiguousError(f"It may be {refs}.", hint="Name the exchange too.")
        return contracts[0]

    def contracts_on(
        self,
        day: date,
        underlying: str,
        *,
        expiry: date | None = None,
        kinds: Iterable[InstrumentKind] = (),
        keep_strike: Callable[[Decimal], bool] | None = None,
    ) -> tuple[Instrument, ...]:
        """The contracts on `underlying` that were listed on `day`, with both brokers' codes.

        By expiry, strike and kind; `kinds` without any means all, and `keep_strike` chooses among
        options. Between two lists the earlier one counts. Empty where no list of that time was
        loaded: `known_since` tells that from a day without contracts.
        """
        chosen = frozenset(kinds) or frozenset(InstrumentKind)
        with self._database.reading() as tx:
            found = tx.listings.list_contracts(
                underlying.upper(), day=day, expiry=expiry, mode=self._mode
            )
        return _contracts(
            one
            for one in found
            if one.instrument.kind in chosen
            and (
                keep_strike is None
                or one.instrument.strike is None
                or keep_strike(one.instrument.strike)
            )
        )

    def option_expiries(self, underlying: str, *, since: date) -> list[tuple[date, date, date]]:
        """Expiries of options on `since` or later, each with the first and last day listed."""
        with self._database.reading() as tx:
            return tx.listings.list_expiries(underlying.upper(), since=since, mode=self._mode)

    def history(self, ref: InstrumentRef) -> list[Listing]:
        """Every listing of what ever had that symbol, newest first.

        Raises InstrumentUnknownError.
        """
        with self._database.reading() as tx:
            found = tx.listings.list_of_lineage(ref, mode=self._mode)
        if not found:
            raise InstrumentUnknownError(
                f"{ref} is in no list that was loaded.", hint="munshi instruments load"
            )
        return _newest_first(found)

    def history_of_token(self, service: Service, token: str) -> list[Listing]:
        """Every listing that ever had the broker's token, newest first.

        Raises InstrumentUnknownError.
        """
        with self._database.reading() as tx:
            found = tx.listings.list_of_token(service, token, mode=self._mode)
        if not found:
            raise InstrumentUnknownError(
                f"No list of {service.capitalize()} that was loaded has the token {token}."
            )
        return _newest_first(found)

    def unmapped(
        self,
        *,
        service: Service | None = None,
        exchange: str | None = None,
        why: Unmapped | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> UnmappedPage:
        """What the newest lists name and the other broker's do not. Raises CursorInvalidError."""
        after = None if cursor is None else _read_cursor(cursor)
        with self._database.reading() as tx:
            found = tx.listings.list_unmapped(
                mode=self._mode,
                service=service,
                exchange=exchange,
                why=why,
                after=after,
                limit=limit + 1,
            )
        page = tuple(found[:limit])
        more = len(found) > limit
        return UnmappedPage(listings=page, next_cursor=_cursor(page[-1]) if more else None)


def _contracts(found: Iterable[Listing]) -> tuple[Instrument, ...]:
    """Both brokers' listings of one contract as one; they meet by its terms."""
    by_terms: dict[tuple[object, ...], list[Listing]] = defaultdict(list)
    for one in found:
        each = one.instrument
        by_terms[each.exchange, each.expiry, each.strike, each.kind].append(one)
    contracts = [
        joined([max(of_one, key=lambda one: one.last_day) for of_one in _by_service(same)])
        for same in by_terms.values()
    ]
    return tuple(
        sorted(
            contracts,
            key=lambda one: (
                one.expiry or date.min,
                one.strike or Decimal(0),
                one.kind,
                one.exchange,
            ),
        )
    )


def _by_service(listings: Iterable[Listing]) -> Iterable[list[Listing]]:
    found: dict[Service, list[Listing]] = defaultdict(list)
    for one in listings:
        found[one.service].append(one)
    return found.values()


def _newest_first(listings: list[Listing]) -> list[Listing]:
    return sorted(listings, key=lambda one: (one.first_day, one.service), reverse=True)


def _cursor(one: Listing) -> str:
    return f"{one.instrument.exchange}:{one.instrument.tradingsymbol}:{one.service}"


def _read_cursor(text: str) -> tuple[str, str, str]:
    exchange, _, rest = text.partition(":")
    symbol, _, service = rest.rpartition(":")
    if not (exchange and symbol and service in set(Service)):
        raise CursorInvalidError(
            "The cursor is not one that was given out.", hint="Ask for the first page again."
        )
    return exchange, symbol, service
