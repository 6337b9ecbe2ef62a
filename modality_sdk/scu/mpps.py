"""Modality Performed Procedure Step (PS3.4 Annex F)."""

import logging
from copy import deepcopy

from pydicom import Dataset, config
from pydicom.uid import UID

from modality_sdk.dataset.reading import Reader, refuse
from modality_sdk.dataset.sop_classes import (
    MODALITY_PERFORMED_PROCEDURE_STEP,
    MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE,
)
from modality_sdk.errors import InvalidValue, MissingAttribute
from modality_sdk.model import CancelToken, MppsResult, Peer, SopReference, StepStatus
from modality_sdk.network import Network, Response
from modality_sdk.scu.call import Deadline, proposal
from modality_sdk.scu.protocols import RetrievedStep

__all__ = ["MppsScu"]

_log = logging.getLogger("modality_sdk.scu")

_TABLE = "(PS3.4 Table F.7.2-1)"
_STATUSES = (StepStatus.IN_PROGRESS, StepStatus.COMPLETED, StepStatus.DISCONTINUED)
_STATUS_RULE = "is IN PROGRESS, COMPLETED or DISCONTINUED (PS3.3 C.4.14)"

_CREATE_TYPE_1 = (
    "ScheduledStepAttributesSequence",
    "PerformedProcedureStepID",
    "PerformedStationAETitle",
    "PerformedProcedureStepStartDate",
    "PerformedProcedureStepStartTime",
    "PerformedProcedureStepStatus",
    "Modality",
)
_FINAL_TYPE_1 = ("PerformedProcedureStepEndDate", "PerformedProcedureStepEndTime", "PerformedSeriesSequence")
# identity stands in the command set and in the Scheduled Step Attributes Sequence
_NEVER = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID")
_NOT_IN_SET = (
    *_NEVER,
    "ScheduledStepAttributesSequence",
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "ReferencedPatientSequence",
    "PerformedProcedureStepID",
    "PerformedStationAETitle",
    "PerformedStationName",
    "PerformedLocation",
    "PerformedProcedureStepStartDate",
    "PerformedProcedureStepStartTime",
    "Modality",
    "StudyID",
)


