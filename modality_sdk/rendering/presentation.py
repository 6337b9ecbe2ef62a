"""An image as a Grayscale Softcopy Presentation State shows it (PS3.4 section N.2, PS3.3 A.33.1)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from modality_sdk.errors import InvalidValue, IodError
from modality_sdk.rendering.annotations import draw_annotations
from modality_sdk.rendering.decoding import MAXIMUM_PIXELS
from modality_sdk.rendering.grayscale import has_value, limited, per_stored_value, to_bytes, windowed
from modality_sdk.rendering.shutters import visible

__all__ = ["presented"]

_Values = NDArray[np.float64]
_WHITE = 2**16 - 1
"""The largest P-value."""


def presented(image: Dataset, pixels: NDArray[np.generic], state: Dataset) -> NDArray[np.uint8]:
    """Compute what is seen of ``image``; see `modality_sdk.rendering.render`.

    Parameters
    ----------
    pixels
        Its stored values.
    """
    try:
        return _presented(image, pixels, state)
    except IodError:
        raise
    except Exception as error:
        # whatever a foreign object lacks or holds; the message of the cause may quote it
        raise InvalidValue("presentation_state", f"cannot be shown ({type(error).__name__})") from None


def _presented(image: Dataset, pixels: NDArray[np.generic], state: Dataset) -> NDArray[np.uint8]:
    uid = str(image.get("SOPInstanceUID"))
    if uid not in _members(state):
        raise InvalidValue("ReferencedSeriesSequence", "does not name this image (PS3.3 C.11.11)")
    voi = next(iter(_for_image(state, "SoftcopyVOILUTSequence", uid)), Dataset())
    shown = per_stored_value(pixels, lambda stored: to_bytes(_gray(stored, image, state, voi)))
    if has_value(state, "ShutterShape"):
        shown[~visible(state, *shown.shape)] = round(_p_value(state, "ShutterPresentationValue", 0) * 255)
    areas = _for_image(state, "DisplayedAreaSelectionSequence", uid)
    if not areas:
        raise InvalidValue("DisplayedAreaSelectionSequence", "has no item for this image (PS3.3 C.10.4)")
    view = _View.of(state, areas[0])
    picture = view.cut(shown)
    annotations = _for_image(state, "GraphicAnnotationSequence", uid)
    if annotations:
        draw_annotations(picture, annotations, list(state.get("GraphicLayerSequence") or []), view.place)
    return picture


def _members(state: Dataset) -> set[str]:
    return {
        str(item.ReferencedSOPInstanceUID)
        for series in state.get("ReferencedSeriesSequence") or []
        for item in series.get("ReferencedImageSequence") or []
    }


def _for_image(state: Dataset, keyword: str, uid: str) -> list[Dataset]:
    """The items that are for the image: those that name it, and those that name none."""
    found = []
    for item in state.get(keyword) or []:
        references = item.get("ReferencedImageSequence")
        if not references or any(reference.ReferencedSOPInstanceUID == uid for reference in references):
            found.append(item)
    return found


def _p_value(dataset: Dataset, keyword: str, otherwise: int) -> float:
    """A P-value of 16 bits as 0 to 1."""
    value = dataset[keyword].value if has_value(dataset, keyword) else otherwise
    return float(value) / _WHITE


def _gray(stored: NDArray[np.generic], image: Dataset, state: Dataset, voi: Dataset) -> _Values:
    values = np.asarray(stored, dtype=np.float64)
    signed = image.get("PixelRepresentation", 0) == 1
    bits = int(image.BitsStored)
    low, high = (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1) if signed else (0.0, 2.0**bits - 1)
    if state.get("ModalityLUTSequence"):
        table, largest = _looked_up(values, state.ModalityLUTSequence[0])
        values, low, high = table * largest, 0.0, largest
    elif has_value(state, "RescaleSlope"):
        slope, intercept = float(state.RescaleSlope), float(state.get("RescaleIntercept") or 0)
        values = values * slope + intercept
        low, high = sorted((low * slope + intercept, high * slope + intercept))
    if voi.get("VOILUTSequence"):
        values, _ = _looked_up(values, voi.VOILUTSequence[0])
    elif has_value(voi, "WindowCenter"):
        values = windowed(values, _first(voi.WindowCenter), _first(voi.WindowWidth), voi)
    else:
        values = limited((values - low) / (high - low))
    if state.get("PresentationLUTSequence"):
        item = state.PresentationLUTSequence[0]
        entries = int(item.LUTDescriptor[0]) or 2**16
        values, _ = _looked_up(np.rint(values * (entries - 1)), item)
    elif state.get("PresentationLUTShape") == "INVERSE":
        values = 1 - values
    if not np.isfinite(values).all():
        raise InvalidValue("RescaleSlope", "rescale and window values must be finite numbers")
    return values


def _first(value: Any) -> float:
    return float(value if isinstance(value, (int, float, str)) else value[0])


def _looked_up(values: _Values, item: Dataset) -> tuple[_Values, float]:
    """Entries of a table as 0 to 1, with the largest entry that its bits allow (PS3.3 C.11.1.1.1, C.11.2.1.1)."""
    entries, first, bits = (int(number) for number in item.LUTDescriptor)
    data = item.LUTData
    table = np.frombuffer(data, "<u2") if isinstance(data, bytes) else np.asarray(data, dtype=np.uint16)
    table = table[: (entries % 2**16) or 2**16]
    largest = 2.0**bits - 1
    index = np.clip(np.rint(values) - first, 0, len(table) - 1).astype(np.intp)
    return limited(table[index] / largest), largest


@dataclass(frozen=True)
class _View:
    """The displayed area, counted from 0, and how it is turned."""

    left: int
    top: int
    columns: int
    rows: int
    turns: int
    flip: bool

    @classmethod
    def of(cls, state: Dataset, area: Dataset) -> "_View":
        corners = (area.DisplayedAreaTopLeftHandCorner, area.DisplayedAreaBottomRightHandCorner)
        left, right = sorted(int(corner[0]) for corner in corners)
        top, bottom = sorted(int(corner[1]) for corner in corners)
        rotation = int(state.get("ImageRotation") or 0)
        if rotation % 90:
            raise InvalidValue("ImageRotation", "must be 0, 90, 180 or 270 (PS3.3 C.10.6)")
        if (right - left + 1) * (bottom - top + 1) > MAXIMUM_PIXELS:
            raise InvalidValue(
                "DisplayedAreaBottomRightHandCorner", f"an area has at most {MAXIMUM_PIXELS} pixels to be rendered"
            )
        flip = state.get("ImageHorizontalFlip") == "Y"
        return cls(left - 1, top - 1, right - left + 1, bottom - top + 1, rotation // 90 % 4, flip)

    def cut(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The part of ``pixels`` that is seen, as it is seen; black where the image has none."""
        rows, columns = pixels.shape
        picture = np.zeros((self.rows, self.columns), np.uint8)
        top, bottom = max(self.top, 0), min(self.top + self.rows, rows)
        left, right = max(self.left, 0), min(self.left + self.columns, columns)
        if top < bottom and left < right:
            target = picture[top - self.top : bottom - self.top, left - self.left : right - self.left]
            target[:] = pixels[top:bottom, left:right]
        turned = np.rot90(picture, -self.turns)
        return np.ascontiguousarray(turned[:, ::-1] if self.flip else turned)

    def place(self, place: tuple[float, float], units: str) -> tuple[float, float]:
        """Where a place of an annotation lies in the picture, from its top left corner."""
        if units == "DISPLAY":
            size = (self.rows, self.columns) if self.turns % 2 else (self.columns, self.rows)
            return place[0] * size[0], place[1] * size[1]
        x, y = place[0] - self.left, place[1] - self.top
        width, height = float(self.columns), float(self.rows)
        for _ in range(self.turns):
            x, y, width, height = height - y, x, height, width
        return (width - x if self.flip else x), y
