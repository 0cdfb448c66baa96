"""Whether the capital of a run is enough for one lot of what it opens."""

from collections.abc import Iterable

from munshi.domain.backtest.options.market import OptionRequest
from munshi.domain.market.candles import PRICE_SCALE
from munshi.domain.market.charges import Side
from munshi.errors import BacktestCapitalTooSmallError

_PERCENT = 100
_UNITS_A_PAISA = PRICE_SCALE // 100


def check_lot(
    request: OptionRequest, quoted: Iterable[tuple[Side, int]], *, lot: int, close: int
) -> None:
    """The margin of what is sold, or the premium where nothing is.

    `quoted` is the side and price in paise of each leg, `close` that of the underlying's bar.
    Raises BacktestCapitalTooSmallError.
    """
    legs = tuple(quoted)
    if any(side is Side.SELL for side, _ in legs):
        needed = (close // _UNITS_A_PAISA) * lot * request.margin_percent // _PERCENT
    else:
        needed = lot * sum(price for _, price in legs)
    if request.sizing.capital < needed:
        raise BacktestCapitalTooSmallError(
            f"One lot of {request.market.underlying} options needs {needed / _PERCENT:,.2f} "
            f"rupees, the capital is {request.sizing.capital / _PERCENT:,.2f}.",
            hint="Give more capital, or the share of the value that is asked as margin.",
        )
