"""What the objects of a step have in common: their modules as far as patient, order, step and device fill them."""

from collections.abc import Iterable
from datetime import date
from typing import TypeVar

from pydicom import Dataset

from modality_sdk.clock import timezone_offset
from modality_sdk.dataset.character_sets import declare, ensure_encodable
from modality_sdk.dataset.codes import code_sequence
from modality_sdk.dataset.dictionary import assign, assign_known, build
from modality_sdk.dataset.identity import issuer_sequence, patient_identification, person_sequence
from modality_sdk.dataset.requests import request_attributes
from modality_sdk.dataset.sop_classes import MODALITY_PERFORMED_PROCEDURE_STEP, reference_sequence
from modality_sdk.errors import MissingAttribute
from modality_sdk.model import Equipment, Issuer, PerformedProcedureStep, PerformedSeries, SopReference

__all__ = ["common", "distinct", "object_attributes", "step_attributes", "visit"]

_T = TypeVar("_T")

_HAS_IMAGE_LATERALITY = frozenset({"DX", "IO", "MG", "PX"})


def object_attributes(step: PerformedProcedureStep, series: PerformedSeries) -> Dataset:
    """What all composite objects of one series of a step share.

    The modules Patient, Patient Study, General Study, General Series, General Equipment (Enhanced, where all its values
    are known), the Request Attributes of each scheduled step, the summary of the performed step and the reference to
    it, time zone and character set. Type 2 attributes are present even if empty.

    Parameters
    ----------
    step
        As `begin_step` decided it.
    series
        The series the object belongs to.

    Returns
    -------
    Dataset
        A new one for each call. Whoever adds text to it chooses the character set again: `ensure_encodable`, `declare`.

    Raises
    ------
    MissingAttribute, InvalidValue
        A value is missing, or breaks the rules of its attribute.
    """
    dataset = step_attributes(step)
    _require(SeriesInstanceUID=series.series_instance_uid, Modality=series.modality)
    dataset.update(
        build(Modality=series.modality, SeriesInstanceUID=series.series_instance_uid, SeriesNumber=series.series_number)
    )
    assign_known(
        dataset,
        ProtocolName=series.protocol_name,
        SeriesDescription=series.description,
        OperatorsName=series.operators or step.operators,
        PerformingPhysicianName=series.performing_physicians or step.performing_physicians,
        BodyPartExamined=series.body_part,
    )
    # Laterality is Type 2C, R or L only, and not needed beside Image Laterality (PS3.3 C.7.3.1)
    if series.laterality in ("R", "L") and series.modality not in _HAS_IMAGE_LATERALITY:
        assign(dataset, "Laterality", series.laterality)
    declare(dataset, ensure_encodable(dataset, step.specific_character_set))
    return dataset


def common(values: Iterable[_T], otherwise: _T) -> _T:
    """The value that all have; ``otherwise`` when they differ or there is none."""
    found = list(values)
    return found[0] if found and all(value == found[0] for value in found) else otherwise


def distinct(values: Iterable[_T]) -> tuple[_T, ...]:
    """The values in order, each once."""
    return tuple(dict.fromkeys(values))


def step_attributes(step: PerformedProcedureStep) -> Dataset:
    """What all objects of the step share, whichever their series."""
    _require(
        StudyInstanceUID=step.study_instance_uid,
        Modality=step.modality,
        PerformedProcedureStepID=step.performed_procedure_step_id,
        PerformedStationAETitle=step.performed_station_ae_title,
    )
    dataset = patient_identification(step.patient)
    for part in (_patient_study(step), _general_study(step), _performed_step(step), _equipment(step.equipment)):
        dataset.update(part)
    if step.items:
        assign(dataset, "RequestAttributesSequence", request_attributes(step))
    assign(dataset, "TimezoneOffsetFromUTC", timezone_offset(step.started))
    return dataset


def _patient_study(step: PerformedProcedureStep) -> Dataset:
    patient, state = step.patient, step.patient.state
    dataset = Dataset()
    assign_known(
        dataset,
        ReferencedPatientSequence=reference_sequence(patient.referenced_patients),
        PatientComments=state.comments,
        PatientAge=_age(patient.birth_date, step.study_date),
        PatientWeight=state.weight,
        PatientSize=state.size,
        PatientState=state.state,
        PregnancyStatus=state.pregnancy_status,
        MedicalAlerts=state.medical_alerts,
        Allergies=state.allergies,
        AdditionalPatientHistory=state.additional_history,
        AdmittingDiagnosesDescription=distinct(d for i in step.items for d in i.admitting_diagnoses_descriptions),
        AdmittingDiagnosesCodeSequence=code_sequence(
            distinct(code for item in step.items for code in item.admitting_diagnoses_codes)
        ),
    )
    dataset.update(visit(step))
    return dataset


