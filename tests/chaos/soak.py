"""A desk that does all it can do at two brokers that do all they can to hinder it."""

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from random import Random
from time import monotonic, sleep
from uuid import UUID

from chaos.patchy_candles import PatchyCandles
from chaos.soak_books import Series, SoakBooks
from chaos.soak_verdict import Errand
from chaos.weather import Weather
from desks import TESTER, Desk
from munshi.clock import IST, today_ist
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.jobs import DATA_COLLECTION, FINAL_STATES, JobState
from munshi.domain.market.intervals import Interval
from munshi.errors import AppError, BrokerRestingError, BrokerThrottledError
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from munshi.streams.line_keeper import Patience
from munshi.streams.price_stream import PriceStream, check_wanted, open_price_stream

# A Monday, 10:30:30 IST. A long soak goes on for months, all of which the calendar knows.
BEGINS = datetime(2026, 3, 2, 5, 0, 30, tzinfo=UTC)
FIRST, LAST = date(2024, 4, 1), date(2026, 2, 20)
MOST_DAYS = 5
NAMES = {
    Service.KITE: ("NSE:NIFTY 50", "NSE:NIFTY BANK", "BSE:SENSEX", "NSE:INDIA VIX"),
    Service.BREEZE: ("NSE:NIFTY 50", "NSE:NIFTY BANK", "BSE:SENSEX"),
}
INTERVALS = {
    Service.KITE: (Interval.ONE_MINUTE, Interval.FIVE_MINUTES, Interval.ONE_HOUR, Interval.ONE_DAY),
    Service.BREEZE: (
        Interval.ONE_MINUTE,
        Interval.FIVE_MINUTES,
        Interval.THIRTY_MINUTES,
        Interval.ONE_DAY,
    ),
}
LOGIN_CLASSES = {Service.KITE: ("session",), Service.BREEZE: ("customerdetails",)}
LIST_CLASSES = {Service.KITE: ("instruments",), Service.BREEZE: ("master",)}
QUOTE_CLASSES = {Service.KITE: ("quote",), Service.BREEZE: ("quotes",)}
PULSE_CLASSES = {Service.KITE: ("user",), Service.BREEZE: ("customerdetails",)}
STREAMED = ("NSE:NIFTY 50", "NSE:NIFTY BANK")
QUICK = Patience(silence=1.5, first_wait=0.02, longest_wait=0.1, steady=60.0, login_look=0.05)
TASK = re.compile(r"(?P<name>\S+:.+) (?P<first>\S+) to (?P<last>\S+), request \d+ of \d+")
# After this much of waiting a person would leave it for the next morning.
LONG_WAIT_SECONDS = 1800.0
MORNING = time(9, 45)
STREAM_HOURS = (time(9, 30), time(14, 30))
STREAM_SECONDS = 30.0
ROUNDS_TO_SETTLE = 60
LOGIN_TRIES = 3


