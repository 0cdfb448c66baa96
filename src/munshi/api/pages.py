"""The few plain pages: what this is, in words, with the mode at the top."""

from collections.abc import Sequence
from html import escape

from starlette.responses import HTMLResponse

from munshi.settings import BrokerMode

MODE_WORDS = {
    BrokerMode.SIMULATED: "Simulated brokers: logins, quotes and prices here are made up.",
    BrokerMode.LIVE: "Live brokers: logins and prices are real.",
}


def page(
    title: str,
    body: str,
    *,
    mode: BrokerMode,
    stylesheets: Sequence[str] = (),
    scripts: Sequence[str] = (),
) -> HTMLResponse:
    """A whole page. `body` is HTML that is already escaped; scripts are addresses, never text."""
    links = "".join(
        f'<link rel="stylesheet" href="{escape(address)}">'
        for address in (*stylesheets, "/ui/static/pages.css")
    )
    loads = "".join(f'<script src="{escape(address)}" defer></script>' for address in scripts)
    return HTMLResponse(
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · Munshi</title>"
        f'<link rel="icon" href="/docs/static/favicon-32x32.png">{links}{loads}</head>'
        f'<body><p class="mode {mode.value}">{escape(MODE_WORDS[mode])}</p>{body}</body></html>'
    )
