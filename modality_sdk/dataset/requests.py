"""What was asked for, as objects and MPPS repeat it: an item for each scheduled step (PS3.3 Tables 10-9 and C.4-13)."""

from pydicom import Dataset

from modality_sdk.dataset.codes import code_sequence
from modality_sdk.dataset.dictionary import assign_known, build
from modality_sdk.dataset.identity import issuer_sequence
from modality_sdk.dataset.protocol_codes import protocol_code_sequence
from modality_sdk.dataset.sop_classes import reference_sequence
from modality_sdk.model import PerformedProcedureStep, WorklistItem

__all__ = ["referenced_requests", "request_attributes", "scheduled_step_attributes"]


def request_attributes(step: PerformedProcedureStep) -> list[Dataset]:
    """The items of the Request Attributes Sequence of an object; none when unscheduled."""
    return [_request(item, step) for item in step.items]


def scheduled_step_attributes(step: PerformedProcedureStep) -> list[Dataset]:
    """The items of the Scheduled Step Attributes Sequence of an N-CREATE; exactly one when unscheduled."""
    return [_scheduled(item, step) for item in step.items] or [_scheduled(None, step)]


def referenced_requests(step: PerformedProcedureStep) -> list[Dataset]:
    """The items of the Referenced Request Sequence of a structured report or note; none when unscheduled."""
    return [_referenced(item, step) for item in step.items]


def _request(item: WorklistItem, step: PerformedProcedureStep) -> Dataset:
    dataset = Dataset()
    assign_known(
        dataset,
        StudyInstanceUID=item.study_instance_uid,
        ReferencedStudySequence=reference_sequence(item.referenced_studies),
        AccessionNumber=item.accession_number or step.accession_number,
        RequestedProcedureID=item.requested_procedure_id,
        RequestedProcedureDescription=item.requested_procedure_description,
        ReasonForTheRequestedProcedure=item.reason_for_requested_procedure,
        ReasonForRequestedProcedureCodeSequence=code_sequence(item.reason_for_requested_procedure_codes),
        ScheduledProcedureStepID=item.scheduled_procedure_step_id,
        ScheduledProcedureStepDescription=item.scheduled_procedure_step_description,
        ScheduledProtocolCodeSequence=protocol_code_sequence(item),
    )
    dataset.update(_order(item))
    return dataset


def _referenced(item: WorklistItem, step: PerformedProcedureStep) -> Dataset:
    # Table C.17-2 names neither scheduled step nor protocol, and more orders than Request Attributes do
    dataset = build(
        StudyInstanceUID=item.study_instance_uid or step.study_instance_uid,
        ReferencedStudySequence=reference_sequence(item.referenced_studies[:1]),
        AccessionNumber=item.accession_number or step.accession_number,
        PlacerOrderNumberImagingServiceRequest=item.placer_order_number,
        FillerOrderNumberImagingServiceRequest=item.filler_order_number,
        RequestedProcedureID=item.requested_procedure_id,
        RequestedProcedureDescription=item.requested_procedure_description,
        RequestedProcedureCodeSequence=None,
    )
    dataset.update(_order(item))
    assign_known(
        dataset,
        OrderPlacerIdentifierSequence=issuer_sequence(item.order_placer_identifier),
        OrderFillerIdentifierSequence=issuer_sequence(item.order_filler_identifier),
        ReasonForTheRequestedProcedure=item.reason_for_requested_procedure,
        ReasonForRequestedProcedureCodeSequence=code_sequence(item.reason_for_requested_procedure_codes),
    )
    return dataset


def _scheduled(item: WorklistItem | None, step: PerformedProcedureStep) -> Dataset:
    # the study is that of the objects, also where items of several studies are grouped (PS3.4 F.7.2.1.2 note 2)
    dataset = build(
        StudyInstanceUID=step.study_instance_uid,
        # a single item only (PS3.3 Table C.4-13)
        ReferencedStudySequence=reference_sequence(item.referenced_studies[:1]) if item else None,
        AccessionNumber=item.accession_number if item and item.accession_number else step.accession_number,
        RequestedProcedureID=item.requested_procedure_id if item else None,
        RequestedProcedureDescription=item.requested_procedure_description if item else None,
        ScheduledProcedureStepID=item.scheduled_procedure_step_id if item else None,
        ScheduledProcedureStepDescription=item.scheduled_procedure_step_description if item else None,
        ScheduledProtocolCodeSequence=protocol_code_sequence(item) if item else None,
    )
    if item:
        dataset.update(_order(item))
        assign_known(
            dataset,
            PlacerOrderNumberImagingServiceRequest=item.placer_order_number,
            OrderPlacerIdentifierSequence=issuer_sequence(item.order_placer_identifier),
            FillerOrderNumberImagingServiceRequest=item.filler_order_number,
            OrderFillerIdentifierSequence=issuer_sequence(item.order_filler_identifier),
        )
    return dataset


def _order(item: WorklistItem) -> Dataset:
    dataset = Dataset()
    assign_known(
        dataset,
        IssuerOfAccessionNumberSequence=issuer_sequence(item.issuer_of_accession_number)
        if item.accession_number
        else None,
        # takes a single item, here and in the worklist
        RequestedProcedureCodeSequence=code_sequence(item.requested_procedure_codes[:1]),
    )
    return dataset
