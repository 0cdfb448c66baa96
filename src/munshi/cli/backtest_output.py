"""How a backtest is shown, and how parameters are typed."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any
from uuid import UUID

import typer

from munshi.backtest.confirming import confirmation_lines
from munshi.bootstrap import Services
from munshi.cli.output import print_table, show_instant
from munshi.domain.backtest.breakdown import TradeGroup, breakdown
from munshi.domain.backtest.leg_lines import option_legs, way_out
from munshi.domain.backtest.measuring import Evidence
from munshi.domain.backtest.pitfalls import check_pitfalls
from munshi.domain.backtest.results import LegFill, Trade
from munshi.domain.backtest.runs import BacktestRun
from munshi.domain.backtest.warnings import warnings_of
from munshi.errors import BacktestRunUnknownError, JobParametersInvalidError

_MONEY = {"net", "gross", "costs", "slippage", "expectancy", "stranded_value"}
_SHARES = {"costs_of_gross", "win_rate", "exposure", "cagr", "max_drawdown", "deflated_sharpe"}
_ENDS = ("_low", "_high")
_TRADES_SHOWN = 40
_COMPARED = ("label", "data_fingerprint", "result_hash", "code_version", "engine", "engine_version")
_READ_AT_ONCE = 500


def read_parameters(given: Sequence[str]) -> dict[str, object]:
    """`fast=20` as JSON where it is, as text otherwise. Raises JobParametersInvalidError."""
    found: dict[str, object] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise JobParametersInvalidError(
                f"{each!r} is no parameter.", hint="Write it as fast=20."
            )
        found[name] = _read(value)
    return found


def read_grid(given: Sequence[str]) -> dict[str, list[object]]:
    """`fast=5,10,20` or `fast=5:20:5`, the last value included. Raises as `read_parameters`."""
    found: dict[str, list[object]] = {}
    for each in given:
        name, equals, values = each.partition("=")
        if not equals or not name:
            raise JobParametersInvalidError(
                f"{each!r} is no parameter.", hint="Write it as fast=5,10,20 or fast=5:20:5."
            )
        ends = [int(end) for end in values.split(":") if end.isdecimal()]
        if values.count(":") == 2 and len(ends) == 3 and ends[2]:  # noqa: PLR2004
            found[name] = list(range(ends[0], ends[1] + 1, ends[2]))
        else:
            found[name] = [_read(value) for value in values.split(",")]
    return found


def _read(value: str) -> object:
    try:
        return json.loads(value)
    except ValueError:
        return value


def find_run(services: Services, text: str) -> BacktestRun:
    """By its id or the beginning of it. Raises BacktestRunUnknownError."""
    try:
        return services.backtests.get(UUID(text))
    except ValueError:
        runs = every_run(services)
    found = [run for run in runs if text and str(run.run_id).startswith(text.lower())]
    if len(found) != 1:
        what = "There is no" if not found else "There is more than one"
        raise BacktestRunUnknownError(
            f"{what} backtest {text!r}.", hint="See them: munshi backtest list"
        )
    return found[0]


def every_run(services: Services) -> Iterator[BacktestRun]:
    """Newest first, read page by page."""
    cursor: str | None = None
    while True:
        page = services.backtests.page(cursor=cursor, limit=_READ_AT_ONCE)
        yield from page.rows
        cursor = page.next_cursor
        if cursor is None:
            return


def what_was_run(services: Services, *, is_filtered: bool) -> str:
    """What a list without a row says: nothing was run, or nothing that fits what was asked."""
    strategies = services.backtests.list_strategies()
    if not is_filtered or not strategies:
        return "none was run. Begin with: munshi backtest run --help"
    return f"none fits. There are runs of {', '.join(strategies)}."


def run_document(
    run: BacktestRun, trades: Sequence[Trade] | None = None, evidence: Evidence | None = None
) -> dict[str, Any]:
    """Money in paise."""
    document: dict[str, Any] = {name: getattr(run, name) for name in run.__slots__}
    if evidence is not None:
        document["evidence"] = asdict(evidence)
    if trades is not None:
        checks = check_pitfalls(run, trades)
        document["pitfalls"] = [asdict(check) for check in checks]
        if evidence is not None:
            document["warnings"] = warnings_of(run, evidence, checks)
        document["groups"] = {
            kind: [asdict(group) for group in groups] for kind, groups in breakdown(trades).items()
        }
        document["trades"] = [
            {
                "decided_at": trade.decided_at,
                "outcome": trade.end.value,
                "gross": trade.gross,
                "costs": trade.costs,
                "net": trade.net,
                "signal": trade.signal,
                "expiry": trade.expiry,
                "legs": [_leg(leg) for leg in trade.legs],
            }
            for trade in trades
        ]
    return document


def print_run(
    run: BacktestRun,
    trades: Sequence[Trade],
    evidence: Evidence,
    *,
    also: Sequence[str] = (),
) -> None:
    """Assumptions and warnings first; `also` are warnings that are not the run's own."""
    checks = check_pitfalls(run, trades)
    typer.secho(
        f"{run.strategy} on {run.instrument} {run.bar_interval}, {run.from_date} to {run.to_date}",
        bold=True,
    )
    for assumption in run.assumptions:
        typer.echo(assumption)
    for warning in (*also, *warnings_of(run, evidence, checks)):
        typer.secho(warning, fg="yellow")
    print_table(
        "What this backtest does not do",
        ("done", "", "what its trades show"),
        [("no" if each.is_absent else "YES", each.name, each.said) for each in checks],
    )
    print_table(
        "Figures",
        ("figure", "value", "90 % of the time"),
        [
            (name, shown(name, value), _range(run, name))
            for name, value in [*run.metrics.items(), *asdict(evidence).items()]
            if not name.endswith(_ENDS)
        ],
    )
    for kind, groups in breakdown(trades).items():
        if groups:
            print_groups(kind, groups)
    print_table(
        f"Trades, the first {_TRADES_SHOWN}" if len(trades) > _TRADES_SHOWN else "Trades",
        ("decided (IST)", "side", "in", "at", "out", "at", "ended", "costs", "net"),
        [_trade(trade) for trade in trades[:_TRADES_SHOWN]],
        empty="none.",
    )
    if legs := list(option_legs(trades[:_TRADES_SHOWN])):
        print_table(
            "Orders, leg by leg",
            ("trade", "signal", "expiry", "contract", "side", "units", "price", "at", "charges"),
            [
                (
                    number,
                    trade.signal or "",
                    trade.expiry,
                    leg.instrument,
                    leg.side,
                    leg.quantity,
                    rupees(leg.price),
                    show_instant(leg.at),
                    rupees(leg.cost.total),
                )
                for number, trade, leg in legs
            ],
        )
    for line in confirmation_lines(run):
        typer.echo(line)
    typer.echo(
        f"Run {run.run_id}, engine {run.engine} {run.engine_version}, "
        f"{run.duration_ms:,} ms, result {run.result_hash[:12]}."
    )


