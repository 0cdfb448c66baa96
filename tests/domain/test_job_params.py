"""Parameters are read strictly, and every refusal says which field is wrong."""

from datetime import date

import pytest

from munshi.domain.enums import Service
from munshi.domain.job_params import (
    AutoLoginParams,
    CollectionParams,
    NoParams,
    VerificationParams,
)
from munshi.domain.market.intervals import Interval
from munshi.errors import JobParametersInvalidError

GOOD: dict[str, object] = {
    "broker": "kite",
    "instruments": ["NIFTY", "bse:sensex"],
    "interval": "5m",
    "from": "2026-10-01",
    "to": "2026-10-30",
}


def test_collection_parameters_are_read_into_their_types() -> None:
    params = CollectionParams.from_json(GOOD)

    assert params == CollectionParams(
        broker=Service.KITE,
        instruments=("NSE:NIFTY 50", "BSE:SENSEX"),
        interval=Interval.FIVE_MINUTES,
        start=date(2026, 10, 1),
        end=date(2026, 10, 30),
    )


def test_collection_parameters_survive_the_way_through_json() -> None:
    params = CollectionParams.from_json(GOOD)

    assert CollectionParams.from_json(params.to_json()) == params


def test_one_instrument_under_two_names_is_collected_once() -> None:
    params = CollectionParams.from_json(GOOD | {"instruments": ["NIFTY", "NSE:NIFTY 50"]})

    assert params.instruments == ("NSE:NIFTY 50",)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"broker": "zerodha"}, "broker must be kite or breeze, not 'zerodha'"),
        ({"broker": 1}, "broker must be text, not 1"),
        ({"instruments": []}, "instruments must be a list that names at least one"),
        ({"instruments": "NIFTY"}, "instruments must be a list"),
        ({"instruments": [7]}, "An instrument must be text, not 7"),
        ({"instruments": ["NIFTTY"]}, "'NIFTTY' is not a well-known index"),
        ({"interval": "7m"}, "There is no bar interval '7m'. Use one of: 1minute"),
        ({"interval": None}, "interval must be text, not None"),
        ({"from": "01-10-2026"}, "from must be a date like 2026-11-20, not '01-10-2026'"),
        ({"to": "2026-02-30"}, "to must be a date like"),
        ({"to": "2026-09-30"}, "ends on 2026-09-30, before it starts"),
        ({"colour": "red"}, "Not known here: colour. The parameters are broker, instruments"),
    ],
)
def test_a_wrong_value_is_refused_in_one_sentence(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(JobParametersInvalidError) as refusal:
        CollectionParams.from_json(GOOD | change)

    assert sentence in str(refusal.value)


def test_a_missing_field_is_named_with_those_that_are_wanted() -> None:
    with pytest.raises(JobParametersInvalidError, match="Not given: from, to"):
        CollectionParams.from_json({k: GOOD[k] for k in ("broker", "instruments", "interval")})


def test_auto_login_names_its_service() -> None:
    params = AutoLoginParams.from_json({"service": "Breeze"})

    assert params.service is Service.BREEZE
    assert AutoLoginParams.from_json(params.to_json()) == params


def test_auto_login_without_a_service_is_refused() -> None:
    with pytest.raises(JobParametersInvalidError, match="Not given: service"):
        AutoLoginParams.from_json({})


def test_a_job_that_is_told_nothing_refuses_to_be_told_anything() -> None:
    assert NoParams.from_json(NoParams().to_json()) == NoParams()
    with pytest.raises(JobParametersInvalidError) as refused:
        NoParams.from_json({"days": 7})

    assert str(refused.value) == "Not known here: days. It takes no parameters."


def test_verification_parameters_survive_the_way_through_json() -> None:
    params = VerificationParams(instruments=("NSE:NIFTY 50",), repair=True)

    assert VerificationParams.from_json(params.to_json()) == params
    assert VerificationParams.from_json({"instruments": [], "repair": False}).instruments == ()


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"repair": True}, "instruments"),
        ({"instruments": [], "repair": "yes"}, "repair must be true or false"),
        ({"instruments": "NIFTY", "repair": True}, "instruments must be a list"),
        ({"instruments": ["NOSUCH"], "repair": True}, "NOSUCH"),
    ],
)
def test_wrong_verification_parameters_are_named(raw: dict[str, object], says: str) -> None:
    with pytest.raises(JobParametersInvalidError, match=says):
        VerificationParams.from_json(raw)
