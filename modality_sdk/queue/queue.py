"""The transmission queue: claims with leases, back-off as data, destinations on hold."""

import logging
import os
import socket
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from itertools import count
from uuid import uuid4

from modality_sdk.clock import Clock
from modality_sdk.errors import StateError
from modality_sdk.journal import Journal, Transaction, to_text
from modality_sdk.model import DestinationState, JobState, RetryPolicy
from modality_sdk.queue import destinations, table
from modality_sdk.queue.jobs import DestinationStatus, Job, JobRequest, Outcome, OutcomeKind
from modality_sdk.queue.operations import QueueOperations
from modality_sdk.queue.selection import JobFilter
from modality_sdk.queue.watch import LEASE, LeaseWatch, StepWatch

__all__ = ["TransmissionQueue"]

_log = logging.getLogger("modality_sdk.queue")

_RELEASE_DELAY = 5.0
_LOUD_PROBE = 5

Settled = Callable[[Transaction, Job], None]


class TransmissionQueue:
    """Durable jobs over a `Journal`; any number of threads and processes may share them.

    Parameters
    ----------
    journal
        The store.
    retry
        When to try again, and how often.
    settled
        Called in the same transaction whenever a job becomes COMPLETE, FAILED or CANCELLED.
    revived
        Called in the same transaction whenever a settled job is to be done once more.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        clock: Clock,
        retry: RetryPolicy,
        settled: Settled | None = None,
        revived: Settled | None = None,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._retry = retry
        self._settled = settled
        self._revived = revived
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._claims = count(1)
        self._work_listeners: list[Callable[[], None]] = []
        self._destination_listeners: list[Callable[[DestinationStatus], None]] = []
        self._leases = LeaseWatch()
        self._steps = StepWatch()

    # work comes in

    def submit(self, tx: Transaction, request: JobRequest) -> int:
        """Add a job in the caller's transaction; returns its number.

        A unique key that is there already gives the number of its job, which stays as it is, whatever its state.
        """
        job_id = table.insert(tx, request)
        tx.after_commit(self._work_arrived)
        return job_id

    def reopen(self, tx: Transaction, unique_key: str) -> Job | None:
        """Do a finished or failed job once more, in the caller's transaction: an object that was stored is sent again.

        Returns
        -------
        Job or None
            The job, PENDING; as it is when it was open anyway; None when there is none of this key.
        """
        row = tx.execute("SELECT * FROM job WHERE unique_key = ?", (unique_key,)).fetchone()
        if row is None:
            return None
        job = table.job_of(tx, row)
        return job if job.state.is_open else self._anew(tx, job)

    def fail(self, tx: Transaction, unique_key: str, reason: str, message: str) -> Job | None:
        """Call a COMPLETE job FAILED after all, in the caller's transaction, so that the operator can retry it.

        Its success turned out to be none: what was stored is not kept. The caller knows, so ``settled`` is not called.

        Parameters
        ----------
        unique_key
            Of the job.
        reason, message
            Machine code, and words free of patient data.

        Returns
        -------
        Job or None
            The job; unchanged when it was not COMPLETE, None when there is none of this key.
        """
        row = tx.execute("SELECT * FROM job WHERE unique_key = ?", (unique_key,)).fetchone()
        if row is None:
            return None
        job = table.job_of(tx, row)
        if job.state is not JobState.COMPLETE:
            return job
        return table.change(tx, job, JobState.FAILED, reason=reason, last_error=message)

    def cancel_in(self, tx: Transaction, job: Job) -> Job:
        """As `cancel`, in the caller's transaction."""
        current = table.find(tx, job.id)
        if current.state in (JobState.IN_FLIGHT, JobState.COMPLETE, JobState.CANCELLED):
            rule = ": what is being sent may have arrived" if current.state is JobState.IN_FLIGHT else ""
            raise StateError(f"job {job.id} is {current.state} and cannot be cancelled{rule}")
        return self._settle(tx, current, JobState.CANCELLED, reason="CANCELLED")

    def jobs_of_step(self, tx: Transaction, step_uid: str) -> list[Job]:
        """All jobs of a step as the caller's transaction sees them, oldest first."""
        return [
            table.job_of(tx, row) for row in tx.execute("SELECT * FROM job WHERE step_uid = ? ORDER BY id", (step_uid,))
        ]

    def jobs_of_instance(self, tx: Transaction, sop_instance_uid: str) -> list[Job]:
        """All jobs that send an object, as the caller's transaction sees them, oldest first."""
        rows = tx.execute("SELECT * FROM job WHERE sop_instance_uid = ? ORDER BY id", (sop_instance_uid,))
        return [table.job_of(tx, row) for row in rows]

    # work is done

    def claim(self, destination: str | None = None) -> Job | None:
        """Lease the next job that is due, at one destination or at any; None when there is none.

        By priority, then by age; never one whose destination is held or paused, or whose predecessor is unfinished.
        """
        with self._journal.transaction() as tx:
            self._refresh(tx)
            job = table.head(tx, destination)
            if job is None:
                return None
            lease = f"{self._owner}:{next(self._claims)}"
            until = self._lease_end(tx.now)
            return table.change(tx, job, JobState.IN_FLIGHT, lease_owner=lease, lease_until=until)

    def heartbeat(self, job: Job) -> None:
        """Renew the lease of a job that is being worked on.

        Raises
        ------
        StateError
            When the lease is lost.
        """
        with self._journal.transaction() as tx:
            renewed = tx.execute(
                "UPDATE job SET lease_until = ? WHERE id = ? AND lease_owner = ?",
                (self._lease_end(tx.now), job.id, job.lease),
            )
            if renewed.rowcount != 1:
                raise StateError(f"the lease of job {job.id} is lost")

    def finish(self, job: Job, outcome: Outcome) -> Job:
        """Keep what became of a claimed job.

        Raises
        ------
        StateError
            When the lease was lost and somebody else has the job, or it was settled. A late success of a job that
            came back and waits is kept, so that it is not sent twice.
        """
        with self._journal.transaction() as tx:
            current = table.find(tx, job.id)
            waits = current.state in (JobState.PENDING, JobState.RETRYING)
            if current.lease != job.lease and not (waits and outcome.kind is OutcomeKind.DONE):
                raise StateError(f"the lease of job {job.id} is lost")
            return self._conclude(tx, current, outcome)

    def _conclude(self, tx: Transaction, job: Job, outcome: Outcome) -> Job:
        kind = outcome.kind
        if kind is OutcomeKind.HOLD and not job.destination:
            kind = OutcomeKind.RETRY  # local work has nothing to hold, and must not be tried for ever
        told: dict[str, object] = {"reason": outcome.reason, "last_error": outcome.message}
        if kind is OutcomeKind.RELEASE:
            return table.change(tx, job, JobState.PENDING, **told, **table.schedule(tx.now, _RELEASE_DELAY))
        if kind is OutcomeKind.HOLD:
            self._hold(tx, job.destination, outcome.message or outcome.reason)
            delay = self._deferred(job) if outcome.defer else 0.0
            return table.change(tx, job, JobState.PENDING, **told, **table.schedule(tx.now, delay))
        attempts = job.attempts + 1
        told |= {"attempts": attempts, "last_attempt": to_text(tx.now)}
        if kind is OutcomeKind.DONE:
            if outcome.apply is not None:
                outcome.apply(tx)
            return self._settle(tx, job, JobState.COMPLETE, **told)
        allowed = self._retry.attempts if outcome.limit is None else min(outcome.limit, self._retry.attempts)
        if kind is OutcomeKind.PARK or attempts > allowed:
            return self._settle(tx, job, JobState.FAILED, **told)
        return table.change(tx, job, JobState.RETRYING, **told, **table.schedule(tx.now, self._retry.delay(attempts)))

    def _deferred(self, job: Job) -> float:
        """Twice the hold at first, doubled each time: a window for the other jobs between two holds."""
        return min(2 * max(self._retry.delay(1), job.delay_s), max(self._retry.maximum, 2 * self._retry.delay(1)))

    # the operator

    def get(self, job_id: int) -> Job:
        """One job; `StateError` if there is none of this number."""
        with self._journal.read() as tx:
            return table.find(tx, job_id)

    def jobs(
        self,
        *,
        destination: str | None = None,
        states: Collection[JobState] | None = None,
        step_uid: str | None = None,
        kind: str | None = None,
    ) -> list[Job]:
        """Jobs that match all that is given, oldest first."""
        wanted = JobFilter(destination=destination, states=states, step_uid=step_uid, kind=kind)
        return self.operations.find(wanted)

    @property
    def operations(self) -> QueueOperations:
        """What concerns many jobs at once: filters, counts, removal of finished records."""
        return QueueOperations(self._journal)

    def retry(self, job_id: int) -> Job:
        """Try a FAILED or CANCELLED job again now, with all its attempts; jobs that waited for it follow.

        Raises
        ------
        StateError
            When it is neither.
        """
        with self._journal.transaction() as tx:
            job = table.find(tx, job_id)
            if job.state not in (JobState.FAILED, JobState.CANCELLED):
                raise StateError(f"job {job_id} is {job.state}; only a FAILED or CANCELLED one is tried again")
            return self._anew(tx, job)

    def cancel(self, job_id: int) -> Job:
        """Give up a waiting or FAILED job; jobs that waited for it follow.

        Raises
        ------
        StateError
            When it is being sent, or is settled already.
        """
        with self._journal.transaction() as tx:
            return self.cancel_in(tx, table.find(tx, job_id))

    def pause(self, destination: str) -> None:
        """Send nothing to a destination until `resume`; also after a restart."""
        with self._journal.transaction() as tx:
            if destinations.status_of(tx, destination).state is not DestinationState.PAUSED:
                destinations.put(tx, destination, DestinationState.PAUSED)
                self._announce(tx, destination)

    def resume(self, destination: str) -> None:
        """Open a paused or held destination."""
        with self._journal.transaction() as tx:
            if destinations.reopen(tx, destination):
                self._announce(tx, destination)
                tx.after_commit(self._work_arrived)

    def destinations(self) -> list[DestinationStatus]:
        """All peers that ever had a job, by name."""
        with self._journal.read() as tx:
            return destinations.listing(tx)

    # what the worker asks

    @property
    def clock(self) -> Clock:
        """The clock that says what is due."""
        return self._clock

    def on_work(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` after each commit of this queue that brought work; returns what ends this.

        Work that other processes submit is found by asking again from time to time.
        """
        self._work_listeners.append(callback)
        return lambda: _remove(self._work_listeners, callback)

    def on_destination(self, callback: Callable[[DestinationStatus], None]) -> Callable[[], None]:
        """Call ``callback`` when a destination is held, paused or open again, and at its fifth failed probe."""
        self._destination_listeners.append(callback)
        return lambda: _remove(self._destination_listeners, callback)

    def ready(self) -> tuple[list[str], datetime | None]:
        """Destinations with a job to run now, and when the next job or probe is due otherwise."""
        with self._journal.transaction() as tx:
            self._refresh(tx)
            return table.ready_destinations(tx), table.next_due(tx)

    def claim_probe(self, among: Collection[str] | None = None) -> str | None:
        """A held destination, of those named, that is to be probed now; nobody else gets it for a minute."""
        with self._journal.transaction() as tx:
            self._refresh(tx)
            return destinations.due_probe(tx, among)

    def probed(self, destination: str, cause: str | None) -> DestinationStatus:
        """Keep the result of a probe: None opens the destination, a cause sets the time of the next one.

        At the limit of `RetryPolicy.unreachable_attempts` the open jobs of the destination fail, and the count
        begins anew for what is submitted afterwards.
        """
        with self._journal.transaction() as tx:
            if destinations.status_of(tx, destination).state is not DestinationState.HELD:
                return destinations.status_of(tx, destination)  # the operator was quicker
            if cause is None:
                destinations.reopen(tx, destination)
                self._announce(tx, destination)
                tx.after_commit(self._work_arrived)
                return destinations.status_of(tx, destination)
            status = destinations.probe_failed(tx, destination, cause, self._retry)
            if status.probes == _LOUD_PROBE:
                _log.error("%s cannot be reached: %d probes failed since %s", destination, status.probes, status.since)
                self._announce(tx, destination)
            limit = self._retry.unreachable_attempts
            if limit is not None and status.probes >= limit:
                self._give_up(tx, destination, cause)
            return status

    # inside

    def _refresh(self, tx: Transaction) -> None:
        set_back = self._steps.set_back(tx.now, self._clock.monotonic())
        table.ripen(tx, set_back)
        destinations.ripen(tx, set_back)
        for job in self._lapsed(tx):
            _log.warning("job %d came back: its lease ended", job.id)
            told: dict[str, object] = {
                "attempts": job.attempts + 1,
                "last_attempt": to_text(tx.now),
                "reason": "LEASE_EXPIRED",
                "last_error": "the process that had it ended or hung",
            }
            if job.attempts + 1 > self._retry.attempts:
                self._settle(tx, job, JobState.FAILED, **told)
            else:
                table.change(tx, job, JobState.PENDING, **told, **table.schedule(tx.now, 0))

    def _lapsed(self, tx: Transaction) -> list[Job]:
        rows = tx.execute("SELECT * FROM job INDEXED BY job_lease WHERE state = 'IN_FLIGHT'").fetchall()
        held = [(row["lease_owner"], row["lease_until"]) for row in rows]
        lapsed = self._leases.lapsed(held, self._clock.monotonic())
        return [table.job_of(tx, row) for row, lease in zip(rows, held, strict=True) if lease in lapsed]

    def _settle(self, tx: Transaction, job: Job, state: JobState, **values: object) -> Job:
        changed = table.change(tx, job, state, waiting=0, blocked=0, **values)
        if self._settled is not None:
            self._settled(tx, changed)
        tx.after_commit(self._work_arrived)  # a successor may be free
        return changed

    def _anew(self, tx: Transaction, job: Job) -> Job:
        tx.after_commit(self._work_arrived)
        changed = table.change(
            tx, job, JobState.PENDING, attempts=0, reason="", last_error="", **table.schedule(tx.now, 0)
        )
        if self._revived is not None:
            self._revived(tx, changed)
        return changed

    def _hold(self, tx: Transaction, destination: str, cause: str) -> None:
        if destinations.hold(tx, destination, cause, self._retry):
            _log.warning("%s is held: %s", destination, cause)
            self._announce(tx, destination)

    def _give_up(self, tx: Transaction, destination: str, cause: str) -> None:
        rows = tx.execute(
            "SELECT * FROM job WHERE destination = ? AND state IN ('PENDING', 'RETRYING') ORDER BY id", (destination,)
        ).fetchall()
        for row in rows:
            self._settle(tx, table.job_of(tx, row), JobState.FAILED, reason="UNREACHABLE", last_error=cause)
        tx.execute("UPDATE destination SET probes = 0 WHERE name = ?", (destination,))
        _log.error("%s cannot be reached: %d jobs failed", destination, len(rows))

    def _announce(self, tx: Transaction, destination: str) -> None:
        def tell() -> None:
            for listener in tuple(self._destination_listeners):
                listener(status)

        status = destinations.status_of(tx, destination)
        tx.after_commit(tell)

    def _work_arrived(self) -> None:
        for listener in tuple(self._work_listeners):
            listener()

    @staticmethod
    def _lease_end(now: datetime) -> str:
        return to_text(now + timedelta(seconds=LEASE))


def _remove(listeners: list[Callable[..., None]], callback: Callable[..., None]) -> None:
    if callback in listeners:
        listeners.remove(callback)
