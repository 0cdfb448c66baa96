"""Tables as plain text that never break a word, however narrow the terminal."""

import textwrap
from collections.abc import Sequence

GAP = 2


def draw_table(
    headings: Sequence[str], rows: Sequence[Sequence[object]], *, width: int
) -> list[str]:
    """Lines of at most `width`; where the longest words do not fit side by side, a block a row.

    Numbers stand to the right. A word longer than a line of its own stays whole.
    """
    cells = [[_text(cell) for cell in row] for row in rows]
    columns = list(zip(*([list(headings), *cells]), strict=True))
    widths = _widths(columns, room=width - GAP * (len(columns) - 1))
    if widths is None:
        return _blocks(headings, cells, width=width)
    numbers = [
        all(isinstance(row[index], int | None) for row in rows) for index in range(len(columns))
    ]
    lines = [
        *_lines(headings, widths, numbers),
        (" " * GAP).join("─" * each for each in widths),
    ]
    for row in cells:
        lines += _lines(row, widths, numbers)
    return lines


def printable(text: str) -> str:
    """`text` without what would move the cursor or colour a terminal: it may be anybody's."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "·" for c in text)


def _text(cell: object) -> str:
    return "" if cell is None else printable(" ".join(str(cell).split()))


def _widths(columns: Sequence[Sequence[str]], *, room: int) -> list[int] | None:
    """As wide as the cells are, or else shared out by need; None if a word would be broken."""
    wanted = [max(len(cell) for cell in column) for column in columns]
    if sum(wanted) <= room:
        return wanted
    widths = [
        max((len(word) for cell in column for word in cell.split()), default=0)
        for column in columns
    ]
    spare = room - sum(widths)
    if spare < 0:
        return None
    for _ in range(spare):
        needy = max(range(len(widths)), key=lambda at: wanted[at] / max(widths[at], 1))
        widths[needy] += 1
    return widths


def _lines(row: Sequence[str], widths: Sequence[int], numbers: Sequence[bool]) -> list[str]:
    parts = [_wrap(cell, width) or [""] for cell, width in zip(row, widths, strict=True)]
    height = max(len(part) for part in parts)
    return [
        (" " * GAP)
        .join(
            f"{part[line] if line < len(part) else '':{'>' if number else '<'}{width}}"
            for part, width, number in zip(parts, widths, numbers, strict=True)
        )
        .rstrip()
        for line in range(height)
    ]


def _blocks(headings: Sequence[str], rows: Sequence[Sequence[str]], *, width: int) -> list[str]:
    """`heading  value`, a line each, and an empty line between rows."""
    indent = max(len(heading) for heading in headings) + GAP
    lines: list[str] = []
    for row in rows:
        if lines:
            lines.append("")
        for heading, cell in zip(headings, row, strict=True):
            first, *others = _wrap(cell, width - indent) or [""]
            if first:
                lines.append(f"{heading:<{indent}}{first}")
                lines += [f"{'':<{indent}}{other}" for other in others]
    return lines


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False)
