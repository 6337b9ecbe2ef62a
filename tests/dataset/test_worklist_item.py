"""From an answer of the worklist to an item, leniently (PS3.4 Annex K)."""

from datetime import UTC, date, datetime, time
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import DataElement, Dataset, Sequence, config, dcmread
from pydicom.datadict import dictionary_VR, tag_for_keyword

from modality_sdk.dataset import begin_step, build, mpps_create, object_attributes, read_worklist_item
from modality_sdk.errors import InvalidValue
from modality_sdk.model import (
    Code,
    Equipment,
    Issuer,
    OtherPatientId,
    PatientIdQualifiers,
    PerformedSeries,
    PersonIdentification,
    SopReference,
)
from modality_sdk.simulator.mpps import judge_create

pytestmark = pytest.mark.req("FR-DICOM-03")

STUDY_UID = "1.2.3.4.5"
MARK = "MARKER"
ABSENT = "is missing, it is a return key of Type 1 (PS3.4 Table K.6-1)"
STARTED = datetime(2026, 3, 1, 9, tzinfo=UTC)
EQUIPMENT = Equipment(manufacturer="Example")


def raw(*elements: tuple[str, bytes], step: tuple[tuple[str, bytes], ...] | None = ()) -> Dataset:
    """A data set as it comes from the network: Explicit VR Little Endian bytes, read by pydicom."""

    def encode(pairs):
        body = b""
        for keyword, value in sorted(pairs, key=lambda pair: tag_for_keyword(pair[0])):
            tag = tag_for_keyword(keyword)
            vr = dictionary_VR(tag)
            value += b" " * (len(value) % 2)
            long = vr in ("SQ", "UT", "UC", "UR", "UN", "OB", "OW")
            length = (b"\0\0" + len(value).to_bytes(4, "little")) if long else len(value).to_bytes(2, "little")
            body += (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little") + vr.encode() + length
            body += value
        return body

    pairs = list(elements)
    if step is not None:
        inner = encode(step)
        pairs.append(("ScheduledProcedureStepSequence", b"\xfe\xff\x00\xe0" + len(inner).to_bytes(4, "little") + inner))
    return dcmread(BytesIO(encode(pairs)), force=True)


def rules(problems):
    return {problem.attribute: problem.rule for problem in problems if problem.rule != ABSENT}


def all_rules(problems):
    return {problem.attribute: problem.rule for problem in problems}


@pytest.fixture
def answer() -> Dataset:
    code = build(CodeValue="CHESTPA", CodingSchemeDesignator="99LOCAL", CodeMeaning="Chest PA")
    return build(
        SpecificCharacterSet="ISO_IR 100",
        StudyInstanceUID=STUDY_UID,
        StudyDate="20260301",
        StudyTime="083000",
        PatientName="Müller^Jürgen=山田=やまだ",
        PatientID="P-1",
        IssuerOfPatientID="HOSPITAL",
        PatientBirthDate="19800229",
        PatientSex="M",
        PatientWeight="80.5",
        PatientSize="1.8",
        PregnancyStatus=4,
        Allergies=["Latex", "Iodine"],
        MedicalAlerts="Pacemaker",
        PatientComments="one\r\ntwo",
        OtherPatientIDsSequence=[build(PatientID="OLD-1")],
        AccessionNumber="ACC1",
        IssuerOfAccessionNumberSequence=build(LocalNamespaceEntityID="RIS"),
        RequestedProcedureID="RP1",
        RequestedProcedureDescription="Thorax",
        RequestedProcedureCodeSequence=code,
        ReferencedStudySequence=build(ReferencedSOPClassUID="1.2.3", ReferencedSOPInstanceUID="1.2.4"),
        ReferringPhysicianName="House^Gregory",
        PlacerOrderNumberImagingServiceRequest="PL1",
        FillerOrderNumberImagingServiceRequest="FI1",
        AdmissionID="ADM1",
        IssuerOfAdmissionIDSequence=build(LocalNamespaceEntityID="ADT"),
        ScheduledProcedureStepSequence=build(
            Modality="DX",
            ScheduledStationAETitle=["XRAY1", "XRAY2"],
            ScheduledProcedureStepStartDate="20260301",
            ScheduledProcedureStepStartTime="0915",
            ScheduledProcedureStepID="SPS1",
            ScheduledProcedureStepDescription="Thorax PA",
            ScheduledProtocolCodeSequence=code,
            ScheduledPerformingPhysicianName="Ray^X",
            ScheduledProcedureStepStatus="SCHEDULED",
        ),
    )


@pytest.mark.parametrize("implicit", [True, False])
def test_an_answer_is_read_with_all_its_levels(answer, implicit, round_trip):
    answer.SpecificCharacterSet = "ISO_IR 192"
    item, problems = read_worklist_item(round_trip(answer, implicit=implicit))
    assert problems == ()
    assert item.patient.name == "Müller^Jürgen=山田=やまだ"
    assert (item.patient.patient_id, item.patient.issuer_of_patient_id) == ("P-1", "HOSPITAL")
    assert (item.patient.birth_date, item.patient.sex) == (date(1980, 2, 29), "M")
    assert (item.patient.state.weight, item.patient.state.size) == (80.5, 1.8)
    assert item.patient.state.pregnancy_status == 4
    assert item.patient.state.allergies == ("Latex", "Iodine")
    assert item.patient.state.comments == "one\r\ntwo"
    assert item.patient.other_patient_ids == (OtherPatientId(patient_id="OLD-1"),)
    assert (item.accession_number, str(item.issuer_of_accession_number)) == ("ACC1", "RIS")
    assert (item.study_date, item.study_time) == (date(2026, 3, 1), time(8, 30))
    assert item.referenced_studies == (SopReference(sop_class_uid="1.2.3", sop_instance_uid="1.2.4"),)
    assert item.scheduled_protocol_codes == (Code(value="CHESTPA", scheme="99LOCAL", meaning=""),)
    assert item.scheduled_station_ae_titles == ("XRAY1", "XRAY2")
    assert item.scheduled_procedure_step_start_time == time(9, 15)
    assert (item.placer_order_number, item.filler_order_number) == ("PL1", "FI1")
    assert (item.admission_id, item.issuer_of_admission_id) == ("ADM1", Issuer(local_namespace_entity_id="ADT"))
    assert item.specific_character_set == ("ISO_IR 192",)


def test_an_answer_that_was_never_encoded_is_read_alike(answer, round_trip):
    answer.SpecificCharacterSet = "ISO_IR 192"
    assert read_worklist_item(answer) == read_worklist_item(round_trip(answer))


@pytest.mark.parametrize("uid", [None, b"", b"1.02.3", b"garbage", b"1." * 40 + b"1"])
def test_an_answer_without_a_valid_study_is_a_fatal_problem_that_names_it(uid):
    elements = [("PatientID", MARK.encode())] + ([] if uid is None else [("StudyInstanceUID", uid)])
    item, problems = read_worklist_item(raw(*elements), 3)
    assert item is None
    (fatal,) = [problem for problem in problems if problem.fatal]
    assert (fatal.attribute, fatal.index) == ("StudyInstanceUID", 3)


def test_an_answer_with_nothing_but_a_study_is_an_item():
    item, problems = read_worklist_item(build(StudyInstanceUID=STUDY_UID))
    assert item.study_instance_uid == STUDY_UID
    assert list(rules(problems)) == ["ScheduledProcedureStepSequence"]
    assert not problems[0].fatal


@pytest.mark.parametrize(
    ("value", "day"),
    [
        (b"20260301", date(2026, 3, 1)),
        (b"2026.03.01", date(2026, 3, 1)),
        (b"2026-03-01", date(2026, 3, 1)),
        (b"20260230", None),
        (b"tomorrow", None),
        (b"20260301-20260302", None),
        (b"", None),
    ],
)
def test_dates_of_the_retired_form_are_understood_and_others_left_out(value, day):
    item, problems = read_worklist_item(
        raw(("StudyInstanceUID", b"1.2.3"), step=(("ScheduledProcedureStepStartDate", value),))
    )
    assert item.scheduled_procedure_step_start_date == day
    assert ("ScheduledProcedureStepStartDate" in rules(problems)) == (value not in (b"20260301", b""))
    assert ("ScheduledProcedureStepStartDate" in all_rules(problems)) == (value != b"20260301")


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (b"08", time(8)),
        (b"0830", time(8, 30)),
        (b"083015.25", time(8, 30, 15, 250000)),
        (b"08:30:15", time(8, 30, 15)),
        (b"235960", time(23, 59, 59)),
        (b"2500", None),
        (b"8:30", None),
    ],
)
def test_short_times_are_understood(value, moment):
    item, problems = read_worklist_item(
        raw(("StudyInstanceUID", b"1.2.3"), step=(("ScheduledProcedureStepStartTime", value),))
    )
    assert item.scheduled_procedure_step_start_time == moment
    assert ("ScheduledProcedureStepStartTime" in rules(problems)) == (moment is None or b":" in value)


