"""A process that runs handlers for a worker, one job at a time: `python -m munshi.jobs.child`.

It ends when its worker does, however that ended, and imports nothing heavy before a job needs it.
"""

import importlib
import os
import sys
import threading
from contextlib import AbstractContextManager, ExitStack
from functools import reduce
from queue import Empty, Queue
from typing import Any

from munshi.errors import AppError, JobResultInvalidError, RequestAbandonedError
from munshi.infrastructure.causes import cause, trace
from munshi.infrastructure.platform import end_with_session, processes_started
from munshi.jobs.child_messages import Message, children_to_json, job_from_json
from munshi.jobs.child_run import ChildRun
from munshi.jobs.child_wire import ChildWire
from munshi.jobs.entries import checked_result, resolve
from munshi.jobs.fan_out import JobWaiting
from munshi.jobs.run import being_run
from munshi.jobs.stops import JobFenced, JobPaused, JobStopped

IDLE_SECONDS = 300.0
# For closing its services once its worker is done with it.
GRACE_SECONDS = 5.0


class Child:
    """`context` names what gives handlers their services: `module:function`, entered once."""

    def __init__(self, wire: ChildWire, *, context: str) -> None:
        self._wire = wire
        self._context = context
        self._open = ExitStack()
        self._services: Any = None
        self._is_ready = False
        self._pid = os.getpid()
        self._requests: Queue[tuple[ChildRun, Message] | None] = Queue()
        self._run: ChildRun | None = None

    def serve(self) -> None:
        """Run what the worker asks for, until it is done with this process or has no work."""
        threading.Thread(target=self._listen, name="child-listener", daemon=True).start()
        with self._open:
            while True:
                try:
                    asked = self._requests.get(timeout=IDLE_SECONDS)
                except Empty:
                    return
                if asked is None:
                    return
                self._work(*asked)

    def _listen(self) -> None:
        for message in self._wire.heard():
            if message["type"] == "run":
                self._run = ChildRun(
                    job_from_json(message["job"]),
                    children=[job_from_json(child) for child in message["children"]],
                    lease_seconds=message["lease_seconds"],
                    wire=self._wire,
                )
                self._requests.put((self._run, message))
            elif message["type"] == "reply":
                self._wire.replies.put(message)
            elif (run := self._run) is not None:
                _stop(run, is_fenced=message["fenced"])
        if self._run is not None:
            end_with_session(1)
        self._requests.put(None)
        threading.Event().wait(GRACE_SECONDS)
        os._exit(1)

    def _work(self, run: ChildRun, request: Message) -> None:
        self._wire.open_standard()
        started_before = processes_started()
        self._wire.send({"type": "started"})
        ending = self._ending(run, request)
        if os.getpid() != self._pid:
            os._exit(0)  # the handler forked, and this is what it forked
        run.end()
        self._wire.close_output(request["mark"])
        started = processes_started()
        ending["left_processes"] = started[0] or started != started_before
        self._run = None
        self._say(ending)

    def _say(self, ending: Message) -> None:
        try:
            self._wire.send(ending)
        except (TypeError, ValueError, RecursionError) as error:
            told = f"What the handler ended with cannot be sent to its worker: {error}."
            failed = _failed(JobResultInvalidError(told))
            self._wire.send({**failed, "left_processes": ending["left_processes"]})

    def _ending(self, run: ChildRun, request: Message) -> Message:
        try:
            services = self._ready_services()
            parameters = _found(request["params"]).from_json(run.job.parameters)
            handler = resolve(request["entry"])
            run.check_cancelled()
            with being_run(run):
                result = handler(services, run, parameters)
            return {"type": "done", "result": checked_result(result)}
        except BaseException as error:  # noqa: BLE001 - SystemExit must not end the process
            try:
                return _last_word(error, run)
            except Exception as unforeseen:  # noqa: BLE001 - such as children that are none
                return _failed(unforeseen)

    def _ready_services(self) -> Any:  # noqa: ANN401 - whatever the handlers of this desk need
        if not self._is_ready:
            context: AbstractContextManager[Any] = _found(self._context)()
            self._services = self._open.enter_context(context)
            self._is_ready = True
        return self._services


def _found(name: str) -> Any:  # noqa: ANN401 - a class or a function
    module, _, path = name.partition(":")
    return reduce(getattr, path.split("."), importlib.import_module(module))


def _stop(run: ChildRun, *, is_fenced: bool) -> None:
    if is_fenced:
        run.fence()
    else:
        run.cancel()


def _last_word(error: BaseException, run: ChildRun) -> Message:
    if isinstance(error, JobPaused):
        return {"type": "paused", "service": error.service, "link": error.link}
    if isinstance(error, JobWaiting):
        return {"type": "waiting", "children": children_to_json(error.children)}
    if isinstance(error, JobStopped):
        return {"type": "stopped", "fenced": isinstance(error, JobFenced)}
    if isinstance(error, RequestAbandonedError) and run.should_stop():
        return {"type": "stopped", "fenced": run.is_fenced}
    return _failed(error)


def _failed(error: BaseException) -> Message:
    told: Message = {"type": "failed", "cause": cause(error), "retryable": False, "trace": []}
    if not isinstance(error, AppError):
        return {**told, "trace": trace(error)}
    retry_after = getattr(error, "retry_after", None)
    return {**told, "retryable": error.retryable, "retry_after": retry_after}


def _told_of_thread(args: threading.ExceptHookArgs) -> None:
    """A thread that its job's end stopped has nothing to say in the log of the next."""
    if not issubclass(args.exc_type, JobStopped):
        threading.__excepthook__(args)


def main() -> None:
    wire = ChildWire.take_over()
    threading.excepthook = _told_of_thread
    Child(wire, context=sys.argv[1]).serve()


if __name__ == "__main__":
    main()
