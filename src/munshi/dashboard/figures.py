"""Figures of research as people read them: money in rupees, shares in per cent."""

from collections.abc import Mapping
from dataclasses import dataclass

from munshi.dashboard.look import grouped, rupees

Figures = Mapping[str, int | float | None]
_MONEY = frozenset({"net", "gross", "costs", "slippage", "expectancy", "stranded_value"})
_SHARES = frozenset({"costs_of_gross", "win_rate", "exposure", "cagr", "max_drawdown"})
_COUNTS = frozenset({"trades", "unpriced", "stranded", "days", "max_drawdown_days"})
_HIDDEN = frozenset({"bootstrap_seed", "period_sharpe"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """One figure; `between` are the ends of its 90 % interval, empty without one."""

    name: str
    value: str
    between: str = ""


def figure_rows(figures: Figures) -> list[FigureRow]:
    """In the order in which they are stored, intervals beside their figures."""
    rows = []
    for name, value in figures.items():
        if name in _HIDDEN or name.endswith(("_low", "_high")):
            continue
        low, high = figures.get(f"{name}_low"), figures.get(f"{name}_high")
        between = (
            "" if low is None or high is None else f"{figure(name, low)} to {figure(name, high)}"
        )
        rows.append(
            FigureRow(name=name.replace("_", " "), value=figure(name, value), between=between)
        )
    return rows


def figure(name: str, value: float | None) -> str:
    """One value by the name of its figure."""
    if value is None:
        return "-"
    if name in _MONEY:
        return rupees(value)
    if name in _SHARES:
        return f"{100 * value:.2f} %"
    return grouped(int(value)) if value == int(value) and name in _COUNTS else f"{value:.3f}"
