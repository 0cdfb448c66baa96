"""A report that is a page of its own, shown in a frame: nothing of it may reach anything."""

import re
from base64 import b64encode
from hashlib import sha256
from html import unescape

from starlette.responses import HTMLResponse

_ELEMENTS = {
    kind: re.compile(rf"<{kind}(?![^>]*\ssrc=)[^>]*>(.*?)</{kind}>", re.DOTALL | re.IGNORECASE)
    for kind in ("script", "style")
}
_NOTHING = "'none'"
_ATTRIBUTE = re.compile(r'\sstyle="([^"]*)"')


def framed(page: str) -> HTMLResponse:
    """`page` with a policy that lists what it holds by hash and allows nothing else.

    Its scripts, if it has any, run without an origin: they see no cookie and no other page.
    """
    scripts = _hashes(_ELEMENTS["script"].findall(page))
    styles = _hashes(_ELEMENTS["style"].findall(page))
    if attributes := _hashes([unescape(each) for each in _ATTRIBUTE.findall(page)]):
        styles = ["'unsafe-hashes'", *styles, *attributes]
    policy = (
        f"default-src 'none'; script-src {' '.join(scripts) or _NOTHING}; "
        f"style-src {' '.join(styles) or _NOTHING}; img-src data:; base-uri 'none'; "
        f"form-action 'none'; frame-ancestors 'self'; sandbox{' allow-scripts' if scripts else ''}"
    )
    headers = {"content-security-policy": policy, "cache-control": "no-store"}
    return HTMLResponse(page, headers=headers)


def _hashes(contents: list[str]) -> list[str]:
    """Each once, in order."""
    digests = (b64encode(sha256(each.encode()).digest()).decode() for each in contents)
    return list(dict.fromkeys(f"'sha256-{digest}'" for digest in digests))
