"""What the parts of a presentation state say together (PS3.3 C.10, C.11)."""

from collections.abc import Iterator
from typing import Final

from pydicom import Dataset

from modality_sdk.dataset import is_image
from modality_sdk.iod.validation.reading import items, number, numbers, text, texts
from modality_sdk.model import Finding

__all__ = ["check_presentation_state", "references"]

_REFERRING: Final = (
    "DisplayedAreaSelectionSequence",
    "GraphicAnnotationSequence",
    "SoftcopyVOILUTSequence",
)
_POINTS: Final = {"POINT": 1, "CIRCLE": 2, "ELLIPSE": 4}
_CORNERS: Final = ("BoundingBoxTopLeftHandCorner", "BoundingBoxBottomRightHandCorner")


def references(dataset: Dataset) -> dict[str, str]:
    """SOP class by SOP instance of the images in the Presentation State Relationship Module."""
    return {
        text(image, "ReferencedSOPInstanceUID"): text(image, "ReferencedSOPClassUID")
        for series in items(dataset, "ReferencedSeriesSequence")
        for image in items(series, "ReferencedImageSequence")
    }


def check_presentation_state(dataset: Dataset) -> Iterator[Finding]:
    """Judge a Grayscale Softcopy Presentation State."""
    for check in (_relationship, _referring, _areas, _layers, _annotations, _windows, _shutter):
        yield from check(dataset)


def _relationship(dataset: Dataset) -> Iterator[Finding]:
    section, seen = "PS3.3 C.11.11", set[str]()
    for place, series in enumerate(items(dataset, "ReferencedSeriesSequence"), start=1):
        for number_, image in enumerate(items(series, "ReferencedImageSequence"), start=1):
            path = f"ReferencedSeriesSequence[{place}].ReferencedImageSequence[{number_}]"
            uid, sop_class = text(image, "ReferencedSOPInstanceUID"), text(image, "ReferencedSOPClassUID")
            if uid and uid in seen:
                yield Finding(attribute=path, rule="names an image twice", section=section)
            if sop_class and not is_image(sop_class):
                yield Finding(attribute=path, rule="must be an image", section=section)
            seen.add(uid)


def _referring(dataset: Dataset) -> Iterator[Finding]:
    known = references(dataset)
    for keyword in _REFERRING:
        for place, item in enumerate(items(dataset, keyword), start=1):
            for number_, image in enumerate(items(item, "ReferencedImageSequence"), start=1):
                path = f"{keyword}[{place}].ReferencedImageSequence[{number_}]"
                uid, sop_class = text(image, "ReferencedSOPInstanceUID"), text(image, "ReferencedSOPClassUID")
                if uid not in known:
                    rule = "refers to an image that is not in the Referenced Series Sequence"
                    yield Finding(attribute=path, rule=rule, section="PS3.3 C.11.11")
                elif sop_class != known[uid]:
                    rule = "names another SOP class than the Referenced Series Sequence"
                    yield Finding(attribute=path, rule=rule, section="PS3.3 C.11.11")


def _areas(dataset: Dataset) -> Iterator[Finding]:
    section, keyword = "PS3.3 C.10.4", "DisplayedAreaSelectionSequence"
    areas, known = items(dataset, keyword), references(dataset)
    yield from _once(dataset, keyword, section, complete=True)
    for place, area in enumerate(areas, start=1):
        path = f"{keyword}[{place}]"
        if len(areas) > 1 and len(known) > 1 and not items(area, "ReferencedImageSequence"):
            rule = "must name its images, since there are several areas"
            yield Finding(attribute=f"{path}.ReferencedImageSequence", rule=rule, section=section)
        if "PresentationPixelSpacing" in area and "PresentationPixelAspectRatio" in area:
            rule = "must not stand beside a spacing"
            yield Finding(attribute=f"{path}.PresentationPixelAspectRatio", rule=rule, section=section)
        for name in (
            "PresentationPixelSpacing",
            "PresentationPixelAspectRatio",
            "PresentationPixelMagnificationRatio",
        ):
            if any(value <= 0 for value in numbers(area, name)):
                yield Finding(attribute=f"{path}.{name}", rule="must be above 0", section=section)
        if "PresentationPixelMagnificationRatio" in area and text(area, "PresentationSizeMode") != "MAGNIFY":
            rule = "is for MAGNIFY alone"
            yield Finding(attribute=f"{path}.PresentationPixelMagnificationRatio", rule=rule, section=section)
        yield from _transformed(dataset, area, path)


