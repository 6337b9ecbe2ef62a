"""Services without a network: a whole exam runs on them in one process, in milliseconds.

Give them to `Modality` in `Services`. They keep what they were told, and answer what they were asked to answer.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from pydicom import Dataset

from modality_sdk.dataset import worklist_changes
from modality_sdk.errors import DimseFailure, ModalityError, NegotiationError
from modality_sdk.model import (
    CancelToken,
    CommitmentReport,
    EchoResult,
    FailedReference,
    MppsResult,
    Peer,
    Rendition,
    SopReference,
    StepStatus,
    StoreResult,
    WorklistChange,
    WorklistItem,
    WorklistQuery,
    WorklistResult,
)
from modality_sdk.scu import RetrievedStep
from modality_sdk.status import verdict

__all__ = ["FakeCommitment", "FakeMpps", "FakeStorage", "FakeVerification", "FakeWorklist"]

_SUCCESS, _DUPLICATE, _UNKNOWN = 0x0000, 0x0111, 0x0112


@dataclass
class _Answers:
    """What the next calls meet with: an error to raise or a status to answer; success when nothing is left."""

    answers: deque[ModalityError | int] = field(default_factory=deque)

    def next_status(self) -> int:
        answer = self.answers.popleft() if self.answers else _SUCCESS
        if isinstance(answer, ModalityError):
            raise answer
        return answer


@dataclass
class FakeVerification(_Answers):
    """Answers every echo, unless told otherwise.

    Attributes
    ----------
    answers
        Errors and statuses for the next calls, in order.
    asked
        Names of the peers that were asked.
    """

    asked: list[str] = field(default_factory=list)

    def echo(self, peer: Peer, *, timeout: float | None = None, cancel: CancelToken | None = None) -> EchoResult:
        """As `modality_sdk.scu.Verification.echo`."""
        del timeout, cancel
        self.asked.append(peer.name)
        return EchoResult(ae_title=peer.ae_title, status=self.next_status(), association_seconds=0.0, echo_seconds=0.0)


@dataclass
class FakeWorklist(_Answers):
    """Gives all its items to every query.

    Attributes
    ----------
    items
        The worklist.
    """

    items: list[WorklistItem] = field(default_factory=list)

    def query(
        self,
        query: WorklistQuery | None = None,
        *,
        peer: Peer | None = None,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> WorklistResult:
        """As `modality_sdk.scu.Worklist.query`, without matching."""
        del query, peer, timeout, cancel
        if (status := self.next_status()) != _SUCCESS:
            raise DimseFailure("C-FIND", status)
        return WorklistResult(items=tuple(self.items))

    def today(self, *, timeout: float | None = None, cancel: CancelToken | None = None) -> WorklistResult:
        """As `modality_sdk.scu.Worklist.today`."""
        return self.query(timeout=timeout, cancel=cancel)

    def refresh(
        self,
        item: WorklistItem,
        *,
        peer: Peer | None = None,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> tuple[WorklistItem | None, tuple[WorklistChange, ...]]:
        """As `modality_sdk.scu.Worklist.refresh`."""
        for found in self.query(peer=peer, timeout=timeout, cancel=cancel):
            if found.scheduled_procedure_step_id == item.scheduled_procedure_step_id:
                return found, worklist_changes(item, found)
        return None, ()


@dataclass
class FakeMpps(_Answers):
    """Keeps the messages of every step; answers 0111 to a second N-CREATE and 0112 to an N-SET without one.

    Attributes
    ----------
    messages
        MPPS SOP Instance UID -> the data sets in the order in which they came.
    retrievable
        Whether a step can be read back.
    """

    messages: dict[str, list[Dataset]] = field(default_factory=dict)
    retrievable: bool = False

    def create(
        self,
        sop_instance_uid: str,
        attributes: Dataset,
        *,
        peer: Peer,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> MppsResult:
        """As `modality_sdk.scu.Mpps.create`."""
        del peer, timeout, cancel
        status = self.next_status() or (_DUPLICATE if sop_instance_uid in self.messages else _SUCCESS)
        self._judge("N-CREATE", status)
        self.messages[sop_instance_uid] = [attributes]
        return MppsResult(sop_instance_uid=sop_instance_uid, status=status)

    def set(
        self,
        sop_instance_uid: str,
        attributes: Dataset,
        *,
        peer: Peer,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> MppsResult:
        """As `modality_sdk.scu.Mpps.set`."""
        del peer, timeout, cancel
        status = self.next_status() or (_SUCCESS if sop_instance_uid in self.messages else _UNKNOWN)
        self._judge("N-SET", status)
        self.messages[sop_instance_uid].append(attributes)
        return MppsResult(sop_instance_uid=sop_instance_uid, status=status)

    def get(
        self, sop_instance_uid: str, *, peer: Peer, timeout: float | None = None, cancel: CancelToken | None = None
    ) -> RetrievedStep:
        """As `modality_sdk.scu.Mpps.get`, by default as a peer that does not offer it."""
        del timeout, cancel
        if not self.retrievable:
            raise NegotiationError(f"{peer.ae_title} offers no read-back")
        if sop_instance_uid not in self.messages:
            raise DimseFailure("N-GET", _UNKNOWN)
        current = Dataset()
        for message in self.messages[sop_instance_uid]:
            current.update(message)
        status = StepStatus(current.PerformedProcedureStepStatus)
        return RetrievedStep(sop_instance_uid=sop_instance_uid, status=status, attributes=current)

    @staticmethod
    def _judge(service: str, status: int) -> None:
        if verdict(service, status).category == "failure":
            raise DimseFailure(service, status)


@dataclass
class FakeStorage(_Answers):
    """Keeps the bytes of every object.

    Attributes
    ----------
    stored
        (peer name, SOP Instance UID) -> encoded data set.
    received
        Every object received, in order, repetitions included.
    """

    stored: dict[tuple[str, str], bytes] = field(default_factory=dict)
    received: list[tuple[str, SopReference]] = field(default_factory=list)

    def store(
        self,
        peer: Peer,
        renditions: Iterable[Rendition],
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        progress: Callable[[StoreResult], None] | None = None,
    ) -> Sequence[StoreResult]:
        """As `modality_sdk.scu.Storage.store`."""
        del timeout, cancel
        results = []
        for rendition in renditions:
            status = self.next_status()
            found = verdict("C-STORE", status)
            result = StoreResult(
                sop=rendition.sop,
                status=status,
                category=found.category,
                action=found.action,
                meaning=found.meaning,
                transfer_syntax_uid=rendition.transfer_syntax_uid,
            )
            self.received.append((peer.name, rendition.sop))
            if result.stored:
                with rendition.open() as stream:
                    self.stored[peer.name, rendition.sop.sop_instance_uid] = stream.read()
            results.append(result)
            if progress is not None:
                progress(result)
        return results


@dataclass
class FakeCommitment(_Answers):
    """Keeps the requests, and reports on each at once when told to whom.

    Attributes
    ----------
    report_to
        Called with the report while the request is still under way; `Modality.apply_commitment_report`.
        None: nobody ever reports.
    missing
        Objects to report as failed with 0112, no such object instance; each once.
    failing
        Failure Reasons, (0008,1197), for the next reports on an object, in order; committed when none is left.
    requests
        (peer name, transaction UID, references) in order.
    """

    report_to: Callable[[CommitmentReport], object] | None = None
    missing: set[SopReference] = field(default_factory=set)
    failing: dict[SopReference, deque[int]] = field(default_factory=dict)
    requests: list[tuple[str, str, tuple[SopReference, ...]]] = field(default_factory=list)

    def request(
        self,
        peer: Peer,
        transaction_uid: str,
        references: Sequence[SopReference],
        *,
        linger: float = 0.0,
        reported: Callable[[], bool] | None = None,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        """As `modality_sdk.scu.Commitment.request`, without lingering."""
        del linger, reported, timeout, cancel
        self.requests.append((peer.name, transaction_uid, tuple(references)))
        if (status := self.next_status()) != _SUCCESS:
            raise DimseFailure("N-ACTION", status)
        if self.report_to is not None:
            failed = dict.fromkeys(self.missing & set(references), _UNKNOWN)
            self.missing -= failed.keys()
            failed |= {sop: self.failing[sop].popleft() for sop in references if self.failing.get(sop)}
            self.report_to(
                CommitmentReport(
                    transaction_uid=transaction_uid,
                    committed=tuple(r for r in references if r not in failed),
                    failed=tuple(FailedReference(sop=sop, failure_reason=failed[sop]) for sop in sorted(failed)),
                    calling_ae_title=peer.ae_title,
                )
            )
