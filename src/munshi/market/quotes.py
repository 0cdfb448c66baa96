"""Last quotes: of a stream that is on, else the broker's answer to a call, else an older one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from munshi.cache.last_quotes import LastQuotes, is_heard
from munshi.clock import Clock
from munshi.domain.enums import Service
from munshi.domain.market.instruments import Instrument
from munshi.domain.market.quotes import LastQuote, QuoteWay, StreamState
from munshi.errors import (
    AppError,
    BrokerError,
    InstrumentNotServedError,
    InstrumentUnknownError,
    LoginNeededError,
    QuoteUnknownError,
    RequestInvalidError,
)
from munshi.infrastructure.brokers.breeze.access import BreezeAccess
from munshi.infrastructure.brokers.breeze.client import BreezeClient
from munshi.infrastructure.brokers.breeze.contracts import BreezeContract
from munshi.infrastructure.brokers.kite.access import KiteAccess
from munshi.infrastructure.brokers.kite.client import KiteClient
from munshi.infrastructure.brokers.results import Quote

KiteQuotes = dict[str, Quote]
CallingKite = Callable[[Callable[[KiteAccess], KiteQuotes]], KiteQuotes]
CallingBreeze = Callable[[Callable[[BreezeAccess], Quote | None]], Quote | None]
# Kite quotes 500 at a time; Breeze one, of a hundred calls a minute.
MOST_ASKED = 500
MOST_BREEZE_CALLS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteCalls:
    """Both brokers' clients, each with what asks by its login (`auth.broker_login`)."""

    kite: KiteClient
    calling_kite: CallingKite
    breeze: BreezeClient
    calling_breeze: CallingBreeze
    has_login: Callable[[Service], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteSeen:
    """A quote as it is shown. `age` is since its price came, or was last known to be good.

    `is_current` is False for one that may have been overtaken; `problem` says why no newer one
    was to be had.
    """

    quote: LastQuote
    age: timedelta
    is_current: bool
    problem: str | None = None


class QuoteService:
    """No transaction is open while a broker is asked."""

    def __init__(
        self,
        clock: Clock,
        *,
        last: LastQuotes,
        find: Callable[[str], Instrument],
        calls: QuoteCalls,
    ) -> None:
        self._clock = clock
        self._last = last
        self._find = find
        self._calls = calls

    def quotes(self, names: Sequence[str], *, broker: Service | None = None) -> list[QuoteSeen]:
        """One quote an instrument, in the order of their names, each once.

        Raises InstrumentUnknownError, RequestInvalidError, and QuoteUnknownError or what the
        broker's client raises where an instrument has no quote at all.
        """
        found = {each.ref: each for each in map(self._find, names)}
        if not 0 < len(found) <= MOST_ASKED:
            raise RequestInvalidError(f"Name 1 to {MOST_ASKED} instruments, not {len(found)}.")
        brokers = (broker,) if broker else tuple(Service)
        seen: dict[str, QuoteSeen] = {}
        for name in map(str, found):
            current = self._current(name, brokers)
            if current is not None:
                seen[name] = current
        missing = [each for ref, each in found.items() if str(ref) not in seen]
        if missing:
            seen |= self._call(missing, brokers)
        return [seen[str(ref)] for ref in found]

    def streams(self) -> list[tuple[StreamState, bool]]:
        """How each broker's last stream stands, and whether it goes on at this moment."""
        now = self._clock.now()
        states = [self._last.stream(service) for service in Service]
        return [(state, is_heard(state, now=now)) for state in states if state is not None]

    def _current(self, name: str, brokers: Sequence[Service]) -> QuoteSeen | None:
        """The newest quote that nothing has overtaken."""
        now = self._clock.now()
        known = [self._last.get(broker, name) for broker in brokers]
        good = [each for each in known if each and self._last.is_current(each, now=now)]
        if not good:
            return None
        return self._seen(max(good, key=lambda each: each.seen_at), now=now, is_current=True)

    def _call(
        self, missing: Sequence[Instrument], brokers: Sequence[Service]
    ) -> dict[str, QuoteSeen]:
        """Ask a broker; where that fails, what is known from before, and why no more is."""
        answered: dict[str, LastQuote] = {}
        problem: AppError | None = None
        try:
            answered = self._ask(self._broker(brokers), missing)
        except (BrokerError, LoginNeededError, InstrumentNotServedError, InstrumentUnknownError,
                RequestInvalidError) as error:  # fmt: skip
            problem = error
        now = self._clock.now()
        self._last.keep(answered.values())
        seen: dict[str, QuoteSeen] = {}
        for name in (str(each.ref) for each in missing):
            if name in answered:
                seen[name] = self._seen(answered[name], now=now, is_current=True)
                continue
            older = [self._last.get(broker, name) for broker in brokers]
            known = [each for each in older if each is not None]
            if not known:
                raise problem or QuoteUnknownError(
                    f"The broker has no quote of {name}.", hint="Has it traded yet?"
                )
            newest = max(known, key=lambda each: each.seen_at)
            why = problem.detail if problem else "The broker has no quote of it now."
            seen[name] = self._seen(newest, now=now, is_current=False, problem=why)
        return seen

    def _broker(self, brokers: Sequence[Service]) -> Service:
        """The first with a login in force; the first of all, whose call then says what to do."""
        return next((each for each in brokers if self._calls.has_login(each)), brokers[0])

    def _ask(self, broker: Service, wanted: Sequence[Instrument]) -> dict[str, LastQuote]:
        if broker is Service.KITE:
            names = [str(each.ref) for each in wanted]
            quotes = self._calls.calling_kite(partial(self._calls.kite.quotes, instruments=names))
            now = self._clock.now()
            return {name: _last(name, broker, quote, now) for name, quote in quotes.items()}
        if len(wanted) > MOST_BREEZE_CALLS:
            raise RequestInvalidError(
                f"Breeze quotes one instrument a call; ask for {MOST_BREEZE_CALLS} at most, "
                f"not {len(wanted)}.",
                hint='Stream them: munshi stream "NSE:NIFTY 50" … --broker breeze',
            )
        found: dict[str, LastQuote] = {}
        for each in wanted:
            contract = BreezeContract.of(each)
            quote = self._calls.calling_breeze(
                partial(self._calls.breeze.quotes, contract=contract)
            )
            if quote is not None:
                name = str(each.ref)
                found[name] = _last(name, broker, quote, self._clock.now())
        return found

    def _seen(
        self, quote: LastQuote, *, now: datetime, is_current: bool, problem: str | None = None
    ) -> QuoteSeen:
        return QuoteSeen(
            quote=quote,
            age=max(now - quote.seen_at, timedelta()),
            is_current=is_current,
            problem=problem,
        )


def _last(name: str, broker: Service, quote: Quote, now: datetime) -> LastQuote:
    return LastQuote(
        instrument=name,
        broker=broker,
        way=QuoteWay.CALL,
        last_price=quote.last_price,
        seen_at=now,
        open=quote.open,
        high=quote.high,
        low=quote.low,
        close=quote.close,
        volume=quote.volume,
        oi=quote.oi,
        best_bid=quote.best_bid,
        best_offer=quote.best_offer,
        traded_at=quote.traded_at,
    )