def _transformed(dataset: Dataset, area: Dataset, path: str) -> Iterator[Finding]:
    """The corners are top left and bottom right as displayed, after rotation and flip."""
    first = numbers(area, "DisplayedAreaTopLeftHandCorner")
    last = numbers(area, "DisplayedAreaBottomRightHandCorner")
    if len(first) != 2 or len(last) != 2:
        return
    turn, flip = int(number(dataset, "ImageRotation") or 0), text(dataset, "ImageHorizontalFlip") == "Y"
    right, down = {0: (1, 1), 90: (1, -1), 180: (-1, -1), 270: (-1, 1)}.get(turn, (1, 1))
    if flip:
        # the flip turns left and right of the display, which run along the rows of the image after a quarter turn
        right, down = (right, -down) if turn in (90, 270) else (-right, down)
    if (last[0] - first[0]) * right < 0 or (last[1] - first[1]) * down < 0:
        rule = "must be below and right of the top left corner, as displayed"
        yield Finding(attribute=f"{path}.DisplayedAreaBottomRightHandCorner", rule=rule, section="PS3.3 C.10.4")


def _once(dataset: Dataset, keyword: str, section: str, *, complete: bool = False) -> Iterator[Finding]:
    """Every image of the state is meant by one item at most; by exactly one if ``complete``."""
    known, found = references(dataset), items(dataset, keyword)
    counts = dict.fromkeys(known, 0)
    for item in found:
        named = [text(image, "ReferencedSOPInstanceUID") for image in items(item, "ReferencedImageSequence")]
        for uid in named or known:
            counts[uid] = counts.get(uid, 0) + 1
    if any(counts[uid] > 1 for uid in known):
        yield Finding(attribute=keyword, rule="means an image twice", section=section)
    if complete and found and any(not counts[uid] for uid in known):
        yield Finding(attribute=keyword, rule="leaves an image out", section=section)


def _layers(dataset: Dataset) -> Iterator[Finding]:
    section, keyword = "PS3.3 C.10.7", "GraphicLayerSequence"
    names = [text(layer, "GraphicLayer") for layer in items(dataset, keyword)]
    orders = [order for layer in items(dataset, keyword) if (order := text(layer, "GraphicLayerOrder"))]
    for what, found in (("name", names), ("order", orders)):
        if len(set(found)) < len(found):
            yield Finding(attribute=keyword, rule=f"has a {what} twice", section=section)
    for place, annotation in enumerate(items(dataset, "GraphicAnnotationSequence"), start=1):
        layer = text(annotation, "GraphicLayer")
        if layer and layer not in names:
            path = f"GraphicAnnotationSequence[{place}].GraphicLayer"
            yield Finding(attribute=path, rule="is not in the Graphic Layer Sequence", section="PS3.3 C.10.5")


def _annotations(dataset: Dataset) -> Iterator[Finding]:
    for place, annotation in enumerate(items(dataset, "GraphicAnnotationSequence"), start=1):
        path = f"GraphicAnnotationSequence[{place}]"
        graphics, notes = items(annotation, "GraphicObjectSequence"), items(annotation, "TextObjectSequence")
        if not graphics and not notes:
            yield Finding(attribute=path, rule="has neither a drawing nor a text", section="PS3.3 C.10.5")
        for count, graphic in enumerate(graphics, start=1):
            yield from _graphic(graphic, f"{path}.GraphicObjectSequence[{count}]")
        for count, note in enumerate(notes, start=1):
            yield from _note(note, f"{path}.TextObjectSequence[{count}]")


