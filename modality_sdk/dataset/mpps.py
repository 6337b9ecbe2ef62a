"""Modality Performed Procedure Step: the data sets of N-CREATE and N-SET (PS3.4 Table F.7.2-1).

Identity of the step and its class stand in the command set, the study in the Scheduled Step Attributes Sequence, so the
data sets hold neither SOP UIDs nor a Study Instance UID of their own. "All other Attributes of the IOD" are 3/3 for
both messages; Timezone Offset From UTC is one of them (SOP Common Module of PS3.3 B.17), so both carry it: the dates
and times of an N-SET are to be understood like those of the N-CREATE.
"""

from collections.abc import Sequence

from pydicom import Dataset

from modality_sdk.clock import timezone_offset
from modality_sdk.dataset.character_sets import confine
from modality_sdk.dataset.codes import code_sequence, discontinuation_code
from modality_sdk.dataset.dictionary import assign, build
from modality_sdk.dataset.mapping import assign_known, issuer_sequence, local_time, patient_identification
from modality_sdk.dataset.sop_classes import reference_sequence
from modality_sdk.errors import MissingAttribute, StateError
from modality_sdk.model import (
    DiscontinuationReason,
    PerformedProcedureStep,
    PerformedSeries,
    StepStatus,
    WorklistItem,
)

__all__ = ["mpps_create", "mpps_set"]

_TABLE = "(PS3.4 Table F.7.2-1)"


def mpps_create(step: PerformedProcedureStep) -> Dataset:
    """The Attribute List of the N-CREATE-RQ.

    Whatever an N-SET may set later is created here, with zero length (PS3.4 F.7.2.1.1 note 5). The status is always IN
    PROGRESS, so that a step that a peer has lost can be created again at any time.

    Returns
    -------
    Dataset

    Raises
    ------
    MissingAttribute, InvalidValue
        A value is missing, or breaks the rules of its attribute.
    """
    for keyword, value in (
        ("PerformedProcedureStepID", step.performed_procedure_step_id),
        ("PerformedStationAETitle", step.performed_station_ae_title),
        ("Modality", step.modality),
        ("StudyInstanceUID", step.study_instance_uid),
    ):
        if not value:
            raise MissingAttribute(keyword, f"is Type 1 {_TABLE}")
    scheduled = [_scheduled_step(item, step) for item in step.items] or [_unscheduled_step(step)]
    dataset = build(
        ScheduledStepAttributesSequence=scheduled,
        ReferencedPatientSequence=reference_sequence(step.patient.referenced_patients),
        PerformedProcedureStepID=step.performed_procedure_step_id,
        PerformedStationAETitle=step.performed_station_ae_title,
        PerformedStationName=step.performed_station_name,
        PerformedLocation=step.performed_location,
        PerformedProcedureStepStartDate=step.started,
        PerformedProcedureStepStartTime=step.started,
        PerformedProcedureStepStatus=StepStatus.IN_PROGRESS.value,
        PerformedProcedureStepEndDate=None,
        PerformedProcedureStepEndTime=None,
        ReasonForPerformedProcedureCodeSequence=None,
        CommentsOnThePerformedProcedureStep=None,
        PerformedProcedureStepDiscontinuationReasonCodeSequence=None,
        Modality=step.modality,
        StudyID=step.study_id,
        PerformedSeriesSequence=None,
        TimezoneOffsetFromUTC=timezone_offset(step.started),
    )
    dataset.update(patient_identification(step))
    dataset.update(_what_was_done(step))
    visits = {(i.admission_id, i.issuer_of_admission_id, i.service_episode_id) for i in step.items}
    if len(visits) == 1:
        admission_id, issuer, service_episode_id = visits.pop()
        assign_known(dataset, AdmissionID=admission_id, ServiceEpisodeID=service_episode_id)
        if admission_id:
            assign_known(dataset, IssuerOfAdmissionIDSequence=issuer_sequence(issuer))
    confine(dataset, step.specific_character_set)
    return dataset


