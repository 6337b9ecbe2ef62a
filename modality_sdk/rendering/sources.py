"""Pixels of an exposure from a file: what describes the image comes along, the patient never does."""

import io
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
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
from modality_sdk.rendering.decoding import MAXIMUM_PIXELS, decode, read_dataset, read_limited, transfer_syntax

__all__ = ["ASSUMED_PIXEL_SPACING", "PixelSource", "read_pixels"]

ASSUMED_PIXEL_SPACING: Final = 0.15
"""Detector element spacing in mm where a file tells none."""

_SIGNATURES: Final = {
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "TIFF": (b"II*\0", b"MM\0*"),
    "NumPy": (b"\x93NUMPY",),
}
_SUFFIXES: Final = {
    ".dcm": "DICOM",
    ".dicom": "DICOM",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".npy": "NumPy",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".bmp": "BMP",
    ".gif": "GIF",
}
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
_LOSSY_METHODS: Final[dict[UID, str]] = {
    JPEGBaseline8Bit: "ISO_10918_1",
    JPEGExtended12Bit: "ISO_10918_1",
    JPEGLSNearLossless: "ISO_14495_1",
    JPEG2000: "ISO_15444_1",
    JPEG2000MC: "ISO_15444_2",
    HTJ2K: "ISO_15444_15",
}
"""Lossy Image Compression Method of each transfer syntax that loses (PS3.3 C.7.6.1.1.5.1)."""
_LOSSLESS_POSSIBLE: Final = (JPEG2000, JPEG2000MC, HTJ2K)
"""Of those, the ones that also carry lossless codestreams (PS3.5 A.4.4): the file's own word counts."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PixelSource:
    """The pixels of a file and what it says about them. Nothing in it identifies a patient.

    Attributes
    ----------
    pixels
        ``(rows, columns)``, uint8 or uint16. It may be read-only.
    detector
        Spacing, bits stored, photometric interpretation and intensity relationship, as the file tells them.
    pixel_spacing_assumed
        Whether the file tells no spacing and the detector's is `ASSUMED_PIXEL_SPACING`.
    lossy_compression
        Ratio and method of every lossy compression the pixels went through; empty for none. The method is
        empty where nobody can tell it.
    body_part, view, laterality
        Body Part Examined, View Position, laterality as in the file; empty where it tells none.
    patient_orientation, window
        Where the file tells them.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    detector: Detector
    pixel_spacing_assumed: bool = False
    lossy_compression: tuple[tuple[float, str], ...] = ()
    body_part: str = ""
    view: str = ""
    laterality: str = ""
    patient_orientation: tuple[str, str] | None = None
    window: tuple[float, float] | None = None
    burned_in_annotation: bool = False


def read_pixels(path: Path) -> PixelSource:
    """Read an image file: DICOM, 8- or 16-bit grayscale PNG or TIFF, or a NumPy ``.npy`` array of uint8 or uint16.

    The content decides what a file is; a suffix that says something else is an error. A file may come from
    anywhere: its claims about sizes are checked before anything of that size is allocated.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    PixelSource
        Pixels with their description. Files other than DICOM are taken as MONOCHROME2 (a TIFF file may say
        otherwise), 8 or 16 bits stored, `ASSUMED_PIXEL_SPACING`.

    Raises
    ------
    IodError
        The file is none of these, is damaged, or its image is signed, in colour, of several frames,
        rescaled, or of more than 16 bits.
    OSError
        The file cannot be read.
    """
    content = read_limited(path)
    kind = _kind(content)
    claimed = _SUFFIXES.get(path.suffix.lower(), kind)
    if claimed != kind:
        raise InvalidValue("path", f"the file is {kind}, which its suffix {path.suffix.lower()} denies")
    if kind == "DICOM":
        return _from_dicom(content)
    if kind == "NumPy":
        return _from_array(_load_array(path))
    return _from_picture(content, kind)


def _kind(content: bytes) -> str:
    if content[128:132] == b"DICM":
        return "DICOM"
    for kind, signatures in _SIGNATURES.items():
        if content.startswith(signatures):
            return kind
    raise InvalidValue("path", "the file is neither DICOM, PNG, TIFF nor a NumPy array")


