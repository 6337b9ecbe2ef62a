"""From a query to the identifier of a C-FIND (PS3.4 Table K.6-1)."""

from datetime import date, time

import pytest

from modality_sdk.dataset import worklist_identifier
from modality_sdk.errors import InvalidValue
from modality_sdk.model import WorklistQuery

pytestmark = pytest.mark.req("FR-DICOM-03")

STEP_KEYS = [
    "ScheduledStationAETitle",
    "ScheduledProcedureStepStartDate",
    "ScheduledProcedureStepStartTime",
    "Modality",
    "ScheduledPerformingPhysicianName",
    "ScheduledProcedureStepDescription",
    "ScheduledStationName",
    "ScheduledProcedureStepLocation",
    "ScheduledProtocolCodeSequence",
    "PreMedication",
    "ScheduledProcedureStepID",
    "RequestedContrastAgent",
    "ScheduledProcedureStepStatus",
    "ReferencedDefinedProtocolSequence",
    "ReferencedPerformedProtocolSequence",
    "CommentsOnTheScheduledProcedureStep",
]
ROOT_KEYS = [
    "ScheduledProcedureStepSequence",
    "ScheduledSpecimenSequence",
    "BarcodeValue",
    "RequestedProcedureID",
    "RequestedProcedureDescription",
    "RequestedProcedureCodeSequence",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "ReferencedStudySequence",
    "RequestedProcedurePriority",
    "PatientTransportArrangements",
    "AccessionNumber",
    "IssuerOfAccessionNumberSequence",
    "RequestingPhysician",
    "ReferringPhysicianName",
    "AdmissionID",
    "IssuerOfAdmissionIDSequence",
    "CurrentPatientLocation",
    "ReferencedPatientSequence",
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "IssuerOfPatientIDQualifiersSequence",
    "OtherPatientIDsSequence",
    "PatientBirthDate",
    "PatientSex",
    "PatientPrimaryLanguageCodeSequence",
    "PatientWeight",
    "PatientSize",
    "ConfidentialityConstraintOnPatientDataDescription",
    "PatientState",
    "PregnancyStatus",
    "MedicalAlerts",
    "Allergies",
    "SpecialNeeds",
    "PertinentDocumentsSequence",
    "PlacerOrderNumberImagingServiceRequest",
    "FillerOrderNumberImagingServiceRequest",
    "OrderPlacerIdentifierSequence",
    "OrderFillerIdentifierSequence",
    "ReasonForTheRequestedProcedure",
    "ReasonForRequestedProcedureCodeSequence",
    "RequestedProcedureComments",
    "PatientComments",
    "AdditionalPatientHistory",
    "InstitutionName",
    "InstitutionAddress",
    "NamesOfIntendedRecipientsOfResults",
    "ReferringPhysicianIdentificationSequence",
    "RequestingPhysicianIdentificationSequence",
    "RequestingService",
    "ServiceEpisodeID",
]


@pytest.mark.parametrize("implicit", [True, False])
def test_every_key_of_the_information_model_is_asked_for_at_its_level(implicit, round_trip):
    identifier = round_trip(worklist_identifier(WorklistQuery()), implicit=implicit)
    (step,) = identifier.ScheduledProcedureStepSequence
    assert [key for key in ROOT_KEYS if key not in identifier] == []
    assert [key for key in STEP_KEYS if key not in step] == []
    assert [key for key in STEP_KEYS if key in identifier] == []
    assert all(element.VM == 0 for element in identifier.iterall() if element.VR != "SQ")


def test_every_sequence_but_the_scheduled_step_is_asked_for_whole():
    # keys inside would hide items whose sequence is empty from some providers (PS3.4 K.2.2.1.2 note 4)
    identifier = worklist_identifier(WorklistQuery())
    filled = [e.keyword for e in identifier.iterall() if e.VR == "SQ" and e.value]
    assert filled == ["ScheduledProcedureStepSequence"]


def test_there_is_no_query_level_no_character_set_and_no_time_zone_in_an_ascii_query():
    identifier = worklist_identifier(WorklistQuery(patient_name="Doe*"), character_set="ISO_IR 100")
    assert "QueryRetrieveLevel" not in identifier
    assert "SpecificCharacterSet" not in identifier
    assert "TimezoneOffsetFromUTC" not in identifier


def test_matching_keys_stand_at_their_level():
    identifier = worklist_identifier(
        WorklistQuery(
            start_date=date(2026, 3, 1),
            start_time=(time(8), time(12, 30)),
            modality="DX",
            scheduled_station_ae_title="XRAY1",
            scheduled_performing_physician_name="Ray*",
            patient_name="Do?^*",
            patient_id="P-1",
            accession_number="ACC1",
            requested_procedure_id="RP1",
        )
    )
    step = identifier.ScheduledProcedureStepSequence[0]
    assert identifier.PatientName == "Do?^*"
    assert (identifier.PatientID, identifier.AccessionNumber, identifier.RequestedProcedureID) == ("P-1", "ACC1", "RP1")
    assert (step.Modality, step.ScheduledStationAETitle) == ("DX", "XRAY1")
    assert step.ScheduledPerformingPhysicianName == "Ray*"
    assert (step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime) == ("20260301", "080000-123000")


@pytest.mark.parametrize(
    ("start_date", "key"),
    [
        ((date(2026, 3, 1), date(2026, 3, 5)), "20260301-20260305"),
        ((None, date(2026, 3, 5)), "-20260305"),
        ((date(2026, 3, 1), None), "20260301-"),
        ((date(2026, 3, 1), date(2026, 3, 1)), "20260301"),
        ((None, None), ""),
        (None, ""),
    ],
)
def test_a_date_key_is_a_day_or_a_range(start_date, key, round_trip):
    identifier = round_trip(worklist_identifier(WorklistQuery(start_date=start_date)))
    raw = identifier.ScheduledProcedureStepSequence[0].get_item("ScheduledProcedureStepStartDate").value
    assert (raw or b"").decode().strip() == key


@pytest.mark.parametrize(
    ("query", "attribute"),
    [
        (WorklistQuery(start_date=(date(2026, 3, 2), date(2026, 3, 1))), "ScheduledProcedureStepStartDate"),
        (WorklistQuery(start_time=(time(22), time(6))), "ScheduledProcedureStepStartTime"),
        (WorklistQuery(modality="dx"), "Modality"),
        (WorklistQuery(modality="*"), "Modality"),
        (WorklistQuery(patient_id="A\\B"), "PatientID"),
        (WorklistQuery(scheduled_station_ae_title="A" * 17), "ScheduledStationAETitle"),
    ],
)
def test_a_key_that_cannot_be_matched_is_refused(query, attribute):
    with pytest.raises(InvalidValue) as caught:
        worklist_identifier(query)
    assert caught.value.attribute == attribute


@pytest.mark.parametrize(
    ("name", "configured", "declared"),
    [
        ("Müller*", "", "ISO_IR 192"),
        ("Müller*", "ISO_IR 100", "ISO_IR 100"),
        ("山田*", "ISO_IR 100", "ISO_IR 192"),
        ("山田*", "ISO 2022 IR 87", ["", "ISO 2022 IR 87"]),
        ("山田*", "\\ISO 2022 IR 87", ["", "ISO 2022 IR 87"]),
    ],
)
def test_a_key_beyond_ascii_declares_a_set_that_holds_it(name, configured, declared, round_trip):
    identifier = round_trip(worklist_identifier(WorklistQuery(patient_name=name), character_set=configured))
    assert identifier.SpecificCharacterSet == declared
    assert identifier.PatientName == name
