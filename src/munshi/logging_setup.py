"""Log events as JSON lines on stderr, or readable at a terminal."""

import io
import json
import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, TextIO, cast
from uuid import UUID

import structlog
from structlog.types import EventDict, Processor

# The job that a thread runs, for the events it logs; written as text only where one is.
log_job_id: ContextVar[UUID | None] = ContextVar("munshi_log_job_id", default=None)


def configure_logging(level: str, *, stream: TextIO | None = None) -> None:
    """Send every event of `level` and above to `stream` (stderr).

    Libraries speak from WARNING on, whatever the level: at lower levels HTTP and SQL libraries
    print addresses and parameters, and those hold tokens.
    """
    out = cast("TextIO", _Unfailing(stream or sys.stderr))
    people = out.isatty()
    structlog.configure(
        processors=[*_shared(), *_rendering(people=people)],
        wrapper_class=structlog.make_filtering_bound_logger(level.lower()),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_shared(), structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(people=people),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))


class _Unfailing(io.TextIOBase):
    """A full disk or a closed pipe below the log must not end who wants to say something."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def isatty(self) -> bool:
        return self._out.isatty()

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._out.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._out.flush()


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        _name_the_job,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _name_the_job(_: object, __: str, event: EventDict) -> EventDict:
    job_id = log_job_id.get()
    if job_id is not None:
        event.setdefault("job_id", str(job_id))
    return event


def _rendering(*, people: bool) -> list[Processor]:
    # Tracebacks stay plain: local variables may be secrets.
    if people:
        return [
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ]
    return [
        structlog.processors.format_exc_info,
        _in_reading_order,
        structlog.processors.JSONRenderer(serializer=_to_json),
    ]


def _in_reading_order(_: object, __: str, event: EventDict) -> EventDict:
    first = {name: event.pop(name, None) for name in ("timestamp", "level", "event")}
    return {**first, **event}


def _to_json(event: object, *, default: Callable[[Any], Any], **_: object) -> str:
    return json.dumps(event, default=default, ensure_ascii=False, separators=(",", ":"))
