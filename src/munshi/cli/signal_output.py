"""How weekly signals are shown."""

from typing import Any

from munshi.backtest.signals import SignalReport
from munshi.clock import IST
from munshi.domain.market.candles import to_rupees
from munshi.domain.signals.evaluation import WeekOutcome
from munshi.domain.signals.parameters import SignalParameters

_STEPS = "▁▂▃▄▅▆▇█"
_WIDEST = 100


def chart(report: SignalReport) -> list[str]:
    """The closes of the days as one line, the numbers of the signals below their day.

    Only the newest days that fit.
    """
    closes = {bar.opens.astimezone(IST).date(): bar.close for bar in report.bars}
    days = sorted(closes)[-_WIDEST:]
    lowest, highest = min(closes[day] for day in days), max(closes[day] for day in days)
    signals = {
        week.signal.known_at.astimezone(IST).date(): week.signal.name.value[1:]
        for week in report.weeks
        if week.signal
    }
    steps = len(_STEPS) - 1
    line = "".join(
        _STEPS[(closes[day] - lowest) * steps // max(1, highest - lowest)] for day in days
    )
    marks = "".join(signals.get(day, " ") for day in days)
    span = f"{to_rupees(lowest):,.2f} to {to_rupees(highest):,.2f}"
    return [
        f"Daily closes {days[0]} to {days[-1]}, {span}:",
        line,
        marks.rstrip(),
    ]


def report_document(report: SignalReport, parameters: SignalParameters) -> dict[str, Any]:
    """Prices in rupees, as text; `points` are hourly bars."""
    return {
        "instrument": str(report.instrument),
        "made_from": report.made_from.value,
        "label": report.label,
        "parameters": parameters.to_json(),
        "weeks": [_week(week) for week in report.weeks],
        "missing_days": list(report.missing_days),
        "partial_days": [
            {"day": day.day, "expected": day.expected, "present": day.present}
            for day in report.partial_days
        ],
        "points": [
            {
                "opens": bar.opens,
                **{
                    name: str(to_rupees(getattr(bar, name)))
                    for name in ("open", "high", "low", "close")
                },
            }
            for bar in report.bars
        ],
    }


def _week(week: WeekOutcome) -> dict[str, Any]:
    signal, levels = week.signal, week.levels
    return {
        "monday": week.monday,
        "not_evaluated": week.not_evaluated,
        "bias": levels.bias.value if levels else None,
        "signal": signal.name.value if signal else None,
        "sells": signal.sells.value if signal else None,
        "strike": signal.strike if signal else None,
        "bar": signal.bar if signal else None,
        "known_at": signal.known_at if signal else None,
        "close": str(to_rupees(signal.close)) if signal else None,
        "stop_level": str(to_rupees(signal.stop_level)) if signal else None,
    }
