"""Explicit and implicit VR, converted without loss."""

import io
import struct
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLosslessSV1,
    generate_uid,
)

from modality_sdk.errors import InvalidValue
from modality_sdk.model import Rendition, SopReference
from modality_sdk.transcoding import EncodedRendition, reencode, sendable_syntaxes

SOP = SopReference(sop_class_uid=DigitalXRayImageStorageForPresentation, sop_instance_uid=generate_uid())


def encode(dataset: Dataset, syntax: str) -> EncodedRendition:
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, syntax == ImplicitVRLittleEndian
    write_dataset(stream, dataset)
    return EncodedRendition(sop=SOP, transfer_syntax_uid=syntax, data=stream.getvalue())


def decode(rendition: Rendition) -> Dataset:
    implicit = rendition.transfer_syntax_uid == ImplicitVRLittleEndian
    with rendition.open() as stream:
        return read_dataset(io.BytesIO(stream.read()), implicit, True)


def image() -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPInstanceUID = SOP.sop_instance_uid
    dataset.PatientName = "Müller^Jürgen=山田^太郎"
    dataset.PatientComments = "x" * 1025
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "T-D3000", "SRT", "Thorax"
    nested = Dataset()
    nested.ConceptNameCodeSequence = Sequence([item])
    dataset.AnatomicRegionSequence = Sequence([nested, Dataset()])
    dataset.AnatomicRegionSequence.is_undefined_length = True
    dataset.ReferencedImageSequence = Sequence([])
    dataset.ExposureTime, dataset.KVP = "7", "80.50"
    block = dataset.private_block(0x0019, "EXAMPLE", create=True)
    block.add_new(0x01, "LO", "private")
    dataset.Rows, dataset.Columns, dataset.BitsAllocated, dataset.PixelRepresentation = 3, 2, 16, 1
    dataset.add_new("SmallestImagePixelValue", "SS", -5)
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [256, 0, 16])
    table.add_new("LUTData", "OW", np.arange(256, dtype="<u2").tobytes())
    dataset.VOILUTSequence = Sequence([table])
    dataset.add_new("PixelData", "OW", np.arange(6, dtype="<i2").tobytes())
    return dataset


@pytest.mark.req("FR-DICOM-02")
def test_explicit_becomes_exactly_what_an_independent_writer_makes_implicit() -> None:
    converted = reencode(encode(image(), ExplicitVRLittleEndian), ImplicitVRLittleEndian)
    assert converted.transfer_syntax_uid == ImplicitVRLittleEndian
    assert converted.open().read() == encode(image(), ImplicitVRLittleEndian).data
    assert converted.size == len(converted.open().read())
    assert converted.sop == SOP


@pytest.mark.req("FR-DICOM-02")
def test_implicit_becomes_explicit_with_the_dictionary_s_representations() -> None:
    back = decode(reencode(encode(image(), ImplicitVRLittleEndian), ExplicitVRLittleEndian))
    original = image()
    assert back["PatientName"].VR == "PN"
    assert back.PatientName == original.PatientName
    assert back["SmallestImagePixelValue"].VR == "SS"
    assert back.SmallestImagePixelValue == -5
    assert back.AnatomicRegionSequence[0].ConceptNameCodeSequence[0].CodeMeaning == "Thorax"
    assert back["PixelData"].VR == "OW"
    assert back.PixelData == original.PixelData
    assert back[0x0019, 0x0010].VR == "LO"
    assert back[0x0019, 0x1001].value in (b"private ", "private")


@pytest.mark.req("FR-DICOM-02")
def test_values_keep_their_bytes_whatever_the_character_set_makes_of_them() -> None:
    odd = b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 192" + b"\x10\x00\x10\x00PN\x06\x00\xff\xfe^a  "
    source = EncodedRendition(sop=SOP, transfer_syntax_uid=ExplicitVRLittleEndian, data=odd)
    implicit = reencode(source, ImplicitVRLittleEndian)
    assert implicit.open().read().endswith(b"\x10\x00\x10\x00\x06\x00\x00\x00\xff\xfe^a  ")
    assert reencode(implicit, ExplicitVRLittleEndian).open().read() == odd


@pytest.mark.req("FR-DICOM-02")
def test_a_value_too_long_for_its_representation_becomes_un_and_survives() -> None:
    long = b"\x10\x00\x20\x00" + struct.pack("<L", 70000) + b"1" * 70000
    source = EncodedRendition(sop=SOP, transfer_syntax_uid=ImplicitVRLittleEndian, data=long)
    explicit = reencode(source, ExplicitVRLittleEndian)
    assert explicit.open().read()[4:6] == b"UN"
    assert reencode(explicit, ImplicitVRLittleEndian).open().read() == long


@pytest.mark.req("FR-DICOM-02")
def test_group_lengths_are_left_out() -> None:
    data = b"\x08\x00\x00\x00UL\x04\x00\x0e\x00\x00\x00" + b"\x08\x00\x60\x00CS\x02\x00DX"
    source = EncodedRendition(sop=SOP, transfer_syntax_uid=ExplicitVRLittleEndian, data=data)
    assert reencode(source, ImplicitVRLittleEndian).open().read() == b"\x08\x00\x60\x00\x02\x00\x00\x00DX"


