"""One bar of prices, and the exact way between rupees and the stored whole numbers."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal

from munshi.errors import PriceInvalidError

PRICE_SCALE = 10_000
# A day of minutes, each with a volume of 15 digits, still adds up within the stored 64 bits.
MOST_COUNT = 10**15 - 1
_SCALE = Decimal(PRICE_SCALE)
_UNITS_A_PAISA = PRICE_SCALE // 100
_LARGEST = 2**63 - 1
_DIGITS = 16
_EXACT = Context(prec=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """One bar. `opens` is its stamp, aware UTC; prices are ten-thousandths of a rupee.

    The daily bar is stamped at midnight IST. `oi` is None where the source gives none.
    """

    opens: datetime
    open: int
    high: int
    low: int
    close: int
    volume: int
    oi: int | None = None

    @property
    def is_sane(self) -> bool:
        """High and low enclose open and close, no price is zero, and nothing is negative."""
        return (
            0 < self.low <= min(self.open, self.close)
            and self.high >= max(self.open, self.close)
            and self.volume >= 0
            and (self.oi is None or self.oi >= 0)
        )


def to_price(value: object) -> int:
    """Rupees to ten-thousandths of a rupee.

    A float counts as the shortest decimal that prints like it, so 21727.75 is exact. What is
    finer than a ten-thousandth is rounded to the nearest, ties to even. Raises PriceInvalidError
    for what is not a number, or a text that is one, or does not fit the stored 64 bits.
    """
    try:
        rupees = value if type(value) is Decimal else Decimal(str(value).strip())
        if rupees.adjusted() < _DIGITS or not rupees:
            scaled = _EXACT.multiply(rupees, _SCALE)
            price = int(scaled)
            if price != scaled:
                price = int(scaled.to_integral_value(ROUND_HALF_EVEN))
            if -_LARGEST <= price <= _LARGEST:
                return price
    except (ArithmeticError, ValueError) as error:
        raise PriceInvalidError(f"{value!r} is not a price.") from error
    raise PriceInvalidError(f"{str(value)[:40]!r} is too large to be a price.")


def to_rupees(price: int) -> Decimal:
    """Ten-thousandths of a rupee to rupees, with four decimals, exactly."""
    return Decimal(price).scaleb(-4, _EXACT)


def to_paise(price: int) -> int:
    """From ten-thousandths of a rupee, halves up; exchange prices are whole paise."""
    return (price + _UNITS_A_PAISA // 2) // _UNITS_A_PAISA
