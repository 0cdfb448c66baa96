"""Screenshots as they are kept: in a folder named by MUNSHI_SHOTS, which git ignores."""

import os
import re
from base64 import b64decode
from pathlib import Path

from playwright.sync_api import Page

FOLDER = Path(os.environ.get("MUNSHI_SHOTS", Path(__file__).parents[2] / ".shots"))

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def shoot(tab: Page, address: str, look: str) -> Path:
    """What the tab shows, as `jobs-state-failed.dark.png`."""
    words = _ID.sub("id", address.removeprefix("/ui/").lower())
    name = re.sub(r"[^a-z0-9]+", "-", words).strip("-") or "today"
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name[:60]}.{look}.png"
    # Playwright's own waits for two frames and more, which is most of its time.
    asked = {"format": "png", "optimizeForSpeed": True}
    session = tab.context.new_cdp_session(tab)
    taken = session.send("Page.captureScreenshot", asked)
    session.detach()
    path.write_bytes(b64decode(taken["data"]))
    return path
