"""A curve in columns is the same sequence as its points, also where numbers pass 64 bits."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from munshi.clock import IST
from munshi.domain.backtest.equity import EquityCurve, EquityPoint
from munshi.domain.backtest.metrics import daily_equity
from munshi.domain.backtest.results import canonical_json

LARGE = 2**66
PAISE = st.integers(-(10**12), 10**12) | st.integers(-LARGE, LARGE)
EPOCH, CENTURY = datetime(1970, 1, 1, tzinfo=UTC), 3_155_760_000_000_000
INSTANTS = st.integers(-CENTURY // 4, CENTURY).map(lambda n: EPOCH + timedelta(microseconds=n))
POINTS = st.lists(st.builds(EquityPoint, at=INSTANTS, cash=PAISE, position=PAISE), max_size=12)


@given(POINTS)
def test_it_is_the_sequence_of_its_points(points: list[EquityPoint]) -> None:
    curve = EquityCurve(points)

    assert list(curve) == points
    assert list(curve[1:-2]) == points[1:-2]
    assert curve == EquityCurve(points)
    assert (curve == EquityCurve(points[1:])) == (not points)
    assert daily_equity(curve) == list(
        {point.at.astimezone(IST).date(): point.equity for point in points}.values()
    )
    told = [{"at": each.at, "cash": each.cash, "position": each.position} for each in points]
    assert f"[{''.join(curve.texts())}]" == canonical_json(told)


def test_many_points_are_told_with_one_comma_between_two() -> None:
    first = datetime(2024, 1, 1, tzinfo=UTC)
    points = [
        EquityPoint(at=first + timedelta(minutes=n), cash=n, position=-n) for n in range(9_000)
    ]
    told = [{"at": each.at, "cash": each.cash, "position": each.position} for each in points]

    assert f"[{''.join(EquityCurve(points).texts())}]" == canonical_json(told)
