"""Deletion of local files that are no longer needed, by the policy of the site or by hand.

The archive's word decides: a file goes when every storage destination of its object has committed it, never because a
C-STORE succeeded. Once committed, no later report takes it back.
"""

import logging
from datetime import datetime, timedelta

from modality_sdk.journal import InstanceRecord, Transaction, mark_purged, marked, purgeable
from modality_sdk.model import InstanceState, PurgeReport
from modality_sdk.queue import Job, JobRequest, Outcome, OutcomeKind
from modality_sdk.workflow.context import Context, Durable
from modality_sdk.workflow.delivery import JobKind

__all__ = ["Retention"]

_log = logging.getLogger("modality_sdk.workflow")

_AT_ONCE = 1000
"""Files that one transaction marks; others wait for it."""

_LAST = 9
"""After all that is to be sent."""


class Retention:
    """Marks files as purged in the journal, then deletes them; what a crash left between the two is finished later."""

    def __init__(self, context: Context, durable: Durable) -> None:
        self._context, self._durable = context, durable
        self._policy = context.settings.retention

    def step_archived(self, tx: Transaction, step_uid: str) -> None:
        """Queue the deletion of the step's files for when the policy lets them go."""
        if (keep := self._policy.keep_committed) is not None:
            self._submit(tx, step_uid, "committed", keep)
        if (keep := self._policy.keep_rejected) is not None:
            records = tx.instances_of(step_uid)
            if any(record.state is InstanceState.REJECTED for record in records):
                self._submit(tx, step_uid, "rejected", keep)

    def handle(self, job: Job) -> Outcome:
        """Delete what may go of a step (the queue's handler); look again later when the clock was set back."""
        committed, rejected = self._cutoffs(self._context.clock.now())
        try:
            self._purge(committed, rejected, job.step_uid)
            self._finish(job.step_uid)
        except OSError as error:
            words = f"a file cannot be deleted: {error.strerror or type(error).__name__}"
            return Outcome(kind=OutcomeKind.RETRY, reason="NOT_DELETED", message=words)

        def again(tx: Transaction) -> None:
            archived = tx.archived_at(job.step_uid)
            keeps = {"committed": self._policy.keep_committed, "rejected": self._policy.keep_rejected}
            keep = keeps.get(job.payload.decode("ascii"))
            if archived is not None and keep is not None and (left := archived + keep - tx.now) > timedelta(0):
                self._submit(tx, job.step_uid, job.payload.decode("ascii"), left, f"|{job.id}")

        return Outcome(kind=OutcomeKind.DONE, apply=again)

    def purge(self, older_than: timedelta | None, *, records: bool, dry_run: bool) -> PurgeReport:
        """As `Modality.purge`."""
        now = self._context.clock.now()
        committed, rejected = self._cutoffs(now, older_than)
        operations = self._durable.queue.operations
        before = committed if records else None
        if dry_run:
            with self._durable.journal.read() as tx:
                found = purgeable(tx, committed=committed, rejected=rejected)
            return _report(found, jobs=operations.count_records(before)[0] if before else 0)
        finished = self._finish()
        purged = self._purge(committed, rejected)
        jobs, history = operations.remove_records(before) if before else (0, 0)
        return _report(purged, finished=finished, jobs=jobs, history=history)

    def _cutoffs(self, now: datetime, older_than: timedelta | None = None) -> tuple[datetime | None, datetime | None]:
        """Until when a step must be archived: for committed objects, and for rejected ones."""
        committed = older_than if older_than is not None else self._policy.keep_committed
        rejected = self._policy.keep_rejected
        return (
            None if committed is None else now - committed,
            None if rejected is None else now - rejected,
        )

    def _purge(
        self, committed: datetime | None, rejected: datetime | None, step_uid: str | None = None
    ) -> list[InstanceRecord]:
        purged: list[InstanceRecord] = []
        while True:
            with self._durable.journal.transaction() as tx:
                found = purgeable(tx, committed=committed, rejected=rejected, step_uid=step_uid, limit=_AT_ONCE)
                for record in found:
                    mark_purged(tx, record)
            for record in found:  # the marks are durable now
                self._durable.journal.spool.discard(record.file)
            if not found:
                return purged
            _log.info("%d files deleted that every destination has committed, or that were rejected", len(found))
            purged += found

    def _finish(self, step_uid: str | None = None) -> int:
        """Delete files that were marked before and are still there; returns how many."""
        with self._durable.journal.read() as tx:
            files = marked(tx, step_uid)
        return sum(self._durable.journal.spool.discard(file) for file in files)

    def _submit(self, tx: Transaction, step_uid: str, rule: str, delay: timedelta, suffix: str = "") -> None:
        self._durable.queue.submit(
            tx,
            JobRequest(
                kind=JobKind.PURGE,
                destination="",
                step_uid=step_uid,
                priority=_LAST,
                payload=rule.encode("ascii"),
                delay=delay.total_seconds(),
                unique_key=f"{JobKind.PURGE}|{step_uid}|{rule}{suffix}",
            ),
        )


def _report(records: list[InstanceRecord], *, finished: int = 0, jobs: int = 0, history: int = 0) -> PurgeReport:
    return PurgeReport(
        objects=tuple(record.sop for record in records),
        size=sum(record.file.offset + record.file.size for record in records),
        finished=finished,
        jobs=jobs,
        history=history,
    )