def test_over_long_text_is_cut_to_its_vr_and_reported_without_the_value():
    item, problems = read_worklist_item(
        raw(
            ("StudyInstanceUID", b"1.2.3"),
            ("AccessionNumber", MARK.encode() * 5),
            ("PatientName", MARK.encode() * 20 + b"^A=" + MARK.encode() * 20),
            step=(("ScheduledStationName", b"A\tB"), ("Modality", b"dx ")),
        )
    )
    assert item.accession_number == (MARK * 5)[:16]
    assert [len(group) for group in item.patient.name.split("=")] == [64, 64]
    assert item.scheduled_station_name == "A B"
    assert item.modality == "DX"
    assert set(rules(problems)) == {"AccessionNumber", "PatientName", "ScheduledStationName", "Modality"}
    assert not any(MARK in rule for rule in rules(problems).values())


@pytest.mark.parametrize(
    ("terms", "encoded", "name"),
    [
        (b"ISO_IR 100", "Müller".encode("latin-1"), "Müller"),
        (b"ISO_IR 192", "Müller=山田".encode(), "Müller=山田"),
        (b"ISO_IR 126", "Διονυσιος".encode("iso8859_7"), "Διονυσιος"),
        (
            b"\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
        ),
        (
            b"\\ISO 2022 IR 149",
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
            "Hong^Gildong=洪^吉洞=홍^길동",
        ),
        (b"GB18030", "Wang^XiaoDong=王^小东".encode("gb18030"), "Wang^XiaoDong=王^小东"),
        (b"GB18030", "俓^A".encode("gb18030"), "俓^A"),
    ],
)
def test_names_are_decoded_in_the_declared_set_with_their_component_groups(terms, encoded, name):
    item, problems = read_worklist_item(
        raw(("SpecificCharacterSet", terms), ("StudyInstanceUID", b"1.2.3"), ("PatientName", encoded))
    )
    assert rules(problems) == {}
    assert item.patient.name == name


