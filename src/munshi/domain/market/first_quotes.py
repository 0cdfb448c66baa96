"""Which quotes of a stream are kept: the first of each minute that is certainly of that minute.

A quote is known between two moments, both by the exchange's clock. It was sent no sooner than its
message says, or than the clocks allow where the message says nothing; it was here no later than its
arrival, a second added because exchanges cut their times to one. It is stamped with the later of
the two, so that no backtest has it before a trader could, and kept only if both lie in one minute,
so that none is filled by a book of the minute before.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.candles import MOST_COUNT, to_price
from munshi.domain.market.kept_quotes import KeptQuote, minute_of
from munshi.domain.market.ticks import DepthRow, Tick
from munshi.errors import PriceInvalidError

_NEVER = datetime.min.replace(tzinfo=UTC)
_CUT = timedelta(seconds=1)
# A message that was longer on its way shows a book that has moved on.
MOST_UNSURE = timedelta(seconds=10)


@dataclass(slots=True)
class FirstQuotes:
    """Of any number of instruments, in the order in which ticks come. Not for several threads.

    `says_when_sent` is False where a message's time is that of the last trade. `crossed` counts
    minutes' quotes whose bid was above the offer, `untimely` those of which it is not certain that
    they are of the minute, `unreadable` those whose numbers cannot be stored. None is kept, and
    the next of the minute may be.
    """

    says_when_sent: bool
    crossed: int = 0
    untimely: int = 0
    unreadable: int = 0
    _newest: dict[int, datetime] = field(default_factory=dict)

    def take(
        self, tick: Tick, key: CandleKey, *, received_at: datetime, lead: timedelta | None
    ) -> KeptQuote | None:
        """The quote of `tick` if it is the first of its minute.

        `lead` is how far the exchange's clock is ahead of the one of `received_at`, as far as is
        known; without it nothing is kept.
        """
        bid, offer = _best(tick.bids), _best(tick.offers)
        if bid is None or offer is None or lead is None:
            return None
        sent_at, at = self._between(tick, received_at=received_at, lead=lead)
        minute = minute_of(at)
        if minute <= self._newest.get(tick.token, _NEVER):
            return None
        if not minute <= sent_at <= at or at - sent_at > MOST_UNSURE:
            self.untimely += 1
        elif bid.price > offer.price:
            self.crossed += 1
        elif (prices := _prices(bid, offer)) is None:
            self.unreadable += 1
        else:
            self._newest[tick.token] = minute
            return KeptQuote(
                key=key,
                at=at,
                bid=prices[0],
                bid_quantity=bid.quantity,
                offer=prices[1],
                offer_quantity=offer.quantity,
            )
        return None

    def _between(
        self, tick: Tick, *, received_at: datetime, lead: timedelta
    ) -> tuple[datetime, datetime]:
        """No sooner sent than the first, no later here than the second."""
        arrived = received_at + lead
        if self.says_when_sent and tick.exchange_at is not None:
            return tick.exchange_at, arrived + _CUT
        return arrived, max(arrived + _CUT, received_at)


def _best(rows: tuple[DepthRow, ...]) -> DepthRow | None:
    """The first step of a side that has a price and a quantity."""
    return next((row for row in rows if row.quantity > 0 and row.price > 0), None)


def _prices(bid: DepthRow, offer: DepthRow) -> tuple[int, int] | None:
    """Ten-thousandths of a rupee; None where a number is finer or larger than what is stored."""
    try:
        prices = to_price(bid.price), to_price(offer.price)
    except PriceInvalidError:
        return None
    fits = max(bid.quantity, offer.quantity) <= MOST_COUNT
    return prices if min(prices) > 0 and fits else None
