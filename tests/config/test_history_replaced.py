"""SQLite's other ways to overwrite a row of the history, from a stranger's plain connection."""

import sqlite3
from pathlib import Path

import pytest

from munshi.bootstrap import Services
from munshi.domain.audit import Actor

ASHA = Actor(user_id="asha")


@pytest.mark.parametrize(
    "statement",
    [
        'INSERT OR REPLACE INTO "ConfigHistory" SELECT * FROM "ConfigHistory"',
        (
            'REPLACE INTO "ConfigHistory" (rowid, revision, config_type, config_key, version, '
            "is_secret, is_active, updated_by, updated_at) SELECT rowid, 999, config_type, "
            "config_key, 999, 0, 1, 'nobody', updated_at FROM \"ConfigHistory\""
        ),
        'UPDATE OR REPLACE "ConfigHistory" SET version = 1',
    ],
)
def test_no_spelling_replaces_a_row(services: Services, statement: str) -> None:
    services.config.set("jobs", "keep_days", 14, actor=ASHA)
    file = Path(str(services.database.engine.url.database))
    stranger = sqlite3.connect(file)

    with pytest.raises(sqlite3.IntegrityError, match="ConfigHistory is append-only"):
        stranger.execute(statement)

    stranger.close()
    assert services.config_past.history("jobs", "keep_days")[0].updated_by == "asha"
