"""What a claim takes, in which order, and that nothing is taken twice."""

import threading
from collections import Counter
from datetime import timedelta
from uuid import UUID

from jobs.conformance.bench import LANES, LEASE, Bench
from munshi.domain.jobs import DEFAULT_QUEUE, JobPause, JobState, PauseKind
from munshi.infrastructure.database.job_claims import Lane
from munshi.infrastructure.database.job_exchange import JobExchange, Wanted


def test_the_longest_waiting_job_is_first_and_a_limit_is_kept(bench: Bench) -> None:
    ids = []
    for _ in range(5):
        ids.append(bench.create())
        bench.pass_time(seconds=1)

    first = bench.claim(2)
    rest = bench.claim(10)

    assert [job.job_id for job in first] == ids[:2]
    assert [job.job_id for job in rest] == ids[2:]
    assert bench.claim() == []


def test_a_claim_opens_an_attempt_under_a_lease(bench: Bench) -> None:
    job_id = bench.create(concurrency_key="k", parameters={"text": "नमस्ते 🙏"})

    (job,) = bench.claim(by=bench.exchange("there:2:bb"))

    (attempt,) = bench.attempts(job_id)
    assert job == bench.get(job_id)
    assert (job.state, job.attempt, job.started_at) == (JobState.RUNNING, 1, bench.clock.now())
    assert (attempt.worker_id, attempt.lease_until) == ("there:2:bb", bench.clock.now() + LEASE)


def test_a_step_of_priority_is_worth_a_minute_so_that_every_turn_comes(bench: Bench) -> None:
    humble = bench.create(priority=5)
    bench.pass_time(minutes=3)
    normal = bench.create()
    bench.pass_time(minutes=1)
    urgent = bench.create(priority=-2)
    bench.pass_time(minutes=2)
    late = bench.create()

    assert [job.job_id for job in bench.claim()] == [urgent, normal, humble, late]


def test_all_lanes_together_are_in_one_order(bench: Bench) -> None:
    ids = []
    for number in range(6):
        ids.append(bench.create("copy" if number % 2 else "move"))
        bench.pass_time(seconds=1)

    assert [job.job_id for job in bench.claim(4)] == ids[:4]


def test_what_is_in_no_lane_of_the_worker_is_left_alone(bench: Bench) -> None:
    unknown = bench.create("unheard")
    elsewhere = bench.create(queue="night")
    mine = bench.create("move")

    claimed = bench.claim(lanes=[Lane(DEFAULT_QUEUE, "move")])

    assert [job.job_id for job in claimed] == [mine]
    assert {bench.state(unknown), bench.state(elsewhere)} == {JobState.QUEUED}


def test_several_wishes_are_met_in_one_exchange_each_from_its_own_lanes(bench: Bench) -> None:
    copies, moves = [bench.create("copy") for _ in range(3)], [bench.create("move")]
    wishes = [Wanted((LANES[0],), 2), Wanted((LANES[1],), 2)]

    swapped = bench.exchange().swap((), wishes, now=bench.clock.now())

    taken = [{job.job_id for job in jobs} for jobs in swapped.claimed]
    assert (len(taken[0]), taken[0] < set(copies), taken[1]) == (2, True, set(moves))


def pause(bench: Bench, kind: PauseKind, name: str) -> None:
    pause = JobPause(
        kind=kind, name=name, reason=None, paused_by="asha", paused_at=bench.clock.now()
    )
    with bench.database.transaction() as tx:
        assert tx.queues.save_pause(pause)
        assert not tx.queues.save_pause(pause)


def test_nothing_is_taken_from_a_paused_queue_until_it_is_resumed(bench: Bench) -> None:
    asleep, awake = bench.create(queue="night"), bench.create()
    lanes = (*LANES, Lane("night", "copy"))
    pause(bench, PauseKind.QUEUE, "night")

    during = bench.claim(lanes=lanes)
    said = bench.exchange().has_due(lanes, now=bench.clock.now())
    with bench.database.transaction() as tx:
        assert tx.queues.remove_pause(PauseKind.QUEUE, "night")
        assert not tx.queues.remove_pause(PauseKind.QUEUE, "night")

    assert [job.job_id for job in during] == [awake]
    assert said == (False, False)
    assert [job.job_id for job in bench.claim(lanes=lanes)] == [asleep]


def test_nothing_is_taken_of_a_paused_type(bench: Bench) -> None:
    bench.create("copy")
    moved = bench.create("move")
    pause(bench, PauseKind.JOB_TYPE, "copy")

    assert [job.job_id for job in bench.claim()] == [moved]
    assert bench.exchange().has_due(LANES, now=bench.clock.now()) == (False, False)


def test_whether_anything_is_due_is_told_apart_from_what_is_scheduled(bench: Bench) -> None:
    exchange = bench.exchange()
    nothing = exchange.has_due(LANES, now=bench.clock.now())
    bench.create(run_at=bench.clock.now() + timedelta(minutes=1))
    too_early = exchange.has_due(LANES, now=bench.clock.now())
    bench.pass_time(minutes=1)
    scheduled = exchange.has_due(LANES, now=bench.clock.now())
    bench.promote()
    queued = exchange.has_due(LANES, now=bench.clock.now())

    assert (nothing, too_early) == ((False, False), (False, False))
    assert (scheduled, queued) == ((True, False), (False, True))


def test_a_worker_that_takes_from_no_lane_finds_nothing(bench: Bench) -> None:
    bench.create()

    exchange = bench.exchange()

    assert exchange.has_due((), now=bench.clock.now()) == (False, False)
    assert exchange.swap((), (), now=bench.clock.now()).claimed == []


def claim_all(exchange: JobExchange, bench: Bench, taken: list[UUID]) -> None:
    """Take by threes until three times nothing was left, as others may have locked the last."""
    empty = 0
    while empty < 3:
        jobs = bench.claim(3, by=exchange)
        taken += [job.job_id for job in jobs]
        empty = 0 if jobs else empty + 1


def test_no_job_is_taken_twice_by_workers_at_once(bench: Bench) -> None:
    bench.skip_where_locks_are_ignored()
    with bench.database.transaction() as tx:
        ids = [
            tx.jobs.create_job(
                bench.new("copy" if number % 3 else "move"), now=bench.clock.now()
            ).job_id
            for number in range(90)
        ]
    taken: list[list[UUID]] = [[] for _ in range(4)]
    exchanges = [bench.exchange(f"here:{number}:aa") for number in range(4)]

    threads = [
        threading.Thread(target=claim_all, args=(exchange, bench, mine))
        for exchange, mine in zip(exchanges, taken, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert Counter(job_id for mine in taken for job_id in mine) == Counter(ids)
    assert {len(bench.attempts(job_id)) for job_id in ids} == {1}


def test_very_many_queues_are_no_hindrance(bench: Bench) -> None:
    last = bench.create(queue="q39")
    lanes = [Lane(f"q{queue}", f"type{number}") for queue in range(40) for number in range(15)]
    lanes.append(Lane("q39", "copy"))

    said = bench.exchange().has_due(lanes, now=bench.clock.now())

    assert said == (False, True)
    assert [job.job_id for job in bench.claim(lanes=lanes)] == [last]
