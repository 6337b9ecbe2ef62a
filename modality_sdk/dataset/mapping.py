"""From worklist to objects and MPPS: which value goes where (PS3.17 Annex J, PS3.3 Tables 10-9 and 10-16).

The values are decided once, by `begin_step`; everything made in the step copies them, so that objects, MPPS and dose
report agree without anybody comparing them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timezone
from typing import TypeVar

from pydicom import Dataset

from modality_sdk.clock import timezone_offset
from modality_sdk.dataset.character_sets import UNICODE, character_set_of, declare, ensure_encodable
from modality_sdk.dataset.codes import code_sequence
from modality_sdk.dataset.dictionary import assign, build, conform
from modality_sdk.dataset.sop_classes import MODALITY_PERFORMED_PROCEDURE_STEP, reference_sequence
from modality_sdk.errors import InvalidValue, MissingAttribute, StateError
from modality_sdk.model import (
    Code,
    Equipment,
    Patient,
    PerformedProcedureStep,
    PerformedSeries,
    ProtocolChoice,
    SopReference,
    WorklistItem,
)

__all__ = ["assign_known", "begin_step", "issuer_sequence", "local_time", "object_attributes", "patient_identification"]

_T = TypeVar("_T")

_HAS_IMAGE_LATERALITY = frozenset({"DX", "IO", "MG", "PX"})


def begin_step(
    *,
    items: Sequence[WorklistItem],
    patient: Patient | None,
    sop_instance_uid: str,
    study_instance_uid: str,
    performed_procedure_step_id: str,
    modality: str,
    performed_station_ae_title: str,
    started: datetime,
    equipment: Equipment,
    performed_station_name: str = "",
    performed_location: str = "",
    protocol: ProtocolChoice | None = None,
    operators: Sequence[str] = (),
    performing_physicians: Sequence[str] = (),
    description: str = "",
) -> PerformedProcedureStep:
    """Decide every value that the objects and messages of a step have in common (PS3.17 J.2 to J.4).

    Parameters
    ----------
    items
        The scheduled steps performed: none for an unscheduled step, several for a group.
    patient
        Who is examined, if unscheduled. With items it must be their patient; what it says then goes before theirs.
    sop_instance_uid
        New UID of the performed step.
    study_instance_uid
        New UID, used if no item gives one and if grouped items belong to different requested procedures.
    performed_procedure_step_id
        Unique on this device, at most 16 characters.
    started
        Aware local time.
    protocol
        What was chosen at the console; the scheduled protocol codes stand when it names none.
    operators, performing_physicians
        The scheduled performing physicians stand when none is given.
    description
        The scheduled description stands when empty.

    Returns
    -------
    PerformedProcedureStep
        In status DRAFT. Its character set is that of the items where all text fits, else ISO_IR 192.

    Raises
    ------
    StateError
        The items, or the patient given, are different persons.
    MissingAttribute, InvalidValue
        A value is missing, or breaks the rules of its attribute.
    """
    if started.utcoffset() is None:
        raise InvalidValue("PerformedProcedureStepStartDateTime", "the start is a time with a zone (PS3.3 C.12.1.1.7)")
    _check_one_patient([item.patient for item in items] + ([patient] if patient else []))
    uids = {item.study_instance_uid for item in items}
    one_study = len(uids) == 1
    study_id = _common(item.requested_procedure_id for item in items)
    dated = next((i for i in items if one_study and i.study_date is not None and i.study_time is not None), None)
    description = description or _joined(item.scheduled_procedure_step_description for item in items)
    scheduled_codes = _distinct(code for item in items for code in item.scheduled_protocol_codes)
    protocol_codes = protocol.codes if protocol and protocol.codes else scheduled_codes
    step = PerformedProcedureStep(
        sop_instance_uid=sop_instance_uid,
        performed_procedure_step_id=performed_procedure_step_id,
        patient=patient or (items[0].patient if items else Patient()),
        items=tuple(items),
        study_instance_uid=uids.pop() if one_study else study_instance_uid,
        study_id=study_id or performed_procedure_step_id,
        study_date=(dated.study_date if dated else None) or started.date(),
        study_time=dated.study_time if dated and dated.study_time is not None else started.time(),
        accession_number=_common(item.accession_number for item in items),
        referring_physician_name=_common(item.referring_physician_name for item in items),
        modality=modality,
        performed_station_ae_title=performed_station_ae_title,
        performed_station_name=performed_station_name or equipment.station_name,
        performed_location=performed_location,
        started=started,
        description=description,
        procedure_type_description=_joined(item.requested_procedure_description for item in items),
        procedure_codes=_distinct(code for item in items for code in item.requested_procedure_codes),
        performed_protocol_codes=protocol_codes,
        protocol_name=_protocol_name(protocol, protocol_codes, description, modality),
        operators=tuple(operators),
        performing_physicians=tuple(performing_physicians)
        or _distinct(i.scheduled_performing_physician_name for i in items if i.scheduled_performing_physician_name),
        equipment=equipment,
    )
    return replace(step, specific_character_set=_character_set(step))


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
    dataset = _step_attributes(step)
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


def patient_identification(step: PerformedProcedureStep) -> Dataset:
    """The patient as objects and MPPS name them alike (PS3.3 C.7.1.1, PS3.4 Table F.7.2-1)."""
    patient = step.patient
    dataset = build(
        PatientName=patient.name,
        PatientID=patient.patient_id,
        PatientBirthDate=patient.birth_date,
        PatientSex=patient.sex,
    )
    # Type of Patient ID is Type 1 in the items; worklists give identifiers as text (PS3.3 C.7.1.1)
    others = [build(PatientID=other, TypeOfPatientID="TEXT") for other in patient.other_patient_ids]
    assign_known(dataset, IssuerOfPatientID=patient.issuer_of_patient_id, OtherPatientIDsSequence=others)
    return dataset


def issuer_sequence(local_namespace: str) -> list[Dataset]:
    """The one item of an issuer sequence; none when the issuer is not known (PS3.3 10.14)."""
    return [build(LocalNamespaceEntityID=local_namespace)] if local_namespace else []


def local_time(step: PerformedProcedureStep, moment: datetime) -> datetime:
    """``moment`` in the zone that Timezone Offset From UTC of the step states (PS3.3 C.12.1.1.7).

    The offset is that of the start of the step: it must hold for every date and time in an object, also when the clocks
    are changed in the middle.
    """
    offset = step.started.utcoffset()
    if offset is None or moment.utcoffset() is None:
        raise InvalidValue("TimezoneOffsetFromUTC", "a time carries its zone (PS3.3 C.12.1.1.7)")
    return moment.astimezone(timezone(offset))


def assign_known(dataset: Dataset, **values: object) -> None:
    """Assign those values that are not empty: attributes of Type 3."""
    for keyword, value in values.items():
        if value is not None and (isinstance(value, (int, float)) or value):
            assign(dataset, keyword, value)


def _step_attributes(step: PerformedProcedureStep) -> Dataset:
    _require(
        StudyInstanceUID=step.study_instance_uid,
        Modality=step.modality,
        PerformedProcedureStepID=step.performed_procedure_step_id,
        PerformedStationAETitle=step.performed_station_ae_title,
    )
    dataset = patient_identification(step)
    for part in (_patient_study(step), _general_study(step), _performed_step(step), _equipment(step.equipment)):
        dataset.update(part)
    if step.items:
        assign(dataset, "RequestAttributesSequence", [_request_attributes(item) for item in step.items])
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
        AdmissionID=_common(item.admission_id for item in step.items),
        ServiceEpisodeID=_common(item.service_episode_id for item in step.items),
    )
    if "AdmissionID" in dataset:
        issuer = _common(item.issuer_of_admission_id for item in step.items)
        assign_known(dataset, IssuerOfAdmissionIDSequence=issuer_sequence(issuer))
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
            _distinct(sop for item in step.items for sop in item.referenced_studies)
        ),
        RequestingService=_common(item.requesting_service for item in step.items),
    )
    if step.accession_number:
        issuer = _common(item.issuer_of_accession_number for item in step.items)
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


def _request_attributes(item: WorklistItem) -> Dataset:
    """One item of the Request Attributes Sequence (PS3.3 Table 10-9)."""
    dataset = Dataset()
    assign_known(
        dataset,
        StudyInstanceUID=item.study_instance_uid,
        ReferencedStudySequence=reference_sequence(item.referenced_studies),
        AccessionNumber=item.accession_number,
        IssuerOfAccessionNumberSequence=issuer_sequence(item.issuer_of_accession_number),
        RequestedProcedureID=item.requested_procedure_id,
        RequestedProcedureDescription=item.requested_procedure_description,
        RequestedProcedureCodeSequence=code_sequence(item.requested_procedure_codes),
        ReasonForTheRequestedProcedure=item.reason_for_requested_procedure,
        ReasonForRequestedProcedureCodeSequence=code_sequence(item.reason_for_requested_procedure_codes),
        ScheduledProcedureStepID=item.scheduled_procedure_step_id,
        ScheduledProcedureStepDescription=item.scheduled_procedure_step_description,
        ScheduledProtocolCodeSequence=code_sequence(item.scheduled_protocol_codes),
    )
    return dataset


def _require(**values: str) -> None:
    for keyword, value in values.items():
        if not value:
            raise MissingAttribute(keyword, "has a value in every object and MPPS message (Type 1)")


def _check_one_patient(patients: Sequence[Patient]) -> None:
    """Same Patient ID and issuer; where there is no ID, same name and birth date."""
    identities = {
        (p.patient_id, p.issuer_of_patient_id) if p.patient_id else ("", p.name, p.birth_date) for p in patients
    }
    if len(identities) > 1:
        raise StateError("one step examines one patient: PatientID and IssuerOfPatientID differ (PS3.17 J.4)")


def _common(values: Iterable[str]) -> str:
    """The value that all have; empty when they differ."""
    found = set(values)
    return found.pop() if len(found) == 1 else ""


def _distinct(values: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(values))


def _joined(texts: Iterable[str]) -> str:
    return conform("LO", ", ".join(text for text in _distinct(texts) if text))


def _protocol_name(protocol: ProtocolChoice | None, codes: Sequence[Code], description: str, modality: str) -> str:
    """Protocol Name is Type 1 in the Performed Series Sequence: there always is one."""
    candidates = (protocol.name if protocol else "", *(code.meaning for code in codes), description, modality)
    return next((name for name in candidates if name), "")


def _character_set(step: PerformedProcedureStep) -> tuple[str, ...]:
    """The set of an item that holds all text of the step; the peer that gave it can read it."""
    text = _step_attributes(step)
    assign_known(
        text,
        PerformedStationName=step.performed_station_name,
        PerformedLocation=step.performed_location,
        PerformedProcedureTypeDescription=step.procedure_type_description,
        ProtocolName=step.protocol_name,
        OperatorsName=step.operators,
        PerformingPhysicianName=step.performing_physicians,
    )
    assign(text, "PerformedStationAETitle", step.performed_station_ae_title)
    assign(text, "Modality", step.modality)
    for item in step.items:
        wanted = character_set_of(item.specific_character_set)
        if wanted and ensure_encodable(text, wanted) == wanted:
            return wanted
    return UNICODE


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
