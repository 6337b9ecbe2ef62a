"""Pixels from files of every kind, and from files that lie."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from modality_sdk.errors import IodError
from modality_sdk.model import PhotometricInterpretation, PixelIntensityRelationship
from modality_sdk.rendering import ASSUMED_PIXEL_SPACING, PixelSource, read_pixels

pytestmark = pytest.mark.req("IOD-DX")

PIXELS = (np.arange(32 * 48, dtype=np.uint16) * 2).reshape(32, 48)


def image(pixels: Any = PIXELS, *, syntax: str = ExplicitVRLittleEndian, bits: int = 12, **attributes: Any) -> Dataset:
    """A radiograph of another system, of a patient with a name."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = "2.25.77"
    dataset.PatientName, dataset.PatientID = "Secret^Name", "SECRET-ID"
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated = 8 * pixels.dtype.itemsize
    dataset.BitsStored = min(bits, dataset.BitsAllocated)
    dataset.PixelRepresentation = 0
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    dataset.PixelData = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.HighBit = attributes.get("HighBit", dataset.BitsStored - 1)
    dataset["PixelData"].VR = "OW"
    return dataset


def content(dataset: Dataset) -> bytes:
    """The Part 10 file."""
    file = io.BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def read(tmp_path: Path, dataset: Dataset) -> PixelSource:
    """Write and read it."""
    path = tmp_path / "image.dcm"
    path.write_bytes(content(dataset))
    return read_pixels(path)


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_uncompressed_dicom_is_read(tmp_path: Path, syntax: str) -> None:
    source = read(tmp_path, image(syntax=syntax))
    assert np.array_equal(source.pixels, PIXELS)
    assert source.detector.bits_stored == 12
    assert source.lossy_compression == ()


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
def test_losslessly_compressed_dicom_is_read(tmp_path: Path, syntax: str) -> None:
    dataset = image()
    dataset.compress(syntax, generate_instance_uid=False)
    source = read(tmp_path, dataset)
    assert np.array_equal(source.pixels, PIXELS)
    assert source.lossy_compression == ()


def test_what_the_file_says_of_the_image_comes_along_and_nothing_of_the_patient(tmp_path: Path) -> None:
    source = read(
        tmp_path,
        image(
            Modality="DX",
            PhotometricInterpretation="MONOCHROME1",
            PixelIntensityRelationship="LIN",
            PixelIntensityRelationshipSign=-1,
            ImagerPixelSpacing=[0.14, 0.16],
            PixelSpacing=[0.1, 0.1],
            DetectorType="DIRECT",
            DetectorID="SECRET",
            BodyPartExamined="HAND",
            ViewPosition="PA",
            ImageLaterality="L",
            PatientOrientation=["L", "H"],
            WindowCenter=[500, 600],
            WindowWidth=[800, 900],
            BurnedInAnnotation="YES",
        ),
    )
    assert source.detector.imager_pixel_spacing == (0.14, 0.16)
    assert not source.pixel_spacing_assumed
    assert source.detector.photometric_interpretation is PhotometricInterpretation.MONOCHROME1
    assert source.detector.pixel_intensity_relationship is PixelIntensityRelationship.LIN
    assert source.detector.pixel_intensity_relationship_sign == -1
    assert source.detector.detector_type == "DIRECT"
    assert (source.body_part, source.view, source.laterality) == ("HAND", "PA", "L")
    assert source.patient_orientation == ("L", "H")
    assert source.window == (500, 800)
    assert source.burned_in_annotation
    assert "secret" not in repr(source).lower()


def test_what_is_no_code_does_not_come_along(tmp_path: Path) -> None:
    dataset = image()
    for keyword in ("BodyPartExamined", "ViewPosition", "Laterality"):
        dataset.add_new(keyword, "LO", "Secret^Name")
    source = read(tmp_path, dataset)
    assert (source.body_part, source.view, source.laterality) == ("", "", "")


