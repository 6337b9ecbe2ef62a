"""Setting attributes by keyword (PS3.5 section 6.2, PS3.6)."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from modality_sdk.dataset import assign, build
from modality_sdk.dataset.dictionary import MAXIMUM_LENGTH, conform, has_control_characters, is_uid
from modality_sdk.errors import InvalidValue

pytestmark = pytest.mark.req("NFR-QUAL-01")

KEYWORD_OF = {
    "AE": "RetrieveAETitle",
    "CS": "BodyPartExamined",
    "LO": "PatientID",
    "LT": "PatientComments",
    "PN": "PatientName",
    "SH": "StationName",
    "ST": "InstitutionAddress",
    "UC": "LongCodeValue",
    "UR": "URNCodeValue",
    "UT": "LocalNamespaceEntityID",
}


@pytest.mark.parametrize("keyword", ["ScheduledProcedureProtocolCodeSequence", "patient_name", "00100010", ""])
def test_a_keyword_that_the_dictionary_lacks_is_refused(keyword):
    dataset = Dataset()
    with pytest.raises(InvalidValue, match="no such attribute") as caught:
        assign(dataset, keyword, "x")
    assert caught.value.attribute == keyword
    assert len(dataset) == 0


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("RetrieveAETitle", "A" * 17),
        ("RetrieveAETitle", "   "),
        ("RetrieveAETitle", "ÄE"),
        ("PatientAge", "42"),
        ("BodyPartExamined", "chest"),
        ("BodyPartExamined", "C" * 17),
        ("StudyDate", "20260230"),
        ("StudyDate", "2026.02.03"),
        ("StudyDate", "20260101-20260102"),
        ("StudyDate", time(8)),
        ("StudyTime", "2460"),
        ("StudyTime", "08:30"),
        ("StudyTime", date(2026, 1, 1)),
        ("AcquisitionDateTime", "20261301"),
        ("PatientWeight", "heavy"),
        ("PatientWeight", "12345678901234567"),
        ("PatientWeight", float("nan")),
        ("PatientWeight", float("inf")),
        ("PatientWeight", True),
        ("SeriesNumber", "1.5"),
        ("SeriesNumber", 2**31),
        ("SeriesNumber", 1.0),
        ("Rows", -1),
        ("Rows", 65536),
        ("Rows", True),
        ("Rows", "512"),
        ("ExposureIndex", object()),
        ("StudyInstanceUID", "1.02.3"),
        ("StudyInstanceUID", "1." * 32 + "1"),
        ("StudyInstanceUID", "1"),
        ("StudyInstanceUID", "1.٣.4"),
        ("PatientID", "x" * 65),
        ("PatientID", "line\nbreak"),
        ("PatientID", "A\\B"),
        ("PatientID", "\ud800"),
        ("PatientID", b"bytes"),
        ("PatientID", ["A", "B"]),
        ("PatientName", "x" * 65),
        ("PatientName", "A=" + "x" * 65),
        ("PatientName", "A=B=C=D"),
        ("PatientName", "A^B^C^D^E^F"),
        ("PatientName", "A\\B"),
        ("StationName", "x" * 17),
        ("InstitutionAddress", "x" * 1025),
        ("PatientComments", "x" * 10241),
        ("PatientComments", "bell\x07"),
        ("URNCodeValue", " urn:x"),
        ("ImagerPixelSpacing", [1.0]),
        ("ImageType", ["ORIGINAL"]),
        ("PixelData", "text"),
        ("ReferencedStudySequence", "text"),
        ("ReferencedStudySequence", ["text"]),
        ("ReferencedStudySequence", 1),
    ],
)
def test_a_value_against_the_rules_of_its_vr_is_refused_without_repeating_it(keyword, value):
    dataset = build(PatientSex="F")
    with pytest.raises(InvalidValue) as caught:
        assign(dataset, keyword, value)
    assert caught.value.attribute == keyword
    assert caught.value.rule
    if isinstance(value, str) and len(value) > 6:
        assert value not in str(caught.value)
    assert list(dataset.keys()) == [0x00100040]


@pytest.mark.parametrize(
    ("keyword", "value", "written"),
    [
        ("PatientName", "Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("PatientName", "x" * 64 + "=" + "y" * 64, "x" * 64 + "=" + "y" * 64),
        ("PatientComments", "one\r\ntwo\\three", "one\r\ntwo\\three"),
        ("StudyDate", date(2026, 3, 1), "20260301"),
        ("StudyDate", date(33, 3, 1), "00330301"),
        ("StudyDate", datetime(2026, 3, 1, 8, tzinfo=UTC), "20260301"),
        ("StudyTime", time(8, 5, 1), "080501"),
        ("StudyTime", datetime(2026, 3, 1, 8, 0, 0, 1200, tzinfo=UTC), "080000.001200"),
        ("StudyTime", "08", "08"),
        ("StudyTime", "235960.5", "235960.5"),
        ("AcquisitionDateTime", date(2026, 3, 1), "20260301"),
        (
            "AcquisitionDateTime",
            datetime(2026, 3, 1, 8, 0, 0, 5, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
            "20260301080000.000005-0330",
        ),
        ("FieldOfViewRotation", 0.0, "0"),
        ("FieldOfViewRotation", 270, "270"),
        ("PatientWeight", 61.5, "61.5"),
        ("PatientWeight", 1 / 3, "0.33333333333333"),
        ("PatientWeight", Decimal("0.10"), "0.10"),
        ("PatientWeight", -1e-200 / 3, "-3.33333333e-201"),
        ("SeriesNumber", 7, "7"),
        ("SeriesNumber", " 7 ", "7"),
    ],
)
def test_a_legal_value_is_written_in_the_form_of_its_vr(keyword, value, written, round_trip):
    dataset = build(SpecificCharacterSet="ISO_IR 192", **{keyword: value})
    element = round_trip(dataset).get_item(keyword)
    assert element.value.rstrip(b" ").decode() == written


def test_none_and_empty_values_make_attributes_of_zero_length(round_trip):
    dataset = round_trip(
        build(PatientName=None, PatientID="", OperatorsName=(), SeriesNumber=None, Rows=None, StudyDate=None)
    )
    assert [element.VM for element in dataset] == [0] * 6
    assert build(ReferencedStudySequence=None).ReferencedStudySequence == []
    assert build(PatientID=None).PatientID == ""


def test_several_values_are_given_as_a_list_and_one_may_be_empty(round_trip):
    dataset = round_trip(build(ImageType=("ORIGINAL", "PRIMARY", ""), ImagerPixelSpacing=[0.14, 0.14]))
    assert list(dataset.ImageType) == ["ORIGINAL", "PRIMARY", ""]
    assert list(dataset.ImagerPixelSpacing) == [0.14, 0.14]


def test_an_image_type_of_two_values_keeps_both():
    assert list(build(ImageType=["ORIGINAL", "PRIMARY"]).ImageType) == ["ORIGINAL", "PRIMARY"]


def test_a_value_replaces_an_earlier_one():
    dataset = build(PatientID="A")
    assign(dataset, "PatientID", None)
    assert dataset.PatientID == ""


def test_sequences_take_one_item_or_several():
    one = build(PatientID="A")
    assert len(build(OtherPatientIDsSequence=one).OtherPatientIDsSequence) == 1
    assert len(build(OtherPatientIDsSequence=[one, one]).OtherPatientIDsSequence) == 2


@given(st.floats(-1e300, 1e300))
def test_every_finite_number_fits_a_ds(number):
    text = str(build(PatientWeight=number).PatientWeight.original_string)
    assert len(text) <= 16
    assert float(text) == pytest.approx(number, rel=1e-8)


@given(st.sampled_from(sorted(KEYWORD_OF)), st.text())
def test_conform_gives_a_value_that_assign_takes(vr, text):
    conformed = conform(vr, text)
    assign(Dataset(), KEYWORD_OF[vr], conformed)
    assert conform(vr, conformed) == conformed


@given(st.sampled_from(["LO", "SH", "PN", "LT"]), st.text(alphabet="abcÄé山 ^-", min_size=1))
def test_conform_changes_nothing_that_is_legal(vr, text):
    text = text.strip()[: MAXIMUM_LENGTH[vr]].strip()
    if vr != "PN" or text.count("^") < 5:
        assert conform(vr, text) == text


def test_conform_keeps_the_component_groups_of_a_name():
    name = "=".join(["A^" + "x" * 70, "山田^太郎", "やまだ^たろう", "fourth"])
    assert conform("PN", name) == "A^" + "x" * 62 + "=山田^太郎=やまだ^たろう"


@pytest.mark.parametrize("text", ["", "1", "1.", ".1", "1..2", "01.2", "1.2.x", "1.2 ", "1." + "2" * 63])
def test_what_is_no_uid_is_not_taken_for_one(text):
    assert not is_uid(text)


def test_a_uid_may_have_64_characters():
    assert is_uid("1." + "2" * 62)


@pytest.mark.parametrize("value", ["1.02.3", "1." * 40 + "1", "garbage", "1.2.3\\4", "1.2.\u0085"])
def test_a_rule_ends_with_the_one_section_it_comes_from(value):
    with pytest.raises(InvalidValue) as caught:
        build(StudyInstanceUID=value)
    assert caught.value.rule.count("PS3.5") == 1
    assert caught.value.rule.endswith(")")


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\x80", "\x85", "\x9f", "\ud800"])
@pytest.mark.parametrize("keyword", sorted(set(KEYWORD_OF.values())))
def test_control_characters_are_refused_everywhere_alike(keyword, character):
    assert has_control_characters(f"a{character}b")
    assert has_control_characters(f"a{character}b", paragraphs=True)
    with pytest.raises(InvalidValue):
        build(**{keyword: f"A{character}B"})


def test_line_breaks_are_control_characters_except_in_paragraphs():
    assert has_control_characters("a\r\n")
    assert not has_control_characters("a\r\n\t\f", paragraphs=True)
    assert not has_control_characters("Müller 山田")
