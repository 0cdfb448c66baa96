"""Reports can be read in light and in dark: WCAG AA, worked out from their own styles."""

import re

import pytest

from munshi.backtest import page_style
from munshi.validation import report

_TEXT, _GRAPHIC = 4.5, 3.0
STYLES = {"backtest": page_style.STYLE, "validation": report.STYLE}
TEXTS = {"ink", "soft", "good", "bad", "unsure"}
SURFACES = {"paper", "card", "alarm"}


def _brightness(colour: str) -> float:
    digits = colour.lstrip("#")
    if len(digits) == 3:
        digits = "".join(each * 2 for each in digits)
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((_brightness(one), _brightness(other)))
    return (light + 0.05) / (dark + 0.05)


def schemes(style: str) -> dict[str, dict[str, str]]:
    found = re.findall(r":root\s*\{([^}]*)\}", style)
    assert len(found) == 2
    colours = [dict(re.findall(r"--(\w+):\s*(#\w+)", each)) for each in found]
    return {"light": colours[0], "dark": colours[1]}


def test_the_measure_is_that_of_the_standard() -> None:
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#777", "#ffffff") == pytest.approx(4.478, abs=0.001)


@pytest.mark.parametrize("name", STYLES)
def test_every_colour_stands_out_from_the_paper_in_light_and_in_dark(name: str) -> None:
    style = STYLES[name]
    assert re.search(r"prefers-color-scheme:\s*dark", style)
    light, dark = schemes(style).values()
    assert light.keys() == dark.keys()
    assert light["paper"] != dark["paper"]
    for colours in (light, dark):
        # Borders of tables alone are faint: nothing is told by them.
        for surface in colours.keys() & SURFACES:
            for colour in colours.keys() - SURFACES - {"faint"}:
                least = _TEXT if colour in TEXTS else _GRAPHIC
                stands_out = contrast(colours[colour], colours[surface])
                assert stands_out >= least, (colour, surface)


@pytest.mark.parametrize("name", STYLES)
def test_no_colour_is_written_past_the_two_schemes(name: str) -> None:
    rest = re.sub(r":root\s*\{[^}]*\}", "", STYLES[name])

    assert re.findall(r"#[0-9a-fA-F]{3,6}\b", rest) == []
    assert set(re.findall(r"var\(--(\w+)\)", rest)) <= schemes(STYLES[name])["dark"].keys()
