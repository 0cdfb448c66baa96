"""The writes that the audit does not cover; everything else that changes a table must be audited.

This is the only list. docs/reference/operational-writes.md is made from it, and
tests/audit/test_everything_is_audited.py reads it.
"""

from dataclasses import dataclass

from munshi.domain.jobs import JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationalWrite:
    """One table, or what some functions write into it.

    `writers` are `module:function` below `munshi`; without any, nobody's writes to the table are
    audited. A row that is put into one of the states `except_states` needs an audit row all the
    same.
    """

    table: str
    what: str
    why: str
    writers: tuple[str, ...] = ()
    except_states: frozenset[JobState] = frozenset()


_JOB_IS_AUDITED = "the job itself is audited, and what became of it is in its row"
# A job that comes to one of these did not do what it was made for, or waits for a person.
BAD_STATES = frozenset(
    {
        JobState.FAILED,
        JobState.DEAD,
        JobState.HELD,
        JobState.CANCELLED,
        JobState.PAUSED,
        JobState.WAITING,
    }
)

OPERATIONAL_WRITES = (
    OperationalWrite(
        table="BackgroundJobs",
        what="claims, leases, heartbeats, progress, success, and automatic tries",
        why="thousands an hour, by machines; each try is in JobAttempts",
        writers=(
            "jobs.dispatcher:Dispatcher.look",
            "jobs.dispatcher:Dispatcher._swap",
            "jobs.dispatcher:Dispatcher._claim_from",
            "jobs.keeper:LeaseKeeper._write",
            "jobs.records:Recorder._failure",
            "jobs.recovery:recover",
        ),
        except_states=BAD_STATES,
    ),
    OperationalWrite(
        table="BackgroundJobs",
        what="jobs that a schedule's due time starts",
        why="what decided is the schedule, whose changes are audited; each due time and its job "
        "are in SchedulerExecutions, and the health sweep alone would add 288 rows a day",
        writers=("scheduler.database_scheduler:DatabaseScheduler._deal",),
        except_states=BAD_STATES,
    ),
    OperationalWrite(table="JobAttempts", what="each try of a job", why=_JOB_IS_AUDITED),
    *(
        OperationalWrite(
            table=table,
            what=what,
            why=_JOB_IS_AUDITED,
            writers=("backtest.service:BacktestService.run",),
        )
        for table, what in (
            ("BacktestRuns", "what backtests came to"),
            ("BacktestTrades", "the trades of backtests"),
            ("BacktestLegs", "the orders of backtests, with their charges"),
        )
    ),
    OperationalWrite(
        table="MLValidationRuns",
        what="what model validations came to",
        why=_JOB_IS_AUDITED,
        writers=("validation.service:ValidationService.save",),
    ),
    OperationalWrite(
        table="BacktestAudits",
        what="what audits of backtests came to",
        why=_JOB_IS_AUDITED,
        writers=("backtest.auditing:AuditKeeper.run",),
    ),
    OperationalWrite(
        table="BacktestSweepResults",
        what="what sweeps came to as a whole",
        why=_JOB_IS_AUDITED,
        writers=("backtest.sweeping:SweepService.conclude",),
    ),
    OperationalWrite(
        table="BacktestSweeps",
        what="sweeps of backtests",
        why=_JOB_IS_AUDITED,
        writers=("backtest.sweeping:SweepService.begin",),
    ),
    OperationalWrite(
        table="BacktestTrials",
        what="what the trials of sweeps came to",
        why=_JOB_IS_AUDITED,
        writers=("backtest.sweeping:SweepService.run_part",),
    ),
    OperationalWrite(table="JobLogs", what="what jobs say", why=_JOB_IS_AUDITED),
    OperationalWrite(
        table="JobArtifacts",
        what="files that jobs leave",
        why=_JOB_IS_AUDITED,
        writers=("jobs.artifacts:ArtifactStore.keep",),
    ),
    OperationalWrite(table="JobSlots", what="places in queues with limits", why=_JOB_IS_AUDITED),
    OperationalWrite(
        table="JobWorkers",
        what="life signs of workers",
        why="nobody decides them",
        writers=("jobs.signs:LifeSigns.show", "jobs.signs:LifeSigns.leave"),
    ),
    OperationalWrite(
        table="SchedulerExecutions",
        what="what became of each due time",
        why="a record of its own; schedules and jobs that people start are audited",
    ),
    OperationalWrite(
        table="ScheduleCursors",
        what="how far each schedule has been dealt with",
        why="it follows from the schedule and the clock",
    ),
    OperationalWrite(
        table="CandleFiles",
        what="the month files that a collection or an import stores",
        why="the job's result says what changed; an import is audited with the file's hash",
        writers=(
            "market.candles:CandleService._save_month",
            "market.candles:CandleService.replace",
        ),
    ),
    OperationalWrite(
        table="ProvisionalBars",
        what="minutes as a stream showed them, until history confirms them",
        why="measured, not decided; many a minute",
        writers=(
            "streams.stream_store:StreamStore._save_once",
            "market.candles:CandleService._save_month",
            "market.candles:CandleService._forget_provisional",
            "market.provisional:ProvisionalService.cleanup",
        ),
    ),
    OperationalWrite(
        table="StreamQuotes",
        what="the first quote of each minute as a stream showed it",
        why="measured, not decided; many a minute",
        writers=(
            "streams.stream_store:StreamStore._save_once",
            "market.stored_quotes:KeptQuoteService._forget",
        ),
    ),
    OperationalWrite(
        table="CandleGaps",
        what="days of which a broker had no bars, or not all",
        why="nobody decides them; the job that asked is named in the row",
        writers=("market.gaps:GapService._replace",),
    ),
    OperationalWrite(
        table="Alerts",
        what="alerts raised and resolved by the desk itself",
        why="they follow from what is audited or measured; resolving one by hand is audited",
        writers=(
            "auth.login_book:LoginBook.ask_for_login",
            "auth.login_book:LoginBook.tell",
            "auth.token_mirror:TokenMirror.write",
            "health.service:HealthService.sweep",
            "scheduler.database_scheduler:DatabaseScheduler._read",
            "scheduler.database_scheduler:DatabaseScheduler._deal",
            "scheduler.database_scheduler:DatabaseScheduler._fail",
            "rate_limits.closures:Closures.close",
            "rate_limits.closures:Closures.succeeded",
            "circuits.breaker:CircuitBreaker._failed",
            "circuits.breaker:CircuitBreaker._answered",
            "cache.sweeper:Sweeper._tell",
            "cache.sweeper:Sweeper._resolve",
            "audit.ledger_service:LedgerService._tell",
            "alerts.engine:RuleEngine.look",
            "alerts.keeper:AlertKeeper._plan",
            "alerts.courier:Courier._record",
        ),
    ),
    *(
        OperationalWrite(table=table, what=what, why=why)
        for table, what, why in (
            (
                "AlertNotices",
                "what is to be told of alerts, and what became of it",
                "it follows from the alerts; it is a record itself",
            ),
            (
                "AlertMessages",
                "what channels are told",
                "it follows from the alerts; who set a channel up or tested it is audited",
            ),
            (
                "AlertDeliveries",
                "each try to deliver a message, with what came back",
                "a record of its own",
            ),
            ("AlertKeeper", "whose turn it is to keep the alerts", "nobody decides it"),
        )
    ),
    OperationalWrite(
        table="SystemHealth",
        what="samples of health",
        why="measured, not decided",
        writers=("health.service:HealthService.sweep", "health.retention:Retention.prune"),
    ),
    OperationalWrite(
        table="SystemHealthHourly",
        what="hours of health",
        why="measured, not decided",
        writers=("health.retention:Retention._roll_up_hour", "health.retention:Retention.prune"),
    ),
    OperationalWrite(
        table="ApiRatePools",
        what="limits as they hold now, and closures that a broker asked for",
        why="they follow from the configuration, whose changes are audited, and from the brokers",
        writers=(
            "rate_limits.pools:PoolBook._work_out",
            "rate_limits.closures:Closures.close",
        ),
    ),
    OperationalWrite(
        table="ApiRateSlots",
        what="permits to call a broker",
        why="each call takes one, by machines",
    ),
    OperationalWrite(
        table="ApiRateLimits",
        what="calls to brokers by minute, and the counts of days",
        why="counted, not decided",
    ),
    *(
        OperationalWrite(table=table, what=what, why="machines keep it; clearing it is audited")
        for table, what in (
            ("CacheEntries", "what the cache holds, and what it drops to make room"),
            ("CacheChanges", "which entries of the cache were written lately"),
            ("CacheLeases", "who is working an entry of the cache out"),
            ("CacheState", "how many writes and invalidations of the cache there were"),
            ("CacheTableChanges", "how often tables were changed that the cache depends on"),
            ("CacheTags", "when entries of a tag were last made invalid"),
            ("CacheUse", "how often the cache had the answer, by day"),
        )
    ),
    OperationalWrite(
        table="PendingLogins",
        what="the ten minutes in which a broker's redirect is accepted, and their use",
        why="the beginning of the login and the login are audited",
        writers=("auth.login_book:LoginBook.take_pending",),
    ),
    OperationalWrite(
        table="LoginStates",
        what="whose turn it is to log in, what people were told, and tries of a rejected login",
        why="logins and rejections are audited",
    ),
    OperationalWrite(
        table="BrokerCircuits",
        what="failures of a broker in a row, and until when it is left alone",
        why="measured, not decided",
    ),
    OperationalWrite(
        table="SignInThrottle",
        what="the counters behind failed sign-ins",
        why="each failure is audited",
        writers=(
            "people.throttle:SignInThrottle.begin",
            "people.throttle:SignInThrottle._take_back",
            "people.throttle:SignInThrottle._tidy",
        ),
    ),
    OperationalWrite(
        table="UserSessions",
        what="that a session is in use",
        why="once a minute at most; its beginning and its end are audited",
        writers=("people.sessions:SessionService.note_use",),
    ),
    OperationalWrite(
        table="ApiKeys",
        what="that an API key is in use",
        why="once a minute at most; what it does is audited",
        writers=("people.sessions:SessionService.note_use",),
    ),
    OperationalWrite(
        table="Users",
        what="the same password hashed under newer parameters",
        why="it follows from the setting, which is audited",
        writers=("people.sign_in:SignInService._renew_hash",),
    ),
    OperationalWrite(
        table="VaultKeys",
        what="the canary of a first master key, and the place it is kept in",
        why="made by the first start; every later change of keys is audited",
    ),
    OperationalWrite(
        table="DataKeys",
        what="the first data key of a purpose, made when something must be sealed",
        why="what is sealed is audited; every later change of keys is audited",
    ),
    *(
        OperationalWrite(
            table=table,
            what="the same secrets, sealed anew with another data key",
            why="no value changes; making and removing the keys is audited",
            writers=("keys.reencryption:_Run._seal_batch",),
        )
        for table in ("AuthSessions", "SystemConfigurations", "Users")
    ),
    OperationalWrite(
        table="AuditBlocks",
        what="blocks of sealed audit rows",
        why="they only bind what is in the trail",
        writers=("audit.sealer:Sealer._seal", "audit.sealer:begin_era"),
    ),
    OperationalWrite(
        table="AuditKeys",
        what="the key that signs blocks, when the first one is sealed",
        why="it comes with the first block; who signs is checked with every block",
        writers=("audit.sealer:Sealer._seal",),
    ),
    OperationalWrite(
        table="AuditSealer",
        what="who seals, which server's count that goes by, and who is at work on the archives",
        why="machines decide it, several times a second",
        writers=(
            "audit.sealer:Sealer._seal",
            "audit.sealer:Sealer._make_ready",
            "audit.sealer:begin_era",
            "audit.archive_turn:ArchiveTurn.held",
            "audit.archive_turn:ArchiveTurn.stay",
            "audit.archive_turn:ArchiveTurn._take",
            "audit.archiving:Mover._begin",
            "audit.archiving:Mover.discard",
            "audit.archiving:Mover.finish",
            "audit.restoring:Restorer.go_on",
            "audit.restoring:Restorer.clear",
        ),
    ),
    OperationalWrite(
        table="AuditArchives",
        what="how far an archive is, between the audit rows about it",
        why="what decided is audited when the file is on disk, or the rows are asked back",
        writers=(
            "audit.archiving:Mover._begin",
            "audit.archiving:Mover.discard",
            "audit.archiving:Mover.finish",
            "audit.restoring:Restorer.go_on",
            "audit.restoring:Restorer.clear",
        ),
    ),
    OperationalWrite(
        table="AuditLogs",
        what="rows that leave the table for an archive, and come back",
        why="each row is as it was, here or there, and the archive is audited",
        writers=("audit.archiving:Mover.finish", "audit.restoring:Restorer.go_on"),
    ),
    OperationalWrite(
        table="AuditPersonalData",
        what="personal values beside an audit row",
        why="they belong to the audit row",
    ),
)
