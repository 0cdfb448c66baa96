"""Every clause of S1 to S8: a fortnight in which the signal holds, and one that fails it alone.

Only the signal in question is looked for, so that no other takes its week.
"""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from domain.signals.test_rules import BYPASS, USUAL, signal_of
from made_weeks import BEAR, BULL, NEUTRAL, Bar, Before
from munshi.domain.signals.parameters import SignalName, SignalParameters, UpperTouch

# With these the close lies as near to the one zone as to the other, and near both.
_BETWEEN_LOW = Before(close=21_935, body_high=21_950)
_BETWEEN_HIGH = Before(close=22_065, body_low=22_050)
_S1: tuple[Bar, ...] = ((21_905, 21_910, 21_880, 21_895), (21_885, 21_890, 21_878, 21_881))
_S2: tuple[Bar, ...] = ((21_930, 21_950, 21_925, 21_945), (21_945, 21_948, 21_930, 21_941))
_S3: tuple[Bar, ...] = ((22_070, 22_085, 22_050, 22_075), (22_075, 22_082, 22_060, 22_079.95))
_S4: tuple[Bar, ...] = ((22_101, 22_120, 22_095, 22_110), (22_110, 22_125, 22_105, 22_120.05))
_S5: tuple[Bar, ...] = ((21_899, 21_905, 21_880, 21_890), (21_890, 21_895, 21_870, 21_879.95))
_S6: tuple[Bar, ...] = ((22_019, 22_081, 22_010, 22_075), (22_075, 22_081, 22_060, 22_079.95))
_S7: tuple[Bar, ...] = ((21_990, 22_000, 21_980, 21_995), (21_995, 22_010, 21_990, 22_000.05))
_S8: tuple[Bar, ...] = ((22_070, 22_080, 22_050, 22_060), (22_060, 22_065, 22_040, 22_049.95))

_Week = tuple[Before, SignalParameters, Sequence[Bar]]
# Signal and clause; what holds; what fails that clause and nothing else.
CLAUSES: dict[tuple[SignalName, str], tuple[_Week, _Week]] = {}


def _clause(
    name: str,
    clause: str,
    before: Before,
    fires: Sequence[Bar],
    misses: Sequence[Bar],
    *,
    other: Before | None = None,
    parameters: SignalParameters = USUAL,
    not_by: SignalParameters | None = None,
) -> None:
    """`other` is the week before of the one that misses, `not_by` its parameters."""
    signal = SignalName(name)
    held, missed = (replace(each, enabled=(signal,)) for each in (parameters, not_by or parameters))
    CLAUSES[signal, clause] = ((before, held, fires), (other or before, missed, misses))


_clause("S1", "bar 2", NEUTRAL, _S1, [_S1[0], (*_S1[1][:3], 21_880), (*_S1[1][:3], 21_890)])
_clause(
    "S1",
    "F.open at LB",
    NEUTRAL,
    [(21_900, *_S1[0][1:]), _S1[1]],
    [(21_899.95, *_S1[0][1:]), _S1[1]],
)
_clause(
    "S1",
    "F.close below LB",
    NEUTRAL,
    [(*_S1[0][:3], 21_899.95), _S1[1]],
    [(*_S1[0][:3], 21_900), _S1[1]],
)
_clause(
    "S1",
    "c above F.low",
    NEUTRAL,
    [_S1[0], (*_S1[1][:3], 21_880.05)],
    [_S1[0], (*_S1[1][:3], 21_880)],
)

