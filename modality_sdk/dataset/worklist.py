"""The modality worklist: from a query to its identifier, from an answer to an item (PS3.4 Annex K).

Both directions are tables over Table K.6-1, so that a key of a newer edition is one more row.
"""

from collections.abc import Callable
from datetime import date, time
from typing import Any

from pydicom import DataElement, Dataset, config
from pydicom.datadict import tag_for_keyword

from modality_sdk.dataset.character_sets import UNICODE, declare, ensure_encodable
from modality_sdk.dataset.codes import read_codes
from modality_sdk.dataset.dictionary import assign, build
from modality_sdk.dataset.identity import read_issuer, read_other_patient_ids, read_person, read_qualifiers
from modality_sdk.dataset.mapping import offset_from_utc
from modality_sdk.dataset.protocol_codes import read_protocol_codes
from modality_sdk.dataset.query_keys import add_key
from modality_sdk.dataset.reading import Reader
from modality_sdk.errors import InvalidValue
from modality_sdk.model import Patient, PatientState, WorklistItem, WorklistProblem, WorklistQuery

__all__ = ["read_patient", "read_worklist_item", "worklist_identifier"]

_SCHEDULED_PROCEDURE_STEP = (
    "ScheduledStationAETitle",
    "ScheduledProcedureStepStartDate",
    "ScheduledProcedureStepStartTime",
    "Modality",
    "ScheduledPerformingPhysicianName",
    "ScheduledProcedureStepDescription",
    "ScheduledStationName",
    "ScheduledProcedureStepLocation",
    "PreMedication",
    "ScheduledProcedureStepID",
    "RequestedContrastAgent",
    "ScheduledProcedureStepStatus",
    "CommentsOnTheScheduledProcedureStep",
    "ScheduledProtocolCodeSequence",
    "ReferencedDefinedProtocolSequence",
    "ReferencedPerformedProtocolSequence",
)

_STEP_SEQUENCE = "ScheduledProcedureStepSequence"
_WILDCARDS = frozenset("*?")

_RETURN_KEYS = (
    # scheduled specimen, requested procedure
    "BarcodeValue",
    "RequestedProcedureID",
    "RequestedProcedureDescription",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "RequestedProcedurePriority",
    "PatientTransportArrangements",
    "ReasonForTheRequestedProcedure",
    "RequestedProcedureComments",
    "NamesOfIntendedRecipientsOfResults",
    # imaging service request
    "AccessionNumber",
    "RequestingPhysician",
    "RequestingService",
    "ReferringPhysicianName",
    "PlacerOrderNumberImagingServiceRequest",
    "FillerOrderNumberImagingServiceRequest",
    # visit
    "AdmissionID",
    "ServiceEpisodeID",
    "CurrentPatientLocation",
    "InstitutionName",
    "InstitutionAddress",
    "AdmittingDiagnosesDescription",
    # patient
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientWeight",
    "PatientSize",
    "ConfidentialityConstraintOnPatientDataDescription",
    "PatientState",
    "PregnancyStatus",
    "MedicalAlerts",
    "Allergies",
    "SpecialNeeds",
    "AdditionalPatientHistory",
    "PatientComments",
    # asked for whole: some providers find no item whose sequence is empty when keys stand in it (K.2.2.1.2 note 4)
    "ScheduledSpecimenSequence",
    "RequestedProcedureCodeSequence",
    "ReasonForRequestedProcedureCodeSequence",
    "ReferencedStudySequence",
    "IssuerOfAccessionNumberSequence",
    "OrderPlacerIdentifierSequence",
    "OrderFillerIdentifierSequence",
    "ReferringPhysicianIdentificationSequence",
    "RequestingPhysicianIdentificationSequence",
    "IssuerOfAdmissionIDSequence",
    "IssuerOfServiceEpisodeIDSequence",
    "AdmittingDiagnosesCodeSequence",
    "ReferencedPatientSequence",
    "IssuerOfPatientIDQualifiersSequence",
    "OtherPatientIDsSequence",
    "PatientPrimaryLanguageCodeSequence",
    "PertinentDocumentsSequence",
)


