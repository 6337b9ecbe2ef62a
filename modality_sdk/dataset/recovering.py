"""Back from an object to the step that it was made in: the inverse of the mapping, for a journal that was lost.

What objects do not carry stays unknown: the performed station's AE title and location are given, order numbers and
whatever of the worklist only the console showed are gone. Everything that is there becomes a value from which
`object_attributes` makes the same attributes again.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
from typing import Any

from pydicom import Dataset

from modality_sdk.dataset.character_sets import UNICODE
from modality_sdk.dataset.codes import read_codes
from modality_sdk.dataset.identity import read_issuer, read_person
from modality_sdk.dataset.mapping import offset_from_utc
from modality_sdk.dataset.protocol_codes import read_protocol_codes
from modality_sdk.dataset.reading import Reader
from modality_sdk.dataset.sop_classes import MODALITY_PERFORMED_PROCEDURE_STEP
from modality_sdk.dataset.worklist import read_patient
from modality_sdk.errors import InvalidValue
from modality_sdk.model import (
    Acquisition,
    Equipment,
    Exposure,
    IrradiationEvent,
    Patient,
    PerformedProcedureStep,
    PerformedSeries,
    PresentationIntent,
    SopReference,
    StepStatus,
    WorklistItem,
)

__all__ = ["RecoveredObject", "recover_object"]


@dataclass(frozen=True, kw_only=True)
class RecoveredObject:
    """One object and where it belongs.

    Attributes
    ----------
    step
        IN PROGRESS: an object does not tell whether its step was ended.
    acquired
        Aware time of the acquisition; the start of the step where the object has none.
    irradiation_event
        None where the object names none.
    """

    sop: SopReference
    step: PerformedProcedureStep
    series: PerformedSeries
    instance_number: int
    acquired: datetime
    irradiation_event: IrradiationEvent | None


def recover_object(
    dataset: Dataset, *, performed_station_ae_title: str, performed_station_name: str = ""
) -> RecoveredObject:
    """Read the step, the series and the exposure that an object of ours was made in.

    Parameters
    ----------
    dataset
        The object; its pixels are not needed.
    performed_station_ae_title, performed_station_name
        Ours, which no object carries; Station Name of the object where it has one.

    Raises
    ------
    InvalidValue
        When the object does not say which step, study, series or patient it belongs to; names the attribute.
    """
    reader = Reader(dataset, report=lambda _keyword, _rule: None)
    sop = SopReference(
        sop_class_uid=_needed_uid(reader, "SOPClassUID"), sop_instance_uid=_needed_uid(reader, "SOPInstanceUID")
    )
    series = _series(reader)
    step = _step(reader, series, performed_station_ae_title, performed_station_name)
    acquired = _moment(reader, "AcquisitionDate", "AcquisitionTime", step.started.tzinfo) or step.started
    return RecoveredObject(
        sop=sop,
        step=step,
        series=series,
        instance_number=reader.integer("InstanceNumber") or 1,
        acquired=acquired,
        irradiation_event=_irradiation_event(reader, sop, acquired),
    )


def _step(reader: Reader, series: PerformedSeries, ae_title: str, station_name: str) -> PerformedProcedureStep:
    started = _started(reader)
    study_date, study_time = reader.date("StudyDate"), reader.time("StudyTime")
    step_id = reader.text("PerformedProcedureStepID")
    if not step_id:
        raise InvalidValue("PerformedProcedureStepID", "is missing: the object names no step (PS3.3 Table 10-16)")
    patient = read_patient(reader)
    equipment = Equipment(
        manufacturer=reader.text("Manufacturer"),
        manufacturer_model_name=reader.text("ManufacturerModelName"),
        device_serial_number=reader.text("DeviceSerialNumber"),
        software_versions=reader.texts("SoftwareVersions"),
        station_name=reader.text("StationName"),
        institution_name=reader.text("InstitutionName"),
    )
    return PerformedProcedureStep(
        sop_instance_uid=_performed_step_uid(reader),
        performed_procedure_step_id=step_id,
        status=StepStatus.IN_PROGRESS,
        patient=patient,
        items=_items(reader, patient, series.modality),
        study_instance_uid=_needed_uid(reader, "StudyInstanceUID"),
        study_id=reader.text("StudyID"),
        study_date=study_date or started.date(),
        study_time=study_time or started.time(),
        accession_number=reader.text("AccessionNumber"),
        referring_physician_name=reader.text("ReferringPhysicianName"),
        modality=series.modality,
        performed_station_ae_title=ae_title,
        performed_station_name=equipment.station_name or station_name,
        started=started,
        description=reader.text("PerformedProcedureStepDescription"),
        procedure_type_description=reader.text("StudyDescription"),
        procedure_codes=read_codes(reader, "ProcedureCodeSequence"),
        performed_protocol_codes=read_codes(reader, "PerformedProtocolCodeSequence"),
        protocol_name=series.protocol_name,
        comments=reader.text("CommentsOnThePerformedProcedureStep"),
        operators=series.operators,
        performing_physicians=series.performing_physicians,
        equipment=equipment,
        specific_character_set=reader.character_set or UNICODE,
    )


def _items(reader: Reader, patient: Patient, modality: str) -> tuple[WorklistItem, ...]:
    """The scheduled steps; what objects say once for all of them, each of them says."""
    shared: dict[str, Any] = {
        "patient": patient,
        "modality": modality,
        "referring_physician_name": reader.text("ReferringPhysicianName"),
        "referring_physician_identification": read_person(reader, "ReferringPhysicianIdentificationSequence"),
        "requesting_service": reader.text("RequestingService"),
        "admission_id": reader.text("AdmissionID"),
        "issuer_of_admission_id": read_issuer(reader, "IssuerOfAdmissionIDSequence"),
        "service_episode_id": reader.text("ServiceEpisodeID"),
        "issuer_of_service_episode_id": read_issuer(reader, "IssuerOfServiceEpisodeIDSequence"),
        "admitting_diagnoses_descriptions": reader.texts("AdmittingDiagnosesDescription"),
        "admitting_diagnoses_codes": read_codes(reader, "AdmittingDiagnosesCodeSequence"),
        "specific_character_set": reader.character_set,
    }
    study = _needed_uid(reader, "StudyInstanceUID")
    return tuple(_item(request, study, shared) for request in reader.items("RequestAttributesSequence"))


def _item(request: Reader, study: str, shared: dict[str, Any]) -> WorklistItem:
    codes, contexts = read_protocol_codes(request, "ScheduledProtocolCodeSequence")
    return WorklistItem(
        study_instance_uid=request.uid("StudyInstanceUID") or study,
        referenced_studies=request.references("ReferencedStudySequence"),
        accession_number=request.text("AccessionNumber"),
        issuer_of_accession_number=read_issuer(request, "IssuerOfAccessionNumberSequence"),
        requested_procedure_id=request.text("RequestedProcedureID"),
        requested_procedure_description=request.text("RequestedProcedureDescription"),
        requested_procedure_codes=read_codes(request, "RequestedProcedureCodeSequence"),
        reason_for_requested_procedure=request.text("ReasonForTheRequestedProcedure"),
        reason_for_requested_procedure_codes=read_codes(request, "ReasonForRequestedProcedureCodeSequence"),
        scheduled_procedure_step_id=request.text("ScheduledProcedureStepID"),
        scheduled_procedure_step_description=request.text("ScheduledProcedureStepDescription"),
        scheduled_protocol_codes=codes,
        scheduled_protocol_contexts=contexts,
        **shared,
    )


def _series(reader: Reader) -> PerformedSeries:
    modality = reader.text("Modality")
    if not modality:
        raise InvalidValue("Modality", "is missing (PS3.3 C.7.3.1)")
    intent = None
    with suppress(ValueError):
        intent = PresentationIntent(reader.text("PresentationIntentType"))
    if modality == "CR":
        intent = PresentationIntent.FOR_PRESENTATION  # the IOD has no attribute for it
    return PerformedSeries(
        series_instance_uid=_needed_uid(reader, "SeriesInstanceUID"),
        series_number=reader.integer("SeriesNumber") or 1,
        modality=modality,
        presentation_intent=intent,
        # Type 1 in the Performed Series Sequence (PS3.4 Table F.7.2-1)
        protocol_name=reader.text("ProtocolName") or modality,
        description=reader.text("SeriesDescription"),
        operators=reader.texts("OperatorsName"),
        performing_physicians=reader.texts("PerformingPhysicianName"),
        body_part=reader.text("BodyPartExamined"),
        laterality=reader.text("Laterality"),
    )


def _irradiation_event(reader: Reader, sop: SopReference, acquired: datetime) -> IrradiationEvent | None:
    uid = reader.uid("IrradiationEventUID")
    if not uid:
        return None
    acquisition = Acquisition(
        body_part=reader.text("BodyPartExamined"),
        view=reader.text("ViewPosition"),
        laterality=reader.text("ImageLaterality"),
        exposure=_exposure(reader),
        protocol_name=reader.text("ProtocolName"),
        acquired_at=acquired,
    )
    return IrradiationEvent(uid=uid, started=acquired, acquisition=acquisition, image=sop)


# field of `Exposure`, attribute, and the attribute's units in one of the field's
_EXPOSURE = (
    ("kvp", "KVP", 1),
    ("mas", "ExposureInuAs", 1000),
    ("tube_current", "XRayTubeCurrentInuA", 1000),
    ("exposure_time", "ExposureTimeInuS", 1000),
    ("distance_source_to_detector", "DistanceSourceToDetector", 1),
    ("distance_source_to_patient", "DistanceSourceToPatient", 1),
    ("dose_area_product", "ImageAndFluoroscopyAreaDoseProduct", 1),
    ("exposure_index", "ExposureIndex", 1),
    ("target_exposure_index", "TargetExposureIndex", 1),
    ("deviation_index", "DeviationIndex", 1),
    ("focal_spot", "FocalSpots", 1),
    ("filter_thickness", "FilterThicknessMinimum", 1),
)


def _exposure(reader: Reader) -> Exposure:
    values: dict[str, Any] = {}
    for field, keyword, units in _EXPOSURE:
        found = _numbers(reader, keyword)
        if found:
            values[field] = found[0] / units
    area = _numbers(reader, "ExposedArea")
    if len(area) == 2:
        values |= {"field_height": area[0] * 10, "field_width": area[1] * 10}  # cm to mm
    return Exposure(filter_material=reader.text("FilterMaterial"), grid=reader.texts("Grid"), **values)


def _numbers(reader: Reader, keyword: str) -> Sequence[float]:
    try:
        return [float(text) for text in reader.texts(keyword, "DS")]
    except ValueError:
        return []


def _performed_step_uid(reader: Reader) -> str:
    keyword = "ReferencedPerformedProcedureStepSequence"
    found = [
        sop.sop_instance_uid
        for sop in reader.references(keyword)
        if sop.sop_class_uid == MODALITY_PERFORMED_PROCEDURE_STEP
    ]
    if not found:
        raise InvalidValue(keyword, "is missing: the object names no performed step (PS3.3 C.7.3.1)")
    return found[0]


def _started(reader: Reader) -> datetime:
    zone = timezone(offset_from_utc(reader.text("TimezoneOffsetFromUTC")))
    keyword = "PerformedProcedureStepStartDate"
    started = _moment(reader, keyword, "PerformedProcedureStepStartTime", zone)
    if started is None:
        raise InvalidValue(keyword, "is missing: the object does not say when its step began (PS3.3 Table 10-16)")
    return started


def _moment(reader: Reader, date_keyword: str, time_keyword: str, zone: tzinfo | None) -> datetime | None:
    """Date and time in the zone that the object states; None where one is missing."""
    day, moment = reader.date(date_keyword), reader.time(time_keyword)
    return None if day is None or moment is None else datetime.combine(day, moment, zone)


def _needed_uid(reader: Reader, keyword: str) -> str:
    uid = reader.uid(keyword)
    if not uid:
        raise InvalidValue(keyword, "is missing or no UID (PS3.5 section 9.1)")
    return uid
