"""axe-core, run on what a tab shows."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from playwright.sync_api import Page

_SOURCE = Path(__file__).parent / "vendored" / "axe" / "axe.min.js"
_GRAVE = frozenset({"serious", "critical"})
_RUN = "(rules) => axe.run(document, {resultTypes: ['violations'], selectors: false, ...rules})"
# All that another theme can change.
COLOURS = {"runOnly": ["color-contrast"]}


def faults(tab: Page, rules: Mapping[str, Any] = MappingProxyType({})) -> list[str]:
    """The serious and critical faults of the page, one line each; what is said of where."""
    if not tab.evaluate("'axe' in window"):
        tab.evaluate(_SOURCE.read_text("utf-8"))
    found: dict[str, Any] = tab.evaluate(_RUN, dict(rules))
    return [
        f"{each['id']}: {each['help']}: {node['html'][:160]} {node['any'][:1]}"
        for each in found["violations"]
        if each["impact"] in _GRAVE
        for node in each["nodes"][:3]
    ]
