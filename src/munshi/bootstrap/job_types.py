"""The job types that a process knows: one entry each."""

from collections.abc import Mapping
from types import MappingProxyType

from munshi.bootstrap.research import CONFIRMED_SWEEP, IN_NAUTILUS
from munshi.domain.backtest.audits import AuditParams
from munshi.domain.backtest.params import BacktestParams
from munshi.domain.backtest.sweeps import SweepParams, SweepPartParams
from munshi.domain.job_params import (
    AutoLoginParams,
    CollectionParams,
    NoParams,
    QualityParams,
    StreamParams,
    VerificationParams,
)
from munshi.domain.job_specs import Backoff, JobSpec
from munshi.domain.jobs import (
    AUDIT_ARCHIVE,
    AUDIT_VERIFICATION,
    AUTO_LOGIN,
    BACKTEST,
    BACKTEST_AUDIT,
    BACKTEST_SWEEP,
    BACKTEST_SWEEP_PART,
    BROKER_CALL_ANALYSIS,
    CACHE_REPORT,
    COLLECTION_PART,
    COLLECTION_QUEUE,
    DAILY_COLLECTION,
    DATA_COLLECTION,
    DATA_QUALITY,
    DATA_VERIFICATION,
    DATABASE_MAINTENANCE,
    EVENING_SUMMARY,
    HEALTH_SWEEP,
    INSTRUMENT_LOAD,
    JOB_CLEANUP,
    ML_VALIDATION,
    MORNING_BRIEF,
    PRICE_STREAM,
    SESSION_CLEANUP,
    SESSION_WATCH,
)
from munshi.domain.validation.params import ValidationParams

# Each has waited a quarter of an hour for the broker: a night, all together.
COLLECTION_TRIES = 24
JOB_TYPES: Mapping[str, JobSpec] = MappingProxyType(
    {
        DATA_COLLECTION: JobSpec(
            params=CollectionParams,
            entry="munshi.market.job:run",
            runs_in="thread",
            idempotent=True,
            max_attempts=COLLECTION_TRIES,
            bulk=True,
        ),
        # More at a time would only wait for the same permits, and hold threads meanwhile.
        COLLECTION_PART: JobSpec(
            params=CollectionParams,
            entry="munshi.market.job:run_part",
            runs_in="thread",
            idempotent=True,
            queue=COLLECTION_QUEUE,
            queue_limit=2,
            max_attempts=COLLECTION_TRIES,
            max_crashes=COLLECTION_TRIES,
            bulk=True,
        ),
        DAILY_COLLECTION: JobSpec(
            params=NoParams,
            entry="munshi.market.daily_job:run",
            runs_in="thread",
            idempotent=True,
            max_attempts=COLLECTION_TRIES,
            bulk=True,
        ),
        # A list that is refused in the morning may be whole half an hour later.
        INSTRUMENT_LOAD: JobSpec(
            params=NoParams,
            entry="munshi.market.instrument_job:run",
            runs_in="thread",
            idempotent=True,
            max_attempts=4,
            backoff=Backoff(first_seconds=1800),
        ),
        DATA_VERIFICATION: JobSpec(
            params=VerificationParams,
            entry="munshi.market.verification_job:run",
            runs_in="thread",
            idempotent=True,
            bulk=True,
        ),
        DATA_QUALITY: JobSpec(
            params=QualityParams,
            entry="munshi.market.quality_job:run",
            runs_in="thread",
            idempotent=True,
            bulk=True,
        ),
        # It lasts all day, and a day has more than three interruptions.
        PRICE_STREAM: JobSpec(
            params=StreamParams,
            entry="munshi.streams.job:run",
            runs_in="thread",
            idempotent=True,
            max_attempts=COLLECTION_TRIES,
            max_crashes=COLLECTION_TRIES,
            backoff=Backoff(first_seconds=2, longest_seconds=60),
        ),
        BACKTEST: JobSpec(
            params=BacktestParams,
            entry="munshi.backtest.job:run",
            other=IN_NAUTILUS,
            runs_in="process",
            idempotent=True,
        ),
        BACKTEST_AUDIT: JobSpec(
            params=AuditParams,
            entry="munshi.backtest.audit_job:run",
            runs_in="process",
            idempotent=True,
        ),
        ML_VALIDATION: JobSpec(
            params=ValidationParams,
            entry="munshi.validation.job:run",
            runs_in="process",
            needs="skfolio",
            idempotent=True,
        ),
        BACKTEST_SWEEP: JobSpec(
            params=SweepParams,
            entry="munshi.backtest.sweep_job:run",
            other=CONFIRMED_SWEEP,
            runs_in="process",
            idempotent=True,
        ),
        BACKTEST_SWEEP_PART: JobSpec(
            params=SweepPartParams,
            entry="munshi.backtest.sweep_job:run_part",
            runs_in="process",
            idempotent=True,
        ),
        AUTO_LOGIN: JobSpec(
            params=AutoLoginParams, entry="munshi.auth.job:run", runs_in="thread", idempotent=True
        ),
        SESSION_CLEANUP: JobSpec(
            params=NoParams, entry="munshi.auth.job:clean_up", runs_in="thread", idempotent=True
        ),
        # The next look comes soon, so one that failed is not worth another try.
        SESSION_WATCH: JobSpec(
            params=NoParams,
            entry="munshi.auth.job:watch",
            runs_in="thread",
            idempotent=True,
            max_attempts=1,
            timeout_seconds=300,
        ),
        # The next sweep comes soon, so one that failed is not worth another try.
        HEALTH_SWEEP: JobSpec(
            params=NoParams,
            entry="munshi.health.job:run",
            runs_in="thread",
            idempotent=True,
            max_attempts=1,
            timeout_seconds=300,
        ),
        # A channel hears a day's brief once, so a second try says nothing twice.
        MORNING_BRIEF: JobSpec(
            params=NoParams, entry="munshi.briefs.job:morning", runs_in="thread", idempotent=True
        ),
        EVENING_SUMMARY: JobSpec(
            params=NoParams, entry="munshi.briefs.job:evening", runs_in="thread", idempotent=True
        ),
        JOB_CLEANUP: JobSpec(
            params=NoParams,
            entry="munshi.maintenance.job:clean_up_jobs",
            runs_in="thread",
            idempotent=True,
        ),
        BROKER_CALL_ANALYSIS: JobSpec(
            params=NoParams,
            entry="munshi.rate_limits.job:run",
            runs_in="thread",
            idempotent=True,
        ),
        CACHE_REPORT: JobSpec(
            params=NoParams,
            entry="munshi.cache.job:run",
            runs_in="thread",
            idempotent=True,
        ),
        # Whoever has the turn keeps it a minute at most, so a second try comes through.
        AUDIT_ARCHIVE: JobSpec(
            params=NoParams,
            entry="munshi.maintenance.audit_job:run",
            runs_in="thread",
            idempotent=True,
            backoff=Backoff(first_seconds=90),
        ),
        AUDIT_VERIFICATION: JobSpec(
            params=NoParams,
            entry="munshi.maintenance.audit_job:verify",
            runs_in="thread",
            idempotent=True,
        ),
        DATABASE_MAINTENANCE: JobSpec(
            params=NoParams,
            entry="munshi.maintenance.job:maintain_database",
            runs_in="thread",
            idempotent=True,
            timeout_seconds=3600,
        ),
    }
)
