"""A backtest's report as one HTML file that needs nothing else, and as a JSON document."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime
from html import escape
from itertools import accumulate
from typing import Any

from munshi.backtest.charts import Mark, candle_chart, line_chart
from munshi.backtest.confirming import confirmation_lines
from munshi.backtest.review import BacktestReport
from munshi.clock import IST
from munshi.domain.backtest.leg_lines import option_legs, way_out
from munshi.domain.backtest.results import Trade
from munshi.domain.backtest.runs import BacktestRun
from munshi.domain.market.candles import PRICE_SCALE
from munshi.domain.market.charges import Side

_PAISA = PRICE_SCALE // 100
_MOST_TRADES = 500
_MONEY = {"net", "gross", "costs", "slippage", "expectancy", "stranded_value"}
_SHARES = {"costs_of_gross", "win_rate", "exposure", "cagr", "max_drawdown"}
STYLE = """
:root { color-scheme: light dark; --ink: #1f2430; --paper: #fff; --faint: #d5d8e0;
  --good: #0b7a3c; --bad: #b3261e; --line: #1f4fa3; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ee; --paper: #14171f; --faint: #394050;
  --good: #5cd08f; --bad: #ff8a80; --line: #8ab4ff; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--faint); padding: .15rem .8rem .15rem 0; text-align: right; }
th:first-child, td:first-child { text-align: left; }
.scroll { overflow-x: auto; } svg { width: 100%; height: auto; }
svg text { font-size: 12px; fill: var(--ink); } polyline { fill: none; stroke-width: 1.5; }
.equity { stroke: var(--line); } .drawdown { stroke: var(--bad); }
.up { fill: var(--good); stroke: var(--good); } .down { fill: var(--bad); stroke: var(--bad); }
.buy, .sell { fill: var(--line); stroke: var(--paper); } .warnings { border-left: 4px solid
  var(--bad); padding-left: 1rem; } code { overflow-wrap: anywhere; }
"""


def report_document(report: BacktestReport) -> dict[str, Any]:
    """Money in paise; `equity` is that of each day's end."""
    run = report.run
    return {
        "assumptions": list(run.assumptions),
        "warnings": list(report.warnings),
        "run": {name: getattr(run, name) for name in run.__slots__},
        "evidence": asdict(report.evidence),
        "groups": {name: [asdict(g) for g in groups] for name, groups in report.groups.items()},
        "equity": [
            {"day": day, "equity": equity, "drawdown": down} for day, equity, down in _days(report)
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
        "<h2>What it takes for granted</h2>",
        _list(run.assumptions),
        '<section class="warnings"><h2>Warnings</h2>',
        _list(report.warnings or ("None. That is no promise.",)),
        "</section>",
        *_charts(report),
        *_confirmed(run),
        "<h2>Figures</h2>",
        _table(("", "value", "90 % of the time"), _figures(report)),
        *_groups(report),
        f"<h2>{_trades_title(len(report.trades))}</h2>",
        _table(
            ("decided (IST)", "side", "in", "out", "ended", "costs", "net"),
            [_trade(trade) for trade in report.trades[:_MOST_TRADES]],
        ),
        *_legs(report.trades[:_MOST_TRADES]),
        "<h2>Where it comes from</h2>",
        _table(
            ("", ""),
            [
                (name, getattr(run, name))
                for name in (
                    "run_id",
                    "engine",
                    "engine_version",
                    "code_version",
                    "label",
                    "data_fingerprint",
                    "result_hash",
                    "created_at",
                )
            ]
            + [(f"parameter {name}", value) for name, value in run.parameters.items()],
        ),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body>{''.join(body)}</body></html>"
    )


def _days(report: BacktestReport) -> list[tuple[str, int, float]]:
    equity = report.equity.by_day()
    peaks = accumulate(equity.values(), max)
    return [
        (date.fromordinal(day).isoformat(), value, value / peak - 1 if peak > 0 else 0.0)
        for (day, value), peak in zip(equity.items(), peaks, strict=True)
    ]


def _charts(report: BacktestReport) -> list[str]:
    return [*_curves(report), *_candles(report)]


def _curves(report: BacktestReport) -> list[str]:
    if not report.equity:
        return []
    equity = [cash + position for _, cash, position in report.equity.rows()]
    downs = [
        value / peak - 1 if peak > 0 else 0.0
        for value, peak in zip(equity, accumulate(equity, max), strict=True)
    ]
    return [
        "<h2>Equity</h2>",
        line_chart(
            equity,
            label="Equity at each bar's close",
            ticks=(_rupees(max(equity)), _rupees(min(equity))),
            css="equity",
        ),
        "<h2>Drawdown</h2>",
        line_chart(
            downs,
            label="Share of the highest equity before that was lost",
            ticks=("0 %", f"{100 * min(downs):.2f} %"),
            css="drawdown",
        ),
    ]


def _candles(report: BacktestReport) -> list[str]:
    if not report.candles:
        return []
    size = max(each.bars for each in report.candles)
    candles = [
        (each.open / _PAISA, each.high / _PAISA, each.low / _PAISA, each.close / _PAISA)
        for each in report.candles
    ]
    prices = [price for candle in candles for price in candle]
    return [
        f"<h2>Trades on candles{f' of {size:,} bars' if size > 1 else ''}</h2>",
        candle_chart(
            candles,
            _marks(report),
            label="Prices, with every order",
            ticks=(_rupees(max(prices)), _rupees(min(prices))),
        ),
    ]


def _marks(report: BacktestReport) -> list[Mark]:
    opens = [candle.opens for candle in report.candles]
    return [
        (
            max(bisect_right(opens, leg.at) - 1, 0),
            leg.price,
            "buy" if leg.side is Side.BUY else "sell",
            f"{leg.side} {leg.quantity} at {_rupees(leg.price)}, {_instant(leg.at)}",
        )
        for trade in report.trades
        for leg in trade.legs
        if leg.instrument == report.run.instrument
    ]


def _figures(report: BacktestReport) -> list[tuple[object, ...]]:
    metrics = report.run.metrics
    rows: list[tuple[object, ...]] = []
    for name, value in [*metrics.items(), *asdict(report.evidence).items()]:
        if name.endswith(("_low", "_high")):
            continue
        low, high = metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
        spread = "" if low is None else f"{_shown(name, low)} to {_shown(name, high)}"
        rows.append((name.replace("_", " "), _shown(name, value), spread))
    return rows


def _groups(report: BacktestReport) -> list[str]:
    headings = ("", "trades", "net", "costs", "of gross", "won", "expectancy", "profit factor")
    return [
        f"<h2>By {escape(kind.replace('_', ' '))}</h2>"
        + _table(
            headings,
            [
                (
                    group.name,
                    group.trades,
                    _rupees(group.net),
                    _rupees(group.costs),
                    _shown("costs_of_gross", group.costs_of_gross),
                    _shown("win_rate", group.win_rate),
                    _rupees(group.expectancy),
                    _shown("profit_factor", group.profit_factor),
                )
                for group in groups
            ],
        )
        for kind, groups in report.groups.items()
        if groups
    ]


def _confirmed(run: BacktestRun) -> list[str]:
    lines = list(confirmation_lines(run))
    return ["<h2>Run again by another engine</h2>", _list(lines)] if lines else []


def _trades_title(count: int) -> str:
    return "Trades" if count <= _MOST_TRADES else f"Trades, the first {_MOST_TRADES}"


def _legs(trades: Sequence[Trade]) -> list[str]:
    """Each order of option trades with its charges: the ledger of the run."""
    headings = ("trade", "signal", "expiry", "contract", "side", "units", "price", "at (IST)")
    charges = ("brokerage", "stt", "transaction", "sebi", "stamp", "gst", "exercise_stt")
    rows = [
        (
            number,
            trade.signal or "",
            trade.expiry,
            leg.instrument,
            leg.side,
            leg.quantity,
            _rupees(leg.price),
            _instant(leg.at),
            *(_rupees(getattr(leg.cost, name)) for name in charges),
        )
        for number, trade, leg in option_legs(trades)
    ]
    if not rows:
        return []
    named = (name.replace("_", " ") for name in charges)
    return ["<h2>Orders, leg by leg</h2>", _table((*headings, *named), rows)]


def _trade(trade: Trade) -> tuple[object, ...]:
    if trade.expiry is not None:
        entry = trade.legs[0].at if trade.legs else None
        left = trade.legs[-1].at if trade.legs else None
        return (
            _instant(trade.decided_at),
            trade.signal or "options",
            "" if entry is None else _instant(entry),
            "" if left is None or left == entry else _instant(left),
            way_out(trade),
            _rupees(trade.costs),
            _rupees(trade.net),
        )
    first, last = (trade.legs[0], trade.legs[-1]) if trade.legs else (None, None)
    return (
        _instant(trade.decided_at),
        first.side if first else "",
        f"{_rupees(first.price)} ({_instant(first.at)})" if first else "",
        f"{_rupees(last.price)} ({_instant(last.at)})" if last and last is not first else "",
        trade.end.value.replace("_", " "),
        _rupees(trade.costs),
        _rupees(trade.net),
    )


def _shown(name: str, value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, int | float):
        if name in _MONEY:
            return _rupees(value)
        if name in _SHARES:
            return f"{100 * value:.2f} %"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _rupees(paise: float) -> str:
    return f"{paise / 100:,.2f}"


def _instant(at: datetime) -> str:
    return f"{at.astimezone(IST):%Y-%m-%d %H:%M}"


def _list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in headings)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'