def test_the_assumed_set_decodes_an_answer_that_declares_none():
    dataset = raw(("StudyInstanceUID", b"1.2.3"), ("PatientName", "Διον".encode("iso8859_7")))
    item, problems = read_worklist_item(dataset, assume_charset="ISO_IR 126")
    assert item.patient.name == "Διον"
    assert item.specific_character_set == ("ISO_IR 126",)
    assert rules(problems) == {}
    assert dataset.PatientName != "Διον"  # pydicom now has taken it for Latin 1 …
    assert read_worklist_item(dataset, assume_charset="ISO_IR 126")[0].patient.name == "Διον"  # … which does no harm


def test_a_declared_set_goes_before_the_assumed_one():
    dataset = raw(
        ("SpecificCharacterSet", b"ISO_IR 100"), ("StudyInstanceUID", b"1.2.3"), ("PatientName", b"M\xfcller")
    )
    assert read_worklist_item(dataset, assume_charset="ISO_IR 126")[0].patient.name == "Müller"


@pytest.mark.parametrize("encoded", ["Müller".encode("latin-1"), "Müller".encode()])
def test_eight_bit_text_without_a_declared_set_is_a_problem(encoded):
    item, problems = read_worklist_item(raw(("StudyInstanceUID", b"1.2.3"), ("PatientName", encoded)))
    assert item.patient.name == "Müller"
    assert "no character set is declared" in rules(problems)["PatientName"]
    assert item.specific_character_set == ()


