"""How long it takes to claim the next job, and to finish it, while few or many others wait."""

from pathlib import Path
from tempfile import TemporaryDirectory

from measuring import RUNS, alternate, report

from modality_sdk.clock import SystemClock
from modality_sdk.journal import Journal
from modality_sdk.model import RetryPolicy
from modality_sdk.queue import JobRequest, Outcome, OutcomeKind, TransmissionQueue

LENGTHS = (100, 10_000, 100_000)
JOBS = 50
"""Claimed and finished in one run."""


def filled(directory: Path, waiting: int) -> tuple[Journal, TransmissionQueue]:
    """A queue that still holds ``waiting`` jobs when all runs are done."""
    journal = Journal.open(directory, clock=SystemClock())
    queue = TransmissionQueue(journal, clock=SystemClock(), retry=RetryPolicy())
    with journal.transaction() as tx:
        for number in range(waiting + JOBS * (RUNS + 1)):
            # some are not due, some wait for a predecessor, as in a long night
            request = JobRequest(
                kind="C-STORE",
                destination=f"archive{number % 2}",
                unique_key=str(number),
                delay=3600.0 if number % 10 == 9 else 0.0,
                ordering_key=f"step{number // 4}" if number % 10 == 8 else "",
            )
            queue.submit(tx, request)
    return journal, queue


def drain(queue: TransmissionQueue) -> None:
    """Claim and finish some jobs."""
    for _ in range(JOBS):
        job = queue.claim()
        assert job is not None
        queue.finish(job, Outcome(kind=OutcomeKind.DONE))


def main() -> None:
    """Measure and print."""
    with TemporaryDirectory(dir=Path.cwd()) as name:
        made = {f"{length:,} waiting": filled(Path(name) / str(length), length) for length in LENGTHS}
        taken = alternate({label: lambda queue=queue: drain(queue) for label, (_, queue) in made.items()})
        for journal, _ in made.values():
            journal.close()
    report(f"Claiming and finishing {JOBS} jobs", taken, f"{LENGTHS[0]:,} waiting", "flat, a ratio near 1")


if __name__ == "__main__":
    main()