_clause("S2", "bar 2", BULL, _S2, [_S2[0], (*_S2[1][:3], 21_940), _S2[1]])
_clause("S2", "bull", replace(_BETWEEN_LOW, close=21_934.95), _S2, _S2, other=_BETWEEN_LOW)
_clause(
    "S2",
    "F.open above PL",
    BULL,
    [(21_900.05, 21_950, 21_895, 21_945), _S2[1]],
    [(21_900, 21_950, 21_895, 21_945), _S2[1]],
)
_clause(
    "S2",
    "PC near LB",
    Before(close=21_960),
    [(21_950, 21_970, 21_945, 21_965), (21_965, 21_968, 21_950, 21_961)],
    [(21_950, 21_970, 21_945, 21_965), (21_965, 21_968, 21_950, 21_961)],
    other=Before(close=21_960.05),
)
_clause(
    "S2", "F.close at PC", BULL, [(*_S2[0][:3], 21_940), _S2[1]], [(*_S2[0][:3], 21_939.95), _S2[1]]
)
_clause(
    "S2",
    "c at F.low",
    BULL,
    [(21_945, 21_960, 21_943, 21_950), (21_945, 21_948, 21_930, 21_943)],
    [(21_945, 21_960, 21_943, 21_950), (21_945, 21_948, 21_930, 21_942.95)],
)
_clause(
    "S2",
    "the bypass is asked for",
    BULL,
    [(21_961, 21_965, 21_920, 21_945), _S2[1]],
    [(21_961, 21_965, 21_920, 21_945), _S2[1]],
    parameters=BYPASS,
    not_by=USUAL,
)

_clause("S3", "bear", replace(_BETWEEN_HIGH, close=22_065.05), _S3, _S3, other=_BETWEEN_HIGH)
_clause("S3", "PC near UB", Before(close=22_020), _S3, _S3, other=Before(close=22_019.95))
_clause(
    "S3",
    "F.open near UB",
    BEAR,
    [(22_020, *_S3[0][1:]), _S3[1]],
    [(22_019.95, *_S3[0][1:]), _S3[1]],
)
_clause(
    "S3",
    "F.close at PH",
    BEAR,
    [(22_070, 22_105, 22_050, 22_100), _S3[1]],
    [(22_070, 22_105, 22_050, 22_100.05), _S3[1]],
)
_clause(
    "S3", "A: bar 2", BEAR, _S3, [_S3[0], (*_S3[1][:3], 22_080), (22_075, 22_082, 22_060, 22_070)]
)
_clause(
    "S3",
    "A: c below F.high",
    BEAR,
    [(22_070, 22_079, 22_050, 22_075), (22_075, 22_080, 22_060, 22_078.95)],
    [(22_070, 22_079, 22_050, 22_075), (22_075, 22_080, 22_060, 22_079)],
)
_clause(
    "S3",
    "B: c below UB",
    BEAR,
    [
        (22_095, 22_099, 22_090, 22_095),
        (22_095, 22_098, 22_091, 22_096),
        (22_096, 22_097, 22_070, 22_079.95),
    ],
    [
        (22_095, 22_099, 22_090, 22_095),
        (22_095, 22_098, 22_091, 22_096),
        (22_096, 22_097, 22_070, 22_080),
    ],
)
_clause(
    "S3",
    "B: below every earlier low",
    BEAR,
    [
        (22_070, 22_079, 22_050, 22_075),
        (22_075, 22_078, 22_040, 22_060),
        (22_060, 22_062, 22_030, 22_039.95),
    ],
    [
        (22_070, 22_079, 22_050, 22_075),
        (22_075, 22_078, 22_040, 22_060),
        (22_060, 22_062, 22_030, 22_040),
    ],
)
_clause(
    "S3",
    "the bypass wants F.high at UB",
    BEAR,
    [(22_019, 22_080, 22_010, 22_075), (22_075, 22_081, 22_060, 22_070)],
    [(22_019, 22_079.95, 22_010, 22_075), (22_075, 22_081, 22_060, 22_070)],
    parameters=BYPASS,
)

_clause("S4", "bear", BEAR, _S4, _S4, other=NEUTRAL)
_clause(
    "S4",
    "F.open above UT",
    BEAR,
    [(22_100.05, *_S4[0][1:]), _S4[1]],
    [(22_100, *_S4[0][1:]), _S4[1]],
)