def test_undecodable_text_and_unknown_sets_are_problems():
    undecodable = raw(
        ("SpecificCharacterSet", b"ISO_IR 192"), ("StudyInstanceUID", b"1.2.3"), ("PatientName", b"A\xff")
    )
    item, problems = read_worklist_item(undecodable)
    assert item.patient.name == "A?"
    assert "PatientName" in rules(problems)
    unknown = build(SpecificCharacterSet="KLINGON", StudyInstanceUID=STUDY_UID)
    assert "SpecificCharacterSet" in rules(read_worklist_item(unknown)[1])


def test_an_item_of_a_sequence_may_declare_its_own_set():
    item, problems = read_worklist_item(
        raw(
            ("SpecificCharacterSet", b"ISO_IR 100"),
            ("StudyInstanceUID", b"1.2.3"),
            ("PatientName", b"M\xfcller"),
            step=(("SpecificCharacterSet", b"ISO_IR 192"), ("ScheduledProcedureStepDescription", "山田".encode())),
        )
    )
    assert (item.patient.name, item.scheduled_procedure_step_description) == ("Müller", "山田")
    assert rules(problems) == {}


def test_a_wrong_assumed_set_is_a_mistake_of_the_configuration():
    with pytest.raises(InvalidValue):
        read_worklist_item(build(StudyInstanceUID=STUDY_UID), assume_charset="KLINGON")


def test_codes_without_meaning_are_kept_and_codes_without_scheme_are_not():
    answer = build(
        StudyInstanceUID=STUDY_UID,
        RequestedProcedureCodeSequence=[
            build(CodeValue="A", CodingSchemeDesignator="99X"),
            build(CodeValue="B", CodeMeaning="no scheme"),
            build(),
        ],
        ScheduledProcedureStepSequence=build(),
    )
    item, problems = read_worklist_item(answer)
    assert [(code.value, code.meaning) for code in item.requested_procedure_codes] == [("A", "A")]
    assert set(rules(problems)) == {"RequestedProcedureCodeSequence"}


@pytest.mark.parametrize(
    ("attribute", "vr", "value"),
    [
        ("PatientName", "SQ", Sequence([Dataset()])),
        ("PatientWeight", "LO", "heavy"),
        ("PatientWeight", "DS", b"0"),
        ("PregnancyStatus", "US", 9),
        ("PatientSex", "CS", "X"),
        ("ScheduledProcedureStepSequence", "LO", "text"),
        ("ReferencedStudySequence", "SQ", Sequence([build(ReferencedSOPClassUID="1.2.3")])),
        ("PatientBirthDate", "FD", 1.5),
    ],
)
def test_an_attribute_that_makes_no_sense_is_left_out_and_named(attribute, vr, value):
    answer = build(StudyInstanceUID=STUDY_UID)
    answer.add(DataElement(tag_for_keyword(attribute), vr, value, validation_mode=config.IGNORE))
    item, problems = read_worklist_item(answer)
    assert item is not None
    assert attribute in rules(problems)


def test_a_broken_sequence_hides_no_other_attribute():
    item, problems = read_worklist_item(
        raw(
            ("StudyInstanceUID", b"1.2.3"),
            ("PatientID", b"P-1"),
            ("ReferencedStudySequence", b"abc"),
        )
    )
    assert item.patient.patient_id == "P-1"
    assert "ReferencedStudySequence" in rules(problems)


def test_return_keys_that_a_provider_owes_are_missed_one_by_one(answer):
    assert read_worklist_item(answer)[1] == ()
    for keyword in ("PatientName", "PatientID", "RequestedProcedureID"):
        del answer[keyword]
    step = answer.ScheduledProcedureStepSequence[0]
    for keyword in ("ScheduledProcedureStepID", "ScheduledProcedureStepStartDate", "Modality"):
        step[keyword].value = None
    item, problems = read_worklist_item(answer)
    assert item is not None
    assert [problem.attribute for problem in problems if problem.rule == ABSENT and not problem.fatal] == [
        "PatientName",
        "PatientID",
        "RequestedProcedureID",
        "ScheduledProcedureStepID",
        "ScheduledProcedureStepStartDate",
        "Modality",
    ]


