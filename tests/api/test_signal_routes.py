"""The weekly signals over HTTP."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from apis import slug
from asgi import Caller
from desks import Desk
from made_weeks import NEUTRAL, THIS, hourly
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.candles import Candle
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.candles.frames import to_frame


def test_what_cannot_be_evaluated_is_said_so(api: Caller) -> None:
    for query, wanted in (
        ("from=2024-06-10&to=2024-06-14", (404, "instrument-unknown")),
        ("from=2024-06-10&to=2024-06-01", (422, "date-range-invalid")),
        ("from=0001-01-01&to=2024-06-01", (422, "date-range-invalid")),
        ("from=2024-06-10&to=9999-12-31", (422, "date-range-invalid")),
    ):
        answer = api.get(f"/signals?instrument=NIFTY&{query}")
        assert (answer.status, slug(answer)) == wanted
    assert api.get("/signals?instrument=NIFTY&from=2024-06-10").status == 422


def fives(bars: Sequence[Candle]) -> Iterator[Candle]:
    """Hourly bars in parts of five minutes: the first has the range, the rest the close."""
    for bar in bars:
        flat = replace(bar, open=bar.close, high=bar.close, low=bar.close)
        for part in range(3 if bar.opens.hour == 15 else 12):
            first = bar if part == 0 else flat
            yield replace(first, opens=bar.opens + timedelta(minutes=5 * part))


def test_a_signal_is_told_with_when_it_was_known_and_what_its_bars_closed_at(
    api: Caller, desk: Desk
) -> None:
    fired = [(21_950.0, 21_960.0, 21_880.0, 21_890.0), (21_890.0, 21_900.0, 21_885.0, 21_895.0)]
    bars = [*NEUTRAL.bars(), *hourly(THIS, [*fired, *[(21_895.0,) * 4] * 33])]
    key = CandleKey(
        mode=desk.services.settings.brokers,
        source="import",
        exchange="NSE",
        instrument="NIFTY 50",
        interval=Interval.FIVE_MINUTES,
    )
    desk.services.candles.save(key, to_frame(fives(bars)), label="made up")

    told = api.get("/signals?instrument=NIFTY&from=2024-06-10&to=2024-06-14").json()
    none = api.get("/signals?instrument=NIFTY&from=2024-06-10&to=2024-06-14&enabled=S8").json()

    [week] = told["weeks"]
    assert (told["made_from"], told["label"]) == ("5minute", "made up")
    assert (week["signal"], week["sells"], week["strike"]) == ("S1", "PE", 21_800)
    assert week["known_at"] == "2024-06-10T05:45:00Z"  # 11:15 IST, when the second bar had closed
    assert (told["missing_days"], told["partial_days"]) == ([], [])
    assert len(told["points"]) == 70
    assert told["points"][35]["opens"] == "2024-06-10T03:45:00Z"
    assert float(told["points"][35]["close"]) == 21_890
    assert none["weeks"][0]["signal"] is None
