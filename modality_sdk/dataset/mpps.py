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
from modality_sdk.dataset.dictionary import assign, assign_known, build
from modality_sdk.dataset.identity import patient_identification
from modality_sdk.dataset.mapping import local_time
from modality_sdk.dataset.objects import visit
from modality_sdk.dataset.requests import scheduled_step_attributes
from modality_sdk.dataset.sop_classes import reference_sequence
from modality_sdk.errors import MissingAttribute, StateError
from modality_sdk.model import (
    DiscontinuationReason,
    PerformedProcedureStep,
    PerformedSeries,
    StepStatus,
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
    dataset = build(
        ScheduledStepAttributesSequence=scheduled_step_attributes(step),
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
        CommentsOnThePerformedProcedureStep=step.comments,
        PerformedProcedureStepDiscontinuationReasonCodeSequence=None,
        Modality=step.modality,
        StudyID=step.study_id,
        PerformedSeriesSequence=None,
        TimezoneOffsetFromUTC=timezone_offset(step.started),
    )
    dataset.update(patient_identification(step.patient))
    dataset.update(visit(step))
    dataset.update(_what_was_done(step))
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
    # takes a single item: a group of different procedures names none of them here (PS3.3 Table C.4-14)
    codes = step.procedure_codes if len(step.procedure_codes) == 1 else ()
    return build(
        PerformedProcedureStepDescription=step.description,
        PerformedProcedureTypeDescription=step.procedure_type_description,
        ProcedureCodeSequence=code_sequence(codes),
        PerformedProtocolCodeSequence=code_sequence(step.performed_protocol_codes),
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
