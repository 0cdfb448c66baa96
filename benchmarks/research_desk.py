"""A desk of its own for a benchmark: an empty home on SQLite, gone afterwards."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from munshi.bootstrap import Services, open_services
from munshi.infrastructure.database import migrate
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.url import parse_database_url
from munshi.settings import load_settings


@contextmanager
def open_desk() -> Iterator[Services]:
    with tempfile.TemporaryDirectory() as folder:
        # The child processes read them, too.
        os.environ |= {
            "MUNSHI_HOME": folder,
            "MUNSHI_ENV_FILE": f"{folder}/.env",
            "MUNSHI_WORKER_PROCESSES": "1",
        }
        settings = load_settings(_env_file=None)
        url = parse_database_url(settings.database_url.get_secret_value(), home=settings.home)
        database = Database(url)
        migrate.upgrade(database)
        database.close()
        with open_services(settings) as services:
            yield services
