"""The tables of a backtest's report."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from html import escape

from munshi.backtest.review import BacktestReport
from munshi.clock import IST
from munshi.domain.backtest.leg_lines import option_legs, way_out
from munshi.domain.backtest.months import MonthReturn, monthly_returns, yearly_returns
from munshi.domain.backtest.results import Trade

MOST_TRADES = 500
_MONEY = {"net", "gross", "costs", "slippage", "expectancy", "stranded_value"}
_SHARES = {"costs_of_gross", "win_rate", "exposure", "cagr", "max_drawdown"}
_NAMES = {
    "costs": "charges",
    "costs_of_gross": "charges as a share of gross",
    "unpriced": "orders and trades without a price",
    "stranded": "of those, entered and not left",
    "stranded_value": "what their orders moved",
    "exposure": "share of bars with a position",
    "cagr": "growth a year (CAGR)",
    "sharpe": "Sharpe ratio",
    "sortino": "Sortino ratio",
    "max_drawdown": "deepest drawdown",
    "max_drawdown_days": "longest drawdown in days",
    "days": "trading days",
    "period_sharpe": "Sharpe ratio of a day",
    "bootstrap_seed": "seed of the intervals",
    "trials": "trials on this instrument",
    "threshold": "Sharpe ratio of a day that luck reaches",
    "deflated_sharpe": "deflated Sharpe ratio",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_STEPS = (0.34, 0.67)


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell, with a class of the style sheet."""

    text: str
    css: str = ""


def figures_table(report: BacktestReport) -> str:
    """Every figure, with its interval where it has one."""
    metrics = report.run.metrics
    rows: list[Sequence[object]] = []
    for name, value in [*metrics.items(), *asdict(report.evidence).items()]:
        if name.endswith(("_low", "_high")):
            continue
        rows.append(
            (_NAMES.get(name, name.replace("_", " ")), shown(name, value), spread_of(metrics, name))
        )
    return table(("", "value", "90 % of the time"), rows)


def spread_of(metrics: Mapping[str, int | float | None], name: str) -> str:
    """The 90 % interval of a figure, or nothing."""
    low, high = metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
    return "" if low is None or high is None else f"{shown(name, low)} to {shown(name, high)}"


def months_table(capital: int, daily: Sequence[tuple[date, int]]) -> str:
    """Years down, months across: what the equity gained in each, in per cent."""
    months = monthly_returns(capital, daily)
    most = max((abs(each.share) for each in months if each.share is not None), default=0.0)
    found = {(each.year, each.month): each for each in months}
    years = yearly_returns(capital, daily)
    rows = [
        (
            str(year),
            *(_month(found.get((year, month)), most) for month in range(1, 13)),
            _share(years[year]),
        )
        for year in years
    ]
    return table(("", *_MONTHS, "year"), rows, css="months")


def _month(found: MonthReturn | None, most: float) -> object:
    if found is None:
        return ""
    share = found.share
    if not share or not most:
        return _share(share)
    depth = 1 + sum(abs(share) / most > step for step in _STEPS)
    return Cell(_share(share), f"{'m' if share > 0 else 'n'}{depth}")


def _share(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:+.2f}"


def groups_tables(report: BacktestReport) -> list[str]:
    headings = ("", "trades", "net", "charges", "of gross", "won", "expectancy", "profit factor")
    return [
        f"<h2>By {escape(kind.replace('_', ' '))}</h2>"
        + table(
            headings,
            [
                (
                    group.name,
                    group.trades,
                    money(group.net),
                    rupees(group.costs),
                    shown("costs_of_gross", group.costs_of_gross),
                    shown("win_rate", group.win_rate),
                    money(group.expectancy),
                    shown("profit_factor", group.profit_factor),
                )
                for group in groups
            ],
        )
        for kind, groups in report.groups.items()
        if groups
    ]


def trades_table(trades: Sequence[Trade]) -> str:
    """The first `MOST_TRADES` of them."""
    first = f", the first {MOST_TRADES:,} of {len(trades):,}" if len(trades) > MOST_TRADES else ""
    return f"<h2>Trades{first}</h2>" + table(
        ("decided (IST)", "side", "in", "out", "ended", "charges", "net"),
        [_trade(trade) for trade in trades[:MOST_TRADES]],
    )


def legs_table(trades: Sequence[Trade]) -> str:
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
            rupees(leg.price),
            instant(leg.at),
            *(rupees(getattr(leg.cost, name)) for name in charges),
        )
        for number, trade, leg in option_legs(trades[:MOST_TRADES])
    ]
    if not rows:
        return ""
    named = (name.replace("_", " ") for name in charges)
    return "<h2>Orders, leg by leg</h2>" + table((*headings, *named), rows)


def _trade(trade: Trade) -> tuple[object, ...]:
    if trade.expiry is not None:
        entry = trade.legs[0].at if trade.legs else None
        left = trade.legs[-1].at if trade.legs else None
        return (
            instant(trade.decided_at),
            trade.signal or "options",
            "" if entry is None else instant(entry),
            "" if left is None or left == entry else instant(left),
            way_out(trade),
            rupees(trade.costs),
            money(trade.net),
        )
    first, last = (trade.legs[0], trade.legs[-1]) if trade.legs else (None, None)
    return (
        instant(trade.decided_at),
        first.side if first else "",
        f"{rupees(first.price)} ({instant(first.at)})" if first else "",
        f"{rupees(last.price)} ({instant(last.at)})" if last and last is not first else "",
        trade.end.value.replace("_", " "),
        rupees(trade.costs),
        money(trade.net),
    )


def shown(name: str, value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, int | float):
        if name in _MONEY:
            return rupees(value)
        if name in _SHARES:
            return f"{100 * value:.2f} %"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def money(paise: float) -> Cell:
    """Told by its colour, too, whether it was lost."""
    return Cell(rupees(paise), "loss" if paise < 0 else "")


def rupees(paise: float) -> str:
    return f"{paise / 100:,.2f}"


def instant(at: datetime) -> str:
    return f"{at.astimezone(IST):%Y-%m-%d %H:%M}"


def table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], *, css: str = "", head: bool = True
) -> str:
    """Wider than the page it is scrolled by itself."""
    top = "".join(f"<th>{escape(each)}</th>" for each in headings)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    named = f' class="{css}"' if css else ""
    return (
        f'<div class="scroll" tabindex="0"><table{named}>'
        f"{f'<tr>{top}</tr>' if head else ''}{body}</table></div>"
    )


def _cell(cell: object) -> str:
    if isinstance(cell, Cell):
        named = f' class="{cell.css}"' if cell.css else ""
        return f"<td{named}>{escape(cell.text)}</td>"
    return f"<td>{escape(str(cell))}</td>"
