"""Graphic annotations and their layers (PS3.3 C.10.5, C.10.7), and the letters that mark a side."""

from collections.abc import Mapping, Sequence
from typing import Final

from pydicom import Dataset

from modality_sdk.dataset import assign, build, reference_sequence
from modality_sdk.errors import InvalidValue, MissingAttribute
from modality_sdk.iod.displayed_area import Rectangle, SpatialTransformation, part_seen
from modality_sdk.iod.numbers import finite, pair
from modality_sdk.iod.references import meant
from modality_sdk.iod.terms import term
from modality_sdk.model import (
    Annotation,
    AnnotationUnits,
    DisplayedArea,
    Graphic,
    GraphicLayer,
    GraphicType,
    Justification,
    ReferencedImage,
    TextAnnotation,
)

__all__ = ["MARKER_LAYER", "assign_annotations", "side_marker"]

MARKER_LAYER: Final = "MARKERS"
"""Layer of the side markers."""

_PLACES: Final = {GraphicType.POINT: 1, GraphicType.CIRCLE: 2, GraphicType.ELLIPSE: 4}
_Place = tuple[float, float]


def assign_annotations(
    dataset: Dataset,
    annotations: Sequence[Annotation],
    layers: Sequence[GraphicLayer],
    images: Sequence[ReferencedImage],
    transformation: SpatialTransformation,
    seen: Mapping[str, Rectangle],
) -> None:
    """Set the Graphic Annotation and the Graphic Layer Sequence.

    Without any layer declared, those used are declared in the order of their first use.

    Parameters
    ----------
    seen
        By SOP Instance UID, what is displayed of each image: a text outside, a side marker for one, would be lost.

    Raises
    ------
    IodError
        A layer is not declared or twice, an image unknown, a drawing outside its image, a text outside of what is
        displayed, either of them incomplete.
    """
    used = list(dict.fromkeys(annotation.layer for annotation in annotations))
    declared = list(layers) or [GraphicLayer(name=name, order=order) for order, name in enumerate(used, start=1)]
    names = [layer.name for layer in declared]
    if len(set(names)) < len(names) or len({layer.order for layer in declared}) < len(declared):
        raise InvalidValue("GraphicLayerSequence", "names and orders of layers must differ (PS3.3 C.10.7)")
    if not set(used) <= set(names):
        raise InvalidValue("GraphicLayer", "must be one of the Graphic Layer Sequence (PS3.3 C.10.5)")
    if declared:
        assign(dataset, "GraphicLayerSequence", [_layer(layer) for layer in declared])
    if annotations:
        items = [_annotation(annotation, images, transformation, seen) for annotation in annotations]
        assign(dataset, "GraphicAnnotationSequence", items)


def _layer(layer: GraphicLayer) -> Dataset:
    if not layer.name:
        raise MissingAttribute("GraphicLayer", "a layer has a name (PS3.3 C.10.7)")
    item = build(GraphicLayer=layer.name, GraphicLayerOrder=layer.order)
    if layer.grayscale_value is not None:
        assign(item, "GraphicLayerRecommendedDisplayGrayscaleValue", layer.grayscale_value)
    if layer.description:
        assign(item, "GraphicLayerDescription", layer.description)
    return item


def _annotation(
    annotation: Annotation,
    images: Sequence[ReferencedImage],
    transformation: SpatialTransformation,
    seen: Mapping[str, Rectangle],
) -> Dataset:
    shown = meant("GraphicAnnotationSequence", annotation.images, images)
    if not annotation.graphics and not annotation.texts:
        raise MissingAttribute("GraphicObjectSequence", "an annotation has a drawing or a text (PS3.3 C.10.5)")
    # inside of the smallest is inside of each
    whole = (0.0, 0.0, min(image.columns for image in shown), min(image.rows for image in shown))
    left, top, right, bottom = zip(*(seen[image.sop.sop_instance_uid] for image in shown), strict=True)
    displayed = (max(left), max(top), min(right), min(bottom))
    item = build(GraphicLayer=annotation.layer)
    if annotation.images:
        assign(item, "ReferencedImageSequence", reference_sequence(annotation.images))
    if annotation.texts:
        assign(item, "TextObjectSequence", [_text(text, displayed, transformation) for text in annotation.texts])
    if annotation.graphics:
        assign(item, "GraphicObjectSequence", [_graphic(graphic, whole) for graphic in annotation.graphics])
    return item


