"""The queue's rules: what is claimed, when it is tried again, what becomes of it."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from modality_sdk.errors import ConfigurationError, StateError
from modality_sdk.journal import Journal
from modality_sdk.model import DestinationState, JobState, RetryPolicy
from modality_sdk.queue import Job, JobRequest, Outcome, OutcomeKind, TransmissionQueue
from modality_sdk.testing.clock import FakeClock

DONE, RETRY, PARK, HOLD, RELEASE = (Outcome(kind=kind, reason=f"R_{kind}", message="said no") for kind in OutcomeKind)
pytestmark = pytest.mark.req("FR-DICOM-08")


def test_a_job_is_submitted_with_the_transaction_or_not_at_all(journal: Journal, queue: TransmissionQueue) -> None:
    def fail() -> None:
        with journal.transaction() as tx:
            queue.submit(tx, JobRequest(kind="C-STORE", destination="pacs", unique_key="a"))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert queue.jobs() == []
    assert queue.claim() is None


@pytest.mark.req("X-IDEMP")
def test_a_unique_key_is_one_job_whatever_became_of_it(queue: TransmissionQueue, submit) -> None:
    first = submit("a")
    assert submit("a", priority=1) == first
    job = queue.finish(queue.claim(), DONE)
    assert job.state is JobState.COMPLETE
    assert submit("a") == first
    assert queue.claim() is None


def test_a_job_has_what_was_asked_for(queue: TransmissionQueue, submit, clock: FakeClock) -> None:
    submit("k", transaction_uid="1.2", ordering_key="o", sequence=7, priority=1, payload=b"\0x", delay=2.5)
    (job,) = queue.jobs()
    assert (job.transaction_uid, job.ordering_key, job.sequence, job.priority) == ("1.2", "o", 7, 1)
    assert (job.payload, job.delay_s, job.unique_key, job.attempts) == (b"\0x", 2.5, "k", 0)
    assert job.due_at == clock.now() + timedelta(seconds=2.5)
    assert (job.state, job.created, job.last_attempt) == (JobState.PENDING, clock.now(), None)


@pytest.mark.parametrize("broken", [{"kind": ""}, {"unique_key": ""}, {"delay": -1.0}, {"delay": float("nan")}])
def test_a_request_that_breaks_a_rule_names_it(broken: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        JobRequest(**{"kind": "C-STORE", "destination": "pacs", "unique_key": "a", **broken})
    assert caught.value.field in broken


def test_a_job_of_an_unknown_step_is_refused(queue: TransmissionQueue, submit) -> None:
    with pytest.raises(StateError, match="FOREIGN KEY"):
        submit("a", step_uid="1.2.3")


def test_the_next_job_is_by_priority_then_by_age(queue: TransmissionQueue, submit) -> None:
    ids = [
        submit(str(n), priority=p, destination=d) for n, (p, d) in enumerate([(3, "a"), (1, "b"), (3, "b"), (1, "a")])
    ]
    order = []
    while job := queue.claim():
        order.append(job.id)
    assert order == [ids[1], ids[3], ids[0], ids[2]]


def test_a_claim_for_one_destination_takes_nothing_of_another(queue: TransmissionQueue, submit) -> None:
    submit("a", destination="other")
    assert queue.claim("pacs") is None
    assert queue.claim("other").destination == "other"


def test_a_job_is_not_due_before_its_delay_has_passed(queue: TransmissionQueue, submit, clock: FakeClock) -> None:
    submit("a", delay=10)
    clock.advance(9.999999)
    assert queue.claim() is None
    assert queue.ready() == ([], clock.now() + timedelta(microseconds=1))
    clock.advance(0.000001)
    assert queue.ready()[0] == ["pacs"]
    assert queue.claim() is not None


# back-off


def test_five_retries_at_30_60_120_240_480_seconds_then_failed_and_kept(
    queue: TransmissionQueue, submit, clock: FakeClock
) -> None:
    submit()
    waits = []
    job = queue.finish(queue.claim(), RETRY)
    while job.state is JobState.RETRYING:
        waits.append(job.delay_s)
        assert job.due_at == job.last_attempt + timedelta(seconds=job.delay_s)
        clock.advance(job.delay_s - 0.001)
        assert queue.claim() is None
        clock.advance(0.001)
        job = queue.finish(queue.claim(), RETRY)
    assert waits == [30, 60, 120, 240, 480]
    assert (job.state, job.attempts, job.reason, job.last_error) == (JobState.FAILED, 6, "R_RETRY", "said no")
    clock.advance(10**9)
    assert queue.claim() is None
    assert queue.jobs(states={JobState.FAILED}) == [job]


def test_a_wait_is_never_longer_than_the_maximum(journal: Journal, clock: FakeClock, submit) -> None:
    queue = TransmissionQueue(journal, clock=clock, retry=RetryPolicy(attempts=200, maximum=100))
    submit()
    waits = []
    for _ in range(100):
        job = queue.finish(queue.claim(), RETRY)
        waits.append(job.delay_s)
        clock.advance(job.delay_s)
    assert waits[:3] == [30, 60, 100]
    assert set(waits[2:]) == {100}


@pytest.mark.parametrize(("limit", "retries"), [(0, 0), (2, 2), (5, 5), (9, 5), (None, 5)])
def test_an_answer_can_allow_fewer_retries_than_the_policy_and_never_more(
    queue: TransmissionQueue, submit, clock: FakeClock, limit: int | None, retries: int
) -> None:
    submit()
    outcome = Outcome(kind=OutcomeKind.RETRY, limit=limit)
    waits = []
    while (job := queue.finish(queue.claim(), outcome)).state is JobState.RETRYING:
        waits.append(job.delay_s)
        clock.advance(job.delay_s)
    assert waits == [30, 60, 120, 240, 480][:retries]
    assert (job.state, job.attempts) == (JobState.FAILED, retries + 1)


def test_without_retries_the_first_refusal_fails_the_job(journal: Journal, clock: FakeClock, submit) -> None:
    queue = TransmissionQueue(journal, clock=clock, retry=RetryPolicy(attempts=0))
    submit()
    assert queue.finish(queue.claim(), RETRY).state is JobState.FAILED


@pytest.mark.req("X-TIME")
@pytest.mark.parametrize("days", [-4000, -1, 1, 4000])
def test_a_clock_that_is_set_delays_no_job_beyond_its_wait(
    queue: TransmissionQueue, submit, clock: FakeClock, days: int
) -> None:
    submit()
    queue.finish(queue.claim(), RETRY)
    clock.set(clock.now() + timedelta(days=days))
    assert queue.claim() is not None


@pytest.mark.req("X-TIME")
def test_a_clock_that_is_set_back_a_little_costs_no_more_than_that(
    queue: TransmissionQueue, submit, clock: FakeClock
) -> None:
    clock.advance(100)
    submit()
    queue.finish(queue.claim(), RETRY)
    clock.advance(20)
    clock.set(clock.now() - timedelta(seconds=10))
    assert queue.claim() is None
    clock.advance(20)
    assert queue.claim() is not None


# outcomes


def test_park_fails_the_job_at_once(queue: TransmissionQueue, submit) -> None:
    submit()
    job = queue.finish(queue.claim(), PARK)
    assert (job.state, job.attempts, job.reason) == (JobState.FAILED, 1, "R_PARK")


@pytest.mark.req("NFR-POOL-01")
def test_release_waits_a_moment_and_uses_no_attempt(queue: TransmissionQueue, submit, clock: FakeClock) -> None:
    submit()
    job = queue.finish(queue.claim(), RELEASE)
    assert (job.state, job.attempts, job.reason) == (JobState.PENDING, 0, "R_RELEASE")
    assert queue.claim() is None
    clock.advance(job.delay_s)
    assert queue.claim() is not None


def test_what_a_success_brings_is_kept_with_it_or_not_at_all(
    journal: Journal, queue: TransmissionQueue, submit
) -> None:
    submit()
    job = queue.claim()

    def broken(tx) -> None:
        tx.next_number("applied")
        raise KeyError

    with pytest.raises(KeyError):
        queue.finish(job, replace(DONE, apply=broken))
    assert queue.get(job.id).state is JobState.IN_FLIGHT
    queue.finish(job, replace(DONE, apply=lambda tx: tx.next_number("applied")))
    with journal.transaction() as tx:
        assert tx.next_number("applied") == 2


def test_settled_is_told_in_the_same_transaction_of_what_is_settled(journal: Journal, clock: FakeClock, submit) -> None:
    told: list[tuple[int, JobState]] = []

    def settled(tx, job: Job) -> None:
        tx.record("settled", str(job.id), "", job.state)
        told.append((job.id, job.state))

    queue = TransmissionQueue(journal, clock=clock, retry=RetryPolicy(), settled=settled)
    done, parked, cancelled, retried = (submit(key) for key in "abcd")
    queue.finish(queue.claim(), DONE)
    queue.finish(queue.claim(), PARK)
    queue.cancel(cancelled)
    queue.finish(queue.claim(), RETRY)
    assert told == [(done, JobState.COMPLETE), (parked, JobState.FAILED), (cancelled, JobState.CANCELLED)]
    assert queue.get(retried).state is JobState.RETRYING
    with journal.read() as tx:
        assert [e.after for e in tx.history(clock.now()) if e.kind == "settled"] == ["COMPLETE", "FAILED", "CANCELLED"]


def test_every_transition_of_a_job_is_in_the_history(journal: Journal, queue: TransmissionQueue, submit, clock) -> None:
    job_id = submit()
    queue.finish(queue.claim(), RETRY)
    clock.advance(30)
    queue.finish(queue.claim(), DONE)
    with journal.read() as tx:
        rows = [e for e in tx.history(clock.now() - timedelta(days=1)) if e.entity == str(job_id)]
    states = [row.after for row in rows]
    assert states == ["PENDING", "IN_FLIGHT", "RETRYING", "IN_FLIGHT", "COMPLETE"]
    assert all(later.before == earlier.after for earlier, later in pairwise(rows))


# order


def test_jobs_of_a_key_run_one_after_the_other_by_sequence(queue: TransmissionQueue, submit) -> None:
    second = submit("b", ordering_key="k", sequence=2)
    first = submit("a", ordering_key="k", sequence=1)
    third = submit("c", ordering_key="k", sequence=2, priority=0)
    order = []
    while job := queue.claim():
        assert queue.claim() is None
        order.append(job.id)
        queue.finish(job, DONE)
    assert order == [first, second, third]


def test_a_predecessor_that_failed_keeps_the_others_waiting_until_it_is_retried(
    queue: TransmissionQueue, submit
) -> None:
    create, change = submit("a", ordering_key="k", sequence=1), submit("b", ordering_key="k", sequence=2)
    queue.finish(queue.claim(), PARK)
    late = submit("c", ordering_key="k", sequence=3)
    assert queue.claim() is None
    for waiting in (change, late):
        job = queue.get(waiting)
        assert (job.state, job.reason) == (JobState.PENDING, "PREDECESSOR_FAILED")
    again = queue.retry(create)
    assert (again.state, again.attempts, again.reason) == (JobState.PENDING, 0, "")
    assert queue.get(change).reason == ""
    order = []
    while job := queue.claim():
        order.append(queue.finish(job, DONE).id)
    assert order == [create, change, late]


def test_a_predecessor_that_is_cancelled_frees_the_others(queue: TransmissionQueue, submit) -> None:
    create, change = submit("a", ordering_key="k", sequence=1), submit("b", ordering_key="k", sequence=2)
    queue.finish(queue.claim(), PARK)
    assert queue.cancel(create).state is JobState.CANCELLED
    job = queue.claim()
    assert (job.id, job.reason) == (change, "")


def test_a_predecessor_that_waits_for_its_retry_blocks_too(queue: TransmissionQueue, submit, clock: FakeClock) -> None:
    submit("a", ordering_key="k", sequence=1)
    submit("b", ordering_key="k", sequence=2)
    queue.finish(queue.claim(), RETRY)
    assert queue.claim() is None
    clock.advance(30)
    assert queue.claim().sequence == 1


def test_an_earlier_sequence_that_comes_while_a_later_one_runs_waits_for_it(
    queue: TransmissionQueue, submit, clock: FakeClock
) -> None:
    submit("b", ordering_key="k", sequence=2)
    running = queue.claim()
    early = submit("a", ordering_key="k", sequence=1)
    assert queue.claim() is None
    queue.finish(running, RETRY)
    clock.advance(60)
    assert queue.claim().id == early


# leases


def let_leases_end(queue: TransmissionQueue, clock: FakeClock) -> None:
    """Look as a worker does, for a minute in which nobody renews a lease."""
    for _ in range(3):
        queue.ready()
        clock.advance(30)
    queue.ready()


def test_a_job_whose_lease_lapses_comes_back_with_its_attempt_counted_once(
    journal: Journal, queue: TransmissionQueue, submit, clock: FakeClock
) -> None:
    submit()
    lost = queue.claim()
    other = TransmissionQueue(journal, clock=clock, retry=RetryPolicy())
    assert other.claim() is None
    for seconds in (30, 29):
        clock.advance(seconds)
        assert other.claim() is None
    clock.advance(1)
    found = other.claim()
    assert (found.id, found.attempts, found.reason) == (lost.id, 1, "LEASE_EXPIRED")
    with pytest.raises(StateError, match="lease"):
        queue.finish(lost, DONE)
    with pytest.raises(StateError, match="lease"):
        queue.heartbeat(lost)
    assert other.finish(found, DONE).attempts == 2


def test_a_heartbeat_keeps_the_job(journal: Journal, queue: TransmissionQueue, submit, clock: FakeClock) -> None:
    submit()
    job = queue.claim()
    other = TransmissionQueue(journal, clock=clock, retry=RetryPolicy())
    for _ in range(5):
        clock.advance(40)
        queue.heartbeat(job)
        assert other.claim() is None
    assert queue.finish(job, DONE).state is JobState.COMPLETE


@pytest.mark.req("X-IDEMP")
def test_a_success_that_comes_after_the_lease_ended_is_kept_if_nobody_else_began(
    queue: TransmissionQueue, submit, clock: FakeClock
) -> None:
    submit()
    job = queue.claim()
    let_leases_end(queue, clock)
    assert queue.get(job.id).state is JobState.PENDING
    with pytest.raises(StateError):
        queue.finish(job, RETRY)
    assert queue.finish(job, DONE).state is JobState.COMPLETE
    assert queue.claim() is None


def test_a_job_that_ends_its_process_each_time_fails_in_the_end(
    queue: TransmissionQueue, submit, clock: FakeClock
) -> None:
    job_id = submit()
    for _ in range(6):
        assert queue.claim().id == job_id
        let_leases_end(queue, clock)
    assert queue.claim() is None
    job = queue.get(job_id)
    assert (job.state, job.attempts) == (JobState.FAILED, 6)


@pytest.mark.req("X-TIME")
@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("hours", [-87600, -1, 1, 87600])
def test_a_clock_that_is_set_takes_no_job_from_a_living_process_and_keeps_none_of_a_dead_one(
    journal: Journal, queue: TransmissionQueue, submit, clock: FakeClock, hours: int, seen: bool
) -> None:
    submit()
    job = queue.claim()
    other = TransmissionQueue(journal, clock=clock, retry=RetryPolicy())
    if seen:
        assert other.claim() is None
    clock.set(clock.now() + timedelta(hours=hours))
    assert other.claim() is None
    clock.advance(20)
    queue.heartbeat(job)
    assert other.claim() is None
    for _ in range(5):
        clock.advance(10)
        assert other.claim() is None
    clock.advance(10)
    assert other.claim().id == job.id


@pytest.mark.req("X-TIME")
@pytest.mark.parametrize("pass_night", [FakeClock.advance, FakeClock.suspend])
def test_a_night_in_which_the_machine_sleeps_takes_no_job_from_a_living_process(
    journal: Journal, queue: TransmissionQueue, submit, clock: FakeClock, pass_night
) -> None:
    # a monotonic clock stands in the sleep of Linux and macOS, and goes on in that of Windows
    submit()
    job = queue.claim()
    other = TransmissionQueue(journal, clock=clock, retry=RetryPolicy())
    assert other.claim() is None
    clock.advance(19)
    assert other.claim() is None
    pass_night(clock, 8 * 3600)
    assert other.claim() is None
    queue.heartbeat(job)
    assert other.claim() is None
    assert queue.finish(job, DONE).attempts == 1


# the operator


def test_only_a_failed_job_is_retried_and_only_a_waiting_or_failed_one_cancelled(
    queue: TransmissionQueue, submit, clock: FakeClock
) -> None:
    job_id = submit()
    with pytest.raises(StateError, match="FAILED"):
        queue.retry(job_id)
    job = queue.claim()
    with pytest.raises(StateError, match="IN_FLIGHT"):
        queue.cancel(job_id)
    queue.finish(job, RETRY)
    assert queue.cancel(job_id).state is JobState.CANCELLED
    with pytest.raises(StateError, match="CANCELLED"):
        queue.cancel(job_id)
    clock.advance(10**6)
    assert queue.claim() is None
    with pytest.raises(StateError, match="no job 99"):
        queue.retry(99)


def test_a_retried_job_has_all_its_attempts_again(queue: TransmissionQueue, submit, clock: FakeClock) -> None:
    job_id = submit()
    queue.finish(queue.claim(), PARK)
    queue.retry(job_id)
    job = queue.finish(queue.claim(), RETRY)
    assert (job.state, job.attempts, job.delay_s) == (JobState.RETRYING, 1, 30)


@pytest.mark.req("FR-DICOM-05")
def test_a_finished_job_can_be_done_once_more_by_its_key(journal: Journal, queue: TransmissionQueue, submit) -> None:
    job_id = submit("a")
    with journal.transaction() as tx:
        assert queue.reopen(tx, "unknown") is None
        assert queue.reopen(tx, "a").state is JobState.PENDING
    queue.finish(queue.claim(), DONE)
    with journal.transaction() as tx:
        assert queue.reopen(tx, "a").id == job_id
    assert queue.claim().id == job_id


@pytest.mark.req("FR-DICOM-05")
def test_a_success_that_turned_out_to_be_none_is_failed_for_the_operator_to_retry(
    journal: Journal, queue: TransmissionQueue, submit
) -> None:
    job_id = submit("a")
    with journal.transaction() as tx:
        assert queue.fail(tx, "unknown", "NOT_COMMITTED", "not kept") is None
        assert queue.fail(tx, "a", "NOT_COMMITTED", "not kept").state is JobState.PENDING
    queue.finish(queue.claim(), DONE)
    with journal.transaction() as tx:
        queue.fail(tx, "a", "NOT_COMMITTED", "not kept")
    job = queue.get(job_id)
    assert (job.state, job.reason, job.last_error) == (JobState.FAILED, "NOT_COMMITTED", "not kept")
    assert queue.claim() is None
    assert queue.retry(job_id).state is JobState.PENDING
    assert queue.claim().id == job_id


def test_jobs_are_found_by_what_is_given(journal: Journal, queue: TransmissionQueue, submit) -> None:
    store = submit("a", transaction_uid="1.2")
    other = submit("b", kind="N-SET", destination="ris")
    assert [job.id for job in queue.jobs()] == [store, other]
    assert [job.id for job in queue.jobs(destination="ris")] == [other]
    assert [job.id for job in queue.jobs(kind="C-STORE", states=[JobState.PENDING, JobState.FAILED])] == [store]
    assert queue.jobs(states=[]) == []
    assert queue.jobs(step_uid="1.2.3") == []
    with journal.transaction() as tx:
        assert queue.cancel_in(tx, queue.get(store)).state is JobState.CANCELLED
        assert queue.jobs_of_step(tx, "1.2") == queue.jobs_of_instance(tx, "1.2") == []


def test_a_paused_destination_gets_nothing_even_after_a_restart(
    journal: Journal, queue: TransmissionQueue, submit, clock: FakeClock
) -> None:
    submit()
    queue.pause("pacs")
    again = TransmissionQueue(journal, clock=clock, retry=RetryPolicy())
    clock.advance(10**6)
    assert again.claim() is None
    assert again.claim_probe() is None
    (status,) = again.destinations()
    assert (status.name, status.state) == ("pacs", DestinationState.PAUSED)
    again.resume("pacs")
    assert queue.claim() is not None


def test_local_work_is_never_held_or_paused(queue: TransmissionQueue, submit) -> None:
    submit("a", destination="")
    with pytest.raises(StateError, match="local"):
        queue.pause("")
    job = queue.finish(queue.claim(), HOLD)
    assert (job.state, job.attempts) == (JobState.RETRYING, 1)
    assert queue.destinations() == []


# destinations on hold


def test_a_held_destination_keeps_its_jobs_and_delays_no_other(
    queue: TransmissionQueue, submit, clock: FakeClock
) -> None:
    submit("a")
    submit("b")
    submit("c", destination="other")
    job = queue.finish(queue.claim("pacs"), HOLD)
    assert (job.state, job.attempts) == (JobState.PENDING, 0)
    assert queue.claim().destination == "other"
    assert queue.claim() is None
    held = next(d for d in queue.destinations() if d.name == "pacs")
    assert (held.state, held.cause, held.since, held.probes) == (DestinationState.HELD, "said no", clock.now(), 0)
    assert held.next_probe == clock.now() + timedelta(seconds=30)


@pytest.mark.req("FR-DICOM-01")
def test_a_night_without_the_archive_fails_nothing(
    queue: TransmissionQueue, submit, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(10):
        submit(str(number))
    queue.finish(queue.claim(), HOLD)
    morning, waits, last = clock.now() + timedelta(hours=10), [], clock.now()
    while clock.now() < morning:
        assert queue.claim() is None
        _, due = queue.ready()
        clock.advance((due - clock.now()).total_seconds())
        assert queue.claim_probe() == "pacs"
        assert queue.claim_probe() is None
        queue.probed("pacs", "refused")
        waits.append((clock.now() - last).total_seconds())
        last = clock.now()
    assert waits[:7] == [30, 60, 120, 240, 480, 960, 1920]
    assert set(waits[7:]) == {3600}
    assert {(job.state, job.attempts) for job in queue.jobs()} == {(JobState.PENDING, 0)}
    assert len([r for r in caplog.records if r.levelname == "ERROR"]) == 1
    queue.probed("pacs", None)
    done = 0
    while job := queue.claim():
        queue.finish(job, DONE)
        done += 1
    assert done == 10


def test_a_limit_of_probes_fails_the_jobs_as_unreachable(journal: Journal, clock: FakeClock, submit) -> None:
    settled: list[int] = []
    queue = TransmissionQueue(
        journal,
        clock=clock,
        retry=RetryPolicy(unreachable_attempts=5),
        settled=lambda _, job: settled.append(job.id),
    )
    first, second = submit("a", ordering_key="k"), submit("b", ordering_key="k", sequence=1)
    other = submit("c", destination="other")
    queue.finish(queue.claim("pacs"), HOLD)
    for probe in range(5):
        assert {job.state for job in queue.jobs(destination="pacs")} == {JobState.PENDING}
        clock.advance(30 * 2**probe)
        assert queue.claim_probe() == "pacs"
        queue.probed("pacs", "refused")
    assert [(j.state, j.reason) for j in queue.jobs(destination="pacs")] == [(JobState.FAILED, "UNREACHABLE")] * 2
    assert settled == [first, second]
    assert queue.claim().id == other
    late = submit("d")
    clock.advance(960)
    assert queue.claim_probe() == "pacs"
    queue.probed("pacs", "refused")
    assert queue.get(late).state is JobState.PENDING


def test_notices_tell_of_hold_of_the_fifth_probe_and_of_the_end(
    queue: TransmissionQueue, submit, clock: FakeClock
) -> None:
    notices = []
    stop = queue.on_destination(notices.append)
    submit("a")
    submit("b")
    jobs = [queue.claim(), queue.claim()]
    for job in jobs:
        queue.finish(job, HOLD)
    for _ in range(7):
        clock.advance(3600)
        queue.probed(queue.claim_probe(), "refused")
    queue.probed("pacs", None)
    queue.probed("pacs", None)
    stop()
    queue.pause("pacs")
    assert [(n.state, n.probes) for n in notices] == [
        (DestinationState.HELD, 0),
        (DestinationState.HELD, 5),
        (DestinationState.OPEN, 0),
    ]


@pytest.mark.req("X-TIME")
def test_a_probe_is_made_although_the_clock_was_set_back(queue: TransmissionQueue, submit, clock: FakeClock) -> None:
    submit()
    queue.finish(queue.claim(), HOLD)
    clock.set(clock.now() - timedelta(days=1000))
    assert queue.claim_probe() == "pacs"


def test_a_probe_whose_process_died_is_made_again(queue: TransmissionQueue, submit, clock: FakeClock) -> None:
    submit()
    queue.finish(queue.claim(), HOLD)
    clock.advance(30)
    assert queue.claim_probe() == "pacs"
    clock.advance(60)
    assert queue.claim_probe() == "pacs"


def test_the_operator_is_quicker_than_a_probe(queue: TransmissionQueue, submit, clock: FakeClock) -> None:
    submit()
    queue.finish(queue.claim(), HOLD)
    clock.advance(30)
    queue.claim_probe()
    queue.pause("pacs")
    assert queue.probed("pacs", None).state is DestinationState.PAUSED


def test_work_is_announced_after_the_commit(journal: Journal, queue: TransmissionQueue, submit) -> None:
    calls: list[int] = []
    stop = queue.on_work(lambda: calls.append(len(queue.jobs())))
    submit("a")
    stop()
    submit("b")
    assert calls == [1]


# rules of the schema and of the claim


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE job SET state = 'LOST'",
        "UPDATE job SET state = 'IN_FLIGHT'",
        "UPDATE job SET lease_owner = 'x', lease_until = 'x'",
        "UPDATE job SET attempts = -1",
        "UPDATE job SET kind = ''",
        "UPDATE job SET unique_key = 'a'",
        "UPDATE job SET state = 'IN_FLIGHT', lease_owner = 'x', lease_until = 'x', ordering_key = 'k'",
        "UPDATE job SET destination = 'unheard of'",
        "UPDATE job SET blocked = 1",
        "DELETE FROM destination",
    ],
)
def test_the_schema_refuses(journal: Journal, submit, statement: str) -> None:
    submit("a")
    submit("b")
    with pytest.raises(StateError), journal.transaction() as tx:
        tx.execute(statement)


def test_the_schema_knows_every_state(journal: Journal) -> None:
    with journal.read() as tx:
        for table, members in (("job", JobState), ("destination", DestinationState)):
            sql = tx.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()["sql"]
            listed = sql.split("state IN (")[1].split(")")[0]
            assert {text.strip(" '") for text in listed.split(",")} == {member.value for member in members}


@pytest.mark.req("X-FAST")
def test_a_claim_reads_index_entries_and_never_the_waiting_jobs(journal: Journal, queue, submit) -> None:
    submit()
    statements: list[str] = []
    with journal.transaction() as tx:
        tx._connection.set_trace_callback(statements.append)
    queue.finish(queue.claim(), RETRY)
    queue.ready()
    submit("b", ordering_key="k")
    with journal.transaction() as tx:
        tx._connection.set_trace_callback(None)
    looked = [s for s in statements if s.startswith(("SELECT", "UPDATE"))]
    assert len(looked) > 10
    partial = ("job_ready", "job_due", "job_scheduled", "job_lease", "job_order", "job_free", "job_stalled")
    narrow = (*partial, "INTEGER PRIMARY KEY", "(unique_key=?)", "job_one_in_flight")
    with journal.read() as tx:
        for statement in looked:
            plan = [row["detail"] for row in tx.execute(f"EXPLAIN QUERY PLAN {statement}")]
            reads = [line for line in plan if "job" in line.split()[:2]]
            assert all(any(name in line for name in narrow) for line in reads), (statement, plan)


@pytest.mark.req("X-FAST")
def test_a_claim_costs_the_same_however_many_jobs_wait(tmp_path: Path, clock: FakeClock) -> None:
    def steps_of_sqlite(waiting: int) -> int:
        journal = Journal.open(tmp_path / str(waiting), clock=clock)
        queue = TransmissionQueue(journal, clock=clock, retry=RetryPolicy())
        counted: list[None] = []
        with journal.transaction() as tx:
            for number in range(waiting):
                values = {"destination": f"d{number % 3}", "unique_key": str(number)}
                kept_back = ({}, {"delay": 3600.0}, {"ordering_key": f"k{number // 8}"}, {})[number % 4]
                queue.submit(tx, JobRequest(kind="C-STORE", **values, **kept_back))
        queue.pause("d1")
        queue.finish(queue.claim("d2"), HOLD)
        queue.ready()  # the new journal's first look
        with journal.transaction() as tx:
            tx._connection.set_progress_handler(lambda: counted.append(None), 1)
        clock.advance(30)
        assert queue.claim_probe() == "d2"
        queue.finish(queue.claim(), RETRY)
        queue.finish(queue.claim(), DONE)
        queue.ready()
        clock.set(clock.now() + timedelta(seconds=10))
        assert queue.claim() is not None
        with journal.transaction() as tx:
            tx._connection.set_progress_handler(None, 1)
        journal.close()
        return len(counted)

    few, many = steps_of_sqlite(50), steps_of_sqlite(5000)
    assert few > 100
    assert many < 1.2 * few
