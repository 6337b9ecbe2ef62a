"""Asking for storage commitment: when, for what, and how often (PS3.4 section J.3.2).

Every request has a transaction UID of its own. One that repeats another is chained to it, and a report to any of a
chain settles all of it.
"""

from collections.abc import Sequence

from modality_sdk.errors import DimseFailure, ModalityError, QueueCorrupt
from modality_sdk.events import CommitmentFailed, CommitmentTimedOut
from modality_sdk.journal import CommitmentRecord, Transaction
from modality_sdk.model import CommitmentState, DeliveryState, JobState, SopReference
from modality_sdk.queue import Job, JobRequest, Outcome, OutcomeKind
from modality_sdk.workflow.context import Context, Durable
from modality_sdk.workflow.delivery import JobKind
from modality_sdk.workflow.outcomes import outcome_of_error

__all__ = ["CommitmentRequests", "is_settled"]

_PRIORITY = 2
# a request in one of these states still speaks for its objects
_SPEAKING = (CommitmentState.REQUESTED, CommitmentState.TIMED_OUT, CommitmentState.REFUSED)


def is_settled(record: CommitmentRecord) -> bool:
    """Whether the archive has given its word on the transaction."""
    return record.state in (CommitmentState.COMMITTED, CommitmentState.PARTIAL)


