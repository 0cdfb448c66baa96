"""A broker that goes on failing is left alone, by all processes, and tried by one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from clocks import FakeClock
from databases import open_database
from munshi.circuits.breaker import CircuitBreaker
from munshi.domain.circuits import (
    FAILURES_TO_OPEN,
    FIRST_REST,
    LONGEST_REST,
    TRIAL,
    Circuit,
    CircuitState,
    rest,
)
from munshi.domain.enums import Service
from munshi.errors import (
    BrokerRequestError,
    BrokerRestingError,
    BrokerSessionExpiredError,
    BrokerThrottledError,
    BrokerUnavailableError,
    BrokerUnclearError,
)
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode

SIMULATED = BrokerMode.SIMULATED
DOWN = BrokerUnavailableError("Kite could not be reached.")


def breaker(
    database: Database, clock: FakeClock, service: Service = Service.KITE
) -> CircuitBreaker:
    return CircuitBreaker(service, database, clock, mode=SIMULATED)


@pytest.fixture
def here(database: Database, clock: FakeClock) -> CircuitBreaker:
    return breaker(database, clock)


@pytest.fixture
def elsewhere(
    database: Database, any_database_url: str, clock: FakeClock
) -> Iterator[CircuitBreaker]:
    """The same broker, seen from another process: connections of its own."""
    assert database.dialect in any_database_url
    other = open_database(any_database_url)
    yield breaker(other, clock)
    other.close()


def fail(circuit: CircuitBreaker, error: Exception = DOWN, *, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(type(error)), circuit.call():
            raise error


def succeed(circuit: CircuitBreaker) -> None:
    with circuit.call():
        pass


def stored(database: Database) -> Circuit:
    with database.reading() as tx:
        return tx.circuits.get_circuit(Service.KITE, mode=SIMULATED)


def alerts(database: Database) -> list[str]:
    with database.reading() as tx:
        return [each.title for each in tx.alerts.list_open_alerts()]


def test_five_failures_in_a_row_leave_the_broker_alone_everywhere(
    here: CircuitBreaker, elsewhere: CircuitBreaker, database: Database, clock: FakeClock
) -> None:
    fail(here, times=FAILURES_TO_OPEN - 2)
    fail(elsewhere, times=2)

    for each in (here, elsewhere):
        with pytest.raises(BrokerRestingError, match="failed 5 times in a row") as refusal:
            each.check()
        assert refusal.value.retry_after == FIRST_REST.total_seconds()
        with pytest.raises(BrokerRestingError), each.call():
            pytest.fail("the call was made")
    breaker(database, clock, Service.BREEZE).check()
    [title] = alerts(database)
    assert title.startswith("Kite has failed 5 times in a row and is left alone until")


def test_an_answer_between_failures_begins_the_count_again(
    here: CircuitBreaker, elsewhere: CircuitBreaker, database: Database
) -> None:
    fail(here, times=FAILURES_TO_OPEN - 1)
    succeed(elsewhere)
    fail(elsewhere, times=FAILURES_TO_OPEN - 1)

    here.check()

    assert stored(database).failures == FAILURES_TO_OPEN - 1
    assert alerts(database) == []


@pytest.mark.parametrize(
    "answer",
    [
        BrokerThrottledError("too many", retry_after=1),
        BrokerRequestError("wrong"),
        BrokerSessionExpiredError("dead"),
        BrokerUnclearError("Breeze said: something"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_refusal_is_an_answer(
    here: CircuitBreaker, database: Database, answer: Exception
) -> None:
    fail(here, times=FAILURES_TO_OPEN - 1)

    fail(here, answer)

    assert stored(database).failures == 0


def test_what_is_no_word_of_the_brokers_counts_for_nothing(
    here: CircuitBreaker, database: Database
) -> None:
    fail(here, times=2)

    fail(here, ValueError("a fault of ours"), times=9)

    assert stored(database).failures == 2


def test_a_broker_that_answers_costs_no_write(here: CircuitBreaker, database: Database) -> None:
    succeed(here)

    with database.reading() as tx:
        assert tx.circuits.list_circuits(mode=SIMULATED) == {}


def test_after_the_rest_one_of_all_tries_and_its_success_lets_everybody_in(
    here: CircuitBreaker, elsewhere: CircuitBreaker, database: Database, clock: FakeClock
) -> None:
    fail(here, times=FAILURES_TO_OPEN)
    clock.advance(FIRST_REST)
    state = stored(database).state(now=clock.now())

    with elsewhere.call(), pytest.raises(BrokerRestingError), here.call():
        pytest.fail("two tried at once")

    here.check()
    assert state is CircuitState.TRYING
    assert stored(database).state(now=clock.now()) is CircuitState.CLOSED
    assert alerts(database) == []


def test_many_who_come_at_once_after_the_rest_send_one(
    here: CircuitBreaker, database: Database, clock: FakeClock
) -> None:
    fail(here, times=FAILURES_TO_OPEN)
    clock.advance(FIRST_REST)
    circuits = [breaker(database, clock) for _ in range(12)]

    def attempt(circuit: CircuitBreaker) -> bool:
        try:
            with circuit.call():
                raise DOWN
        except BrokerRestingError:
            return False
        except BrokerUnavailableError:
            return True

    with ThreadPoolExecutor(6) as pool:
        sent = list(pool.map(attempt, circuits))

    assert sent.count(True) == 1


def test_each_failed_trial_makes_the_rest_longer_up_to_five_minutes(
    here: CircuitBreaker, database: Database, clock: FakeClock
) -> None:
    fail(here, times=FAILURES_TO_OPEN)
    rests = []
    for _ in range(7):
        until = stored(database).open_until
        assert until is not None
        rests.append((until - clock.now()).total_seconds())
        clock.set(until)
        fail(here)

    assert rests == [15, 30, 60, 120, 240, 300, 300]
    assert rest(10_000) == LONGEST_REST


def test_calls_that_were_under_way_and_fail_late_change_nothing(
    here: CircuitBreaker, elsewhere: CircuitBreaker, database: Database, clock: FakeClock
) -> None:
    opened: list[Circuit] = []

    def slow_call() -> None:
        with here.call():
            fail(elsewhere, times=FAILURES_TO_OPEN)
            opened.append(stored(database))
            clock.advance(timedelta(seconds=5))
            raise DOWN

    with pytest.raises(BrokerUnavailableError):
        slow_call()

    [before], late = opened, stored(database)
    assert (late.openings, late.open_until) == (before.openings, before.open_until)
    assert late.failures == before.failures + 1


def test_a_trial_whose_process_died_is_followed_by_another(
    here: CircuitBreaker, elsewhere: CircuitBreaker, database: Database, clock: FakeClock
) -> None:
    fail(here, times=FAILURES_TO_OPEN)
    clock.advance(FIRST_REST)
    with database.transaction() as tx:
        until = clock.now() + TRIAL
        assert tx.circuits.take_trial(Service.KITE, until=until, mode=SIMULATED, now=clock.now())

    with pytest.raises(BrokerRestingError):
        elsewhere.check()
    clock.advance(TRIAL)
    succeed(elsewhere)

    here.check()


def test_a_person_may_log_in_at_a_broker_that_rests_and_so_ends_the_rest(
    here: CircuitBreaker, elsewhere: CircuitBreaker
) -> None:
    fail(here, times=FAILURES_TO_OPEN)

    with elsewhere.call(sign_in=True):
        pass

    here.check()
