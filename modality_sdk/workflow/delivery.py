"""How objects and MPPS messages leave: jobs for the queue, and what is done with each answer."""

from datetime import datetime
from enum import StrEnum

from modality_sdk.errors import DimseFailure, ModalityError, QueueCorrupt, StateError
from modality_sdk.events import ImageStored, MppsRefused, StorageFailed
from modality_sdk.journal import InstanceRecord, Transaction
from modality_sdk.model import DeliveryState, InstanceState, JobState, SopReference, StepStatus
from modality_sdk.queue import Job, JobRequest, Outcome, OutcomeKind
from modality_sdk.status import Action, Category, verdict
from modality_sdk.workflow.context import Context, Durable
from modality_sdk.workflow.messages import decode_message
from modality_sdk.workflow.outcomes import outcome_of_action, outcome_of_error

__all__ = ["JobKind", "MppsDelivery", "StoreDelivery", "purged_words"]


class JobKind(StrEnum):
    """The kinds of job that a modality queues."""

    N_CREATE = "N-CREATE"
    N_SET = "N-SET"
    C_STORE = "C-STORE"
    N_ACTION = "N-ACTION"
    COMMITMENT_DEADLINE = "COMMITMENT-DEADLINE"
    """Local: no report until now."""
    COMMITMENT_AGAIN = "COMMITMENT-AGAIN"
    """Local: time to ask again after a timeout."""
    COMMITMENT_DEFERRED = "COMMITMENT-DEFERRED"
    """Local: until then nothing is asked for that a report put off."""
    BACKUP = "BACKUP"
    """Local: a copy of the database."""
    PURGE = "PURGE"
    """Local: time to delete files that every destination has committed."""


_MPPS_PRIORITY, _STORE_PRIORITY = 0, 1


def purged_words(purged: datetime) -> str:
    """Why the file of an object is not there any more."""
    return f"its file was deleted here on {purged:%Y-%m-%d %H:%M} UTC, as the retention policy says"


def _store_key(sop: SopReference, destination: str) -> str:
    return f"{JobKind.C_STORE}|{sop.sop_instance_uid}|{destination}"


