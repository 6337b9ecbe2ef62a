"""Pixels of a DICOM file, with what the file says about the image and as far as it can be believed."""

import math
import re
from typing import Any, Final

from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    JPEG2000MC,
    UID,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
)

from modality_sdk.errors import InvalidValue, IodError
from modality_sdk.model import Detector, PhotometricInterpretation, PixelIntensityRelationship
from modality_sdk.rendering.decoding import decode, read_dataset, transfer_syntax
from modality_sdk.rendering.pixel_source import (
    ASSUMED_PIXEL_SPACING,
    PixelSource,
    compression_ratio,
    intensity_sign,
)

__all__ = ["read_dicom"]

_KEYWORDS: Final = (
    "BitsAllocated",
    "BitsStored",
    "BodyPartExamined",
    "BurnedInAnnotation",
    "Columns",
    "DetectorType",
    "HighBit",
    "ImageLaterality",
    "ImagerPixelSpacing",
    "Laterality",
    "LossyImageCompression",
    "LossyImageCompressionMethod",
    "LossyImageCompressionRatio",
    "Modality",
    "ModalityLUTSequence",
    "NumberOfFrames",
    "PatientOrientation",
    "PhotometricInterpretation",
    "PixelData",
    "PixelIntensityRelationship",
    "PixelIntensityRelationshipSign",
    "PixelRepresentation",
    "PixelSpacing",
    "RescaleIntercept",
    "RescaleSlope",
    "Rows",
    "SamplesPerPixel",
    "ViewPosition",
    "WindowCenter",
    "WindowWidth",
)
_AXES: Final = {"L": "x", "R": "x", "A": "y", "P": "y", "H": "z", "F": "z"}
_LOSSY_METHODS: Final[dict[UID, str]] = {
    JPEGBaseline8Bit: "ISO_10918_1",
    JPEGExtended12Bit: "ISO_10918_1",
    JPEGLSNearLossless: "ISO_14495_1",
    JPEG2000: "ISO_15444_1",
    JPEG2000MC: "ISO_15444_2",
    HTJ2K: "ISO_15444_15",
}
"""Lossy Image Compression Method of each transfer syntax that loses (PS3.3 C.7.6.1.1.5.1)."""
_LEAST_RATIO: Final = 1.0
"""Where pixels lost something in an earlier life and no one says how much.

The ratio is that of the loss, not of how this file is stored, so nothing here can tell it. DX wants one all the same
(Type 1C, PS3.3 C.8.11.3), and 1 is the lower bound of what C.7.6.1.1.5.2 defines: it claims no compression that was
not, and Lossy Image Compression stays ``01``, which may never be reset.
"""
_LOSSLESS_POSSIBLE: Final = (JPEG2000, JPEG2000MC, HTJ2K)
"""Of those, the ones that also carry lossless codestreams (PS3.5 A.4.4): the file's own word counts."""


def read_dicom(content: bytes) -> PixelSource:
    """Read the image of a Part 10 file.

    Raises
    ------
    IodError
        The file is damaged, or its image is signed, in colour, of several frames, rescaled, or of more than 16 bits.
    """
    dataset = read_dataset(content, _KEYWORDS)
    try:
        _refuse_unsuitable(dataset)
        return _described(dataset, decode(dataset))
    except IodError:
        raise
    except Exception as error:
        raise InvalidValue("path", f"the DICOM file holds a malformed attribute ({type(error).__name__})") from None


def _refuse_unsuitable(dataset: Dataset) -> None:
    if dataset.get("NumberOfFrames") not in (None, "", 1):
        raise InvalidValue("NumberOfFrames", "must be 1; images of several frames are not taken")
    if dataset.get("PixelRepresentation", 0) != 0:
        raise InvalidValue("PixelRepresentation", "must be 0; signed pixels are not taken (PS3.3 C.8.11.3)")
    if dataset.get("ModalityLUTSequence"):
        raise InvalidValue("ModalityLUTSequence", "must be absent; a DX image has no Modality LUT (PS3.3 C.8.11.3)")
    for keyword, identity in (("RescaleSlope", 1), ("RescaleIntercept", 0)):
        if dataset.get(keyword) not in (None, "", identity):
            raise InvalidValue(keyword, f"must be {identity}; rescaled pixels are not taken (PS3.3 C.8.11.3)")
    bits_stored = dataset.get("BitsStored")
    if dataset.get("BitsAllocated") not in (None, 8, 16) or (bits_stored is not None and not 6 <= bits_stored <= 16):
        raise InvalidValue("BitsStored", "must be 6 to 16, in 8 or 16 bits allocated (PS3.3 C.8.11.3)")


