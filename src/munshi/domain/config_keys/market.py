"""Keys of type `market`: the calendar beyond the packaged years, and what is collected."""

from types import MappingProxyType

from munshi.domain.config_keys.key import MARKET, ConfigKey
from munshi.domain.config_values import CalendarDocument, Document, InstrumentNames, Text, Whole
from munshi.domain.enums import Service
from munshi.domain.market.intervals import Interval

CALENDAR_PREFIX = "calendar."
DAILY_COLLECTION_KEY = "daily_collection"
MASTERS_KEY = "instrument_lists"
PART_REQUESTS = "collection_part_requests"
KEEP_PROVISIONAL_DAYS = "keep_provisional_days"
KEEP_QUOTE_DAYS = "keep_quote_days"

KEYS: tuple[ConfigKey, ...] = (
    ConfigKey(
        config_type=MARKET,
        name=f"{CALENDAR_PREFIX}<year>",
        pattern=r"calendar\.\d{4}",
        shape=CalendarDocument(),
        description="Holidays and special sessions of a year, instead of the packaged ones.",
    ),
    ConfigKey(
        config_type=MARKET,
        name=DAILY_COLLECTION_KEY,
        shape=Document(
            fields=MappingProxyType(
                {
                    "broker": Text(choices=tuple(Service)),
                    "instruments": InstrumentNames(),
                    "interval": Text(choices=tuple(Interval)),
                    "days": Whole(smallest=1, largest=250),
                }
            )
        ),
        default={
            "broker": "breeze",
            "instruments": ["NSE:NIFTY 50", "NSE:NIFTY BANK", "BSE:SENSEX"],
            "interval": "1minute",
            "days": 5,
        },
        description="What the job daily_collection fetches, and for how many trading days back it "
        "fills in what is missing.",
    ),
    ConfigKey(
        config_type=MARKET,
        name=PART_REQUESTS,
        shape=Whole(smallest=1, largest=5000),
        unit="requests",
        default=100,
        description="A collection of more requests is divided into parts of about so many, which "
        "run, wait and are tried again each by itself.",
    ),
    ConfigKey(
        config_type=MARKET,
        name=MASTERS_KEY,
        shape=Document(
            fields=MappingProxyType(
                {
                    "loss_percent": Whole(smallest=1, largest=99),
                    "keep_days": Whole(smallest=90, largest=36_500),
                }
            )
        ),
        default={"loss_percent": 30, "keep_days": 1830},
        description="Of the instruments of an exchange that have not expired, how many percent a "
        "broker's new list may lack before it is refused; and for how many days contracts are "
        "remembered after they expired.",
    ),
    ConfigKey(
        config_type=MARKET,
        name=KEEP_PROVISIONAL_DAYS,
        shape=Whole(smallest=1, largest=365),
        unit="days",
        default=14,
        description="For how many days minute bars of a stream are kept that history has not "
        "confirmed.",
    ),
    ConfigKey(
        config_type=MARKET,
        name=KEEP_QUOTE_DAYS,
        shape=Whole(smallest=1, largest=36_500),
        unit="days",
        default=400,
        description="For how many days the quotes are kept that streams stored. A hundred "
        "instruments of a year are 9.4 million rows, 1.1 GB on SQLite (measured: 116 bytes a row).",
    ),
)
