"""From a stop-loss level to the strike that is sold."""

from munshi.domain.market.candles import PRICE_SCALE
from munshi.domain.market.instruments import InstrumentKind
from munshi.domain.signals.parameters import StrikeRule

_FIFTY = 50 * PRICE_SCALE
_HUNDRED = 100 * PRICE_SCALE


def strike_for(level: int, sells: InstrumentKind, rule: StrikeRule) -> int:
    """The strike in whole points; `level` is in ten-thousandths of a rupee."""
    found = level
    if rule is not StrikeRule.NEAREST100:
        down = found // _FIFTY
        up = -(-found // _FIFTY)
        found = _FIFTY * (down if sells is InstrumentKind.PUT else up)
    if rule is not StrikeRule.AWAY50:
        found = _HUNDRED * ((found + _HUNDRED // 2) // _HUNDRED)
    return found // PRICE_SCALE
