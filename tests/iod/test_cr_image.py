"""Computed radiography: what the CR IOD has, and what of an exposure it has no place for."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.uid import ComputedRadiographyImageStorage

from modality_sdk.errors import IodError
from modality_sdk.iod import CrImage
from modality_sdk.model import Acquisition, Detector, Exposure, Plate, VoiLut

pytestmark = pytest.mark.req("IOD-CR")

Build = Callable[..., Any]

PIXELS = np.arange(12, dtype=np.uint16).reshape(3, 4)
PLATE = Plate(
    plate_id="P1",
    plate_type="Generated",
    phosphor_type="BaFBr",
    cassette_orientation="PORTRAIT",
    cassette_size="35CMX43CM",
    exposures_on_plate=2,
    sensitivity=200.0,
    relative_exposure=1760,
    processing_description="Standard",
    processing_code="S1",
)


@pytest.fixture(scope="session")
def build_cr(step: Build, series: Build) -> Build:
    """A PA chest on a plate, but for the changes."""

    def build(pixels: Any = PIXELS, **changes: Any) -> CrImage:
        of_series = {"modality": "CR"} | changes.pop("series", {})
        return CrImage(
            pixels,
            step=step(),
            series=series(**of_series),
            acquisition=Acquisition(**({"body_part": "CHEST", "view": "PA", "plate": PLATE} | changes)),
            detector=Detector(imager_pixel_spacing=(0.1, 0.1), bits_stored=12),
            sop_instance_uid="2.25.4",
            instance_number=1,
            irradiation_event_uid="2.25.5",
            acquired_at=step().started,
        )

    return build


def test_the_plate_is_told_in_full(build_cr: Build) -> None:
    image = build_cr()
    assert (image.SOPClassUID, image.Modality) == (ComputedRadiographyImageStorage, "CR")
    assert (image.PlateID, image.PlateType, image.PhosphorType) == ("P1", "Generated", "BaFBr")
    assert (image.CassetteOrientation, image.CassetteSize, image.ExposuresOnPlate) == ("PORTRAIT", "35CMX43CM", 2)
    assert (float(image.Sensitivity), image.RelativeXRayExposure) == (200.0, 1760)
    assert (image.AcquisitionDeviceProcessingDescription, image.AcquisitionDeviceProcessingCode) == ("Standard", "S1")


def test_what_is_not_known_of_the_plate_is_left_out(build_cr: Build) -> None:
    image = build_cr(plate=None)
    assert not any(name in image for name in ("PlateID", "CassetteSize", "Sensitivity", "ExposuresOnPlate"))


def test_technique_beyond_the_cr_image_module_is_left_to_the_dose_report(build_cr: Build) -> None:
    exposure = Exposure(
        kvp=70,
        mas=5,
        tube_current=200,
        exposure_time=25,
        dose_area_product=1.5,
        grid=("FIXED",),
        filter_material="COPPER",
        exposure_index=300,
        target_exposure_index=250,
        deviation_index=0.8,
    )
    image = build_cr(exposure=exposure)
    assert (float(image.KVP), image.Exposure, image.XRayTubeCurrent, image.ExposureTime) == (70.0, 5, 200, 25)
    assert float(image.DeviationIndex) == 0.8
    assert not any(name in image for name in ("ImageAndFluoroscopyAreaDoseProduct", "Grid", "FilterMaterial"))


@pytest.mark.parametrize(("view", "told"), [("PA", "PA"), ("LL", "LL"), ("TANGENTIAL", ""), ("", "")])
def test_a_view_without_a_term_is_an_empty_view_position(build_cr: Build, view: str, told: str) -> None:
    image = build_cr(view=view, patient_orientation=("L", "F"))
    assert image.ViewPosition == told
    assert "ViewCodeSequence" not in image


@given(pixels=st.integers(1, 5).map(lambda n: np.full((n, n), 4095, dtype=np.uint16)))
def test_pixels_come_back_equal(build_cr: Build, pixels: Any) -> None:
    file = io.BytesIO()
    build_cr(pixels).save_as(file, enforce_file_format=True)
    file.seek(0)
    assert np.array_equal(dcmread(file).pixel_array, pixels)


@pytest.mark.parametrize(
    ("plate", "attribute"),
    [
        (Plate(cassette_orientation="UPRIGHT"), "CassetteOrientation"),
        (Plate(cassette_size="BIG"), "CassetteSize"),
        (Plate(sensitivity=0), "Sensitivity"),
        (Plate(sensitivity=float("nan")), "Sensitivity"),
        (Plate(exposures_on_plate=0), "ExposuresOnPlate"),
        (Plate(relative_exposure=-5), "RelativeXRayExposure"),
        (Plate(plate_id="x" * 65), "PlateID"),
        ("a plate", "PlateID"),
    ],
)
def test_a_plate_that_cannot_be_told_is_refused(build_cr: Build, plate: Any, attribute: str) -> None:
    with pytest.raises(IodError) as caught:
        build_cr(plate=plate)
    assert caught.value.attribute == attribute


@pytest.mark.parametrize(
    ("changes", "attribute"),
    [
        ({"voi_luts": (VoiLut(first_value=0, values=(1,), bits=12),)}, "LUTDescriptor"),
        ({"series": {"modality": "DX"}}, "Modality"),
        ({"series": {"body_part": "HAND"}}, "BodyPartExamined"),
        ({"body_part": ""}, "BodyPartExamined"),
        ({"body_part": "HAND"}, "ImageLaterality"),
        ({"view": "UPSIDE"}, "ViewPosition"),
        ({"view": "TANGENTIAL"}, "PatientOrientation"),
    ],
)
def test_an_image_that_is_not_whole_is_refused(build_cr: Build, changes: dict[str, Any], attribute: str) -> None:
    with pytest.raises(IodError) as caught:
        build_cr(**changes)
    assert caught.value.attribute == attribute
