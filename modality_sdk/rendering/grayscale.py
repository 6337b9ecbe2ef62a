"""Stored pixels to gray values: modality, values of interest, presentation (PS3.4 section N.2)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi

from modality_sdk.errors import InvalidValue

__all__ = ["displayed", "has_value", "limited", "per_stored_value", "to_bytes", "windowed"]

_Values = NDArray[np.float64]
_Table = Callable[[NDArray[np.generic]], NDArray[np.uint8]]


def per_stored_value(pixels: NDArray[np.generic], function: _Table) -> NDArray[np.uint8]:
    """Apply ``function`` to every pixel, by way of a table of all stored values where there are few."""
    if pixels.dtype.itemsize > 2:
        return function(pixels)
    # one table over all stored values is smaller and faster than floating point pixels
    stored = np.arange(2 ** (8 * pixels.dtype.itemsize), dtype=f"u{pixels.dtype.itemsize}")
    table = function(stored.view(pixels.dtype.newbyteorder("=")))
    return table[pixels.astype(pixels.dtype.newbyteorder("="), copy=False).view(stored.dtype)]


def to_bytes(values: _Values) -> NDArray[np.uint8]:
    """Gray values 0 to 1 as 0 to 255."""
    return np.rint(values * 255).astype(np.uint8)


def displayed(dataset: Dataset, stored: NDArray[np.generic], pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Display values of ``stored``; ``pixels`` give the range where the image has no window."""
    try:
        values = np.asarray(apply_modality_lut(stored, dataset), dtype=np.float64)
        has_window = has_value(dataset, "WindowCenter")
        if has_value(dataset, "VOILUTSequence") and not has_window:
            values = _fill(np.asarray(apply_voi(values.astype(np.int64), dataset), dtype=np.float64))
        elif has_window and has_value(dataset, "WindowWidth"):
            values = windowed(values, _first(dataset, "WindowCenter"), _first(dataset, "WindowWidth"), dataset)
        else:
            ends = np.array([pixels.min(), pixels.max()]).astype(stored.dtype)
            low, high = np.sort(np.asarray(apply_modality_lut(ends, dataset), dtype=np.float64))
            values = limited((values - low) / max(high - low, 1.0))
    except InvalidValue:
        raise
    except Exception as error:
        raise InvalidValue("ModalityLUTSequence", f"a look-up table is not usable ({type(error).__name__})") from None
    if not np.isfinite(values).all():
        raise InvalidValue("RescaleSlope", "rescale and window values must be finite numbers")
    if dataset.PhotometricInterpretation == "MONOCHROME1" or dataset.get("PresentationLUTShape") == "INVERSE":
        values = 1 - values
    return to_bytes(values)


def has_value(dataset: Dataset, keyword: str) -> bool:
    """Whether an attribute is there and not of zero length, which says as little as its absence."""
    return keyword in dataset and not dataset[keyword].is_empty


def _first(dataset: Dataset, keyword: str) -> float:
    value = dataset[keyword].value
    try:
        return float(value if isinstance(value, (int, float, str)) else value[0])
    except (TypeError, ValueError, IndexError):
        raise InvalidValue(keyword, "must be a number (PS3.3 C.11.2.1.2)") from None


def _fill(values: _Values) -> _Values:
    """Stretch the output of a table over 0 to 1."""
    return limited((values - values.min()) / max(values.max() - values.min(), 1.0))


def limited(values: _Values) -> _Values:
    """Gray values within 0 to 1."""
    return np.asarray(np.clip(values, 0, 1), dtype=np.float64)


def windowed(values: _Values, center: float, width: float, dataset: Dataset) -> _Values:
    """Window after the three functions of PS3.3 C.11.2.1.2 and C.11.2.1.3, to 0 … 1."""
    function = dataset.get("VOILUTFunction") or "LINEAR"
    smallest = 1.0 if function == "LINEAR" else np.nextafter(0.0, 1.0)
    if not (np.isfinite(center) and np.isfinite(width) and width >= smallest):
        raise InvalidValue(
            "WindowWidth", "must be at least 1, for other functions than LINEAR above 0 (PS3.3 C.11.2.1)"
        )
    if function == "LINEAR":
        if width == 1:
            return np.asarray(values > center - 0.5, dtype=np.float64)
        return limited((values - (center - 0.5)) / (width - 1) + 0.5)
    if function == "LINEAR_EXACT":
        return limited((values - center) / width + 0.5)
    if function == "SIGMOID":
        return np.asarray(1 / (1 + np.exp(np.clip(-4 * (values - center) / width, -700, 700))), dtype=np.float64)
    raise InvalidValue("VOILUTFunction", "must be LINEAR, LINEAR_EXACT or SIGMOID (PS3.3 C.11.2.1.3)")
