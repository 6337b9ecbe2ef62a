"""The display shutter of a presentation state (PS3.3 C.7.6.11, C.11.12)."""

from collections.abc import Sequence
from itertools import combinations

from pydicom import Dataset

from modality_sdk.dataset import assign
from modality_sdk.errors import InvalidValue, MissingAttribute
from modality_sdk.model import DisplayShutter, ReferencedImage
from modality_sdk.rendering import visible

__all__ = ["assign_shutter"]

_Vertex = tuple[int, int]


def assign_shutter(dataset: Dataset, shutter: DisplayShutter, images: Sequence[ReferencedImage]) -> None:
    """Set the shutter's shapes and Shutter Presentation Value.

    Raises
    ------
    IodError
        There is no shape, one encloses nothing, or together they leave nothing of an image visible.
    """
    shapes = []
    if shutter.rectangle is not None:
        shapes.append("RECTANGULAR")
        _assign_rectangle(dataset, shutter.rectangle)
    if shutter.circle is not None:
        shapes.append("CIRCULAR")
        _assign_circle(dataset, shutter.circle)
    if shutter.polygon:
        shapes.append("POLYGONAL")
        _assign_polygon(dataset, shutter.polygon)
    if not shapes:
        raise MissingAttribute("ShutterShape", "a shutter has a shape: rectangle, circle or polygon (PS3.3 C.7.6.11)")
    assign(dataset, "ShutterShape", shapes)
    assign(dataset, "ShutterPresentationValue", shutter.presentation_value)
    for rows, columns in {(image.rows, image.columns) for image in images}:
        if not visible(dataset, rows, columns).any():
            raise InvalidValue("ShutterShape", "the shapes together must leave a part of each image visible (C.7.6.11)")


def _assign_rectangle(dataset: Dataset, rectangle: object) -> None:
    if not isinstance(rectangle, Sequence) or len(rectangle) != 4:
        raise InvalidValue("ShutterLeftVerticalEdge", "must come with the right, upper and lower edge (C.7.6.11)")
    names = ("LeftVertical", "RightVertical", "UpperHorizontal", "LowerHorizontal")
    for name, edge in zip(names, rectangle, strict=True):
        assign(dataset, f"Shutter{name}Edge", _integer(f"Shutter{name}Edge", edge))
    left, right, upper, lower = rectangle
    if left >= right:
        raise InvalidValue("ShutterRightVerticalEdge", "must be right of the left edge (PS3.3 C.7.6.11)")
    if upper >= lower:
        raise InvalidValue("ShutterLowerHorizontalEdge", "must be below the upper edge (PS3.3 C.7.6.11)")


def _assign_circle(dataset: Dataset, circle: object) -> None:
    if not isinstance(circle, Sequence) or len(circle) != 3:
        raise InvalidValue("CenterOfCircularShutter", "must be column, row and radius (PS3.3 C.7.6.11)")
    column, row, radius = (_integer("CenterOfCircularShutter", number) for number in circle)
    if radius < 1:
        raise InvalidValue("RadiusOfCircularShutter", "must be at least 1 pixel (PS3.3 C.7.6.11)")
    assign(dataset, "CenterOfCircularShutter", [row, column])
    assign(dataset, "RadiusOfCircularShutter", radius)


def _assign_polygon(dataset: Dataset, polygon: Sequence[object]) -> None:
    keyword = "VerticesOfThePolygonalShutter"
    if any(not isinstance(vertex, Sequence) or len(vertex) != 2 for vertex in polygon):
        raise InvalidValue(keyword, "must be columns and rows (PS3.3 C.7.6.11)")
    vertices = [(_integer(keyword, v[0]), _integer(keyword, v[1])) for v in polygon if isinstance(v, Sequence)]
    if len(vertices) > 1 and vertices[0] == vertices[-1]:
        del vertices[-1]  # the last side closes it by itself
    if len(vertices) < 3 or len(set(vertices)) < len(vertices):
        raise InvalidValue(keyword, "must be three or more different places (PS3.3 C.7.6.11)")
    sides = list(zip(vertices, vertices[1:] + vertices[:1], strict=True))
    doubled_area = sum(a[0] * b[1] - b[0] * a[1] for a, b in sides)
    apart = ((one, other) for one, other in combinations(sides, 2) if not set(one) & set(other))
    if not doubled_area or any(_touch(*one, *other) for one, other in apart):
        raise InvalidValue(keyword, "must enclose an area without crossing itself (PS3.3 C.7.6.11)")
    assign(dataset, keyword, [number for column, row in vertices for number in (row, column)])


def _touch(a: _Vertex, b: _Vertex, c: _Vertex, d: _Vertex) -> bool:
    """Whether the side from ``a`` to ``b`` meets the one from ``c`` to ``d``."""
    turns = (_turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b))
    if not any(turns):  # all on one line: they meet where their extents do
        return all(min(a[i], b[i]) <= max(c[i], d[i]) and min(c[i], d[i]) <= max(a[i], b[i]) for i in (0, 1))
    return turns[0] * turns[1] <= 0 and turns[2] * turns[3] <= 0


def _turn(a: _Vertex, b: _Vertex, c: _Vertex) -> int:
    cross = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return (cross > 0) - (cross < 0)


def _integer(attribute: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**31) <= value < 2**31:
        raise InvalidValue(attribute, "must be a pixel's number (PS3.3 C.7.6.11)")
    return value
