"""A validation as one page of HTML that needs nothing else: no script, no other file."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from munshi.clock import IST
from munshi.domain.validation.curves import precision_recall
from munshi.domain.validation.runs import ValidationRun
from munshi.domain.validation.verdicts import Verdict
from munshi.validation.charts import STYLE as CHART_STYLE
from munshi.validation.charts import calibration_chart, precision_recall_chart, spread_chart

SCORES = (
    ("roc_auc", "ROC AUC", "roc_auc"),
    ("pr_auc", "PR AUC", "pr_auc"),
    ("accuracy", "accuracy", "accuracy"),
    ("precision_score", "precision", "precision"),
    ("recall_score", "recall", "recall"),
    ("f1_score", "F1", "f1"),
    ("brier_score", "Brier score (less is better)", "brier"),
    ("log_loss", "log loss (less is better)", "log_loss"),
    ("calibration_error", "calibration error (less is better)", "calibration_error"),
    ("expectancy", "rupees a trade taken", "expectancy"),
    ("deflated_sharpe", "probability of being better than luck, tries counted", "deflated_sharpe"),
)
CONFUSION = ("", "won", "lost")
RELIABILITY = ("probability", "trades", "said", "came true")
_NAMES = {key: name.partition(" (")[0] for _, name, key in SCORES}
_MONEY = "expectancy"
_CLASSES = {Verdict.EDGE: "good", Verdict.NO_EDGE: "bad"}
_UNSURE = "unsure"
STYLE = (
    """
