"""A desk judges what it holds: each missing bar with its reason, each planted fault."""

import gc
import json
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser

import polars as pl
import pytest

from desks import TESTER, Desk
from made_candles import candle, ist
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams, QualityParams
from munshi.domain.jobs import DATA_QUALITY, JobState
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.candle_gaps import MissingReason
from munshi.domain.market.data_quality import Absence, Flaw, SeriesQuality
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.errors import (
    AppError,
    DateRangeInvalidError,
    InstrumentUnknownError,
    RequestInvalidError,
)
from munshi.infrastructure.candles.frames import to_frame
from munshi.market.candle_months import StoredMonth
from munshi.market.comparison import ComparisonAsked
from munshi.settings import BrokerMode

CALENDAR = MarketCalendar.packaged()
NIFTY = InstrumentRef("NSE", "NIFTY 50")
KITE = CandleKey(
    mode=BrokerMode.SIMULATED,
    source="kite",
    exchange="NSE",
    instrument="NIFTY 50",
    interval=Interval.ONE_HOUR,
)
BREEZE = replace(KITE, source="breeze")
FIRST, LAST = date(2026, 9, 1), date(2026, 10, 30)
SOME_DAY = date(2026, 9, 10)


def made(first: date = FIRST, last: date = LAST) -> pl.DataFrame:
    """Every hour of the days, cheaper and dearer by turns."""
    stamps = [
        stamp
        for day in CALENDAR.trading_days(first, last)
        for stamp in CALENDAR.bar_opens(day, Interval.ONE_HOUR, Segment.CASH)
    ]
    return to_frame(
        candle(stamp, price=217_277_500 + 700 * (place % 5), volume=75 + place % 3)
        for place, stamp in enumerate(stamps)
    )


def without(bars: pl.DataFrame, *days: date) -> pl.DataFrame:
    return bars.filter(~pl.col("opens").dt.convert_time_zone("Asia/Kolkata").dt.date().is_in(days))


def judge(desk: Desk, params: QualityParams | None = None) -> tuple[SeriesQuality, ...]:
    return desk.services.quality.judge(params or QualityParams(), progress=lambda *_: None)


def flaws(series: SeriesQuality) -> list[tuple[Flaw, int]]:
    return [(one.flaw, one.bars) for one in series.findings]


def forge(desk: Desk, bars: pl.DataFrame) -> None:
    """Put rows into the first month's file that no writer of ours would."""
    services = desk.services
    [file, *_] = services.candles.list_files([NIFTY])
    path = services.settings.home / file.path
    bars.write_parquet(path)


def test_clean_bars_are_said_to_be(desk: Desk) -> None:
    desk.services.candles.save(KITE, made(), label="kite")

    [series] = judge(desk)

    assert (series.missing, series.findings) == ((), ())
    assert series.expected == series.present == made().height
    assert [month.month for month in series.months] == ["2026-09", "2026-10"]
    assert series.days.total == (LAST - FIRST).days + 1


def test_every_missing_day_has_the_reason_that_is_known_of_it(desk: Desk) -> None:
    services = desk.services
    days = CALENDAR.trading_days(FIRST, LAST)
    quota, error, silent, torn = days[3], days[5], days[7], days[9]
    bars = without(made(), quota, error, silent, torn)
    some = made(torn, torn).head(3)
    services.candles.save(KITE, pl.concat([bars, some]), label="kite")
    for day, reason in ((quota, MissingReason.QUOTA), (error, MissingReason.ERROR)):
        services.gaps.note_failure(
            KITE, reason, f"told {reason}", segment=Segment.CASH, first=day, last=day, job_id=None
        )

    [series] = judge(desk)

    assert {(one.first, one.reason, one.bars, one.detail) for one in series.missing} == {
        (quota, Absence.QUOTA, 7, "told quota"),
        (error, Absence.ERROR, 7, "told error"),
        (silent, Absence.NOT_ASKED, 7, None),
        (torn, Absence.NOT_ASKED, 4, None),
    }
    assert series.expected == series.present + sum(series.missing_by_reason.values())
    assert series.findings == ()


def test_days_of_other_months_that_were_asked_for_in_vain_belong_to_the_report(desk: Desk) -> None:
    services = desk.services
    services.candles.save(KITE, made(), label="kite")
    later = date(2026, 11, 3)
    services.gaps.note_failure(
        KITE,
        MissingReason.ERROR,
        "down",
        segment=Segment.CASH,
        first=later,
        last=later,
        job_id=None,
    )

    [series] = judge(desk)

    assert series.last == later
    assert series.missing[-1].reason is Absence.ERROR


