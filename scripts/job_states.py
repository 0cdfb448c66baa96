"""The page of job states, with its picture, made from the transition table."""

from collections.abc import Collection, Iterable, Mapping
from math import hypot

from munshi.domain.jobs import FINAL_STATES, TRANSITIONS, JobState

WIDTH, HEIGHT = 132, 40
Place = tuple[int, int]
PLACES: Mapping[str, Place] = {
    JobState.SCHEDULED: (90, 70),
    JobState.QUEUED: (90, 210),
    JobState.WAITING: (360, 70),
    JobState.RUNNING: (360, 210),
    JobState.PAUSED: (360, 350),
    JobState.HELD: (90, 350),
    JobState.SUCCEEDED: (640, 70),
    JobState.FAILED: (640, 160),
    JobState.DEAD: (640, 260),
    JobState.CANCELLED: (640, 350),
}
MEANINGS = {
    JobState.SCHEDULED: "not before its time; also between two tries",
    JobState.QUEUED: "waits for a worker",
    JobState.RUNNING: "a worker has it, under a lease",
    JobState.WAITING: "waits for its parts to end, then runs again",
    JobState.PAUSED: "waits for a login at a broker",
    JobState.HELD: "a person must decide: it may have done half its work",
    JobState.SUCCEEDED: "done, with a result",
    JobState.FAILED: "trying again is pointless",
    JobState.DEAD: "its tries, or the crashes it may have, are used up",
    JobState.CANCELLED: "somebody stopped it",
}
HEAD = """\
# States of a job

Every job is in one of these. The table stands in `domain/jobs.py` and in the `WHERE` of every
statement that moves a job. The last four are final: the job is *completed*. Out of them leads only
a person's `munshi jobs retry`.

"""


def states_page() -> str:
    """Markdown with the drawing in it."""
    lines = [HEAD, _drawing(), "\n\n| state | meaning | may become |\n|---|---|---|\n"]
    for state in JobState:
        after = ", ".join(each for each in JobState if each in TRANSITIONS[state])
        lines.append(f"| {state} | {MEANINGS[state]} | {after or 'nothing'} |\n")
    return "".join(lines)


def _drawing() -> str:
    arrows = [
        (source, target)
        for source in JobState
        for target in JobState
        if target in TRANSITIONS[source]
    ]
    return drawing(
        PLACES, arrows, final=FINAL_STATES, label="States of a job and what may follow what"
    )


def drawing(
    places: Mapping[str, Place],
    arrows: Iterable[tuple[str, str]],
    *,
    final: Collection[str],
    label: str,
    height: int = 420,
) -> str:
    """A box for each place, by its middle, and a bow for each arrow."""
    bows = "".join(_arrow(places[source], places[target]) for source, target in arrows)
    boxes = "".join(_box(state, place, state in final) for state, place in places.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 740 {height}" role="img" '
        f'aria-label="{label}" font-family="system-ui, sans-serif" '
        'font-size="14"><defs><marker id="to" viewBox="0 0 10 10" refX="9" refY="5" '
        'markerWidth="6" markerHeight="6" orient="auto"><path d="M0 0 10 5 0 10z" '
        'fill="#5b6b7c"/></marker></defs>'
        f'<g fill="none" stroke="#5b6b7c" stroke-opacity=".6">{bows}</g>{boxes}</svg>'
    )


def _box(state: str, place: Place, is_final: bool) -> str:  # noqa: FBT001
    x, y = place
    fill = "#e7eef0" if is_final else "#fff"
    return (
        f'<rect x="{x - WIDTH // 2}" y="{y - HEIGHT // 2}" width="{WIDTH}" height="{HEIGHT}" '
        f'rx="8" fill="{fill}" stroke="#7fa3b0"/>'
        f'<text x="{x}" y="{y + 5}" text-anchor="middle" fill="#1d2733">{state}</text>'
    )


def _arrow(source: Place, target: Place) -> str:
    """A bow from edge to edge, bent to its left, so that two that answer each other part."""
    (x1, y1), (x2, y2) = source, target
    length = hypot(x2 - x1, y2 - y1)
    across = (y2 - y1) / length, -(x2 - x1) / length
    bend = 14 + length / 16
    middle = (x1 + x2) / 2 + across[0] * bend, (y1 + y2) / 2 + across[1] * bend
    start, end = _edge((x1, y1), middle), _edge((x2, y2), middle)
    return (
        f'<path d="M{start[0]:.0f} {start[1]:.0f} Q{middle[0]:.0f} {middle[1]:.0f} '
        f'{end[0]:.0f} {end[1]:.0f}" marker-end="url(#to)"/>'
    )


def _edge(centre: tuple[float, float], towards: tuple[float, float]) -> tuple[float, float]:
    """Where the line from a box's middle leaves the box."""
    dx, dy = towards[0] - centre[0], towards[1] - centre[1]
    reach = min(
        (WIDTH / 2 + 3) / abs(dx) if dx else float("inf"),
        (HEIGHT / 2 + 3) / abs(dy) if dy else float("inf"),
    )
    return centre[0] + dx * reach, centre[1] + dy * reach
