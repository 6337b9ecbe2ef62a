"""The grayscale rendering pipeline of PS3.4 section N.2: modality, values of interest, presentation."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi

from modality_sdk.errors import InvalidValue
from modality_sdk.rendering.decoding import decode

__all__ = ["render", "write_png"]

_Values = NDArray[np.float64]


def render(dataset: Dataset) -> NDArray[np.uint8]:
    """Compute what a display shows of a grayscale image.

    Modality LUT or rescale (PS3.3 C.11.1), VOI LUT or first window (C.11.2; the whole range of the
    pixels where there is neither), then inversion for MONOCHROME1 or Presentation LUT Shape INVERSE (C.11.6).

    Parameters
    ----------
    dataset
        Any image of one sample per pixel, in any transfer syntax there is a decoder for. Of several
        frames the first is taken.

    Returns
    -------
    ndarray
        ``(rows, columns)``, uint8, 0 black to 255 white.

    Raises
    ------
    IodError
        The image cannot be decoded, or its window or tables are not as the standard demands.
    """
    pixels = decode(dataset)
    if pixels.dtype.itemsize > 2:
        return _displayed(dataset, pixels.astype(np.float64), pixels)
    # one table over all stored values is smaller and faster than floating point pixels
    stored = np.arange(2 ** (8 * pixels.dtype.itemsize), dtype=f"u{pixels.dtype.itemsize}")
    table = _displayed(dataset, stored.view(pixels.dtype.newbyteorder("=")), pixels)
    return table[pixels.astype(pixels.dtype.newbyteorder("="), copy=False).view(stored.dtype)]


def _displayed(dataset: Dataset, stored: NDArray[np.generic], pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Display values of ``stored``; ``pixels`` give the range where the image has no window."""
    try:
        values = np.asarray(apply_modality_lut(stored, dataset), dtype=np.float64)
        has_window = _has_value(dataset, "WindowCenter")
        if _has_value(dataset, "VOILUTSequence") and not has_window:
            values = _fill(np.asarray(apply_voi(values.astype(np.int64), dataset), dtype=np.float64))
        elif has_window and _has_value(dataset, "WindowWidth"):
            values = _windowed(values, _first(dataset, "WindowCenter"), _first(dataset, "WindowWidth"), dataset)
        else:
            ends = np.array([pixels.min(), pixels.max()]).astype(stored.dtype)
            low, high = np.sort(np.asarray(apply_modality_lut(ends, dataset), dtype=np.float64))
            values = _limited((values - low) / max(high - low, 1.0))
    except InvalidValue:
        raise
    except Exception as error:
        raise InvalidValue("ModalityLUTSequence", f"a look-up table is not usable ({type(error).__name__})") from None
    if not np.isfinite(values).all():
        raise InvalidValue("RescaleSlope", "rescale and window values must be finite numbers")
    if dataset.PhotometricInterpretation == "MONOCHROME1" or dataset.get("PresentationLUTShape") == "INVERSE":
        values = 1 - values
    return np.rint(values * 255).astype(np.uint8)


def _has_value(dataset: Dataset, keyword: str) -> bool:
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
    return _limited((values - values.min()) / max(values.max() - values.min(), 1.0))


def _limited(values: _Values) -> _Values:
    return np.asarray(np.clip(values, 0, 1), dtype=np.float64)


def _windowed(values: _Values, center: float, width: float, dataset: Dataset) -> _Values:
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
        return _limited((values - (center - 0.5)) / (width - 1) + 0.5)
    if function == "LINEAR_EXACT":
        return _limited((values - center) / width + 0.5)
    if function == "SIGMOID":
        return np.asarray(1 / (1 + np.exp(np.clip(-4 * (values - center) / width, -700, 700))), dtype=np.float64)
    raise InvalidValue("VOILUTFunction", "must be LINEAR, LINEAR_EXACT or SIGMOID (PS3.3 C.11.2.1.3)")


def write_png(dataset: Dataset, path: Path, *, maximum_side: int | None = None) -> None:
    """Write what `render` computes as an 8-bit PNG file, without a word of text in it.

    Parameters
    ----------
    maximum_side
        Reduce the picture so that neither side has more pixels; None keeps the size.

    Raises
    ------
    IodError
        As `render`; or ``maximum_side`` is less than 1.
    OSError
        The file cannot be written.
    """
    if maximum_side is not None and maximum_side < 1:
        raise InvalidValue("maximum_side", "must be at least 1")
    picture = Image.fromarray(render(dataset))
    if maximum_side is not None:
        picture.thumbnail((maximum_side, maximum_side), Image.Resampling.BOX)
    picture.save(path, format="PNG")
