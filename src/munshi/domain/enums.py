"""Words that several rooms share."""

from enum import StrEnum


class Service(StrEnum):
    """The brokers Munshi signs in to."""

    KITE = "kite"
    BREEZE = "breeze"