def worklist_identifier(query: WorklistQuery, *, character_set: str = "") -> Dataset:
    """The Identifier of a worklist C-FIND-RQ (PS3.4 K.4.1.1.3.1).

    Asks for every attribute of Table K.6-1 that the SDK can use, because an SCP returns only what was asked for. There
    is no Query/Retrieve Level, and the keys of the scheduled step stand in the one item of their sequence.

    Parameters
    ----------
    query
        The matching keys.
    character_set
        Specific Character Set of keys beyond ASCII, its values separated by a backslash; ISO_IR 192 when empty or when
        a key does not fit. The attribute is absent when all keys are ASCII.

    Returns
    -------
    Dataset

    Raises
    ------
    InvalidValue
        A key is unknown, stands at the wrong level, or breaks the rules of its VR; it holds a wildcard where only a
        single value is matched; a range ends before it begins (PS3.4 C.2.2.2.4, C.2.2.2.5 and Table K.6-1).
    """
    for keyword, key in (
        ("PatientID", query.patient_id),
        ("AccessionNumber", query.accession_number),
        ("RequestedProcedureID", query.requested_procedure_id),
        ("Modality", query.modality),
        ("ScheduledStationAETitle", query.scheduled_station_ae_title),
    ):
        if _WILDCARDS.intersection(key):
            raise InvalidValue(keyword, "is matched as a single value, without * and ? (PS3.4 Table K.6-1)")
    identifier = build(
        **dict.fromkeys(_RETURN_KEYS),
        ScheduledProcedureStepSequence=[build(**dict.fromkeys(_SCHEDULED_PROCEDURE_STEP))],
    )
    step = identifier.ScheduledProcedureStepSequence[0]
    for dataset, keyword, key in (
        (identifier, "PatientName", query.patient_name),
        (identifier, "PatientID", query.patient_id),
        (identifier, "AccessionNumber", query.accession_number),
        (identifier, "RequestedProcedureID", query.requested_procedure_id),
        (step, "Modality", query.modality),
        (step, "ScheduledStationAETitle", query.scheduled_station_ae_title),
        (step, "ScheduledPerformingPhysicianName", query.scheduled_performing_physician_name),
    ):
        assign(dataset, keyword, key)
    _assign_range(step, "ScheduledProcedureStepStartDate", query.start_date)
    _assign_range(step, "ScheduledProcedureStepStartTime", query.start_time)
    for path, key in query.further_keys:
        if path in _SCHEDULED_PROCEDURE_STEP:
            raise InvalidValue(path, f"stands in {_STEP_SEQUENCE} (PS3.4 Table K.6-1)")
        add_key(identifier, path, key)
    if ensure_encodable(identifier, ()):
        wanted = tuple(character_set.split("\\")) if character_set else UNICODE
        declare(identifier, ensure_encodable(identifier, wanted))
    return identifier


def _assign_range(
    dataset: Dataset, keyword: str, key: date | tuple[date | time | None, date | time | None] | None
) -> None:
    """A single value, or ``a-b``, ``-b``, ``a-`` with both ends included (PS3.4 C.2.2.2.5)."""
    if not isinstance(key, tuple):
        assign(dataset, keyword, key)
        return
    first, last = (build(**{keyword: end}).get(keyword) or "" for end in key)
    if first and last and first > last:
        raise InvalidValue(
            keyword, "a range ends after it begins; one of times does not cross midnight (PS3.4 C.2.2.2.5)"
        )
    if first or last:
        tag = tag_for_keyword(keyword)
        assert tag is not None  # noqa: S101 - build() has just used it
        vr = dataset[tag].VR
        value = first if first == last else f"{first}-{last}"
        dataset.add(DataElement(tag, vr, value, validation_mode=config.IGNORE))


_Row = tuple[str, str, Callable[[Reader, str], Any]]

