"""Sends a text to an address that a person named."""

import httpx

from munshi.errors import RequestInvalidError

SECONDS = 30.0


def post_text(url: str, text: str) -> None:
    """POST it as plain text; anything but success is an error.

    Raises RequestInvalidError, which never repeats the address: it may hold a password.
    """
    try:
        answer = httpx.post(
            url,
            content=text.encode(),
            headers={"content-type": "text/plain; charset=utf-8"},
            timeout=SECONDS,
        )
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise RequestInvalidError(
            f"It could not be sent: {type(error).__name__}.",
            hint="Write it into a file and bring it there.",
        ) from None
