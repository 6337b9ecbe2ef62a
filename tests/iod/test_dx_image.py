"""Every module of the DX object: what is written, what is left out, what is refused."""

import copy
import io
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydicom import dcmread
from pydicom.uid import DigitalXRayImageStorageForPresentation, DigitalXRayImageStorageForProcessing

from modality_sdk.errors import InvalidValue, IodError, MissingAttribute
from modality_sdk.iod import DxImage
from modality_sdk.model import (
    Exposure,
    FieldOfView,
    Patient,
    PhotometricInterpretation,
    PixelSpacingCalibration,
    PresentationIntent,
    SopReference,
    VoiLut,
)

pytestmark = pytest.mark.req("IOD-DX")

Build = Callable[..., Any]


def written(image: DxImage) -> Any:
    """The image as somebody else reads it."""
    file = io.BytesIO()
    image.save_as(file, enforce_file_format=True)
    file.seek(0)
    return dcmread(file)


@given(data=st.data(), bits=st.integers(6, 16), photometric=st.sampled_from(PhotometricInterpretation))
def test_pixels_of_any_size_and_depth_come_back_equal(
    build: Build, data: st.DataObject, bits: int, photometric: PhotometricInterpretation
) -> None:
    dtype = np.uint8 if bits <= 8 and data.draw(st.booleans()) else np.uint16
    shape = st.tuples(st.integers(1, 9), st.integers(1, 9))
    pixels = data.draw(hnp.arrays(dtype, shape, elements=st.integers(0, 2**bits - 1)))
    image = build(pixels, detector={"bits_stored": bits, "photometric_interpretation": photometric})
    back = written(image)
    assert len(image.PixelData) % 2 == 0
    assert (back.BitsStored, back.HighBit, back.BitsAllocated) == (bits, bits - 1, 8 * pixels.itemsize)
    assert np.array_equal(back.pixel_array, pixels)
    inverse = photometric is PhotometricInterpretation.MONOCHROME1
    assert back.PresentationLUTShape == ("INVERSE" if inverse else "IDENTITY")


@pytest.mark.parametrize("pixels", [np.full((4, 6), 258, ">u2"), np.arange(24, dtype="u2").reshape(6, 4).T])
def test_byte_order_and_memory_layout_of_the_array_do_not_matter(build: Build, pixels: Any) -> None:
    assert np.array_equal(written(build(pixels)).pixel_array, pixels)


