"""Which driver's own SQL serves which database; the others go through Core."""

from collections.abc import Mapping

from munshi.infrastructure.database.job_claims import ClaimDialect
from munshi.infrastructure.database.job_claims_postgresql import PostgresqlClaims
from munshi.infrastructure.database.job_claims_sqlite import SqliteClaims

DIALECTS: Mapping[str, ClaimDialect] = {
    "sqlite": SqliteClaims(),
    "postgresql": PostgresqlClaims(),
}
