"""A journal that was lost, rebuilt: the newest backup, and everything that the objects themselves tell."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from modality_sdk.dataset import mpps_create
from modality_sdk.dataset.recovering import RecoveredObject, recover_object
from modality_sdk.errors import IodError, QueueCorrupt, StateError
from modality_sdk.journal import PLAIN, InstanceRecord, Seal, SpoolFile, Transaction, examine, recovering
from modality_sdk.model import InstanceState, SopReference, StepStatus
from modality_sdk.queue import TransmissionQueue
from modality_sdk.workflow.backups import Backups
from modality_sdk.workflow.context import Context, Durable
from modality_sdk.workflow.delivery import MppsDelivery, StoreDelivery
from modality_sdk.workflow.messages import encode_message

__all__ = ["STEP_COUNTER", "RecoveryReport", "UnreadableFile", "recover"]

STEP_COUNTER = "performed_procedure_step"
"""Names the counter of Performed Procedure Step IDs."""
_STEP_ID = re.compile(r"PPS([0-9]{8,13})")


@dataclass(frozen=True, kw_only=True)
class UnreadableFile:
    """A file of the spool from which nothing could be rebuilt.

    Attributes
    ----------
    path
        Where it lies now.
    rule
        What is wrong with it, without any value.
    """

    path: Path
    rule: str


@dataclass(frozen=True, kw_only=True)
class RecoveryReport:
    """What a recovery found; free of patient data.

    Attributes
    ----------
    backup
        Where it began; None when there was no good backup.
    refused_backups
        Newer ones that were damaged.
    damaged
        Directory that the damaged database was moved to; None when it was gone.
    steps
        MPPS UIDs of the steps that only objects told of.
    open_steps
        MPPS UIDs of all steps that the operator has to complete or discontinue.
    objects
        Those that the backup did not know.
    open_jobs
        Transmissions that are to be made, or to be repeated.
    unreadable
        Files that were moved to the orphans.
    missing
        SOP Instance UIDs of objects that the backup knows and whose file is gone.
    """

    backup: Path | None
    refused_backups: tuple[Path, ...]
    damaged: Path | None
    steps: tuple[str, ...]
    open_steps: tuple[str, ...]
    objects: tuple[SopReference, ...]
    open_jobs: int
    unreadable: tuple[UnreadableFile, ...]
    missing: tuple[str, ...]


def recover(context: Context, backup: Path | None = None, seal: Seal = PLAIN) -> RecoveryReport:
    """Rebuild the journal of a modality; see `Modality.recover`."""
    settings = context.settings
    backup_dir = settings.journal.backup_dir
    with recovering(
        settings.data_dir, clock=context.clock, backup_dir=backup_dir, backup=backup, seal=seal
    ) as recovery:
        queue = TransmissionQueue(recovery.journal, clock=context.clock, retry=settings.retry)
        durable = Durable(journal=recovery.journal, queue=queue)
        rebuilding = _Rebuilding(context, durable)
        files = recovery.unknown_files()
        recovery.check_seal_of(files)
        for path in files:
            rebuilding.take(path)
        with recovery.journal.transaction() as tx:
            Backups(context, durable).submit(tx, f"recovery {recovery.journal.now.isoformat()}")
            open_steps = tuple(step.sop_instance_uid for step in tx.open_steps())
        open_jobs = recovery.mark_as_attempted()
        missing = tuple(recovery.missing_objects())
        damaged = recovery.publish()
    return RecoveryReport(
        backup=recovery.backup,
        refused_backups=recovery.refused,
        damaged=damaged,
        steps=tuple(rebuilding.steps),
        open_steps=open_steps,
        objects=tuple(rebuilding.objects),
        open_jobs=open_jobs,
        unreadable=tuple(rebuilding.unreadable),
        missing=missing,
    )


class _Rebuilding:
    """Takes objects into a journal that does not know them."""

    def __init__(self, context: Context, durable: Durable) -> None:
        self._context, self._journal = context, durable.journal
        self._stores = StoreDelivery(context, durable)
        self._mpps = MppsDelivery(context, durable)
        self.steps: list[str] = []
        self.objects: list[SopReference] = []
        self.unreadable: list[UnreadableFile] = []

    def take(self, path: Path) -> None:
        """Make the journal know the object of a file, or move the file to the orphans."""
        settings = self._context.settings
        try:
            dataset, _, file = examine(self._journal.spool, path)
            found = recover_object(
                dataset,
                performed_station_ae_title=settings.ae_title,
                performed_station_name=settings.station_name,
            )
            with self._journal.transaction() as tx:
                is_new = self._keep_step(tx, found)
                self._keep_object(tx, found, file)
        except (IodError, StateError, QueueCorrupt, OSError) as error:
            rule = (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)
            self.unreadable.append(UnreadableFile(path=self._journal.spool.set_aside(path), rule=rule))
            return
        self.objects.append(found.sop)
        if is_new:
            self.steps.append(found.step.sop_instance_uid)

    def _keep_step(self, tx: Transaction, found: RecoveredObject) -> bool:
        """Make the step known and begun; returns whether it was unknown."""
        uid = found.step.sop_instance_uid
        is_new = not tx.has_step(uid)
        if is_new:
            tx.add_step(found.step)
            number = _STEP_ID.fullmatch(found.step.performed_procedure_step_id)
            if number and int(number[1]) > 0:
                tx.advance_number(STEP_COUNTER, int(number[1]))
        step = tx.get_step(uid)
        if step.status is StepStatus.DRAFT:
            step = replace(step, status=StepStatus.IN_PROGRESS)
            tx.update_step(step)
        elif not is_new:
            return False
        self._mpps.submit_create(tx, uid, encode_message(mpps_create(step)))
        return is_new

    def _keep_object(self, tx: Transaction, found: RecoveredObject, file: SpoolFile) -> None:
        uid, event = found.step.sop_instance_uid, found.irradiation_event
        if found.series.series_instance_uid not in {s.series_instance_uid for s in tx.series_of(uid)}:
            tx.add_series(uid, found.series)
        record = InstanceRecord(
            sop=found.sop,
            step_uid=uid,
            series_instance_uid=found.series.series_instance_uid,
            instance_number=found.instance_number,
            file=file,
            state=InstanceState.ACQUIRED,
            irradiation_event_uid=event.uid if event else "",
            created=found.acquired,
        )
        tx.add_instance(record)
        if event and event.uid not in {known.uid for known in tx.irradiation_events_of(uid)}:
            tx.add_irradiation_event(uid, event)
        self._stores.expect(tx, record)
        # with another policy the operator has not let it go yet, as far as anybody knows
        if self._context.settings.send.objects == "immediately" or tx.get_step(uid).status.is_final:
            self._stores.submit(tx, record)
