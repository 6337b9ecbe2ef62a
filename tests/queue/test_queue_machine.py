"""Whatever happens in whatever order: no job is sent by two at once, keys keep their order, nothing is forgotten."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from modality_sdk.journal import Journal
from modality_sdk.model import DestinationState, JobState, RetryPolicy
from modality_sdk.queue import Job, JobRequest, Outcome, OutcomeKind, TransmissionQueue
from modality_sdk.testing.clock import FakeClock

PROCESSES = st.integers(0, 1)
DESTINATIONS = st.sampled_from(["pacs", "ris"])


class QueueMachine(RuleBasedStateMachine):
    """Two processes over one journal; a living one renews its leases, a crashed one does not."""

    @initialize()
    def open(self) -> None:
        self.directory = TemporaryDirectory()
        self.clock = FakeClock()
        self.journal = Journal.open(Path(self.directory.name), clock=self.clock)
        self.queues = [self.process(), self.process()]
        self.running: list[dict[int, Job]] = [{}, {}]
        self.keys: dict[str, int] = {}
        self.settled: dict[int, JobState] = {}

    def process(self) -> TransmissionQueue:
        def settled(_: object, job: Job) -> None:
            self.settled[job.id] = job.state

        return TransmissionQueue(self.journal, clock=self.clock, retry=RetryPolicy(attempts=2), settled=settled)

    @rule(
        key=st.integers(0, 12),
        order=st.sampled_from(["", "x", "y"]),
        sequence=st.integers(0, 3),
        delay=st.sampled_from([0, 5]),
    )
    def submit(self, key: int, order: str, sequence: int, delay: float) -> None:
        request = JobRequest(
            kind="C-STORE",
            destination="pacs" if key % 2 else "ris",
            unique_key=str(key),
            ordering_key=order,
            sequence=sequence,
            delay=delay,
        )
        with self.journal.transaction() as tx:
            job_id = self.queues[0].submit(tx, request)
        assert self.keys.setdefault(str(key), job_id) == job_id

    @rule(process=PROCESSES)
    def claim(self, process: int) -> None:
        job = self.queues[process].claim()
        if job is None:
            return
        assert not any(job.id in running for running in self.running)
        for other in self.queues[process].jobs() if job.ordering_key else ():
            if other.ordering_key == job.ordering_key and (other.sequence, other.id) < (job.sequence, job.id):
                assert other.state in (JobState.COMPLETE, JobState.CANCELLED)
        assert {d.name: d.state for d in self.queues[process].destinations()}[job.destination] is DestinationState.OPEN
        self.running[process][job.id] = job

    @rule(process=PROCESSES, kind=st.sampled_from(OutcomeKind))
    def finish(self, process: int, kind: OutcomeKind) -> None:
        if self.running[process]:
            _, job = self.running[process].popitem()
            assert self.queues[process].finish(job, Outcome(kind=kind)).state is not JobState.IN_FLIGHT

    @rule(process=PROCESSES)
    def crash(self, process: int) -> None:
        self.queues[process], self.running[process] = self.process(), {}

    @rule(seconds=st.sampled_from([1, 20, 61, 200]))
    def pass_time(self, seconds: int) -> None:
        for _ in range(0, seconds, 20):
            self.clock.advance(min(20, seconds))
            self.renew()

    @rule(seconds=st.sampled_from([-100000, -30, 30, 100000]))
    def set_clock(self, seconds: int) -> None:
        self.clock.set(self.clock.now() + timedelta(seconds=seconds))
        self.renew()

    def renew(self) -> None:
        for queue, running in zip(self.queues, self.running, strict=True):
            for job in running.values():
                queue.heartbeat(job)

    @rule(process=PROCESSES, reachable=st.booleans())
    def probe(self, process: int, reachable: bool) -> None:
        destination = self.queues[process].claim_probe()
        if destination:
            self.queues[process].probed(destination, None if reachable else "refused")

    @rule(destination=DESTINATIONS)
    def pause(self, destination: str) -> None:
        self.queues[0].pause(destination)

    @rule(destination=DESTINATIONS)
    def resume(self, destination: str) -> None:
        self.queues[0].resume(destination)

    @rule()
    def retry(self) -> None:
        for job in self.queues[0].jobs(states={JobState.FAILED})[:1]:
            self.queues[0].retry(job.id)

    @rule()
    def cancel(self) -> None:
        for job in self.queues[0].jobs(states={JobState.PENDING, JobState.RETRYING})[:1]:
            self.queues[0].cancel(job.id)

    @invariant()
    def nothing_is_forgotten(self) -> None:
        jobs = self.queues[0].jobs()
        assert {job.unique_key: job.id for job in jobs} == self.keys
        for running in self.running:
            for job_id in running:
                assert self.queues[0].get(job_id).state is JobState.IN_FLIGHT
        for job in jobs:
            assert 0 <= job.attempts <= 3
            if not job.state.is_open:
                assert self.settled[job.id] is job.state

    def teardown(self) -> None:
        if not hasattr(self, "journal"):
            return
        for process in (0, 1):
            self.crash(process)
        queue = self.queues[0]
        for _ in range(4):  # a lease ends when it was seen unrenewed for a while, at least at three looks
            self.clock.advance(100)
            for job in queue.jobs(states={JobState.FAILED}):
                queue.retry(job.id)
            for destination in ("pacs", "ris"):
                queue.resume(destination)
            while job := queue.claim():
                queue.finish(job, Outcome(kind=OutcomeKind.DONE))
        left = {job.state for job in queue.jobs()}
        self.journal.close()
        self.directory.cleanup()
        assert left <= {JobState.COMPLETE, JobState.CANCELLED}


QueueMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestQueue = pytest.mark.req("X-IDEMP")(QueueMachine.TestCase)