def _graphic(graphic: Graphic, extent: Rectangle) -> Dataset:
    kind = term(GraphicType, "GraphicType", graphic.type)
    units = term(AnnotationUnits, "GraphicAnnotationUnits", graphic.units)
    places = [_inside("GraphicData", place, units, extent) for place in graphic.places]
    wanted = _PLACES.get(kind)
    if len(places) != wanted if wanted else len(places) < 2:
        raise InvalidValue("GraphicData", f"{kind.value} takes {wanted or 'two or more'} places (PS3.3 C.10.5.1.2)")
    if len(set(places)) < min(len(places), 2) or (kind is GraphicType.CIRCLE and places[0] == places[1]):
        raise InvalidValue("GraphicData", "must be different places (PS3.3 C.10.5.1.2)")
    if kind is GraphicType.ELLIPSE and (places[0] == places[1] or places[2] == places[3]):
        raise InvalidValue("GraphicData", "both axes must have a length (PS3.3 C.10.5.1.2)")
    closed = kind in (GraphicType.CIRCLE, GraphicType.ELLIPSE) or (len(places) > 2 and places[0] == places[-1])
    if graphic.filled and not closed:
        raise InvalidValue("GraphicFilled", "only what is closed can be filled (PS3.3 C.10.5)")
    item = build(
        GraphicAnnotationUnits=units.value,
        GraphicDimensions=2,
        NumberOfGraphicPoints=len(places),
        GraphicData=[number for place in places for number in place],
        GraphicType=kind.value,
    )
    if closed:
        assign(item, "GraphicFilled", "Y" if graphic.filled else "N")
    return item


def _text(text: TextAnnotation, extent: Rectangle, transformation: SpatialTransformation) -> Dataset:
    units = term(AnnotationUnits, "BoundingBoxAnnotationUnits", text.units)
    if not text.text.strip():
        raise MissingAttribute("UnformattedTextValue", "a text has a value (PS3.3 C.10.5)")
    if text.box is None and text.anchor is None:
        raise MissingAttribute("BoundingBoxTopLeftHandCorner", "a text has a box or an anchor point (PS3.3 C.10.5)")
    item = build(UnformattedTextValue=text.text)
    if text.box is not None:
        corners = pair("BoundingBoxTopLeftHandCorner", text.box, "must come with the opposite corner (PS3.3 C.10.5)")
        first, last = (_inside("BoundingBoxTopLeftHandCorner", corner, units, extent) for corner in corners)
        if first[0] == last[0] or first[1] == last[1]:
            raise InvalidValue("BoundingBoxBottomRightHandCorner", "a box has a width and a height (PS3.3 C.10.5)")
        # texts stay upright, so the corners are those that are seen; fractions are of what is seen anyway
        seen = transformation if units is AnnotationUnits.PIXEL else SpatialTransformation()
        first, last = seen.corners(first, last)
        assign(item, "BoundingBoxAnnotationUnits", units.value)
        assign(item, "BoundingBoxTopLeftHandCorner", list(first))
        assign(item, "BoundingBoxBottomRightHandCorner", list(last))
        justification = term(Justification, "BoundingBoxTextHorizontalJustification", text.justification)
        assign(item, "BoundingBoxTextHorizontalJustification", justification.value)
    if text.anchor is not None:
        assign(item, "AnchorPointAnnotationUnits", units.value)
        assign(item, "AnchorPoint", list(_inside("AnchorPoint", text.anchor, units, extent)))
        assign(item, "AnchorPointVisibility", "Y" if text.anchor_visible else "N")
    return item


def _inside(attribute: str, place: object, units: AnnotationUnits, extent: Rectangle) -> _Place:
    """A place of the image, or of the displayed area in fractions."""
    values = pair(attribute, place, "must be column and row (PS3.3 C.10.5)")
    column, row = (finite(attribute, value) for value in values)
    left, top, right, bottom = extent if units is AnnotationUnits.PIXEL else (0.0, 0.0, 1.0, 1.0)
    if not (left <= column <= right and top <= row <= bottom):
        raise InvalidValue(attribute, "must lie inside the image or the displayed area (PS3.3 C.10.5)")
    return column, row


def side_marker(
    side: str,
    image: ReferencedImage,
    *,
    area: DisplayedArea | None = None,
    layer: str = MARKER_LAYER,
    height: float = 0.06,
    inset: float = 0.03,
) -> Annotation:
    """The letter R or L near the edge of the image that lies to that side of the patient.

    Patient Orientation tells which edge: for a frontal chest, R stands at the upper left. Where neither rows nor
    columns run from side to side, as in a lateral view, the letter stands at the upper left. It keeps its place in
    the image when that is rotated or flipped.

    Parameters
    ----------
    side
        ``R`` or ``L``.
    image
        The one marked.
    area
        What is displayed of it, if that is not all; its edges then count.
    height, inset
        Of the letter and from the edges, as fractions of the shorter side.

    Returns
    -------
    Annotation

    Raises
    ------
    InvalidValue
        No such side, or the letter has no room.
    """
    if side not in ("R", "L"):
        raise InvalidValue("UnformattedTextValue", "a side marker is R or L")
    left, top, right, bottom = part_seen(area or DisplayedArea(), image)
    shorter = min(right - left, bottom - top)
    size, margin = height * shorter, inset * shorter
    if size <= 0 or margin < 0 or size + 2 * margin > shorter:
        raise InvalidValue("BoundingBoxTopLeftHandCorner", "the letter must have room in the image")
    rows, columns = image.patient_orientation or ("", "")
    column, row = left + margin, top + margin
    if {"R", "L"} & set(rows):
        column = right - margin - size if side in rows else column
    elif {"R", "L"} & set(columns):
        row = bottom - margin - size if side in columns else row
    text = TextAnnotation(
        text=side, box=((column, row), (column + size, row + size)), justification=Justification.CENTER
    )
    return Annotation(layer=layer, texts=(text,), images=(image.sop,))
