"""Model validations over HTTP."""

from uuid import uuid4

from apis import slug
from asgi import Caller
from desks import Desk
from made_validation_runs import made_validation


def test_a_validation_is_listed_shown_and_given_as_a_page(api: Caller, desk: Desk) -> None:
    run = made_validation()
    with desk.services.database.transaction() as tx:
        tx.validations.save_run(run)

    [listed] = api.get("/validations").json()
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
