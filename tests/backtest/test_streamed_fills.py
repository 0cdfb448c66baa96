"""From the wire to a trade: a stream keeps quotes, minutes are collected, a run is filled by both.

The simulator streams and serves the history; all prices are made up.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from backtest.test_killed_and_cancelled import settings_at
from desks import TESTER, Desk, open_desk
from munshi.clock import IST
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.jobs import BACKTEST, JobState
from munshi.domain.market.instruments import InstrumentRef
from munshi.streams.price_stream import check_wanted, open_price_stream
from simulators import Simulator
from streams.test_streamed_quotes import QUICK, go_on, until

pytestmark = pytest.mark.timeout(240)
SHARE = InstrumentRef("NSE", "RELIANCE")


@pytest.fixture
def desk(
    tmp_path: Path, sqlite_url: str, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    with open_desk(settings_at(tmp_path, sqlite_url, monkeypatch), simulator) as opened:
        yield opened


def test_a_stream_then_its_minutes_then_a_run_at_its_quotes(desk: Desk) -> None:
    desk.log_in(Service.KITE)
    desk.services.instruments.refresh(Service.KITE, actor=TESTER)
    wanted = check_wanted(desk.services.streams, Service.KITE, [str(SHARE)])
    with open_price_stream(
        desk.services.streams, wanted, wait_for_login=True, patience=QUICK
    ) as stream:
        until(stream, lambda: len(stream.quotes()) == 1)
        go_on(desk, stream, 60)
    kept = desk.services.kept_quotes.list(SHARE)
    assert len(kept) >= 20
    today = f"{desk.clock.now().astimezone(IST):%Y-%m-%d}"
    collected = CollectionParams.from_json(
        {
            "broker": "kite",
            "instruments": [str(SHARE)],
            "from": today,
            "to": today,
            "interval": "1minute",
        }
    )
    desk.services.collection.collect(collected, progress=lambda *_: None)

    run_id = run_on(desk, today)

    run, trades = desk.services.backtests.get(run_id), desk.services.backtests.trades(run_id)
    legs = [leg for trade in trades for leg in trade.legs]
    quotes = {each.at: each for each in kept}
    assert legs
    for leg in legs:
        quote = quotes[leg.at]
        assert leg.quoted == (quote.offer if leg.side == "buy" else quote.bid) // 100
    for trade in trades:
        decided = trade.decided_at
        first = min((each for each in quotes if each >= decided), default=None)
        is_in_time = first is not None and first - decided <= timedelta(hours=1)
        assert bool(trade.legs) == is_in_time
        assert not trade.legs or trade.legs[0].at == first
    assert run.coverage["quotes"] == len(kept)
    assert any("A buy pays the offer" in each for each in run.assumptions)
    # What the database gives back is what the engine made.
    assert run.net == sum(trade.net for trade in trades)


def run_on(desk: Desk, day: str) -> UUID:
    """A run of the day's minutes, as a job; most of the day is in its past or its future."""
    asked = {
        "strategy": "ma_cross",
        "parameters": {"fast": 1, "slow": 2},
        "instrument": str(SHARE),
        "from": day,
        "to": day,
        "kind": "intraday",
        "fill": "bid_ask",
        "accept_holes": True,
    }
    job = desk.services.jobs.enqueue(BACKTEST, asked, actor=TESTER)
    desk.services.worker().run_until_idle()
    done = desk.services.jobs.get(job.job_id)
    assert done.state is JobState.SUCCEEDED, done.error_details
    assert done.result_data is not None
    return UUID(str(done.result_data["run_id"]))