class CommitmentRequests:
    """Asks each destination to commit what it has stored."""

    def __init__(self, context: Context, durable: Durable) -> None:
        self._context, self._durable = context, durable
        self._policy = context.settings.commitment

    # ---- who is to be asked ----------------------------------------------------------------------

    def request_due(self, tx: Transaction, step_uid: str, destination: str) -> None:
        """Queue requests for what is stored at ``destination`` and not yet asked for.

        A transaction is registered before anything is sent: a report can come within milliseconds.
        """
        peer = self._context.committing_peer(destination)
        if peer is None:
            return
        put_off = {
            j.transaction_uid
            for j in self._durable.queue.jobs_of_step(tx, step_uid)
            if j.kind == JobKind.COMMITMENT_DEFERRED and j.state.is_open
        }
        spoken_for = {
            sop
            for r in tx.commitments_of(step_uid)
            if r.destination == destination and (r.state in _SPEAKING or r.transaction_uid in put_off)
            for sop in r.references
        }
        references = tuple(
            d.sop
            for d in tx.deliveries_of(step_uid)
            if d.destination == destination
            and d.state in (DeliveryState.STORED, DeliveryState.STORED_WITH_WARNING)
            and d.sop not in spoken_for
        )
        size = self._policy.maximum_references or max(len(references), 1)
        for first in range(0, len(references), size):
            record = self._register(tx, step_uid, destination, peer.name, references[first : first + size])
            self._submit(tx, record, delay=self._policy.initial_delay)

    def put_off(self, tx: Transaction, record: CommitmentRecord, rounds: int) -> bool:
        """Ask later for what the report on ``record`` put off; False when it was put off often enough.

        Parameters
        ----------
        rounds
            How often, this time included.
        """
        if rounds > len(self._policy.re_requests):
            return False
        self._remind(tx, JobKind.COMMITMENT_DEFERRED, record, self._policy.re_requests[rounds - 1])
        return True

    def ask_again(self, tx: Transaction, step_uid: str) -> int:
        """Repeat at once what timed out, was refused or put off; returns the number of requests."""
        asked = 0
        for record in tx.commitments_of(step_uid):
            chain = self.chain(tx, record.transaction_uid)
            if record == chain[-1] and record.state is CommitmentState.TIMED_OUT:
                self._repeat(tx, record)
                asked += 1
        for job in self._durable.queue.jobs_of_step(tx, step_uid):
            if job.kind == JobKind.N_ACTION and job.state in (JobState.FAILED, JobState.CANCELLED):
                if self.chain(tx, job.transaction_uid)[-1].state is CommitmentState.REFUSED:
                    self._durable.queue.reopen(tx, job.unique_key)
                    asked += 1
            elif job.kind == JobKind.COMMITMENT_DEFERRED and job.state is JobState.PENDING:
                # the end of the wait moves the step on, which requests what is due
                before = len(tx.commitments_of(step_uid))
                self._durable.queue.cancel_in(tx, job)
                asked += len(tx.commitments_of(step_uid)) - before
        return asked

    # ---- transactions ----------------------------------------------------------------------------

    def chain(self, tx: Transaction, transaction_uid: str) -> list[CommitmentRecord]:
        """The first request for the same objects and its repetitions, oldest first; empty when it is not ours."""
        record = tx.get_commitment(transaction_uid)
        if record is None:
            return []
        records = tx.commitments_of(record.step_uid)
        by_uid = {r.transaction_uid: r for r in records}
        while record.predecessor:
            record = by_uid[record.predecessor]
        chain = [record]
        for each in records:  # oldest first, so that a predecessor stands before its successor
            if each.predecessor == chain[-1].transaction_uid:
                chain.append(each)
        return chain

    def _chain_of(self, tx: Transaction, job: Job) -> list[CommitmentRecord]:
        chain = self.chain(tx, job.transaction_uid)
        if not chain:  # a request is registered in the transaction that queues its job
            raise QueueCorrupt(f"commitment transaction {job.transaction_uid} has a job but no record")
        return chain

    def _register(
        self,
        tx: Transaction,
        step_uid: str,
        destination: str,
        peer: str,
        references: Sequence[SopReference],
        predecessor: str = "",
    ) -> CommitmentRecord:
        record = CommitmentRecord(
            transaction_uid=self._context.uids.new(),
            step_uid=step_uid,
            destination=destination,
            peer=peer,
            state=CommitmentState.REQUESTED,
            references=tuple(references),
            requested=self._context.clock.now(),
            predecessor=predecessor,
        )
        tx.add_commitment(record)
        return record

    def _successor(self, tx: Transaction, record: CommitmentRecord) -> CommitmentRecord:
        return self._register(
            tx, record.step_uid, record.destination, record.peer, record.references, record.transaction_uid
        )

    def _submit(self, tx: Transaction, record: CommitmentRecord, delay: float = 0.0) -> None:
        self._durable.queue.submit(
            tx,
            JobRequest(
                kind=JobKind.N_ACTION,
                destination=record.peer,
                step_uid=record.step_uid,
                transaction_uid=record.transaction_uid,
                priority=_PRIORITY,
                delay=delay,
                unique_key=f"{JobKind.N_ACTION}|{record.transaction_uid}",
            ),
        )

    def _repeat(self, tx: Transaction, record: CommitmentRecord) -> None:
        self._submit(tx, self._successor(tx, record))

    def _remind(self, tx: Transaction, kind: JobKind, record: CommitmentRecord, delay: float) -> None:
        """Queue local work for later."""
        self._durable.queue.submit(
            tx,
            JobRequest(
                kind=kind,
                destination="",
                step_uid=record.step_uid,
                transaction_uid=record.transaction_uid,
                delay=delay,
                unique_key=f"{kind}|{record.transaction_uid}",
            ),
        )

    # ---- the queue's handlers --------------------------------------------------------------------

    def handle(self, job: Job) -> Outcome:
        """Send one N-ACTION; every attempt has a transaction UID of its own."""
        with self._durable.journal.transaction() as tx:
            chain = self._chain_of(tx, job)
            if any(map(is_settled, chain)) or self._is_superseded(tx, job, chain):
                return Outcome(kind=OutcomeKind.DONE)  # the report to an earlier attempt came meanwhile
            record = chain[-1]
            if job.last_attempt is not None or record.state is not CommitmentState.REQUESTED:
                record = self._successor(tx, record)
        uid = record.transaction_uid
        try:
            self._context.commitment.request(
                self._context.peer(record.peer),
                uid,
                record.references,
                linger=self._policy.linger,
                reported=lambda: self._durable.closing.cancelled or self._is_reported(uid),
            )
        except ModalityError as error:
            outcome = outcome_of_error(error)
            if isinstance(error, DimseFailure) and outcome.kind is OutcomeKind.HOLD:
                # a refused transaction UID is spent (PS3.4 J.3.2.1.3), also when the attempt does not count
                with self._durable.journal.transaction() as tx:
                    self._successor(tx, record)
            return outcome

        def accepted(tx: Transaction) -> None:
            timeout = self._policy.request_timeout or self._context.settings.retry.commitment_timeout
            self._remind(tx, JobKind.COMMITMENT_DEADLINE, record, timeout)

        return Outcome(kind=OutcomeKind.DONE, apply=accepted)

    def _is_superseded(self, tx: Transaction, job: Job, chain: Sequence[CommitmentRecord]) -> bool:
        """Whether a later job asks for the same."""
        uids = {record.transaction_uid for record in chain}
        jobs = self._durable.queue.jobs_of_step(tx, job.step_uid)
        return any(j.kind == JobKind.N_ACTION and j.id > job.id and j.transaction_uid in uids for j in jobs)

    def _is_reported(self, transaction_uid: str) -> bool:
        with self._durable.journal.read() as tx:
            record = tx.get_commitment(transaction_uid)
        return record is not None and is_settled(record)

    def handle_deadline(self, job: Job) -> Outcome:
        """Note that no report came in time, and when to ask again; a late report is still applied."""
        return Outcome(kind=OutcomeKind.DONE, apply=lambda tx: self.time_out(tx, job))

    def time_out(self, tx: Transaction, job: Job) -> None:
        """Note that nobody waits for the report any more."""
        record = tx.get_commitment(job.transaction_uid)
        if record is None or record.state is not CommitmentState.REQUESTED:
            return
        tx.set_commitment_state(record.transaction_uid, CommitmentState.TIMED_OUT)
        event = CommitmentTimedOut(
            at=self._context.clock.now(),
            step_uid=record.step_uid,
            destination=record.destination,
            transaction_uid=record.transaction_uid,
        )
        tx.after_commit(lambda: self._context.events.publish(event))
        uids = {r.transaction_uid for r in self.chain(tx, record.transaction_uid)}
        jobs = self._durable.queue.jobs_of_step(tx, record.step_uid)
        used = sum(j.kind == JobKind.COMMITMENT_AGAIN and j.transaction_uid in uids for j in jobs)
        if used < len(self._policy.re_requests):
            self._remind(tx, JobKind.COMMITMENT_AGAIN, record, self._policy.re_requests[used])

    def handle_again(self, job: Job) -> Outcome:
        """Repeat a request that timed out, unless a report came or the operator was quicker."""

        def again(tx: Transaction) -> None:
            record = self._chain_of(tx, job)[-1]
            if record.state is CommitmentState.TIMED_OUT:
                self._repeat(tx, record)

        return Outcome(kind=OutcomeKind.DONE, apply=again)

    def handle_deferred(self, job: Job) -> Outcome:
        """Nothing more: with the end of the wait the step moves on and requests what is due."""
        del job
        return Outcome(kind=OutcomeKind.DONE)

    # ---- what became of it -----------------------------------------------------------------------

    def settled(self, tx: Transaction, job: Job) -> None:
        """Note a request that was refused for good."""
        if job.state is JobState.COMPLETE:
            return
        chain = self._chain_of(tx, job)
        if any(map(is_settled, chain)):
            return
        record = chain[-1]
        tx.set_commitment_state(record.transaction_uid, CommitmentState.REFUSED)
        self.failed(tx, record, record.references, job.last_error or job.state.value)

    def failed(self, tx: Transaction, record: CommitmentRecord, sops: Sequence[SopReference], reason: str) -> None:
        """Tell of objects that were not committed."""
        event = CommitmentFailed(
            at=self._context.clock.now(),
            step_uid=record.step_uid,
            destination=record.destination,
            failed=tuple(sops),
            reason=reason,
        )
        tx.after_commit(lambda: self._context.events.publish(event))