def test_a_file_that_is_broken_is_why_its_month_is_missing(desk: Desk) -> None:
    services = desk.services
    services.candles.save(KITE, made(), label="kite")
    [file, *_] = services.candles.list_files([NIFTY])
    (services.settings.home / file.path).write_bytes(b"no parquet")

    [series] = judge(desk)

    assert set(series.missing_by_reason) == {Absence.FILE_DAMAGED}
    assert [month.present for month in series.months] == [0, made(date(2026, 10, 1)).height]
    assert flaws(series) == [(Flaw.FILE_DAMAGED, 0)]


def test_a_file_with_other_rows_is_told_with_all_that_is_wrong_in_it(desk: Desk) -> None:
    services = desk.services
    services.candles.save(KITE, made(), label="kite")
    bars = made(FIRST, date(2026, 9, 30))
    at = pl.col("opens") == pl.lit(ist("2026-09-10 11:15")).dt.convert_time_zone("UTC")
    spiked = bars.with_columns(
        high=pl.when(at).then(pl.col("high") * 2).otherwise(pl.col("high")),
    )
    doubled = pl.concat([spiked, bars.filter(at.shift(1, fill_value=False))])
    forge(desk, doubled)

    [series] = judge(desk)

    assert flaws(series) == [
        (Flaw.FILE_DAMAGED, doubled.height),
        (Flaw.OUT_OF_ORDER, 1),
        (Flaw.REPEATED, 1),
        (Flaw.PRICE_OUTLIER, 1),
    ]
    assert series.findings[-1].days == (SOME_DAY,)
    assert series.missing == ()


def test_sources_that_disagree_are_reported_and_only_where_both_have_bars(desk: Desk) -> None:
    services = desk.services
    services.candles.save(KITE, made(), label="kite")
    near = [pl.col(name) + 90_000 for name in ("open", "high", "low", "close")]
    far = [pl.col(name) + 2_000_000 for name in ("open", "high", "low", "close")]
    breeze = without(made(), date(2026, 9, 3)).with_columns(near)
    services.candles.save(BREEZE, breeze, label="breeze")
    services.candles.save(
        replace(KITE, source="import", mode=BrokerMode.LIVE),
        made().with_columns(far),
        label="imported",
    )

    [alike] = judge(desk, QualityParams(source="kite"))
    services.candles.save(BREEZE, made(SOME_DAY, SOME_DAY).with_columns(far), label="breeze")
    [series] = judge(desk, QualityParams(source="kite"))

    assert alike.findings == ()
    assert flaws(series) == [(Flaw.SOURCES_DISAGREE, 7)]
    assert (series.findings[0].days, series.findings[0].detail) == (
        (SOME_DAY,),
        "other than breeze",
    )


def test_the_job_keeps_the_report_as_json_and_as_a_page_of_the_same_facts(desk: Desk) -> None:
    services = desk.services
    services.candles.save(KITE, without(made(), SOME_DAY), label="kite <b>&")
    job = services.jobs.enqueue(DATA_QUALITY, {}, actor=TESTER)
    services.worker().run_until_idle()

    done = services.jobs.get(job.job_id)

    assert done.state is JobState.SUCCEEDED
    assert done.result_data is not None
    assert done.result_data["missing_by_reason"] == {"not_asked": 7}
    document = json.loads(services.jobs.read_artifact(str(job.job_id), "quality.json")[1])
    page = services.jobs.read_artifact(str(job.job_id), "quality.html")[1].decode()
    seen = _Page(page)
    assert "script" not in seen.tags
    assert seen.links == {"s0", "s0-2026-09", "s0-2026-10", "map"}
    assert seen.links <= seen.anchors
    assert "://" not in page
    assert "kite &lt;b&gt;&amp;" in page
    [series] = document["series"]
    [gone] = series["missing"]
    assert gone["command"] == (
        'munshi data collect "NSE:NIFTY 50" --broker kite --interval 60minute '
        "--from 2026-09-10 --to 2026-09-10"
    )
    assert gone["command"].replace('"', "&quot;") in page
    for fact in (series["present"], series["expected"]):
        assert f"{fact:,}" in page


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "href":
                self.links.add(str(value).removeprefix("#"))
            if name == "id":
                self.anchors.add(str(value))


def test_of_a_long_range_few_months_are_held_at_a_time(desk: Desk) -> None:
    daily = replace(KITE, interval=Interval.ONE_DAY)
    days = CALENDAR.trading_days(date(2025, 5, 1), LAST)
    stamps = [CALENDAR.bar_opens(day, Interval.ONE_DAY, Segment.CASH)[0] for day in days]
    desk.services.candles.save(daily, to_frame(map(candle, stamps)), label="kite")
    alive: list[int] = []

    def count(_percent: float, _said: str) -> None:
        alive.append(sum(type(each) is StoredMonth for each in gc.get_objects()))

    [series] = desk.services.quality.judge(QualityParams(), progress=count)

    assert series.expected == series.present == len(days)
    assert len(alive) == 18
    assert max(alive) <= 3


