"""Storage commitment: the request and the report (PS3.4 sections J.3.2 and J.3.3)."""

from collections.abc import Sequence

from pydicom import Dataset

from modality_sdk.dataset.dictionary import build
from modality_sdk.dataset.reading import Reader, refuse
from modality_sdk.dataset.sop_classes import reference_sequence
from modality_sdk.errors import InvalidValue, MissingAttribute
from modality_sdk.model import CommitmentReport, FailedReference, SopReference

__all__ = ["commitment_request", "read_commitment_report"]

_PROCESSING_FAILURE = 0x0110
_EVENT_TYPES = (1, 2)


def commitment_request(transaction_uid: str, references: Sequence[SopReference]) -> Dataset:
    """The Action Information of a storage commitment N-ACTION-RQ (PS3.4 Table J.3-1).

    Parameters
    ----------
    transaction_uid
        New; never used before.
    references
        What is to be committed; each instance is named once.

    Raises
    ------
    MissingAttribute
        No transaction UID, or nothing to commit.
    InvalidValue
        A UID is malformed, or one instance is said to be of two classes.
    """
    if not transaction_uid:
        raise MissingAttribute("TransactionUID", "is Type 1 (PS3.4 Table J.3-1)")
    if not references:
        raise MissingAttribute("ReferencedSOPSequence", "names at least one instance (PS3.4 Table J.3-1)")
    once = list(dict.fromkeys(references))
    if len({sop.sop_instance_uid for sop in once}) < len(once):
        raise InvalidValue("ReferencedSOPSequence", "names one instance with two SOP classes (PS3.4 J.3.2.1.1)")
    return build(TransactionUID=transaction_uid, ReferencedSOPSequence=reference_sequence(once))


def read_commitment_report(
    information: Dataset, event_type: int, *, calling_ae_title: str = "", called_ae_title: str = ""
) -> CommitmentReport:
    """Read the Event Information of a storage commitment N-EVENT-REPORT (PS3.4 Table J.3-2).

    The event type decides nothing: both lists are read whichever it is, and an instance in both has failed. Whether the
    lists together are what was requested is for the caller to see.

    Parameters
    ----------
    information
        As received.
    event_type
        1 all committed, 2 failures exist.
    calling_ae_title, called_ae_title
        Of the association on which it came.

    Returns
    -------
    CommitmentReport
        A failed instance without a readable reason has 0110, processing failure.

    Raises
    ------
    MissingAttribute
        No transaction UID, or not a single reference.
    InvalidValue
        Another event type, or a malformed attribute.
    """
    if event_type not in _EVENT_TYPES:
        raise InvalidValue("EventTypeID", "is 1 or 2 (PS3.4 J.3.3)")
    reader = Reader(information, report=refuse)
    transaction_uid = reader.uid("TransactionUID")
    if not transaction_uid:
        raise MissingAttribute("TransactionUID", "is Type 1 (PS3.4 Table J.3-2)")
    failed = dict(map(_read_failed, reader.items("FailedSOPSequence")))
    instances = {sop.sop_instance_uid for sop in failed}
    referenced = map(_read_reference, reader.items("ReferencedSOPSequence"))
    committed = [sop for sop in dict.fromkeys(referenced) if sop.sop_instance_uid not in instances]
    if not committed and not failed:
        raise MissingAttribute("ReferencedSOPSequence", "a report names at least one instance (PS3.4 Table J.3-2)")
    return CommitmentReport(
        transaction_uid=transaction_uid,
        committed=tuple(committed),
        failed=tuple(FailedReference(sop=sop, failure_reason=reason) for sop, reason in failed.items()),
        calling_ae_title=calling_ae_title,
        called_ae_title=called_ae_title,
    )


def _read_reference(item: Reader) -> SopReference:
    sop = SopReference(
        sop_class_uid=item.uid("ReferencedSOPClassUID"), sop_instance_uid=item.uid("ReferencedSOPInstanceUID")
    )
    if not sop.sop_class_uid or not sop.sop_instance_uid:
        raise MissingAttribute("ReferencedSOPInstanceUID", "class and instance are Type 1 (PS3.4 Table J.3-2)")
    return sop


def _read_failed(item: Reader) -> tuple[SopReference, int]:
    try:
        reason = item.integer("FailureReason")
    except InvalidValue:
        reason = None
    return _read_reference(item), reason if reason and reason <= 0xFFFF else _PROCESSING_FAILURE
