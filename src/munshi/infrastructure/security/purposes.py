"""Which data key seals which table: the one place that says so."""

from enum import StrEnum


class Purpose(StrEnum):
    """What a data key is for. Each has keys of its own, and one of them seals."""

    BROKER_SESSIONS = "broker-sessions"
    CONFIGURATION = "configuration"
    PEOPLE = "people"
    LEDGER = "ledger"
    TICKETS = "tickets"
    ALERTS = "alerts"
    # The master key of before there were data keys: it opens what it sealed, and seals nothing.
    FORMAT_1 = "format-1"


PURPOSES = {
    "AuthSessions": Purpose.BROKER_SESSIONS,
    "SystemConfigurations": Purpose.CONFIGURATION,
    "Users": Purpose.PEOPLE,
    "AuditKeys": Purpose.LEDGER,
    "AlertChannels": Purpose.ALERTS,
}


def purpose_of(table: str) -> Purpose:
    """Whose keys seal every secret column of `table`.

    Raises LookupError for a table that has no line here: a test finds those first.
    """
    try:
        return PURPOSES[table]
    except KeyError:
        raise LookupError(f"security/purposes.py does not say which key seals {table}") from None
