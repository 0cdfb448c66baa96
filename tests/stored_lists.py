"""A broker's list of one exchange, stored as a load stores it; nothing checks what it lacks."""

from collections.abc import Sequence
from datetime import datetime

from munshi.clock import IST
from munshi.domain.enums import Service
from munshi.domain.market.instruments import Instrument
from munshi.domain.market.listing_history import compare
from munshi.infrastructure.database.transaction import Transaction
from munshi.settings import BrokerMode


def store(
    tx: Transaction,
    service: Service,
    exchange: str,
    listed: Sequence[Instrument],
    *,
    mode: BrokerMode,
    now: datetime,
) -> int:
    """How many rows the exchange's list has now."""
    day = now.astimezone(IST).date()
    before = tx.instrument_lists.get_day(service, mode=mode, before=day)
    held = tx.listings.list_current(service, mode=mode)
    held += tx.listings.list_ended(service, since=before or day, mode=mode)
    found = compare(
        [one for one in held if one.instrument.exchange == exchange],
        listed,
        service=service,
        day=day,
        before=before,
    )
    number = tx.instrument_lists.get_number(mode=mode) + 1
    counts = {exchange: {"listed": len(listed)}}
    assert tx.instrument_lists.save_list(
        service, mode=mode, number=number, day=day, counts=counts, now=now
    )
    tx.listings.save(found, mode=mode, now=now)
    return len(found.current)
