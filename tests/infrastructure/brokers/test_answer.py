"""Reading JSON that may be anything."""

from decimal import Decimal

import pytest

from munshi.errors import BrokerUnavailableError
from munshi.infrastructure.brokers.answer import Answer
from munshi.infrastructure.brokers.http import Reply


def reply(body: bytes) -> Reply:
    return Reply(broker="Kite", status=200, content_type="application/json", body=body)


def test_prices_are_read_exactly() -> None:
    answer = Answer("Kite", reply(b'{"last_price": 21727.75}').json())

    assert answer["last_price"].decimal() == Decimal("21727.75")


@pytest.mark.parametrize("text", ["88800", 88800, Decimal("88800.0")])
def test_a_whole_number_may_be_written_as_text_or_with_a_point(text: object) -> None:
    assert Answer("Breeze", text).integer() == 88800


@pytest.mark.parametrize(
    "value", [None, "", "x", True, [], {}, "NaN", "1e999999", "Infinity", Decimal("1e30")]
)
def test_what_is_no_number_means_that_the_broker_answered_nonsense(value: object) -> None:
    with pytest.raises(BrokerUnavailableError, match="not a number"):
        Answer("Kite", value).decimal()


def test_a_missing_field_is_named() -> None:
    with pytest.raises(BrokerUnavailableError, match="Kite left 'user_id' out of data"):
        Answer("Kite", {"data": {}})["data"]["user_id"]


@pytest.mark.parametrize("value", [None, 5, "text", []])
def test_fields_of_what_is_no_object_are_refused(value: object) -> None:
    with pytest.raises(BrokerUnavailableError, match="not an object"):
        Answer("Kite", value)["user_id"]


def test_rows_of_what_is_no_list_are_refused() -> None:
    with pytest.raises(BrokerUnavailableError, match="not a list"):
        list(Answer("Kite", {}))


def test_a_fraction_is_no_whole_number() -> None:
    with pytest.raises(BrokerUnavailableError, match="not a whole number"):
        Answer("Kite", Decimal("1.5")).integer()


def test_values_stay_out_of_messages_and_reprs() -> None:
    answer = Answer("Kite", {"access_token": ["s3cr3t"]})

    with pytest.raises(BrokerUnavailableError) as failure:
        answer["access_token"].text()

    assert "s3cr3t" not in str(failure.value)
    assert "s3cr3t" not in repr(answer)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000, b"<html></html>"]
)
def test_broken_json_means_that_the_broker_answered_nonsense(body: bytes) -> None:
    with pytest.raises(BrokerUnavailableError, match="broken JSON"):
        reply(body).json()
