"""The performed procedure step: what an acquisition program holds while a patient is examined."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Literal, Self

import numpy as np

from modality_sdk.dataset import mpps_create, mpps_set, object_attributes
from modality_sdk.errors import StateError
from modality_sdk.iod import check_irradiation_event
from modality_sdk.journal import InstanceRecord, SpoolFile, Transaction
from modality_sdk.model import (
    Acquisition,
    CancelToken,
    DeliveryReport,
    DeliveryState,
    DiscontinuationReason,
    InstanceState,
    IrradiationEvent,
    JobState,
    Patient,
    PerformedProcedureStep,
    PresentationIntent,
    ProtocolChoice,
    RejectionReason,
    SopReference,
    StepStatus,
    WorklistItem,
)
from modality_sdk.queue import PREDECESSOR_FAILED, Job
from modality_sdk.workflow.delivery import JobKind
from modality_sdk.workflow.instance import Instance
from modality_sdk.workflow.intake import ImageIntake
from modality_sdk.workflow.messages import encode_message
from modality_sdk.workflow.series import new_series
from modality_sdk.workflow.step_services import StepServices
from modality_sdk.workflow.waiting import wait_until

__all__ = ["OnError", "PerformedStep", "Series"]

OnError = Literal["keep_open", "discontinue"]


@dataclass(frozen=True, kw_only=True)
class Series:
    """A series of the step, to be named in `PerformedStep.add_image`."""

    series_instance_uid: str
    series_number: int
    step_uid: str


class PerformedStep:
    """One performed procedure step (PS3.4 Annex F), from the first exposure to the archive.

    Made by `Modality.start`. As a context manager it completes the step at the end of the block. An
    exception leaves the step open and journalled (`Modality.open_steps` finds it after a restart) and goes
    on; with ``on_error="discontinue"`` the step is discontinued first. ``KeyboardInterrupt`` and ``SystemExit``
    never send anything.

    Every method may be called from any thread; none waits for the network.
    """

    def __init__(self, services: StepServices, uid: str, *, on_error: OnError = "keep_open") -> None:
        self._services, self._uid, self._on_error = services, uid, on_error
        self._journal = services.durable.journal
        self._lock = services.lock_of(uid)

    def __repr__(self) -> str:
        return f"PerformedStep({self._uid!r})"

    @property
    def uid(self) -> str:
        """SOP Instance UID of the MPPS; the objects refer to it, whether or not MPPS is in use."""
        return self._uid

    @property
    def record(self) -> PerformedProcedureStep:
        """All values of the step, as they are in the journal now."""
        with self._journal.read() as tx:
            return tx.get_step(self._uid)

    @property
    def status(self) -> StepStatus:
        """Present status."""
        return self.record.status

    @property
    def patient(self) -> Patient:
        """Who is examined."""
        return self.record.patient

    @property
    def items(self) -> tuple[WorklistItem, ...]:
        """The scheduled steps performed; empty when unscheduled."""
        return self.record.items

    @property
    def instances(self) -> tuple[Instance, ...]:
        """The objects of the step in the order in which they were made, rejected ones included."""
        with self._journal.read() as tx:
            return tuple(self._instance(r.sop) for r in tx.instances_of(self._uid))

    def _instance(self, sop: SopReference) -> Instance:
        return Instance(self._services.context, self._services.durable, self._uid, sop)

    # ---- acquiring -------------------------------------------------------------------------------

    def series(self, *, description: str = "", protocol: ProtocolChoice | None = None) -> Series:
        """Begin a new series; images go there when it is named in `add_image`.

        Without it `add_image` keeps one series for each protocol and body part.

        Raises
        ------
        StateError
            When the step is final.
        InvalidValue
            When a text does not fit its attribute.
        """
        with self._lock, self._journal.transaction() as tx:
            step = self._open_step(tx)
            made = new_series(
                tx,
                step,
                self._services.context.uids,
                protocol.name if protocol else step.protocol_name,
                "",
                description,
            )
            object_attributes(step, made)  # a text that no object could carry is refused now, not at the end
            tx.add_series(self._uid, made)
            if protocol is not None:
                known = step.performed_protocol_codes
                further = tuple(code for code in protocol.codes if code not in known)
                tx.update_step(replace(step, performed_protocol_codes=known + further))
        return Series(
            series_instance_uid=made.series_instance_uid, series_number=made.series_number, step_uid=self._uid
        )

    def add_image(
        self,
        pixels: np.ndarray,
        acquisition: Acquisition,
        *,
        for_processing: np.ndarray | None = None,
        series: Series | None = None,
    ) -> Instance:
        """Take over one exposure: build the object, keep it safe, queue it.

        When this returns, the object and its irradiation event are durable and will be delivered. When it
        raises, nothing was kept and nothing was queued.

        Parameters
        ----------
        pixels
            Shape (rows, columns), dtype uint8 or uint16, stored values as `Detector` describes them.
        acquisition
            Anatomy, view and technique.
        for_processing
            The pixels before they were processed for display, if the archive is to keep them: they become an image
            For Processing in a series of its own, to which the other refers (PS3.3 A.26). Not with CR.
        series
            From `series`; chosen by protocol and body part when None.

        Returns
        -------
        Instance
            The image for presentation.

        Raises
        ------
        IodError
            When pixels or acquisition do not make a valid object; names attribute and rule.
        StateError
            When the step is final, or the series belongs to another step.
        QueueFull
            When the disk is full, or a limit of `JournalPolicy` reached.
        QueueError
            When the durable store cannot take it for another reason.
        """
        if series is not None and series.step_uid != self._uid:
            raise StateError(f"series {series.series_instance_uid} belongs to another step")
        wanted = series.series_instance_uid if series else None
        with self._lock:
            acquired = acquisition.acquired_at or self._services.context.clock.now()
            with self._journal.read() as tx:
                intake = ImageIntake(self._services, self._open_step(tx), acquisition, acquired)
                if for_processing is not None:
                    intake.build(tx, for_processing, intent=PresentationIntent.FOR_PROCESSING)
                intake.build(tx, pixels, wanted=wanted)
            files = intake.write()
            try:
                records = self._keep(intake, files)
            except BaseException:
                intake.discard(files)
                raise
        return self._instance(records[-1].sop)

    def _keep(self, intake: ImageIntake, files: Sequence[SpoolFile]) -> list[InstanceRecord]:
        with self._journal.transaction() as tx:
            step = self._open_step(tx)
            records = intake.record(tx, files)
            for record in records:
                self._services.stores.expect(tx, record)
            self._begin(tx, step)
            if self._services.context.settings.send.objects == "immediately":
                for record in records:
                    self._services.stores.submit(tx, record)
            self._services.context.announce_change(tx)
        return records

    def record_exposure(self, event: IrradiationEvent) -> None:
        """Note a shot that made no image; `add_image` notes its own. Durable when this returns.

        Raises
        ------
        StateError
            When the step is final.
        InvalidValue
            When a value cannot stand in a dose report.
        """
        check_irradiation_event(event)
        with self._lock, self._journal.transaction() as tx:
            step = self._open_step(tx)
            tx.add_irradiation_event(self._uid, event)
            self._begin(tx, step)

    # ---- judging ---------------------------------------------------------------------------------

    def accept(self, instance: Instance) -> None:
        """The operator finds the image good; with ``send.objects = "on_accept"`` it leaves now.

        Raises
        ------
        StateError
            When the object is not of this step, was rejected, or the step is final.
        """
        with self._lock, self._journal.transaction() as tx:
            self._open_step(tx)
            record = self._own(tx, instance)
            if record.state is InstanceState.REJECTED:
                raise StateError(f"object {record.sop.sop_instance_uid} was rejected")
            tx.set_instance_state(record.sop.sop_instance_uid, InstanceState.ACCEPTED)
            if self._services.context.settings.send.objects == "on_accept":
                self._services.stores.submit(tx, record)
            self._services.context.announce_change(tx)

    def reject(self, instance: Instance, reason: RejectionReason) -> None:
        """The operator rejects an image that has not left: it is never sent, its exposure stays counted.

        Raises
        ------
        StateError
            When the object is not of this step, the step is final, or the object has left already or is
            leaving: what an archive has can only be rejected there.
        """
        with self._lock, self._journal.transaction() as tx:
            self._open_step(tx)
            record = self._own(tx, instance)
            if record.state is InstanceState.REJECTED:
                return
            queue = self._services.durable.queue
            sop_uid = record.sop.sop_instance_uid
            jobs = [j for j in queue.jobs_of_instance(tx, sop_uid) if j.state is not JobState.CANCELLED]
            if any(j.state not in (JobState.PENDING, JobState.RETRYING) or j.last_attempt for j in jobs):
                raise StateError(f"object {sop_uid} has left, or may have; it can no longer be held back")
            tx.set_instance_state(sop_uid, InstanceState.REJECTED, reason)
            for job in jobs:
                queue.cancel_in(tx, job)
            for delivery in tx.deliveries_of(self._uid):
                if delivery.sop == record.sop:
                    tx.set_delivery(record.sop, delivery.destination, DeliveryState.REJECTED)
            self._services.context.announce_change(tx)

    def _own(self, tx: Transaction, instance: Instance) -> InstanceRecord:
        record = tx.get_instance(instance.ref.sop_instance_uid)
        if record.step_uid != self._uid:
            raise StateError(f"object {record.sop.sop_instance_uid} belongs to another step")
        return record

    # ---- finishing -------------------------------------------------------------------------------

    def complete(self, *, allow_empty: bool = False) -> None:
        """The step was performed; queues the final N-SET and, when all is stored, storage commitment.

        Parameters
        ----------
        allow_empty
            Complete a step that made no object.

        Raises
        ------
        StateError
            When the step is final already, or has no object and ``allow_empty`` is not set.
        """
        self._finish(StepStatus.COMPLETED, None, allow_empty)

    def discontinue(self, reason: DiscontinuationReason) -> None:
        """The step was ended before it was done; what was made is kept and delivered.

        Parameters
        ----------
        reason
            CID 9301.

        Raises
        ------
        StateError
            When the step is final already.
        """
        self._finish(StepStatus.DISCONTINUED, reason, allow_empty=True)

    def _finish(self, status: StepStatus, reason: DiscontinuationReason | None, allow_empty: bool) -> None:
        context = self._services.context
        with self._lock, self._journal.transaction() as tx:
            step = self._open_step(tx)
            records = [r for r in tx.instances_of(self._uid) if r.state is not InstanceState.REJECTED]
            if not records and not allow_empty:
                raise StateError("the step has no object; complete it with allow_empty=True or discontinue it")
            if context.settings.send.objects != "immediately":
                for record in records:
                    self._services.stores.submit(tx, record)
            # a step that was never begun at the MPPS destinations has nothing to tell unless it made something;
            # an abandoned one is created and discontinued, so that the schedule is freed
            step = self._begin(tx, step)
            step = replace(step, status=status, ended=context.clock.now(), discontinuation_reason=reason)
            tx.update_step(step)
            series = tx.series_of(self._uid)
            if not series:
                # a final state needs at least one item, with or without objects (PS3.4 F.7.2.1.1 note 2)
                series = [new_series(tx, step, self._services.context.uids, step.protocol_name, "", "")]
            self._services.mpps.submit_set(tx, self._uid, 1, encode_message(mpps_set(step, series)))
            self._services.backups.submit(tx, self._uid)
            self._services.progress.advance(tx, self._uid)

    def wait_until_archived(self, timeout: float, *, cancel: CancelToken | None = None) -> DeliveryReport:
        """Wait until every destination has, and where it commits has committed, every object.

        Parameters
        ----------
        timeout
            Seconds.
        cancel
            Ends the wait early.

        Returns
        -------
        DeliveryReport
            Also when an object failed for good and the step can therefore not be archived: look at
            ``archived`` and at the deliveries.

        Raises
        ------
        TimeoutError
            When something is still under way; it goes on.
        Cancelled
            When ``cancel`` was cancelled.
        """

        def looked() -> DeliveryReport | None:
            report = self.report()
            return report if report.archived or self._is_hopeless(report) else None

        return wait_until(self._services.context.changes, looked, timeout, cancel, f"step {self._uid} is not archived")

    def wait_until_sent(self, timeout: float, *, cancel: CancelToken | None = None) -> DeliveryReport:
        """Wait until nothing of the step is queued any more, MPPS messages included.

        Parameters
        ----------
        timeout
            Seconds.
        cancel
            Ends the wait early.

        Raises
        ------
        TimeoutError
            When something is still queued; it goes on.
        Cancelled
            When ``cancel`` was cancelled.
        """

        def looked() -> DeliveryReport | None:
            report = self.report()
            return None if report.open_jobs else report

        return wait_until(self._services.context.changes, looked, timeout, cancel, f"step {self._uid} is still sent")

    def _is_hopeless(self, report: DeliveryReport) -> bool:
        """Whether a final step cannot be archived any more unless somebody acts. MPPS has no part in it."""
        if not report.status.is_final or report.open_jobs:
            return False
        refused = self._services.durable.queue.jobs(
            step_uid=self._uid, kind=JobKind.N_ACTION, states={JobState.FAILED, JobState.CANCELLED}
        )
        return bool(refused) or any(d.state is DeliveryState.FAILED for d in report.deliveries)

    def report(self) -> DeliveryReport:
        """How far the step has come, now."""
        with self._journal.read() as tx:
            jobs = self._services.durable.queue.jobs_of_step(tx, self._uid)
            return DeliveryReport(
                step_uid=self._uid,
                status=tx.get_step(self._uid).status,
                archived=tx.is_archived(self._uid),
                deliveries=tuple(tx.deliveries_of(self._uid)),
                mpps=tuple(tx.mpps_status_of(self._uid).items()),
                open_jobs=sum(_is_under_way(j) for j in jobs),
                failed_jobs=sum(j.state is JobState.FAILED for j in jobs),
            )

    # ---- the journal -----------------------------------------------------------------------------

    def _open_step(self, tx: Transaction) -> PerformedProcedureStep:
        step = tx.get_step(self._uid)
        if step.status.is_final:
            raise StateError(f"step {self._uid} is {step.status.value}; start another")
        return step

    def _begin(self, tx: Transaction, step: PerformedProcedureStep) -> PerformedProcedureStep:
        """Turn a draft into a step in progress and queue its N-CREATE."""
        if step.status is not StepStatus.DRAFT:
            return step
        step = replace(step, status=StepStatus.IN_PROGRESS)
        tx.update_step(step)
        self._services.mpps.submit_create(tx, self._uid, encode_message(mpps_create(step)))
        return step

    def begin(self) -> None:
        """Tell the MPPS destinations now that the step has started, before the first exposure.

        Called by `Modality.start` with ``send.n_create = "on_open"``; harmless later.
        """
        with self._lock, self._journal.transaction() as tx:
            self._begin(tx, self._open_step(tx))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            if not self.status.is_final:
                self.complete()
        elif isinstance(error, Exception) and self._on_error == "discontinue" and not self.status.is_final:
            self.discontinue(DiscontinuationReason.UNSPECIFIED)


def _is_under_way(job: Job) -> bool:
    """Whether something is still to be sent that does not wait for the operator to free a message before it."""
    # a job without a destination is our own reminder
    return job.state.is_open and bool(job.destination) and job.reason != PREDECESSOR_FAILED
