"""Keys of type `audit`: when rows leave the table, and how long archives are kept."""

from munshi.domain.config_keys.key import AUDIT, ConfigKey
from munshi.domain.config_values import Whole
from munshi.domain.ledger.archives import LEAST_KEPT

ARCHIVE_AFTER_DAYS, KEEP_ARCHIVES_DAYS = "archive_after_days", "keep_archives_days"

KEYS: tuple[ConfigKey, ...] = (
    ConfigKey(
        config_type=AUDIT,
        name=ARCHIVE_AFTER_DAYS,
        shape=Whole(smallest=1, largest=3650),
        unit="days",
        default=90,
        needs_admin=True,
        description="After how many days audit rows move from the table into an archive.",
    ),
    ConfigKey(
        config_type=AUDIT,
        name=KEEP_ARCHIVES_DAYS,
        shape=Whole(smallest=LEAST_KEPT.days, largest=36_500),
        unit="days",
        default=1826,
        needs_admin=True,
        description="For how many days archives of audit rows are kept after they were made: five "
        "years, and never less than one. Their blocks stay for ever.",
    ),
)
