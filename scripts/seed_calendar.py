"""Write the calendar files of 2015 to 2025 from two public calendars that must agree.

Needs exchange_calendars 4.13 and pandas_market_calendars 5.5 in an environment of its own (both
bring pandas, so neither is a dependency of Munshi). Run from the repository root:

    python scripts/seed_calendar.py

A closed weekday must be closed in both, apart from Muhurat days, and must have its name below.
Weekend sessions are in neither calendar: they are listed here with their source. The file for
2026 is kept by hand from the exchange's circulars; the script only checks it.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

import exchange_calendars
import pandas_market_calendars

FOLDER = Path("src/munshi/domain/market/data/calendar")
SEEDED = range(2015, 2026)
BY_HAND = 2026
SATURDAY = 5
AGREED = "exchange_calendars 4.13.2 (XBOM) and pandas_market_calendars 5.5.0 (NSE) agree"

NAMES = """
2015-01-26 Republic Day
2015-02-17 Mahashivratri
2015-03-06 Holi
2015-04-02 Mahavir Jayanti
2015-04-03 Good Friday
2015-04-14 Dr. Babasaheb Ambedkar Jayanti
2015-05-01 Maharashtra Day
2015-09-17 Ganesh Chaturthi
2015-09-25 Bakri Id
2015-10-02 Mahatma Gandhi Jayanti
2015-10-22 Dussehra
2015-11-11 Diwali Laxmi Pujan
2015-11-12 Diwali Balipratipada
2015-11-25 Gurunanak Jayanti
2015-12-25 Christmas
2016-01-26 Republic Day
2016-03-07 Mahashivratri
2016-03-24 Holi
2016-03-25 Good Friday
2016-04-14 Dr. Babasaheb Ambedkar Jayanti
2016-04-15 Ram Navami
2016-04-19 Mahavir Jayanti
2016-07-06 Id-Ul-Fitr
2016-08-15 Independence Day
2016-09-05 Ganesh Chaturthi
2016-09-13 Bakri Id
2016-10-11 Dussehra
2016-10-12 Muharram
2016-10-31 Diwali Balipratipada
2016-11-14 Gurunanak Jayanti
2017-01-26 Republic Day
2017-02-24 Mahashivratri
2017-03-13 Holi
2017-04-04 Ram Navami
2017-04-14 Good Friday and Dr. Babasaheb Ambedkar Jayanti
2017-05-01 Maharashtra Day
2017-06-26 Id-Ul-Fitr
2017-08-15 Independence Day
2017-08-25 Ganesh Chaturthi
2017-10-02 Mahatma Gandhi Jayanti
2017-10-19 Diwali Laxmi Pujan
2017-10-20 Diwali Balipratipada
2017-12-25 Christmas
2018-01-26 Republic Day
2018-02-13 Mahashivratri
2018-03-02 Holi
2018-03-29 Mahavir Jayanti
2018-03-30 Good Friday
2018-05-01 Maharashtra Day
2018-08-15 Independence Day
2018-08-22 Bakri Id
2018-09-13 Ganesh Chaturthi
2018-09-20 Muharram
2018-10-02 Mahatma Gandhi Jayanti
2018-10-18 Dussehra
2018-11-07 Diwali Laxmi Pujan
2018-11-08 Diwali Balipratipada
2018-11-23 Gurunanak Jayanti
2018-12-25 Christmas
2019-03-04 Mahashivratri
2019-03-21 Holi
2019-04-17 Mahavir Jayanti
2019-04-19 Good Friday
2019-04-29 Parliamentary elections in Mumbai
2019-05-01 Maharashtra Day
2019-06-05 Id-Ul-Fitr
2019-08-12 Bakri Id
2019-08-15 Independence Day
2019-09-02 Ganesh Chaturthi
2019-09-10 Muharram
2019-10-02 Mahatma Gandhi Jayanti
2019-10-08 Dussehra
2019-10-21 Assembly elections in Maharashtra
2019-10-28 Diwali Balipratipada
2019-11-12 Gurunanak Jayanti
2019-12-25 Christmas
2020-02-21 Mahashivratri
2020-03-10 Holi
2020-04-02 Ram Navami
2020-04-06 Mahavir Jayanti
2020-04-10 Good Friday
2020-04-14 Dr. Babasaheb Ambedkar Jayanti
2020-05-01 Maharashtra Day
2020-05-25 Id-Ul-Fitr
2020-10-02 Mahatma Gandhi Jayanti
2020-11-16 Diwali Balipratipada
2020-11-30 Gurunanak Jayanti
2020-12-25 Christmas
2021-01-26 Republic Day
2021-03-11 Mahashivratri
2021-03-29 Holi
2021-04-02 Good Friday
2021-04-14 Dr. Babasaheb Ambedkar Jayanti
2021-04-21 Ram Navami
2021-05-13 Id-Ul-Fitr
2021-07-21 Bakri Id
2021-08-19 Muharram
2021-09-10 Ganesh Chaturthi
2021-10-15 Dussehra
2021-11-04 Diwali Laxmi Pujan
2021-11-05 Diwali Balipratipada
2021-11-19 Gurunanak Jayanti
2022-01-26 Republic Day
2022-03-01 Mahashivratri
2022-03-18 Holi
2022-04-14 Mahavir Jayanti and Dr. Babasaheb Ambedkar Jayanti
2022-04-15 Good Friday
2022-05-03 Id-Ul-Fitr
2022-08-09 Muharram
2022-08-15 Independence Day
2022-08-31 Ganesh Chaturthi
2022-10-05 Dussehra
2022-10-24 Diwali Laxmi Pujan
2022-10-26 Diwali Balipratipada
2022-11-08 Gurunanak Jayanti
2023-01-26 Republic Day
2023-03-07 Holi
2023-03-30 Ram Navami
2023-04-04 Mahavir Jayanti
2023-04-07 Good Friday
2023-04-14 Dr. Babasaheb Ambedkar Jayanti
2023-05-01 Maharashtra Day
2023-06-29 Bakri Id
2023-08-15 Independence Day
2023-09-19 Ganesh Chaturthi
2023-10-02 Mahatma Gandhi Jayanti
2023-10-24 Dussehra
2023-11-14 Diwali Balipratipada
2023-11-27 Gurunanak Jayanti
2023-12-25 Christmas
2024-01-22 Consecration of the Ram temple in Ayodhya
2024-01-26 Republic Day
2024-03-08 Mahashivratri
2024-03-25 Holi
2024-03-29 Good Friday
2024-04-11 Id-Ul-Fitr
2024-04-17 Ram Navami
2024-05-01 Maharashtra Day
2024-05-20 Parliamentary elections in Mumbai
2024-06-17 Bakri Id
2024-07-17 Muharram
2024-08-15 Independence Day
2024-10-02 Mahatma Gandhi Jayanti
2024-11-01 Diwali Laxmi Pujan
2024-11-15 Gurunanak Jayanti
2024-11-20 Assembly elections in Maharashtra
2024-12-25 Christmas
2025-02-26 Mahashivratri
2025-03-14 Holi
2025-03-31 Id-Ul-Fitr
2025-04-10 Mahavir Jayanti
2025-04-14 Dr. Babasaheb Ambedkar Jayanti
2025-04-18 Good Friday
2025-05-01 Maharashtra Day
2025-08-15 Independence Day
2025-08-27 Ganesh Chaturthi
2025-10-02 Mahatma Gandhi Jayanti and Dussehra
2025-10-21 Diwali Laxmi Pujan
2025-10-22 Diwali Balipratipada
2025-11-05 Gurunanak Jayanti
2025-12-25 Christmas
"""

# date | opens | closes | kind | name | source | confidence
SPECIAL = """
2015-02-28|09:15|15:30|special|Union Budget on a Saturday|BSE notice 20150220-23 as carried by zerodha.com/marketintel: regular trading to 15:30|verified
2015-11-11|17:45|18:45|muhurat|Muhurat trading|pandas_market_calendars 5.5.0 (NSE)|verified
2016-10-30|18:30|19:30|muhurat|Muhurat trading|NSE notice as quoted on hindupad.com/diwali-muhurat-trading|verified
2017-10-19|18:30|19:30|muhurat|Muhurat trading|pandas_market_calendars 5.5.0 (NSE)|verified
2018-11-07|17:30|18:30|muhurat|Muhurat trading|pandas_market_calendars 5.5.0 (NSE); press of the day|verified
2019-10-27|18:15|19:15|muhurat|Muhurat trading|NSE notice as quoted by moneycontrol.com, 22 Oct 2019, and ndtv.com, 27 Oct 2019|verified
2020-02-01|09:15|15:30|special|Union Budget on a Saturday|BSE and NSE circulars as quoted by PTI, 22 Jan 2020: normal hours|verified
2020-11-14|18:15|19:15|muhurat|Muhurat trading|NSE timetable as printed by ndtv.com, 14 Nov 2020|verified
2021-02-24|09:15|11:40|special|Trading halted by a telecom failure|pandas_market_calendars 5.5.0 (NSE)|verified
2021-02-24|15:45|17:00|special|Trading resumed after the telecom failure|pandas_market_calendars 5.5.0 (NSE)|verified
2021-11-04|18:15|19:15|muhurat|Muhurat trading|pandas_market_calendars 5.5.0 (NSE); press of the day|verified
2022-10-24|18:15|19:15|muhurat|Muhurat trading|pandas_market_calendars 5.5.0 (NSE); press of the day|verified
2023-11-12|18:15|19:15|muhurat|Muhurat trading|exchange timetable as announced by angelone.in, Nov 2023|verified
2024-01-20|09:15|15:30|special|Full session on a Saturday before the holiday of 22 January|NSE circular of 19 Jan 2024 as quoted by thehindu.com: regular market timings|verified
2024-03-02|09:15|10:00|special|Disaster recovery drill, primary site|one-minute index bars of the day|verified
2024-03-02|11:30|12:30|special|Disaster recovery drill, recovery site|one-minute index bars of the day|verified
2024-05-18|09:15|10:00|special|Disaster recovery drill, primary site|one-minute index bars of the day|verified
2024-05-18|11:30|12:30|special|Disaster recovery drill, recovery site|one-minute index bars of the day|verified
2024-11-01|18:00|19:00|muhurat|Muhurat trading|pandas_market_calendars 5.5.0 (NSE); exchange circulars as quoted by businesstimes.co|verified
2025-02-01|09:15|15:30|special|Union Budget on a Saturday|BSE and NSE circulars as quoted by PTI, Dec 2024: 9.15 am to 3.30 pm|verified
2025-10-21|13:45|14:45|muhurat|Muhurat trading|pandas_market_calendars 5.5.0 (NSE); NSE circular as quoted by newsbytesapp.com|verified
"""  # noqa: E501


def weekdays(year: int) -> Iterator[date]:
    day = date(year, 1, 1)
    while day.year == year:
        if day.weekday() < SATURDAY:
            yield day
        day += timedelta(days=1)


def closed_weekdays(year: int, *, muhurat: set[date]) -> set[date]:
    """Weekdays without an ordinary session, on which both calendars must agree."""
    first, last = f"{year}-01-01", f"{year}-12-31"
    xbom = exchange_calendars.get_calendar("XBOM", start=first, end=last)
    nse = pandas_market_calendars.get_calendar("NSE")
    open_xbom = {stamp.date() for stamp in xbom.sessions} - muhurat
    open_nse = {stamp.date() for stamp in nse.valid_days(first, last)} - muhurat
    if open_xbom != open_nse:
        raise SystemExit(f"The calendars differ on {sorted(open_xbom ^ open_nse)}.")
    return set(weekdays(year)) - open_xbom


def special_rows() -> list[dict[str, str]]:
    keys = ("date", "opens", "closes", "kind", "name", "source", "confidence")
    return [dict(zip(keys, line.split("|"), strict=True)) for line in SPECIAL.strip().splitlines()]


def muhurat_days(rows: Iterable[dict[str, str]]) -> set[date]:
    return {date.fromisoformat(row["date"]) for row in rows if row["kind"] == "muhurat"}


def holiday_rows(year: int, *, muhurat: set[date]) -> list[dict[str, str]]:
    named = dict(line.split(" ", 1) for line in NAMES.strip().splitlines())
    names = {date.fromisoformat(day): name for day, name in named.items()}
    listed = {day for day in names if day.year == year}
    closed = closed_weekdays(year, muhurat=muhurat)
    if listed != closed:
        raise SystemExit(f"Names and calendars differ on {sorted(listed ^ closed)}.")
    return [
        {"date": str(day), "name": names[day], "source": AGREED, "confidence": "verified"}
        for day in sorted(closed)
    ]


def write(document: dict[str, object], path: Path) -> None:
    """One row a line, so that a change of one row is a change of one line."""
    parts = []
    for key, value in document.items():
        if isinstance(value, list):
            lines = ",\n".join(f"    {json.dumps(row, ensure_ascii=False)}" for row in value)
            parts.append(f'  "{key}": [\n{lines}\n  ]' if value else f'  "{key}": []')
        else:
            parts.append(f'  "{key}": {json.dumps(value)}')
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def main() -> None:
    special = special_rows()
    for year in SEEDED:
        holidays = holiday_rows(year, muhurat=muhurat_days(special))
        of_year = [row for row in special if row["date"].startswith(str(year))]
        document = {"year": year, "holidays": holidays, "special_sessions": of_year}
        write(document, FOLDER / f"{year}.json")
        print(f"{year}: {len(holidays)} holidays, {len(of_year)} special sessions")
    by_hand = json.loads((FOLDER / f"{BY_HAND}.json").read_text("utf-8"))
    listed = {date.fromisoformat(row["date"]) for row in by_hand["holidays"]}
    closed = closed_weekdays(BY_HAND, muhurat=muhurat_days(by_hand["special_sessions"]))
    if {day for day in listed if day.weekday() < SATURDAY} != closed:
        raise SystemExit(f"{BY_HAND}.json differs on {sorted(listed ^ closed)}.")
    print(f"{BY_HAND}: the hand-kept file agrees with both calendars")


if __name__ == "__main__":
    main()
