"""What an operator asks of the whole queue, beside the single jobs and destinations of `TransmissionQueue`."""

from collections.abc import Collection
from datetime import datetime

from modality_sdk.journal import Journal, Transaction, to_text
from modality_sdk.model import JobState
from modality_sdk.queue import selection
from modality_sdk.queue.jobs import Job
from modality_sdk.queue.selection import JobFilter

__all__ = ["QueueOperations"]

_STEPS_AT_ONCE = 500
"""Steps whose records are removed in one transaction; others wait for it."""

# steps that are archived, and of which nothing waits and nothing failed
_FINISHED = """
    SELECT uid FROM step
    WHERE archived <= ?
    AND EXISTS (SELECT 1 FROM job WHERE job.step_uid = step.uid)
    AND NOT EXISTS (SELECT 1 FROM job WHERE job.step_uid = step.uid AND job.state NOT IN ('COMPLETE', 'CANCELLED'))
"""

# whatever of a step has a history; that and when its files were deleted also stands with the objects, which stay
_REMOVE_HISTORY = """
    WITH chosen AS (SELECT value AS uid FROM json_each(?)),
    objects AS (SELECT uid FROM instance WHERE step_uid IN chosen)
    DELETE FROM history WHERE
    kind = 'job' AND entity IN (SELECT CAST(id AS TEXT) FROM job WHERE step_uid IN chosen)
    OR kind IN ('step', 'step_archived') AND entity IN chosen
    OR kind = 'series' AND entity IN (SELECT uid FROM series WHERE step_uid IN chosen)
    OR kind IN ('instance', 'instance_purged') AND entity IN objects
    OR kind = 'irradiation_event' AND entity IN (SELECT uid FROM irradiation_event WHERE step_uid IN chosen)
    OR kind = 'delivery' AND substr(entity, 1, instr(entity, ' ') - 1) IN objects
    OR kind = 'mpps' AND substr(entity, 1, instr(entity, ' ') - 1) IN chosen
    OR kind = 'commitment' AND entity IN (SELECT transaction_uid FROM commitment WHERE step_uid IN chosen)
"""


class QueueOperations:
    """Looks over all jobs of a journal, and clears away the finished ones; `TransmissionQueue.operations`."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def find(self, wanted: JobFilter, limit: int | None = None) -> list[Job]:
        """Jobs that fit, oldest first, at most ``limit``."""
        with self._journal.read() as tx:
            return selection.find(tx, wanted, limit)

    def count(self, wanted: JobFilter) -> int:
        """How many jobs fit."""
        with self._journal.read() as tx:
            return selection.count(tx, wanted)

    def tally(self) -> dict[str, dict[JobState, int]]:
        """How many jobs of each state there are, by destination; that of local work is empty."""
        with self._journal.read() as tx:
            return selection.tally(tx)

    def due(self, destinations: Collection[str] | None = None) -> int:
        """How many jobs could be worked on now, or are; only at ``destinations`` when given."""
        with self._journal.read() as tx:
            return selection.due(tx, destinations)

    def count_records(self, before: datetime) -> tuple[int, int]:
        """What `remove_records` would remove: jobs, and steps that they belong to."""
        with self._journal.read() as tx:
            steps = f"SELECT count(*), count(DISTINCT step_uid) FROM job WHERE step_uid IN ({_FINISHED})"  # noqa: S608
            row = tx.execute(steps, (to_text(before),)).fetchone()
            return int(row[0]), int(row[1])

    def remove_records(self, before: datetime) -> tuple[int, int]:
        """Remove the jobs of steps that were archived until ``before``, and their history.

        Steps, objects, deliveries and commitments stay. A step of which anything waits or FAILED keeps all its jobs: a
        failed message is repeated with the help of those before it.

        Returns
        -------
        tuple of int
            Jobs, and rows of history, that were removed. The space is used again; the file does not become smaller.
        """
        jobs = history = 0
        while True:
            with self._journal.transaction() as tx:
                removed = _remove(tx, before)
            if not removed[0]:
                return jobs, history
            jobs, history = jobs + removed[0], history + removed[1]


def _remove(tx: Transaction, before: datetime) -> tuple[int, int]:
    rows = tx.execute(
        f"SELECT json_group_array(uid) FROM ({_FINISHED} LIMIT {_STEPS_AT_ONCE})",  # noqa: S608 - constants
        (to_text(before),),
    )
    steps = rows.fetchone()[0]
    tx.execute(_REMOVE_HISTORY, (steps,))
    history = int(tx.execute("SELECT changes()").fetchone()[0])  # `rowcount` does not see through WITH
    jobs = tx.execute("DELETE FROM job WHERE step_uid IN (SELECT value FROM json_each(?))", (steps,)).rowcount
    return jobs, history
