"""Quotes generated for tests; nobody ever quoted them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from munshi.clock import IST
from munshi.domain.market.kept_quotes import QuoteTrack

PLENTY = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Bid and offer in paise; with quantities where they matter.
Quoted = tuple[int, int] | tuple[int, int, int, int]


def quotes_of(quoted: Mapping[datetime, Quoted]) -> QuoteTrack:
    """By the instant at which each was stamped."""
    stamps = sorted(quoted)
    rows = [(*quoted[at], PLENTY, PLENTY)[:4] for at in stamps]
    return QuoteTrack(
        stamps=[(at - _EPOCH) // _MICROSECOND for at in stamps],
        bids=[row[0] for row in rows],
        offers=[row[1] for row in rows],
        bid_quantities=[row[2] for row in rows],
        offer_quantities=[row[3] for row in rows],
    )


@dataclass
class HeldQuotes:
    """By the instrument's name; of all others there are none."""

    tracks: Mapping[str, QuoteTrack] = field(default_factory=dict)

    def track(self, instrument: str) -> QuoteTrack:
        return self.tracks.get(instrument, QuoteTrack())


def drawn_quotes(
    minutes: Sequence[datetime],
    price: Callable[[datetime], int],
    *,
    seed: object,
    holes: float,
    spread: int = 500,
) -> QuoteTrack:
    """At most one in each of `minutes`, somewhere in it, around `price` paise.

    A share is missing, one in ten is stamped as its minute begins, and some stand crossed.
    """
    random = Random(f"{seed}")  # noqa: S311 - the same quotes again by their seed
    quoted: dict[datetime, Quoted] = {}
    for minute in minutes:
        if random.random() < holes:
            continue
        past = 0 if random.random() < 0.1 else random.randrange(60_000_000)
        bid = max(price(minute) + random.randint(-spread, spread), 1)
        offer = bid + random.randint(0, spread) - (2 if random.random() < 0.02 else 0)
        quoted[minute + past * _MICROSECOND] = (
            bid,
            offer,
            random.randint(1, 100),
            random.randint(1, 100),
        )
    return quotes_of(quoted)


def around(opens: Iterable[datetime]) -> list[datetime]:
    """The minutes of the days of `opens` from a while before the opening to after the close."""
    days = sorted({at.astimezone(IST).replace(hour=0, minute=0) for at in opens})
    return [day + timedelta(hours=9, minutes=number) for day in days for number in range(405)]
