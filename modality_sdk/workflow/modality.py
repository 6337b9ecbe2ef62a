"""The facade: one object that is an acquisition modality."""

import contextlib
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from modality_sdk.clock import Clock, SystemClock
from modality_sdk.dataset import begin_step
from modality_sdk.dataset.sop_classes import STORAGE_COMMITMENT_PUSH_MODEL
from modality_sdk.errors import ModalityError, NegotiationError, StateError
from modality_sdk.events import DestinationHeld, DestinationResumed, Dispatcher, Event, QueueNearlyFull, Subscription
from modality_sdk.journal import PLAIN, AesGcmSeal, Fill, HistoryEntry, Journal, Seal
from modality_sdk.model import (
    Code,
    CommitmentReport,
    DestinationState,
    Patient,
    ProtocolChoice,
    PurgeReport,
    WorklistItem,
)
from modality_sdk.network import HandlerTable, Listener, Network
from modality_sdk.privacy import tame_dependencies
from modality_sdk.queue import DestinationStatus, TransmissionQueue, Worker
from modality_sdk.scu import (
    Commitment,
    CommitmentScu,
    Mpps,
    MppsScu,
    Storage,
    StorageScu,
    Verification,
    VerificationScu,
    Worklist,
    WorklistScu,
)
from modality_sdk.settings import Settings
from modality_sdk.uid import IMPLEMENTATION_VERSION_NAME, UidGenerator, UidSource
from modality_sdk.workflow.assembly import Assembly
from modality_sdk.workflow.context import Context
from modality_sdk.workflow.procedure_step import OnError, PerformedStep
from modality_sdk.workflow.recovery import STEP_COUNTER, RecoveryReport, recover
from modality_sdk.workflow.services import Services
from modality_sdk.workflow.waiting import wait_until

__all__ = ["Modality"]

_STOP_TIMEOUT = 5.0