@pytest.mark.parametrize("keyword", ["PatientID", "IssuerOfPatientID"])
@pytest.mark.parametrize("value", [MARK.encode() * 11, b"MARKER\\2", b"MARKER\\", b"MAR\x07KER", b"MARKER\xff"])
def test_an_identifier_of_the_patient_that_would_have_to_be_changed_makes_the_answer_unusable(keyword, value):
    item, problems = read_worklist_item(
        raw(("SpecificCharacterSet", b"ISO_IR 192"), ("StudyInstanceUID", b"1.2.3"), (keyword, value)), 5
    )
    assert item is None
    (fatal,) = [problem for problem in problems if problem.fatal]
    assert (fatal.attribute, fatal.index) == (keyword, 5)
    assert MARK not in fatal.rule


def test_an_identifier_of_the_patient_keeps_its_full_length_and_loses_its_padding():
    item, problems = read_worklist_item(raw(("StudyInstanceUID", b"1.2.3"), ("PatientID", b"1" * 64 + b" \0")))
    assert item.patient.patient_id == "1" * 64
    assert rules(problems) == {}


@pytest.mark.parametrize(("value", "length"), [(b"2026-000000000012345", 16), (b"A" * 16, 16)])
@pytest.mark.parametrize("keyword", ["AccessionNumber", "RequestedProcedureID", "ScheduledProcedureStepID"])
def test_identifiers_of_the_order_are_cut_and_the_answer_kept(keyword, value, length):
    in_step = keyword.startswith("Scheduled")
    pair = (keyword, value)
    dataset = raw(*[("StudyInstanceUID", b"1.2.3")] + [pair] * (not in_step), step=(pair,) if in_step else ())
    item, problems = read_worklist_item(dataset)
    field = {
        "AccessionNumber": "accession_number",
        "RequestedProcedureID": "requested_procedure_id",
        "ScheduledProcedureStepID": "scheduled_procedure_step_id",
    }
    assert getattr(item, field[keyword]) == value.decode()[:length]
    assert (keyword in rules(problems)) == (len(value) > length)


UNIVERSAL = {"UniversalEntityID": "2.16.1", "UniversalEntityIDType": "ISO"}
CODE = {"CodeValue": "D1", "CodingSchemeDesignator": "99X", "CodeMeaning": "Doctor^One"}


@pytest.fixture
def identified(answer):
    """An answer with every issuer and identification that can be asked for."""
    person = build(
        PersonIdentificationCodeSequence=build(**CODE),
        PersonAddress="Street 1",
        PersonTelephoneNumbers=["1", "2"],
        InstitutionName="Clinic",
        InstitutionAddress="Street 2",
    )
    qualifiers = build(
        **UNIVERSAL, IdentifierTypeCode="MR", AssigningFacilitySequence=build(LocalNamespaceEntityID="F")
    )
    answer.update(
        build(
            SpecificCharacterSet="ISO_IR 192",
            IssuerOfAccessionNumberSequence=build(LocalNamespaceEntityID="RIS", **UNIVERSAL),
            OrderPlacerIdentifierSequence=build(**UNIVERSAL),
            OrderFillerIdentifierSequence=build(LocalNamespaceEntityID="FILL"),
            IssuerOfAdmissionIDSequence=build(**UNIVERSAL),
            ServiceEpisodeID="EP1",
            IssuerOfServiceEpisodeIDSequence=build(LocalNamespaceEntityID="EPI"),
            IssuerOfPatientIDQualifiersSequence=qualifiers,
            OtherPatientIDsSequence=[
                build(PatientID="OLD-1", IssuerOfPatientID="ELSEWHERE", TypeOfPatientID="BARCODE"),
                build(PatientID="OLD-2", IssuerOfPatientIDQualifiersSequence=build(**UNIVERSAL)),
            ],
            ReferringPhysicianIdentificationSequence=person,
            RequestingPhysicianIdentificationSequence=person,
            InstitutionAddress="Street 3",
            AdmittingDiagnosesDescription=["Cough", "Fever"],
            AdmittingDiagnosesCodeSequence=build(CodeValue="R05", CodingSchemeDesignator="I10", CodeMeaning="Cough"),
        )
    )
    return answer


