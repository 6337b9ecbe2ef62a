"""The parts of an open modality, put together: who hands what to whom."""

from collections.abc import Callable, Mapping

from modality_sdk.journal import Journal, Transaction
from modality_sdk.model import JobState
from modality_sdk.queue import Job, Outcome, TransmissionQueue
from modality_sdk.workflow.backups import Backups
from modality_sdk.workflow.commitment import CommitmentRequests
from modality_sdk.workflow.context import Context, Durable
from modality_sdk.workflow.delivery import JobKind, MppsDelivery, StoreDelivery
from modality_sdk.workflow.progress import StepProgress
from modality_sdk.workflow.reports import CommitmentReports
from modality_sdk.workflow.retention import Retention
from modality_sdk.workflow.step_services import StepServices

__all__ = ["Assembly"]


class Assembly:
    """Deliveries, commitment and progress over one open journal.

    Attributes
    ----------
    handlers
        What the worker calls for each kind of job.
    """

    def __init__(self, context: Context, journal: Journal) -> None:
        queue = TransmissionQueue(
            journal, clock=context.clock, retry=context.settings.retry, settled=self._settled, revived=self._revived
        )
        self.durable = Durable(journal=journal, queue=queue)
        self._stores = StoreDelivery(context, self.durable)
        self._mpps = MppsDelivery(context, self.durable)
        self.requests = CommitmentRequests(context, self.durable)
        self.retention = Retention(context, self.durable)
        self._progress = StepProgress(context, self.requests, self.retention)
        self.reports = CommitmentReports(context, self.durable, self._stores, self.requests, self._progress)
        self._backups = Backups(context, self.durable)
        self.steps = StepServices(
            context=context,
            durable=self.durable,
            stores=self._stores,
            mpps=self._mpps,
            progress=self._progress,
            backups=self._backups,
        )
        self.handlers: Mapping[str, Callable[[Job], Outcome]] = {
            JobKind.C_STORE.value: self._stores.handle,
            JobKind.N_CREATE.value: self._mpps.handle,
            JobKind.N_SET.value: self._mpps.handle,
            JobKind.N_ACTION.value: self.requests.handle,
            JobKind.COMMITMENT_DEADLINE.value: self.requests.handle_deadline,
            JobKind.COMMITMENT_AGAIN.value: self.requests.handle_again,
            JobKind.COMMITMENT_DEFERRED.value: self.requests.handle_deferred,
            JobKind.BACKUP.value: self._backups.handle,
            JobKind.PURGE.value: self.retention.handle,
        }

    def _revived(self, tx: Transaction, job: Job) -> None:
        """An operator, or a report, has a job done once more."""
        if job.kind == JobKind.C_STORE:
            self._stores.revived(tx, job)

    def _settled(self, tx: Transaction, job: Job) -> None:
        """Draw the consequences of a job that is done, given up or cancelled, in its own transaction."""
        match job.kind:
            case JobKind.C_STORE:
                self._stores.settled(tx, job)
            case JobKind.N_CREATE | JobKind.N_SET:
                self._mpps.settled(tx, job)
            case JobKind.N_ACTION:
                self.requests.settled(tx, job)
            case JobKind.COMMITMENT_DEADLINE if job.state is not JobState.COMPLETE:
                self.requests.time_out(tx, job)
        if job.step_uid:
            self._progress.advance(tx, job.step_uid)