class StoreDelivery:
    """C-STORE of the objects of a step."""

    def __init__(self, context: Context, durable: Durable) -> None:
        self._context, self._durable = context, durable

    def expect(self, tx: Transaction, record: InstanceRecord) -> None:
        """Note that every storage destination is owed the object."""
        for destination in self._context.settings.storage:
            tx.set_delivery(record.sop, destination, DeliveryState.WAITING)

    def submit(self, tx: Transaction, record: InstanceRecord) -> None:
        """Queue the object for every storage destination."""
        attempted = tx.is_recovered(record.step_uid)
        for destination in self._context.settings.storage:
            self._durable.queue.submit(
                tx,
                JobRequest(
                    kind=JobKind.C_STORE,
                    destination=destination,
                    step_uid=record.step_uid,
                    sop_instance_uid=record.sop.sop_instance_uid,
                    priority=_STORE_PRIORITY,
                    attempted=attempted,
                    unique_key=_store_key(record.sop, destination),
                ),
            )

    def submit_again(self, tx: Transaction, sop: SopReference, destination: str) -> None:
        """Queue an object anew that the destination turned out not to have: same UID, same bytes."""
        self._durable.queue.reopen(tx, _store_key(sop, destination))

    def give_up(self, tx: Transaction, sop: SopReference, destination: str, reason: str) -> None:
        """Note that the destination does not keep an object that it took; the operator may have it sent anew."""
        tx.set_delivery(sop, destination, DeliveryState.FAILED, reason)
        self._durable.queue.fail(tx, _store_key(sop, destination), "NOT_COMMITTED", reason)

    def kept_after_all(self, tx: Transaction, sop: SopReference, destination: str) -> None:
        """Note that the destination keeps an object that had been given up."""
        for job in self._durable.queue.jobs_of_instance(tx, sop.sop_instance_uid):
            if job.destination == destination and job.state is JobState.FAILED:
                self._durable.queue.cancel_in(tx, job)
        tx.set_delivery(sop, destination, DeliveryState.COMMITTED)

    def handle(self, job: Job) -> Outcome:
        """Send one object (the queue's handler)."""
        with self._durable.journal.read() as tx:
            record = tx.get_instance(job.sop_instance_uid)
        if record.purged is not None:
            return Outcome(kind=OutcomeKind.PARK, reason="PURGED", message=purged_words(record.purged))
        try:
            peer = self._context.peer(job.destination)
            spool = self._durable.journal.spool
            spool.verify(record.sop, record.file)
            (result,) = self._context.storage.store(peer, [spool.rendition(record.sop, record.file)])
        except QueueCorrupt as error:
            return Outcome(kind=OutcomeKind.PARK, reason="SPOOL_DAMAGED", message=str(error))
        except ModalityError as error:
            return outcome_of_error(error)
        # a duplicate is our own object when we sent it before, or when commitment will prove it; a status that only
        # this peer means so may also be a failure, so that both are asked
        sent_before, proven = job.last_attempt is not None, self._context.committing_peer(job.destination) is not None
        duplicate = (result.action is Action.VERIFY and (sent_before or proven)) or (
            result.status in peer.quirks.duplicate_statuses and sent_before and proven
        )
        if not result.stored and not duplicate:
            if result.status is None:
                return outcome_of_action(result.action, "NO_RESPONSE", result.meaning)
            limit = verdict(JobKind.C_STORE, result.status).retries
            return outcome_of_action(result.action, f"STATUS_{result.status:04X}", result.meaning, limit)
        warning = "" if result.category is Category.SUCCESS else result.meaning
        state = DeliveryState.STORED_WITH_WARNING if warning else DeliveryState.STORED

        def stored(tx: Transaction) -> None:
            tx.set_delivery(record.sop, job.destination, state, warning)
            event = ImageStored(
                at=self._context.clock.now(),
                step_uid=record.step_uid,
                sop=record.sop,
                destination=job.destination,
                warning=warning,
            )
            tx.after_commit(lambda: self._context.events.publish(event))

        return Outcome(kind=OutcomeKind.DONE, apply=stored)

    def revived(self, tx: Transaction, job: Job) -> None:
        """Note that the destination is owed the object again; a rejected one never is.

        Raises
        ------
        StateError
            When the operator has rejected the object, or its file was deleted because it is committed.
        """
        record = tx.get_instance(job.sop_instance_uid)
        if record.state is InstanceState.REJECTED:
            raise StateError(f"object {job.sop_instance_uid} was rejected and is not sent")
        if record.purged is not None:
            raise StateError(f"object {job.sop_instance_uid} cannot be sent again: {purged_words(record.purged)}")
        tx.set_delivery(record.sop, job.destination, DeliveryState.WAITING)

    def settled(self, tx: Transaction, job: Job) -> None:
        """Note an object that will not be sent any more."""
        if job.state is JobState.COMPLETE:
            return
        record = tx.get_instance(job.sop_instance_uid)
        if record.state is InstanceState.REJECTED:
            tx.set_delivery(record.sop, job.destination, DeliveryState.REJECTED)
            return
        reason = job.last_error or job.state.value
        tx.set_delivery(record.sop, job.destination, DeliveryState.FAILED, reason)
        event = StorageFailed(
            at=self._context.clock.now(),
            step_uid=record.step_uid,
            sop=record.sop,
            destination=job.destination,
            reason=reason,
        )
        tx.after_commit(lambda: self._context.events.publish(event))


