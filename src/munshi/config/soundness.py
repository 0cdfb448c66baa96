"""Whether what is stored is what the declarations allow: somebody may have written by hand."""

from munshi.domain.config_keys import find_key
from munshi.errors import AppError
from munshi.infrastructure.database.engine import Database


def unsound_values(database: Database) -> list[str]:
    """A sentence for each stored value that is undeclared or ill-formed; secrets stay sealed."""
    with database.reading() as tx:
        entries = tx.config.list_stored()
    found: list[str] = []
    for entry in entries:
        if not entry.is_active:
            continue
        try:
            key = find_key(entry.config_type, entry.config_key)
            if not key.is_secret:
                key.check(entry.config_key, entry.value)
        except AppError as error:
            found.append(error.detail)
    return found
