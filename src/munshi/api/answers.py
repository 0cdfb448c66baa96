"""How answers are spelt: instants, prices, the mode, and quick JSON."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, model_validator
from starlette.responses import Response

from munshi.domain.market.candles import PRICE_SCALE
from munshi.settings import BrokerMode

MODE_LABELS = {
    BrokerMode.SIMULATED: "simulated brokers; nothing here is real",
    BrokerMode.LIVE: "live brokers",
}


class Body(BaseModel):
    """What callers send; a field we do not know is a mistake they should hear of."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unstorable_text(cls, sent: object) -> object:
        check_text(sent)
        return sent


class Shown(BaseModel):
    """What we send, read from the services' dataclasses."""

    model_config = ConfigDict(from_attributes=True)


class ModeShown(Shown):
    """Every answer with sessions or prices says which brokers they come from."""

    mode: BrokerMode
    label: str


class JsonAnswer(Response):
    """A document of plain values, without a model in between."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def utc_text(instant: datetime) -> str:
    """`2026-11-22T17:24:05Z`, as models spell it too; microseconds only where there are any."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def price_text(price: int) -> str:
    """Ten-thousandths of a rupee as exact rupees, with two decimals or as many as it takes."""
    rupees, rest = divmod(price, PRICE_SCALE)
    decimals = f"{rest:04d}".rstrip("0").ljust(2, "0")
    return f"{rupees}.{decimals}"


def check_text(value: object) -> None:
    """Raise ValueError for text, however deep, that no database keeps: NUL, half a character."""
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= each <= "\udfff" for each in value):
            raise ValueError("text holds a character that cannot be stored")
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            check_text(name)
            check_text(inner)
    elif isinstance(value, list):
        for inner in value:
            check_text(inner)
