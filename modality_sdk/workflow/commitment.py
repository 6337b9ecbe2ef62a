"""Asking for storage commitment: when, for what, and what becomes of a request (PS3.4 section J.3.2)."""

from collections.abc import Sequence

from modality_sdk.errors import ModalityError, QueueCorrupt
from modality_sdk.events import CommitmentFailed, CommitmentTimedOut
from modality_sdk.journal import CommitmentRecord, Transaction
from modality_sdk.model import CommitmentState, DeliveryState, JobState, SopReference
from modality_sdk.queue import Job, JobRequest, Outcome, OutcomeKind
from modality_sdk.workflow.context import Context, Durable
from modality_sdk.workflow.delivery import JobKind
from modality_sdk.workflow.outcomes import outcome_of_error

__all__ = ["CommitmentRequests"]

_PRIORITY = 2
# a request in one of these states still speaks for its objects
_SPEAKING = (CommitmentState.REQUESTED, CommitmentState.TIMED_OUT, CommitmentState.REFUSED)


class CommitmentRequests:
    """Asks each destination to commit what it has stored."""

    def __init__(self, context: Context, durable: Durable) -> None:
        self._context, self._durable = context, durable

    def request_due(self, tx: Transaction, step_uid: str, destination: str) -> None:
        """Queue a request for what is stored at ``destination`` and not yet asked for.

        The transaction is registered before anything is sent: a report can come within milliseconds.
        """
        peer = self._context.committing_peer(destination)
        if peer is None:
            return
        records = [r for r in tx.commitments_of(step_uid) if r.destination == destination]
        spoken_for = {sop for r in records if r.state in _SPEAKING for sop in r.references}
        references = tuple(
            d.sop
            for d in tx.deliveries_of(step_uid)
            if d.destination == destination
            and d.state in (DeliveryState.STORED, DeliveryState.STORED_WITH_WARNING)
            and d.sop not in spoken_for
        )
        if not references:
            return
        uid = self._register(tx, step_uid, destination, peer.name, references)
        self._durable.queue.submit(
            tx,
            JobRequest(
                kind=JobKind.N_ACTION,
                destination=peer.name,
                step_uid=step_uid,
                transaction_uid=uid,
                priority=_PRIORITY,
                unique_key=f"{JobKind.N_ACTION}|{uid}",
            ),
        )

    def _register(
        self,
        tx: Transaction,
        step_uid: str,
        destination: str,
        peer: str,
        references: Sequence[SopReference],
        predecessor: str = "",
    ) -> str:
        uid = self._context.uids.new()
        tx.add_commitment(
            CommitmentRecord(
                transaction_uid=uid,
                step_uid=step_uid,
                destination=destination,
                peer=peer,
                state=CommitmentState.REQUESTED,
                references=tuple(references),
                requested=self._context.clock.now(),
                predecessor=predecessor,
            )
        )
        return uid

    def handle(self, job: Job) -> Outcome:
        """Send one N-ACTION (the queue's handler); every attempt has a transaction UID of its own."""
        with self._durable.journal.transaction() as tx:
            record = self._latest(tx, job.transaction_uid)
            if record.state in (CommitmentState.COMMITTED, CommitmentState.PARTIAL):
                return Outcome(kind=OutcomeKind.DONE)  # the report to an earlier attempt came meanwhile
            uid = record.transaction_uid
            if job.attempts > 0 or record.state is CommitmentState.REFUSED:
                uid = self._register(
                    tx, record.step_uid, record.destination, record.peer, record.references, predecessor=uid
                )
        try:
            self._context.commitment.request(self._context.peer(record.peer), uid, record.references)
        except ModalityError as error:
            return outcome_of_error(error)

        def accepted(tx: Transaction) -> None:
            self._durable.queue.submit(
                tx,
                JobRequest(
                    kind=JobKind.COMMITMENT_DEADLINE,
                    destination="",
                    step_uid=job.step_uid,
                    transaction_uid=uid,
                    delay=self._context.settings.retry.commitment_timeout,
                    unique_key=f"{JobKind.COMMITMENT_DEADLINE}|{uid}",
                ),
            )

        return Outcome(kind=OutcomeKind.DONE, apply=accepted)

    def _latest(self, tx: Transaction, transaction_uid: str) -> CommitmentRecord:
        record = tx.get_commitment(transaction_uid)
        if record is None:  # a request is registered in the transaction that queues its job
            raise QueueCorrupt(f"commitment transaction {transaction_uid} has a job but no record")
        successors = {r.predecessor: r for r in tx.commitments_of(record.step_uid)}
        while (successor := successors.get(record.transaction_uid)) is not None:
            record = successor
        return record

    def handle_deadline(self, job: Job) -> Outcome:
        """Note that no report came in time; a late one is still applied."""
        with self._durable.journal.read() as tx:
            record = tx.get_commitment(job.transaction_uid)
        if record is None or record.state is not CommitmentState.REQUESTED:
            return Outcome(kind=OutcomeKind.DONE)

        def timed_out(tx: Transaction) -> None:
            tx.set_commitment_state(record.transaction_uid, CommitmentState.TIMED_OUT)
            event = CommitmentTimedOut(
                at=self._context.clock.now(),
                step_uid=record.step_uid,
                destination=record.destination,
                transaction_uid=record.transaction_uid,
            )
            tx.after_commit(lambda: self._context.events.publish(event))

        return Outcome(kind=OutcomeKind.DONE, apply=timed_out)

    def settled(self, tx: Transaction, job: Job) -> None:
        """Note a request that was refused for good."""
        if job.state is JobState.COMPLETE:
            return
        record = self._latest(tx, job.transaction_uid)
        tx.set_commitment_state(record.transaction_uid, CommitmentState.REFUSED)
        self.failed(tx, record, record.references, job.last_error or job.state.value)

    def failed(self, tx: Transaction, record: CommitmentRecord, sops: Sequence[SopReference], reason: str) -> None:
        event = CommitmentFailed(
            at=self._context.clock.now(),
            step_uid=record.step_uid,
            destination=record.destination,
            failed=tuple(sops),
            reason=reason,
        )
        tx.after_commit(lambda: self._context.events.publish(event))
