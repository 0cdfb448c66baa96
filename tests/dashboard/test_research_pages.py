"""Pages of research: a backtest begun from a form, read, compared, and shown as a report."""

import re
from dataclasses import replace
from datetime import date
from html import unescape
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest

from asgi import Caller
from crowd import House
from desks import Desk
from made_backtests import AT, made_run, made_trades
from made_research import NIFTY, hold, run_backtests
from made_sweeps import store_sweep
from made_validation_runs import made_validation
from munshi.dashboard.figures import FigureRow, figure_rows
from munshi.dashboard.framed import framed
from munshi.dashboard.look import rupees
from munshi.domain.backtest.audit import Assumption, BacktestAudit, Peek
from munshi.domain.backtest.audits import KeptAudit
from munshi.domain.backtest.catalogue import STRATEGIES
from munshi.domain.backtest.params import BacktestParams
from munshi.domain.backtest.runs import BacktestRun
from munshi.domain.jobs import BACKTEST, BACKTEST_AUDIT

HTML = {"accept": "text/html", "sec-fetch-site": "same-origin"}
FORM = {**HTML, "content-type": "application/x-www-form-urlencoded"}
ASKED = {
    "strategy": "ma_cross",
    "instrument": NIFTY,
    "interval": "1minute",
    "from": "2026-11-17",
    "to": "2026-11-18",
    "parameters": "fast=3\nslow=8\nlong_only=true",
    "capital": "5000000",
    "lots": "1",
    "lot_size": "75",
    "kind": "futures",
    "fill": "next_open",
    "slippage_bp": "1",
}
NO_RUN = "00000000-0000-7000-8000-000000000000"


def _store(desk: Desk, **other: object) -> BacktestRun:
    run = replace(made_run(), **other)  # type: ignore[arg-type]
    with desk.services.database.transaction() as tx:
        tx.backtests.save_run(run, made_trades())
    return run


def test_a_backtest_is_begun_from_a_form_and_read_with_its_curve(inhabited: House) -> None:
    desk, omar, vera = inhabited.desk, inhabited.browser("omar"), inhabited.browser("vera")
    for day in (17, 18):
        hold(desk, f"2026-11-{day} 09:15", count=375)

    form = omar.get("/ui/research/new?strategy=opening_range", headers=HTML).text
    refused = vera.post("/ui/research/new", body=urlencode(ASKED).encode(), headers=FORM)
    wrong = omar.post(
        "/ui/research/new",
        body=urlencode({**ASKED, "parameters": "fast=9\nslow=3"}).encode(),
        headers=FORM,
    )
    begun = omar.post("/ui/research/new", body=urlencode(ASKED).encode(), headers=FORM)
    run_backtests(desk)
    [run] = desk.services.backtests.list_runs()
    job = vera.get(begun.headers["location"], headers=HTML).text
    page = vera.get(f"/ui/research/runs/{run.run_id}", headers=HTML).text
    orders = vera.get(
        f"/ui/data/candles.json?{urlencode({'instrument': NIFTY, 'interval': '1minute'})}"
        f"&run={run.run_id}",
        headers=HTML,
    ).json()

    assert "bars=15\nexit_at=15:15" in form
    assert (refused.status, wrong.status, begun.status) == (403, 422, 303)
    assert "fast=9" in wrong.text
    assert f'href="/ui/research/runs/{run.run_id}"' in job
    assert page.index("Warnings") < page.index("deflated") < page.index("Figures")
    assert "is an index, which nobody can buy" in page
    assert "data-lines=" in page
    assert re.search(r"₹(49|5\d),\d\d,\d\d\d\.\d\d", page)
    assert {mark["kind"] for mark in orders["marks"]} <= {"buy", "sell"}
    assert len(orders["marks"]) == sum(
        len(trade.legs) for trade in desk.services.backtests.trades(run.run_id)
    )


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_shipped_strategy_can_be_run_as_its_form_comes(
    inhabited: House, strategy: str
) -> None:
    """Only the instrument is filled in; what the job is told is what the form shows."""
    omar = inhabited.browser("omar")
    form = omar.get(f"/ui/research/new?strategy={strategy}", headers=HTML).text
    names = set(re.findall(r'<(?:input|select|textarea)[^>]*\bname="(\w+)"', form))
    typed = dict(re.findall(r'<input[^>]*\bname="(\w+)"[^>]*\bvalue="([^"]*)"', form))
    shown = re.search(r"<textarea[^>]*>(.*?)</textarea>", form, re.DOTALL)
    assert shown is not None
    chosen = {"kind": "", "interval": "5minute", "fill": "next_open", "engine": "kernel"}
    told = {**typed, **chosen, "instrument": NIFTY, "parameters": unescape(shown[1])}
    del told["confirm"], told["accept_holes"]  # boxes that are not ticked

    begun = omar.post("/ui/research/new", body=urlencode(told).encode(), headers=FORM)

    assert begun.status == 303, begun.text
    [job] = inhabited.desk.services.jobs.recent(job_type=BACKTEST).jobs
    usual = BacktestParams.from_json(
        {"strategy": strategy, "instrument": NIFTY, "from": told["from"], "to": told["to"]}
    ).to_json()
    assert {**job.parameters, "parameters": {}} == {**usual, "interval": "5minute"}
    # Nothing that a backtest may be told is missing on the page.
    assert set(usual) <= names


