"""Screenshots as they are kept: in a folder named by MUNSHI_SHOTS, which git ignores."""

import os
import re
from pathlib import Path

from playwright.sync_api import Page

FOLDER = Path(os.environ.get("MUNSHI_SHOTS", Path(__file__).parents[2] / ".shots"))

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def shoot(tab: Page, address: str, look: str) -> Path:
    """What the tab shows, as `jobs-state-failed.dark.jpeg`."""
    words = _ID.sub("id", address.removeprefix("/ui/").lower())
    name = re.sub(r"[^a-z0-9]+", "-", words).strip("-") or "today"
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name[:60]}.{look}.jpeg"
    # A third faster to make than as PNG, and there are hundreds.
    tab.screenshot(path=path, type="jpeg", quality=85)
    return path