_READ_STATE: tuple[_Row, ...] = (
    ("weight", "PatientWeight", Reader.positive),
    ("size", "PatientSize", Reader.positive),
    ("state", "PatientState", Reader.text),
    ("medical_alerts", "MedicalAlerts", Reader.texts),
    ("allergies", "Allergies", Reader.texts),
    ("special_needs", "SpecialNeeds", Reader.text),
    ("additional_history", "AdditionalPatientHistory", Reader.text),
    ("comments", "PatientComments", Reader.text),
    ("confidentiality_constraint", "ConfidentialityConstraintOnPatientDataDescription", Reader.text),
)
_READ_PATIENT: tuple[_Row, ...] = (
    ("name", "PatientName", Reader.text),
    ("patient_id", "PatientID", Reader.identifier),
    ("issuer_of_patient_id", "IssuerOfPatientID", Reader.identifier),
    ("issuer_of_patient_id_qualifiers", "IssuerOfPatientIDQualifiersSequence", read_qualifiers),
    ("other_patient_ids", "OtherPatientIDsSequence", read_other_patient_ids),
    ("birth_date", "PatientBirthDate", Reader.date),
    ("referenced_patients", "ReferencedPatientSequence", Reader.references),
    ("primary_languages", "PatientPrimaryLanguageCodeSequence", read_codes),
)
_READ_ITEM: tuple[_Row, ...] = (
    ("requested_procedure_id", "RequestedProcedureID", Reader.text),
    ("requested_procedure_description", "RequestedProcedureDescription", Reader.text),
    ("requested_procedure_codes", "RequestedProcedureCodeSequence", read_codes),
    ("requested_procedure_priority", "RequestedProcedurePriority", Reader.text),
    ("requested_procedure_comments", "RequestedProcedureComments", Reader.text),
    ("reason_for_requested_procedure", "ReasonForTheRequestedProcedure", Reader.text),
    ("reason_for_requested_procedure_codes", "ReasonForRequestedProcedureCodeSequence", read_codes),
    ("patient_transport_arrangements", "PatientTransportArrangements", Reader.text),
    ("study_date", "StudyDate", Reader.date),
    ("study_time", "StudyTime", Reader.time),
    ("referenced_studies", "ReferencedStudySequence", Reader.references),
    ("names_of_intended_recipients", "NamesOfIntendedRecipientsOfResults", Reader.texts),
    ("accession_number", "AccessionNumber", Reader.text),
    ("issuer_of_accession_number", "IssuerOfAccessionNumberSequence", read_issuer),
    ("requesting_physician", "RequestingPhysician", Reader.text),
    ("requesting_physician_identification", "RequestingPhysicianIdentificationSequence", read_person),
    ("requesting_service", "RequestingService", Reader.text),
    ("referring_physician_name", "ReferringPhysicianName", Reader.text),
    ("referring_physician_identification", "ReferringPhysicianIdentificationSequence", read_person),
    ("placer_order_number", "PlacerOrderNumberImagingServiceRequest", Reader.text),
    ("order_placer_identifier", "OrderPlacerIdentifierSequence", read_issuer),
    ("filler_order_number", "FillerOrderNumberImagingServiceRequest", Reader.text),
    ("order_filler_identifier", "OrderFillerIdentifierSequence", read_issuer),
    ("admission_id", "AdmissionID", Reader.text),
    ("issuer_of_admission_id", "IssuerOfAdmissionIDSequence", read_issuer),
    ("service_episode_id", "ServiceEpisodeID", Reader.text),
    ("issuer_of_service_episode_id", "IssuerOfServiceEpisodeIDSequence", read_issuer),
    ("current_patient_location", "CurrentPatientLocation", Reader.text),
    ("institution_name", "InstitutionName", Reader.text),
    ("institution_address", "InstitutionAddress", Reader.text),
    ("admitting_diagnoses_descriptions", "AdmittingDiagnosesDescription", Reader.texts),
    ("admitting_diagnoses_codes", "AdmittingDiagnosesCodeSequence", read_codes),
    ("barcode_value", "BarcodeValue", Reader.text),
)
_READ_STEP: tuple[_Row, ...] = (
    ("scheduled_procedure_step_id", "ScheduledProcedureStepID", Reader.text),
    ("scheduled_procedure_step_description", "ScheduledProcedureStepDescription", Reader.text),
    ("scheduled_procedure_step_start_date", "ScheduledProcedureStepStartDate", Reader.date),
    ("scheduled_procedure_step_start_time", "ScheduledProcedureStepStartTime", Reader.time),
    ("scheduled_procedure_step_status", "ScheduledProcedureStepStatus", Reader.text),
    ("scheduled_procedure_step_comments", "CommentsOnTheScheduledProcedureStep", Reader.text),
    ("scheduled_station_ae_titles", "ScheduledStationAETitle", Reader.texts),
    ("scheduled_station_name", "ScheduledStationName", Reader.text),
    ("scheduled_procedure_step_location", "ScheduledProcedureStepLocation", Reader.text),
    ("scheduled_performing_physician_name", "ScheduledPerformingPhysicianName", Reader.text),
    ("modality", "Modality", Reader.text),
    ("pre_medication", "PreMedication", Reader.text),
    ("requested_contrast_agent", "RequestedContrastAgent", Reader.text),
)