def print_groups(kind: str, groups: Sequence[TradeGroup]) -> None:
    print_table(
        f"By {kind.replace('_', ' ')}",
        ("", "trades", "net", "costs", "of gross", "won", "expectancy", "profit factor"),
        [
            (
                group.name,
                group.trades,
                rupees(group.net),
                rupees(group.costs),
                shown("costs_of_gross", group.costs_of_gross),
                shown("win_rate", group.win_rate),
                rupees(group.expectancy),
                shown("profit_factor", group.profit_factor),
            )
            for group in groups
        ],
    )


def _range(run: BacktestRun, name: str) -> str:
    low, high = (run.metrics.get(f"{name}{end}") for end in _ENDS)
    return "" if low is None or high is None else f"{shown(name, low)} to {shown(name, high)}"


def comparison(first: BacktestRun, second: BacktestRun) -> list[tuple[str, object, object]]:
    """Every figure, and the parameters that differ."""
    rows: list[tuple[str, object, object]] = [
        (name, first.metrics.get(name), second.metrics.get(name)) for name in first.metrics
    ]
    rows += [(name, getattr(first, name), getattr(second, name)) for name in _COMPARED]
    keys = sorted({*first.parameters, *second.parameters})
    told = [(key, first.parameters.get(key), second.parameters.get(key)) for key in keys]
    return rows + [(f"parameter {key}", a, b) for key, a, b in told if a != b]


def shown(name: str, value: object) -> str:
    if value is None:
        return "-"
    if name in _MONEY and isinstance(value, int | float):
        return rupees(value)
    if name in _SHARES and isinstance(value, int | float):
        return f"{100 * value:.2f} %"
    if isinstance(value, float):
        return f"{value:.3f}"
    return str(value)


def rupees(paise: float) -> str:
    return f"{Decimal(round(paise)) / 100:,.2f}"


def _trade(trade: Trade) -> tuple[object, ...]:
    """Of several legs no one price is the trade's; they are shown by themselves."""
    entry = trade.legs[0] if trade.legs else None
    left = trade.legs[-1] if len(trade.legs) > 1 else None
    has_one_price = trade.expiry is None
    return (
        show_instant(trade.decided_at),
        entry.side if entry and has_one_price else trade.signal or "",
        rupees(entry.price) if entry and has_one_price else "",
        show_instant(entry.at) if entry else "",
        rupees(left.price) if left and has_one_price else "",
        show_instant(left.at) if left and left.at != (entry and entry.at) else "",
        way_out(trade),
        rupees(trade.costs),
        rupees(trade.net),
    )


def _leg(leg: LegFill) -> dict[str, Any]:
    document: dict[str, Any] = {name: getattr(leg, name) for name in leg.__slots__}
    cost = document.pop("cost")
    return document | {name: getattr(cost, name) for name in cost.__slots__}
