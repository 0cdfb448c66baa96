"""People name instruments their way; inside there is one name."""

import pytest

from munshi.domain.market.instruments import (
    InstrumentKind,
    InstrumentRef,
    well_known_index,
    well_known_indices,
)
from munshi.errors import InstrumentUnknownError


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("NIFTY", "NSE:NIFTY 50"),
        ("nifty 50", "NSE:NIFTY 50"),
        ("Nifty50", "NSE:NIFTY 50"),
        ("NSE:NIFTY 50", "NSE:NIFTY 50"),
        ("nse : nifty", "NSE:NIFTY 50"),
        ("BANKNIFTY", "NSE:NIFTY BANK"),
        ("CNXBAN", "NSE:NIFTY BANK"),
        ("SENSEX", "BSE:SENSEX"),
        ("INDIAVIX", "NSE:INDIA VIX"),
        ("NFO:NIFTY24D0524000CE", "NFO:NIFTY24D0524000CE"),
        ("nse:reliance", "NSE:RELIANCE"),
        ("NSE:M&M", "NSE:M&M"),
    ],
)
def test_an_instrument_is_understood(text: str, full: str) -> None:
    ref = InstrumentRef.parse(text)

    assert str(ref) == full
    assert InstrumentRef.parse(str(ref)) == ref


@pytest.mark.parametrize("text", ["", "RELIANCE", "NIFTTY", "NSE:", ":NIFTY", "NYSE:IBM", "A:B:C"])
def test_an_instrument_that_is_not_named_clearly_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(InstrumentUnknownError) as refusal:
        InstrumentRef.parse(text)

    assert refusal.value.hint is not None


def test_an_index_of_one_exchange_is_not_found_at_another() -> None:
    assert well_known_index(InstrumentRef.parse("BSE:NIFTY")) is None


def test_the_indices_carry_what_each_broker_calls_them() -> None:
    named = {index.name: index for index in well_known_indices()}

    tokens = {name: index.kite_token for name, index in named.items()}
    codes = {name: index.breeze_code for name, index in named.items()}

    assert [tokens[name] for name in ("NIFTY", "BANKNIFTY", "SENSEX")] == [256265, 260105, 265]
    assert [codes[name] for name in ("NIFTY", "BANKNIFTY", "SENSEX")] == [
        "NIFTY",
        "CNXBAN",
        "BSESEN",
    ]
    assert {index.kind for index in named.values()} == {InstrumentKind.INDEX}


def test_every_kite_index_token_ends_in_the_index_segment() -> None:
    tokens = [index.kite_token for index in well_known_indices() if index.kite_token]

    assert tokens
    assert all(token % 256 == 9 for token in tokens)


def test_calls_and_puts_are_options_and_futures_are_derivatives_too() -> None:
    assert [kind for kind in InstrumentKind if kind.is_option] == [
        InstrumentKind.CALL,
        InstrumentKind.PUT,
    ]
    assert InstrumentKind.FUTURE.is_derivative
    assert not InstrumentKind.INDEX.is_derivative