def _described(dataset: Dataset, pixels: NDArray[Any]) -> PixelSource:
    if int(pixels.max()) >= 2**dataset.BitsStored:
        raise InvalidValue("BitsStored", "pixels must fit into it (PS3.3 C.7.6.3)")
    photometric = PhotometricInterpretation(dataset.PhotometricInterpretation)
    spacing = _pair(dataset, "ImagerPixelSpacing") or _pair(dataset, "PixelSpacing")
    relationship = dataset.get("PixelIntensityRelationship")
    sign = dataset.get("PixelIntensityRelationshipSign")
    window = _pair(dataset, "WindowCenter", "WindowWidth")
    laterality = _code_string(dataset, "ImageLaterality") or _code_string(dataset, "Laterality")
    detector_type = dataset.get("DetectorType")
    if detector_type not in ("DIRECT", "SCINTILLATOR", "STORAGE", "FILM"):
        detector_type = "STORAGE" if dataset.get("Modality") == "CR" else "SCINTILLATOR"
    return PixelSource(
        pixels=pixels,
        detector=Detector(
            imager_pixel_spacing=spacing or (ASSUMED_PIXEL_SPACING, ASSUMED_PIXEL_SPACING),
            bits_stored=int(dataset.BitsStored),
            photometric_interpretation=photometric,
            pixel_intensity_relationship=PixelIntensityRelationship(relationship)
            if relationship in list(PixelIntensityRelationship)
            else PixelIntensityRelationship.LOG,
            pixel_intensity_relationship_sign=sign if sign in (1, -1) else intensity_sign(photometric),
            detector_type=detector_type,
        ),
        pixel_spacing_assumed=spacing is None,
        lossy_compression=_lossy_history(dataset),
        body_part=_code_string(dataset, "BodyPartExamined"),
        view=_code_string(dataset, "ViewPosition"),
        laterality=laterality if laterality in ("R", "L", "U", "B") else "",
        patient_orientation=_patient_orientation(dataset),
        window=window if window is not None and window[1] >= 1 else None,
        burned_in_annotation=dataset.get("BurnedInAnnotation") == "YES",
    )


def _values(dataset: Dataset, keyword: str) -> list[Any]:
    value = dataset.get(keyword)
    if value in (None, ""):
        return []
    return [value] if isinstance(value, (str, int, float)) else list(value)


def _pair(dataset: Dataset, *keywords: str) -> tuple[float, float] | None:
    """Two numbers, of one attribute or the first of each of two; None where the file tells no sensible ones.

    Spacings and widths have to be positive, and so is the center of a window of unsigned pixels.
    """
    found = [_values(dataset, keyword) for keyword in keywords]
    values = found[0][:2] if len(found) == 1 else [number for each in found for number in each[:1]]
    numbers = tuple(float(value) for value in values)
    if len(numbers) != 2 or not all(math.isfinite(number) and number > 0 for number in numbers):
        return None
    return numbers


def _code_string(dataset: Dataset, keyword: str) -> str:
    """A Code String (PS3.5 section 6.2), or nothing: what is no code could be anything."""
    value = dataset.get(keyword)
    return value.strip() if isinstance(value, str) and re.fullmatch(r"[A-Z0-9 _]{1,16}", value) else ""


def _patient_orientation(dataset: Dataset) -> tuple[str, str] | None:
    """Two directions that can be: no axis twice in one, and not along each other (PS3.3 C.7.6.1.1.1)."""
    values = [str(value) for value in _values(dataset, "PatientOrientation")]
    if len(values) != 2 or not all(re.fullmatch(r"[LRAPHF]{1,3}", value) for value in values):
        return None
    rows, columns = ([_AXES[letter] for letter in value] for value in values)
    if len(set(rows)) < len(rows) or len(set(columns)) < len(columns) or rows[0] == columns[0]:
        return None
    return values[0], values[1]


def _lossy_history(dataset: Dataset) -> tuple[tuple[float, str], ...]:
    """Every lossy compression the pixels went through (PS3.3 C.7.6.1.1.5)."""
    syntax = transfer_syntax(dataset)
    stated = dataset.get("LossyImageCompression")
    present_method = _LOSSY_METHODS.get(syntax, "")
    if stated != "01" and not (present_method and (stated != "00" or syntax not in _LOSSLESS_POSSIBLE)):
        return ()
    ratios = [float(ratio) for ratio in _values(dataset, "LossyImageCompressionRatio")]
    ratios = [ratio for ratio in ratios if math.isfinite(ratio) and ratio > 0]
    if not ratios:
        ratios = [_present_ratio(dataset) if present_method else _LEAST_RATIO]
    methods = [str(method) for method in _values(dataset, "LossyImageCompressionMethod")]
    methods = [method if re.fullmatch(r"[A-Z0-9 _]{1,16}", method) else "" for method in methods]
    if len(methods) != len(ratios):
        # of several steps only the last is known to be the one of this file
        methods = ["" for _ in ratios[1:]] + [present_method]
    return tuple(zip(ratios, methods, strict=True))


def _present_ratio(dataset: Dataset) -> float:
    """Ratio of the file's own compression."""
    frame = next(generate_frames(dataset.PixelData, number_of_frames=1))
    return compression_ratio(dataset.Rows * dataset.Columns * dataset.BitsStored / 8, len(frame))