def test_runs_are_filtered_and_compared_and_one_without_a_curve_says_so(
    desk: Desk, local: Caller
) -> None:
    one, two = _store(desk), _store(desk, strategy="other", metrics={"net": 7, "sharpe": 0.25})

    every = local.get("/ui/research").text
    some = local.get("/ui/research?strategy=other&instrument=infy").text
    alone = local.get(f"/ui/research/runs/{one.run_id}").text
    compared = local.get(f"/ui/research/compare?run={one.run_id}&run={two.run_id}").text

    assert f"/ui/research/runs/{one.run_id}" in every
    assert f"/ui/research/runs/{one.run_id}" not in some
    assert f"/ui/research/runs/{two.run_id}" in some
    assert "There is no curve: " in alone
    assert "<strong>₹0.07</strong>" in compared
    assert "<td>0.250</td>" in compared
    assert "No curve of these is kept." in compared


def test_a_report_is_framed_with_a_policy_of_hashes_and_pages_keep_theirs(
    desk: Desk, local: Caller
) -> None:
    run, validation = _store(desk), made_validation()
    with desk.services.database.transaction() as tx:
        tx.validations.save_run(validation)

    for path in (
        f"/ui/research/runs/{run.run_id}",
        f"/ui/research/validations/{validation.validation_id}",
    ):
        page, report = local.get(path), local.get(f"{path}/report")
        policy = report.headers["content-security-policy"]
        assert f'src="{path}/report"' in page.text
        assert 'sandbox loading="lazy"' in page.text
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert "script-src 'none'" in policy
        assert "style-src 'sha256-" in policy or "'unsafe-hashes' 'sha256-" in policy
        assert "frame-ancestors 'self'; sandbox" in policy
        assert "unsafe-inline" not in policy
    listed = local.get("/ui/research/validations").text
    assert "no edge" in listed.lower()


def test_an_audit_is_asked_for_and_the_newest_told_with_what_another_engine_made(
    desk: Desk, local: Caller
) -> None:
    made = {"engine": "other", "engine_version": "1", "is_same": True, "trades": 2}
    run = _store(desk, confirmation=made)
    path = f"/ui/research/runs/{run.run_id}"
    peek = Peek(last_day=date(2024, 6, 10), what="Trade 1 is another without the future.")
    lost = Assumption(name="without charges", net=900, change=400, share=-0.8)
    found = BacktestAudit(
        net=5, days_cut=9, trades_compared=4, peeks=(peek,), assumptions=(lost,), seed=7
    )

    before = local.get(path).text
    asked = local.post(f"{path}/audit")
    with desk.services.database.transaction() as tx:
        tx.backtest_audits.save(
            KeptAudit(
                audit_id=uuid4(),
                run_id=run.run_id,
                job_id=None,
                code_version="0",
                found=found,
                duration_ms=3,
                created_at=AT,
            )
        )
    after = local.get(path).text

    assert "Nobody has asked yet" in before
    assert "the same 2 trades" in before
    [job] = desk.services.jobs.recent(5).jobs
    assert (asked.status, job.job_type) == (303, BACKTEST_AUDIT)
    assert "Trade 1 is another without the future." in after
    assert "<td>₹9.00</td><td>₹4.00</td><td>-80.00 %</td>" in after


def test_an_audit_of_a_run_that_is_not_there_is_no_job(desk: Desk, local: Caller) -> None:
    refused = local.post(f"/ui/research/runs/{NO_RUN}/audit")

    assert (refused.status, f"There is no backtest {NO_RUN}" in refused.text) == (404, True)
    assert not desk.services.jobs.recent(5).jobs


def test_a_sweep_tells_its_trials_the_best_first_and_how_whole_it_is(
    desk: Desk, local: Caller
) -> None:
    sweep = store_sweep(desk.services.database)

    listed = local.get("/ui/research/sweeps").text
    page = local.get(f"/ui/research/sweeps/{sweep.sweep_id}").text

    assert f"/ui/research/sweeps/{sweep.sweep_id}" in listed
    assert page.index("fast 3") < page.index("fast 2")
    assert "2 of 3 trials are stored so far." in page
    assert "cannot be told of so few trials" in page


def test_what_a_report_holds_is_allowed_by_hash_alone() -> None:
    answer = framed(
        "<script>alert(1)</script><script src='/x.js'></script><p style=\"color:red\">"
        "<style>p{}</style>"
    )

    policy = answer.headers["content-security-policy"]
    assert "script-src 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='" in policy
    assert policy.count("sha256-") == 3
    assert policy.endswith("sandbox allow-scripts")


def test_figures_are_told_as_people_read_them() -> None:
    assert rupees(-123_456_780) == "-₹12,34,567.80"
    assert figure_rows(
        {"net": 5, "win_rate": 0.5, "sharpe": 1.0, "sharpe_low": -1.0, "sharpe_high": 2.0}
    ) == [
        FigureRow(name="net", value="₹0.05"),
        FigureRow(name="win rate", value="50.00 %"),
        FigureRow(name="sharpe", value="1.000", between="-1.000 to 2.000"),
    ]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/ui/research/runs/{NO_RUN}", 404),
        ("/ui/research/runs/x", 422),
        (f"/ui/research/sweeps/{NO_RUN}", 404),
        (f"/ui/research/validations/{UUID(int=7)}/report", 404),
        ("/ui/research/compare", 422),
        (f"/ui/research/compare?run={NO_RUN}", 422),
        ("/ui/research?strategy=" + "x" * 200, 422),
    ],
)
def test_bad_input_has_a_page_with_a_way_on(local: Caller, path: str, status: int) -> None:
    answer = local.get(path, headers={"accept": "text/html"})

    assert answer.status == status, answer.text
    assert 'href="/ui/research"' in answer.text
