"""Filters, counts and limits over the whole queue agree with what one finds by looking at every job."""

import threading
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modality_sdk.errors import StateError
from modality_sdk.model import DestinationState, JobState
from modality_sdk.queue import Job, JobFilter, JobRequest, Outcome, OutcomeKind, TransmissionQueue, Worker
from modality_sdk.testing.clock import FakeClock

pytestmark = pytest.mark.req("FR-DICOM-08")

OUTCOMES = [Outcome(kind=kind, message="said no") for kind in OutcomeKind]


@pytest.fixture
def busy(journal, queue: TransmissionQueue, clock: FakeClock) -> list[Job]:
    """Jobs in every state, submitted one minute after the other."""
    for number in range(24):
        with journal.transaction() as tx:
            request = JobRequest(
                kind=("C-STORE", "N-ACTION")[number % 2],
                destination=("pacs", "ris", "")[number % 3],
                unique_key=str(number),
                delay=600.0 * (number % 4 == 3),
            )
            queue.submit(tx, request)
        clock.advance(60)
    for outcome in OUTCOMES:
        if outcome.kind is not OutcomeKind.HOLD:
            queue.finish(queue.claim("pacs"), outcome)
    queue.cancel(queue.jobs(destination="", states={JobState.PENDING})[-1].id)
    queue.claim("ris")
    jobs = queue.jobs()
    assert {job.state for job in jobs} == set(JobState)
    return jobs


def fits(job: Job, wanted: JobFilter, changed: dict[int, object]) -> bool:
    return (
        (wanted.states is None or job.state in wanted.states)
        and wanted.destination in (None, job.destination)
        and wanted.kind in (None, job.kind)
        and (wanted.before is None or job.created < wanted.before)
        and (wanted.since is None or changed[job.id] >= wanted.since)
        and (not wanted.sent or job.destination != "")
    )


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_filter_finds_and_counts_what_fits_oldest_first(
    busy: list[Job], journal, queue: TransmissionQueue, clock: FakeClock, data: st.DataObject
) -> None:
    moment = st.none() | st.integers(0, 30).map(lambda minutes: clock.now() - timedelta(minutes=minutes))
    wanted = JobFilter(
        states=data.draw(st.none() | st.sets(st.sampled_from(JobState))),
        destination=data.draw(st.sampled_from([None, "pacs", "ris", "", "nobody"])),
        kind=data.draw(st.sampled_from([None, "C-STORE", "N-ACTION"])),
        since=data.draw(moment),
        before=data.draw(moment),
        sent=data.draw(st.booleans()),
    )
    changed = {}
    for entry in journal_history(journal, clock):
        changed[int(entry.entity)] = entry.at
    expected = [job for job in busy if fits(job, wanted, changed)]
    limit = data.draw(st.none() | st.integers(0, 30))
    assert queue.operations.find(wanted, limit) == (expected if limit is None else expected[:limit])
    assert queue.operations.count(wanted) == len(expected)


def journal_history(journal, clock: FakeClock) -> list:
    with journal.read() as tx:
        return [entry for entry in tx.history(clock.now() - timedelta(days=1)) if entry.kind == "job"]


def test_the_tally_counts_every_job_once(busy: list[Job], queue: TransmissionQueue) -> None:
    tally = queue.operations.tally()
    assert set(tally) == {"pacs", "ris", ""}
    for name, counts in tally.items():
        for state, number in counts.items():
            assert number == sum((job.destination, job.state) == (name, state) for job in busy)
    assert sum(map(sum, (counts.values() for counts in tally.values()))) == len(busy)


def test_due_leaves_out_what_cannot_be_worked_on_now(journal, queue: TransmissionQueue, submit, clock) -> None:
    due = queue.operations.due
    submit("a")
    submit("later", delay=60)
    submit("held", destination="backup")
    submit("first", destination="ris", ordering_key="k")
    submit("second", destination="ris", ordering_key="k", sequence=1)
    assert (due(), due({"pacs"}), due({"ris", "backup"}), due(())) == (5 - 1, 1, 3, 0)
    queue.finish(queue.claim("backup"), Outcome(kind=OutcomeKind.HOLD))
    assert due({"backup"}) == 0
    job = queue.claim("pacs")
    assert due({"pacs"}) == 1  # it is being worked on
    queue.finish(job, Outcome(kind=OutcomeKind.DONE))
    assert due({"pacs"}) == 0
    queue.finish(queue.claim("ris"), Outcome(kind=OutcomeKind.PARK))
    assert due() == 0  # the second waits for the first
    clock.advance(60)
    queue.pause("pacs")
    assert due() == 0
    queue.resume("pacs")
    assert due() == 1


def test_a_job_that_is_being_sent_cannot_be_cancelled_and_the_rule_is_named(queue: TransmissionQueue, submit) -> None:
    job_id = submit()
    queue.claim()
    with pytest.raises(StateError, match=f"job {job_id} is IN_FLIGHT and cannot be cancelled: .* may have arrived"):
        queue.cancel(job_id)


def test_only_the_destinations_named_are_probed(queue: TransmissionQueue, submit, clock: FakeClock) -> None:
    for name in ("pacs", "ris"):
        submit(name, destination=name)
        queue.finish(queue.claim(name), Outcome(kind=OutcomeKind.HOLD))
    clock.advance(30)
    assert queue.claim_probe({"ris"}) == "ris"
    assert queue.claim_probe({"ris"}) is None
    assert queue.claim_probe() == "pacs"


def test_a_worker_for_some_destinations_leaves_the_others_alone(queue: TransmissionQueue, submit) -> None:
    submit("a", destination="ris")
    submit("b", destination="")
    job_id = submit("c", destination="pacs")
    ran = threading.Event()

    def handler(job: Job) -> Outcome:
        assert job.destination == "pacs"
        ran.set()
        return Outcome(kind=OutcomeKind.DONE)

    worker = Worker(queue, {"C-STORE": handler}, probe=lambda _: None, poll=0.02, only={"pacs"})
    worker.start()
    assert ran.wait(10)
    worker.stop(10)
    assert {job.id: job.state for job in queue.jobs()}[job_id] is JobState.COMPLETE
    assert sum(job.state is JobState.PENDING for job in queue.jobs()) == 2
    assert {d.state for d in queue.destinations()} == {DestinationState.OPEN}
