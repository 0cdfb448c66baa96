"""Model validations over HTTP."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from apis import slug
from asgi import Caller
from desks import Desk
from made_validation_runs import AT, made_validation
from munshi.domain.validation.verdicts import Verdict


def test_a_validation_is_listed_shown_and_given_as_a_page(api: Caller, desk: Desk) -> None:
    run = made_validation()
    with desk.services.database.transaction() as tx:
        tx.validations.save_run(run)

    [listed] = api.get("/validations").json()["validations"]
    shown = api.get(f"/validations/{run.validation_id}").json()
    page = api.get(f"/validations/{run.validation_id}/report")

    assert listed.items() <= shown.items()
    assert (listed["verdict"], listed["roc_auc"], listed["precision_score"]) == (
        "no edge",
        0.5,
        None,
    )
    assert shown["predictions"][1][1:] == [0.75, 1]
    assert page.headers["content-type"].startswith("text/html")
    assert "attachment" in page.headers["content-disposition"]
    assert "&lt;i&gt;made up&lt;/i&gt;" in page.text
    assert "<b>" not in page.text


def test_validations_are_filtered_and_read_page_by_page(api: Caller, desk: Desk) -> None:
    runs = [
        replace(
            made_validation(signal_type=signal, trial_key=signal * 8),
            model_type=model,
            verdict=verdict.value,
            created_at=AT + timedelta(minutes=number),
        )
        for number, (model, signal, verdict) in enumerate(
            (
                ("logistic", "S1", Verdict.EDGE),
                ("lightgbm", "S1", Verdict.NO_EDGE),
                ("logistic", "S2", Verdict.NO_EDGE),
            )
        )
    ]
    with desk.services.database.transaction() as tx:
        for run in runs:
            tx.validations.save_run(run)
    newest_first = [str(run.validation_id) for run in reversed(runs)]

    def ids(query: str) -> list[str]:
        found = api.get(f"/validations?{query}").json()["validations"]
        return [each["validation_id"] for each in found]

    assert ids("") == newest_first
    assert ids("model_type=logistic") == [newest_first[0], newest_first[2]]
    assert ids("signal_type=S1&verdict=no%20edge") == [newest_first[1]]
    assert ids("instrument=NSE:INFY&model_type=lightgbm") == [newest_first[1]]
    assert ids("instrument=NSE:TCS") == []
    first = api.get("/validations?limit=2").json()
    second = api.get(f"/validations?limit=2&cursor={first['next_cursor']}").json()
    assert [each["validation_id"] for each in first["validations"]] == newest_first[:2]
    assert [each["validation_id"] for each in second["validations"]] == newest_first[2:]
    assert second["next_cursor"] is None
    for wrong in ("cursor=x", "verdict=perhaps", "limit=0", "limit=501", "limit=many"):
        assert api.get(f"/validations?{wrong}").status == 422, wrong


def test_a_validation_that_is_not_there_is_said_so(api: Caller) -> None:
    for path in (f"/validations/{uuid4()}", f"/validations/{uuid4()}/report"):
        answer = api.get(path)
        assert (answer.status, slug(answer)) == (404, "validation-unknown")


def test_what_a_job_is_told_wrongly_is_named_before_it_is_stored(api: Caller) -> None:
    for wrong, said in (
        ({"splits": "shuffled"}, "'shuffled' are refused"),
        ({"threshold": 0}, "threshold must be a probability between 0 and 1, not 0"),
        ({}, "There is no backtest"),
    ):
        told = {"run_id": str(uuid4()), **wrong}
        answer = api.post("/jobs", json_body={"job_type": "ml_validation", "parameters": told})

        assert (answer.status, slug(answer)) == (422, "job-parameters-invalid")
        assert said in answer.json()["detail"]
    assert api.get("/jobs").json()["jobs"] == []


def test_an_audit_of_a_run_that_nobody_has_is_refused(api: Caller) -> None:
    told = {"run_id": str(uuid4())}
    answer = api.post("/jobs", json_body={"job_type": "backtest_audit", "parameters": told})

    assert (answer.status, slug(answer)) == (422, "job-parameters-invalid")
    assert "There is no backtest" in answer.json()["detail"]
