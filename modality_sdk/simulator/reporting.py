"""How an archive delivers its storage commitment reports, and how it fails to (PS3.4 section J.3.3)."""

import io
import logging
import threading
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, build_role, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import N_EVENT_REPORT
from pynetdicom.dsutils import encode
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
)

from modality_sdk.errors import StateError
from modality_sdk.model.network import check_ae_title, check_port
from modality_sdk.simulator.answers import Status
from modality_sdk.simulator.commitment import Commitment, CommitmentTransaction, event_type_of, report_of
from modality_sdk.simulator.manners import send_beginning
from modality_sdk.simulator.query import QueryProvider
from modality_sdk.simulator.scp import quick_socket
from modality_sdk.simulator.script import Abort, Delay, Phase, Report, Role, Silence, Step
from modality_sdk.simulator.storage import StoredObject

__all__ = ["CommitmentReporter"]

_log = logging.getLogger("modality_sdk.simulator")

_ASSOCIATE_S = 5.0


class CommitmentReporter(QueryProvider):
    """A provider that reports storage commitment on what it has stored.

    Parameters
    ----------
    ae_title, host, port
        See `ServiceProvider`.
    commitment
        How reports are delivered; may be changed at any time.
    report_delay
        Seconds between the request and a report on a new association.
    """

    def __init__(self, *, ae_title: str, host: str, port: int, commitment: Commitment, report_delay: float) -> None:
        super().__init__(ae_title=ae_title, host=host, port=port)
        self.commitment = commitment
        self.report_delay = report_delay
        self._transactions: dict[str, CommitmentTransaction] = {}
        self._addresses: dict[str, tuple[str, int]] = {}
        self._reporters: set[threading.Thread] = set()
        self._message_id = 0
        # reports under way on the requestor's association, and those that wait for the response to leave
        self._asked: dict[tuple[Association, int], tuple[str, bool]] = {}
        self._waiting: dict[Association, tuple[CommitmentTransaction, Step]] = {}
        self._answered = threading.Condition(self._lock)

    @property
    @abstractmethod
    def stored(self) -> Mapping[str, StoredObject]:
        """The objects by SOP Instance UID."""

    @property
    def transactions(self) -> dict[str, CommitmentTransaction]:
        """The storage commitment transactions by Transaction UID."""
        with self._lock:
            return dict(self._transactions)

    def register(self, ae_title: str, host: str, port: int) -> None:
        """Tell the archive where an application entity takes its commitment reports.

        Raises
        ------
        ConfigurationError
            When title or port is out of range.
        """
        check_ae_title("ae_title", ae_title)
        check_port("port", port)
        with self._lock:
            self._addresses[ae_title.strip()] = (host, port)

    def close(self) -> None:
        """Stop to listen, end every association and reporter."""
        super().close()
        for reporter in list(self._reporters):
            reporter.join(_ASSOCIATE_S)

    def _handlers(self) -> list[Any]:
        return [
            *super()._handlers(),
            (evt.EVT_PDU_SENT, self._report_behind_response),
            (evt.EVT_DIMSE_RECV, self._hear),
        ]

    def _deliver(self, association: Association, transaction: CommitmentTransaction) -> None:
        step = self.misbehaviour.next_step("N-EVENT-REPORT")
        unusual = step if isinstance(step, Report) else Report()
        match unusual.way or self.commitment:
            case Commitment.NEW_ASSOCIATION if unusual.before_response:
                self._report_on_new_association(transaction, step)
            case Commitment.NEW_ASSOCIATION:
                self._start_reporter(transaction, lambda: self._report_later(transaction, step))
            case Commitment.SAME_ASSOCIATION if isinstance(step, Delay):
                self._start_reporter(transaction, lambda: self._report_on(association, transaction, step))
            case Commitment.SAME_ASSOCIATION:
                with self._lock:
                    self._waiting[association] = transaction, step
            case Commitment.BEFORE_RESPONSE:
                self._report_on(association, transaction, step)
            case Commitment.NEVER:
                pass

    def report(self, transaction_uid: str) -> None:
        """Send the report of a transaction now, on a new association: a late one, or one more time.

        The objects are judged anew, and the script of N-EVENT-REPORT has its say. `transactions` tells how it went.

        Raises
        ------
        StateError
            When there is no such transaction, or its requestor's address is not registered.
        """
        with self._lock:
            transaction = self._transactions.get(transaction_uid)
        if transaction is None:
            raise StateError(f"no storage commitment transaction {transaction_uid}")
        if transaction.calling_ae_title not in self._addresses:
            raise StateError(f"no address registered for {transaction.calling_ae_title}")
        step = self.misbehaviour.next_step("N-EVENT-REPORT")
        self._report_on_new_association(replace(transaction, failures=None), step)

    def _judged(self, transaction: CommitmentTransaction) -> CommitmentTransaction:
        failures = transaction.failures
        if failures is None:
            stored = self.stored
            failures = {}
            for reference in transaction.references:
                known = stored.get(reference.sop_instance_uid)
                if known is None:
                    failures[reference.sop_instance_uid] = int(Status.NO_SUCH_SOP_INSTANCE)
                elif known.sop_class_uid != reference.sop_class_uid:
                    failures[reference.sop_instance_uid] = int(Status.CLASS_INSTANCE_CONFLICT)
        return replace(transaction, failures=failures, event_type=event_type_of(failures))

    def _start_reporter(self, transaction: CommitmentTransaction, report: Callable[[], None]) -> None:
        def run() -> None:
            try:
                report()
            except Exception as error:  # nobody else would hear of it
                self._fail(transaction, type(error).__name__)
            finally:
                self._reporters.discard(threading.current_thread())

        reporter = threading.Thread(target=run, name=f"simulator-{self.ae_title}-report", daemon=True)
        self._reporters.add(reporter)
        reporter.start()

    def _report_later(self, transaction: CommitmentTransaction, step: Step) -> None:
        if not (self.report_delay and self._unplugged.wait(self.report_delay)):
            self._report_on_new_association(transaction, step)

    def _report_on_new_association(self, transaction: CommitmentTransaction, step: Step) -> None:
        unusual = step if isinstance(step, Report) else Report()
        for _ in range(unusual.copies):
            association = self._call_back(transaction, unusual)
            if association is None:
                return
            try:
                self._report_on(association, transaction, replace(step, copies=1) if isinstance(step, Report) else step)
                self._await_answer(association, transaction)
            finally:
                if association.is_established:
                    association.release()

    def _await_answer(self, association: Association, transaction: CommitmentTransaction) -> None:
        with self._answered:
            self._answered.wait_for(lambda: self._is_over(association), _ASSOCIATE_S)
            lost = [key for key in self._asked if key[0] is association]
            for key in lost:
                del self._asked[key]
        if lost:
            self._fail(transaction, "no answer")

    def _is_over(self, association: Association) -> bool:
        return not association.is_established or all(asker is not association for asker, _ in self._asked)

    def _call_back(self, transaction: CommitmentTransaction, unusual: Report) -> Association | None:
        """Open an association to the requestor; None when that does not succeed."""
        host, port = self._addresses[transaction.calling_ae_title]
        if self._unplugged.is_set():
            self._fail(transaction, "offline")
            return None
        caller = AE(unusual.calling_ae_title or self.ae_title)
        caller.acse_timeout = caller.dimse_timeout = caller.connection_timeout = _ASSOCIATE_S
        caller.add_requested_context(StorageCommitmentPushModel, [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
        # the archive is requestor and SCP at once (PS3.7 D.3.3.4)
        roles = {Role.SCP: {"scp_role": True}, Role.SCU: {"scu_role": True}, Role.NONE: {}}[unusual.role]
        try:
            association = caller.associate(
                host,
                port,
                ae_title=transaction.calling_ae_title,
                ext_neg=[build_role(StorageCommitmentPushModel, **roles)] if roles else None,
                evt_handlers=[
                    (evt.EVT_ACSE_SENT, self._hold),
                    (evt.EVT_CONN_OPEN, quick_socket),
                    (evt.EVT_DIMSE_RECV, self._hear),
                    (evt.EVT_ABORTED, self._gone),
                    (evt.EVT_CONN_CLOSE, self._gone),
                ],
            )
        except (OSError, RuntimeError) as error:
            self._fail(transaction, type(error).__name__)
            return None
        if not association.is_established:
            self._fail(transaction, "rejected" if association.is_rejected else "no association")
            return None
        return association

    def _report_behind_response(self, event: evt.Event) -> None:
        # the response is one PDU and has just left; nothing else was queued on this association
        with self._lock:
            waiting = self._waiting.pop(event.assoc, None)
        if waiting is not None:
            self._report_on(event.assoc, *waiting)

    def _report_on(self, association: Association, transaction: CommitmentTransaction, step: Step) -> None:
        """Send a report without waiting for its answer, which `_hear` takes: the requestor may go on asking."""
        match step:
            case Delay():
                self._wait(step.seconds, association)
            case Silence():
                return
            case Abort(phase=Phase.AT_REQUEST):
                self._fail(transaction, "aborted")
                association.abort()
                return
        transaction = self._judged(transaction)
        unusual = step if isinstance(step, Report) else Report()
        for _ in range(unusual.copies):
            self._settle(transaction)
            self._send_report(association, transaction, unusual, step)

    def _send_report(
        self, association: Association, transaction: CommitmentTransaction, unusual: Report, step: Step
    ) -> None:
        contexts = [
            context
            for context in association.accepted_contexts
            if context.abstract_syntax == StorageCommitmentPushModel
        ]
        if not contexts:
            self._fail(transaction, "no presentation context")
            return
        syntax = contexts[0].transfer_syntax[0]
        context_id = contexts[0].context_id or 0
        with self._lock:
            self._message_id = self._message_id % 0xFFFF + 1
            message_id = self._message_id
        report = N_EVENT_REPORT()
        report.MessageID = message_id
        report.AffectedSOPClassUID = StorageCommitmentPushModel
        report.AffectedSOPInstanceUID = StorageCommitmentPushModelInstance
        report.EventTypeID = transaction.event_type if unusual.event_type is None else unusual.event_type
        references = transaction.references[: max(0, len(transaction.references) - unusual.omit)] + unusual.add
        report_uid = unusual.transaction_uid or transaction.transaction_uid
        information = encode(
            report_of(report_uid, references, transaction.failures or {}),
            syntax.is_implicit_VR,
            syntax.is_little_endian,
        )
        report.EventInformation = io.BytesIO(information or b"")
        if isinstance(step, Abort) and step.phase is Phase.MID_RESPONSE:
            self._fail(transaction, "aborted")
            send_beginning(association, report, context_id)
            association.abort()
            return
        with self._lock:
            self._asked[association, message_id] = transaction.transaction_uid, isinstance(step, Abort)
        association.dimse.send_msg(report, context_id)

    def _hear(self, event: evt.Event) -> None:
        if type(event.message).__name__ != "N_EVENT_REPORT_RSP":
            return
        command = event.message.command_set
        with self._answered:
            key = (event.assoc, int(command.get("MessageIDBeingRespondedTo", 0)))
            uid, then_abort = self._asked.pop(key, ("", False))
            if uid in self._transactions:
                self._transactions[uid] = replace(self._transactions[uid], report_status=command.get("Status"))
            self._answered.notify_all()
        if then_abort:
            event.assoc.abort()

    def _gone(self, _: evt.Event) -> None:
        with self._answered:
            self._answered.notify_all()

    def _settle(self, transaction: CommitmentTransaction) -> None:
        """Note that a report leaves."""
        with self._lock:
            before = self._transactions.get(transaction.transaction_uid, transaction)
            self._transactions[transaction.transaction_uid] = replace(
                before,
                failures=transaction.failures,
                event_type=transaction.event_type,
                report_status=None,
                report_error="",
                reports=before.reports + 1,
            )

    def _fail(self, transaction: CommitmentTransaction, error: str) -> None:
        """Note that a report did not get through."""
        _log.info("%s: report of %s failed: %s", self.ae_title, transaction.transaction_uid, error)
        with self._lock:
            before = self._transactions.get(transaction.transaction_uid, transaction)
            self._transactions[transaction.transaction_uid] = replace(before, report_error=error)