def mpps_set(step: PerformedProcedureStep, series: Sequence[PerformedSeries]) -> Dataset:
    """The Modification List of an N-SET-RQ: the final one, or an interim one while the step is in progress.

    The Performed Series Sequence is whole each time, because an N-SET replaces it (PS3.4 F.7.2.2.2). The character set
    is that of the N-CREATE (F.7.2.2.1); what it lacks becomes ``?``.

    Parameters
    ----------
    step
        COMPLETED or DISCONTINUED with its end, or IN PROGRESS.
    series
        All series of the step with all their objects. A final step has at least one, which may be empty.

    Returns
    -------
    Dataset

    Raises
    ------
    StateError
        The step has not begun.
    MissingAttribute, InvalidValue
        A value is missing, or breaks the rules of its attribute.
    """
    if step.status is StepStatus.DRAFT:
        raise StateError("a step that was not begun has nothing to set (PS3.4 F.7.2.2)")
    dataset = _what_was_done(step)
    assign(dataset, "PerformedProcedureStepStatus", step.status.value)
    assign(dataset, "TimezoneOffsetFromUTC", timezone_offset(step.started))
    assign_known(
        dataset,
        CommentsOnThePerformedProcedureStep=step.comments,
        PerformedSeriesSequence=[_performed_series(one) for one in series],
    )
    if step.status.is_final:
        if step.ended is None:
            raise MissingAttribute("PerformedProcedureStepEndDate", f"is Type 1 in a final state {_TABLE}")
        if not series:
            raise MissingAttribute("PerformedSeriesSequence", f"has an item in a final state, perhaps empty {_TABLE}")
        ended = local_time(step, step.ended)
        assign(dataset, "PerformedProcedureStepEndDate", ended)
        assign(dataset, "PerformedProcedureStepEndTime", ended)
    if step.status is StepStatus.DISCONTINUED:
        reason = discontinuation_code(step.discontinuation_reason or DiscontinuationReason.UNSPECIFIED)
        assign(dataset, "PerformedProcedureStepDiscontinuationReasonCodeSequence", code_sequence([reason]))
    confine(dataset, step.specific_character_set)
    return dataset


def _what_was_done(step: PerformedProcedureStep) -> Dataset:
    return build(
        PerformedProcedureStepDescription=step.description,
        PerformedProcedureTypeDescription=step.procedure_type_description,
        ProcedureCodeSequence=code_sequence(step.procedure_codes),
        PerformedProtocolCodeSequence=code_sequence(step.performed_protocol_codes),
    )


def _scheduled_step(item: WorklistItem, step: PerformedProcedureStep) -> Dataset:
    # the study is that of the objects, also where items of several studies are grouped (PS3.4 F.7.2.1.2 note 2)
    dataset = build(
        StudyInstanceUID=step.study_instance_uid,
        ReferencedStudySequence=reference_sequence(item.referenced_studies),
        AccessionNumber=item.accession_number,
        RequestedProcedureID=item.requested_procedure_id,
        RequestedProcedureDescription=item.requested_procedure_description,
        ScheduledProcedureStepID=item.scheduled_procedure_step_id,
        ScheduledProcedureStepDescription=item.scheduled_procedure_step_description,
        ScheduledProtocolCodeSequence=code_sequence(item.scheduled_protocol_codes),
    )
    assign_known(
        dataset,
        IssuerOfAccessionNumberSequence=issuer_sequence(item.issuer_of_accession_number),
        PlacerOrderNumberImagingServiceRequest=item.placer_order_number,
        FillerOrderNumberImagingServiceRequest=item.filler_order_number,
        RequestedProcedureCodeSequence=code_sequence(item.requested_procedure_codes),
    )
    return dataset


def _unscheduled_step(step: PerformedProcedureStep) -> Dataset:
    """The one item of a step without a schedule (PS3.4 F.7.2.1.2 note 3)."""
    return build(
        StudyInstanceUID=step.study_instance_uid,
        ReferencedStudySequence=None,
        AccessionNumber=step.accession_number,
        RequestedProcedureID=None,
        RequestedProcedureDescription=None,
        ScheduledProcedureStepID=None,
        ScheduledProcedureStepDescription=None,
        ScheduledProtocolCodeSequence=None,
    )


def _performed_series(series: PerformedSeries) -> Dataset:
    for keyword, value in (("ProtocolName", series.protocol_name), ("SeriesInstanceUID", series.series_instance_uid)):
        if not value:
            raise MissingAttribute(keyword, f"is Type 1 in each series {_TABLE}")
    return build(
        PerformingPhysicianName=series.performing_physicians,
        ProtocolName=series.protocol_name,
        OperatorsName=series.operators,
        SeriesInstanceUID=series.series_instance_uid,
        SeriesDescription=series.description,
        RetrieveAETitle=series.retrieve_ae_title,
        ReferencedImageSequence=reference_sequence(series.images),
        ReferencedNonImageCompositeSOPInstanceSequence=reference_sequence(series.non_images),
    )