def test_issuers_and_identifications_are_read_whole(identified, round_trip):
    item, problems = read_worklist_item(round_trip(identified))
    universal = {"universal_entity_id": "2.16.1", "universal_entity_id_type": "ISO"}
    assert problems == ()
    assert item.issuer_of_accession_number == Issuer(local_namespace_entity_id="RIS", **universal)
    assert item.order_placer_identifier == Issuer(**universal)
    assert item.order_filler_identifier == Issuer(local_namespace_entity_id="FILL")
    assert item.issuer_of_admission_id == Issuer(**universal)
    assert item.issuer_of_service_episode_id == Issuer(local_namespace_entity_id="EPI")
    assert item.patient.issuer_of_patient_id_qualifiers == PatientIdQualifiers(
        **universal, identifier_type_code="MR", assigning_facility=Issuer(local_namespace_entity_id="F")
    )
    assert item.patient.other_patient_ids == (
        OtherPatientId(patient_id="OLD-1", issuer_of_patient_id="ELSEWHERE", type_of_patient_id="BARCODE"),
        OtherPatientId(patient_id="OLD-2", issuer_of_patient_id_qualifiers=PatientIdQualifiers(**universal)),
    )
    assert item.referring_physician_identification == PersonIdentification(
        codes=(Code(value="D1", scheme="99X", meaning=""),),
        address="Street 1",
        telephone_numbers=("1", "2"),
        institution_name="Clinic",
        institution_address="Street 2",
    )
    assert item.requesting_physician_identification == item.referring_physician_identification
    assert item.institution_address == "Street 3"
    assert item.admitting_diagnoses_descriptions == ("Cough", "Fever")
    assert item.admitting_diagnoses_codes == (Code(value="R05", scheme="I10", meaning=""),)


@pytest.mark.req("X-CASES")
def test_issuers_and_identifications_reach_objects_and_mpps(identified, begin, series, mpps_create):
    step = begin(read_worklist_item(identified)[0])
    attributes, created = object_attributes(step, series), mpps_create(step)
    (scheduled,), (request,) = created.ScheduledStepAttributesSequence, attributes.RequestAttributesSequence
    for holder in (attributes, request, scheduled):
        assert holder.IssuerOfAccessionNumberSequence == identified.IssuerOfAccessionNumberSequence
    for keyword in ("OrderPlacerIdentifierSequence", "OrderFillerIdentifierSequence"):
        assert scheduled[keyword] == identified[keyword]
    for holder in (attributes, created):
        for keyword in (
            "IssuerOfAdmissionIDSequence",
            "ServiceEpisodeID",
            "IssuerOfServiceEpisodeIDSequence",
            "IssuerOfPatientIDQualifiersSequence",
        ):
            assert holder[keyword] == identified[keyword]
        first, second = holder.OtherPatientIDsSequence
        assert (first.PatientID, first.IssuerOfPatientID, first.TypeOfPatientID) == ("OLD-1", "ELSEWHERE", "BARCODE")
        assert second.IssuerOfPatientIDQualifiersSequence[0].UniversalEntityID == "2.16.1"
    for keyword in (
        "ReferringPhysicianIdentificationSequence",
        "AdmittingDiagnosesDescription",
        "AdmittingDiagnosesCodeSequence",
    ):
        assert attributes[keyword] == identified[keyword]


def test_what_no_object_could_carry_is_told_when_it_is_read():
    item, problems = read_worklist_item(
        build(
            StudyInstanceUID=STUDY_UID,
            IssuerOfAccessionNumberSequence=[build(UniversalEntityID="2.16.1"), build()],
            OtherPatientIDsSequence=[build(PatientID="A"), build()],
            ReferringPhysicianIdentificationSequence=build(PersonIdentificationCodeSequence=build(**CODE)),
        )
    )
    assert not item.issuer_of_accession_number
    assert [other.patient_id for other in item.patient.other_patient_ids] == ["A"]
    assert item.referring_physician_identification.codes
    assert {
        "UniversalEntityIDType",
        "IssuerOfAccessionNumberSequence",
        "ReferringPhysicianIdentificationSequence",
    } < set(rules(problems))


def test_another_identifier_that_would_have_to_be_cut_is_left_out():
    others = b"".join(
        b"\xfe\xff\x00\xe0" + len(body).to_bytes(4, "little") + body
        for value in (b"1" * 66, b"OLD-1 ")
        for body in [b"\x10\x00\x20\x00LO" + len(value).to_bytes(2, "little") + value]
    )
    item, problems = read_worklist_item(raw(("StudyInstanceUID", b"1.2.3"), ("OtherPatientIDsSequence", others)))
    assert item.patient.other_patient_ids == (OtherPatientId(patient_id="OLD-1"),)
    assert "PatientID" in rules(problems)["OtherPatientIDsSequence"]


