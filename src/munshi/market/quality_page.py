"""The quality report as one page: no script, no other host, nothing to load."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from munshi.market.quality_document import months_of

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2430; --paper: #fff; --line: #c9cdd6; --soft: #f1f2f5;
  --h0: #b3261e; --h1: #e07b39; --h2: #f0b849; --h3: #d8d36a; --h4: #a8cf7f; --h5: #2f7a3e;
  --on-dark: #fff; --on-light: #1f2430; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ee; --paper: #15181e; --line: #3a404c;
  --soft: #20242c; --h0: #c2473f; --h5: #357244; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 80rem; padding: 1rem;
  color: var(--ink); background: var(--paper); }
a { color: inherit; } code { background: var(--soft); padding: .1rem .3rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; }
th, td { border: 1px solid var(--line); padding: .2rem .5rem; text-align: left;
  vertical-align: top; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; } .map td { text-align: center; padding: .15rem .3rem; }
.map td a { display: block; text-decoration: none; }
.h0 { background: var(--h0); color: var(--on-dark); }
.h1 { background: var(--h1); color: var(--on-light); }
.h2 { background: var(--h2); color: var(--on-light); }
.h3 { background: var(--h3); color: var(--on-light); }
.h4 { background: var(--h4); color: var(--on-light); }
.h5 { background: var(--h5); color: var(--on-dark); }
:target { outline: 3px solid var(--h1); }
.mode { font-weight: 600; }
""".strip()
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'"
_STEPS = (50, 80, 95, 99)
_WHOLE = 100
_LISTED = 60


def quality_page(document: Mapping[str, Any]) -> str:
    """The document of `quality_document` as HTML, with the same facts.

    The heat map has a row a series and a column a month; each cell leads to that month's days.
    """
    return "".join(_parts(document))


def _parts(document: Mapping[str, Any]) -> Iterator[str]:
    simulated = document["mode"] == "simulated"
    mode = "Simulated brokers: prices from them are made up." if simulated else "Live brokers."
    yield (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Data quality · Munshi</title><style>{_STYLE}</style></head><body>"
        f'<p class="mode">{mode}</p><h1>Data quality</h1>'
        f"<p>Made {escape(document['made_at'])}. {_summed_up(document['summary'])}</p>"
    )
    yield from _totals(document)
    yield from _heat_map(document)
    for place, series in enumerate(document["series"]):
        yield from _series(series, place, document)
    yield "</body></html>\n"


def _summed_up(summary: Mapping[str, Any]) -> str:
    return (
        f"{summary['present']:,} of {summary['expected']:,} expected bars of "
        f"{summary['series']:,} series are held, {summary['missing']:,} are missing."
    )


def _totals(document: Mapping[str, Any]) -> Iterator[str]:
    summary = document["summary"]
    rows = [
        (document["reasons"][reason], bars) for reason, bars in summary["missing_by_reason"].items()
    ]
    yield _table("Missing bars", ("why", "bars"), rows)
    rows = [(document["flaws"][flaw], n) for flaw, n in summary["flawed_by_kind"].items()]
    yield _table("Bars that are held and wrong", ("bars that are", "bars"), rows)


def _heat_map(document: Mapping[str, Any]) -> Iterator[str]:
    months = months_of(document)
    yield '<h2 id="map">Coverage by month</h2><div class="wide"><table class="map"><tr><th>series'
    yield "</th>" + "".join(f"<th>{escape(month)}</th>" for month in months) + "</tr>"
    for place, series in enumerate(document["series"]):
        cells = {month["month"]: month for month in series["months"]}
        yield f'<tr><th><a href="#s{place}">{_title(series)}</a></th>'
        yield "".join(_cell(cells.get(month), place) for month in months) + "</tr>"
    yield (
        "</table></div><p>A cell is the part of the expected bars that is held, in percent; "
        "with ! some that are held are wrong. Empty: no bars are expected.</p>"
    )