@pytest.mark.req("FR-DICOM-02")
def test_an_object_in_the_wanted_syntax_is_given_back_as_it_is() -> None:
    source = encode(image(), ExplicitVRLittleEndian)
    assert reencode(source, ExplicitVRLittleEndian) is source


@pytest.mark.req("FR-DICOM-02")
def test_compressed_syntaxes_are_refused() -> None:
    source = EncodedRendition(sop=SOP, transfer_syntax_uid=JPEGLosslessSV1, data=b"")
    with pytest.raises(InvalidValue, match="TransferSyntaxUID"):
        reencode(source, ExplicitVRLittleEndian)


@pytest.mark.req("FR-DICOM-02")
@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"\x10\x00\x10\x00PN\x20\x00short", "ends in the middle"),
        (b"\x10\x00\x10", "ends in the middle"),
        (b"\x10\x00\x10\x00??\x02\x00ab", "no value representation"),
        (b"\xe0\x7f\x10\x00OW\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\x00\x00\x00\x00", "no sequence"),
        (b"\x08\x00\x40\x11SQ\x00\x00\x08\x00\x00\x00\x08\x00\x60\x00\x00\x00\x00\x00", "no item"),
        (b"\x08\x00\x40\x11SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * 200, "nested"),
    ],
)
def test_damaged_bytes_are_refused_with_the_rule_they_break(data: bytes, rule: str) -> None:
    source = EncodedRendition(sop=SOP, transfer_syntax_uid=ExplicitVRLittleEndian, data=data)
    with pytest.raises(InvalidValue, match=rule):
        reencode(source, ImplicitVRLittleEndian)


@pytest.mark.req("FR-DICOM-02")
def test_an_uncompressed_object_is_offered_in_both_syntaxes_its_own_first() -> None:
    assert sendable_syntaxes(ImplicitVRLittleEndian) == (ImplicitVRLittleEndian, ExplicitVRLittleEndian)
    assert sendable_syntaxes(ExplicitVRLittleEndian) == (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
    assert sendable_syntaxes(JPEGLosslessSV1) == (JPEGLosslessSV1,)


@pytest.mark.req("FR-DICOM-02")
def test_a_peer_s_list_of_syntaxes_restricts_and_orders_what_is_offered() -> None:
    assert sendable_syntaxes(ExplicitVRLittleEndian, (ImplicitVRLittleEndian,)) == (ImplicitVRLittleEndian,)
    assert sendable_syntaxes(JPEGLosslessSV1, (ImplicitVRLittleEndian,)) == ()


TEXT_ELEMENTS = ["PatientName", "PatientID", "StudyDescription", "PatientComments", "ProtocolName"]
TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="\\"), max_size=20)


@st.composite
def datasets(draw: st.DrawFn, depth: int = 2) -> Dataset:
    dataset = Dataset()
    for keyword in draw(st.lists(st.sampled_from(TEXT_ELEMENTS), unique=True)):
        setattr(dataset, keyword, draw(TEXT))
    if draw(st.booleans()):
        dataset.Rows = draw(st.integers(0, 0xFFFF))
        dataset.KVP = draw(st.integers(0, 1000))
        dataset.PixelData = draw(st.binary(max_size=40).filter(lambda data: len(data) % 2 == 0))
        dataset["PixelData"].VR = "OW"
    if depth and draw(st.booleans()):
        items = draw(st.lists(datasets(depth - 1), max_size=3))
        dataset.RequestAttributesSequence = Sequence(items)
        dataset["RequestAttributesSequence"].is_undefined_length = draw(st.booleans())
        for item in items:
            item.is_undefined_length_sequence_item = draw(st.booleans())
    if draw(st.booleans()):
        dataset.private_block(0x0029, "EXAMPLE", create=True).add_new(1, "OB", draw(st.binary(max_size=8)) * 2)
    return dataset


@pytest.mark.req("FR-DICOM-02")
@settings(max_examples=60, deadline=None)
@given(datasets())
def test_implicit_to_explicit_and_back_is_the_identity(dataset: Dataset) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # values of any shape, the writer remarks on some
        source = encode(dataset, ImplicitVRLittleEndian)
    there = reencode(source, ExplicitVRLittleEndian)
    assert reencode(there, ImplicitVRLittleEndian).open().read() == source.data


@pytest.mark.req("FR-DICOM-02")
@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.sampled_from([ExplicitVRLittleEndian, ImplicitVRLittleEndian]))
def test_any_bytes_are_converted_or_refused_never_anything_else(data: bytes, syntax: str) -> None:
    other = ImplicitVRLittleEndian if syntax == ExplicitVRLittleEndian else ExplicitVRLittleEndian
    source = EncodedRendition(sop=SOP, transfer_syntax_uid=syntax, data=data)
    try:
        converted = reencode(source, other)
    except InvalidValue:
        return
    assert converted.transfer_syntax_uid == other
