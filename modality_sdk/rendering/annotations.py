"""Graphic annotations drawn into a picture (PS3.3 C.10.5)."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom import Dataset

__all__ = ["draw_annotations"]

_Point = tuple[float, float]
_Place = Callable[[_Point, str], _Point]

_CIRCLE_SIDES = 180
_LONGEST_TEXT = 1024
_WHITE = 2**16 - 1


def draw_annotations(
    picture: NDArray[np.uint8], annotations: Sequence[Dataset], layers: Sequence[Dataset], place: _Place
) -> None:
    """Draw into ``picture``, layers of lower order first, in the gray value that a layer recommends or in white.

    Parameters
    ----------
    picture
        ``(rows, columns)``; changed.
    annotations, layers
        Items of the Graphic Annotation and the Graphic Layer Sequence.
    place
        Column and row, and the units, of an annotation's place to the place in the picture.
    """
    order = {layer.GraphicLayer: int(layer.get("GraphicLayerOrder") or 0) for layer in layers}
    gray = {layer.GraphicLayer: layer.get("GraphicLayerRecommendedDisplayGrayscaleValue") for layer in layers}
    canvas = Image.fromarray(picture)
    for annotation in sorted(annotations, key=lambda item: order.get(item.GraphicLayer, 0)):
        value = gray.get(annotation.GraphicLayer)
        pen = _Pen(canvas, place, 255 if value is None else round(int(value) / _WHITE * 255))
        for graphic in annotation.get("GraphicObjectSequence") or []:
            pen.graphic(graphic)
        for text in annotation.get("TextObjectSequence") or []:
            pen.text(text)
    picture[:] = np.asarray(canvas)


class _Pen:
    """Draws in one gray value, with lines that can be seen in pictures of any size."""

    def __init__(self, canvas: Image.Image, place: _Place, gray: int) -> None:
        self._draw = ImageDraw.Draw(canvas)
        self._draw.fontmode = "L"
        self._place = place
        self._gray = gray
        self._contrast = 0 if gray > 127 else 255
        shorter = min(canvas.size)
        self._line = max(1, round(shorter / 600))
        self._letter = max(8.0, shorter / 40)

    def graphic(self, item: Dataset) -> None:
        kind, data = item.GraphicType, [float(number) for number in item.GraphicData]
        units = item.GraphicAnnotationUnits
        points = [self._place((data[i], data[i + 1]), units) for i in range(0, len(data), 2)]
        if kind == "POINT":
            (x, y), arm = points[0], 3.0 * self._line
            self._lines([(x - arm, y), (x + arm, y)])
            self._lines([(x, y - arm), (x, y + arm)])
            return
        if kind == "CIRCLE":
            points = _ellipse(points[0], math.dist(*points[:2]), math.dist(*points[:2]), 0.0)
        elif kind == "ELLIPSE":
            (x1, y1), (x2, y2) = points[:2]
            centre = ((x1 + x2) / 2, (y1 + y2) / 2)
            angle = math.atan2(y2 - y1, x2 - x1)
            points = _ellipse(centre, math.dist(*points[:2]) / 2, math.dist(*points[2:4]) / 2, angle)
        if item.get("GraphicFilled") == "Y":
            self._draw.polygon([_pixel(point) for point in points], fill=self._gray)
        self._lines(points)

    def text(self, item: Dataset) -> None:
        text = str(item.UnformattedTextValue).replace("\r\n", "\n").replace("\r", "\n")[:_LONGEST_TEXT]
        anchor = None
        if item.get("AnchorPoint"):
            anchor = self._place(_point(item.AnchorPoint), item.AnchorPointAnnotationUnits)
        if not item.get("BoundingBoxTopLeftHandCorner"):
            if anchor is not None:
                self._write(text, anchor, self._letter, "la")
            return
        units = item.BoundingBoxAnnotationUnits
        corners = [
            self._place(_point(corner), units)
            for corner in (item.BoundingBoxTopLeftHandCorner, item.BoundingBoxBottomRightHandCorner)
        ]
        (left, right), (top, bottom) = (sorted(values) for values in zip(*corners, strict=True))
        size = self._fitting(text, right - left, bottom - top)
        side = item.get("BoundingBoxTextHorizontalJustification") or "LEFT"
        x, alignment = {"CENTER": ((left + right) / 2, "m"), "RIGHT": (right, "r")}.get(side, (left, "l"))
        # Pillow places several lines by their first one
        vertical, y = ("a", top) if "\n" in text else ("m", (top + bottom) / 2)
        self._write(text, (x, y), size, alignment + vertical)
        if anchor is not None and item.get("AnchorPointVisibility") == "Y":
            nearest = (min(max(anchor[0], left), right), min(max(anchor[1], top), bottom))
            self._lines([nearest, anchor])

    def _fitting(self, text: str, width: float, height: float) -> float:
        """The size of letters that fills the box."""
        reference = 100.0
        left, top, right, bottom = self._draw.multiline_textbbox((0, 0), text, _font(reference))
        return max(6.0, reference * min(width / max(right - left, 1), height / max(bottom - top, 1)))

    def _write(self, text: str, at: _Point, size: float, anchor: str) -> None:
        align = {"m": "center", "r": "right"}.get(anchor[0], "left")
        # a seam of the other shade keeps letters legible on any ground
        self._draw.multiline_text(
            at,
            text,
            fill=self._gray,
            font=_font(size),
            anchor=anchor,
            align=align,
            stroke_width=self._line,
            stroke_fill=self._contrast,
        )

    def _lines(self, points: Sequence[_Point]) -> None:
        self._draw.line([_pixel(point) for point in points], fill=self._gray, width=self._line, joint="curve")


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(min(size, 4096.0))


def _point(values: Sequence[Any]) -> _Point:
    return float(values[0]), float(values[1])


def _pixel(point: _Point) -> _Point:
    # Pillow counts from the middle of the first pixel
    return point[0] - 0.5, point[1] - 0.5


def _ellipse(centre: _Point, along: float, across: float, angle: float) -> list[_Point]:
    turn = [2 * math.pi * side / _CIRCLE_SIDES for side in range(_CIRCLE_SIDES + 1)]
    cos, sin = math.cos(angle), math.sin(angle)
    return [
        (
            centre[0] + along * math.cos(t) * cos - across * math.sin(t) * sin,
            centre[1] + along * math.cos(t) * sin + across * math.sin(t) * cos,
        )
        for t in turn
    ]
