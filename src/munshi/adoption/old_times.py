"""Instants of an old install: some with a zone, some without, some that cannot be."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation

from munshi.clock import IST

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM = 10**11


class OldTimes:
    """Reads them; one without a zone is taken to be in `naive`, as a person says.

    `unreadable` counts what stood there and was no time at all, or none that can be.
    """

    def __init__(self, *, naive: tzinfo = IST, now: datetime) -> None:
        self._naive = naive
        self._latest = now + timedelta(days=1)
        self.unreadable = 0

    def read(self, value: object) -> datetime | None:
        """Aware UTC; None where nothing stands there, or nothing readable."""
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        try:
            found = self._read(value)
        except (ValueError, OverflowError, InvalidOperation, OSError):
            found = None
        if found is None or not _EARLIEST <= found <= self._latest:
            self.unreadable += 1
            return None
        return found

    def _read(self, value: object) -> datetime | None:
        if isinstance(value, datetime):
            return self._in_utc(value)
        if isinstance(value, date):
            return self._in_utc(datetime(value.year, value.month, value.day))  # noqa: DTZ001 - below
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return _since_1970(Decimal(str(value)))
        if not isinstance(value, str):
            return None
        text = value.strip()
        if text.replace(".", "", 1).isdigit() and len(text) >= len("100000000"):
            return _since_1970(Decimal(text))
        return self._in_utc(datetime.fromisoformat(_trimmed(text)))

    def _in_utc(self, found: datetime) -> datetime:
        aware = found if found.tzinfo else found.replace(tzinfo=self._naive)
        return aware.astimezone(UTC)


def _since_1970(number: Decimal) -> datetime:
    seconds = number / 1000 if abs(number) >= _MILLISECONDS_FROM else number
    return datetime.fromtimestamp(float(seconds), UTC)


def _trimmed(text: str) -> str:
    """SQL Server writes seven digits of a second, and a space before the zone."""
    whole, point, rest = text.partition(".")
    if point:
        digits = len(rest) - len(rest.lstrip("0123456789"))
        text = f"{whole}.{rest[: min(digits, 6)]}{rest[digits:]}"
    head, space, zone = text.rpartition(" ")
    return head + zone if space and zone[:1] in {"+", "-"} else text


def zone_named(name: str) -> tzinfo:
    """`ist` or `utc`. Raises KeyError."""
    return {"ist": IST, "utc": UTC}[name]
