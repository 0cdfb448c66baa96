"""Archives over the API: for administrators, and rows come back only after the password."""

from pathlib import Path

import pytest

from asgi import Caller
from audit.archive_examples import made_archive
from audit.people_examples import Guest
from desks import Desk
from munshi.api.app import create_app


@pytest.fixture
def guest(desk: Desk) -> Guest:
    return Guest(desk, Caller(create_app(desk.services)))


def test_an_administrator_sees_the_archives(guest: Guest, tmp_path: Path) -> None:
    name = made_archive(guest.desk)

    (shown,) = guest.browser.get("/audit/archives").json()["archives"]

    assert (shown["name"], shown["state"]) == (name, "archived")
    assert shown["bytes"] == (tmp_path / "audit" / name).stat().st_size
    assert "signature" not in shown


def test_the_local_operator_sees_and_restores_none(guest: Guest) -> None:
    name = made_archive(guest.desk)
    plain = Caller(create_app(guest.desk.services))

    assert plain.get("/audit/archives").status in {401, 403}
    assert plain.post(f"/audit/archives/{name}/restore").status in {401, 403}
    assert plain.post("/audit/erase", json_body={"user": "asha"}).status in {401, 403}


def test_rows_come_back_and_values_go(guest: Guest) -> None:
    name = made_archive(guest.desk)

    erased = guest.post("/audit/erase", {"user": "somebody"}).json()
    back = guest.post(f"/audit/archives/{name}/restore").json()

    assert erased == {"values": 1, "rows": 1, "archived_rows": 1}
    assert back["rows"] > 1
    assert guest.desk.services.ledger.verify().findings == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/audit/archives/nonsense/restore", {}, 422),
        ("/audit/archives/audit-000000001-000000002.jsonl.gz/restore", {}, 404),
        ("/audit/erase", {}, 422),
        ("/audit/erase", {"user": ""}, 422),
    ],
)
def test_bad_input_is_refused(guest: Guest, path: str, body: object, status: int) -> None:
    assert guest.post(path, body).status == status
