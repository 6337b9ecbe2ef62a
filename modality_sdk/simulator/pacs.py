"""The archive: storage and storage commitment (PS3.4 Annexes B and J)."""

import io
import logging
import shutil
import tempfile
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, AllStoragePresentationContexts, build_role, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import N_EVENT_REPORT
from pynetdicom.dsutils import encode
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
)

from modality_sdk.errors import StateError
from modality_sdk.model import SopReference
from modality_sdk.model.network import check_ae_title, check_port
from modality_sdk.simulator.answers import Answer, Status
from modality_sdk.simulator.commitment import (
    Commitment,
    CommitmentTransaction,
    event_type_of,
    read_request,
    report_of,
)
from modality_sdk.simulator.scp import ServiceProvider, calling_ae_title, quick_socket
from modality_sdk.simulator.storage import StoredObject, judge_object, part10

__all__ = ["Pacs"]

_log = logging.getLogger("modality_sdk.simulator")

_ACTION_TYPE = 1
_ASSOCIATE_S = 5.0


class Pacs(ServiceProvider):
    """Archive: Verification, Storage of every class, Storage Commitment at one port.

    Parameters
    ----------
    ae_title, host, port
        See `ServiceProvider`.
    store_dir
        Where the objects are kept, one file each; an own directory, removed by `close`, when None.
    in_memory
        Keep the objects in memory, write no file.
    transfer_syntaxes
        Accepted for storage, the preferred one first.
    commitment
        How reports are delivered; may be changed at any time.
    abort_unknown
        What a requestor of commitment gets whose address is not registered: an abort as from Orthanc, or else
        0110 as from dcm4che.
    report_delay
        Seconds between the request and a report on a new association.
    """

    def __init__(
        self,
        *,
        ae_title: str = "PACS",
        host: str = "127.0.0.1",
        port: int = 0,
        store_dir: Path | None = None,
        in_memory: bool = False,
        transfer_syntaxes: Iterable[str] = (ExplicitVRLittleEndian, ImplicitVRLittleEndian),
        commitment: Commitment = Commitment.NEW_ASSOCIATION,
        abort_unknown: bool = False,
        report_delay: float = 0.0,
    ) -> None:
        super().__init__(ae_title=ae_title, host=host, port=port)
        self.commitment = commitment
        self.abort_unknown = abort_unknown
        self.report_delay = report_delay
        self._transfer_syntaxes = [UID(uid) for uid in transfer_syntaxes]
        self._in_memory = in_memory
        self._store_dir, self._owns_store = store_dir, False
        self._stored: dict[str, StoredObject] = {}
        self._transactions: dict[str, CommitmentTransaction] = {}
        self._addresses: dict[str, tuple[str, int]] = {}
        self._reporters: set[threading.Thread] = set()
        self._message_id = 0
        # reports under way on the requestor's association, and those that wait for the response to leave
        self._asked: dict[tuple[Association, int], str] = {}
        self._waiting: dict[Association, CommitmentTransaction] = {}

    # what has happened ------------------------------------------------------------------------------------

    @property
    def stored(self) -> dict[str, StoredObject]:
        """The objects by SOP Instance UID."""
        with self._lock:
            return dict(self._stored)

    @property
    def transactions(self) -> dict[str, CommitmentTransaction]:
        """The storage commitment transactions by Transaction UID."""
        with self._lock:
            return dict(self._transactions)

    def forget(self, sop_instance_uid: str) -> None:
        """Lose an object, so that it is not committed any more."""
        with self._lock:
            lost = self._stored.pop(sop_instance_uid, None)
        if lost is not None and lost.path is not None:
            lost.path.unlink(missing_ok=True)

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

    # life -------------------------------------------------------------------------------------------------

    def open(self) -> Self:
        """Start to listen, see `ServiceProvider.open`."""
        with self._lock:
            if not self._in_memory and self._store_dir is None:
                self._store_dir, self._owns_store = Path(tempfile.mkdtemp(prefix="simulator-")), True
            if self._store_dir is not None:
                self._store_dir.mkdir(parents=True, exist_ok=True)
        try:
            super().open()
        except BaseException:
            self._remove_own_store()
            raise
        return self

    def close(self) -> None:
        """Stop to listen, end every association and reporter, remove the own directory."""
        super().close()
        for reporter in list(self._reporters):
            reporter.join(_ASSOCIATE_S)
        self._remove_own_store()

    def _remove_own_store(self) -> None:
        with self._lock:
            if self._owns_store and self._store_dir is not None:
                shutil.rmtree(self._store_dir, ignore_errors=True)
                self._store_dir, self._owns_store = None, False

    def _supports(self, ae: AE) -> None:
        super()._supports(ae)
        for context in AllStoragePresentationContexts:
            ae.add_supported_context(context.abstract_syntax or "", self._transfer_syntaxes)
        ae.add_supported_context(StorageCommitmentPushModel, scu_role=True, scp_role=True)

    def _handlers(self) -> list[Any]:
        return [
            *super()._handlers(),
            (evt.EVT_C_STORE, lambda event: self._serve("C-STORE", event, self._store)[0]),
            (evt.EVT_N_ACTION, lambda event: self._serve("N-ACTION", event, self._commit)),
            (evt.EVT_PDU_SENT, self._report_behind_response),
            (evt.EVT_DIMSE_RECV, self._hear),
        ]

    # storage ----------------------------------------------------------------------------------------------

    def _store(self, event: evt.Event) -> Answer:
        request: Any = event.request
        sop = SopReference(
            sop_class_uid=str(request.AffectedSOPClassUID), sop_instance_uid=str(request.AffectedSOPInstanceUID)
        )
        if not UID(sop.sop_instance_uid).is_valid:
            return Answer(status=Status.INVALID_SOP_INSTANCE, comment="Affected SOP Instance UID is not a UID")
        content = part10(event)
        try:
            dataset = dcmread(io.BytesIO(content))
            answer = judge_object(dataset, sop)
        except Exception:
            return Answer(status=Status.CANNOT_UNDERSTAND, comment="the data set could not be read")
        if answer.status == Status.SUCCESS:
            self._keep(sop, content, str(event.context.transfer_syntax), calling_ae_title(event))
        return answer

    def _keep(self, sop: SopReference, content: bytes, transfer_syntax: str, sender: str) -> None:
        uid = sop.sop_instance_uid
        with self._lock:
            known = self._stored.get(uid)
            if known is not None:
                self._stored[uid] = replace(known, received=known.received + 1)
                return
            path = None
            if not self._in_memory and self._store_dir is not None:
                # the UID has been validated: digits and dots cannot leave the directory
                path = self._store_dir / f"{uid}.dcm"
                path.write_bytes(content)
            self._stored[uid] = StoredObject(
                sop_class_uid=sop.sop_class_uid,
                sop_instance_uid=uid,
                transfer_syntax_uid=transfer_syntax,
                path=path,
                content=b"" if path is not None else content,
                calling_ae_title=sender,
            )

    # storage commitment -----------------------------------------------------------------------------------

    def _commit(self, event: evt.Event) -> Answer:
        asked: Any = event.request
        requestor = calling_ae_title(event)
        if asked.RequestedSOPInstanceUID != StorageCommitmentPushModelInstance:
            return Answer(status=Status.NO_SUCH_SOP_INSTANCE, comment="not the well-known instance")
        if event.action_type != _ACTION_TYPE:
            return Answer(status=Status.NO_SUCH_ACTION_TYPE, comment="the action type is 1")
        if self.commitment is Commitment.NEW_ASSOCIATION and requestor not in self._addresses:
            if self.abort_unknown:
                event.assoc.abort()
            return Answer(status=Status.PROCESSING_FAILURE, comment="unknown calling AE title")
        request = read_request(event.action_information)
        if isinstance(request, Answer):
            return request
        transaction_uid, references = request
        with self._lock:
            # PS3.4 has no N-ACTION status for it, PS3.3 C.14.1.1 a failure reason: all fail in the report
            used = transaction_uid in self._transactions
            transaction = CommitmentTransaction(
                transaction_uid=transaction_uid,
                calling_ae_title=requestor,
                references=references,
                failures={r.sop_instance_uid: int(Status.DUPLICATE_TRANSACTION_UID) for r in references}
                if used
                else None,
            )
            if not used:
                self._transactions[transaction_uid] = transaction
        self._deliver(event.assoc, transaction)
        return Answer()

    def _deliver(self, association: Association, transaction: CommitmentTransaction) -> None:
        match self.commitment:
            case Commitment.NEW_ASSOCIATION:
                self._start_reporter(transaction)
            case Commitment.SAME_ASSOCIATION:
                with self._lock:
                    self._waiting[association] = transaction
            case Commitment.BEFORE_RESPONSE:
                self._report_on(association, transaction)
            case Commitment.NEVER:
                pass

    def report(self, transaction_uid: str) -> None:
        """Send the report of a transaction now, on a new association: a late one, or one more time.

        The objects are judged anew. `transactions` tells how it went.

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
        self._report_on_new_association(replace(transaction, failures=None))

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

    def _start_reporter(self, transaction: CommitmentTransaction) -> None:
        def run() -> None:
            try:
                if not (self.report_delay and self._unplugged.wait(self.report_delay)):
                    self._report_on_new_association(transaction)
            finally:
                self._reporters.discard(threading.current_thread())

        reporter = threading.Thread(target=run, name=f"simulator-{self.ae_title}-report", daemon=True)
        self._reporters.add(reporter)
        reporter.start()

    def _report_on_new_association(self, transaction: CommitmentTransaction) -> None:
        transaction = self._judged(transaction)
        host, port = self._addresses[transaction.calling_ae_title]
        if self._unplugged.is_set():
            self._settle(transaction, None, "offline")
            return
        caller = AE(self.ae_title)
        caller.acse_timeout = caller.dimse_timeout = caller.connection_timeout = _ASSOCIATE_S
        caller.add_requested_context(StorageCommitmentPushModel, [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
        try:
            # the archive is requestor and SCP at once (PS3.7 D.3.3.4)
            association = caller.associate(
                host,
                port,
                ae_title=transaction.calling_ae_title,
                ext_neg=[build_role(StorageCommitmentPushModel, scp_role=True)],
                evt_handlers=[(evt.EVT_ACSE_SENT, self._hold), (evt.EVT_CONN_OPEN, quick_socket)],
            )
        except (OSError, RuntimeError) as error:
            self._settle(transaction, None, type(error).__name__)
            return
        if not association.is_established:
            self._settle(transaction, None, "rejected" if association.is_rejected else "no association")
            return
        try:
            status, _ = association.send_n_event_report(
                self._event_information(transaction),
                transaction.event_type or 0,
                StorageCommitmentPushModel,
                StorageCommitmentPushModelInstance,
            )
            code = status.get("Status")
            self._settle(transaction, code, "" if code is not None else "no answer")
        except (ValueError, RuntimeError) as error:
            self._settle(transaction, None, f"not sent ({type(error).__name__})")
        finally:
            if association.is_established:
                association.release()

    def _event_information(self, transaction: CommitmentTransaction) -> Dataset:
        return report_of(transaction.transaction_uid, transaction.references, transaction.failures or {})

    def _report_behind_response(self, event: evt.Event) -> None:
        # the response is one PDU and has just left; nothing else was queued on this association
        with self._lock:
            transaction = self._waiting.pop(event.assoc, None)
        if transaction is not None:
            self._report_on(event.assoc, transaction)

    def _report_on(self, association: Association, transaction: CommitmentTransaction) -> None:
        """Send a report without waiting for its answer, which `_hear` takes: the requestor may go on asking."""
        transaction = self._judged(transaction)
        context = next(
            context
            for context in association.accepted_contexts
            if context.abstract_syntax == StorageCommitmentPushModel
        )
        syntax = context.transfer_syntax[0]
        with self._lock:
            self._message_id = self._message_id % 0xFFFF + 1
            message_id = self._message_id
            self._asked[association, message_id] = transaction.transaction_uid
        report = N_EVENT_REPORT()
        report.MessageID = message_id
        report.AffectedSOPClassUID = StorageCommitmentPushModel
        report.AffectedSOPInstanceUID = StorageCommitmentPushModelInstance
        report.EventTypeID = transaction.event_type
        information = encode(self._event_information(transaction), syntax.is_implicit_VR, syntax.is_little_endian)
        report.EventInformation = io.BytesIO(information or b"")
        self._settle(transaction, None, "")
        association.dimse.send_msg(report, context.context_id or 0)

    def _hear(self, event: evt.Event) -> None:
        if type(event.message).__name__ != "N_EVENT_REPORT_RSP":
            return
        command = event.message.command_set
        with self._lock:
            uid = self._asked.pop((event.assoc, int(command.get("MessageIDBeingRespondedTo", 0))), "")
            if uid in self._transactions:
                self._transactions[uid] = replace(self._transactions[uid], report_status=command.get("Status"))

    def _settle(self, transaction: CommitmentTransaction, status: int | None, error: str) -> None:
        if error:
            _log.info("%s: report of %s failed: %s", self.ae_title, transaction.transaction_uid, error)
        with self._lock:
            before = self._transactions.get(transaction.transaction_uid, transaction)
            self._transactions[transaction.transaction_uid] = replace(
                before,
                failures=transaction.failures,
                event_type=transaction.event_type,
                report_status=status,
                report_error=error,
                reports=before.reports + 1,
            )