@pytest.mark.parametrize(("photometric", "sign"), [("MONOCHROME1", 1), ("MONOCHROME2", -1)])
def test_a_file_without_intensity_relationship_is_taken_as_a_radiograph(
    tmp_path: Path, photometric: str, sign: int
) -> None:
    source = read(tmp_path, image(PhotometricInterpretation=photometric))
    assert source.detector.pixel_intensity_relationship_sign == sign
    assert source.detector.pixel_intensity_relationship is PixelIntensityRelationship.LOG


def test_pixel_spacing_stands_in_for_imager_pixel_spacing(tmp_path: Path) -> None:
    assert read(tmp_path, image(PixelSpacing=[0.2, 0.2])).detector.imager_pixel_spacing == (0.2, 0.2)


@pytest.mark.parametrize("spacing", [None, [0, 0], [0.1], [-1, 0.1]])
def test_a_spacing_that_cannot_be_is_assumed_and_said_to_be(tmp_path: Path, spacing: Any) -> None:
    source = read(tmp_path, image(ImagerPixelSpacing=spacing))
    assert source.detector.imager_pixel_spacing == (ASSUMED_PIXEL_SPACING, ASSUMED_PIXEL_SPACING)
    assert source.pixel_spacing_assumed


def test_unused_bits_are_cleared(tmp_path: Path) -> None:
    overlaid = (PIXELS & 0x3FF) | 0x8000
    assert np.array_equal(read(tmp_path, image(overlaid, bits=10)).pixels, PIXELS & 0x3FF)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"LossyImageCompressionRatio": 10, "LossyImageCompressionMethod": "ISO_15444_1"}, ((10.0, "ISO_15444_1"),)),
        (
            {"LossyImageCompressionRatio": [4, 10], "LossyImageCompressionMethod": ["ISO_10918_1", "ISO_15444_1"]},
            ((4.0, "ISO_10918_1"), (10.0, "ISO_15444_1")),
        ),
        ({"LossyImageCompressionRatio": 7.5}, ((7.5, ""),)),
        ({}, ((1.0, ""),)),
    ],
)
def test_the_lossy_history_comes_along(tmp_path: Path, attributes: dict[str, Any], expected: Any) -> None:
    assert read(tmp_path, image(LossyImageCompression="01", **attributes)).lossy_compression == expected


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_no_ratio_is_made_up_of_how_a_file_is_stored_without_loss(tmp_path: Path, syntax: str) -> None:
    dataset = image(LossyImageCompression="01")
    dataset.compress(syntax, generate_instance_uid=False)
    assert read(tmp_path, dataset).lossy_compression == ((1.0, ""),)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (["L", "F"], ("L", "F")),
        (["AL", "FP"], ("AL", "FP")),
        (["L", "L"], None),
        (["L", "R"], None),
        (["LR", "F"], None),
        (["LL", "F"], None),
        (["L", "FH"], None),
        (["X", "F"], None),
        (["L"], None),
        (["", ""], None),
    ],
)
def test_a_patient_orientation_that_cannot_be_is_dropped(tmp_path: Path, stated: list[str], expected: Any) -> None:
    assert read(tmp_path, image(PatientOrientation=stated)).patient_orientation == expected


def test_a_lossy_transfer_syntax_is_history_even_if_the_file_is_silent(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 4096, (64, 64), dtype=np.uint16)
    dataset = image(noise)
    dataset.compress(JPEGLSNearLossless, jls_error=20, generate_instance_uid=False)
    for keyword in ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        dataset.pop(keyword, None)
    ((ratio, method),) = read(tmp_path, dataset).lossy_compression
    assert method == "ISO_14495_1"
    assert 1 < ratio < 10


def test_a_transfer_syntax_that_is_always_lossy_is_not_talked_out_of_it(tmp_path: Path) -> None:
    jpeg = io.BytesIO()
    Image.fromarray((PIXELS >> 4).astype(np.uint8)).save(jpeg, "JPEG")
    dataset = image((PIXELS >> 4).astype(np.uint8), bits=8, LossyImageCompression="00")
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.PixelData = encapsulate([jpeg.getvalue()])
    dataset["PixelData"].VR = "OB"
    source = read(tmp_path, dataset)
    assert source.lossy_compression[0][1] == "ISO_10918_1"
    assert source.pixels.dtype == np.uint8


