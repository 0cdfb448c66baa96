"""The market calendar with the years that users imported."""

from collections.abc import Mapping

from munshi.config.service import ConfigService
from munshi.domain.audit import Actor
from munshi.domain.config_keys import CALENDAR_PREFIX, MARKET
from munshi.domain.market.calendar import MarketCalendar
from munshi.errors import CalendarInvalidError


class CalendarService:
    """Packaged years, overridden by `market/calendar.<year>` of the configuration."""

    def __init__(self, config: ConfigService) -> None:
        self._config = config
        self._known: tuple[Mapping[str, object], MarketCalendar] | None = None

    def calendar(self) -> MarketCalendar:
        """The same object for as long as the years are the same."""
        documents = self._config.documents(MARKET, CALENDAR_PREFIX)
        known = self._known
        if known is None or known[0] != documents:
            packaged = MarketCalendar.packaged()
            years = packaged.with_overrides(documents.values()) if documents else packaged
            known = dict(documents), years
            self._known = known
        return known[1]

    def import_year(self, document: Mapping[str, object], *, actor: Actor) -> int:
        """Store one year's document; it replaces the packaged year. Returns the year.

        Raises CalendarInvalidError naming the row that cannot be used.
        """
        MarketCalendar.packaged().with_overrides([document])
        year = document.get("year")
        if not isinstance(year, int):
            raise CalendarInvalidError("The calendar file names no year.")
        self._config.set(MARKET, f"{CALENDAR_PREFIX}{year}", dict(document), actor=actor)
        return year