@pytest.mark.parametrize(
    ("params", "error"),
    [
        (QualityParams(instruments=("NSE:NIFTY BANK",)), InstrumentUnknownError),
        (QualityParams(instruments=("NSE:NIFTY 50",), source="breeze"), InstrumentUnknownError),
        (QualityParams(start=date(2026, 12, 1)), DateRangeInvalidError),
    ],
)
def test_what_cannot_be_judged_is_one_clear_error(
    desk: Desk, params: QualityParams, error: type[AppError]
) -> None:
    desk.services.candles.save(KITE, made(), label="kite")

    with pytest.raises(error) as refusal:
        judge(desk, params)

    assert refusal.value.hint


def asked(**other: object) -> ComparisonAsked:
    return ComparisonAsked(instrument=NIFTY, interval=Interval.ONE_HOUR, **other)  # type: ignore[arg-type]


def test_two_sources_are_compared_bar_by_bar(desk: Desk) -> None:
    services = desk.services
    at = pl.col("opens") == pl.lit(ist("2026-09-10 11:15")).dt.convert_time_zone("UTC")
    services.candles.save(KITE, made(), label="kite")
    services.candles.save(
        BREEZE,
        without(made(), date(2026, 9, 3)).with_columns(
            close=pl.when(at).then(pl.col("close") * 99 // 100).otherwise(pl.col("close") + 100),
            volume=pl.when(at.shift(1)).then(pl.col("volume") * 2).otherwise(pl.col("volume")),
        ),
        label="breeze",
    )

    found = services.comparison.compare(asked())

    assert (found["first"]["source"], found["second"]["source"]) == ("breeze", "kite")
    assert (found["bars_only_in_first"], found["bars_only_in_second"]) == (0, 7)
    assert found["bars_in_both"] == made().height - 7
    assert (found["prices_differ"], found["volumes_differ"], found["days_unlike"]) == (1, 1, 2)
    assert [day["day"] for day in found["worst_days"]] == ["2026-09-03", "2026-09-10"]
    assert found["worst_days"][1]["farthest_percent"] == pytest.approx(1.0, abs=0.01)
    other = services.comparison.compare(asked(first="kite", second="breeze"))
    assert other["bars_only_in_first"] == 7
    alike = services.comparison.compare(asked(start=date(2026, 10, 1)))
    assert (alike["is_alike"], alike["worst_days"]) == (True, [])


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (asked(), InstrumentUnknownError),
        (asked(first="kite", second="kite"), RequestInvalidError),
        (asked(first="kite", second="breeze"), InstrumentUnknownError),
    ],
)
def test_what_cannot_be_compared_is_one_clear_error(
    desk: Desk, wanted: ComparisonAsked, error: type[AppError]
) -> None:
    desk.services.candles.save(KITE, made(), label="kite")

    with pytest.raises(error) as refusal:
        desk.services.comparison.compare(wanted)

    assert refusal.value.hint


def test_a_month_that_is_asked_for_again_has_the_brokers_bars(desk: Desk) -> None:
    services = desk.services
    desk.log_in(Service.KITE)
    params = CollectionParams(
        broker=Service.KITE,
        instruments=(str(NIFTY),),
        interval=Interval.ONE_HOUR,
        start=date(2026, 10, 1),
        end=date(2026, 10, 30),
    )
    services.collection.collect(params, progress=lambda *_: None)
    [file] = services.candles.list_files([NIFTY])
    key = file.key
    right = (services.settings.home / file.path).read_bytes()
    bars = services.candles.read(key, start=ist("2026-10-01"), end=ist("2026-11-01"))
    wrong = bars.with_row_index("row").with_columns(
        high=pl.when(pl.col("row") == 50).then(pl.col("high") * 3).otherwise(pl.col("high"))
    )
    sunday = bars.head(1).with_columns(opens=pl.col("opens") + timedelta(days=3))
    spoilt = pl.concat([wrong.drop("row"), sunday]).sort("opens")
    services.candles.replace(file, spoilt, label="kite")
    [series] = judge(desk)
    assert flaws(series) == [(Flaw.OUTSIDE_SESSION, 1), (Flaw.PRICE_OUTLIER, 1)]

    report = services.refetching.refetch(params, progress=lambda *_: None)

    [month] = report["months"]
    assert (month["changed"], month["added"], month["dropped"]) == (1, 0, 1)
    [series] = judge(desk)
    assert series.findings == ()
    [mended] = services.candles.list_files([NIFTY])
    assert (services.settings.home / mended.path).read_bytes() == right