@pytest.mark.parametrize(("stated", "lossy"), [("00", False), (None, True)])
def test_reversible_jpeg_2000_in_the_general_syntax_is_believed_when_stated(
    tmp_path: Path, stated: str | None, lossy: bool
) -> None:
    dataset = image()
    dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
    dataset.file_meta.TransferSyntaxUID = JPEG2000
    if stated is not None:
        dataset.LossyImageCompression = stated
    assert bool(read(tmp_path, dataset).lossy_compression) is lossy


@pytest.mark.parametrize(
    ("attributes", "attribute"),
    [
        ({"PixelRepresentation": 1}, "PixelRepresentation"),
        ({"RescaleSlope": 2}, "RescaleSlope"),
        ({"RescaleIntercept": -1024}, "RescaleIntercept"),
        ({"ModalityLUTSequence": [Dataset()]}, "ModalityLUTSequence"),
        ({"NumberOfFrames": 2}, "NumberOfFrames"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "PhotometricInterpretation"),
        ({"SamplesPerPixel": 3}, "PhotometricInterpretation"),
        ({"BitsStored": 5}, "BitsStored"),
        ({"BitsAllocated": 32}, "BitsStored"),
        ({"HighBit": 15}, "HighBit"),
        ({"Rows": 65535, "Columns": 65535}, "Rows"),
        ({"Rows": 33}, "PixelData"),
    ],
)
def test_images_that_do_not_fit_a_radiograph_are_refused(
    tmp_path: Path, attributes: dict[str, Any], attribute: str
) -> None:
    with pytest.raises(IodError) as caught:
        read(tmp_path, image(**attributes))
    assert caught.value.attribute == attribute


def test_rescale_by_the_identity_is_taken(tmp_path: Path) -> None:
    assert np.array_equal(read(tmp_path, image(RescaleSlope=1, RescaleIntercept=0)).pixels, PIXELS)


def test_a_codestream_of_another_size_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    dataset = image()
    dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
    at = dataset.PixelData.index(b"\xff\x4f\xff\x51")
    dataset.PixelData = dataset.PixelData[: at + 8] + struct.pack(">II", 2**31, 2**31) + dataset.PixelData[at + 16 :]
    with pytest.raises(IodError, match="another size"):
        read(tmp_path, dataset)


def test_a_deflated_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modality_sdk.rendering.decoding.MAXIMUM_BYTES", 2**20)
    bomb = image(np.zeros((1024, 1024), np.uint16), syntax=DeflatedExplicitVRLittleEndian)
    with pytest.raises(IodError, match="inflated"):
        read(tmp_path, bomb)
    plain = image(np.zeros((1024, 1024), np.uint16))
    with pytest.raises(IodError, match="larger than"):
        read(tmp_path, plain)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_file_never_does_worse_than_an_error(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    dataset = image(WindowCenter=500, WindowWidth=800, BodyPartExamined="HAND")
    if data.draw(st.booleans()):
        dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
    damaged = bytearray(content(dataset))
    for _ in range(data.draw(st.integers(0, 4))):
        damaged[data.draw(st.integers(132, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.one_of(st.just(len(damaged)), st.integers(0, len(damaged))))
    path = tmp_path_factory.mktemp("damaged") / "image.dcm"
    path.write_bytes(damaged[:end])
    complaint = ""
    try:
        source = read_pixels(path)
        assert source.pixels.ndim == 2
        assert int(source.pixels.max()) < 2**source.detector.bits_stored
    except IodError as error:
        complaint = str(error)
    assert "secret" not in complaint.lower()


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "u1"])
def test_numpy_files_are_read(tmp_path: Path, dtype: str) -> None:
    np.save(tmp_path / "a.npy", (PIXELS % 251).astype(dtype))
    source = read_pixels(tmp_path / "a.npy")
    assert np.array_equal(source.pixels, PIXELS % 251)
    assert source.pixels.dtype.isnative
    assert source.detector.bits_stored == 8 * np.dtype(dtype).itemsize
    assert source.pixel_spacing_assumed


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4), np.int16),
        np.zeros((4, 4), np.uint32),
        np.zeros(4, np.uint16),
        np.zeros((0, 4), np.uint16),
        np.zeros((2, 4, 4), np.uint8),
    ],
)
def test_arrays_that_are_no_image_are_refused(tmp_path: Path, array: Any) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(IodError, match="pixels"):
        read_pixels(tmp_path / "a.npy")