class MppsDelivery:
    """N-CREATE and N-SET of a step, in order, to every MPPS destination."""

    def __init__(self, context: Context, durable: Durable) -> None:
        self._context, self._durable = context, durable

    def submit_create(self, tx: Transaction, step_uid: str, message: bytes) -> None:
        """Queue the N-CREATE."""
        self._submit(tx, JobKind.N_CREATE, step_uid, 0, message)

    def submit_set(self, tx: Transaction, step_uid: str, sequence: int, message: bytes) -> None:
        """Queue an N-SET behind the messages before it; ``sequence`` counts from 1."""
        self._submit(tx, JobKind.N_SET, step_uid, sequence, message)

    def _submit(self, tx: Transaction, kind: JobKind, step_uid: str, sequence: int, message: bytes) -> None:
        attempted = tx.is_recovered(step_uid)
        for destination in self._context.settings.mpps:
            if kind is JobKind.N_CREATE:
                tx.set_mpps_status(step_uid, destination, None)
            self._durable.queue.submit(
                tx,
                JobRequest(
                    kind=kind,
                    destination=destination,
                    step_uid=step_uid,
                    ordering_key=f"{destination}|{step_uid}|MPPS",
                    sequence=sequence,
                    priority=_MPPS_PRIORITY,
                    payload=message,
                    attempted=attempted,
                    unique_key=f"{kind}|{step_uid}|{destination}|{sequence}",
                ),
            )

    def handle(self, job: Job) -> Outcome:
        """Send one message (the queue's handler)."""
        try:
            status = _requested(job)
            self._send(job)
        except DimseFailure as error:
            repeated = job.last_attempt is not None and error.service == job.kind
            if not (error.verdict.action is Action.VERIFY and repeated):
                return outcome_of_error(error)
            # the answer to an earlier attempt was lost, as it seems: the peer has already done what we repeat
            held = self._read_back(job)
            if job.kind == JobKind.N_SET and held is not None and held is not status:
                words = f"the peer holds the step as {held.value}, not as {status.value}"
                return Outcome(kind=OutcomeKind.PARK, reason="FINAL_ELSEWHERE", message=words)
        except ModalityError as error:
            return outcome_of_error(error)
        return Outcome(
            kind=OutcomeKind.DONE, apply=lambda tx: tx.set_mpps_status(job.step_uid, job.destination, status)
        )

    def _read_back(self, job: Job) -> StepStatus | None:
        """The step's status at the peer; None where it cannot be read, which few peers offer (PS3.4 section F.8)."""
        try:
            return self._context.mpps.get(job.step_uid, peer=self._context.peer(job.destination)).status
        except ModalityError:
            return None

    def _send(self, job: Job) -> None:
        peer = self._context.peer(job.destination)
        message = decode_message(job.payload)
        if job.kind == JobKind.N_CREATE:
            self._context.mpps.create(job.step_uid, message, peer=peer)
            return
        try:
            self._context.mpps.set(job.step_uid, message, peer=peer)
        except DimseFailure as error:
            if error.verdict.action is not Action.RECREATE:
                raise
            # the peer lost the step: tell it again from the beginning, with the data of then
            (created,) = self._durable.queue.jobs(
                kind=JobKind.N_CREATE, step_uid=job.step_uid, destination=job.destination
            )
            try:
                self._context.mpps.create(job.step_uid, decode_message(created.payload), peer=peer)
            except DimseFailure as known:
                # it has the step after all: some answer before they have written what they accepted
                if known.verdict.action is not Action.VERIFY:
                    raise
            self._context.mpps.set(job.step_uid, message, peer=peer)

    def settled(self, tx: Transaction, job: Job) -> None:
        """Tell of a message that was refused; acquisition and storage go on."""
        if job.state is JobState.COMPLETE:
            return
        try:
            status = _requested(job)
        except QueueCorrupt:
            status = tx.step_status(job.step_uid)
        event = MppsRefused(
            at=self._context.clock.now(),
            step_uid=job.step_uid,
            destination=job.destination,
            requested=status,
            reason=job.last_error or job.state.value,
        )
        tx.after_commit(lambda: self._context.events.publish(event))


def _requested(job: Job) -> StepStatus:
    """The status that a message brings the step to."""
    return StepStatus(str(decode_message(job.payload).PerformedProcedureStepStatus))
