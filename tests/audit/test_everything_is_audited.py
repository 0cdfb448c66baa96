"""Every change of the desk leaves an audit row, but for the operational writes of the one list."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from asgi import Caller
from audit.examples import LOOKS, ROUTES, WORKS, Ground
from audit_walk import AUDIT, EXCHANGE, Walk, openers, watching
from desks import Desk
from munshi.dashboard.site import create_site
from munshi.domain.operational_writes import OPERATIONAL_WRITES
from munshi.infrastructure.database.models import metadata

HOW = "tests/audit/examples.py says how to add an example"
CACHE = {name for name in metadata.tables if name.startswith("Cache")}
LISTED = {writer for entry in OPERATIONAL_WRITES for writer in entry.writers}


@pytest.fixture
def ground(desk: Desk, tmp_path: Path) -> Iterator[Ground]:
    with closing(create_site(desk.services)) as site:
        yield Ground(desk=desk, api=Caller(site.app), folder=tmp_path)


@pytest.fixture
def walk(ground: Ground) -> Iterator[Walk]:
    with watching(ground.desk.services.database) as watched:
        yield watched


def complaints(walk: Walk) -> list[str]:
    return [
        f"{write.writer} changed {', '.join(sorted(write.unaudited))} without an audit row in its "
        "transaction: write one (tx.audit.log…), or, if nobody decides it, list it in "
        "src/munshi/domain/operational_writes.py"
        for write in walk.writes
        if write.unaudited
    ]


def mutating(routes: list[BaseRoute]) -> set[tuple[str, str]]:
    return {
        (method, route.path.replace(":path", ""))
        for route in routes
        if isinstance(route, APIRoute)
        for method in (route.methods or set()) - {"GET", "HEAD"}
    }


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_a_route_that_changes_something_leaves_an_audit_row(
    route: tuple[str, str], ground: Ground, walk: Walk
) -> None:
    answer = ROUTES[route](ground)

    assert answer.status < 400, answer.text
    assert complaints(walk) == []
    assert any(change.table == AUDIT for write in walk.writes for change in write.changes)


@pytest.mark.parametrize("route", LOOKS, ids=" ".join)
def test_a_route_that_only_looks_changes_nothing_but_the_cache(
    route: tuple[str, str], ground: Ground, walk: Walk
) -> None:
    answer = LOOKS[route](ground)

    assert answer.status < 400, answer.text
    assert {change.table for write in walk.writes for change in write.changes} <= CACHE


@pytest.mark.parametrize("work", WORKS)
def test_work_that_changes_something_leaves_an_audit_row_or_is_operational(
    work: str, ground: Ground, walk: Walk
) -> None:
    WORKS[work](ground)

    assert walk.writes
    assert complaints(walk) == []


def test_every_mutating_route_has_an_example(ground: Ground) -> None:
    with closing(create_site(ground.desk.services)) as site:
        found = mutating(site.app.routes)

    missing = found - ROUTES.keys() - LOOKS.keys()

    assert missing == set(), f"{missing} change something and have no example; {HOW}"
    assert ROUTES.keys() - found == set()


def test_every_function_that_opens_a_transaction_is_walked_or_listed(
    ground: Ground, walk: Walk
) -> None:
    for example in (*ROUTES.values(), *WORKS.values()):
        example(ground)
    walked = {write.writer for write in walk.writes}

    forgotten = openers() - walked - LISTED

    assert forgotten == set(), f"{forgotten} open transactions and no example comes there; {HOW}"


def test_the_list_names_tables_and_functions_that_exist() -> None:
    assert {entry.table for entry in OPERATIONAL_WRITES} - metadata.tables.keys() == set()
    assert LISTED - openers() - {EXCHANGE} == set()


def test_the_walk_notices_a_change_without_an_audit_row(ground: Ground, walk: Walk) -> None:
    with ground.desk.services.database.transaction() as tx:
        tx.config.set_config(
            "jobs", "keep_days", 9, updated_by="nobody", now=ground.desk.clock.now()
        )

    (complaint,) = complaints(walk)

    assert "SystemConfigurations" in complaint
