"""What git keeps names no index, no machine and no licence surprise; the pins match the project."""

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from source_tree import ROOT, tracked_files

# Spelt so that this file does not match itself.
FORBIDDEN = re.compile(
    r"pypi\.org/(?:simple)|pythonhosted\.(?:org)|registry\.npmjs\.(?:org)|extra-index-(?:url)"
    r"|deb\.debian\.(?:org)|(?<![\w.])/(?:work|root|opt)/\w|(?<![\w.])/(?:home|Users)/\w|[A-Z]:\\(?:Users)"
)


def test_no_file_names_an_index_or_a_path_of_somebodys_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tracked_files()
        for match in FORBIDDEN.finditer(path.read_bytes().decode("utf-8", errors="replace"))
    ]

    assert found == []


def _pins() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = (Requirement(line) for line in lines if line and not line.startswith("#"))
    return {
        canonicalize_name(pin.name): Version(next(iter(pin.specifier)).version) for pin in pinned
    }


def test_every_dependency_is_pinned_to_a_version_that_fits() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    wanted = [Requirement(text) for group in [project["dependencies"], *extras] for text in group]
    pins = _pins()

    unpinned = [
        str(want)
        for want in wanted
        if canonicalize_name(want.name) not in pins
        or pins[canonicalize_name(want.name)] not in want.specifier
    ]

    assert unpinned == [], "`make constraints` pins them"


def test_the_pins_name_no_place() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")

    assert not re.search(r"://|@|^-", text, re.MULTILINE)
