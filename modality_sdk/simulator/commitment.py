"""Storage commitment as an archive does it (PS3.4 section J.3): the ways to report, the judgement, the report."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from modality_sdk.model import SopReference
from modality_sdk.simulator.answers import Answer, Status

__all__ = ["Commitment", "CommitmentTransaction", "event_type_of", "read_request", "report_of"]

_ALL_COMMITTED, _FAILURES_EXIST = 1, 2


class Commitment(StrEnum):
    """How an archive delivers its report (PS3.4 J.3.3.1)."""

    NEW_ASSOCIATION = "new association"
    """Opened to the requestor's registered address, with role selection, as Orthanc and dcm4che do."""
    SAME_ASSOCIATION = "same association"
    """On the association of the N-ACTION, right behind its response."""
    BEFORE_RESPONSE = "before the response"
    """On the association of the N-ACTION, ahead of its response."""
    NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class CommitmentTransaction:
    """One accepted request and what became of its report.

    Attributes
    ----------
    transaction_uid
        Transaction UID, (0008,1195).
    calling_ae_title
        Of the requestor, to whom the report goes.
    references
        The objects in question.
    failures
        Failure Reason, (0008,1197), by SOP Instance UID; empty when all are committed. None before the judgement.
    event_type
        1 all committed, 2 failures exist; None before the report is made.
    report_status
        What the requestor answered the N-EVENT-REPORT; None while there is no answer.
    report_error
        Why the report did not get through, in words; empty otherwise.
    reports
        How many times a report was sent.
    """

    transaction_uid: str
    calling_ae_title: str
    references: tuple[SopReference, ...]
    failures: Mapping[str, int] | None = None
    event_type: int | None = None
    report_status: int | None = None
    report_error: str = ""
    reports: int = 0


def read_request(information: Dataset) -> tuple[str, tuple[SopReference, ...]] | Answer:
    """Read the Action Information of a request.

    Parameters
    ----------
    information
        Of the N-ACTION.

    Returns
    -------
    tuple or Answer
        Transaction UID and references, or the refusal: 0115 for a missing, empty or repeated argument.
    """
    transaction_uid = str(information.get("TransactionUID") or "")
    if not transaction_uid or not UID(transaction_uid).is_valid:
        return _invalid(information, "TransactionUID", "Transaction UID is missing or not a UID")
    items = information.get("ReferencedSOPSequence") or ()
    references = tuple(
        SopReference(
            sop_class_uid=str(item.get("ReferencedSOPClassUID") or ""),
            sop_instance_uid=str(item.get("ReferencedSOPInstanceUID") or ""),
        )
        for item in items
    )
    if not references or any(not r.sop_class_uid or not r.sop_instance_uid for r in references):
        return _invalid(
            information, "ReferencedSOPSequence", "Referenced SOP Sequence is empty or has empty references"
        )
    if len({reference.sop_instance_uid for reference in references}) < len(references):
        return _invalid(information, "ReferencedSOPSequence", "an instance is referenced more than once")
    return transaction_uid, references


def _invalid(information: Dataset, keyword: str, rule: str) -> Answer:
    element = information.data_element(keyword) if keyword in information else None
    return Answer(
        status=Status.INVALID_ARGUMENT_VALUE, comment=rule, elements=() if element is None else (element.tag,)
    )


def event_type_of(failures: Mapping[str, int]) -> int:
    """Event Type ID of the report: 1 when all objects are committed, else 2 (PS3.4 Table J.3-2)."""
    return _FAILURES_EXIST if failures else _ALL_COMMITTED


def report_of(
    transaction_uid: str,
    references: tuple[SopReference, ...],
    failures: Mapping[str, int],
    *,
    retrieve_ae_title: str = "",
) -> Dataset:
    """Make the Event Information of a report.

    Parameters
    ----------
    transaction_uid
        Of the request.
    references
        Its objects.
    failures
        Failure Reason by SOP Instance UID; the objects not named are committed.
    retrieve_ae_title
        Where the committed objects can be had; left out when empty.

    Returns
    -------
    Dataset
    """
    committed, failed = Sequence(), Sequence()
    for reference in references:
        item = Dataset()
        item.ReferencedSOPClassUID = reference.sop_class_uid
        item.ReferencedSOPInstanceUID = reference.sop_instance_uid
        if reference.sop_instance_uid in failures:
            item.FailureReason = failures[reference.sop_instance_uid]
            failed.append(item)
        else:
            committed.append(item)
    report = Dataset()
    report.TransactionUID = transaction_uid
    if retrieve_ae_title and committed:
        report.RetrieveAETitle = retrieve_ae_title
    if committed:
        report.ReferencedSOPSequence = committed
    if failed:
        report.FailedSOPSequence = failed
    return report
