"""Pixels of an exposure from a file of any kind that is taken; pictures and arrays are read here."""

import io
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from modality_sdk.errors import InvalidValue, IodError
from modality_sdk.model import Detector, PhotometricInterpretation
from modality_sdk.rendering.decoding import MAXIMUM_PIXELS, read_limited
from modality_sdk.rendering.dicom_source import read_dicom
from modality_sdk.rendering.pixel_source import (
    ASSUMED_PIXEL_SPACING,
    PixelSource,
    compression_ratio,
    intensity_sign,
)

__all__ = ["read_pixels"]

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
        return read_dicom(content)
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
            pixel_intensity_relationship_sign=intensity_sign(photometric_interpretation),
        ),
        pixel_spacing_assumed=True,
        lossy_compression=lossy_compression,
    )


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
    lossy = ((compression_ratio(pixels.nbytes, len(content)), "ISO_10918_1"),) if "jpeg" in compression else ()
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
