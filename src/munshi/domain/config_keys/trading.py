"""Keys of type `trading`: rules for positions, kept from an older install."""

from munshi.domain.config_keys.key import TRADING, ConfigKey
from munshi.domain.config_values import Amount, Flag, Shape, Text, TimeOfDay, Whole

EXPIRY_PREFIX = "expiry_weekday."
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
_RUPEES = 1_000_000_000


def _kept(
    name: str, shape: Shape, description: str, *, unit: str = "", pattern: str | None = None
) -> ConfigKey:
    return ConfigKey(
        config_type=TRADING,
        name=name,
        shape=shape,
        pattern=pattern,
        unit=unit,
        kept_only=True,
        description=description,
    )


KEYS: tuple[ConfigKey, ...] = (
    _kept(
        "default_lots",
        Whole(smallest=1, largest=10_000),
        "How many lots a position has. How much a lot is, the market's own tables say by date.",
        unit="lots",
    ),
    _kept(
        "max_lots",
        Whole(smallest=1, largest=10_000),
        "How many lots a position may have.",
        unit="lots",
    ),
    _kept(
        "max_positions",
        Whole(smallest=1, largest=1000),
        "How many positions may be open at a time.",
        unit="positions",
    ),
    _kept(
        "max_trades_per_day",
        Whole(smallest=1, largest=10_000),
        "How many positions may be opened in a day.",
        unit="trades",
    ),
    _kept(
        "max_loss_per_trade",
        Amount(smallest=0, largest=_RUPEES),
        "The loss at which one position is closed.",
        unit="rupees",
    ),
    _kept(
        "max_daily_loss",
        Amount(smallest=0, largest=_RUPEES),
        "The loss of a day after which no position is opened.",
        unit="rupees",
    ),
    _kept(
        "hedge_offset",
        Whole(smallest=0, largest=100_000),
        "How far from the strike sold its hedge is bought.",
        unit="points",
    ),
    _kept(
        "hedge_percentage",
        Amount(smallest=0, largest=100),
        "What the hedge may cost, as a share of the premium received.",
        unit="percent",
    ),
    _kept("market_hours.open", TimeOfDay(), "From when on the older install traded (IST)."),
    _kept("market_hours.close", TimeOfDay(), "Until when the older install traded (IST)."),
    _kept("exit.time", TimeOfDay(), "When open positions are closed (IST)."),
    _kept(
        "exit.day_offset",
        Whole(smallest=0, largest=30),
        "How many trading days after the entry they are closed.",
        unit="days",
    ),
    _kept("exit.on_expiry", Flag(), "Whether positions are closed on the day of their expiry."),
    _kept(
        f"{EXPIRY_PREFIX}<index>",
        Text(choices=WEEKDAYS),
        "The weekday on which the older install had options of this index expire. The market's "
        "own tables know it by date.",
        pattern=r"expiry_weekday\.[a-z][a-z0-9_]{0,29}",
    ),
)
