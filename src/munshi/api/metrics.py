"""The desk's readings as Prometheus reads them, gathered when they are asked for."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

import psutil
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from munshi.api.request_counts import RequestCounts
from munshi.domain.health import HealthStatus
from munshi.domain.sessions import SessionState
from munshi.health.readings import DeskReadings
from munshi.settings import BrokerMode

_Labels = tuple[str, ...]


class DeskCollector(Collector):
    """Holds nothing: each scrape asks `read`, once."""

    def __init__(
        self, read: Callable[[], DeskReadings], *, counts: RequestCounts, mode: BrokerMode
    ) -> None:
        self._read = read
        self._counts = counts
        self._mode = mode
        self._process = psutil.Process()

    def collect(self) -> Iterator[Metric]:
        yield _gauge(
            "munshi_info",
            "What runs here; always 1.",
            {(version("munshi"), self._mode.value): 1},
            "version",
            "mode",
        )
        yield from self._process_metrics()
        yield from self._request_metrics()
        readings = self._read()
        yield _gauge(
            "munshi_database_up", "Whether the database answers.", {(): readings.is_database_up}
        )
        if readings.is_database_up:
            yield from _job_metrics(readings)
            yield from _desk_metrics(readings)
            yield from _broker_metrics(readings)
            yield from _health_metrics(readings)

    def _process_metrics(self) -> Iterator[Metric]:
        with self._process.oneshot():
            times = self._process.cpu_times()
            resident = self._process.memory_info().rss
            started = self._process.create_time()
            threads = self._process.num_threads()
        yield _counter(
            "process_cpu_seconds",
            "Processor time of this process.",
            {(): times.user + times.system},
        )
        yield _gauge("process_resident_memory_bytes", "Memory this process holds.", {(): resident})
        yield _gauge(
            "process_start_time_seconds", "When this process started, since 1970.", {(): started}
        )
        yield _gauge("munshi_process_threads", "Threads of this process.", {(): threads})

    def _request_metrics(self) -> Iterator[Metric]:
        yield _counter(
            "munshi_http_requests",
            "Requests this process has answered; status 0 was broken off.",
            {(method, str(code)): n for (method, code), n in self._counts.answered.items()},
            "method",
            "status",
        )
        yield _counter(
            "munshi_http_request_seconds",
            "Time spent on them, all together.",
            {(): self._counts.seconds},
        )


def make_registry(collector: Collector) -> CollectorRegistry:
    """One of our own, so that two applications in a process know nothing of each other."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return registry


def exposition(registry: CollectorRegistry) -> bytes:
    """The text format, version 0.0.4."""
    return generate_latest(registry)


def _job_metrics(readings: DeskReadings) -> Iterator[Metric]:
    queued = ((("queued", each.job_type), each.queued) for each in readings.waiting)
    yield _gauge(
        "munshi_jobs",
        "Jobs by state; ended ones are those of the last 24 hours, the newest 5,000 at most.",
        _summed((*readings.jobs.items(), *queued)),
        "state",
        "job_type",
    )
    yield _gauge(
        "munshi_queue_jobs",
        "Jobs that wait for a worker.",
        _summed(((each.queue,), each.jobs) for each in readings.waiting),
        "queue",
    )
    yield _gauge(
        "munshi_queue_oldest_seconds",
        "For how long the job that waits longest has waited.",
        {(queue,): age for queue, age in readings.seconds_waited.items()},
        "queue",
    )
    yield _gauge(
        "munshi_job_attempts",
        "How attempts of the last 24 hours' jobs ended, of the newest 5,000 jobs.",
        readings.outcomes,
        "job_type",
        "outcome",
    )


def _desk_metrics(readings: DeskReadings) -> Iterator[Metric]:
    workers = readings.workers
    yield _gauge(
        "munshi_workers",
        "Workers that were heard of within a minute.",
        Counter((each.status,) for each in workers),
        "status",
    )
    for name, meaning, value in (
        ("threads", "Their threads.", sum(each.threads for each in workers)),
        ("running_jobs", "Jobs they run.", sum(each.running for each in workers)),
        (
            "abandoned_jobs",
            "Jobs that did not stop when told to and still hold a thread.",
            sum(each.abandoned for each in workers),
        ),
    ):
        yield _gauge(f"munshi_worker_{name}", meaning, {(): value})
    yield _gauge(
        "munshi_scheduler_lag_seconds",
        "For how long the most overdue schedule has been due.",
        {(): readings.scheduler_lag},
    )
    yield _gauge(
        "munshi_session_seconds_left",
        "How long the login at a broker is still good.",
        {(service.value,): left for service, left in readings.session_seconds.items()},
        "service",
    )


def _broker_metrics(readings: DeskReadings) -> Iterator[Metric]:
    yield _gauge(
        "munshi_session_state",
        "1 for the state of the login at a broker, 0 for the others.",
        {
            (service.value, state.value): found is state
            for service, found in readings.session_states.items()
            for state in SessionState
        },
        "service",
        "state",
    )
    yield _gauge(
        "munshi_broker_failures",
        "How often in a row a broker has failed.",
        {(service.value,): each.failures for service, each in readings.circuits.items()},
        "service",
    )
    now = readings.read_at
    yield _gauge(
        "munshi_broker_resting_seconds",
        "For how long a broker that went on failing is still left alone; 0 while it is not.",
        {
            (service.value,): max(0.0, (each.open_until - now).total_seconds())
            if now is not None and each.open_until is not None
            else 0.0
            for service, each in readings.circuits.items()
        },
        "service",
    )


def _health_metrics(readings: DeskReadings) -> Iterator[Metric]:
    yield _gauge(
        "munshi_health_status",
        "1 for the status the last health sweep found, 0 for the others.",
        {
            (sample.component, status.value): sample.status is status
            for sample in readings.samples
            for status in HealthStatus
        },
        "component",
        "status",
    )
    yield _gauge(
        "munshi_health_errors",
        "How often in a row the component has failed.",
        {(sample.component,): sample.error_count for sample in readings.samples},
        "component",
    )
    yield _gauge(
        "munshi_health_checked_timestamp_seconds",
        "When the component was last checked, since 1970.",
        {(sample.component,): sample.checked_at.timestamp() for sample in readings.samples},
        "component",
    )


def _summed(counted: Iterable[tuple[_Labels, int]]) -> Counter[_Labels]:
    total: Counter[_Labels] = Counter()
    for labels, number in counted:
        total[labels] += number
    return total


def _gauge(name: str, meaning: str, values: Mapping[Any, float], *labels: str) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def _counter(name: str, meaning: str, values: Mapping[Any, float], *labels: str) -> Metric:
    family = CounterMetricFamily(name, meaning, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family