def read_worklist_item(
    dataset: Dataset, index: int = 0, *, assume_charset: str = ""
) -> tuple[WorklistItem | None, tuple[WorklistProblem, ...]]:
    """Read one answer to a worklist query, leniently; nothing in it can raise.

    Every value of the item is such that it can be written again: over-long text is cut, malformed dates and numbers are
    left out, each with a problem that names the attribute. An identifier of the patient is never cut, because two
    patients could then become one.

    Parameters
    ----------
    dataset
        The Identifier of a pending response.
    index
        Its position among the answers, for the problems.
    assume_charset
        Character set of an answer that declares none; its values separated by a backslash.

    Returns
    -------
    WorklistItem or None
        None when the answer has no valid Study Instance UID, for nothing could be acquired for it, or when Patient ID
        or its issuer cannot be taken as they are.
    tuple of WorklistProblem
        Without any value.

    Raises
    ------
    InvalidValue
        ``assume_charset`` is no character set; a mistake of the configuration, not of the peer.
    """
    problems: list[WorklistProblem] = []

    def report(attribute: str, rule: str, *, fatal: bool = False) -> None:
        problems.append(WorklistProblem(index=index, attribute=attribute, rule=rule, fatal=fatal))

    reader = Reader(dataset, report=report, assume_charset=assume_charset)
    study_instance_uid = reader.uid("StudyInstanceUID")
    if not study_instance_uid:
        report("StudyInstanceUID", "is missing or no UID, the answer cannot be used (PS3.4 Table K.6-1)", fatal=True)
        return None, tuple(problems)
    steps = list(reader.items("ScheduledProcedureStepSequence"))
    if len(steps) != 1:
        report("ScheduledProcedureStepSequence", f"has {len(steps)} items in place of one (PS3.4 Table K.6-1)")
    try:
        patient = read_patient(reader)
    except InvalidValue as error:
        report(error.attribute, f"{error.rule}; the patient would not be certain", fatal=True)
        return None, tuple(problems)
    item = WorklistItem(
        study_instance_uid=study_instance_uid,
        patient=patient,
        timezone_offset_from_utc=_read_offset(reader),
        specific_character_set=reader.character_set,
        **_read(reader, _READ_ITEM),
        **(_read_step(steps[0]) if steps else {}),
    )
    reported = {problem.attribute for problem in problems}
    for keyword in _missing(item) if steps else ():
        if keyword not in reported:
            report(keyword, "is missing, it is a return key of Type 1 (PS3.4 Table K.6-1)")
    return item, tuple(problems)


def _read(reader: Reader, rows: tuple[_Row, ...]) -> dict[str, Any]:
    return {field: read(reader, keyword) for field, keyword, read in rows}


def read_patient(reader: Reader) -> Patient:
    """Read the patient of a worklist answer or an object.

    Raises
    ------
    InvalidValue
        When Patient ID or its issuer cannot be taken as they are.
    """
    sex = reader.text("PatientSex")
    if sex not in ("", "M", "F", "O"):
        reader.report("PatientSex", "is none of M, F, O (PS3.3 C.7.1.1)")
        sex = ""
    pregnancy = reader.integer("PregnancyStatus")
    if pregnancy is not None and not 1 <= pregnancy <= 4:
        reader.report("PregnancyStatus", "is none of 1 to 4 (PS3.3 C.2.2)")
        pregnancy = None
    return Patient(
        sex=sex,
        state=PatientState(pregnancy_status=pregnancy, **_read(reader, _READ_STATE)),
        **_read(reader, _READ_PATIENT),
    )


def _read_step(reader: Reader) -> dict[str, Any]:
    codes, contexts = read_protocol_codes(reader, "ScheduledProtocolCodeSequence")
    return _read(reader, _READ_STEP) | {"scheduled_protocol_codes": codes, "scheduled_protocol_contexts": contexts}


def _read_offset(reader: Reader) -> str:
    text = reader.text("TimezoneOffsetFromUTC")
    if not text:
        return ""
    try:
        offset_from_utc(text)
    except InvalidValue as error:
        reader.report(error.attribute, error.rule)
        return ""
    return text


def _missing(item: WorklistItem) -> list[str]:
    values: dict[str, object] = {
        "PatientName": item.patient.name,
        "PatientID": item.patient.patient_id,
        "RequestedProcedureID": item.requested_procedure_id,
        "ScheduledProcedureStepID": item.scheduled_procedure_step_id,
        "ScheduledProcedureStepStartDate": item.scheduled_procedure_step_start_date,
        "Modality": item.modality,
    }
    return [keyword for keyword, value in values.items() if not value]