:root{color-scheme:light dark;--ink:#1f2328;--paper:#fff;--faint:#d0d7de;--guide:#6e7781;
--line:#0969da;--good:#1a7f37;--bad:#b42318;--unsure:#7d5300}
@media (prefers-color-scheme:dark){:root{--ink:#e6e8ee;--paper:#14171f;--faint:#394050;
--guide:#949cab;--line:#8ab4ff;--good:#5cd08f;--bad:#ff8a80;--unsure:#e8b64c}}
body{font:15px/1.5 system-ui,sans-serif;max-width:66em;margin:2em auto;padding:0 1em;
color:var(--ink);background:var(--paper)}h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}
table{border-collapse:collapse;margin:.5em 0 1.5em;font-variant-numeric:tabular-nums}
td,th{padding:.25em .8em;border-bottom:1px solid var(--faint);text-align:right;white-space:nowrap}
td:first-child,th:first-child{text-align:left;padding-left:0}
td:first-child{white-space:normal;min-width:7em}
.card{border:1px solid var(--faint);border-left:.4em solid;border-radius:.4em;padding:.2em 1.2em}
.card p{color:var(--ink)}.card .verdict{font-size:1.5em;font-weight:600;margin:.4em 0 0;
color:inherit}.good{color:var(--good)}.bad{color:var(--bad)}.unsure{color:var(--unsure)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(16em,1fr));gap:1.5em;
margin-top:1.5em}.scroll{overflow-x:auto}figure{margin:0}code{overflow-wrap:anywhere}
"""
    + CHART_STYLE
)


def report_page(run: ValidationRun) -> str:
    """Verdict and assumptions first; then scores, curves, baselines, folds and what pins it."""
    title = f"{run.model_type} on {run.signal_type} signals of {run.instrument}"
    css = _CLASSES.get(Verdict(run.verdict), _UNSURE)
    labels = [bool(label) for _, _, label in run.predictions]
    probabilities = [float(p) for _, p, _ in run.predictions]
    return "".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            (
                '<meta http-equiv="Content-Security-Policy" '
                "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
            ),
            f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
            f"<h1>{escape(title)}</h1>",
            f'<div class="card {css}"><p class="verdict">{escape(run.verdict)}</p>',
            f"<p>{escape(run.reason)}</p>",
            (
                f"<p>{run.test_samples} trades judged, {run.from_date} to {run.to_date}; try "
                f"{run.trials} on this instrument.</p></div>"
            ),
            _items("Assumptions and warnings", run.assumptions),
            _table(
                "Scores, walking forward",
                ("score", "value", "95 % interval"),
                score_rows(run),
            ),
            '<div class="charts">',
            calibration_chart(run.reliability),
            precision_recall_chart(
                precision_recall(probabilities, labels), base=sum(labels) / max(len(labels), 1)
            ),
            spread_chart(run.spread, headline=run.roc_auc),
            "</div>",
            _table("At the threshold", CONFUSION, confusion_rows(run)),
            _table("What was said, and what came true", RELIABILITY, reliability_rows(run)),
            _table(
                "Against baselines (model minus baseline)",
                ("baseline", "score", "baseline's", "difference", "95 % interval"),
                baseline_rows(run),
            ),
            _table(
                "Folds",
                ("from", "to", "learnt from", "left out", "judged", "AUC", "Brier"),
                fold_rows(run),
            ),
            _table(
                "Features, by the AUC lost without them",
                ("feature", "AUC lost", "deviation"),
                [
                    (each["feature"], _number(each["auc_lost"]), _number(each["deviation"]))
                    for each in run.importance
                ],
            ),
            _table("What it was told and made with", ("", ""), pin_rows(run)),
            "</body></html>",
        )
    )


def score_rows(run: ValidationRun) -> list[tuple[str, str, str]]:
    """Name, value and interval of each score, as people read them."""
    rows = []
    for field, name, key in SCORES:
        between = run.confidence_intervals.get(key)
        rows.append((name, _score(key, getattr(run, field)), _between(key, between)))
    return rows


def baseline_rows(run: ValidationRun) -> list[tuple[str, ...]]:
    """A row for each score that a baseline has, or one that says why it has none."""
    rows: list[tuple[str, ...]] = []
    for name, found in run.baseline.items():
        if "absent" in found:
            rows.append((name, found["absent"], "", "", ""))
            continue
        for key, between in found["model_minus_baseline"].items():
            rows.append(
                (
                    name,
                    _NAMES.get(key, key),
                    _score(key, found["scores"].get(key)),
                    _score(key, between["difference"]),
                    _between(key, between if between["low"] is not None else None),
                )
            )
    return rows


def fold_rows(run: ValidationRun) -> list[tuple[object, ...]]:
    return [
        (
            str(fold["from"])[:10],
            str(fold["to"])[:10],
            fold["train_samples"],
            fold["purged"],
            fold["test_samples"],
            _number(fold["roc_auc"]),
            _number(fold["brier"]),
        )
        for fold in run.folds
    ]


def confusion_rows(run: ValidationRun) -> list[tuple[object, ...]]:
    counts = run.confusion
    return [
        (
            f"taken, {run.threshold:.2f} or more",
            counts["true_positives"],
            counts["false_positives"],
        ),
        ("left", counts["false_negatives"], counts["true_negatives"]),
    ]


def reliability_rows(run: ValidationRun) -> list[tuple[object, ...]]:
    """The bins of probabilities that were said at all."""
    return [
        (
            f"{each['low']:.1f} to {each['high']:.1f}",
            each["count"],
            _number(each["mean"]),
            _number(each["share"]),
        )
        for each in run.reliability
        if each["count"]
    ]


def pin_rows(run: ValidationRun) -> list[tuple[object, object]]:
    return [
        ("validation", run.validation_id),
        ("backtest", run.backtest_run_id),
        ("made (IST)", f"{run.completed_at.astimezone(IST):%Y-%m-%d %H:%M}"),
        ("data", run.data_fingerprint),
        ("features", run.feature_fingerprint),
        ("result", run.result_hash),
        ("model file (SHA-256)", run.model_sha256 or "not kept"),
        ("seed", run.seed),
        *((f"parameter {name}", value) for name, value in sorted(run.parameters.items())),
        *((name, value) for name, value in sorted(run.versions.items())),
    ]


def _items(title: str, items: Iterable[str]) -> str:
    listed = "".join(f"<li>{escape(each)}</li>" for each in items)
    return f"<h2>{escape(title)}</h2><ul>{listed}</ul>"


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    table = f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'
    return f"<h2>{escape(title)}</h2>{table}"


def _score(key: str, value: float | None) -> str:
    if value is not None and key == _MONEY:
        return f"{value / 100:,.2f}"
    return _number(value)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _between(key: str, found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "-"
    return f"{_score(key, found['low'])} to {_score(key, found['high'])}"
