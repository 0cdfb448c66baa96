"""Model validation of option backtests: a real run of weekly selling on made-up prices."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from random import Random

from desks import TESTER
from made_options import CALENDAR, WalkedTracks, flat_bars, maker, option_request, run_options
from munshi.bootstrap import JOB_TYPES, Services
from munshi.clock import IST
from munshi.domain.backtest.results import BacktestResult, Trade, TradeEnd
from munshi.domain.backtest.runs import BacktestRun
from munshi.domain.jobs import BACKTEST
from munshi.domain.market.calendar import Segment
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.candles import Candle
from munshi.domain.market.intervals import Interval
from munshi.domain.validation.features import LOOKBACK, tabulate
from munshi.domain.validation.samples import Sample, pick_samples
from munshi.infrastructure.candles.frames import to_frame
from munshi.jobs.worker import Worker
from validations import validate, validated

HOUR, INDEX = timedelta(hours=1), "NSE:NIFTY 50"
FIRST, LAST = date(2023, 1, 2), date(2024, 10, 31)
TIME_VALUE = 20_000
FEW = {"folds": 4, "purged_folds": 4}


def walk() -> list[Candle]:
    random, prices = Random(5), [2_200_000]  # noqa: S311 - the same walk each time
    opens = [
        at
        for day in CALENDAR.trading_days(FIRST, LAST)
        for at in CALENDAR.bar_opens(day, Interval.ONE_HOUR, Segment.CASH)
    ]
    for _ in opens:
        prices.append(prices[-1] + random.randint(-7_000, 7_000))
    return flat_bars(opens, lambda number: prices[number])


def expected(bars: list[Candle], *, hedge: bool = True) -> BacktestResult:
    request = replace(option_request(bars, WalkedTracks(bars, time_value=TIME_VALUE)), span=HOUR)
    return run_options(request, maker("weekly_option_selling", span=HOUR, hedge=hedge)())


def store(services: Services, bars: list[Candle]) -> None:
    """The index, and each contract that is sold, while it is."""
    _save(services, "NSE", "NIFTY 50", bars)
    for trade in expected(bars, hedge=False).trades:
        assert trade.expiry is not None
        near = [bar for bar in bars if trade.decided_at <= bar.opens < _after(trade.expiry)]
        tracks = WalkedTracks(near, time_value=TIME_VALUE)
        for name in {leg.instrument for leg in trade.legs}:
            track = tracks.track(name, trade.expiry)
            prices = zip(track.opens, track.highs, track.lows, track.closes, strict=True)
            made = [
                replace(bar, open=o * 100, high=h * 100, low=w * 100, close=c * 100)
                for bar, (o, h, w, c) in zip(near, prices, strict=True)
            ]
            _save(services, "NFO", name.partition(":")[2], made)


def _after(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time.min, IST)


def _save(services: Services, exchange: str, name: str, bars: list[Candle]) -> None:
    key = CandleKey(
        mode=services.settings.brokers,
        source="import",
        exchange=exchange,
        instrument=name,
        interval=Interval.ONE_HOUR,
    )
    services.candles.save(key, to_frame(bars), label="made up")


def backtest(services: Services) -> BacktestRun:
    told = {
        "strategy": "weekly_option_selling",
        "parameters": {"hedge": False},
        "instrument": "NIFTY",
        "interval": "60minute",
        "from": FIRST.isoformat(),
        "to": LAST.isoformat(),
    }
    job = services.jobs.enqueue(BACKTEST, told, actor=TESTER)
    Worker(
        services.database,
        services.clock,
        registry={BACKTEST: replace(JOB_TYPES[BACKTEST], runs_in="thread")},
        services=services,
        wake=services.job_wake,
        threads=1,
        artifacts=services.artifacts,
    ).run_until_idle()
    done = services.jobs.get(job.job_id)
    assert done.result_data is not None, done.error_details
    [run] = services.backtests.list_runs()
    return run


def test_signals_of_an_option_run_are_judged_by_what_they_made_after_costs(
    services: Services,
) -> None:
    bars = walk()
    store(services, bars)
    run = backtest(services)
    ended = [
        trade
        for trade in services.backtests.trades(run.run_id)
        if trade.end is TradeEnd.CLOSED and trade.decided_at > bars[LOOKBACK].opens
    ]

    whole = validated(services, run.run_id, **FEW)
    one = validated(services, run.run_id, **FEW, signal_type="S7")
    none = validate(services, run.run_id, **FEW, signal_type="S5")

    labels = {trade.decided_at: int(trade.net > 0) for trade in ended}
    assert 10 < sum(labels.values()) < len(labels) - 10
    judged = [(datetime.fromisoformat(at), label) for at, _, label in whole.predictions]
    assert judged == sorted(labels.items())[-whole.test_samples :]
    of_s7 = {trade.decided_at for trade in ended if trade.signal == "S7"}
    assert {datetime.fromisoformat(at) for at, _, _ in one.predictions} <= of_s7
    assert one.test_samples + one.train_samples >= len(of_s7)
    assert f"Left out: {len(ended) - len(of_s7)} trades of another signal." in one.assumptions
    # Each fold learnt only from trades whose expiry, or stop, had come when its first was decided.
    ends = {trade.decided_at: max(leg.at for leg in trade.legs) for trade in ended}
    for fold in whole.folds:
        begin = datetime.fromisoformat(fold["from"])
        assert fold["train_samples"] == sum(ended_at <= begin for ended_at in ends.values())
    assert "No trade of this backtest was made by the signal S5; it has S1, S2" in (
        none.error_details or ""
    )


def test_features_are_of_bars_closed_before_the_signal_and_know_which_way_it_sells() -> None:
    bars = walk()
    trades = expected(bars).trades
    samples = pick_samples(trades, instrument=INDEX).samples

    table = tabulate(
        samples,
        bars,
        span=HOUR,
        maker=lambda seen, last: {"closed": (seen[last].opens + HOUR).timestamp()},
        progress=lambda _: None,
    )

    assert len(table.rows) > 60
    for place, (closed,) in zip(table.places, table.rows, strict=True):
        at = samples[place].decided_at.timestamp()
        assert at - 3600 < closed <= at
    ways = {(trade.legs[0].instrument[-2:], sample.direction) for trade, sample in _both(trades)}
    assert ways == {("PE", 1), ("CE", -1)}


def _both(trades: Sequence[Trade]) -> Iterator[tuple[Trade, Sample]]:
    for trade in trades:
        for sample in pick_samples([trade], instrument=INDEX).samples:
            yield trade, sample
