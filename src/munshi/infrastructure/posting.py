"""Sends a text to, or just calls, an address that a person named."""

import httpx

from munshi.errors import RequestInvalidError

SECONDS, PING_SECONDS = 30.0, 10.0


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


def ping(url: str) -> str:
    """GET an address that waits to be called; what went wrong, or nothing.

    What it says never repeats the address: it may hold a token.
    """
    try:
        answer = httpx.get(url, timeout=PING_SECONDS, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return type(error).__name__
    return "" if answer.is_success else f"It answered {answer.status_code}."
