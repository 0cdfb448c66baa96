"""What pages take and ask: the fields of a form as they were typed, and the page between."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from munshi.dashboard.look import Look

_LONGEST = 100_000


async def _typed(request: Request) -> dict[str, str]:
    """Every field once, as text; a file is none."""
    async with request.form(max_files=0, max_fields=100) as form:
        return {name: each[:_LONGEST] for name, each in form.items() if isinstance(each, str)}


Typed = Annotated[dict[str, str], Depends(_typed)]


def ask(
    look: Look,
    request: Request,
    *,
    title: str,
    about: str,
    means: str,
    yes: str,
    back: str,
    fields: dict[str, str] | None = None,
) -> Response:
    """The page between: it posts to its own address, with `fields` hidden, or leads `back`."""
    return look.page(
        request,
        "ask.html",
        title=title,
        about=about,
        means=means,
        yes=yes,
        back=back,
        fields=fields or {},
    )