def _cell(month: Mapping[str, Any] | None, place: int) -> str:
    if month is None:
        return "<td></td>"
    mark = "!" if month["findings"] else ""
    if not month["expected"]:
        return f"<td>{mark}</td>"
    percent = _percent(month)
    step = len(_STEPS) + 1 if percent == _WHOLE else sum(percent >= edge for edge in _STEPS)
    told = f"{month['present']:,} of {month['expected']:,} bars"
    return (
        f'<td class="h{step}"><a href="#s{place}-{month["month"]}" title="{told}">'
        f"{percent}{mark}</a></td>"
    )


def _percent(month: Mapping[str, Any]) -> int:
    """Rounded down, so that 100 is said of whole months only."""
    return int(100 * month["present"] // month["expected"])


def _series(series: Mapping[str, Any], place: int, document: Mapping[str, Any]) -> Iterator[str]:
    days = series["days"]
    yield f'<h2 id="s{place}">{_title(series)}</h2><p>{escape(series["label"])}. '
    yield (
        f"{series['from']} to {series['to']}: {series['present']:,} of {series['expected']:,} "
        f"bars. {days['trading']:,} trading days, {days['whole']:,} of them whole; "
        f"{days['weekends']:,} days of weekends, {len(days['holidays']):,} holidays, "
        f"{days['unknown_hours']:,} days at hours nobody knows, {days['to_come']:,} to come. "
        '<a href="#map">Up</a></p>'
    )
    yield _table(
        "",
        ("missing because", "from", "to", "days", "bars", "told", "mended by"),
        [
            (
                document["reasons"][one["reason"]],
                one["from"],
                one["to"],
                one["days"],
                one["bars"],
                one["detail"] or "",
                _command(one["command"]),
            )
            for one in series["missing"]
        ],
    )
    yield _table(
        "",
        ("bars that are", "bars", "days", "first at (UTC)", "told", "mended by"),
        [
            (
                document["flaws"][one["flaw"]],
                one["bars"],
                _listed(one["days"]),
                ", ".join(one["examples"]),
                one["detail"] or "",
                _command(one["command"]),
            )
            for one in series["findings"]
        ],
    )
    yield _table(
        "",
        ("month", "held", "expected", "trading days", "whole", "days that are not well"),
        [
            (
                _Html(f'<span id="s{place}-{month["month"]}">{month["month"]}</span>'),
                month["present"],
                month["expected"],
                month["trading_days"],
                month["whole_days"],
                _days_of(month, document),
            )
            for month in series["months"]
        ],
    )


def _days_of(month: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    told = []
    for one in month["missing"]:
        span = one["from"] if one["from"] == one["to"] else f"{one['from']} to {one['to']}"
        told.append(f"{span}: {one['bars']:,} bars missing, {document['reasons'][one['reason']]}")
    for one in month["findings"]:
        words = document["flaws"][one["flaw"]]
        told.append(f"{_listed(one['days'])}: {one['bars']:,} bars {words}")
    return "; ".join(told) or "none"


class _Html(str):
    """Text that is escaped already."""

    __slots__ = ()


def _command(text: str | None) -> _Html:
    return _Html(f"<code>{escape(text)}</code>" if text else "")


def _table(title: str, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return f"<h2>{escape(title)}</h2><p>None.</p>" if title else ""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(_data(value) for value in row)}</tr>" for row in rows)
    heading = f"<h2>{escape(title)}</h2>" if title else ""
    return f'{heading}<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _data(value: object) -> str:
    if isinstance(value, int):
        return f'<td class="n">{value:,}</td>'
    return f"<td>{value if isinstance(value, _Html) else escape(str(value))}</td>"


def _listed(days: Sequence[str]) -> str:
    more = len(days) - _LISTED
    return ", ".join(days[:_LISTED]) + (f" and {more:,} more" if more > 0 else "")


def _title(series: Mapping[str, Any]) -> str:
    return escape(f"{series['instrument']} {series['interval']} {series['source']}")
