"""Two programs empty one queue of 2,000 jobs, a third looks on and pauses: alive, and killed in the middle."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from modality_sdk.clock import SystemClock
from modality_sdk.journal import Journal
from modality_sdk.model import JobState, RetryPolicy
from modality_sdk.queue import JobRequest, TransmissionQueue

pytestmark = [pytest.mark.req("X-IDEMP"), pytest.mark.req("NFR-REL-01")]

JOBS, DESTINATIONS, KILLS = 2000, 3, 4

PROGRAM = '''
import logging, os, sys, threading
from datetime import timedelta
from pathlib import Path
from modality_sdk.clock import SystemClock
from modality_sdk.journal import Journal
from modality_sdk.model import RetryPolicy
from modality_sdk.queue import Outcome, OutcomeKind, TransmissionQueue, Worker

class Clock(SystemClock):
    """Ahead by as many seconds as a file has bytes."""
    def now(self):
        return super().now() + timedelta(seconds=self.ahead())
    def monotonic(self):
        return super().monotonic() + self.ahead()
    def ahead(self):
        return (directory / "ahead").stat().st_size

logging.basicConfig(level=logging.ERROR)  # all that may be said on the error stream
role, directory = sys.argv[1], Path(sys.argv[2])
clock = Clock()
journal = Journal.open(directory / "data", clock=clock)
queue = TransmissionQueue(journal, clock=clock, retry=RetryPolicy())
log = os.open(directory / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()

def send(job):
    os.write(log, f"{job.id} {job.attempts}\\n".encode())
    return Outcome(kind=OutcomeKind.DONE, apply=lambda tx: tx.record("effect", str(job.id), "", ""))

if role == "worker":
    worker = Worker(queue, {"C-STORE": send}, probe=lambda _: None, poll=0.02)
    worker.start()
    ended.wait()
    worker.stop(20)
else:
    while not ended.wait(0.002):
        for destination in queue.destinations():
            queue.pause(destination.name)
            queue.jobs(destination=destination.name)
            queue.resume(destination.name)
journal.close()
'''


@dataclass
class Load:
    """The shared directory and the programs that were started on it."""

    directory: Path
    queue: TransmissionQueue

    def __post_init__(self) -> None:
        self.processes: list[subprocess.Popen[str]] = []
        (self.directory / "ahead").touch()
        (self.directory / "log").touch()

    def start(self, role: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, role, str(self.directory)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def sent(self) -> Counter[int]:
        """How often each job was sent."""
        return Counter(int(line.split()[0]) for line in (self.directory / "log").read_text().splitlines())

    def pass_time(self, seconds: int) -> None:
        with (self.directory / "ahead").open("a") as file:
            file.write("." * seconds)

    def wait(self, condition: Callable[[], bool], meanwhile: Callable[[], None] = lambda: None) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, "the queue stands still"
            time.sleep(0.1)
            meanwhile()

    def is_done(self) -> bool:
        return not self.queue.jobs(states={state for state in JobState if state.is_open})

    def end(self) -> None:
        """Stop what still runs; a program that met a locked database, or any other error, has said so."""
        for process in self.processes:
            complaints = process.communicate(timeout=30)[1]
            assert complaints == ""


@pytest.fixture
def load() -> Iterator[Load]:
    # kills are survived by what was written, not by what reached the disk
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as directory:
        journal = Journal.open(Path(directory) / "data", clock=SystemClock())
        queue = TransmissionQueue(journal, clock=SystemClock(), retry=RetryPolicy())
        with journal.transaction() as tx:
            for n in range(JOBS):
                request = JobRequest(kind="C-STORE", destination=f"d{n % DESTINATIONS}", unique_key=str(n))
                queue.submit(tx, request)
        load = Load(Path(directory), queue)
        yield load
        for process in load.processes:
            process.kill()
            process.communicate()
        with journal.read() as tx:
            effects = Counter(e.entity for e in tx.history(queue.jobs()[0].created) if e.kind == "effect")
        assert effects == Counter(str(job.id) for job in queue.jobs())
        journal.close()


def test_two_living_programs_send_each_job_once_while_a_third_pauses_and_resumes(load: Load) -> None:
    load.start("worker")
    load.start("worker")
    load.start("onlooker")
    load.wait(load.is_done)
    load.end()
    jobs = load.queue.jobs()
    assert load.sent() == Counter(job.id for job in jobs)
    assert {(job.state, job.attempts) for job in jobs} == {(JobState.COMPLETE, 1)}


def test_programs_that_are_killed_leave_no_job_and_repeat_only_what_they_were_at(load: Load) -> None:
    living = [load.start("worker"), load.start("worker")]
    for kill in range(1, KILLS + 1):
        load.wait(lambda: load.sent().total() > kill * JOBS // (KILLS + 2))  # noqa: B023 - called at once
        victim = living.pop(0)
        victim.kill()
        victim.communicate()
        load.processes.remove(victim)
        living.append(load.start("worker"))
    load.wait(load.is_done, meanwhile=lambda: load.pass_time(15))  # until the leases of the dead have ended
    load.end()
    jobs, sent = load.queue.jobs(), load.sent()
    assert sent.keys() == {job.id for job in jobs}
    assert {job.state for job in jobs} == {JobState.COMPLETE}
    again = [job.id for job in jobs if job.attempts > 1]
    assert len(again) <= KILLS * DESTINATIONS
    assert {job_id for job_id, times in sent.items() if times > 1} <= set(again)
