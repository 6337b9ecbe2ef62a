"""The worker: one thread where there is work, no destination delays another, what a handler raises is survived."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modality_sdk.clock import SystemClock
from modality_sdk.journal import Journal
from modality_sdk.model import DestinationState, JobState, RetryPolicy
from modality_sdk.queue import Job, JobRequest, Outcome, OutcomeKind, TransmissionQueue, Worker
from modality_sdk.testing.clock import FakeClock

DONE, HOLD, RETRY = (
    Outcome(kind=k, message="said no") for k in (OutcomeKind.DONE, OutcomeKind.HOLD, OutcomeKind.RETRY)
)
pytestmark = pytest.mark.req("FR-DICOM-08")


def wait_until(condition: Callable[[], bool], timeout: float = 10.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.005)


def states(queue: TransmissionQueue) -> set[JobState]:
    return {job.state for job in queue.jobs()}


def done(_: Job) -> Outcome:
    return DONE


def reachable(_: str) -> None:
    return None


# on the caller's thread, with a clock that stands


def test_run_due_does_what_is_due_and_says_how_much(queue: TransmissionQueue, submit, clock: FakeClock) -> None:
    seen: list[Job] = []

    def handler(job: Job) -> Outcome:
        seen.append(job)
        return DONE

    worker = Worker(queue, {"C-STORE": handler}, probe=reachable)
    submit("a", destination="")
    submit("b")
    submit("later", delay=60)
    assert worker.run_due() == 2
    assert [job.state for job in seen] == [JobState.IN_FLIGHT] * 2
    assert worker.run_due() == 0
    clock.advance(60)
    assert worker.run_due() == 1


def test_a_held_destination_is_probed_when_due_and_its_jobs_run_when_it_answers(
    queue: TransmissionQueue, submit, clock: FakeClock
) -> None:
    up, probed, notices = False, [], []

    def probe(destination: str) -> str | None:
        probed.append(destination)
        return None if up else "refused"

    worker = Worker(queue, {"C-STORE": lambda _: DONE if up else HOLD}, probe=probe, notice=notices.append)
    submit("a")
    submit("b")
    assert worker.run_due() == 1
    assert (worker.run_due(), probed) == (0, [])
    clock.advance(30)
    assert (worker.run_due(), probed) == (0, ["pacs"])
    up = True
    clock.advance(60)
    assert worker.run_due() == 2
    assert [notice.state for notice in notices] == [DestinationState.HELD, DestinationState.OPEN]
    assert states(queue) == {JobState.COMPLETE}


@pytest.mark.req("NFR-SEC-01")
def test_a_handler_that_raises_has_its_job_tried_again_and_its_words_are_not_kept(
    journal: Journal, queue: TransmissionQueue, submit, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    def handler(_: Job) -> Outcome:
        raise RuntimeError("Doe^Jane")

    submit(payload=b"Doe^Jane")
    with caplog.at_level(logging.DEBUG):
        assert Worker(queue, {"C-STORE": handler}, probe=reachable).run_due() == 1
    (job,) = queue.jobs()
    assert (job.state, job.reason, job.last_error) == (JobState.RETRYING, "HANDLER_RAISED", "RuntimeError")
    assert "RuntimeError" in caplog.text
    assert "Jane" not in caplog.text
    with journal.read() as tx:
        assert "Jane" not in repr(tx.history(job.created))


def test_a_result_that_cannot_be_kept_has_its_job_tried_again(queue: TransmissionQueue, submit) -> None:
    def broken(_: object) -> None:
        raise KeyError

    submit()
    outcome = Outcome(kind=OutcomeKind.DONE, apply=broken)
    assert Worker(queue, {"C-STORE": lambda _: outcome}, probe=reachable).run_due() == 1
    assert queue.jobs()[0].reason == "RESULT_NOT_KEPT"


def test_an_interrupted_job_counts_as_tried_and_the_interrupt_goes_on(queue: TransmissionQueue, submit) -> None:
    def interrupted(_: Job) -> Outcome:
        raise KeyboardInterrupt

    submit()
    with pytest.raises(KeyboardInterrupt):
        Worker(queue, {"C-STORE": interrupted}, probe=reachable).run_due()
    (job,) = queue.jobs()
    assert (job.state, job.attempts, job.reason) == (JobState.RETRYING, 1, "INTERRUPTED")


def test_a_job_that_nobody_can_do_is_kept_as_failed(queue: TransmissionQueue, submit) -> None:
    submit(kind="N-SET")
    Worker(queue, {"C-STORE": done}, probe=reachable).run_due()
    (job,) = queue.jobs()
    assert (job.state, job.reason) == (JobState.FAILED, "NO_HANDLER")


def test_a_probe_that_raises_counts_as_failed(queue: TransmissionQueue, submit, clock: FakeClock) -> None:
    def probe(_: str) -> None:
        raise RuntimeError("Doe^Jane")

    submit()
    worker = Worker(queue, {"C-STORE": lambda _: HOLD}, probe=probe)
    worker.run_due()
    clock.advance(30)
    worker.run_due()
    (status,) = queue.destinations()
    assert (status.probes, status.cause) == (1, "the probe raised RuntimeError")


def test_a_notice_that_raises_harms_nobody(queue: TransmissionQueue, submit) -> None:
    def notice(_: object) -> None:
        raise RuntimeError

    submit()
    assert Worker(queue, {"C-STORE": lambda _: HOLD}, probe=reachable, notice=notice).run_due() == 1
    assert queue.destinations()[0].state is DestinationState.HELD


# in the background


@pytest.fixture
def live(data_dir: Path) -> Iterator[TransmissionQueue]:
    """A queue on the system's clock."""
    journal = Journal.open(data_dir, clock=SystemClock())
    yield TransmissionQueue(journal, clock=SystemClock(), retry=RetryPolicy(initial=0.05))
    journal.close()


