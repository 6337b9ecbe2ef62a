"""From worklist items to everything that objects and MPPS messages of a step share (PS3.17 Annex J)."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modality_sdk.dataset import local_time, object_attributes, read_code
from modality_sdk.dataset.objects import _age
from modality_sdk.dataset.sop_classes import MODALITY_PERFORMED_PROCEDURE_STEP
from modality_sdk.errors import InvalidValue, MissingAttribute, StateError
from modality_sdk.model import (
    Code,
    Equipment,
    Issuer,
    OtherPatientId,
    Patient,
    PatientIdQualifiers,
    PatientState,
    PerformedSeries,
    PersonIdentification,
    ProtocolChoice,
    WorklistItem,
)

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
    begin(unnamed, replace(unnamed, scheduled_procedure_step_id="SPS2"))
    with pytest.raises(StateError):
        begin(unnamed, replace(unnamed, patient=replace(unnamed.patient, birth_date=date(1999, 1, 1))))


def test_items_of_one_patient_of_which_only_one_names_the_issuer_are_grouped(item, other_step, begin):
    silent = replace(item, patient=replace(item.patient, issuer_of_patient_id=""))
    for step in (begin(silent, other_step), begin(other_step, silent), begin(other_step, patient=silent.patient)):
        assert step.patient.issuer_of_patient_id == "HOSPITAL"
    third = replace(
        item,
        scheduled_procedure_step_id="SPS3",
        patient=replace(item.patient, issuer_of_patient_id="ELSEWHERE"),
    )
    with pytest.raises(StateError):
        begin(silent, other_step, third)


def test_issuers_with_different_universal_identifiers_are_different(item, other_step, begin):
    def of(universal, step):
        qualifiers = PatientIdQualifiers(universal_entity_id=universal, universal_entity_id_type="ISO")
        return replace(step, patient=replace(item.patient, issuer_of_patient_id_qualifiers=qualifiers))

    assert begin(item, of("2.16.1", other_step)).patient.issuer_of_patient_id_qualifiers
    with pytest.raises(StateError):
        begin(of("2.16.2", item), of("2.16.1", other_step))


def test_one_scheduled_step_is_not_performed_twice_in_one(item, begin):
    with pytest.raises(StateError, match="twice"):
        begin(item, replace(item, scheduled_procedure_step_description="Something else"))
    nameless = replace(item, scheduled_procedure_step_id="")
    with pytest.raises(StateError, match="twice"):
        begin(nameless, nameless)
    begin(nameless, replace(nameless, scheduled_procedure_step_description="Another"))


DONE = Code(value="73120", scheme="C4", meaning="Hand two views")


def test_another_procedure_than_the_requested_one_is_told_in_objects_and_mpps(item, begin, series, mpps_create):
    step = begin(item, procedure_codes=[DONE], comments="Changed", study_id="ST1")
    attributes, created = object_attributes(step, series), mpps_create(step)
    for dataset in (attributes, created):
        assert [read_code(code) for code in dataset.ProcedureCodeSequence] == [DONE]
        assert dataset.StudyID == "ST1"
        assert dataset.CommentsOnThePerformedProcedureStep == "Changed"
    assert attributes.StudyDescription == created.PerformedProcedureTypeDescription == "Hand two views"
    for requested in (*attributes.RequestAttributesSequence, *created.ScheduledStepAttributesSequence):
        assert read_code(requested.RequestedProcedureCodeSequence[0]).value == "71020"
        assert requested.RequestedProcedureDescription == "Chest two views"


def test_a_typed_accession_number_stands_where_the_worklist_gave_none(item, begin, series, mpps_create):
    without = replace(item, accession_number="")
    for step in (begin(patient=Patient(patient_id="E"), accession_number="T1"), begin(without, accession_number="T1")):
        attributes, created = object_attributes(step, series), mpps_create(step)
        assert attributes.AccessionNumber == created.ScheduledStepAttributesSequence[0].AccessionNumber == "T1"
        assert "IssuerOfAccessionNumberSequence" not in attributes
    assert begin(item, accession_number="ACC1").accession_number == "ACC1"
    with pytest.raises(InvalidValue, match="AccessionNumber") as caught:
        begin(item, accession_number="T1")
    assert "T1" not in str(caught.value)
    assert "ACC1" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "attribute"),
    [
        ({"operators": "Doe^Jane"}, "OperatorsName"),
        ({"operators": None}, "OperatorsName"),
        ({"operators": [5]}, "OperatorsName"),
        ({"performing_physicians": "Doe^Jane"}, "PerformingPhysicianName"),
        ({"procedure_codes": DONE}, "ProcedureCodeSequence"),
        ({"procedure_codes": "73120"}, "ProcedureCodeSequence"),
        ({"procedure_codes": ["73120"]}, "ProcedureCodeSequence"),
    ],
)
def test_a_single_value_is_no_sequence(begin, changes, attribute):
    with pytest.raises(InvalidValue) as caught:
        begin(patient=Patient(patient_id="E"), **changes)
    assert caught.value.attribute == attribute


@pytest.mark.parametrize(
    ("changes", "attribute"),
    [
        ({"sex": "X"}, "PatientSex"),
        ({"sex": "male"}, "PatientSex"),
        ({"sex": None}, "PatientSex"),
        ({"birth_date": "19700101"}, "PatientBirthDate"),
        ({"birth_date": datetime(1970, 1, 1, tzinfo=UTC)}, "PatientBirthDate"),
        ({"other_patient_ids": "A"}, "OtherPatientIDsSequence"),
        ({"other_patient_ids": (5,)}, "OtherPatientIDsSequence"),
        ({"name": 5}, "PatientName"),
        ({"state": PatientState(pregnancy_status=5)}, "PregnancyStatus"),
        ({"state": PatientState(pregnancy_status=True)}, "PregnancyStatus"),
        ({"state": PatientState(pregnancy_status="1")}, "PregnancyStatus"),
        ({"state": PatientState(weight=0)}, "PatientWeight"),
        ({"state": PatientState(weight="70")}, "PatientWeight"),
        ({"state": PatientState(weight=float("inf"))}, "PatientWeight"),
        ({"state": PatientState(size=-1.7)}, "PatientSize"),
        ({"state": PatientState(size=True)}, "PatientSize"),
    ],
)
def test_a_typed_patient_whose_values_cannot_be_right_is_refused(begin, changes, attribute):
    with pytest.raises(InvalidValue) as caught:
        begin(patient=Patient(**{"patient_id": "E", **changes}))
    assert caught.value.attribute == attribute


@pytest.mark.req("X-TIME")
def test_study_date_and_time_of_another_zone_are_brought_to_that_of_the_step(item, begin):
    early = replace(item, study_time=time(3), timezone_offset_from_utc="+0900")  # the step begins at +0100
    step = begin(early)
    assert (step.study_date, step.study_time) == (date(2026, 2, 28), time(19))
    same = begin(replace(early, timezone_offset_from_utc="+0100"))
    assert (same.study_date, same.study_time) == (date(2026, 3, 1), time(3))
    first_day = begin(replace(early, study_date=date.min))
    assert first_day.study_date == first_day.started.date()
    with pytest.raises(InvalidValue, match="TimezoneOffsetFromUTC"):
        begin(replace(early, timezone_offset_from_utc="CET"))


def test_a_context_that_is_no_json_is_refused(item, begin):
    for context in ("[", "5", '[{"00100010": 5}]', '[{"99999999": {"vr": "XX"}}]'):
        with pytest.raises(InvalidValue):
            begin(replace(item, scheduled_protocol_contexts=(context,)))
    assert begin(replace(item, scheduled_protocol_contexts=("", "never looked at")))


def test_an_issuer_given_as_text_is_a_local_namespace_and_one_without_a_type_is_refused(item, begin):
    assert item.issuer_of_accession_number == Issuer(local_namespace_entity_id="RIS")
    assert item.patient.other_patient_ids == (OtherPatientId(patient_id="OLD-1"),)
    with pytest.raises(MissingAttribute, match="UniversalEntityIDType"):
        begin(replace(item, issuer_of_accession_number=Issuer(universal_entity_id="2.16.1")))
    with pytest.raises(MissingAttribute, match="OtherPatientIDsSequence"):
        begin(replace(item, patient=replace(item.patient, other_patient_ids=("",))))


def test_different_referring_physicians_leave_no_identification(item, other_order, begin, series):
    codes = (Code(value="D1", scheme="99X", meaning="House^Gregory"),)
    person = PersonIdentification(codes=codes, institution_name="Clinic")
    known = replace(item, referring_physician_identification=person)
    assert "ReferringPhysicianIdentificationSequence" in object_attributes(begin(known), series)
    nowhere = replace(known, referring_physician_identification=replace(person, institution_name=""))
    for items in ((known, other_order), (nowhere,)):
        assert "ReferringPhysicianIdentificationSequence" not in object_attributes(begin(*items), series)


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
    for unwritable in ("ISO_IR 6", "ISO_IR 203", "KLINGON"):
        assert begin(replace(item, specific_character_set=(unwritable,))).specific_character_set == ("ISO_IR 192",)


@pytest.mark.parametrize(
    "changes",
    [
        {"operators": ["Ωmega"]},
        {"performing_physicians": ["Ωmega"]},
        {"protocol": ProtocolChoice(name="Ω")},
        {"description": "Ω"},
        {"comments": "Ω"},
        {"performed_location": "Ω"},
        {"equipment": Equipment(institution_name="Ω")},
    ],
)
def test_all_text_that_is_known_decides_on_the_character_set(item, begin, mpps_create, changes):
    assert begin(item).specific_character_set == ("ISO_IR 100",)
    step = begin(item, **changes)
    assert mpps_create(step).SpecificCharacterSet == "ISO_IR 192"


def test_text_of_the_order_that_only_the_mpps_repeats_decides_on_the_character_set(item, begin):
    assert begin(replace(item, placer_order_number="Ω")).specific_character_set == ("ISO_IR 192",)


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
def test_the_offset_from_utc_is_stated(begin, series, hours, offset, mpps_create):
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


# pydicom counts the bytes of an encoded text where PS3.5 Table 6.2-1 counts its characters
@pytest.mark.filterwarnings("ignore:The value length")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(patient=PATIENT, items=st.lists(ITEMS, max_size=3, unique_by=lambda item: item.scheduled_procedure_step_id))
def test_objects_and_mpps_of_any_step_agree(patient, items, begin, series, mpps_create):
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