def _graphic(graphic: Dataset, path: str) -> Iterator[Finding]:
    section = "PS3.3 C.10.5"
    data, points = numbers(graphic, "GraphicData"), number(graphic, "NumberOfGraphicPoints")
    if points is not None and len(data) != 2 * points:
        yield Finding(attribute=f"{path}.GraphicData", rule="must have two numbers for each point", section=section)
    kind = text(graphic, "GraphicType")
    wanted = _POINTS.get(kind)
    if points is not None and kind and (points != wanted if wanted else points < 2):
        rule = f"must be {wanted or '2 or more'} for this Graphic Type"
        yield Finding(attribute=f"{path}.NumberOfGraphicPoints", rule=rule, section=section)
    yield from _places(f"{path}.GraphicData", data, text(graphic, "GraphicAnnotationUnits"))


def _note(note: Dataset, path: str) -> Iterator[Finding]:
    section = "PS3.3 C.10.5"
    box = [numbers(note, name) for name in _CORNERS]
    for name, corner in zip(_CORNERS, box, strict=True):
        yield from _places(f"{path}.{name}", corner, text(note, "BoundingBoxAnnotationUnits"))
    if all(len(corner) == 2 for corner in box) and (box[0][0] == box[1][0] or box[0][1] == box[1][1]):
        yield Finding(attribute=f"{path}.{_CORNERS[1]}", rule="must span a box with the other corner", section=section)
    anchor = numbers(note, "AnchorPoint")
    yield from _places(f"{path}.AnchorPoint", anchor, text(note, "AnchorPointAnnotationUnits"))


def _places(path: str, places: list[float], units: str) -> Iterator[Finding]:
    if any(value < 0 or (units == "DISPLAY" and value > 1) for value in places):
        rule = "must lie inside the image or the displayed area"
        yield Finding(attribute=path, rule=rule, section="PS3.3 C.10.5")


def _windows(dataset: Dataset) -> Iterator[Finding]:
    section, keyword = "PS3.3 C.11.8", "SoftcopyVOILUTSequence"
    yield from _once(dataset, keyword, section)
    for place, item in enumerate(items(dataset, keyword), start=1):
        linear = text(item, "VOILUTFunction") in ("", "LINEAR")
        if any(width < 1 if linear else width <= 0 for width in numbers(item, "WindowWidth")):
            rule = "must be at least 1"
            yield Finding(attribute=f"{keyword}[{place}].WindowWidth", rule=rule, section="PS3.3 C.11.2.1.2")


def _shutter(dataset: Dataset) -> Iterator[Finding]:
    shapes = texts(dataset, "ShutterShape")
    if len(set(shapes)) < len(shapes):
        yield Finding(attribute="ShutterShape", rule="has a shape twice", section="PS3.3 C.7.6.11")
    for low, high in (
        ("ShutterLeftVerticalEdge", "ShutterRightVerticalEdge"),
        ("ShutterUpperHorizontalEdge", "ShutterLowerHorizontalEdge"),
    ):
        first, last = number(dataset, low), number(dataset, high)
        if first is not None and last is not None and first >= last:
            yield Finding(attribute=high, rule="must lie beyond the opposite edge", section="PS3.3 C.7.6.11")
    radius, vertices = number(dataset, "RadiusOfCircularShutter"), texts(dataset, "VerticesOfThePolygonalShutter")
    if radius is not None and radius < 1:
        yield Finding(attribute="RadiusOfCircularShutter", rule="must be at least 1", section="PS3.3 C.7.6.11")
    if "POLYGONAL" in shapes and (len(vertices) < 6 or len(vertices) % 2):
        rule = "must be three places or more"
        yield Finding(attribute="VerticesOfThePolygonalShutter", rule=rule, section="PS3.3 C.7.6.11")
    if "ShutterPresentationValue" in dataset and not shapes and "ShutterOverlayGroup" not in dataset:
        rule = "stands without a shutter"
        yield Finding(attribute="ShutterPresentationValue", rule=rule, section="PS3.3 C.11.12")
