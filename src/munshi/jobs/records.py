"""How a worker stores ends: many good ones together, any other in a transaction of its own."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from munshi.clock import Clock
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import AttemptOutcome, JobEnding, JobState
from munshi.errors import ClockDriftError, DatabaseUnreachableError, JobAttemptFencedError
from munshi.infrastructure.causes import cause, trace
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_claims import Success
from munshi.infrastructure.database.server_connection import patience
from munshi.jobs.endings import record_ending
from munshi.jobs.run import JobRun

STORE_DELAYS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
AWAY_DELAY = 1.0
_AWAY = (DatabaseUnreachableError, ClockDriftError)
UNSTORABLE = JobEnding(
    state=JobState.FAILED,
    outcome=AttemptOutcome.ERROR,
    error="The job's result could not be stored; the log says why.",
)
_BRINGS_WORK = frozenset({JobState.WAITING, JobState.QUEUED})
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that ended well, as the exchange takes it, and as the recorder would."""

    run: JobRun
    ending: JobEnding
    success: Success


class Recorder:
    """Stores ends one by one, with what the last progress and the log still had to say.

    `rouse` is called when an end may have brought work: parts, a parent, another try, or a
    place in a queue with limits.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        registry: Mapping[str, JobSpec],
        rouse: Callable[[], None],
        answer_seconds: float,
    ) -> None:
        self._answer_seconds = answer_seconds
        self._rouse = rouse
        self._database = database
        self._clock = clock
        self._registry = registry

    def for_the_exchange(self, run: JobRun, ending: JobEnding) -> Finished | None:
        """`ending` as a success that needs nothing but its two rows; None if it needs more."""
        if ending.state is not JobState.SUCCEEDED or not run.is_plain or run.has_unsaved_log:
            return None
        success = Success(
            run.job_id,
            run.attempt,
            ending.message or None,
            _encode(ending.result) if ending.result else "{}",
        )
        return Finished(run, ending, success)

    def store(self, run: JobRun, ending: JobEnding) -> None:
        """Record the end, however long the database is away.

        One that is refused is tried for a while; failing that, the lease runs out.
        """
        reported = run.reported()
        kept = replace(
            ending,
            percent=reported.percent if ending.percent is None else ending.percent,
            message=reported.message if ending.message is None else ending.message,
        )
        run.take_unsaved()
        refusals = iter(STORE_DELAYS)
        while (error := self._failure(run, kept)) is not None and not run.is_fenced:
            delay = AWAY_DELAY if isinstance(error, _AWAY) else next(refusals, None)
            if delay is None:
                if not self.try_store(run, UNSTORABLE):
                    _log.error("job_ending_lost", attempt=run.attempt)
                return
            threading.Event().wait(delay)

    def try_store(self, run: JobRun, ending: JobEnding) -> bool:
        """False when the database is away or refuses a value; true when a newer attempt has it."""
        return self._failure(run, ending) is None

    def _failure(self, run: JobRun, ending: JobEnding) -> Exception | None:
        lines = run.take_log()
        try:
            with patience(self._answer_seconds), self._database.transaction() as tx:
                spec = self._registry.get(run.job.job_type)
                ended = record_ending(
                    tx, run.job, ending, spec=spec, log=lines, now=self._clock.now()
                )
                if not run.is_plain or ended.state in _BRINGS_WORK:
                    tx.after_commit(self._rouse)
        except JobAttemptFencedError:
            _log.warning("job_fenced", attempt=run.attempt)
        except _AWAY as error:
            run.put_back_log(lines)
            return error
        except Exception as error:  # noqa: BLE001 - the database refuses a value
            run.put_back_log(lines)
            _log.error("job_ending_not_stored", cause=cause(error), trace=trace(error))
            return error
        return None
