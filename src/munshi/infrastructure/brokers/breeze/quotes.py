"""Breeze's quote rows: a list, for shares one row an exchange."""

from datetime import UTC, datetime
from decimal import Decimal

from munshi.clock import IST
from munshi.infrastructure.brokers.answer import Answer
from munshi.infrastructure.brokers.results import Quote


def read_quote(success: Answer, *, exchange_code: str) -> Quote | None:
    """The row of `exchange_code`, None where Breeze has no data for the contract."""
    if success.value is None:
        return None
    for row in success:
        if row["exchange_code"].text().upper() == exchange_code.upper():
            return _quote(row)
    return None


def _quote(row: Answer) -> Quote:
    return Quote(
        last_price=row["ltp"].decimal(),
        open=row["open"].decimal(),
        high=row["high"].decimal(),
        low=row["low"].decimal(),
        close=row["previous_close"].decimal(),
        traded_at=_instant(row.get("ltt")),
        volume=row.get("total_quantity_traded").integer_or_none(),
        oi=row.get("open_interest").integer_or_none(),
        best_bid=_known(row.get("best_bid_price")),
        best_offer=_known(row.get("best_offer_price")),
        lower_circuit=_known(row.get("lower_circuit")),
        upper_circuit=_known(row.get("upper_circuit")),
    )


def _known(answer: Answer) -> Decimal | None:
    """Breeze writes zero where there is no price."""
    return answer.decimal_or_none() or None


def _instant(answer: Answer) -> datetime | None:
    """`05-Feb-2025 09:36:56`, IST."""
    if not answer.text_or(""):
        return None
    try:
        wall = datetime.strptime(answer.text(), "%d-%b-%Y %H:%M:%S").replace(tzinfo=IST)
    except ValueError:
        wall = None
    if wall is None:
        raise answer.unexpected("a time")
    return wall.astimezone(UTC)
