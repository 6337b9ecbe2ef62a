"""What DX and CR images have in common: anatomy, times, display, pixels and where they come from.

Each function writes attributes of one module and refuses what it does not allow.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar

from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.sequence import Sequence as Items

from modality_sdk.dataset import assign, code_item, local_time
from modality_sdk.errors import InvalidValue, MissingAttribute
from modality_sdk.iod.image_pixel import default_window, pixel_data
from modality_sdk.iod.numbers import finite, instance, instances, pair
from modality_sdk.model import (
    Acquisition,
    Code,
    Detector,
    PerformedProcedureStep,
    PerformedSeries,
    PhotometricInterpretation,
    PixelSpacingCalibration,
    SopReference,
    VoiLut,
)

__all__ = [
    "assign_derivation",
    "assign_lossy_compression",
    "assign_pixels",
    "assign_spacing",
    "assign_times",
    "assign_voi",
    "check_series",
    "member",
]

_Term = TypeVar("_Term", bound=StrEnum)

_SOURCE_FOR_PROCESSING: Final = Code(
    value="121322", scheme="DCM", meaning="Source image for image processing operation"
)
"""Purpose of Reference, CID 7202."""


def check_series(series: PerformedSeries, acquisition: Acquisition, modality: str) -> None:
    """One series holds one modality, one body part and one side (PS3.3 C.7.3.1).

    Raises
    ------
    InvalidValue
        The image does not fit in.
    """
    if series.modality != modality:
        raise InvalidValue("Modality", f"the series must be {modality}, as the image is (PS3.3 C.7.3.1)")
    if series.body_part and series.body_part != acquisition.body_part:
        raise InvalidValue("BodyPartExamined", "must be that of the series (PS3.3 C.7.3.1)")
    if series.laterality and series.laterality != acquisition.laterality:
        raise InvalidValue("ImageLaterality", "must be that of the series (PS3.3 C.7.3.1)")


def member(terms: type[_Term], attribute: str, value: str) -> _Term:
    """The member of an enumeration, which may be given as its plain value.

    Raises
    ------
    InvalidValue
        There is none.
    """
    try:
        return terms(value)
    except ValueError:
        raise InvalidValue(attribute, f"must be one of {', '.join(terms)}") from None


def assign_times(dataset: Dataset, step: PerformedProcedureStep, acquired_at: datetime) -> None:
    """Times of acquisition and content, in the zone of Timezone Offset From UTC (PS3.3 C.12.1)."""
    local = local_time(step, acquired_at)
    for keyword in ("AcquisitionDate", "ContentDate"):
        assign(dataset, keyword, local.date())
    for keyword in ("AcquisitionTime", "ContentTime"):
        assign(dataset, keyword, local.time())


def assign_derivation(dataset: Dataset, acquisition: Acquisition, source: SopReference | None) -> None:
    """Image Type, and what a derived image was made of (PS3.3 C.7.6.1.1.2, C.8.11.3.1.1, Table C.7-9).

    Parameters
    ----------
    source
        The image For Processing that this one was made of; the pair is in two series.
    """
    derived = bool(acquisition.lossy_compression or acquisition.derivation_description or source)
    # the third value is present and empty (C.8.11.3.1.1)
    assign(dataset, "ImageType", ["DERIVED" if derived else "ORIGINAL", "PRIMARY", ""])
    if acquisition.derivation_description:
        assign(dataset, "DerivationDescription", acquisition.derivation_description)
    elif source:
        assign(dataset, "DerivationDescription", "Processed for presentation")
    if source:
        item = Dataset()
        assign(item, "ReferencedSOPClassUID", source.sop_class_uid)
        assign(item, "ReferencedSOPInstanceUID", source.sop_instance_uid)
        assign(item, "PurposeOfReferenceCodeSequence", Items([code_item(_SOURCE_FOR_PROCESSING)]))
        assign(dataset, "SourceImageSequence", Items([item]))


def assign_spacing(dataset: Dataset, detector: Detector) -> None:
    """Spacing at the detector, and in the patient where it is calibrated (PS3.3 sections 10.7.1.2 and 10.7.1.3)."""
    assign(dataset, "ImagerPixelSpacing", _spacing("ImagerPixelSpacing", detector.imager_pixel_spacing))
    if detector.calibration is None:
        return
    calibration = instance("PixelSpacing", PixelSpacingCalibration, detector.calibration)
    if calibration.kind not in ("GEOMETRY", "FIDUCIAL"):
        raise InvalidValue("PixelSpacingCalibrationType", "must be GEOMETRY or FIDUCIAL (PS3.3 10.7.1.3)")
    if not calibration.description:
        raise MissingAttribute("PixelSpacingCalibrationDescription", "tells how the spacing was found (PS3.3 10.7)")
    assign(dataset, "PixelSpacing", _spacing("PixelSpacing", calibration.pixel_spacing))
    assign(dataset, "PixelSpacingCalibrationType", calibration.kind)
    assign(dataset, "PixelSpacingCalibrationDescription", calibration.description)


def _spacing(attribute: str, given: object) -> list[float]:
    rule = "must be two numbers above 0, in mm (PS3.3 10.7.1)"
    spacing = [finite(attribute, value) for value in pair(attribute, given, rule)]
    if min(spacing) <= 0:
        raise InvalidValue(attribute, rule)
    return spacing


def assign_lossy_compression(dataset: Dataset, history: object) -> None:
    """Whether the pixels ever lost something, by how much and how (PS3.3 C.7.6.1.1.5)."""
    assign(dataset, "LossyImageCompression", "01" if history else "00")
    if not history:
        return
    rule = "must come with a method each (PS3.3 C.7.6.1.1.5)"
    if not isinstance(history, Sequence):
        raise InvalidValue("LossyImageCompressionRatio", rule)
    steps = [pair("LossyImageCompressionRatio", step, rule) for step in history]
    ratios = [finite("LossyImageCompressionRatio", ratio) for ratio, _ in steps]
    if min(ratios) <= 0:
        raise InvalidValue("LossyImageCompressionRatio", "must be numbers above 0 (PS3.3 C.7.6.1.1.5.2)")
    assign(dataset, "LossyImageCompressionRatio", ratios)
    methods = [method for _, method in steps]
    if all(methods):
        # values correspond to those of the ratio, so one that is not known silences all
        assign(dataset, "LossyImageCompressionMethod", methods)


def assign_voi(dataset: Dataset, acquisition: Acquisition, pixels: NDArray[Any], depths: Collection[int]) -> None:
    """VOI LUT Module: a window of function LINEAR, curves, or both (PS3.3 C.11.2).

    Parameters
    ----------
    depths
        Bits that the entries of a curve may have: 8 and 16 unless the IOD says otherwise (C.11.2.1.1), as DX does.
    """
    curves = instances("VOILUTSequence", VoiLut, acquisition.voi_luts)
    if acquisition.window is not None or not curves:
        window = default_window(pixels) if acquisition.window is None else acquisition.window
        _assign_window(dataset, window, acquisition.window_explanation)
    elif acquisition.window_explanation:
        raise MissingAttribute("WindowCenter", "an explanation has a window to explain (PS3.3 C.11.2)")
    if curves:
        assign(dataset, "VOILUTSequence", Items([_voi_lut(lut, depths) for lut in curves]))


def _assign_window(dataset: Dataset, window: tuple[float, float], explanation: str) -> None:
    values = pair("WindowCenter", window, "must come with a width and nothing else (PS3.3 C.11.2.1.2)")
    center, width = finite("WindowCenter", values[0]), finite("WindowWidth", values[1])
    if width < 1:
        raise InvalidValue("WindowWidth", "must be at least 1 (PS3.3 C.11.2.1.2.1)")
    assign(dataset, "WindowCenter", center)
    assign(dataset, "WindowWidth", width)
    if explanation:
        assign(dataset, "WindowCenterWidthExplanation", explanation)


def _voi_lut(lut: VoiLut, depths: Collection[int]) -> Dataset:
    if lut.bits not in depths:
        raise InvalidValue("LUTDescriptor", f"the third value must be one of {tuple(depths)} (PS3.3 C.11.2.1.1)")
    if not 1 <= len(lut.values) <= 65536:
        raise InvalidValue("LUTData", "must have 1 to 65536 entries (PS3.3 C.11.2.1.1)")
    if not all(value in range(2**lut.bits) for value in lut.values):
        raise InvalidValue("LUTData", "entries must be whole numbers that the bits can hold (PS3.3 C.11.2.1.1)")
    if lut.first_value not in range(65536):
        raise InvalidValue("LUTDescriptor", "the second value must be a stored value, 0 to 65535 (PS3.3 C.11.2.1.1)")
    item = Dataset()
    # 65536 entries are told as 0
    item.add_new("LUTDescriptor", "US", [len(lut.values) % 65536, lut.first_value, lut.bits])
    # two bytes an entry, whatever its bits (PS3.3 C.11.2.1.1)
    item.add_new("LUTData", "OW", b"".join(int(value).to_bytes(2, "little") for value in lut.values))
    if lut.explanation:
        assign(item, "LUTExplanation", lut.explanation)
    return item


def assign_pixels(dataset: Dataset, pixels: NDArray[Any], detector: Detector) -> PhotometricInterpretation:
    """Image Pixel as the DX Image Module narrows it (PS3.3 C.7.6.3, C.8.11.3); returns the polarity."""
    photometric = member(PhotometricInterpretation, "PhotometricInterpretation", detector.photometric_interpretation)
    allocated = 8 * pixels.dtype.itemsize
    assign(dataset, "SamplesPerPixel", 1)
    assign(dataset, "PhotometricInterpretation", photometric.value)
    assign(dataset, "Rows", pixels.shape[0])
    assign(dataset, "Columns", pixels.shape[1])
    assign(dataset, "BitsAllocated", allocated)
    assign(dataset, "BitsStored", detector.bits_stored)
    assign(dataset, "HighBit", detector.bits_stored - 1)
    assign(dataset, "PixelRepresentation", 0)
    assign(dataset, "PixelData", pixel_data(pixels))
    dataset["PixelData"].VR = "OB" if allocated == 8 else "OW"
    return photometric
