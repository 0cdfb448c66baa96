"""Whether a broker's new lists are fit to take the place of those held."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date

from munshi.domain.enums import Service
from munshi.domain.market.instruments import Instrument
from munshi.domain.market.listing_history import Difference
from munshi.errors import MasterRefusedError

_COMMAND = "munshi instruments load"
_HALF = 2
# What the columns of Instruments take.
_LONGEST, _LONGEST_NAME, _LARGEST, _SHOWN = 50, 200, 10**12, 60
# Of so few, one that is gone says nothing.
_FEW = 20
_ACCEPT = f"Is it right all the same? Load it with: {_COMMAND} --accept-losses"


def check_listed(
    service: Service, listings: Mapping[str, Sequence[Instrument]], *, day: date
) -> list[Instrument]:
    """All instruments that trade on `day` or later, each once.

    What expired before is left out: some lists are cleared late. Raises MasterRefusedError for
    lists that are empty, of an earlier day, name something twice or hold what no column takes.
    """
    if not listings.get("NSE"):
        raise MasterRefusedError(f"{_name(service)} list of NSE is empty.", hint=_again(service))
    listed = [one for found in listings.values() for one in found]
    for one in listed:
        if not _is_storable(one):
            raise MasterRefusedError(
                f"{_name(service)} list has a name or a number that cannot be right for "
                f"{one.exchange}:{one.tradingsymbol[:_SHOWN]!r}.",
                hint=_again(service),
            )
    _check_unique(service, listed)
    contracts = [one for one in listed if one.expiry is not None]
    expired = sum(one.expiry is not None and one.expiry < day for one in contracts)
    if expired * _HALF > len(contracts):
        raise MasterRefusedError(
            f"{_name(service)} list is of an earlier day: {expired:,} of its {len(contracts):,} "
            f"contracts expired before {day}.",
            hint=_again(service),
        )
    return [one for one in listed if one.expiry is None or one.expiry >= day]


def check_losses(service: Service, found: Difference, *, loss_percent: int) -> None:
    """Refuse lists that lack too much of what was held, or that moved the expiries of as much.

    Raises MasterRefusedError.
    """
    for exchange, losses in found.losses.items():
        if losses.held < _FEW and losses.gone < losses.held:
            continue
        most = losses.held * loss_percent / 100
        if losses.gone > most:
            raise MasterRefusedError(
                f"{_name(service)} list of {exchange} lacks {losses.gone:,} of the "
                f"{losses.held:,} instruments held that have not expired, more than "
                f"{loss_percent} percent.",
                hint=_ACCEPT,
            )
        if losses.moved > most:
            raise MasterRefusedError(
                f"{_name(service)} list of {exchange} has another expiry than before for "
                f"{losses.moved:,} of {losses.held:,} instruments, as if its days were those of "
                "another time zone.",
                hint=_ACCEPT,
            )


def _is_storable(one: Instrument) -> bool:
    texts = (one.tradingsymbol, one.underlying, one.breeze_code, one.breeze_token)
    amounts = (one.tick_size, one.strike)
    return (
        bool(one.tradingsymbol)
        and all(text is None or (len(text) <= _LONGEST and "\0" not in text) for text in texts)
        and len(one.name) <= _LONGEST_NAME
        and "\0" not in one.name
        and all(each is None or (each.is_finite() and 0 <= each < _LARGEST) for each in amounts)
        and 0 <= one.lot_size < _LARGEST
        and (one.kite_token is None or 0 <= one.kite_token < _LARGEST)
    )


def _check_unique(service: Service, listed: Sequence[Instrument]) -> None:
    refs = Counter((one.exchange, one.tradingsymbol) for one in listed)
    tokens = Counter((one.exchange, one.kite_token) for one in listed if one.kite_token is not None)
    twice = next((":".join(key) for key, count in refs.items() if count > 1), None)
    if twice is None:
        token = next((key for key, count in tokens.items() if count > 1), None)
        twice = None if token is None else f"the token {token[1]} of {token[0]}"
    if twice is not None:
        raise MasterRefusedError(
            f"{_name(service)} list names {twice} twice.", hint=_again(service)
        )


def _name(service: Service) -> str:
    return "Kite's" if service is Service.KITE else "Breeze's"


def _again(service: Service) -> str:
    hour = "08:30" if service is Service.KITE else "08:00"
    return f"The list before it stays. Load a new one after {hour} IST: {_COMMAND} {service}"
