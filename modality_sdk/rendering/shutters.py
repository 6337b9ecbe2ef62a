"""What a display shutter leaves visible (PS3.3 C.7.6.11)."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydicom import Dataset

from modality_sdk.errors import InvalidValue

__all__ = ["visible"]

_Mask = NDArray[np.bool_]


def visible(dataset: Dataset, rows: int, columns: int) -> _Mask:
    """Find the pixels that no shape of the shutter hides.

    Edges, circumference and sides belong to what is visible; the standard leaves that open.

    Parameters
    ----------
    dataset
        With Shutter Shape and what belongs to it; without, everything is visible.
    rows, columns
        Size of the image.

    Returns
    -------
    ndarray
        ``(rows, columns)``, bool.

    Raises
    ------
    InvalidValue
        A shape is unknown (BITMAP included) or incomplete.
    """
    mask = np.ones((rows, columns), np.bool_)
    shapes = dataset.get("ShutterShape") or []
    for shape in [shapes] if isinstance(shapes, str) else shapes:
        if shape not in _SHAPES:
            raise InvalidValue("ShutterShape", "must be RECTANGULAR, CIRCULAR or POLYGONAL (PS3.3 C.7.6.11)")
        try:
            mask &= _SHAPES[shape](dataset, rows, columns)
        except Exception as error:
            raise InvalidValue("ShutterShape", f"its shape is not complete ({type(error).__name__})") from None
    return mask


def _rectangle(dataset: Dataset, rows: int, columns: int) -> _Mask:
    row, column = _numbered(rows, columns)
    left, right = int(dataset.ShutterLeftVerticalEdge), int(dataset.ShutterRightVerticalEdge)
    upper, lower = int(dataset.ShutterUpperHorizontalEdge), int(dataset.ShutterLowerHorizontalEdge)
    return (row >= upper) & (row <= lower) & (column >= left) & (column <= right)


def _circle(dataset: Dataset, rows: int, columns: int) -> _Mask:
    row, column = _numbered(rows, columns)
    of_row, of_column = (float(number) for number in dataset.CenterOfCircularShutter)
    return np.asarray((row - of_row) ** 2 + (column - of_column) ** 2 <= float(dataset.RadiusOfCircularShutter) ** 2)


def _polygon(dataset: Dataset, rows: int, columns: int) -> _Mask:
    numbers = [int(number) for number in dataset.VerticesOfThePolygonalShutter]
    picture = Image.new("1", (columns, rows))
    vertices = [(column - 1, row - 1) for row, column in zip(numbers[::2], numbers[1::2], strict=True)]
    ImageDraw.Draw(picture).polygon(vertices, fill=1, outline=1)
    return np.asarray(picture, dtype=np.bool_)


def _numbered(rows: int, columns: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows and columns counted from 1."""
    return np.arange(1.0, rows + 1)[:, np.newaxis], np.arange(1.0, columns + 1)[np.newaxis, :]


_SHAPES = {"RECTANGULAR": _rectangle, "CIRCULAR": _circle, "POLYGONAL": _polygon}