def test_numpy_files_that_hold_objects_or_lie_about_their_size_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([[object()]], dtype=object), allow_pickle=True)
    header = b"{'descr': '<u2', 'fortran_order': False, 'shape': (60000, 60000), }"
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    (tmp_path / "huge.npy").write_bytes(b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + b"\0" * 64)
    for name in ("objects.npy", "huge.npy"):
        with pytest.raises(IodError, match="damaged"):
            read_pixels(tmp_path / name)


@pytest.mark.parametrize("suffix", ["png", "tif", "tiff"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grayscale_pictures_are_read(tmp_path: Path, suffix: str, dtype: Any) -> None:
    pixels = (PIXELS % 251).astype(dtype)
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(pixels).save(path)
    source = read_pixels(path)
    assert np.array_equal(source.pixels, pixels)
    assert source.pixels.dtype == dtype
    assert source.detector.photometric_interpretation is PhotometricInterpretation.MONOCHROME2
    assert source.lossy_compression == ()


def test_a_tiff_file_that_counts_from_white_is_monochrome1(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.tif", tiffinfo={262: 0})
    source = read_pixels(tmp_path / "a.tif")
    assert np.array_equal(source.pixels, PIXELS)
    assert source.detector.photometric_interpretation is PhotometricInterpretation.MONOCHROME1
    assert source.detector.pixel_intensity_relationship_sign == 1


def test_a_tiff_file_compressed_with_jpeg_has_a_lossy_history(tmp_path: Path) -> None:
    Image.fromarray((PIXELS >> 4).astype(np.uint8)).save(tmp_path / "a.tif", compression="jpeg")
    ((ratio, method),) = read_pixels(tmp_path / "a.tif").lossy_compression
    assert (method, ratio >= 1) == ("ISO_10918_1", True)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "1", "LA", "F"])
def test_pictures_in_colour_are_refused(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.tif" if mode == "F" else "a.png")
    Image.new(mode, (8, 8)).save(path)
    with pytest.raises(IodError, match="pixels"):
        read_pixels(path)


def test_pictures_that_are_cut_short_or_huge_are_refused(tmp_path: Path) -> None:
    whole = io.BytesIO()
    Image.fromarray(PIXELS).save(whole, "PNG")
    (tmp_path / "short.png").write_bytes(whole.getvalue()[:-40])

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 2**30, 2**30, 8, 0, 0, 0, 0)
    (tmp_path / "huge.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    )
    for name in ("short.png", "huge.png"):
        with pytest.raises(IodError):
            read_pixels(tmp_path / name)


@pytest.mark.parametrize("wrong", [b"", b"hello", b"\0" * 200, b"\xff\xd8\xff\xe0" + b"\0" * 64])
def test_files_of_another_kind_are_refused(tmp_path: Path, wrong: bytes) -> None:
    (tmp_path / "a.bin").write_bytes(wrong)
    with pytest.raises(IodError, match="neither"):
        read_pixels(tmp_path / "a.bin")


def test_a_suffix_that_denies_the_content_is_refused_and_an_unknown_one_does_not_matter(tmp_path: Path) -> None:
    for name in ("a.png", "a.JPG", "a.npy"):
        (tmp_path / name).write_bytes(content(image()))
        with pytest.raises(IodError, match="DICOM"):
            read_pixels(tmp_path / name)
    for name in ("IM000001", "image.0001"):
        (tmp_path / name).write_bytes(content(image()))
        assert np.array_equal(read_pixels(tmp_path / name).pixels, PIXELS)


def test_a_missing_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_pixels(tmp_path / "none.dcm")
