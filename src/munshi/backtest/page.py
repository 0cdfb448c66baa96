"""A backtest's report as one HTML file that needs nothing else, and as a JSON document."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime
from html import escape
from itertools import accumulate
from typing import Any

from munshi.backtest.charts import Mark, candle_chart, line_chart
from munshi.backtest.confirming import confirmation_lines
from munshi.backtest.page_style import STYLE
from munshi.backtest.page_tables import (
    figures_table,
    groups_tables,
    instant,
    legs_table,
    months_table,
    rupees,
    shown,
    spread_of,
    table,
    trades_table,
)
from munshi.backtest.review import BacktestReport
from munshi.clock import IST
from munshi.domain.backtest.months import monthly_returns
from munshi.domain.backtest.pitfalls import PitfallCheck
from munshi.domain.backtest.results import Trade
from munshi.domain.backtest.runs import BacktestRun
from munshi.domain.backtest.warnings import ENOUGH
from munshi.domain.market.candles import PRICE_SCALE
from munshi.domain.market.charges import Side

_PAISA = PRICE_SCALE // 100
_PINS = (
    *("run_id", "job_id", "engine", "engine_version", "code_version", "label", "data_fingerprint"),
    *("result_hash", "duration_ms", "created_at"),
)


def report_document(report: BacktestReport) -> dict[str, Any]:
    """Money in paise; `equity` is that of each day's end, `months` what it gained in each."""
    run = report.run
    return {
        "assumptions": list(run.assumptions),
        "warnings": list(report.warnings),
        "pitfalls": [asdict(check) for check in report.pitfalls],
        "run": {name: getattr(run, name) for name in run.__slots__},
        "evidence": asdict(report.evidence),
        "groups": {name: [asdict(g) for g in groups] for name, groups in report.groups.items()},
        "months": [asdict(each) for each in monthly_returns(_capital(report), _daily(report))],
        "equity": [
            {"day": day.isoformat(), "equity": equity, "drawdown": down}
            for day, equity, down in _days(report)
        ],
        "trades": [
            {
                "decided_at": trade.decided_at,
                "outcome": trade.end.value,
                "signal": trade.signal,
                "expiry": trade.expiry,
                "gross": trade.gross,
                "costs": trade.costs,
                "net": trade.net,
                "legs": [asdict(leg) for leg in trade.legs],
            }
            for trade in report.trades
        ],
    }


def report_page(report: BacktestReport) -> str:
    """The whole page: assumptions and warnings first, dark and light, without any script."""
    run = report.run
    title = f"{run.strategy} on {run.instrument}, {run.from_date} to {run.to_date}"
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="about">{escape(_about(run))}</p>',
        '<div class="first"><section><h2>What it takes for granted</h2>',
        _list(run.assumptions),
        '</section><section class="warnings"><h2>Warnings</h2>',
        _list(report.warnings or ("None. That is no promise.",)),
        "</section></div>",
        _cards(report),
        *_curves(report),
        *_candles(report),
        *_months(report),
        "<h2>What this backtest does not do</h2>",
        _checks(report.pitfalls),
        *_confirmed(run),
        "<h2>Figures</h2>",
        figures_table(report),
        *groups_tables(report),
        trades_table(report.trades),
        legs_table(report.trades),
        "<h2>Where it comes from</h2>",
        table((), _origins(run), css="facts", head=False),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body>{''.join(body)}</body></html>"
    )


def _about(run: BacktestRun) -> str:
    return (
        f"Bars of {run.bar_interval}; {run.label}. Run {instant(run.created_at)} IST by "
        f"{run.engine} {run.engine_version}."
    )


def _cards(report: BacktestReport) -> str:
    metrics, evidence = report.run.metrics, report.evidence
    capital = _capital(report)
    of_capital = f"{100 * report.run.net / capital:+.2f} % of {rupees(capital)}" if capital else ""
    better = evidence.deflated_sharpe
    luck = "cannot be told" if better is None else f"after {evidence.trials:,} trials"
    if better is not None:
        luck += ", no more than luck" if better < ENOUGH else ", more than luck"
    cards = [
        ("Net, in rupees", rupees(report.run.net), of_capital),
        ("Trades", f"{metrics.get('trades') or 0:,}", f"{_figure(report, 'win_rate')} won"),
        ("A trade, in rupees", _figure(report, "expectancy"), spread_of(metrics, "expectancy")),
        ("Profit factor", _figure(report, "profit_factor"), "won by lost"),
        ("Deepest drawdown", _figure(report, "max_drawdown"), spread_of(metrics, "max_drawdown")),
        ("Sharpe ratio", _figure(report, "sharpe"), spread_of(metrics, "sharpe")),
        ("Deflated Sharpe", shown("deflated_sharpe", better), luck),
        ("Charges", _figure(report, "costs"), f"{_figure(report, 'costs_of_gross')} of gross"),
    ]
    told = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(more)}</small></dd></div>"
        for name, value, more in cards
    )
    return f'<dl class="cards">{told}</dl>'


