"""The documentation says what the code is."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from source_tree import PACKAGE, ROOT

ROOMS_WITHIN = ("domain/market", "infrastructure/platform.py")


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_pages_made_from_code_are_up_to_date() -> None:
    checked = _run("scripts/write_reference.py", "--check")

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", ""), "`make reference`"


def _folders() -> set[str]:
    """What the map must show: each room, and what stands in the infrastructure."""
    tops = {path for path in PACKAGE.iterdir() if path.name not in {"__init__.py", "__pycache__"}}
    parts = {path.parent for path in PACKAGE.glob("infrastructure/*/__init__.py")}
    within = {PACKAGE / place for place in ROOMS_WITHIN}
    return {
        path.relative_to(PACKAGE).as_posix() + ("" if path.suffix else "/")
        for path in tops | parts | within
    }


def test_the_map_of_folders_shows_every_room_and_no_other() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    chapter = page.split("## Map of folders")[1].split("\n## ")[0]

    shown = re.findall(r"^\| `([\w./]+)` \|", chapter, re.MULTILINE)

    assert shown
    assert set(shown) ^ _folders() == set()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = _run("-m", "mkdocs", "build", "--strict", "--site-dir", str(folder))
    assert built.returncode == 0, built.stderr
    return folder


def test_the_pages_load_nothing_from_another_host(site: Path) -> None:
    loaded = re.compile(
        r"""<(?:script|link|img|iframe)\b[^>]*(?:src|href)=["'](?:https?:)?//[^>]*>"""
    )

    found = [
        match[0]
        for page in site.rglob("*.html")
        for match in loaded.finditer(page.read_text(encoding="utf-8"))
    ]
    styles = [
        path.name
        for path in site.rglob("*.css")
        if re.search(r"url\([\"']?(?:https?:)?//", path.read_text(encoding="utf-8"))
    ]

    assert (site / "index.html").exists()
    assert found == []
    assert styles == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_of_the_front_pages_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]

    missing = [to for to in targets if to and "://" not in to and not (ROOT / to).exists()]

    assert missing == []


def _pages() -> list[Path]:
    return [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]


def test_every_path_named_on_a_page_exists() -> None:
    named = {
        path
        for page in _pages()
        for path in re.findall(
            r"`((?:src|tests|docs|scripts|benchmarks)/[\w./-]+)`", page.read_text(encoding="utf-8")
        )
    }

    assert len(named) > 40
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_the_glossary_is_in_order_and_names_each_word_once() -> None:
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")

    words = re.findall(r"^\| ([\w ,]+?) \| ", page, re.MULTILINE)[1:]

    assert len(words) > 20
    assert words == sorted(set(words), key=str.lower)
