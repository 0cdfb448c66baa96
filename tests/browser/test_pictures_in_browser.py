"""The pictures of README and docs, taken from a desk at work: `make pictures` takes them anew."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from browser.living import fill
from browser.people import sign_in
from browser.shots import FOLDER
from browser.site import Site
from munshi.domain.roles import Role

PICTURES = {
    "today.png": "/ui/",
    "schedules.png": "/ui/schedules",
    "first-run.png": "/ui/first-run/schedules",
}
DOCS = Path(__file__).parents[2] / "docs" / "pictures"
SIZE: ViewportSize = {"width": 1100, "height": 700}
MOST_BYTES = 200_000


def test_the_pictures_are_taken_and_say_that_brokers_are_simulated(tab: Page, site: Site) -> None:
    folder = Path(os.environ.get("MUNSHI_PICTURES", FOLDER / "docs"))
    folder.mkdir(parents=True, exist_ok=True)
    fill(site.desk)
    sign_in(tab, site, Role.OPERATOR)
    worker = site.desk.services.worker()
    worker.start()
    try:
        tab.set_viewport_size(SIZE)
        for name, address in PICTURES.items():
            tab.goto(f"{site.url}{address}")
            expect(tab.get_by_text("Simulated brokers")).to_be_in_viewport()
            tab.screenshot(path=folder / name)
    finally:
        worker.stop()


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_of_the_docs_is_there_and_small(name: str) -> None:
    assert (DOCS / name).read_bytes().startswith(b"\x89PNG")
    assert (DOCS / name).stat().st_size < MOST_BYTES
