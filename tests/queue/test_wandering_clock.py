"""Whatever the wall clock does, and though the machine sleeps: nothing waits longer than it should, nothing storms."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modality_sdk.journal import Journal
from modality_sdk.model import JobState, RetryPolicy
from modality_sdk.queue import Job, JobRequest, Outcome, OutcomeKind, TransmissionQueue, Worker
from modality_sdk.testing.clock import FakeClock

pytestmark = [pytest.mark.req("X-TIME"), pytest.mark.req("X-IDEMP")]

POLL = 15.0
HOUR, DECADE = 3600.0, 87600 * 3600.0
RETRY = RetryPolicy(attempts=100, initial=30, maximum=900)

PASS = st.tuples(st.just("pass"), st.sampled_from([15.0, 45.0, 600.0]))
SLEEP = st.tuples(st.just("sleep"), st.sampled_from([40.0, 8 * HOUR]))
STAND = st.tuples(st.just("stand"), st.sampled_from([40.0, 8 * HOUR]))
# how wrong the clock is from now on; differences below the step that counts as one are no setting
SET = st.tuples(st.just("set"), st.sampled_from([0.0, 10.0, 300.0, -300.0, HOUR, -HOUR, DECADE, -DECADE]))


@dataclass
class Timing:
    """One thing that waits, by the true time."""

    since: float
    delay: float
    runs: int = 0


@dataclass
class Site:
    """Two processes over one journal, a clock that is wrong, and the true time beside it."""

    directory: Path
    true: float = 0.0
    wrong: float = 0.0
    waits: dict[str, Timing] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    early: Counter[str] = field(default_factory=Counter)
    settings: list[float] = field(default_factory=list)
    sleeps: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.journal = Journal.open(self.directory, clock=self.clock)
        self.queues = [TransmissionQueue(self.journal, clock=self.clock, retry=RETRY) for _ in range(2)]
        self.workers = [Worker(q, dict.fromkeys("ABC", self.handle), probe=self.probe) for q in self.queues]
        self.submit("A", "answers")  # refused each time
        self.submit("B", "silent")  # never reached: held
        self.submit("C", "", delay=500)  # our own reminder
        self.submit("D", "busy")  # under way at the first process all the time
        self.running = self.queues[0].claim("busy")
        self.beat = self.clock.monotonic()
        self.waits["C"] = Timing(0.0, 500.0)
        self.look()

    def submit(self, kind: str, destination: str, delay: float = 0.0) -> None:
        request = JobRequest(kind=kind, destination=destination, unique_key=kind, delay=delay)
        with self.journal.transaction() as tx:
            self.queues[0].submit(tx, request)

    def handle(self, job: Job) -> Outcome:
        if job.kind == "B":
            self.judge("B" not in self.waits, "the job of a held destination runs")
            self.waits["B"] = Timing(self.true, RETRY.delay(1))
            return Outcome(kind=OutcomeKind.HOLD)
        self.runs(job.kind, RETRY.delay(job.attempts + 1))
        return Outcome(kind=OutcomeKind.DONE if job.kind == "C" else OutcomeKind.RETRY)

    def probe(self, destination: str) -> str:
        self.judge(destination == "silent", f"{destination} is probed")
        self.runs("B", RETRY.delay(self.waits["B"].runs + 2))
        return "refused"

    def runs(self, name: str, next_delay: float) -> None:
        """Judge that something runs now."""
        wait = self.waits.pop(name, None)
        if wait is not None:
            due = wait.since + wait.delay
            self.judge(self.true <= self.latest(due), f"{name} is late")
            self.early[name] += self.true < due
            told = any(wait.since <= at <= self.true for at in self.settings)
            self.judge(self.true >= due or told, f"{name} runs early, and nobody set the clock")
            self.judge(self.early[name] <= len(self.settings), f"{name} runs early twice for one setting")
        self.waits[name] = Timing(self.true, next_delay, wait.runs + 1 if wait else 0)

    def judge(self, good: bool, complaint: str) -> None:
        # the worker survives what a handler raises, and would hide it
        if not good:
            self.complaints.append(complaint)

    def latest(self, due: float) -> float:
        for begin, end in self.sleeps:
            if begin <= due + POLL <= end:
                return end
        return due + POLL

    def look(self) -> None:
        """Both look, the second a second before the first, which is late with its heartbeat."""
        self.workers[1].run_due()
        self.clock.advance(1)
        self.true += 1
        if self.clock.monotonic() - self.beat >= 20:
            self.queues[0].heartbeat(self.running)
            self.beat = self.clock.monotonic()
        self.workers[0].run_due()
        assert self.complaints == []

    def move(self, kind: str, value: float) -> None:
        if kind == "pass":
            for _ in range(int(value / POLL)):
                self.clock.advance(POLL - 1)
                self.true += POLL - 1
                self.look()
        elif kind == "set":
            self.clock.set(self.clock.now() + timedelta(seconds=value - self.wrong))
            self.wrong = value
            self.settings.append(self.true)
            self.look()
        else:
            (self.clock.suspend if kind == "sleep" else self.clock.advance)(value)
            self.sleeps.append((self.true, self.true + value + 1))
            self.true += value
            self.look()

    def end(self) -> None:
        self.move("pass", 1800)  # the longest wait and some more: whatever is late shows now
        assert self.waits.keys() >= {"A", "B", "C"}
        assert all(self.true <= self.latest(w.since + w.delay) for name, w in self.waits.items() if name != "C")
        assert self.waits["C"].runs == 1
        assert self.queues[0].finish(self.running, Outcome(kind=OutcomeKind.DONE)).attempts == 1
        assert {job.kind: job.state for job in self.queues[0].jobs()} == {
            "A": JobState.RETRYING,
            "B": JobState.PENDING,
            "C": JobState.COMPLETE,
            "D": JobState.COMPLETE,
        }


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(PASS, SET, SLEEP, STAND), max_size=12))
@example([("pass", 600.0), ("set", -300.0), ("pass", 600.0), ("set", 0.0), ("pass", 600.0), ("set", -300.0)])
@example([("pass", 600.0), ("set", HOUR), ("pass", 45.0), ("set", 0.0), ("pass", 45.0), ("set", -HOUR)])
@example([("set", DECADE), ("pass", 45.0), ("set", 0.0), ("pass", 45.0), ("set", -DECADE)])
@example([("pass", 15.0), ("sleep", 8 * HOUR), ("pass", 45.0), ("stand", 8 * HOUR)])
def test_nothing_waits_longer_than_its_delay_and_nothing_runs_early_unless_the_clock_is_set(
    moves: list[tuple[str, float]],
) -> None:
    with TemporaryDirectory() as directory:
        site = Site(Path(directory))
        try:
            for kind, value in moves:
                site.move(kind, value)
            site.end()
        finally:
            site.journal.close()
