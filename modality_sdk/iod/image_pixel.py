"""Pixels as an object stores them: Image Pixel and the default window (PS3.3 C.7.6.3, C.11.2)."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modality_sdk.errors import InvalidValue
from modality_sdk.iod.numbers import finite
from modality_sdk.model import Detector

__all__ = ["check_pixels", "default_window", "pixel_data"]

_SAMPLES = 2**17
"""Pixels that the default window is estimated from; more would not change it visibly."""


def check_pixels(pixels: Any, detector: Detector) -> None:
    """Refuse pixels that the DX Image Module cannot hold (PS3.3 C.8.11.3).

    Raises
    ------
    InvalidValue
        Shape, data type, size or a pixel value is wrong for the detector.
    """
    if not isinstance(pixels, np.ndarray) or pixels.dtype.kind != "u" or pixels.dtype.itemsize > 2:
        raise InvalidValue("PixelData", "must be an array of uint8 or uint16; PS3.3 C.8.11.3 knows no others")
    if isinstance(pixels, np.ma.MaskedArray):
        raise InvalidValue("PixelData", "must not be masked; the object has no Pixel Padding Value to write instead")
    if pixels.ndim != 2:
        raise InvalidValue("PixelData", "must have the shape (rows, columns)")
    for attribute, size in zip(("Rows", "Columns"), pixels.shape, strict=True):
        if not 1 <= size <= 0xFFFF:
            raise InvalidValue(attribute, "must be 1 to 65535 (PS3.3 C.7.6.3)")
    if pixels.nbytes >= 0xFFFFFFFE:
        raise InvalidValue("PixelData", "must be shorter than 4 GiB (PS3.5 section 7.1.1)")
    bits = detector.bits_stored
    if finite("BitsStored", bits) not in range(6, 17):
        raise InvalidValue("BitsStored", "must be 6 to 16 (PS3.3 C.8.11.3)")
    if bits > 8 * pixels.dtype.itemsize:
        raise InvalidValue("BitsStored", "must not exceed the bits of the array's elements (PS3.5 section 8.1.1)")
    if int(pixels.max()) >= 2**bits:
        raise InvalidValue("PixelData", "pixel values must be below 2 ** Bits Stored (PS3.3 C.7.6.3)")


def pixel_data(pixels: NDArray[Any]) -> bytes:
    """Bytes of Pixel Data: row by row, little endian, an even number (PS3.5 sections 8.1.1 and 8.2). One copy."""
    stored = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
    if stored.nbytes % 2:
        return b"".join((np.ascontiguousarray(stored).data.cast("B"), b"\0"))
    return stored.tobytes()


def default_window(pixels: NDArray[Any]) -> tuple[float, float]:
    """Center and width of a linear window that shows all but the darkest and the brightest half percent.

    The window's ends fall on the two percentiles by the formula of PS3.3 C.11.2.1.2.1.
    """
    step = max(1, math.isqrt(pixels.size // _SAMPLES))
    low, high = (float(value) for value in np.rint(np.percentile(pixels[::step, ::step], (0.5, 99.5))))
    return (low + high + 1) / 2, high - low + 1