def put(queue: TransmissionQueue, key: str, destination: str = "pacs", **values: object) -> None:
    with queue._journal.transaction() as tx:
        queue.submit(tx, JobRequest(kind="C-STORE", destination=destination, unique_key=key, **values))


@pytest.fixture
def run(live: TransmissionQueue) -> Iterator[Callable[..., Worker]]:
    """Starts a worker, which is stopped at the end."""
    workers: list[Worker] = []

    def start(handler: Callable[[Job], Outcome], *, poll: float = 30.0, probe=reachable) -> Worker:
        workers.append(Worker(live, {"C-STORE": handler}, probe=probe, poll=poll))
        workers[-1].start()
        return workers[-1]

    yield start
    for worker in workers:
        worker.stop(5)


def test_work_submitted_in_the_process_is_done_without_waiting_for_the_poll(live: TransmissionQueue, run) -> None:
    run(done, poll=300.0)
    for number in range(5):
        put(live, str(number), destination=f"d{number % 2}")
    wait_until(lambda: len(live.jobs(states={JobState.COMPLETE})) == 5)


def test_work_of_another_process_is_found_by_the_poll(live: TransmissionQueue, run, data_dir: Path) -> None:
    run(done, poll=0.02)
    other = Journal.open(data_dir, clock=SystemClock())
    put(TransmissionQueue(other, clock=SystemClock(), retry=RetryPolicy()), "a")
    other.close()
    wait_until(lambda: states(live) == {JobState.COMPLETE})


def test_a_retry_is_made_when_it_is_due(live: TransmissionQueue, run) -> None:
    outcomes = [RETRY, RETRY, DONE]
    run(lambda _: outcomes.pop(0), poll=300.0)
    put(live, "a")
    wait_until(lambda: states(live) == {JobState.COMPLETE})
    assert live.jobs()[0].attempts == 3


@pytest.mark.req("FR-DICOM-01")
def test_a_dead_destination_delays_no_other(live: TransmissionQueue, run) -> None:
    release, waiting = threading.Event(), threading.Event()

    def handler(job: Job) -> Outcome:
        if job.destination == "dead":
            waiting.set()
            release.wait(10)
        return DONE

    run(handler)
    put(live, "a", "dead")
    assert waiting.wait(10)
    put(live, "b", "alive")
    wait_until(lambda: live.jobs(destination="alive")[0].state is JobState.COMPLETE)
    assert live.jobs(destination="dead")[0].state is JobState.IN_FLIGHT
    release.set()
    wait_until(lambda: states(live) == {JobState.COMPLETE})


def test_a_slow_probe_delays_no_other(live: TransmissionQueue, run) -> None:
    release, probing = threading.Event(), threading.Event()

    def probe(_: str) -> None:
        probing.set()
        release.wait(10)

    answers = {"dead": [HOLD, DONE], "alive": [DONE]}
    run(lambda job: answers[job.destination].pop(0), probe=probe)
    put(live, "a", "dead")
    assert probing.wait(10)
    put(live, "b", "alive")
    wait_until(lambda: live.jobs(destination="alive")[0].state is JobState.COMPLETE)
    release.set()
    wait_until(lambda: states(live) == {JobState.COMPLETE})


def test_one_destination_is_served_by_one_thread_at_a_time_which_ends_when_idle(live: TransmissionQueue, run) -> None:
    lock, together = threading.Lock(), []

    def handler(_: Job) -> Outcome:
        together.append(lock.acquire(blocking=False))
        time.sleep(0.002)
        lock.release()
        return DONE

    worker = run(handler)
    for number in range(20):
        put(live, str(number))
        worker.wake()
    wait_until(lambda: states(live) == {JobState.COMPLETE})
    assert together == [True] * 20
    wait_until(lambda: not any(thread.name == "queue pacs" for thread in threading.enumerate()))


def test_stopping_lets_the_running_job_finish_and_begins_no_other(live: TransmissionQueue, run) -> None:
    began = threading.Event()

    def handler(_: Job) -> Outcome:
        began.set()
        time.sleep(0.1)
        return DONE

    worker = run(handler)
    put(live, "a")
    put(live, "b")
    assert began.wait(10)
    worker.stop(5)
    assert [job.state for job in live.jobs()] == [JobState.COMPLETE, JobState.PENDING]
    worker.start()
    wait_until(lambda: states(live) == {JobState.COMPLETE})


def test_stopping_does_not_wait_longer_than_it_may_and_the_job_is_not_lost(live: TransmissionQueue, run) -> None:
    began, release = threading.Event(), threading.Event()

    def handler(_: Job) -> Outcome:
        began.set()
        release.wait(10)
        return DONE

    worker = run(handler)
    put(live, "a")
    assert began.wait(10)
    worker.stop(0.02)
    assert live.jobs()[0].state is JobState.IN_FLIGHT
    release.set()
    wait_until(lambda: states(live) == {JobState.COMPLETE})


def test_the_leases_of_running_jobs_are_renewed(live: TransmissionQueue, run, monkeypatch: pytest.MonkeyPatch) -> None:
    beats, release = [], threading.Event()
    monkeypatch.setattr("modality_sdk.queue.worker._HEARTBEAT", 0.01)
    renew = live.heartbeat
    monkeypatch.setattr(live, "heartbeat", lambda job: (renew(job), beats.append(job.id)))

    def handler(_: Job) -> Outcome:
        release.wait(10)
        return DONE

    run(handler, poll=0.01)
    put(live, "a")
    wait_until(lambda: len(beats) >= 3)
    release.set()
    wait_until(lambda: states(live) == {JobState.COMPLETE})
