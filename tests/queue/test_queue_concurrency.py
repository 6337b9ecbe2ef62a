"""Threads and processes share the queue: each job is done once, and a process that dies loses none."""

import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from modality_sdk.clock import SystemClock
from modality_sdk.journal import Journal
from modality_sdk.model import JobState, RetryPolicy
from modality_sdk.queue import JobRequest, Outcome, OutcomeKind, TransmissionQueue, Worker

DONE = Outcome(kind=OutcomeKind.DONE)
pytestmark = pytest.mark.req("X-IDEMP")

PROCESS = """
import os, sys
from pathlib import Path
from modality_sdk.clock import SystemClock
from modality_sdk.journal import Journal
from modality_sdk.model import RetryPolicy
from modality_sdk.queue import Outcome, OutcomeKind, TransmissionQueue

journal = Journal.open(Path(sys.argv[1]), clock=SystemClock())
queue = TransmissionQueue(journal, clock=SystemClock(), retry=RetryPolicy())
job = queue.claim()
print(job.id, flush=True)
if "crash" in sys.argv:
    os._exit(9)
sys.stdin.readline()
while job:
    queue.finish(job, Outcome(kind=OutcomeKind.DONE))
    if job := queue.claim():
        print(job.id, flush=True)
journal.close()
"""


def open_queue(data_dir: Path) -> tuple[Journal, TransmissionQueue]:
    journal = Journal.open(data_dir, clock=SystemClock())
    return journal, TransmissionQueue(journal, clock=SystemClock(), retry=RetryPolicy())


def fill(journal: Journal, queue: TransmissionQueue, count: int) -> set[int]:
    with journal.transaction() as tx:
        return {
            queue.submit(tx, JobRequest(kind="C-STORE", destination=f"d{n % 3}", unique_key=str(n)))
            for n in range(count)
        }


def begin(data_dir: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a process that claims a job, says its number, and works on when it is given a line."""
    return subprocess.Popen(
        [sys.executable, "-c", PROCESS, str(data_dir), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_eight_threads_do_500_jobs_once_each(data_dir: Path) -> None:
    journal, queue = open_queue(data_dir)
    ids = fill(journal, queue, 500)
    done: Counter[int] = Counter()

    def work() -> None:
        while job := queue.claim():
            done[job.id] += 1
            queue.finish(job, DONE)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == Counter(ids)
    assert {job.state for job in queue.jobs()} == {JobState.COMPLETE}
    journal.close()


def test_two_processes_do_200_jobs_once_each(data_dir: Path) -> None:
    journal, queue = open_queue(data_dir)
    ids = fill(journal, queue, 200)
    processes = [begin(data_dir), begin(data_dir)]
    # both hold their first job at the same time
    shares = [[process.stdout.readline()] for process in processes]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process, share in zip(processes, shares, strict=True):
        share += process.communicate(timeout=60)[0].split()
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(int(job_id) for share in shares for job_id in share) == sorted(ids)
    assert {job.state for job in queue.jobs()} == {JobState.COMPLETE}
    journal.close()


@pytest.mark.req("NFR-REL-01")
def test_the_job_of_a_process_that_died_is_done_at_once_after_a_restart(data_dir: Path) -> None:
    journal, queue = open_queue(data_dir)
    (job_id,) = fill(journal, queue, 1)
    journal.close()
    process = begin(data_dir, "crash")
    process.communicate(timeout=60)
    assert process.returncode == 9
    journal, queue = open_queue(data_dir)
    assert queue.get(job_id).state is JobState.IN_FLIGHT
    assert Worker(queue, {"C-STORE": lambda _: DONE}, probe=lambda _: None).run_due() == 1
    job = queue.get(job_id)
    assert (job.state, job.attempts) == (JobState.COMPLETE, 2)
    journal.close()


def test_opening_takes_no_job_from_a_process_that_lives(data_dir: Path) -> None:
    journal, queue = open_queue(data_dir)
    fill(journal, queue, 1)
    job = queue.claim()
    other_journal, other = open_queue(data_dir)
    assert other.claim() is None
    other_journal.close()
    assert queue.finish(job, DONE).attempts == 1
    journal.close()
