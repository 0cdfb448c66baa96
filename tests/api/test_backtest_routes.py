"""Backtests over HTTP."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from apis import slug
from asgi import Caller
from desks import Desk
from made_backtests import AT, made_run, made_trades
from munshi.domain.backtest.audit import Assumption, BacktestAudit, Peek
from munshi.domain.backtest.audits import KeptAudit

NOBODYS = "00000000-0000-7000-8000-000000000000"
BASE = {"strategy": "ma_cross", "instrument": "NSE:INFY", "from": "2024-06-10", "to": "2024-06-11"}


def test_a_run_is_listed_and_shown_with_its_trades(api: Caller, desk: Desk) -> None:
    run = made_run()
    with desk.services.database.transaction() as tx:
        tx.backtests.save_run(run, made_trades())

    [listed] = api.get("/backtests").json()
    shown = api.get(f"/backtests/{run.run_id}").json()
    closed, unpriced = api.get(f"/backtests/{run.run_id}/trades").json()

    assert listed == shown
    assert (shown["assumptions"], shown["net"]) == (["Prices: made up."], 5)
    assert (closed["gross"], closed["costs"], closed["net"]) == (93, 56, 37)
    assert closed["legs"][0]["cost"]["exercise_stt"] == 7
    assert (unpriced["outcome"], unpriced["legs"]) == ("unpriced", [])


def test_runs_are_listed_by_strategy_and_instrument_and_page_by_page(
    api: Caller, desk: Desk
) -> None:
    runs = [
        replace(made_run(created_at=AT + timedelta(days=day)), strategy=name, instrument=on)
        for day, (name, on) in enumerate(
            [("ma_cross", "NSE:INFY"), ("ma_cross", "NSE:TCS"), ("mine.py", "NSE:INFY")]
        )
    ]
    with desk.services.database.transaction() as tx:
        for run in runs:
            tx.backtests.save_run(run, ())

    def found(query: str) -> list[str]:
        answer = api.get(f"/backtests?{query}")
        assert answer.status == 200
        return [run["run_id"] for run in answer.json()]

    ids = [str(run.run_id) for run in runs]
    assert found("strategy=ma_cross") == [ids[1], ids[0]]
    assert found("instrument=infy") == [ids[2], ids[0]]
    assert found("strategy=ma_cross&instrument=INFY") == [ids[0]]
    assert found("strategy=ma") == found("instrument=%25") == []
    first = api.get("/backtests?limit=2")
    cursor = first.headers["x-next-cursor"]
    last = api.get(f"/backtests?limit=2&cursor={cursor}")
    assert [run["run_id"] for run in first.json() + last.json()] == ids[::-1]
    assert "x-next-cursor" not in last.headers
    for path in ("/backtests?cursor=x", f"/backtests/sweeps?cursor={cursor}"):
        refused = api.get(path)
        assert (refused.status, slug(refused)) == (422, "cursor-invalid")
    for bad in ("limit=0", "limit=501", f"strategy={'x' * 101}"):
        assert api.get(f"/backtests?{bad}").status == 422


def test_a_run_that_is_not_there_is_said_so(api: Caller) -> None:
    for path in (f"/backtests/{uuid4()}", f"/backtests/{uuid4()}/trades"):
        answer = api.get(path)
        assert (answer.status, slug(answer)) == (404, "backtest-run-unknown")


def test_what_a_job_is_told_wrongly_is_named_before_it_is_stored(api: Caller) -> None:
    told = {"strategy": "ma_cross", "instrument": "NSE:INFY", "from": "2024-06-10"}
    answer = api.post("/jobs", json_body={"job_type": "backtest", "parameters": told})

    assert (answer.status, slug(answer)) == (422, "job-parameters-invalid")
    assert "Not given: to." in answer.json()["detail"]


@pytest.mark.parametrize(
    ("job_type", "told"),
    [
        ("backtest_audit", {"run_id": NOBODYS}),
        ("ml_validation", {"run_id": NOBODYS}),
        ("backtest_sweep", {"base": BASE, "grid": {"fast": [2, 3]}, "resume": NOBODYS}),
    ],
)
def test_a_job_that_names_what_is_not_there_is_refused_and_not_stored(
    api: Caller, desk: Desk, job_type: str, told: dict[str, object]
) -> None:
    answer = api.post("/jobs", json_body={"job_type": job_type, "parameters": told})

    assert (answer.status, slug(answer)) == (422, "job-parameters-invalid")
    assert NOBODYS in answer.json()["detail"]
    assert desk.services.jobs.recent(job_type=job_type).jobs == ()


def test_a_report_says_what_is_wrong_with_it_and_is_a_file_without_any_host(
    api: Caller, desk: Desk
) -> None:
    run = replace(made_run(), strategy="<b>mine</b>")
    with desk.services.database.transaction() as tx:
        tx.backtests.save_run(run, made_trades())

    document = api.get(f"/backtests/{run.run_id}/report").json()
    file = api.get(f"/backtests/{run.run_id}/report.html")

    assert document["warnings"][0].startswith("Charts are missing: ")
    assert "There is too little here to tell skill from luck." in document["warnings"]
    assert document["groups"]["month"][0]["net"] == 37
    text = file.body.decode()
    assert "&lt;b&gt;mine&lt;/b&gt;" in text
    assert text.index("What it takes for granted") < text.index("Warnings") < text.index("Figures")
    assert "<b>" not in text


def test_the_process_that_answers_runs_no_code_of_the_users(
    api: Caller, desk: Desk, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    file = tmp_path / "strategies" / "mine.py"
    file.parent.mkdir()
    file.write_text(f"open({str(ran)!r}, 'w')")
    run = replace(made_run(), strategy="mine.py")
    with desk.services.database.transaction() as tx:
        tx.backtests.save_run(run, made_trades())

    document = api.get(f"/backtests/{run.run_id}/report").json()
    api.get(f"/backtests/{run.run_id}/report.html")

    assert f"munshi backtest report {run.run_id} --html FILE" in document["warnings"][0]
    assert not ran.exists()


def test_audits_of_a_run_are_kept_and_listed(api: Caller, desk: Desk) -> None:
    run = made_run()
    found = BacktestAudit(
        net=5,
        days_cut=9,
        trades_compared=4,
        peeks=(Peek(last_day=date(2024, 6, 10), what="Trade 1 is another without the future."),),
        assumptions=(Assumption(name="without charges", net=9, change=4, share=-0.8),),
        seed=7,
    )
    kept = KeptAudit(
        audit_id=uuid4(),
        run_id=run.run_id,
        job_id=None,
        code_version="0",
        found=found,
        duration_ms=3,
        created_at=AT,
    )
    with desk.services.database.transaction() as tx:
        tx.backtests.save_run(run, made_trades())
        tx.backtest_audits.save(kept)
        tx.backtest_audits.save(replace(kept, audit_id=uuid4(), created_at=AT + timedelta(days=1)))

    newer, first = api.get(f"/backtests/{run.run_id}/audits").json()

    assert newer["created_at"] > first["created_at"]
    assert (first["is_clean"], first["days_cut"], first["seed"]) == (False, 9, 7)
    assert first["peeks"] == [{"last_day": "2024-06-10", "what": found.peeks[0].what}]
    assert first["assumptions"][0]["share"] == -0.8
    assert desk.services.backtest_audits.list_of(run.run_id)[1] == kept
    answer = api.get(f"/backtests/{uuid4()}/audits")
    assert (answer.status, slug(answer)) == (404, "backtest-run-unknown")


def test_sweeps_are_listed_and_an_unknown_one_is_said_so(api: Caller) -> None:
    assert api.get("/backtests/sweeps").json() == []
    answer = api.get(f"/backtests/sweeps/{uuid4()}")
    assert (answer.status, slug(answer)) == (404, "backtest-sweep-unknown")