@pytest.fixture
def context():
    """A Protocol Context Sequence with values of many kinds."""
    name = build(CodeValue="N", CodingSchemeDesignator="99X", CodeMeaning="Name")
    return [
        build(
            ValueType="NUMERIC", ConceptNameCodeSequence=name, NumericValue=["1.5", "2"], FloatingPointValue=[1.5, 2]
        ),
        build(ValueType="TEXT", ConceptNameCodeSequence=name, TextValue="a \\ b"),
        build(
            ValueType="PNAME",
            PersonName="Müller^A=山田",
            ContentItemModifierSequence=build(ValueType="DATE", Date="20260301"),
        ),
        build(ValueType="DATETIME", DateTime="20260301120000+0100", UID="1.2.3"),
    ]


@pytest.mark.req("X-CASES")
@pytest.mark.parametrize("implicit", [True, False])
def test_the_context_of_a_scheduled_protocol_is_passed_on(
    answer, context, begin, series, round_trip, mpps_create, implicit
):
    answer.SpecificCharacterSet = "ISO_IR 192"
    codes = answer.ScheduledProcedureStepSequence[0].ScheduledProtocolCodeSequence
    codes.append(build(**CODE, ProtocolContextSequence=context))
    item, problems = read_worklist_item(round_trip(answer, implicit=implicit))
    assert problems == ()
    assert len(item.scheduled_protocol_codes) == len(item.scheduled_protocol_contexts) == 2
    assert item.scheduled_protocol_contexts[0] == ""
    step = begin(item)
    (request,) = object_attributes(step, series).RequestAttributesSequence
    (scheduled,) = mpps_create(step).ScheduledStepAttributesSequence
    for first, second in (request.ScheduledProtocolCodeSequence, scheduled.ScheduledProtocolCodeSequence):
        assert "ProtocolContextSequence" not in first
        assert list(second.ProtocolContextSequence) == context


def test_a_context_that_cannot_be_written_again_is_left_out_and_told(answer):
    code = answer.ScheduledProcedureStepSequence[0].ScheduledProtocolCodeSequence[0]
    part = build(ValueType="TEXT", TextValue="kept")
    part.add(DataElement(tag_for_keyword("Date"), "DA", "tomorrow", validation_mode=config.IGNORE))
    part.add(DataElement(tag_for_keyword("PixelData"), "OW", b"12"))
    part.add(DataElement(0x00091001, "LO", "private"))
    code.ProtocolContextSequence = [part]
    item, problems = read_worklist_item(answer)
    assert "kept" in item.scheduled_protocol_contexts[0]
    assert set(rules(problems)) == {"Date", "PixelData", "(0009,1001)"}


@pytest.mark.parametrize(("value", "offset"), [("-0800", "-0800"), ("+1400", "+1400"), ("+1430", ""), ("CET", "")])
def test_the_time_zone_of_an_answer_is_kept_if_it_is_one(answer, value, offset):
    answer.TimezoneOffsetFromUTC = value
    item, problems = read_worklist_item(answer)
    assert item.timezone_offset_from_utc == offset
    assert ("TimezoneOffsetFromUTC" in rules(problems)) == (not offset)


