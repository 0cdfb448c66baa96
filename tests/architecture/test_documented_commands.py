"""Every `munshi` command that a page shows exists, with the options that it shows."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from munshi.cli.app import app
from source_tree import ROOT

CONSOLE = re.compile(r"(?ms)^```console\n(.*?)^```")
INLINE = re.compile(r"`(?:[A-Z_]+=\S+ )*(munshi [^`\n]+)`")
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]
    if "reference" not in path.parts and "decisions" not in path.parts
)


def _typed(text: str) -> Iterator[str]:
    """What a reader would type, from blocks and from the middle of sentences."""
    for block in CONSOLE.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("$ "):
                yield line[2:].partition("  #")[0]
    yield from INLINE.findall(text)


def _words(line: str) -> list[str]:
    """The words after `munshi`, where that is what the line runs."""
    try:
        words = shlex.split(line)
    except ValueError:
        return []
    for at, word in enumerate(words):
        if word == "munshi" and all(
            before in {"sudo", "env", "-u", "munshi"} or "=" in before for before in words[:at]
        ):
            rest = words[at + 1 :]
            if rest and rest[0] != "munshi" and not (at and words[at - 1] == "-u"):
                return rest
    return []


def complaint(words: list[str]) -> str | None:
    """What is wrong with a command as it is typed; None if it exists."""
    command: Any = typer.main.get_command(app)
    for at, word in enumerate(words):
        if word == "--":
            return None
        if word.startswith("--"):
            known = {"--help"}.union(*(each.opts + each.secondary_opts for each in command.params))
            if word.partition("=")[0].rstrip(".,") not in known:
                return f"{' '.join(words[:at])} has no option {word}"
        elif hasattr(command, "commands") and re.fullmatch(r"[a-z-]+", word):
            if word not in command.commands:
                return f"there is no command {' '.join(words[: at + 1])}"
            command = command.commands[word]
    return None


@pytest.mark.parametrize("page", PAGES)
def test_every_command_on_the_page_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")

    complaints = [complaint(words) for words in map(_words, _typed(text)) if words]

    assert [each for each in complaints if each] == []


def test_commands_are_found_where_pages_show_them() -> None:
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")

    found = {" ".join(words[:2]) for words in map(_words, _typed(text)) if words}

    assert {"service install", "db upgrade", "audit checkpoint", "users add"} <= found


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("munshi service instal", "there is no command service instal"),
        ("sudo -u munshi env A=b munshi db upgrade --now", "db upgrade has no option --now"),
        ("MUNSHI_HOST=x munshi serv", "there is no command serv"),
        ("munshi jobs list --json", None),
        ("munshi run -- python script.py --fast", None),
    ],
)
def test_a_command_that_does_not_exist_would_be_found(line: str, wrong: str | None) -> None:
    assert complaint(_words(line)) == wrong