def _figure(report: BacktestReport, name: str) -> str:
    return shown(name, report.run.metrics.get(name))


def _checks(checks: Iterable[PitfallCheck]) -> str:
    told = "".join(
        f"<div{'' if check.is_absent else ' class=done'}><dt>"
        f"<em>{'no' if check.is_absent else 'YES'}</em>{escape(check.name)}</dt>"
        f"<dd>{escape(check.said)}</dd></div>"
        for check in checks
    )
    return f'<dl class="checks">{told}</dl>'


def _capital(report: BacktestReport) -> int:
    """What the curve began with: it ends with that and the net."""
    return report.equity[-1].equity - report.run.net if report.equity else 0


def _daily(report: BacktestReport) -> list[tuple[date, int]]:
    return [(date.fromordinal(day), value) for day, value in report.equity.by_day().items()]


def _days(report: BacktestReport) -> Iterator[tuple[date, int, float]]:
    daily = _daily(report)
    for (day, value), down in zip(daily, _drawdowns([each for _, each in daily]), strict=True):
        yield day, value, down


def _drawdowns(equity: Sequence[int]) -> list[float]:
    return [
        value / peak - 1 if peak > 0 else 0.0
        for value, peak in zip(equity, accumulate(equity, max), strict=True)
    ]


def _curves(report: BacktestReport) -> list[str]:
    if not report.equity:
        return []
    equity = [cash + position for _, cash, position in report.equity.rows()]
    named = {day: f"{date.fromordinal(day):%d %b %Y}" for day in report.equity.by_day()}
    days = [named[day] for day in report.equity.days()]
    return [
        "<h2>Equity, in rupees</h2>",
        line_chart(
            equity, label="Equity at each bar's close", css="equity", days=days, shown=_whole
        ),
        "<h2>Drawdown</h2>",
        line_chart(
            _drawdowns(equity),
            label="Share of the highest equity before that was lost",
            css="drawdown",
            days=days,
            shown=lambda share: f"{100 * share:.2f} %",
        ),
    ]


def _months(report: BacktestReport) -> list[str]:
    if not report.equity:
        return []
    return ["<h2>Month by month, in per cent</h2>", months_table(_capital(report), _daily(report))]


def _candles(report: BacktestReport) -> list[str]:
    if not report.candles:
        return []
    size = max(each.bars for each in report.candles)
    candles = [
        (each.open / _PAISA, each.high / _PAISA, each.low / _PAISA, each.close / _PAISA)
        for each in report.candles
    ]
    opens = [each.opens for each in report.candles]
    marks = [mark for trade in report.trades for mark in _marks(trade, report, opens)]
    kinds = ("opened", "ended") if any(m.css == "entry" for m in marks) else ("bought", "sold")
    return [
        f"<h2>Trades on candles{f' of {size:,} bars' if size > 1 else ''}</h2>",
        candle_chart(
            candles,
            marks,
            label="Prices, with every order or, of options, when each trade opened and ended",
            days=[f"{each.opens.astimezone(IST):%d %b %Y}" for each in report.candles],
            shown=_whole,
        ),
        f'<p class="legend"><i class="round"></i>{kinds[0]}<i></i>{kinds[1]}</p>',
    ]


def _marks(trade: Trade, report: BacktestReport, opens: Sequence[datetime]) -> Iterator[Mark]:
    """Of what is drawn every order; of options on it, at its own price, the way in and out."""

    def place(at: datetime) -> int:
        return max(bisect_right(opens, at) - 1, 0)

    if trade.expiry is None:
        for leg in trade.legs:
            yield Mark(
                place=place(leg.at),
                price=leg.price,
                css="buy" if leg.side is Side.BUY else "sell",
                title=f"{leg.side} {leg.quantity} at {rupees(leg.price)}, {instant(leg.at)}",
            )
        return
    first = min((leg.at for leg in trade.legs), default=None)
    for at in sorted({leg.at for leg in trade.legs}):
        told = "; ".join(
            f"{leg.side} {leg.quantity} {leg.instrument} at {rupees(leg.price)}"
            for leg in trade.legs
            if leg.at == at
        )
        yield Mark(
            place=place(at),
            price=report.candles[place(at)].close / _PAISA,
            css="entry" if at == first else "exit",
            title=f"{trade.signal or ''} {told}, {instant(at)}".strip(),
        )


def _origins(run: BacktestRun) -> list[tuple[object, object]]:
    pins = [(name.replace("_", " "), getattr(run, name)) for name in _PINS]
    held = [(name.replace("_", " "), value) for name, value in run.coverage.items() if value != []]
    return [*pins, *held, *((f"parameter {name}", value) for name, value in run.parameters.items())]


def _confirmed(run: BacktestRun) -> list[str]:
    lines = list(confirmation_lines(run))
    return ["<h2>Run again by another engine</h2>", _list(lines)] if lines else []


def _whole(paise: float) -> str:
    return f"{paise / 100:,.0f}"


def _list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"
