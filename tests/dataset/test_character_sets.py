"""Specific Character Set: which to write, and reading what is there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modality_sdk.dataset import build, declare, ensure_encodable
from modality_sdk.dataset.character_sets import UNICODE, character_set_of, confine, decode, fits
from modality_sdk.errors import InvalidValue

pytestmark = pytest.mark.req("NFR-QUAL-01")

SETS = [
    (("", "ISO 2022 IR 87"), "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    (("ISO 2022 IR 13", "ISO 2022 IR 87"), "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
    (("ISO_IR 192",), "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    (("ISO_IR 126",), "Διονυσιος"),
    (("ISO_IR 144",), "Люксембург"),
    (("ISO_IR 100",), "Müller^Jérôme"),
    (("", "ISO 2022 IR 149"), "Hong^Gildong=洪^吉洞=홍^길동"),
    (("GB18030",), "Wang^XiaoDong=王^小东"),
    (("ISO 2022 IR 100", "ISO 2022 IR 126"), "Jérôme Διον"),
]


@pytest.mark.parametrize(("character_set", "name"), SETS)
@pytest.mark.parametrize("implicit", [True, False])
def test_a_name_survives_being_written_and_read_in_its_set(character_set, name, implicit, round_trip):
    dataset = build(PatientName=name, OperatorsName=[name, "Doe^Jane"], ReferencedStudySequence=build(StudyID="x"))
    assert ensure_encodable(dataset, character_set) == character_set
    declare(dataset, character_set)
    back = round_trip(dataset, implicit=implicit)
    assert back.PatientName == name
    assert [str(operator) for operator in back.OperatorsName] == [name, "Doe^Jane"]


@pytest.mark.parametrize(("character_set", "name"), SETS)
def test_what_pydicom_writes_is_decoded_again(character_set, name, round_trip):
    dataset = build(SpecificCharacterSet=character_set, PatientName=name)
    raw = round_trip(dataset).get_item("PatientName").value
    assert decode(raw, character_set, b"^=\\").rstrip() == name


@pytest.mark.parametrize(
    ("character_set", "text"),
    [
        ((), "Müller"),
        (("ISO_IR 100",), "山田"),
        (("ISO_IR 13",), "山田"),
        (("", "ISO 2022 IR 87"), "Müller"),
        (("", "ISO 2022 IR 58"), "张"),
        (("", "ISO 2022 IR 87"), "홍"),
    ],
)
def test_text_that_does_not_fit_makes_the_set_unicode(character_set, text):
    assert ensure_encodable(build(PatientName=text), character_set) == UNICODE
    nested = build(RequestAttributesSequence=build(ScheduledProcedureStepDescription=text))
    assert ensure_encodable(nested, character_set) == UNICODE


def test_lines_with_code_extensions_make_the_set_unicode():
    assert ensure_encodable(build(PatientComments="山\r\n田"), ("", "ISO 2022 IR 87")) == UNICODE


@pytest.mark.parametrize("terms", [(), ("ISO_IR 6",), ("",), ("ISO 2022 IR 6",)])
def test_the_default_repertoire_is_never_written_as_a_set(terms):
    dataset = build(SpecificCharacterSet="ISO_IR 6", PatientName="Doe^Jane")
    character_set = ensure_encodable(dataset, terms)
    assert character_set == ()
    declare(dataset, character_set)
    assert "SpecificCharacterSet" not in dataset


@pytest.mark.parametrize(
    ("terms", "character_set"),
    [
        (["iso-ir 100"], ("ISO_IR 100",)),
        (["ISO_IR_192"], ("ISO_IR 192",)),
        (["UTF-8"], ("ISO_IR 192",)),
        (["ISO_IR 192", "ISO 2022 IR 87"], ("ISO_IR 192",)),
        (["", "ISO_IR 192", "ISO 2022 IR 87"], ("", "ISO 2022 IR 87")),
        (["ISO 2022 IR 87"], ("", "ISO 2022 IR 87")),
        (["ISO 2022 IR 100"], ("ISO_IR 100",)),
        (["ISO_IR 100", "ISO 2022 IR 87"], ("ISO 2022 IR 100", "ISO 2022 IR 87")),
    ],
)
def test_misspelt_and_illegal_combinations_are_brought_into_form(terms, character_set):
    assert character_set_of(terms) == character_set


def test_an_unknown_term_is_refused():
    with pytest.raises(InvalidValue, match="SpecificCharacterSet"):
        character_set_of(["KLINGON"])
    with pytest.raises(InvalidValue):
        ensure_encodable(build(PatientID="x"), ("KLINGON",))


@given(st.binary(), st.sampled_from([*(s for s, _ in SETS), (), ("ISO_IR 13",), ("", "ISO 2022 IR 58")]))
def test_decoding_never_raises(value, character_set):
    assert isinstance(decode(value, character_set, b"^="), str)


@given(st.binary(max_size=20))
def test_decoding_of_escape_sequences_never_raises(value):
    for escape in (b"\x1b$B", b"\x1b$)C", b"\x1b(B", b"\x1b$(D", b"\x1b-F", b"\x1b"):
        assert isinstance(decode(escape + value, ("", "ISO 2022 IR 87"), b"^="), str)


@given(st.text(alphabet="aé山홍Ω\nﾔ^=\\"), st.sampled_from([s for s, _ in SETS]))
def test_a_confined_data_set_fits_its_set_and_keeps_what_fits(text, character_set):
    dataset = build(PatientComments=text, ReferencedStudySequence=build(PatientComments=text))
    confine(dataset, character_set)
    assert ensure_encodable(dataset, character_set) == character_set
    if fits(text, character_set):
        assert dataset.PatientComments == text
    assert dataset.ReferencedStudySequence[0].PatientComments == dataset.PatientComments


def test_confined_text_shows_a_question_mark_for_what_is_lacking():
    dataset = build(OperatorsName=["Jérôme^山", "Doe^Jane"], SeriesDescription="Ω")
    confine(dataset, ("ISO_IR 100",))
    assert [str(name) for name in dataset.OperatorsName] == ["Jérôme^?", "Doe^Jane"]
    assert dataset.SeriesDescription == "?"
    assert dataset.SpecificCharacterSet == "ISO_IR 100"


def test_latin_alphabet_9_is_read_and_never_written():
    assert character_set_of(["ISO_IR 203"]) == ("ISO_IR 203",)
    assert decode(b"c\xbdur \xa4", ("ISO_IR 203",)) == "cœur €"
    assert decode(b"Doe\x1b-bc\xbdur", ("", "ISO 2022 IR 203")) == "Doecœur"
    for text in ("cœur", "heart"):
        dataset = build(PatientComments=text)
        assert ensure_encodable(dataset, ("ISO_IR 203",)) == UNICODE
        confine(dataset, ("ISO_IR 203",))
        assert (dataset.SpecificCharacterSet, dataset.PatientComments) == ("ISO_IR 192", text)