def _from_array(
    pixels: NDArray[Any],
    photometric_interpretation: PhotometricInterpretation = PhotometricInterpretation.MONOCHROME2,
    lossy_compression: tuple[tuple[float, str], ...] = (),
) -> PixelSource:
    return PixelSource(
        pixels=pixels,
        detector=Detector(
            imager_pixel_spacing=(ASSUMED_PIXEL_SPACING, ASSUMED_PIXEL_SPACING),
            bits_stored=8 * pixels.dtype.itemsize,
            photometric_interpretation=photometric_interpretation,
            pixel_intensity_relationship_sign=_sign(photometric_interpretation),
        ),
        pixel_spacing_assumed=True,
        lossy_compression=lossy_compression,
    )


def _sign(photometric_interpretation: PhotometricInterpretation) -> int:
    """Pixel Intensity Relationship Sign of a radiograph that shows bone white (PS3.3 C.8.11.3.1.2)."""
    return 1 if photometric_interpretation is PhotometricInterpretation.MONOCHROME1 else -1


def _load_array(path: Path) -> NDArray[Any]:
    try:
        # mapped: a shape larger than the file fails before memory is taken
        pixels: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:
        raise InvalidValue("path", f"the NumPy file is damaged ({type(error).__name__})") from None
    if pixels.ndim != 2 or pixels.size == 0:
        raise InvalidValue("pixels", "must be an array of rows and columns, neither of them 0")
    if pixels.dtype.kind != "u" or pixels.dtype.itemsize > 2:
        raise InvalidValue("pixels", "must be uint8 or uint16; floating point and signed pixels are not taken")
    if pixels.size > MAXIMUM_PIXELS:
        raise InvalidValue("pixels", f"rows times columns must not exceed {MAXIMUM_PIXELS}")
    return np.array(pixels, dtype=pixels.dtype.newbyteorder("="))


def _from_picture(content: bytes, kind: str) -> PixelSource:
    try:
        with Image.open(io.BytesIO(content), formats=[kind]) as picture:
            _refuse_unsuitable_picture(picture)
            compression = picture.info.get("compression", "")
            inverted = kind == "TIFF" and picture.mode != "L" and _white_is_zero(picture)
            pixels: NDArray[Any] = np.asarray(picture)
    except IodError:
        raise
    except Exception as error:
        raise InvalidValue("path", f"the {kind} file is damaged ({type(error).__name__})") from None
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    lossy = ((_ratio(pixels.nbytes, len(content)), "ISO_10918_1"),) if "jpeg" in compression else ()
    photometric = PhotometricInterpretation.MONOCHROME1 if inverted else PhotometricInterpretation.MONOCHROME2
    return _from_array(pixels, photometric, lossy)


def _refuse_unsuitable_picture(picture: Image.Image) -> None:
    if picture.width * picture.height > MAXIMUM_PIXELS:
        raise InvalidValue("pixels", f"rows times columns must not exceed {MAXIMUM_PIXELS}")
    if picture.mode not in ("L", "I;16", "I;16B") or getattr(picture, "n_frames", 1) != 1:
        raise InvalidValue("pixels", "must be one picture of 8 or 16 bits in gray; colour is not taken")


def _white_is_zero(picture: Image.Image) -> bool:
    """Whether a TIFF file counts from white; 8-bit ones are turned round by the reader already."""
    tags: Any = getattr(picture, "tag_v2", {})
    return bool(tags.get(262) == 0)  # PhotometricInterpretation of TIFF 6.0


def _from_dicom(content: bytes) -> PixelSource:
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
            pixel_intensity_relationship_sign=sign if sign in (1, -1) else _sign(photometric),
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
    values = _values(dataset, "PatientOrientation")
    if len(values) == 2 and all(re.fullmatch(r"[LRAPHF]{1,3}", str(value)) for value in values):
        return str(values[0]), str(values[1])
    return None


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
        frame = next(generate_frames(dataset.PixelData, number_of_frames=1)) if syntax.is_encapsulated else b""
        size = dataset.Rows * dataset.Columns * dataset.BitsStored / 8
        ratios = [_ratio(size, len(frame) or size)]
    methods = [str(method) for method in _values(dataset, "LossyImageCompressionMethod")]
    methods = [method if re.fullmatch(r"[A-Z0-9 _]{1,16}", method) else "" for method in methods]
    if len(methods) != len(ratios):
        # of several steps only the last is known to be the one of this file
        methods = ["" for _ in ratios[1:]] + [present_method]
    return tuple(zip(ratios, methods, strict=True))


def _ratio(original: float, compressed: float) -> float:
    """Compression ratio as it is written, at least 1."""
    return max(1.0, round(original / max(compressed, 1), 2))