KEYWORDS = st.sampled_from(
    [
        "SpecificCharacterSet",
        "StudyInstanceUID",
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "PatientWeight",
        "PregnancyStatus",
        "Allergies",
        "PatientComments",
        "AccessionNumber",
        "StudyDate",
        "StudyTime",
        "ReferencedStudySequence",
        "RequestedProcedureCodeSequence",
        "ScheduledProcedureStepSequence",
        "OtherPatientIDsSequence",
        "CodeValue",
        "CodingSchemeDesignator",
        "CodeMeaning",
        "URNCodeValue",
        "Modality",
        "ScheduledProcedureStepID",
        "ScheduledStationAETitle",
        "ScheduledProcedureStepStartDate",
        "ScheduledProcedureStepStartTime",
        "ScheduledProcedureStepDescription",
        "ReferencedSOPClassUID",
        "ReferencedSOPInstanceUID",
        "RequestedProcedureDescription",
        "RequestedProcedureID",
        "IssuerOfAccessionNumberSequence",
        "LocalNamespaceEntityID",
        "UniversalEntityID",
        "UniversalEntityIDType",
        "IssuerOfPatientID",
        "IssuerOfPatientIDQualifiersSequence",
        "AssigningFacilitySequence",
        "OrderPlacerIdentifierSequence",
        "ReferringPhysicianIdentificationSequence",
        "PersonIdentificationCodeSequence",
        "InstitutionName",
        "AdmittingDiagnosesDescription",
        "TimezoneOffsetFromUTC",
        "ScheduledProtocolCodeSequence",
        "ProtocolContextSequence",
        "ConceptNameCodeSequence",
        "NumericValue",
        "FloatingPointValue",
        "DateTime",
        "TextValue",
        "ReferringPhysicianName",
        "AdmissionID",
    ]
)
VALUES = st.one_of(
    st.none(),
    st.text(max_size=80),
    st.binary(max_size=80),
    st.integers(),
    st.floats(),
    st.lists(st.text(max_size=5), max_size=3),
    st.sampled_from(["ISO_IR 100", "1.2.3", "20260301", "urn:ä", "http://x/\n"]),
)
VRS = st.sampled_from(["own", "own", "own", "LO", "UN", "US", "OB", "DS", "UT"])


@st.composite
def data_sets(draw, depth: int = 2):
    dataset = Dataset()
    for keyword in draw(st.lists(KEYWORDS, max_size=8, unique=True)):
        tag = tag_for_keyword(keyword)
        own = dictionary_VR(tag)
        if own == "SQ" and depth and draw(st.booleans()):
            value = Sequence(draw(st.lists(data_sets(depth - 1), max_size=2)))
            dataset.add(DataElement(tag, "SQ", value))
            continue
        vr, value = draw(VRS), draw(VALUES)
        vr = ("LO" if own == "SQ" else own) if vr == "own" else vr
        try:
            dataset.add(DataElement(tag, vr, value, validation_mode=config.IGNORE))
        except (ValueError, TypeError, AttributeError, OverflowError):
            continue  # pydicom itself cannot hold it
    return dataset


def written_again(item) -> None:
    """Whatever was read can be put into objects and messages."""
    step = begin_step(
        items=[item],
        patient=None,
        sop_instance_uid="1.2.3.99",
        study_instance_uid="1.2.3.77",
        performed_procedure_step_id="PPS1",
        modality="DX",
        performed_station_ae_title="XRAY1",
        started=STARTED,
        equipment=EQUIPMENT,
    )
    series = PerformedSeries(
        series_instance_uid="1.2.3.5", series_number=1, modality="DX", protocol_name=step.protocol_name
    )
    buffer = BytesIO()
    created = mpps_create(step)
    for dataset in (object_attributes(step, series), created):
        dataset.save_as(buffer, implicit_vr=False, little_endian=True, enforce_file_format=False)
    assert [str(violation) for violation in judge_create(created)[1]] == []


@given(data_sets())
def test_no_answer_however_hostile_raises(dataset):
    item, problems = read_worklist_item(dataset)
    assert (item is None) == any(problem.fatal for problem in problems)


@given(data_sets(), st.sampled_from(["", "ISO_IR 100", "ISO_IR 192"]))
def test_every_item_that_was_read_can_be_written_again(dataset, assume_charset):
    dataset.add(DataElement(tag_for_keyword("StudyInstanceUID"), "UI", STUDY_UID))
    item, _ = read_worklist_item(dataset, assume_charset=assume_charset)
    if item is not None:
        written_again(item)


@given(st.binary(max_size=400), st.binary(max_size=80))
def test_no_bytes_raise(step, name):
    dataset = raw(
        ("StudyInstanceUID", b"1.2.3"),
        ("PatientName", name),
        ("RequestedProcedureDescription", name),
        ("ScheduledProcedureStepSequence", step),
        ("PregnancyStatus", name[:3]),
        step=None,
    )
    item, _ = read_worklist_item(dataset)
    written_again(item)
