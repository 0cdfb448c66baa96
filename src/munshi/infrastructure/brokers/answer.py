"""Reading a broker's JSON: typed fields, or BrokerUnavailableError naming the one that is not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from munshi.domain.market.candles import MOST_COUNT
from munshi.errors import BrokerUnavailableError

MAX_EXPONENT = 24
MAX_QUOTED = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """One JSON value from `broker`. Errors name the field, never its value."""

    broker: str
    value: object = field(repr=False)
    path: str = "the answer"

    def __getitem__(self, name: str) -> "Answer":
        fields = self.fields()
        if name not in fields:
            raise BrokerUnavailableError(f"{self.broker} left {name!r} out of {self.path}.")
        return Answer(self.broker, fields[name], name)

    def get(self, name: str) -> "Answer":
        """The field, or one that holds None."""
        return Answer(self.broker, self.fields().get(name), name)

    def __iter__(self) -> Iterator["Answer"]:
        return (Answer(self.broker, item, f"a row of {self.path}") for item in self.values())

    def values(self) -> list[object]:
        """The items of a long list as they stand there; `__iter__` makes an Answer of each."""
        if not isinstance(self.value, list):
            raise self.unexpected("a list")
        return self.value

    def fields(self) -> Mapping[str, object]:
        if not isinstance(self.value, dict):
            raise self.unexpected("an object")
        return self.value

    def items(self) -> Iterator[tuple[str, "Answer"]]:
        return ((name, Answer(self.broker, value, name)) for name, value in self.fields().items())

    def row(self, *, at_least: int) -> list[object]:
        """A positional row."""
        if not isinstance(self.value, list) or len(self.value) < at_least:
            raise self.unexpected(f"a row of {at_least} values")
        return self.value

    def text(self) -> str:
        if not isinstance(self.value, str) or not self.value:
            raise self.unexpected("a text")
        return self.value

    def text_or(self, default: str) -> str:
        return self.value if isinstance(self.value, str) else default

    def texts(self) -> tuple[str, ...]:
        return tuple(item.text() for item in self)

    def decimal(self) -> Decimal:
        """A number, or a text that is one: Breeze writes some numbers as text."""
        if isinstance(self.value, (int, Decimal, str)) and not isinstance(self.value, bool):
            try:
                number = Decimal(self.value)
            except InvalidOperation:
                number = Decimal("NaN")
            if number.is_finite() and abs(number.adjusted()) <= MAX_EXPONENT:
                return number
        raise self.unexpected("a number")

    def decimal_or_none(self) -> Decimal | None:
        return None if self._is_blank else self.decimal()

    def integer(self) -> int:
        number = self.decimal()
        if number != number.to_integral_value():
            raise self.unexpected("a whole number")
        return int(number)

    def count(self) -> int:
        """A volume or open interest that can be added up."""
        number = self.integer()
        if abs(number) > MOST_COUNT:
            raise self.unexpected("a count of at most 15 digits")
        return number

    def count_or_none(self) -> int | None:
        return None if self._is_blank else self.count()

    def integer_or_none(self) -> int | None:
        return None if self._is_blank else self.integer()

    @property
    def _is_blank(self) -> bool:
        return self.value is None or self.value == ""

    def unexpected(self, wanted: str) -> BrokerUnavailableError:
        return BrokerUnavailableError(
            f"{self.broker} sent {type(self.value).__name__} as {self.path}, not {wanted}."
        )


def one_line(text: str) -> str:
    """A broker's own words, fit for one line of a log or a terminal."""
    shown = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(shown.split())[:MAX_QUOTED]