_clause("S5", "bull", BULL, _S5, _S5, other=NEUTRAL)
_clause(
    "S5",
    "F.open below LB",
    BULL,
    [(21_899.95, *_S5[0][1:]), _S5[1]],
    [(21_900, *_S5[0][1:]), _S5[1]],
)
_clause(
    "S5",
    "F.close below LB and PL",
    BULL,
    [(*_S5[0][:3], 21_899.95), _S5[1]],
    [(*_S5[0][:3], 21_900), _S5[1]],
)
_clause(
    "S5",
    "any bar after F",
    BULL,
    [_S5[0], (*_S5[1][:3], 21_885), _S5[1]],
    [_S5[0], (*_S5[1][:3], 21_885), (*_S5[1][:3], 21_880)],
)

_clause("S6", "bear", BEAR, _S6, _S6, other=NEUTRAL)
_clause(
    "S6",
    "F.high at UB",
    BEAR,
    [(22_019, 22_080, 22_010, 22_075), _S6[1]],
    [(22_019, 22_079.95, 22_010, 22_075), (*_S6[1][:3], 22_070)],
)
_clause(
    "S6",
    "F.close at UT",
    BEAR,
    [(22_019, 22_110, 22_010, 22_100), _S6[1]],
    [(22_019, 22_110, 22_010, 22_100.05), _S6[1]],
)
_clause("S6", "A: bar 2", BEAR, _S6, [_S6[0], (*_S6[1][:3], 22_080), (*_S6[1][:3], 22_070)])
_clause(
    "S6",
    "B: below every earlier low",
    BEAR,
    [_S6[0], (22_075, 22_081, 22_000, 22_080), (22_060, 22_062, 21_990, 21_999.95)],
    [_S6[0], (22_075, 22_081, 22_000, 22_080), (22_060, 22_062, 21_990, 22_000)],
)

_clause(
    "S7",
    "at the high is not just below it",
    NEUTRAL,
    [_S7[0], (21_995, 22_105, 21_990, 22_100)],
    [_S7[0], (21_995, 22_105, 21_990, 22_099.95)],
)
_clause(
    "S7",
    "above every earlier high",
    NEUTRAL,
    [_S7[0], (21_995, 22_008, 21_990, 21_999), (21_999, 22_010, 21_995, 22_008.05)],
    [_S7[0], (21_995, 22_008, 21_990, 21_999), (21_999, 22_010, 21_995, 22_008)],
)

_clause(
    "S8",
    "c below UB",
    NEUTRAL,
    [(22_095, 22_105, 22_090, 22_095), (22_095, 22_096, 22_070, 22_079.95)],
    [(22_095, 22_105, 22_090, 22_095), (22_095, 22_096, 22_070, 22_080)],
)
_clause(
    "S8",
    "below every earlier low",
    NEUTRAL,
    [_S8[0], (22_060, 22_065, 22_040, 22_055), (22_055, 22_056, 22_030, 22_039.95)],
    [_S8[0], (22_060, 22_065, 22_040, 22_055), (22_055, 22_056, 22_030, 22_040)],
)
_clause(
    "S8",
    "this bar's own touch counts",
    NEUTRAL,
    [(22_070, 22_079, 22_050, 22_060), (22_060, 22_080, 22_040, 22_049)],
    [(22_070, 22_079, 22_050, 22_060), (22_060, 22_079.95, 22_040, 22_049)],
)
_clause(
    "S8",
    "the touch of a bar between",
    NEUTRAL,
    [
        (22_070, 22_079, 22_050, 22_060),
        (22_060, 22_080, 22_052, 22_055),
        (22_055, 22_056, 22_040, 22_049),
    ],
    [
        (22_070, 22_079, 22_050, 22_060),
        (22_060, 22_080, 22_052, 22_055),
        (22_055, 22_056, 22_040, 22_049),
    ],
    not_by=SignalParameters(upper_touch=UpperTouch.BAR),
)


@pytest.mark.parametrize(("signal", "clause"), CLAUSES)
def test_a_clause_decides_alone(signal: SignalName, clause: str) -> None:
    (before, parameters, fires), (other, not_by, misses) = CLAUSES[signal, clause]

    found = signal_of(before, fires, parameters)

    assert found is not None
    assert found.name is signal
    assert signal_of(other, misses, not_by) is None
