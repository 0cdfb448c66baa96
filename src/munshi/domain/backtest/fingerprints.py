"""By what a run can tell later whether the prices it ran on are still those that are stored."""

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from munshi.domain.market.candles import Candle

_NOTHING: Mapping[str, object] = MappingProxyType({})


def fingerprint_of(bars: Sequence[Candle], besides: Mapping[str, object] = _NOTHING) -> str:
    """Of `bars`, and of the quotes that a run read `besides` them."""
    digest = hashlib.sha256()
    for bar in bars:
        stamp = int(bar.opens.timestamp())
        digest.update(
            f"{stamp},{bar.open},{bar.high},{bar.low},{bar.close},{bar.volume},{bar.oi}\n".encode()
        )
    if quotes := besides.get("quotes_fingerprint"):
        digest.update(f"quotes,{quotes}\n".encode())
    return digest.hexdigest()
