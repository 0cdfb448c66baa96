"""By what a run can tell later whether the prices it ran on are still those that are stored."""

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from munshi.domain.market.candle_columns import NO_OI, CandleColumns
from munshi.domain.market.candles import Candle

_SECOND = 1_000_000
_NOTHING: Mapping[str, object] = MappingProxyType({})


def fingerprint_of(bars: Sequence[Candle], besides: Mapping[str, object] = _NOTHING) -> str:
    """Of `bars`, and of the quotes that a run read `besides` them."""
    digest = hashlib.sha256()
    columns = CandleColumns.of(bars).columns
    for stamp, first, high, low, last, volume, oi in zip(*columns, strict=True):
        told = None if oi == NO_OI else oi
        row = f"{stamp // _SECOND},{first},{high},{low},{last},{volume},{told}\n"
        digest.update(row.encode())
    if quotes := besides.get("quotes_fingerprint"):
        digest.update(f"quotes,{quotes}\n".encode())
    return digest.hexdigest()
