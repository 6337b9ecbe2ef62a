"""From worklist items to everything that objects and MPPS messages of a step share (PS3.17 Annex J)."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modality_sdk.dataset import local_time, mpps_create, object_attributes, read_code
from modality_sdk.dataset.mapping import _age
from modality_sdk.dataset.sop_classes import MODALITY_PERFORMED_PROCEDURE_STEP
from modality_sdk.errors import InvalidValue, MissingAttribute, StateError
from modality_sdk.model import Code, Equipment, Patient, PerformedSeries, ProtocolChoice, WorklistItem

pytestmark = pytest.mark.req("X-CASES")

CHEST = Code(value="CHESTPA", scheme="99LOCAL", meaning="Chest PA")


@pytest.fixture
def other_step(item) -> WorklistItem:
    """A second scheduled step of the same requested procedure."""
    return replace(
        item, scheduled_procedure_step_id="SPS2", scheduled_procedure_step_description="Chest LL", study_date=None
    )


@pytest.fixture
def other_order(item) -> WorklistItem:
    """A scheduled step of another requested procedure of the same patient."""
    return replace(
        item,
        study_instance_uid="1.2.3.4.6",
        requested_procedure_id="RP2",
        requested_procedure_description="Hand",
        accession_number="ACC2",
        scheduled_procedure_step_id="SPS9",
        scheduled_procedure_step_description="Hand PA",
    )


def test_a_scheduled_step_copies_its_item(item, begin):
    step = begin(item, operators=["Tech^One"])
    assert step.patient == item.patient
    assert step.study_instance_uid == item.study_instance_uid
    assert (step.study_id, step.accession_number) == ("RP1", "ACC1")
    assert (step.study_date, step.study_time) == (date(2026, 3, 1), time(8, 30))
    assert step.referring_physician_name == "House^Gregory"
    assert (step.description, step.procedure_type_description) == ("Chest PA", "Chest two views")
    assert step.procedure_codes == item.requested_procedure_codes
    assert (step.performed_protocol_codes, step.protocol_name) == ((CHEST,), "Chest PA")
    assert step.performing_physicians == ("Ray^X",)
    assert step.operators == ("Tech^One",)
    assert step.performed_station_name == "ROOM 1"
    assert step.specific_character_set == ("ISO_IR 100",)
    assert step.is_scheduled


def test_what_the_operator_chose_goes_before_what_was_scheduled(item, begin):
    done = Code(value="HANDPA", scheme="99LOCAL", meaning="Hand PA")
    step = begin(
        item,
        protocol=ProtocolChoice(name="Hand", codes=(done,)),
        performing_physicians=["Other^One"],
        description="Something else",
    )
    assert (step.protocol_name, step.performed_protocol_codes) == ("Hand", (done,))
    assert step.performing_physicians == ("Other^One",)
    assert step.description == "Something else"
    assert step.items[0].scheduled_protocol_codes == (CHEST,)


def test_an_unscheduled_step_invents_nothing_but_its_own_identifiers(begin, series):
    step = begin(patient=Patient(name="Unknown^One", patient_id="E-1"))
    assert step.study_instance_uid == "1.2.3.77"
    assert step.study_id == step.performed_procedure_step_id
    assert step.accession_number == ""
    assert (step.study_date, step.study_time) == (step.started.date(), step.started.time())
    assert not step.is_scheduled
    attributes = object_attributes(step, series)
    assert "RequestAttributesSequence" not in attributes
    assert "ReferencedStudySequence" not in attributes
    assert attributes.AccessionNumber == ""


def test_an_emergency_begins_without_any_identity(begin, series):
    attributes = object_attributes(begin(), series)
    assert (attributes.PatientName, attributes.PatientID) == ("", "")


def test_a_group_of_one_requested_procedure_keeps_study_and_order(item, other_step, begin, series):
    step = begin(item, other_step)
    assert step.study_instance_uid == item.study_instance_uid
    assert (step.study_id, step.accession_number) == ("RP1", "ACC1")
    assert step.study_date == item.study_date
    assert step.description == "Chest PA, Chest LL"
    requests = object_attributes(step, series).RequestAttributesSequence
    assert [request.ScheduledProcedureStepID for request in requests] == ["SPS1", "SPS2"]


def test_a_group_of_different_procedures_has_a_study_of_its_own(item, other_order, begin, series):
    step = begin(item, other_order)
    assert step.study_instance_uid == "1.2.3.77"
    assert (step.study_id, step.accession_number) == ("PPS00000001", "")
    assert (step.study_date, step.study_time) == (step.started.date(), step.started.time())
    attributes = object_attributes(step, series)
    assert attributes.AccessionNumber == ""
    assert "IssuerOfAccessionNumberSequence" not in attributes
    requests = attributes.RequestAttributesSequence
    assert [request.AccessionNumber for request in requests] == ["ACC1", "ACC2"]
    assert [request.StudyInstanceUID for request in requests] == ["1.2.3.4.5", "1.2.3.4.6"]


@pytest.mark.parametrize(
    "changes", [{"patient_id": "P-2"}, {"issuer_of_patient_id": "ELSEWHERE"}, {"patient_id": "", "name": "Other^One"}]
)
def test_patients_are_never_mixed(item, other_step, begin, changes):
    stranger = replace(other_step, patient=replace(item.patient, **changes))
    with pytest.raises(StateError) as caught:
        begin(item, stranger)
    assert "P-1" not in str(caught.value)
    with pytest.raises(StateError):
        begin(item, patient=stranger.patient)


def test_patients_without_an_id_are_told_apart_by_name_and_birth_date(item, begin):
    unnamed = replace(item, patient=replace(item.patient, patient_id=""))
    begin(unnamed, unnamed)
    with pytest.raises(StateError):
        begin(unnamed, replace(unnamed, patient=replace(unnamed.patient, birth_date=date(1999, 1, 1))))


@pytest.mark.parametrize(
    ("changes", "attribute"),
    [
        ({"performed_procedure_step_id": ""}, "PerformedProcedureStepID"),
        ({"modality": ""}, "Modality"),
        ({"performed_station_ae_title": ""}, "PerformedStationAETitle"),
        ({"study_instance_uid": ""}, "StudyInstanceUID"),
    ],
)
def test_a_missing_value_is_named(begin, changes, attribute):
    with pytest.raises(MissingAttribute) as caught:
        begin(**changes)
    assert caught.value.attribute == attribute


@pytest.mark.parametrize(
    "changes",
    [
        {"performed_procedure_step_id": "P" * 17},
        {"sop_instance_uid": "no uid"},
        {"modality": "dx"},
        {"started": datetime(2026, 3, 1, 9)},  # noqa: DTZ001
        {"operators": ["A\nB"]},
        {"description": "d" * 65},
        {"patient": Patient(patient_id="x" * 65)},
        {"equipment": Equipment(station_name="s" * 17)},
    ],
)
def test_a_value_that_could_not_be_written_is_refused_when_the_step_begins(begin, changes):
    with pytest.raises(InvalidValue):
        begin(**changes)


def test_the_worklists_character_set_is_kept_only_if_everything_fits(item, begin):
    japanese = replace(item.patient, name="Yamada=山田=やまだ")
    assert begin(replace(item, patient=japanese)).specific_character_set == ("ISO_IR 192",)
    kanji = replace(item, patient=japanese, specific_character_set=("", "ISO 2022 IR 87"))
    assert begin(kanji).specific_character_set == ("", "ISO 2022 IR 87")
    assert begin(kanji, operators=["Müller^A"]).specific_character_set == ("ISO_IR 192",)
    assert begin(replace(item, specific_character_set=("ISO_IR 6",))).specific_character_set == ("ISO_IR 192",)


@pytest.mark.req("NFR-QUAL-01")
@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize(
    ("character_set", "name"),
    [
        (("", "ISO 2022 IR 87"), "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (("ISO_IR 192",), "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (("ISO_IR 126",), "Διονυσιος^Α"),
        (("ISO_IR 100",), "Müller^Jürgen"),
    ],
)
def test_names_of_many_scripts_reach_the_objects(item, begin, series, round_trip, character_set, name, implicit):
    item = replace(item, patient=replace(item.patient, name=name), specific_character_set=character_set)
    attributes = round_trip(object_attributes(begin(item), series), implicit=implicit)
    written = attributes.SpecificCharacterSet
    assert (tuple(written) if len(character_set) > 1 else (written,)) == character_set
    assert attributes.PatientName == name


@pytest.mark.req("NFR-QUAL-01")
def test_an_object_has_every_attribute_that_the_step_knows(item, begin, series, round_trip):
    attributes = round_trip(object_attributes(begin(item), series))
    expected = {
        "PatientName": "Doe^Jane",
        "PatientID": "P-1",
        "IssuerOfPatientID": "HOSPITAL",
        "PatientBirthDate": "19800229",
        "PatientSex": "F",
        "PatientAge": "046Y",
        "PatientWeight": 61.5,
        "PatientSize": 1.7,
        "PregnancyStatus": 1,
        "AdmissionID": "ADM1",
        "StudyInstanceUID": "1.2.3.4.5",
        "StudyDate": "20260301",
        "StudyTime": "083000",
        "StudyID": "RP1",
        "AccessionNumber": "ACC1",
        "ReferringPhysicianName": "House^Gregory",
        "StudyDescription": "Chest two views",
        "Modality": "DX",
        "SeriesInstanceUID": "1.2.3.5.1",
        "SeriesNumber": 1,
        "SeriesDescription": "PA",
        "ProtocolName": "Chest PA",
        "OperatorsName": "Tech^One",
        "PerformingPhysicianName": "Ray^X",
        "BodyPartExamined": "CHEST",
        "PerformedProcedureStepID": "PPS00000001",
        "PerformedProcedureStepStartDate": "20260301",
        "PerformedProcedureStepStartTime": "091530",
        "PerformedProcedureStepDescription": "Chest PA",
        "Manufacturer": "Example",
        "ManufacturerModelName": "DR-1",
        "DeviceSerialNumber": "0001",
        "SoftwareVersions": "1.0",
        "StationName": "ROOM 1",
        "InstitutionName": "Example Hospital",
        "TimezoneOffsetFromUTC": "+0100",
        "SpecificCharacterSet": "ISO_IR 100",
    }
    assert {keyword: attributes[keyword].value for keyword in expected} == expected
    assert list(attributes.Allergies) == ["Latex", "Iodine"]
    assert attributes.OtherPatientIDsSequence[0].PatientID == "OLD-1"
    assert attributes.ReferencedPatientSequence[0].ReferencedSOPInstanceUID == "1.2.9"
    assert attributes.ReferencedStudySequence[0].ReferencedSOPInstanceUID == "1.2.3.4.5"
    assert attributes.IssuerOfAccessionNumberSequence[0].LocalNamespaceEntityID == "RIS"
    assert attributes.IssuerOfAdmissionIDSequence[0].LocalNamespaceEntityID == "ADT"
    assert read_code(attributes.ProcedureCodeSequence[0]).value == "71020"
    assert read_code(attributes.PerformedProtocolCodeSequence[0]) == CHEST
    (performed,) = attributes.ReferencedPerformedProcedureStepSequence
    assert performed.ReferencedSOPClassUID == MODALITY_PERFORMED_PROCEDURE_STEP
    assert performed.ReferencedSOPInstanceUID == "1.2.3.99"
    (request,) = attributes.RequestAttributesSequence
    assert (request.RequestedProcedureID, request.ScheduledProcedureStepID) == ("RP1", "SPS1")
    assert request.RequestedProcedureDescription == "Chest two views"
    assert request.ReasonForTheRequestedProcedure == "Cough"
    assert request.ScheduledProcedureStepDescription == "Chest PA"
    assert read_code(request.ScheduledProtocolCodeSequence[0]) == CHEST
    assert read_code(request.RequestedProcedureCodeSequence[0]).value == "71020"


@pytest.mark.req("NFR-QUAL-01")
def test_attributes_of_type_2_are_there_even_if_empty(begin):
    bare = PerformedSeries(series_instance_uid="1.2.3.5", series_number=1, modality="DX", protocol_name="P")
    attributes = object_attributes(begin(equipment=Equipment()), bare)
    for keyword in [
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "AccessionNumber",
        "ReferringPhysicianName",
        "Manufacturer",
    ]:
        assert attributes[keyword].VM == 0
    assert "SpecificCharacterSet" in attributes
    assert not [e.keyword for e in attributes if e.VR == "SQ" and not e.value]


@pytest.mark.req("NFR-QUAL-01")
@pytest.mark.parametrize(
    ("modality", "laterality", "written"),
    [("CR", "L", "L"), ("PR", "R", "R"), ("CR", "B", None), ("CR", "U", None), ("CR", "", None), ("DX", "L", None)],
)
def test_laterality_is_written_only_where_it_is_legal(begin, series, modality, laterality, written):
    attributes = object_attributes(begin(), replace(series, modality=modality, laterality=laterality))
    assert attributes.get("Laterality") == written


@pytest.mark.req("NFR-QUAL-01")
@pytest.mark.parametrize(
    ("born", "age"),
    [
        (date(1980, 2, 29), "046Y"),
        (date(2024, 3, 1), "002Y"),
        (date(2024, 3, 2), "023M"),
        (date(2025, 12, 1), "003M"),
        (date(2026, 1, 1), "008W"),
        (date(2026, 2, 2), "027D"),
        (date(2026, 3, 1), "000D"),
        (date(2026, 3, 2), None),
        (None, None),
        (date(1000, 1, 1), None),
    ],
)
def test_the_age_is_that_on_the_day_of_the_study(born, age):
    assert _age(born, date(2026, 3, 1)) == age


@pytest.mark.req("X-TIME")
def test_times_of_a_step_keep_the_offset_of_its_start(begin):
    step = begin(started=datetime(2026, 3, 29, 1, 30, tzinfo=timezone(timedelta(hours=1))))
    later = local_time(step, datetime(2026, 3, 29, 1, 30, tzinfo=UTC))
    assert (later.hour, later.utcoffset()) == (2, timedelta(hours=1))
    with pytest.raises(InvalidValue):
        local_time(step, datetime(2026, 3, 29))  # noqa: DTZ001


@pytest.mark.req("X-TIME")
@pytest.mark.parametrize(
    ("hours", "offset"), [(0, "+0000"), (-3.5, "-0330"), (5.75, "+0545"), (14, "+1400"), (-12, "-1200")]
)
def test_the_offset_from_utc_is_stated(begin, series, hours, offset):
    step = begin(started=datetime(2026, 3, 1, 9, tzinfo=timezone(timedelta(hours=hours))))
    assert object_attributes(step, series).TimezoneOffsetFromUTC == offset
    assert mpps_create(step).TimezoneOffsetFromUTC == offset


SHORT = st.text(alphabet="ABCabc 12äΩ山", max_size=16).map(str.strip)
IDENTIFIER = st.text(alphabet="ABC123", min_size=1, max_size=16)
CODES = st.lists(
    st.builds(Code, value=IDENTIFIER, scheme=st.just("99X"), meaning=IDENTIFIER), max_size=2, unique=True
).map(tuple)
PATIENT = st.builds(
    Patient,
    name=SHORT,
    patient_id=IDENTIFIER,
    issuer_of_patient_id=SHORT,
    birth_date=st.none() | st.dates(),
    sex=st.sampled_from(["M", "F", "O", ""]),
)
ITEMS = st.builds(
    WorklistItem,
    study_instance_uid=st.sampled_from(["1.2.3.1", "1.2.3.2"]),
    requested_procedure_id=IDENTIFIER,
    requested_procedure_description=SHORT,
    requested_procedure_codes=CODES,
    accession_number=SHORT,
    scheduled_procedure_step_id=IDENTIFIER,
    scheduled_procedure_step_description=SHORT,
    scheduled_protocol_codes=CODES,
    study_date=st.none() | st.dates(),
    study_time=st.none() | st.times(),
    specific_character_set=st.sampled_from([(), ("ISO_IR 100",), ("ISO_IR 126",), ("", "ISO 2022 IR 87")]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(patient=PATIENT, items=st.lists(ITEMS, max_size=3))
def test_objects_and_mpps_of_any_step_agree(patient, items, begin, series):
    items = [replace(item, patient=patient) for item in items]
    step = begin(*items, patient=None if items else patient)
    first = object_attributes(step, series)
    second = object_attributes(step, replace(series, series_instance_uid="1.2.3.5.2", series_number=2))
    mpps = mpps_create(step)
    scheduled = mpps.ScheduledStepAttributesSequence

    # every object names the step, with its ID and start
    (reference,) = first.ReferencedPerformedProcedureStepSequence
    assert reference.ReferencedSOPInstanceUID == step.sop_instance_uid
    for keyword in [
        "PerformedProcedureStepID",
        "PerformedProcedureStepStartDate",
        "PerformedProcedureStepStartTime",
        "StudyID",
        "Modality",
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "TimezoneOffsetFromUTC",
        "SpecificCharacterSet",
    ]:
        assert first[keyword].value == mpps[keyword].value == second[keyword].value

    # one study: one patient, date, time, study ID, accession number
    for keyword in ["StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber", "IssuerOfPatientID"]:
        assert first.get(keyword) == second.get(keyword)
    assert {item.StudyInstanceUID for item in scheduled} == {first.StudyInstanceUID}

    if items:
        requests = first.RequestAttributesSequence
        assert len(requests) == len(scheduled) == len(items)
        for request, created in zip(requests, scheduled, strict=True):
            assert request.RequestedProcedureID == created.RequestedProcedureID
            assert request.ScheduledProcedureStepID == created.ScheduledProcedureStepID
            codes = [read_code(code) for code in created.ScheduledProtocolCodeSequence]
            assert [read_code(code) for code in request.get("ScheduledProtocolCodeSequence", ())] == codes
    else:
        assert "RequestAttributesSequence" not in first
        (only,) = scheduled
        assert [element.keyword for element in only if element.VM and element.value] == ["StudyInstanceUID"]
