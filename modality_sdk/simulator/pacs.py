"""The archive: storage and storage commitment (PS3.4 Annexes B and J)."""

import io
import logging
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
    StudyRootQueryRetrieveInformationModelFind,
)

from modality_sdk.model import SopReference
from modality_sdk.simulator.answers import Answer, Status
from modality_sdk.simulator.commitment import (
    Commitment,
    CommitmentTransaction,
    read_request,
)
from modality_sdk.simulator.reporting import CommitmentReporter
from modality_sdk.simulator.scp import calling_ae_title
from modality_sdk.simulator.storage import StoredObject, judge_object, part10
from modality_sdk.simulator.study_root import search

__all__ = ["Pacs"]

_log = logging.getLogger("modality_sdk.simulator")

_ACTION_TYPE = 1
_ASSOCIATE_S = 5.0


class Pacs(CommitmentReporter):
    """Archive: Verification, Storage of every class, Storage Commitment, Study Root queries at one port.

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
        super().__init__(ae_title=ae_title, host=host, port=port, commitment=commitment, report_delay=report_delay)
        self.abort_unknown = abort_unknown
        self._transfer_syntaxes = [UID(uid) for uid in transfer_syntaxes]
        self._in_memory = in_memory
        self._store_dir, self._owns_store = store_dir, False
        self._stored: dict[str, StoredObject] = {}

    # what has happened ------------------------------------------------------------------------------------

    @property
    def stored(self) -> dict[str, StoredObject]:
        """The objects by SOP Instance UID."""
        with self._lock:
            return dict(self._stored)

    def forget(self, sop_instance_uid: str) -> None:
        """Lose an object, so that it is not committed any more."""
        with self._lock:
            lost = self._stored.pop(sop_instance_uid, None)
        if lost is not None and lost.path is not None:
            lost.path.unlink(missing_ok=True)

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
        ae.add_supported_context(StudyRootQueryRetrieveInformationModelFind)

    def _handlers(self) -> list[Any]:
        return [
            *super()._handlers(),
            (evt.EVT_C_FIND, self._find),
            (evt.EVT_C_STORE, lambda event: self._serve("C-STORE", event, self._store)[0]),
            (evt.EVT_N_ACTION, lambda event: self._serve("N-ACTION", event, self._commit)),
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

    # query ------------------------------------------------------------------------------------------------

    def _find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        return self._list(event, lambda keys: search(keys, self._headers(), retrieve_ae_title=self.ae_title))

    def _headers(self) -> list[Dataset]:
        return [stored.dataset(pixels=False) for stored in self.stored.values()]

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
