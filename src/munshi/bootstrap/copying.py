"""Wires a copy of the desk's database; apart from the rest, because it brings the migrations."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from munshi.bootstrap import Services, key_sources
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.url import parse_database_url
from munshi.keeping.copying import DatabaseCopy


@contextmanager
def open_copy(services: Services, to: str) -> Iterator[DatabaseCopy]:
    """A copy from the desk's database to the one at the address `to`.

    Raises DatabaseUrlInvalidError.
    """
    settings = services.settings
    target = Database(parse_database_url(to, home=settings.home))
    with closing(target):
        yield DatabaseCopy(
            services.database,
            target,
            services.clock,
            sources=key_sources(settings),
            home=settings.home,
        )
