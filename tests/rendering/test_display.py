"""Stored pixels to display values, against the formulas of PS3.3 C.11."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, JPEGLosslessSV1, RLELossless

from modality_sdk.errors import InvalidValue, IodError, MissingAttribute
from modality_sdk.rendering import render, write_png

pytestmark = pytest.mark.req("IOD-DX")


def image(pixels: Any, **attributes: Any) -> Dataset:
    """A grayscale image of these pixels."""
    dataset = Dataset()
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.dtype.itemsize
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.HighBit = dataset.BitsStored - 1
    dataset["PixelData"].VR = "OW"
    return dataset


RAMP = np.arange(256, dtype=np.uint16).reshape(16, 16) * 257


@given(
    center=st.floats(-1000, 70000, allow_nan=False),
    width=st.floats(1, 70000),
    inverse=st.booleans(),
)
def test_the_linear_window_is_that_of_the_standard(center: float, width: float, inverse: bool) -> None:
    dataset = image(RAMP, PhotometricInterpretation="MONOCHROME1" if inverse else "MONOCHROME2")
    dataset["WindowCenter"] = Dataset.from_json({"00281050": {"vr": "DS", "Value": [f"{center:.9g}"]}})["WindowCenter"]
    dataset["WindowWidth"] = Dataset.from_json({"00281051": {"vr": "DS", "Value": [f"{width:.9g}"]}})["WindowWidth"]
    c, w = float(dataset.WindowCenter), max(float(dataset.WindowWidth), 1.0)
    expected = []
    for x in RAMP.ravel().tolist():
        # PS3.3 C.11.2.1.2.1, word for word
        if x <= c - 0.5 - (w - 1) / 2:
            y = 0.0
        elif x > c - 0.5 + (w - 1) / 2:
            y = 255.0
        else:
            y = ((x - (c - 0.5)) / (w - 1) + 0.5) * 255
        expected.append(255 - y if inverse else y)
    assert np.allclose(render(dataset).ravel(), expected, atol=0.501)


def test_the_whole_range_is_shown_where_there_is_no_window() -> None:
    display = render(image(np.array([[1000, 1500], [1750, 2000]], np.uint16)))
    assert display.dtype == np.uint8
    assert display.tolist() == [[0, 128], [191, 255]]


@pytest.mark.parametrize("nothing", [None, ""])
@pytest.mark.parametrize("width", [None, "", 100])
def test_a_window_of_zero_length_counts_as_absent(nothing: Any, width: Any) -> None:
    dataset = image(np.array([[1000, 1500], [1750, 2000]], np.uint16), WindowCenter=nothing, WindowWidth=width)
    assert render(dataset).tolist() == [[0, 128], [191, 255]]


def test_a_window_of_zero_length_does_not_hide_the_look_up_table() -> None:
    item = Dataset()
    item.LUTDescriptor = [4, 0, 16]
    item["LUTDescriptor"].VR = "US"
    item.LUTData = [0, 100, 100, 200]
    item["LUTData"].VR = "US"
    dataset = image(np.array([[0, 1, 2, 3]], np.uint16), VOILUTSequence=[item], WindowCenter=None, WindowWidth=None)
    assert render(dataset).tolist() == [[0, 128, 128, 255]]


def test_an_empty_sequence_of_look_up_tables_counts_as_absent() -> None:
    dataset = image(np.array([[1000, 1500], [1750, 2000]], np.uint16), VOILUTSequence=[])
    assert render(dataset).tolist() == [[0, 128], [191, 255]]


def test_an_image_of_one_value_is_rendered() -> None:
    assert render(image(np.full((3, 3), 7, np.uint8))).tolist() == [[0] * 3] * 3


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"PhotometricInterpretation": "MONOCHROME1"}, [255, 0]),
        ({"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}, [255, 0]),
        ({"PresentationLUTShape": "INVERSE"}, [255, 0]),
        ({"PresentationLUTShape": "IDENTITY"}, [0, 255]),
    ],
)
def test_polarity_is_turned_once(attributes: dict[str, str], expected: list[int]) -> None:
    assert render(image(np.array([[0, 65535]], np.uint16), **attributes)).tolist() == [expected]


def test_signed_and_rescaled_pixels_are_windowed_in_their_units() -> None:
    dataset = image(np.array([[-24, 1000, 2000]], np.int16), RescaleSlope=1, RescaleIntercept=-1000)
    dataset.WindowCenter, dataset.WindowWidth, dataset.VOILUTFunction = 0, 2000, "LINEAR_EXACT"
    assert render(dataset).tolist() == [[0, 128, 255]]


def test_the_sigmoid_function_is_one_half_at_the_center() -> None:
    dataset = image(np.array([[0, 100, 200]], np.uint16), WindowCenter=100, WindowWidth=50, VOILUTFunction="SIGMOID")
    assert render(dataset).tolist() == [[0, 128, 255]]


def test_a_look_up_table_of_values_of_interest_is_applied() -> None:
    item = Dataset()
    item.LUTDescriptor = [4, 0, 16]
    item["LUTDescriptor"].VR = "US"
    item.LUTData = [0, 100, 100, 200]
    item["LUTData"].VR = "US"
    dataset = image(np.array([[0, 1, 2, 3]], np.uint16), VOILUTSequence=[item])
    assert render(dataset).tolist() == [[0, 128, 128, 255]]


def test_pixels_of_32_bits_are_rendered() -> None:
    assert render(image(np.array([[0, 2**31, 2**32 - 1]], np.uint32))).tolist() == [[0, 128, 255]]


def test_compressed_pixels_are_rendered() -> None:
    dataset = image(RAMP)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.SOPInstanceUID = "2.25.1"
    plain = render(dataset)
    dataset.compress(RLELossless, generate_instance_uid=False)
    assert np.array_equal(render(dataset), plain)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"PhotometricInterpretation": "RGB"}, InvalidValue),
        ({"SamplesPerPixel": 3}, InvalidValue),
        ({"Rows": 0}, MissingAttribute),
        ({"Rows": 65535, "Columns": 65535}, InvalidValue),
        ({"Rows": 17}, InvalidValue),
        ({"BitsAllocated": 1}, InvalidValue),
        ({"PixelData": b""}, MissingAttribute),
        ({"WindowCenter": 5, "WindowWidth": 0}, InvalidValue),
        ({"WindowCenter": 5, "WindowWidth": 9, "VOILUTFunction": "CUBIC"}, InvalidValue),
        ({"VOILUTSequence": [Dataset()]}, InvalidValue),
    ],
)
def test_what_cannot_be_rendered_is_refused(change: dict[str, Any], error: type[IodError]) -> None:
    with pytest.raises(error):
        render(image(RAMP, **change))


def test_a_transfer_syntax_without_decoder_is_named() -> None:
    dataset = image(RAMP)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    with pytest.raises(InvalidValue, match="JPEG Lossless"):
        render(dataset)


def test_the_png_file_shows_the_rendered_image(tmp_path: Path) -> None:
    write_png(image(RAMP), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.mode == "L"
        assert not picture.info
        assert np.array_equal(np.asarray(picture), render(image(RAMP)))


def test_the_png_file_is_reduced_to_the_side_asked_for(tmp_path: Path) -> None:
    write_png(image(np.zeros((40, 20), np.uint8)), tmp_path / "a.png", maximum_side=10)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (5, 10)
    with pytest.raises(InvalidValue, match="maximum_side"):
        write_png(image(RAMP), tmp_path / "b.png", maximum_side=0)
    assert not (tmp_path / "b.png").exists()
