"""Cuts what a job prints into lines for its log, up to the most that a job may print."""

from munshi.errors import JobOutputExcessiveError

OUTPUT_CHARACTERS = 10_000_000
OUTPUT_LINES = 100_000
LINE_CHARACTERS = 4_000


class OutputCap:
    """Counts what one job prints or logs."""

    def __init__(self) -> None:
        self._characters = 0
        self._lines = 0

    def count(self, text: str, *, lines: int) -> None:
        """Raises JobOutputExcessiveError beyond the cap, and from then on."""
        self._characters += len(text)
        self._lines += lines
        if self._characters > OUTPUT_CHARACTERS or self._lines > OUTPUT_LINES:
            raise JobOutputExcessiveError(
                f"The job printed more than {OUTPUT_CHARACTERS // 1_000_000} million characters or "
                f"{OUTPUT_LINES:,} lines.",
                hint="Write large outputs to a file.",
            )


class OutputLines:
    """The lines of one job, as a terminal would show them; empty ones are dropped."""

    def __init__(self) -> None:
        self._cap = OutputCap()
        self._rest = ""

    def feed(self, text: str) -> list[str]:
        """The lines that `text` completes. Raises JobOutputExcessiveError beyond the cap."""
        self._cap.count(text, lines=text.count("\n"))
        *whole, self._rest = (self._rest + text).split("\n")
        lines = [piece for line in whole for piece in _pieces(_shown(line))]
        self._rest = _shown(self._rest, is_whole=False)
        while len(self._rest) > LINE_CHARACTERS:
            lines.append(self._rest[:LINE_CHARACTERS])
            self._rest = self._rest[LINE_CHARACTERS:]
        return lines

    def finish(self) -> list[str]:
        """What was left without a line's end."""
        rest, self._rest = _shown(self._rest), ""
        return list(_pieces(rest))


def _shown(line: str, *, is_whole: bool = True) -> str:
    """What a progress bar wrote last over itself; the start of a line may still be overwritten."""
    if is_whole:
        return line.rstrip("\r").rpartition("\r")[2]
    end = len(line.rstrip("\r"))
    return line[line.rfind("\r", 0, end) + 1 :]


def _pieces(line: str) -> list[str]:
    return [line[at : at + LINE_CHARACTERS] for at in range(0, len(line), LINE_CHARACTERS)]