class Modality:
    """An IHE Scheduled Workflow acquisition modality.

    The constructor opens nothing; `open`, or a ``with`` block, opens the journal and starts the worker and the
    listener. The direct services (`verification`, `worklist`, `mpps`, `storage`, `commitment`) work without
    it: they speak now, on the caller's thread. Steps are durable: what `PerformedStep.add_image` has taken over is
    delivered, over restarts and whatever the network does.

    Parameters
    ----------
    settings
        Who we are and whom we speak with.
    services
        Own implementations of services; the network's for those left out.
    uids
        Source of UIDs; by default after ``settings.uid_root``.
    clock
        Source of time.
    encryption_key
        Gives the key of the encryption at rest, 32 bytes, whenever the journal is opened; goes before the key of the
        settings. Without either nothing is encrypted.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        services: Services | None = None,
        uids: UidSource | None = None,
        clock: Clock | None = None,
        encryption_key: Callable[[], bytes] | None = None,
    ) -> None:
        tame_dependencies(log_identifiers=settings.log_identifiers)
        self.settings = settings
        clock = clock or SystemClock()
        services = services or Services()
        self._handlers = HandlerTable()
        self._network = Network(
            ae_title=settings.ae_title,
            handlers=self._handlers,
            implementation_class_uid=settings.implementation_class_uid,
            implementation_version_name=IMPLEMENTATION_VERSION_NAME,
        )
        worklist_peer = settings.peer(settings.worklist) if settings.worklist else None
        self._context = Context(
            settings=settings,
            clock=clock,
            uids=uids or UidGenerator(settings.uid_root),
            events=Dispatcher(),
            verification=services.verification or VerificationScu(self._network),
            worklist=services.worklist
            or WorklistScu(
                self._network,
                worklist_peer,
                station_ae_title=settings.ae_title,
                modality=settings.modality,
                clock=clock,
            ),
            mpps=services.mpps or MppsScu(self._network),
            storage=services.storage or StorageScu(self._network),
            commitment=services.commitment or CommitmentScu(self._network),
        )
        if encryption_key is None and settings.encryption is not None:
            encryption_key = settings.encryption.read_key
        self._encryption_key = encryption_key
        self._lock = threading.RLock()
        self._assembly: Assembly | None = None
        self._worker: Worker | None = None
        self._listener: Listener | None = None
        self._closed = False

    # ---- services --------------------------------------------------------------------------------

    @property
    def verification(self) -> Verification:
        """C-ECHO, now."""
        return self._context.verification

    @property
    def worklist(self) -> Worklist:
        """Modality Worklist, now."""
        return self._context.worklist

    @property
    def mpps(self) -> Mpps:
        """MPPS messages past the queue; steps send their own."""
        return self._context.mpps

    @property
    def storage(self) -> Storage:
        """C-STORE past the queue; steps send their own."""
        return self._context.storage

    @property
    def commitment(self) -> Commitment:
        """Storage commitment requests past the queue; steps send their own."""
        return self._context.commitment

    @property
    def queue(self) -> TransmissionQueue:
        """The durable queue of this open modality."""
        return self._opened().durable.queue

    @property
    def journal(self) -> Journal:
        """The durable store of this open modality, to look into; steps and the queue write it."""
        return self._opened().durable.journal

    @property
    def listener(self) -> Listener | None:
        """Where we accept associations; None while it does not run."""
        return self._listener

    # ---- opening and closing ---------------------------------------------------------------------

    def open(self, *, worker: bool | Collection[str] = True, listener: bool = True) -> Self:
        """Open the journal, take up what an earlier process left, and start to work.

        Parameters
        ----------
        worker
            Send what is queued, in the background; names of peers send to these alone.
        listener
            Accept Verification and storage commitment reports on the configured port.

        Raises
        ------
        ConfigurationError
            When the data directory cannot be written, the port is in use, or the key of the encryption at rest cannot
            be read or is not the journal's.
        QueueCorrupt
            When the database is damaged; nothing is recreated until `recover` is called.
        StateError
            When it is open, or was closed.
        """
        with self._lock:
            if self._assembly is not None or self._closed:
                raise StateError("the modality is closed" if self._closed else "the modality is open")
            context = self._context
            seal = self._seal()
            self.settings.check_data_dir()
            journal = Journal.open(
                self.settings.data_dir,
                clock=context.clock,
                implementation_class_uid=self.settings.implementation_class_uid,
                implementation_version_name=IMPLEMENTATION_VERSION_NAME,
                policy=self.settings.journal,
                nearly_full=self._nearly_full,
                seal=seal,
            )
            try:
                self._assembly = Assembly(context, journal)
                self._handlers.register(STORAGE_COMMITMENT_PUSH_MODEL, self._assembly.reports.receive)
                if listener:
                    self._listener = Listener(
                        self.settings.listener_options,
                        self._handlers,
                        implementation_class_uid=self.settings.implementation_class_uid,
                        implementation_version_name=IMPLEMENTATION_VERSION_NAME,
                    )
                    self._listener.start()
                if worker:
                    self._worker = self._make_worker(None if worker is True else worker)
                    self._worker.start()
            except BaseException:
                self._shut(0.0)
                journal.close()
                raise
            return self

    def _seal(self) -> Seal:
        return PLAIN if self._encryption_key is None else AesGcmSeal(self._encryption_key())

    def close(self, *, drain: float = 0.0) -> None:
        """Stop the worker and the listener and close the journal; what is queued waits for the next `open`.

        Parameters
        ----------
        drain
            Seconds to wait for work that is due before stopping.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            with contextlib.ExitStack() as stack:
                stack.callback(self._context.events.close)
                stack.callback(self._network.close)
                if self._assembly is not None:
                    stack.callback(self._assembly.durable.journal.close)
                self._shut(drain)

    def _shut(self, drain: float) -> None:
        with contextlib.ExitStack() as stack:  # one part that fails to stop keeps no other running
            worker, listener, self._worker, self._listener = self._worker, self._listener, None, None
            stack.callback(setattr, self, "_assembly", None)
            if listener is not None:
                stack.callback(listener.stop)
            if worker is not None:
                stack.callback(worker.stop, timeout=max(drain, _STOP_TIMEOUT))
                if self._assembly is not None:
                    stack.callback(self._assembly.durable.closing.cancel)
                if drain > 0:
                    self._drain(drain)

    def _drain(self, seconds: float) -> None:
        queue = self._opened().durable.queue

        def idle() -> bool | None:
            return None if queue.operations.due() else True

        with contextlib.suppress(TimeoutError):
            wait_until(self._context.changes, idle, seconds, None, "work is left")

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _opened(self) -> Assembly:
        if self._assembly is None:
            raise StateError("open the modality first")
        return self._assembly

    # ---- steps -----------------------------------------------------------------------------------

    def start(
        self,
        *items: WorklistItem,
        patient: Patient | None = None,
        protocol: ProtocolChoice | None = None,
        operators: Sequence[str] = (),
        performing_physicians: Sequence[str] = (),
        description: str = "",
        procedure_codes: Sequence[Code] = (),
        accession_number: str = "",
        comments: str = "",
        on_error: OnError = "keep_open",
    ) -> PerformedStep:
        """Start a performed procedure step.

        Parameters
        ----------
        items
            The scheduled steps that are performed: one as a rule, several for a group, none when unscheduled.
        patient
            Of an unscheduled step; must be left out with items.
        protocol
            The device protocol; its name and codes go into series and MPPS.
        operators, performing_physicians
            Person names; the scheduled performing physician when none is given.
        description
            Performed Procedure Step Description; that of the scheduled step when empty.
        procedure_codes
            What was really done, where it differs from the order or nothing was ordered.
        accession_number
            As the operator typed it, of an unscheduled step; never made up.
        comments
            Comments on the Performed Procedure Step.
        on_error
            What an exception in the ``with`` block does: see `PerformedStep`.

        Returns
        -------
        PerformedStep
            Journalled; its UID will be in every object.

        Raises
        ------
        StateError
            When the modality is not open, neither item nor patient is given, or the items belong to
            different patients.
        IodError
            When a value cannot stand in an object or a message.
        """
        assembly = self._opened()
        context, settings = self._context, self.settings
        if bool(items) == (patient is not None):
            raise StateError("a step performs worklist items, or has a patient of its own, never both or neither")
        with assembly.durable.journal.transaction() as tx:
            number = tx.next_number(STEP_COUNTER)
            step = begin_step(
                items=items,
                patient=patient,
                sop_instance_uid=context.uids.new(),
                study_instance_uid=context.uids.new(),
                performed_procedure_step_id=f"PPS{number:08d}",
                modality=settings.modality,
                performed_station_ae_title=settings.ae_title,
                performed_station_name=settings.station_name,
                started=context.clock.now(),
                equipment=settings.equipment,
                protocol=protocol,
                operators=operators,
                performing_physicians=performing_physicians,
                description=description,
                procedure_codes=procedure_codes,
                accession_number=accession_number,
                comments=comments,
            )
            tx.add_step(step)
        performed = PerformedStep(assembly.steps, step.sop_instance_uid, on_error=on_error)
        if settings.send.n_create == "on_open":
            performed.begin()
        return performed

    def open_steps(self) -> list[PerformedStep]:
        """Steps that are not final, oldest first: what was under way when the program last stopped."""
        assembly = self._opened()
        with assembly.durable.journal.read() as tx:
            return [PerformedStep(assembly.steps, step.sop_instance_uid) for step in tx.open_steps()]

    def unarchived_steps(self) -> list[PerformedStep]:
        """Steps that are not archived, oldest first: open ones, and final ones that a destination does not keep yet."""
        assembly = self._opened()
        with assembly.durable.journal.read() as tx:
            return [PerformedStep(assembly.steps, uid) for uid in tx.unarchived_steps()]

    def apply_commitment_report(self, report: CommitmentReport) -> bool:
        """Apply a storage commitment report that came another way than to our listener.

        Whoever replaces the commitment service hands the answers in here.

        Returns
        -------
        bool
            False when the transaction is unknown. A report told twice is harmless.
        """
        return self._opened().reports.apply(report)

    def request_commitment(self, step_uid: str) -> int:
        """Ask the archives now, once more, to commit what they have stored of a step and not yet answered for.

        For the operator, when the repetitions of `CommitmentPolicy` are used up or take too long. A report to an
        earlier request still counts. Objects that were given up are sent anew by `queue` ``.retry``.

        Parameters
        ----------
        step_uid
            Of a final step.

        Returns
        -------
        int
            Requests that were queued; 0 when every object is committed, or its request is under way.

        Raises
        ------
        StateError
            When the step is unknown or not final.
        """
        assembly = self._opened()
        with assembly.durable.journal.transaction() as tx:
            if not tx.get_step(step_uid).status.is_final:
                raise StateError(f"step {step_uid} is not final; commitment is asked for when it is")
            return assembly.requests.ask_again(tx, step_uid)

    def recover(self, *, backup: Path | None = None) -> RecoveryReport:
        """Rebuild a database that is damaged or gone, from its newest good backup and the objects in the spool.

        Objects that the backup does not know come back with their steps, which are open afterwards: complete or
        discontinue them. What may have been sent meanwhile is sent again under the same UIDs, and a peer that has it
        already counts as success. Nothing is deleted, and a recovery that was interrupted can be repeated.

        Parameters
        ----------
        backup
            The one to begin with, in place of the newest good one.

        Returns
        -------
        RecoveryReport

        Raises
        ------
        StateError
            When the database is healthy, nothing is there to recover, or this modality is open.
        QueueError
            When another process has the journal open.
        QueueCorrupt
            When the journal is of a newer version, or ``backup`` is no good.
        """
        with self._lock:
            if self._assembly is not None:
                raise StateError("the modality is open")
            return recover(self._context, backup, self._seal())

    def purge(
        self, *, older_than: timedelta | None = None, records: bool = False, dry_run: bool = False
    ) -> PurgeReport:
        """Delete the files that may go, now; also what an interrupted deletion has left.

        Of archived steps alone, and of these the objects that every storage destination has committed; rejected
        objects only as `RetentionPolicy.keep_rejected_days` says. With `RetentionPolicy.delete_files` this happens by
        itself.

        Parameters
        ----------
        older_than
            Since when a step must be archived, instead of `RetentionPolicy.keep_days`.
        records
            Also remove the records of finished transmissions of steps as old, and their history; never of a step of
            which a transmission waits or failed.
        dry_run
            Only say what would go; the rows of history are not counted.

        Raises
        ------
        StateError
            When the policy deletes nothing and no age is given.
        OSError
            When a file cannot be deleted; it is finished by the next purge, or when the journal is opened.
        """
        if older_than is None and self.settings.retention.keep_committed is None:
            raise StateError('retention.delete_files is "never": name the age of what is to be deleted')
        return self._opened().retention.purge(older_than, records=records, dry_run=dry_run)

    # ---- events ----------------------------------------------------------------------------------

    def subscribe(
        self, handler: Callable[[Any], object], *events: type[Event], executor: Executor | None = None
    ) -> Subscription:
        """Call ``handler`` for events of these types (all when none is named).

        Parameters
        ----------
        handler
            Called with the event, on the dispatcher's thread, one event after the other.
        executor
            Runs the handler elsewhere, for example in the thread of a user interface.
        """
        return self._context.events.subscribe(handler, *events, executor=executor)

    def history(self, since: datetime) -> list[HistoryEntry]:
        """Every change that the journal has noted since then: what was missed while nobody listened."""
        with self._opened().durable.journal.read() as tx:
            return tx.history(since)

    def capacity(self) -> Sequence[Fill]:
        """How far the limits of the durable store are used."""
        return self._opened().durable.journal.capacity.fills()

    def _nearly_full(self, fill: Fill) -> None:
        event = QueueNearlyFull(at=self._context.clock.now(), limit=fill.limit, used=fill.used, maximum=fill.maximum)
        self._context.events.publish(event)

    # ---- the worker ------------------------------------------------------------------------------

    def run_due(self) -> int:
        """Do on this thread everything that is due now; returns the number of jobs done.

        For programs that opened with ``worker=False``: a command that drains the queue, a test.
        """
        return self._make_worker().run_due()

    def _make_worker(self, only: Collection[str] | None = None) -> Worker:
        assembly = self._opened()
        return Worker(assembly.durable.queue, assembly.handlers, probe=self._probe, notice=self._announce, only=only)

    def _probe(self, destination: str) -> str | None:
        try:
            self._context.verification.echo(self.settings.peer(destination))
        except NegotiationError:
            return None  # it is there and speaks, but without Verification
        except ModalityError as error:
            return str(error)
        return None

    def _announce(self, status: DestinationStatus) -> None:
        now = self._context.clock.now()
        if status.state is DestinationState.HELD:
            self._context.events.publish(
                DestinationHeld(
                    at=now,
                    destination=status.name,
                    cause=status.cause,
                    probes=status.probes,
                    next_probe=status.next_probe or now,
                )
            )
        elif status.state is DestinationState.OPEN:
            self._context.events.publish(DestinationResumed(at=now, destination=status.name))
        self._context.changes.notify()
