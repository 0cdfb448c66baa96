"""The parts of pages that move: what each reads, and where its page finds it alive."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from markupsafe import Markup

from munshi.dashboard.live import mark_of
from munshi.dashboard.look import address


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A moving part made of two calls. `key` holds whatever the calls depend on."""

    key: Hashable
    draw: Callable[[], Markup]
    look: Callable[[], str] = lambda: ""

    def signs(self) -> str:
        return self.look()

    def render(self) -> str:
        return str(self.draw())


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """A part as it stands in a page, and the stream that keeps it fresh."""

    html: Markup
    source: str


def alive(part: Part, path: str, **query: object) -> Alive:
    """`part` drawn for a page whose stream is at `path`; what the page shows is not sent again."""
    html = part.draw()
    return Alive(html=html, source=address(path, **query, seen=mark_of(str(html))))