class Soak:
    """`outcomes` counts what became of each errand: `well`, or the error's name."""

    def __init__(
        self, desk: Desk, candles: PatchyCandles, chance: Random, *, weather: Weather
    ) -> None:
        self.books = SoakBooks(desk, candles)
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.said: set[str] = set()
        self.errands: list[Errand] = []
        self._desk = desk
        self._chance = chance
        self._weather = weather
        self._calendar = desk.services.calendar.calendar()
        self._owed: list[CollectionParams] = []
        self._jobs: list[UUID] = []
        self._errands: dict[str, tuple[float, Callable[[Service], None]]] = {
            "collect": (40, self._collect),
            "fetch again": (30, self._fetch_again),
            "quote": (80, self._quote),
            "job": (2, self._job),
            "log in": (4, self._log_in),
            "log in by itself": (3, self._log_in_headless),
            "watch logins": (4, self._watch),
            "look at health": (1, self._sweep),
            "load lists": (1, self._load),
            "log out": (1, self._disconnect),
            "stream": (0.4, self._stream),
        }

    def run(self, *, calls: int) -> None:
        """Until the brokers have seen so many."""
        names = list(self._errands)
        weights = [weight for weight, _ in self._errands.values()]
        for name in names:  # each once at least, however short the soak
            for service in Service:
                self._go(name, service)
        while self._calls() < calls:
            [name] = self._chance.choices(names, weights)
            self._go(name, self._chance.choice(list(Service)))

    def settle(self) -> list[JobState]:
        """Let both brokers be well, and bring what is owed; how the jobs ended."""
        self._weather.clear_up()
        self._go_to_next_morning()
        for _ in range(ROUNDS_TO_SETTLE):
            for service in Service:
                if not self._desk.services.has_login(service):
                    self._go("log in", service)
            self._work()
            owed, self._owed = self._owed, []
            for params in owed:
                self._try("collect", partial(self._collect_all, params))
            if not owed and all(state in FINAL_STATES for state in self._job_states()):
                break
            self._desk.clock.advance(timedelta(minutes=20))
        return self._job_states()

    def table(self) -> Iterator[str]:
        """The counts for people."""
        by_errand: dict[str, list[str]] = {}
        for (name, outcome), count in sorted(self.outcomes.items()):
            by_errand.setdefault(name, []).append(f"{outcome} {count}")
        yield from (f"{name}: {', '.join(found)}" for name, found in by_errand.items())
        gaps = ", ".join(f"{reason} {count}" for reason, count in self.books.gaps().most_common())
        yield f"{self.books.rows()} rows stored; days with gaps: {gaps}"

    # --- one errand ------------------------------------------------------------------------

    def _go(self, name: str, service: Service) -> None:
        _, errand = self._errands[name]
        self._desk.clock.advance(timedelta(seconds=self._chance.uniform(0, 3)))
        needs_login = name in {"collect", "fetch again", "quote", "load lists", "stream"}
        for _ in range(LOGIN_TRIES if needs_login else 0):
            if not self._desk.services.has_login(service):
                self._try("log in", partial(self._log_in, service))
        self._try(name, partial(errand, service))

    def _try(self, name: str, errand: Callable[[], None]) -> None:
        """An error that the desk knows is an answer; any other ends the soak."""
        first = self._calls()
        try:
            errand()
        except AppError as error:
            self.outcomes[name, type(error).__name__] += 1
            self.said.add(f"{error.detail} {error.hint}")
            self._wait(error)
        else:
            self.outcomes[name, "well"] += 1
        finally:
            self.errands.append(Errand(name, first, self._calls()))

    def _calls(self) -> int:
        """The number of the last call that either broker saw."""
        with closing(sqlite3.connect(self._desk.simulator.state_file)) as state:
            return int(state.execute("SELECT coalesce(max(id), 0) FROM arrivals").fetchone()[0])

    def _wait(self, error: AppError) -> None:
        seconds = 0.0
        if isinstance(error, BrokerThrottledError | BrokerRestingError):
            seconds = error.retry_after
        if seconds > LONG_WAIT_SECONDS:
            self._go_to_next_morning()
        else:
            self._desk.clock.advance(timedelta(seconds=seconds))

    def _go_to_next_morning(self) -> None:
        clock = self._desk.clock
        day = self._calendar.next_trading_day(today_ist(clock))
        clock.advance(datetime.combine(day, MORNING, IST) - clock.now())

    # --- candles ---------------------------------------------------------------------------

    def _draw(self, service: Service, *, instruments: int) -> CollectionParams:
        start = FIRST + timedelta(days=self._chance.randrange((LAST - FIRST).days))
        end = start + timedelta(days=self._chance.randrange(MOST_DAYS))
        start = self._calendar.next_trading_day(start - timedelta(days=1))
        return CollectionParams(
            broker=service,
            instruments=tuple(self._chance.sample(NAMES[service], instruments)),
            interval=self._chance.choice(INTERVALS[service]),
            start=start,
            end=max(start, end),
        )

    def _collect(self, service: Service) -> None:
        params = self._draw(service, instruments=self._chance.choice((1, 1, 2)))
        self._collect_all(params)

    def _collect_all(self, params: CollectionParams) -> None:
        series = {str(each.instrument.ref): each for each in self.books.series(params)}
        try:
            self._desk.services.collection.collect(params, progress=self._looking(params, series))
        except AppError:
            self._owed.append(params)
            raise
        finally:
            self.books.look(params)

    def _looking(
        self, params: CollectionParams, series: dict[str, Series]
    ) -> Callable[[float, str], None]:
        """Called before each request and while one waits."""

        def look(_: float, message: str) -> None:
            task = TASK.match(message)
            if task is None:
                return
            first, last = (date.fromisoformat(task[end]) for end in ("first", "last"))
            self.books.note(series[task["name"]], first, last)
            self._weather.gather(params.broker, "historical")

        return look

    def _fetch_again(self, service: Service) -> None:
        params = self._draw(service, instruments=1)
        [series] = self.books.series(params)
        self._weather.gather(service, "historical")
        found = self._desk.services.collection.fetch_again(params, progress=lambda *_: None)
        self.books.compare(
            series, found, days=self._calendar.trading_days(params.start, params.end)
        )

    def _job(self, service: Service) -> None:
        params = self._draw(service, instruments=1)
        self._weather.gather(service, "historical")
        job = self._desk.services.jobs.enqueue(DATA_COLLECTION, params.to_json(), actor=TESTER)
        self._jobs.append(job.job_id)
        self._work()
        self.books.look(params)

    def _work(self) -> None:
        # A job waits for minutes of the test's clock, while its worker's keeper does for seconds.
        patient = self._desk.services.settings.model_copy(update={"lease_seconds": 86_400.0})
        replace(self._desk.services, settings=patient).worker().run_until_idle()

    def _job_states(self) -> list[JobState]:
        return [self._desk.services.jobs.get(job_id).state for job_id in self._jobs]

    # --- everything else -------------------------------------------------------------------

    def _quote(self, service: Service) -> None:
        self._weather.gather(service, *QUOTE_CLASSES[service])
        self._desk.clock.advance(timedelta(seconds=self._chance.uniform(0, 20)))
        names = self._chance.sample(NAMES[service], 2)
        seen = self._desk.services.quotes.quotes(names, broker=service)
        assert [each.quote.instrument for each in seen] == names
        assert all(each.is_current or each.problem for each in seen)

    def _log_in(self, service: Service) -> None:
        self._weather.gather(service, *LOGIN_CLASSES[service])
        session = self._desk.log_in(service)
        assert self._desk.services.logins.of(service).restore() == session

    def _log_in_headless(self, service: Service) -> None:
        self._weather.gather(service, "login", *LOGIN_CLASSES[service])
        self._desk.services.logins.of(service).login_headless(actor=TESTER)

    def _watch(self, service: Service) -> None:
        self._weather.gather(service, *PULSE_CLASSES[service])
        self._desk.services.login_watch.look()

    def _sweep(self, service: Service) -> None:
        self._weather.gather(service, *PULSE_CLASSES[service])
        self._desk.services.health.sweep()

    def _load(self, service: Service) -> None:
        self._weather.gather(service, *LIST_CLASSES[service])
        self._desk.services.instruments.refresh(service, actor=TESTER)

    def _disconnect(self, service: Service) -> None:
        self._weather.gather(service, *LOGIN_CLASSES[service])
        self._desk.services.logins.of(service).disconnect(actor=TESTER)
        assert not self._desk.services.has_login(service)

    def _stream(self, service: Service) -> None:
        now = self._desk.clock.now().astimezone(IST)
        opens, closes = STREAM_HOURS
        if not (self._calendar.is_trading_day(now.date()) and opens < now.time() < closes):
            self._go_to_next_morning()
            self._log_in(service)
        self._weather.gather(service, "ticker")
        wanted = check_wanted(self._desk.services.streams, service, STREAMED)
        with open_price_stream(
            self._desk.services.streams, wanted, wait_for_login=False, patience=QUICK
        ) as stream:
            self._watch_until(stream, lambda: len(stream.quotes()) == len(STREAMED))
            kind, lines = self._weather.of_stream(), stream.state().lines
            self._desk.simulator.fault(kind, service=service, endpoint_class="ticker", count=1)
            if kind is FaultKind.GARBAGE:
                self._watch_until(stream, lambda: stream.state().unreadable > 0)
            else:
                self._watch_until(stream, lambda: stream.state().lines > lines)
            ticks = stream.state().ticks
            self._watch_until(stream, lambda: stream.state().ticks > ticks)

    def _watch_until(self, stream: PriceStream, happened: Callable[[], bool]) -> None:
        deadline = monotonic() + STREAM_SECONDS
        while not happened():
            self._desk.clock.advance(timedelta(seconds=1))
            stream.tick()
            assert monotonic() < deadline, stream.state()
            sleep(0.01)