def visit(step: PerformedProcedureStep) -> Dataset:
    """The visit as objects and MPPS name it alike, as far as all items agree on it."""
    dataset = Dataset()
    admission = ((item.admission_id, item.issuer_of_admission_id) for item in step.items)
    episode = ((item.service_episode_id, item.issuer_of_service_episode_id) for item in step.items)
    admission_id, issuer_of_admission_id = common(admission, ("", Issuer()))
    service_episode_id, issuer_of_service_episode_id = common(episode, ("", Issuer()))
    if admission_id:
        issuer = issuer_sequence(issuer_of_admission_id)
        assign_known(dataset, AdmissionID=admission_id, IssuerOfAdmissionIDSequence=issuer)
    if service_episode_id:
        issuer = issuer_sequence(issuer_of_service_episode_id)
        assign_known(dataset, ServiceEpisodeID=service_episode_id, IssuerOfServiceEpisodeIDSequence=issuer)
    return dataset


def _general_study(step: PerformedProcedureStep) -> Dataset:
    dataset = build(
        StudyInstanceUID=step.study_instance_uid,
        StudyDate=step.study_date,
        StudyTime=step.study_time,
        StudyID=step.study_id,
        AccessionNumber=step.accession_number,
        ReferringPhysicianName=step.referring_physician_name,
    )
    assign_known(
        dataset,
        StudyDescription=step.procedure_type_description,
        ProcedureCodeSequence=code_sequence(step.procedure_codes),
        ReferencedStudySequence=reference_sequence(
            distinct(sop for item in step.items for sop in item.referenced_studies)
        ),
        RequestingService=common((item.requesting_service for item in step.items), ""),
    )
    if step.referring_physician_name:
        person = common((item.referring_physician_identification for item in step.items), None)
        assign_known(dataset, ReferringPhysicianIdentificationSequence=person_sequence(person))
    if step.accession_number:
        orders = ((item.accession_number, item.issuer_of_accession_number) for item in step.items)
        accession_number, issuer = common(orders, ("", Issuer()))
        if accession_number == step.accession_number:
            assign_known(dataset, IssuerOfAccessionNumberSequence=issuer_sequence(issuer))
    return dataset


def _performed_step(step: PerformedProcedureStep) -> Dataset:
    reference = SopReference(sop_class_uid=MODALITY_PERFORMED_PROCEDURE_STEP, sop_instance_uid=step.sop_instance_uid)
    dataset = build(
        ReferencedPerformedProcedureStepSequence=reference_sequence([reference]),
        PerformedProcedureStepID=step.performed_procedure_step_id,
        PerformedProcedureStepStartDate=step.started,
        PerformedProcedureStepStartTime=step.started,
    )
    assign_known(
        dataset,
        PerformedProcedureStepDescription=step.description,
        PerformedProtocolCodeSequence=code_sequence(step.performed_protocol_codes),
        CommentsOnThePerformedProcedureStep=step.comments,
    )
    return dataset


def _equipment(equipment: Equipment) -> Dataset:
    dataset = build(Manufacturer=equipment.manufacturer)
    assign_known(
        dataset,
        ManufacturerModelName=equipment.manufacturer_model_name,
        DeviceSerialNumber=equipment.device_serial_number,
        SoftwareVersions=equipment.software_versions,
        StationName=equipment.station_name,
        InstitutionName=equipment.institution_name,
    )
    return dataset


def _require(**values: str) -> None:
    for keyword, value in values.items():
        if not value:
            raise MissingAttribute(keyword, "has a value in every object and MPPS message (Type 1)")


def _age(birth_date: date | None, day: date) -> str | None:
    """Patient's Age: years from the second birthday on, then months, weeks, days (PS3.5 Table 6.2-1, AS)."""
    if birth_date is None or not birth_date <= day:
        return None
    months = (day.year - birth_date.year) * 12 + day.month - birth_date.month - (day.day < birth_date.day)
    days = (day - birth_date).days
    if months >= 24:
        return f"{months // 12:03}Y" if months < 12000 else None
    if months >= 3:
        return f"{months:03}M"
    return f"{days // 7:03}W" if days >= 28 else f"{days:03}D"
