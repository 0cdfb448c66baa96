"""Backtests over HTTP."""

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from apis import slug
from asgi import Caller
from desks import Desk
from made_backtests import made_run, made_trades


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


def test_a_run_that_is_not_there_is_said_so(api: Caller) -> None:
    for path in (f"/backtests/{uuid4()}", f"/backtests/{uuid4()}/trades"):
        answer = api.get(path)
        assert (answer.status, slug(answer)) == (404, "backtest-run-unknown")


def test_what_a_job_is_told_wrongly_is_named_before_it_is_stored(api: Caller) -> None:
    told = {"strategy": "ma_cross", "instrument": "NSE:INFY", "from": "2024-06-10"}
    answer = api.post("/jobs", json_body={"job_type": "backtest", "parameters": told})

    assert (answer.status, slug(answer)) == (422, "job-parameters-invalid")
    assert "Not given: to." in answer.json()["detail"]


def test_a_report_says_what_is_wrong_with_it_and_is_a_file_without_any_host(
    api: Caller, desk: Desk
) -> None:
    run = replace(made_run(), strategy="<b>mine</b>")
    with desk.services.database.transaction() as tx:
        tx.backtests.save_run(run, made_trades())

    document = api.get(f"/backtests/{run.run_id}/report").json()
    file = api.get(f"/backtests/{run.run_id}/report.html")

    assert document["warnings"][0].startswith("There are no charts: ")
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

    assert f"run by munshi backtest report {run.run_id} only" in document["warnings"][0]
    assert not ran.exists()


def test_sweeps_are_listed_and_an_unknown_one_is_said_so(api: Caller) -> None:
    assert api.get("/backtests/sweeps").json() == []
    answer = api.get(f"/backtests/sweeps/{uuid4()}")
    assert (answer.status, slug(answer)) == (404, "backtest-sweep-unknown")