def test_pixels_are_copied_once(build: Build) -> None:
    pixels = np.zeros((2048, 2048), np.uint16)
    build()  # what is loaded once does not count
    tracemalloc.start()
    build(pixels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * pixels.nbytes


@pytest.mark.parametrize(
    ("pixels", "bits", "attribute"),
    [
        (np.zeros((4, 4), np.float32), 12, "PixelData"),
        (np.zeros((4, 4), np.int16), 12, "PixelData"),
        (np.zeros((4, 4), np.uint32), 12, "PixelData"),
        ([[1, 2], [3, 4]], 12, "PixelData"),
        (np.zeros(4, np.uint16), 12, "PixelData"),
        (np.zeros((4, 4, 3), np.uint8), 8, "PixelData"),
        (np.zeros((0, 4), np.uint16), 12, "Rows"),
        (np.zeros((4, 0), np.uint16), 12, "Columns"),
        (np.zeros((65536, 1), np.uint8), 8, "Rows"),
        (np.zeros((1, 65536), np.uint8), 8, "Columns"),
        (np.full((4, 4), 4096, np.uint16), 12, "PixelData"),
        (np.zeros((4, 4), np.uint16), 5, "BitsStored"),
        (np.zeros((4, 4), np.uint16), 17, "BitsStored"),
        (np.zeros((4, 4), np.uint8), 12, "BitsStored"),
    ],
)
def test_pixels_that_the_object_cannot_hold_are_refused(build: Build, pixels: Any, bits: int, attribute: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        build(pixels, detector={"bits_stored": bits})
    assert caught.value.attribute == attribute


def test_the_modules_of_a_plain_image_are_there(build: Build) -> None:
    back = written(build())
    assert back.SOPClassUID == DigitalXRayImageStorageForPresentation
    assert (back.Modality, back.PresentationIntentType) == ("DX", "FOR PRESENTATION")
    assert list(back.ImageType) == ["ORIGINAL", "PRIMARY", ""]
    assert (str(back.RescaleIntercept), str(back.RescaleSlope), back.RescaleType) == ("0", "1", "US")
    assert back.LossyImageCompression == "00"
    assert "LossyImageCompressionRatio" not in back
    assert (back.ImageLaterality, list(back.PatientOrientation)) == ("U", ["L", "F"])
    assert (back.BodyPartExamined, back.ViewPosition) == ("CHEST", "PA")
    assert back.AnatomicRegionSequence[0].CodeMeaning == "Chest"
    assert back.ViewCodeSequence[0].CodeMeaning == "postero-anterior"
    assert len(back.AcquisitionContextSequence) == 0
    assert back.IrradiationEventUID == "2.25.5"
    assert back.ReferencedPerformedProcedureStepSequence[0].ReferencedSOPInstanceUID == "2.25.1"
    assert "Laterality" not in back
    assert not {"KVP", "Exposure", "Grid", "ExposureIndex"} & set(back.dir())


def test_times_are_written_in_the_time_zone_of_the_step(build: Build) -> None:
    image = build(acquired_at=datetime(2024, 5, 6, 22, 30, 15, 250000, tzinfo=UTC))
    assert image.TimezoneOffsetFromUTC == "+0200"
    assert (image.AcquisitionDate, image.AcquisitionTime) == ("20240507", "003015.250000")
    assert (image.ContentDate, image.ContentTime) == ("20240507", "003015.250000")


def test_a_time_without_utc_offset_is_refused(build: Build) -> None:
    with pytest.raises(InvalidValue, match="TimezoneOffsetFromUTC"):
        build(acquired_at=datetime(2024, 5, 6))  # noqa: DTZ001


def test_the_default_window_spans_the_pixels(build: Build) -> None:
    pixels = np.linspace(100, 4000, 10_000).astype(np.uint16).reshape(100, 100)
    image = build(pixels)
    low = image.WindowCenter - 0.5 - (image.WindowWidth - 1) / 2
    high = image.WindowCenter - 0.5 + (image.WindowWidth - 1) / 2
    assert low == pytest.approx(100 + 0.005 * 3900, abs=2)
    assert high == pytest.approx(4000 - 0.005 * 3900, abs=2)


def test_a_given_window_is_kept_and_one_below_1_is_refused(build: Build) -> None:
    image = build(acquisition={"window": (2047.5, 4096)})
    assert (str(image.WindowCenter), str(image.WindowWidth)) == ("2047.5", "4096")
    for window, attribute in (((1.0, 0.5), "WindowWidth"), ((float("nan"), 2.0), "WindowCenter")):
        with pytest.raises(InvalidValue, match=attribute):
            build(acquisition={"window": window})


def test_an_image_of_one_value_has_a_legal_window(build: Build) -> None:
    image = build(np.full((5, 5), 7, np.uint16))
    assert (image.WindowCenter, image.WindowWidth) == (7.5, 1)


@pytest.mark.parametrize(
    ("history", "ratio", "method"),
    [
        (((10.0, "ISO_15444_1"),), "10", "ISO_15444_1"),
        (((2.5, "ISO_10918_1"), (4.0, "ISO_15444_1")), "2.5\\4", "ISO_10918_1\\ISO_15444_1"),
        (((10.0, ""),), "10", None),
    ],
)
def test_lossy_history_makes_a_derived_image_that_tells_it(
    build: Build, history: Any, ratio: str, method: str | None
) -> None:
    back = written(build(acquisition={"lossy_compression": history}))
    assert back.LossyImageCompression == "01"
    assert back.ImageType[0] == "DERIVED"
    ratios = back["LossyImageCompressionRatio"].value
    assert "\\".join(str(r) for r in ([ratios] if back["LossyImageCompressionRatio"].VM == 1 else ratios)) == ratio
    methods = back.get("LossyImageCompressionMethod")
    assert (methods if methods is None or isinstance(methods, str) else "\\".join(methods)) == method


def test_a_meaningless_compression_ratio_is_refused(build: Build) -> None:
    with pytest.raises(InvalidValue, match="LossyImageCompressionRatio"):
        build(acquisition={"lossy_compression": ((0.0, "ISO_15444_1"),)})


def test_technique_is_written_in_the_units_of_its_attributes(build: Build) -> None:
    exposure = Exposure(
        kvp=125,
        mas=2.2,
        tube_current=320,
        exposure_time=6.875,
        distance_source_to_detector=1800,
        distance_source_to_patient=1500,
        dose_area_product=0.9,
        exposure_index=250,
        target_exposure_index=240,
        deviation_index=0.0,
        focal_spot=0.6,
        filter_material="ALUMINUM",
        filter_thickness=1.5,
        grid=("FIXED", "FOCUSED"),
        field_height=350,
        field_width=430,
    )
    image = build(acquisition={"exposure": exposure})
    found = {e.keyword: e.value if e.VM < 2 else list(e.value) for e in image if e.VR in ("DS", "IS", "US", "CS")}
    expected = {
        "KVP": 125,
        "Exposure": 2,
        "ExposureInuAs": 2200,
        "XRayTubeCurrent": 320,
        "XRayTubeCurrentInuA": 320000,
        "ExposureTime": 7,
        "ExposureTimeInuS": 6875,
        "DistanceSourceToDetector": 1800,
        "DistanceSourceToPatient": 1500,
        "EstimatedRadiographicMagnificationFactor": 1.2,
        "ImageAndFluoroscopyAreaDoseProduct": 0.9,
        "ExposureIndex": 250,
        "TargetExposureIndex": 240,
        "DeviationIndex": 0,
        "FocalSpots": 0.6,
        "FilterMaterial": "ALUMINUM",
        "FilterThicknessMinimum": 1.5,
        "FilterThicknessMaximum": 1.5,
        "Grid": ["FIXED", "FOCUSED"],
        "ExposedArea": [35, 43],
        "PositionerType": "",
    }
    assert {keyword: found.get(keyword) for keyword in expected} == expected


def test_a_tube_current_time_product_below_half_a_mas_is_not_written_as_zero(build: Build) -> None:
    image = build(acquisition={"exposure": Exposure(mas=0.4)})
    assert image.ExposureInuAs == 400
    assert "Exposure" not in image


@pytest.mark.parametrize(
    ("exposure", "error", "attribute"),
    [
        ({"kvp": 0}, InvalidValue, "KVP"),
        ({"kvp": float("nan")}, InvalidValue, "KVP"),
        ({"mas": -1}, InvalidValue, "ExposureInuAs"),
        ({"dose_area_product": float("inf")}, InvalidValue, "ImageAndFluoroscopyAreaDoseProduct"),
        ({"exposure_index": 250}, MissingAttribute, "TargetExposureIndex"),
        ({"deviation_index": 0.5}, MissingAttribute, "ExposureIndex"),
        ({"field_width": 350}, MissingAttribute, "ExposedArea"),
        (
            {"distance_source_to_detector": 1000, "distance_source_to_patient": 1001},
            InvalidValue,
            "DistanceSourceToPatient",
        ),
        ({"grid": ("fixed",)}, InvalidValue, "Grid"),
    ],
)
def test_technique_that_contradicts_itself_is_refused(
    build: Build, exposure: dict[str, Any], error: type[IodError], attribute: str
) -> None:
    with pytest.raises(error) as caught:
        build(acquisition={"exposure": Exposure(**exposure)})
    assert caught.value.attribute == attribute


@pytest.mark.parametrize(
    ("detector", "attribute"),
    [
        ({"imager_pixel_spacing": (0.0, 0.15)}, "ImagerPixelSpacing"),
        ({"imager_pixel_spacing": (0.15, float("inf"))}, "ImagerPixelSpacing"),
        ({"imager_pixel_spacing": (0.15,)}, "ImagerPixelSpacing"),
        ({"pixel_intensity_relationship_sign": 0}, "PixelIntensityRelationshipSign"),
        ({"detector_type": "CCD"}, "DetectorType"),
        ({"detector_id": "x" * 17}, "DetectorID"),
    ],
)
def test_a_detector_that_cannot_be_is_refused(build: Build, detector: dict[str, Any], attribute: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        build(detector=detector)
    assert caught.value.attribute == attribute


@pytest.mark.parametrize(
    ("changes", "attribute"),
    [
        ({"modality": "CR"}, "Modality"),
        ({"presentation_intent": None}, "PresentationIntentType"),
        ({"body_part": "HAND"}, "BodyPartExamined"),
        ({"laterality": "L"}, "ImageLaterality"),
    ],
)
def test_an_image_that_does_not_belong_into_the_series_is_refused(
    build: Build, series: Build, changes: dict[str, Any], attribute: str
) -> None:
    with pytest.raises(IodError) as caught:
        build(series=series(**changes))
    assert caught.value.attribute == attribute


def test_an_image_for_processing_has_neither_window_nor_curve(build: Build, series: Build) -> None:
    image = build(series=series(presentation_intent=PresentationIntent.FOR_PROCESSING), acquisition={"window": (9, 9)})
    assert image.SOPClassUID == DigitalXRayImageStorageForProcessing
    assert image.PresentationIntentType == "FOR PROCESSING"
    assert "WindowCenter" not in image
    assert "VOILUTSequence" not in image


def test_an_image_for_presentation_tells_which_one_it_was_made_of(build: Build, series: Build) -> None:
    raw = SopReference(sop_class_uid=DigitalXRayImageStorageForProcessing, sop_instance_uid="2.25.77")
    image = build(source=raw)
    assert list(image.ImageType) == ["DERIVED", "PRIMARY", ""]
    assert image.DerivationDescription
    (item,) = image.SourceImageSequence
    assert (item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID) == (raw.sop_class_uid, raw.sop_instance_uid)
    assert item.PurposeOfReferenceCodeSequence[0].CodeValue == "121322"
    with pytest.raises(InvalidValue, match="SourceImageSequence"):
        build(series=series(presentation_intent=PresentationIntent.FOR_PROCESSING), source=raw)


def test_a_curve_is_written_with_its_descriptor(build: Build) -> None:
    curve = VoiLut(first_value=100, values=(0, 7, 1023), bits=10, explanation="Bone")
    image = build(acquisition={"voi_luts": (curve,)})
    (item,) = image.VOILUTSequence
    assert list(item.LUTDescriptor) == [3, 100, 10]
    assert item.LUTData == b"\x00\x00\x07\x00\xff\x03"
    assert "WindowCenter" not in image
    longest = build(acquisition={"voi_luts": (replace(curve, values=(5,) * 65536),)})
    assert longest.VOILUTSequence[0].LUTDescriptor[0] == 0


@pytest.mark.parametrize(
    ("curve", "attribute"),
    [
        (VoiLut(first_value=0, values=()), "LUTData"),
        (VoiLut(first_value=0, values=(4096,)), "LUTData"),
        (VoiLut(first_value=0, values=(1.5,)), "LUTData"),  # type: ignore[arg-type]
        (VoiLut(first_value=-1, values=(1,)), "LUTDescriptor"),
        (VoiLut(first_value=0, values=(1,), bits=17), "LUTDescriptor"),
    ],
)
def test_a_curve_that_cannot_be_written_is_refused(build: Build, curve: VoiLut, attribute: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        build(acquisition={"voi_luts": (curve,)})
    assert caught.value.attribute == attribute


def test_modifiers_stand_in_the_view_they_modify(build: Build) -> None:
    image = build(acquisition={"view_modifiers": ("CAUDAD",), "projection": "towne"})
    (view,) = image.ViewCodeSequence
    assert view.ViewModifierCodeSequence[0].CodeMeaning == "caudad"
    assert image.ProjectionEponymousNameCodeSequence[0].CodeMeaning == "Towne"
    with pytest.raises(IodError, match="ViewCodeSequence"):
        build(acquisition={"view": "", "view_modifiers": ("CAUDAD",), "patient_orientation": ("L", "F")})


def test_calibration_and_field_of_view_are_written_whole(build: Build) -> None:
    calibration = PixelSpacingCalibration(pixel_spacing=(0.13, 0.12), kind="FIDUCIAL", description="Ball of 25 mm")
    field = FieldOfView(origin=(0, 12), rotation=90, horizontal_flip=True)
    image = build(detector={"calibration": calibration, "field_of_view": field})
    assert [float(value) for value in image.PixelSpacing] == [0.13, 0.12]
    assert image.PixelSpacingCalibrationType == "FIDUCIAL"
    assert (str(image.FieldOfViewRotation), image.FieldOfViewHorizontalFlip) == ("90", "YES")
    for wrong, attribute in (
        ({"calibration": replace(calibration, kind="RULER")}, "PixelSpacingCalibrationType"),
        ({"calibration": replace(calibration, description="")}, "PixelSpacingCalibrationDescription"),
        ({"calibration": replace(calibration, pixel_spacing=(0, 1))}, "PixelSpacing"),
        ({"field_of_view": replace(field, rotation=45)}, "FieldOfViewRotation"),
    ):
        with pytest.raises(IodError) as caught:
            build(detector=wrong)
        assert caught.value.attribute == attribute


@pytest.mark.parametrize(
    ("changes", "attribute"),
    [({"sop_instance_uid": "1.02"}, "SOPInstanceUID"), ({"irradiation_event_uid": "x"}, "IrradiationEventUID")],
)
def test_malformed_uids_are_refused(build: Build, changes: dict[str, Any], attribute: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        build(**changes)
    assert caught.value.attribute == attribute


def test_text_outside_the_character_set_of_the_step_is_written_in_unicode(build: Build, step: Build) -> None:
    patient = Patient(name="Müller^Jörg", patient_id="G-2")
    image = build(step=step(patient=patient), detector={"description": "Schrägaufnahme 斜め"})
    back = written(image)
    assert back.SpecificCharacterSet == "ISO_IR 192"
    assert (back.PatientName, back.DetectorDescription) == ("Müller^Jörg", "Schrägaufnahme 斜め")


@pytest.mark.req("NFR-SEC-01")
def test_no_error_repeats_what_it_was_given(build: Build, step: Build) -> None:
    secret = "SECRET\nNAME"
    for wrong in (
        {"acquisition": {"body_part": secret}},
        {"acquisition": {"view": secret}},
        {"acquisition": {"laterality": secret}},
        {"acquisition": {"derivation_description": "SECRET\x07"}},
        {"acquisition": {"exposure": Exposure(filter_material=secret)}},
        {"detector": {"detector_id": secret}},
        {"detector": {"description": "SECRET\x07"}},
        {"sop_instance_uid": secret},
    ):
        with pytest.raises(IodError) as caught:
            build(**wrong)
        assert "SECRET" not in str(caught.value)


def test_an_image_may_be_copied(build: Build) -> None:
    image = build()
    twin = copy.deepcopy(image)
    assert twin == image
    twin.InstanceNumber = 2
    assert image.InstanceNumber == 1
