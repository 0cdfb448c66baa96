"""Prices of futures and options that agree with their underlying and with each other."""

import math
from datetime import timedelta

YEAR = timedelta(days=365)
RATE = 0.065
CARRY = 0.053
SKEW = -0.22
SMILE = 0.9
LOWEST_IV, HIGHEST_IV = 0.06, 1.5
ROOT_HALF = math.sqrt(0.5)


def years(span: timedelta) -> float:
    """Calendar time as the pricing counts it, never below zero."""
    return max(span / YEAR, 0.0)


def forward(spot: float, t: float) -> float:
    """The futures price: spot with the cost of carry, equal to spot at expiry."""
    return spot * math.exp(CARRY * t)


def implied_volatility(at_the_money: float, *, strike: float, forward: float, t: float) -> float:
    """A smile: dearer far out, and dearer below the forward than above it."""
    distance = math.log(strike / forward) / math.sqrt(max(t, 1 / 52)) * 0.2
    found = at_the_money * (1 + SKEW * distance * 5 + SMILE * distance * distance * 5)
    return min(max(found, LOWEST_IV), HIGHEST_IV)


def discount(t: float) -> float:
    return math.exp(-RATE * t)


def option_price(
    *, is_call: bool, forward: float, strike: float, spread: float, discount: float
) -> float:
    """Black's formula; intrinsic value where `spread` (volatility by root of time) is zero.

    Call and put of one spread keep parity.
    """
    if spread <= 0:
        return max(forward - strike if is_call else strike - forward, 0.0)
    d1 = math.log(forward / strike) / spread + spread / 2
    call = 0.5 * (
        forward * math.erfc(-d1 * ROOT_HALF) - strike * math.erfc((spread - d1) * ROOT_HALF)
    )
    return discount * (call if is_call else call - forward + strike)