class MppsScu:
    """Sends N-CREATE, N-SET and N-GET of performed procedure steps.

    Parameters
    ----------
    network
        Opens the associations.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    def create(
        self,
        sop_instance_uid: str,
        attributes: Dataset,
        *,
        peer: Peer,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> MppsResult:
        """Create the step at ``peer``.

        Parameters
        ----------
        sop_instance_uid
            Of the step; the images refer to it.
        attributes
            After Table F.7.2-1, with the status IN PROGRESS.
        peer
            Who is told.
        timeout
            Seconds for the whole call; the peer's `Timeouts` when None.
        cancel
            Ends the call early.

        Returns
        -------
        MppsResult
            With the attributes that the peer ignored or changed (statuses 0107 and 0116).

        Raises
        ------
        MissingAttribute, InvalidValue
            When the message is plainly illegal; nothing was sent.
        DimseFailure
            When the peer refuses; ``offending_elements`` names the attributes.
        TransportError, NegotiationError, Cancelled
            When no answer can be had.
        """
        _check_uid(sop_instance_uid)
        _check_present(attributes, _CREATE_TYPE_1)
        _check_absent(attributes, _NEVER)
        if attributes.PerformedProcedureStepStatus != StepStatus.IN_PROGRESS:
            raise InvalidValue("PerformedProcedureStepStatus", "must be IN PROGRESS in an N-CREATE (PS3.4 F.7.2.1.2)")
        if peer.quirks.accession_required:
            _check_accession(attributes, peer)
        sop, deadline = _reference(sop_instance_uid), Deadline(timeout, cancel)
        with self._network.lease(
            peer, [proposal(MODALITY_PERFORMED_PROCEDURE_STEP)], timeout=deadline.remaining(), cancel=cancel
        ) as association:
            response = association.n_create(sop, attributes, timeout=deadline.remaining(), cancel=cancel)
        return _result(sop_instance_uid, response, peer)

    def set(
        self,
        sop_instance_uid: str,
        attributes: Dataset,
        *,
        peer: Peer,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> MppsResult:
        """Change or finish the step at ``peer``.

        Parameters
        ----------
        sop_instance_uid
            Of the step, created before.
        attributes
            Those to replace, after Table F.7.2-1; a sequence is replaced as a whole.
        peer, timeout, cancel
            As of `create`.

        Returns
        -------
        MppsResult
            As of `create`.

        Raises
        ------
        MissingAttribute, InvalidValue, DimseFailure, TransportError, NegotiationError, Cancelled
            As of `create`.
        """
        _check_uid(sop_instance_uid)
        _check_absent(attributes, _NOT_IN_SET)
        status = attributes.get("PerformedProcedureStepStatus")
        if status is not None:
            if status not in _STATUSES:
                raise InvalidValue("PerformedProcedureStepStatus", _STATUS_RULE)
            if StepStatus(status).is_final:
                _check_present(attributes, _FINAL_TYPE_1)
        if peer.quirks.retrieve_ae_title:
            attributes = _with_retrieve_ae_title(attributes, peer.quirks.retrieve_ae_title)
        sop, deadline = _reference(sop_instance_uid), Deadline(timeout, cancel)
        with self._network.lease(
            peer, [proposal(MODALITY_PERFORMED_PROCEDURE_STEP)], timeout=deadline.remaining(), cancel=cancel
        ) as association:
            response = association.n_set(sop, attributes, timeout=deadline.remaining(), cancel=cancel)
        return _result(sop_instance_uid, response, peer)

    def get(
        self, sop_instance_uid: str, *, peer: Peer, timeout: float | None = None, cancel: CancelToken | None = None
    ) -> RetrievedStep:
        """Read the step as ``peer`` holds it, by the Retrieve SOP class (PS3.4 section F.8).

        Parameters
        ----------
        sop_instance_uid
            Of the step.
        peer, timeout, cancel
            As of `create`.

        Returns
        -------
        RetrievedStep

        Raises
        ------
        InvalidValue
            When ``sop_instance_uid`` is no UID, or the answer holds no legal status.
        MissingAttribute
            When the answer holds no status.
        NegotiationError
            When the peer does not offer the class.
        DimseFailure
            When the peer refuses: 0112 for a step that it does not know.
        TransportError, Cancelled
            When no answer can be had.
        """
        _check_uid(sop_instance_uid)
        sop = SopReference(
            sop_class_uid=str(MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE), sop_instance_uid=sop_instance_uid
        )
        deadline = Deadline(timeout, cancel)
        with self._network.lease(
            peer, [proposal(MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE)], timeout=deadline.remaining(), cancel=cancel
        ) as association:
            response = association.n_get(sop, timeout=deadline.remaining(), cancel=cancel)
        response.raise_for_failure()
        attributes = response.dataset or Dataset()
        return RetrievedStep(sop_instance_uid=sop_instance_uid, status=_status(attributes), attributes=attributes)


def _status(attributes: Dataset) -> StepStatus:
    value = Reader(attributes, report=refuse).text("PerformedProcedureStepStatus")
    if not value:
        raise MissingAttribute("PerformedProcedureStepStatus", f"must have a value {_TABLE}")
    if value not in _STATUSES:
        raise InvalidValue("PerformedProcedureStepStatus", _STATUS_RULE)
    return StepStatus(value)


def _reference(sop_instance_uid: str) -> SopReference:
    return SopReference(sop_class_uid=str(MODALITY_PERFORMED_PROCEDURE_STEP), sop_instance_uid=sop_instance_uid)


def _check_accession(attributes: Dataset, peer: Peer) -> None:
    """For a peer that takes no step without the number; it is never made up."""
    if not all(item.get("AccessionNumber") for item in attributes.ScheduledStepAttributesSequence):
        rule = f"{peer.ae_title} takes no step without it (quirks.accession_required)"
        raise MissingAttribute("AccessionNumber", rule)


def _with_retrieve_ae_title(attributes: Dataset, ae_title: str) -> Dataset:
    """A copy of the message with Retrieve AE Title, (0008,0054), in every series that names none."""
    changed = deepcopy(attributes)
    for series in changed.get("PerformedSeriesSequence", ()):
        if not series.get("RetrieveAETitle"):
            series.RetrieveAETitle = ae_title
    return changed


def _check_uid(sop_instance_uid: str) -> None:
    if not UID(sop_instance_uid, validation_mode=config.IGNORE).is_valid:
        raise InvalidValue("SOPInstanceUID", "is no UID (PS3.5 section 9.1)")


def _check_present(attributes: Dataset, keywords: tuple[str, ...]) -> None:
    for keyword in keywords:
        value = attributes.get(keyword)
        if value is None or len(str(value)) == 0 or (keyword.endswith("Sequence") and not len(value)):
            raise MissingAttribute(keyword, f"must have a value {_TABLE}")


def _check_absent(attributes: Dataset, keywords: tuple[str, ...]) -> None:
    for keyword in keywords:
        if keyword in attributes:
            raise InvalidValue(keyword, f"is not allowed in this message {_TABLE}")


def _result(sop_instance_uid: str, response: Response, peer: Peer) -> MppsResult:
    response.raise_for_failure()
    if response.offending_elements:
        _log.warning(
            "%s of step %s at %s: status %04X concerns %s",
            response.service,
            sop_instance_uid,
            peer.ae_title,
            response.status,
            ", ".join(response.offending_elements),
        )
    return MppsResult(
        sop_instance_uid=sop_instance_uid, status=response.status, attributes=tuple(response.offending_elements)
    )
