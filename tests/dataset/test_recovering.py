"""From an object back to its step: whatever objects carry comes back, and makes the same objects again."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.uid import DigitalXRayImageStorageForPresentation

from modality_sdk.dataset import assign, mpps_create, object_attributes
from modality_sdk.dataset.recovering import RecoveredObject, recover_object
from modality_sdk.errors import InvalidValue
from modality_sdk.model import (
    Code,
    Issuer,
    Patient,
    PerformedProcedureStep,
    PerformedSeries,
    PersonIdentification,
    PresentationIntent,
    SopReference,
    StepStatus,
    WorklistItem,
)

pytestmark = [pytest.mark.req("NFR-REL-01"), pytest.mark.req("FR-DICOM-08")]

SOP = SopReference(sop_class_uid=str(DigitalXRayImageStorageForPresentation), sop_instance_uid="1.2.3.7.1")


def make_object(step: PerformedProcedureStep, series: PerformedSeries) -> Dataset:
    dataset = object_attributes(step, series)
    for keyword, value in {
        "SOPClassUID": SOP.sop_class_uid,
        "SOPInstanceUID": SOP.sop_instance_uid,
        "InstanceNumber": 3,
        "PresentationIntentType": "FOR PRESENTATION",
    }.items():
        assign(dataset, keyword, value)
    return dataset


def recover(dataset: Dataset) -> RecoveredObject:
    return recover_object(dataset, performed_station_ae_title="XRAY1", performed_station_name="ROOM 1")


def test_a_scheduled_step_comes_back_with_all_that_objects_name(item, begin, series, round_trip) -> None:
    step = begin(item, operators=["Tech^One"], comments="one exposure too many")
    series = replace(series, presentation_intent=PresentationIntent.FOR_PRESENTATION)
    found = recover(round_trip(make_object(step, series)))
    assert (found.sop, found.instance_number) == (SOP, 3)
    assert found.step.status is StepStatus.IN_PROGRESS
    for name in (
        "sop_instance_uid",
        "performed_procedure_step_id",
        "study_instance_uid",
        "study_id",
        "study_date",
        "study_time",
        "accession_number",
        "modality",
        "performed_station_ae_title",
        "performed_station_name",
        "started",
        "description",
        "procedure_type_description",
        "procedure_codes",
        "performed_protocol_codes",
        "comments",
        "operators",
        "performing_physicians",
        "equipment",
        "specific_character_set",
    ):
        assert getattr(found.step, name) == getattr(step, name), name
    assert found.step.patient.patient_id == item.patient.patient_id
    assert found.step.patient.name == item.patient.name
    (request,) = found.step.items
    for name in (
        "study_instance_uid",
        "accession_number",
        "issuer_of_accession_number",
        "requested_procedure_id",
        "requested_procedure_codes",
        "scheduled_procedure_step_id",
        "scheduled_protocol_codes",
        "referenced_studies",
        "admission_id",
        "issuer_of_admission_id",
        "reason_for_requested_procedure",
        "referring_physician_name",
    ):
        assert getattr(request, name) == getattr(item, name), name
    assert found.series == replace(series, images=(), performing_physicians=step.performing_physicians)
    assert found.acquired == step.started
    assert found.irradiation_event is None


def test_times_keep_the_offset_that_the_object_states(begin, series, round_trip) -> None:
    started = datetime(2026, 3, 1, 9, 15, 30, 250000, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))
    dataset = make_object(begin(started=started), series)
    assign(dataset, "AcquisitionDate", "20260301")
    assign(dataset, "AcquisitionTime", "091640.5")
    found = recover(round_trip(dataset))
    assert found.step.started == started
    assert found.step.started.utcoffset() == started.utcoffset()
    assert found.acquired == started.replace(minute=16, second=40, microsecond=500000)


@pytest.mark.parametrize(
    "keyword",
    [
        "SOPInstanceUID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "Modality",
        "PerformedProcedureStepID",
        "PerformedProcedureStepStartDate",
        "ReferencedPerformedProcedureStepSequence",
        "TimezoneOffsetFromUTC",
    ],
)
def test_an_object_that_does_not_say_where_it_belongs_is_refused_by_attribute(begin, series, keyword) -> None:
    dataset = make_object(begin(), series)
    del dataset[keyword]
    with pytest.raises(InvalidValue, match=keyword):
        recover(dataset)


TEXT = st.text(alphabet="ABCabc 12äΩ山", max_size=16).map(str.strip)
IDENTIFIER = st.text(alphabet="ABC123", min_size=1, max_size=16)
CODE = st.builds(Code, value=IDENTIFIER, scheme=st.just("99X"), meaning=IDENTIFIER)
CODES = st.lists(CODE, max_size=2, unique=True).map(tuple)
ISSUER = st.builds(Issuer, local_namespace_entity_id=IDENTIFIER) | st.just(Issuer())
REFERENCES = st.lists(
    st.builds(SopReference, sop_class_uid=st.just("1.2.3.8.1"), sop_instance_uid=st.sampled_from(["1.2.1", "1.2.2"])),
    max_size=2,
    unique=True,
).map(tuple)
PERSON = st.none() | st.builds(
    PersonIdentification, codes=CODE.map(lambda code: (code,)), institution_name=IDENTIFIER, address=TEXT
)
PATIENT = st.builds(
    Patient,
    name=TEXT,
    patient_id=IDENTIFIER,
    issuer_of_patient_id=TEXT,
    birth_date=st.none() | st.dates(),
    sex=st.sampled_from(["M", "F", "O", ""]),
    other_patient_ids=st.lists(IDENTIFIER, max_size=2).map(tuple),
    referenced_patients=REFERENCES,
)
ITEM = st.builds(
    WorklistItem,
    study_instance_uid=st.sampled_from(["1.2.3.1", "1.2.3.2"]),
    requested_procedure_id=IDENTIFIER,
    requested_procedure_description=TEXT,
    requested_procedure_codes=CODES,
    accession_number=TEXT,
    issuer_of_accession_number=ISSUER,
    referenced_studies=REFERENCES,
    referring_physician_name=TEXT,
    referring_physician_identification=PERSON,
    requesting_service=TEXT,
    admission_id=TEXT,
    issuer_of_admission_id=ISSUER,
    service_episode_id=TEXT,
    admitting_diagnoses_descriptions=st.lists(IDENTIFIER, max_size=2, unique=True).map(tuple),
    admitting_diagnoses_codes=CODES,
    reason_for_requested_procedure=TEXT,
    reason_for_requested_procedure_codes=CODES,
    scheduled_procedure_step_id=IDENTIFIER,
    scheduled_procedure_step_description=TEXT,
    scheduled_protocol_codes=CODES,
    study_date=st.none() | st.dates(),
    study_time=st.none() | st.times(),
    specific_character_set=st.sampled_from([(), ("ISO_IR 100",), ("", "ISO 2022 IR 87")]),
)


# pydicom counts the bytes of an encoded text where PS3.5 Table 6.2-1 counts its characters
@pytest.mark.filterwarnings("ignore:The value length")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    patient=PATIENT,
    items=st.lists(ITEM, max_size=3, unique_by=lambda item: item.scheduled_procedure_step_id),
    comments=TEXT,
    protocol=TEXT,
)
def test_a_recovered_step_makes_the_same_objects_again(
    patient, items, comments, protocol, begin, series, round_trip
) -> None:
    items = [replace(item, patient=patient) for item in items]
    step = begin(*items, patient=None if items else patient, comments=comments)
    series = replace(series, protocol_name=protocol or "Chest")
    written = round_trip(make_object(step, series))
    found = recover(written)
    assert found.step.started == step.started
    assert round_trip(make_object(found.step, found.series)).to_json() == written.to_json()
    # and the message that tells the RIS of it names the same step, study and requests
    told, original = mpps_create(found.step), mpps_create(step)
    for keyword in ("PerformedProcedureStepID", "PerformedProcedureStepStartTime", "PatientID", "StudyID", "Modality"):
        assert told[keyword].value == original[keyword].value
    for ours, theirs in zip(
        told.ScheduledStepAttributesSequence, original.ScheduledStepAttributesSequence, strict=True
    ):
        for keyword in ("StudyInstanceUID", "AccessionNumber", "RequestedProcedureID", "ScheduledProcedureStepID"):
            assert ours[keyword].value == theirs[keyword].value
