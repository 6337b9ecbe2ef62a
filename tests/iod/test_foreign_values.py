"""Values of the wrong type: refused by attribute and rule, never by an exception of Python's own."""

from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from pydicom.multival import MultiValue

from modality_sdk.errors import InvalidValue, IodError
from modality_sdk.model import Acquisition, Detector, Exposure

pytestmark = pytest.mark.req("IOD-DX")

Build = Callable[..., Any]

_JUNK: list[Any] = [
    None, object(), "", "125", "x", b"x", 0, -1, 1e308, 10**400, float("nan"), float("inf"), True, (), (5,), [1, 2],
    (None, "F"), ("a", "b"), ((None, 1),), (1, 2, 3), {"a": 1}, {1, 2},
]  # fmt: skip


def _outcome(build: Build, **changes: Any) -> str:
    try:
        build(**changes)
    except IodError as error:
        return error.attribute or "(nothing named)"
    return ""


@pytest.mark.parametrize("field", [field.name for field in fields(Acquisition)])
def test_no_value_of_an_acquisition_raises_anything_foreign(build: Build, field: str) -> None:
    outcomes = {_outcome(build, acquisition={field: junk}) for junk in _JUNK if field != "exposure" or junk is None}
    assert all(outcome == "" or outcome[0].isupper() for outcome in outcomes)


@pytest.mark.parametrize("field", [field.name for field in fields(Detector)])
def test_no_value_of_a_detector_raises_anything_foreign(build: Build, field: str) -> None:
    outcomes = {_outcome(build, detector={field: junk}) for junk in _JUNK}
    assert any(outcome and outcome[0].isupper() for outcome in outcomes)


@pytest.mark.parametrize("field", [field.name for field in fields(Exposure)])
def test_no_value_of_an_exposure_raises_anything_foreign(build: Build, field: str) -> None:
    outcomes = {_outcome(build, acquisition={"exposure": Exposure(**{field: junk})}) for junk in _JUNK}
    assert any(outcome and outcome[0].isupper() for outcome in outcomes)


@pytest.mark.parametrize(
    ("acquisition", "detector", "attribute"),
    [
        ({"exposure": Exposure(kvp="125")}, {}, "KVP"),  # type: ignore[arg-type]
        ({"exposure": Exposure(mas=1e308)}, {}, "ExposureInuAs"),
        ({"exposure": Exposure(exposure_time=True)}, {}, "ExposureTimeInuS"),
        ({"exposure": Exposure(deviation_index="1")}, {}, "DeviationIndex"),  # type: ignore[arg-type]
        ({"window": (5,)}, {}, "WindowCenter"),
        ({"window": np.array([5, 6])}, {}, "WindowCenter"),
        ({"window": (5, 6, 7)}, {}, "WindowCenter"),
        ({"window": ("5", 6)}, {}, "WindowCenter"),
        ({"window": (5, None)}, {}, "WindowWidth"),
        ({"patient_orientation": (None, "F")}, {}, "PatientOrientation"),
        ({"patient_orientation": "LF"}, {}, "PatientOrientation"),
        ({"view": "pa"}, {}, "ViewPosition"),
        ({"view": ["PA"]}, {}, "ViewPosition"),
        ({"body_part": ["CHEST"]}, {}, "BodyPartExamined"),
        ({"lossy_compression": ((10.0,),)}, {}, "LossyImageCompressionRatio"),
        ({"lossy_compression": (("10", ""),)}, {}, "LossyImageCompressionRatio"),
        ({}, {"photometric_interpretation": "RGB"}, "PhotometricInterpretation"),
        ({}, {"photometric_interpretation": None}, "PhotometricInterpretation"),
        ({}, {"pixel_intensity_relationship": "DISP"}, "PixelIntensityRelationship"),
        ({}, {"bits_stored": "12"}, "BitsStored"),
        ({}, {"bits_stored": 12.5}, "BitsStored"),
        ({}, {"imager_pixel_spacing": 0.1}, "ImagerPixelSpacing"),
        ({}, {"imager_pixel_spacing": (0.1, "0.1")}, "ImagerPixelSpacing"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_its_attribute(
    build: Build, acquisition: dict[str, Any], detector: dict[str, Any], attribute: str
) -> None:
    with pytest.raises(InvalidValue) as caught:
        build(acquisition=acquisition, detector=detector)
    assert caught.value.attribute == attribute


def test_the_value_of_an_enumeration_may_be_given_as_a_text(build: Build) -> None:
    image = build(detector={"photometric_interpretation": "MONOCHROME1", "pixel_intensity_relationship": "LIN"})
    assert (image.PhotometricInterpretation, image.PresentationLUTShape) == ("MONOCHROME1", "INVERSE")
    assert image.PixelIntensityRelationship == "LIN"


@pytest.mark.parametrize("kind", [int, float, Decimal, np.int16, np.uint8, np.int64, np.float32, np.float64])
def test_a_number_of_any_kind_is_taken(build: Build, kind: Any) -> None:
    exposure = Exposure(
        kvp=kind(80), mas=kind(100), exposure_time=kind(200), field_height=kind(240), field_width=kind(240)
    )
    image = build(acquisition={"exposure": exposure, "window": (kind(100), kind(50))})
    assert (image.KVP, image.ExposureInuAs, image.ExposureTimeInuS) == (80, 100_000, 200_000)
    assert (image.Exposure, list(image.ExposedArea)) == (100, [24, 24])
    assert (image.WindowCenter, image.WindowWidth) == (100, 50)


def test_the_spacing_of_another_data_set_is_taken_as_it_is(build: Build) -> None:
    image = build(detector={"imager_pixel_spacing": MultiValue(float, [0.1, 0.2])})
    assert list(image.ImagerPixelSpacing) == [0.1, 0.2]


def test_masked_pixels_are_refused(build: Build) -> None:
    with pytest.raises(InvalidValue, match="masked") as caught:
        build(np.ma.masked_equal(np.arange(64, dtype=np.uint16).reshape(8, 8), 3))
    assert caught.value.attribute == "PixelData"
