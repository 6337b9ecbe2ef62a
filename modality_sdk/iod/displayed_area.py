"""Spatial transformation and displayed area of a presentation state (PS3.3 C.10.6, C.10.4)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from pydicom import Dataset

from modality_sdk.dataset import assign, build, reference_sequence
from modality_sdk.errors import InvalidValue, MissingAttribute
from modality_sdk.iod.numbers import finite, pair
from modality_sdk.iod.references import meant
from modality_sdk.iod.terms import term
from modality_sdk.model import DisplayedArea, ImageRotation, PresentationSizeMode, ReferencedImage

__all__ = ["Rectangle", "SpatialTransformation", "assign_displayed_areas", "part_seen"]

_Place = TypeVar("_Place", tuple[int, int], tuple[float, float])

Rectangle = tuple[float, float, float, float]
"""Left, top, right and bottom, in places of annotations: from the corner of the first pixel."""

_CORNER = "must be column and row, whole numbers (PS3.3 C.10.4)"
_SPACING = "must be two numbers above 0, in mm (PS3.3 C.10.4)"
_ASPECT = "must be two whole numbers above 0 (PS3.3 C.10.4)"


@dataclass(frozen=True, kw_only=True)
class SpatialTransformation:
    """Rotation clockwise, then flip from left to right (PS3.3 C.10.6)."""

    rotation: ImageRotation = ImageRotation.NONE
    horizontal_flip: bool = False

    def assign(self, dataset: Dataset) -> None:
        """Set both attributes, or none where the image stays as it is."""
        if self.rotation or self.horizontal_flip:
            assign(dataset, "ImageRotation", int(self.rotation))
            assign(dataset, "ImageHorizontalFlip", "Y" if self.horizontal_flip else "N")

    def corners(self, first: _Place, second: _Place) -> tuple[_Place, _Place]:
        """The corners of a rectangle of the image that are its top left and bottom right as it is displayed."""
        left, right = sorted((first[0], second[0]))
        top, bottom = sorted((first[1], second[1]))
        around = [(left, top), (right, top), (right, bottom), (left, bottom)]
        turns = int(self.rotation) // 90
        seen = [around[(place - turns) % 4] for place in range(4)]
        return (seen[1], seen[3]) if self.horizontal_flip else (seen[0], seen[2])


def assign_displayed_areas(
    dataset: Dataset,
    areas: Sequence[DisplayedArea],
    images: Sequence[ReferencedImage],
    transformation: SpatialTransformation,
) -> dict[str, Rectangle]:
    """Set the Displayed Area Selection Sequence; images without an area of their own are shown whole, scaled to fit.

    Images whose items would be equal share one; a single item for all of them carries no references.

    Returns
    -------
    dict
        By SOP Instance UID, what is seen of each image.

    Raises
    ------
    IodError
        An area shows nothing of its image, has no legal size, or an image has two.
    """
    chosen: dict[str, DisplayedArea] = {}
    for area in areas:
        for image in meant("DisplayedAreaSelectionSequence", area.images, images):
            if chosen.setdefault(image.sop.sop_instance_uid, area) is not area:
                raise InvalidValue("DisplayedAreaSelectionSequence", "an image has one displayed area (PS3.3 C.10.4)")
    items: list[tuple[Dataset, list[ReferencedImage]]] = []
    seen: dict[str, Rectangle] = {}
    for image in images:
        area = chosen.get(image.sop.sop_instance_uid, DisplayedArea())
        seen[image.sop.sop_instance_uid] = part_seen(area, image)
        item = _item(area, image, transformation)
        for known, sharing in items:
            if known == item:
                sharing.append(image)
                break
        else:
            items.append((item, [image]))
    if len(items) > 1:
        for item, sharing in items:
            assign(item, "ReferencedImageSequence", reference_sequence(image.sop for image in sharing))
    assign(dataset, "DisplayedAreaSelectionSequence", [item for item, _ in items])
    return seen


def part_seen(area: DisplayedArea, image: ReferencedImage) -> Rectangle:
    """What is seen of the image, in places of annotations.

    Raises
    ------
    InvalidValue
        Nothing is.
    """
    first, last = _corners(area, image)
    return max(first[0], 1) - 1, max(first[1], 1) - 1, min(last[0], image.columns), min(last[1], image.rows)


def _corners(area: DisplayedArea, image: ReferencedImage) -> tuple[tuple[int, int], tuple[int, int]]:
    first, last = area.top_left or (1, 1), area.bottom_right or (image.columns, image.rows)
    for attribute, place in (("TopLeft", first), ("BottomRight", last)):
        keyword = f"DisplayedArea{attribute}HandCorner"
        if any(not isinstance(number, int) for number in pair(keyword, place, _CORNER)):
            raise InvalidValue(keyword, _CORNER)
    inside = first[0] <= image.columns and first[1] <= image.rows and last[0] >= 1 and last[1] >= 1
    if not inside or first[0] > last[0] or first[1] > last[1]:
        raise InvalidValue("DisplayedAreaBottomRightHandCorner", "must show a part of the image (PS3.3 C.10.4)")
    return first, last


def _item(area: DisplayedArea, image: ReferencedImage, transformation: SpatialTransformation) -> Dataset:
    mode = term(PresentationSizeMode, "PresentationSizeMode", area.size_mode)
    first, last = _corners(area, image)
    top_left, bottom_right = transformation.corners(first, last)
    item = build(
        DisplayedAreaTopLeftHandCorner=list(top_left),
        DisplayedAreaBottomRightHandCorner=list(bottom_right),
        PresentationSizeMode=mode.value,
    )
    _assign_pixel_size(item, replace(area, size_mode=mode), image)
    if mode is PresentationSizeMode.MAGNIFY:
        if area.magnification_ratio is None:
            raise MissingAttribute("PresentationPixelMagnificationRatio", "is required to MAGNIFY (PS3.3 C.10.4)")
        ratio = finite("PresentationPixelMagnificationRatio", area.magnification_ratio)
        if ratio <= 0:
            raise InvalidValue("PresentationPixelMagnificationRatio", "must be above 0 (PS3.3 C.10.4)")
        assign(item, "PresentationPixelMagnificationRatio", ratio)
    elif area.magnification_ratio is not None:
        raise InvalidValue("PresentationPixelMagnificationRatio", "is for MAGNIFY alone (PS3.3 C.10.4)")
    return item


def _assign_pixel_size(item: Dataset, area: DisplayedArea, image: ReferencedImage) -> None:
    """Presentation Pixel Spacing or Presentation Pixel Aspect Ratio, never both (PS3.3 C.10.4)."""
    if area.pixel_spacing is not None and area.pixel_aspect_ratio is not None:
        raise InvalidValue("PresentationPixelAspectRatio", "must not stand beside a spacing (PS3.3 C.10.4)")
    spacing = area.pixel_spacing
    true_size = area.size_mode is PresentationSizeMode.TRUE_SIZE
    if true_size and area.pixel_aspect_ratio is not None:
        raise InvalidValue("PresentationPixelAspectRatio", "TRUE SIZE needs a spacing instead (PS3.3 C.10.4)")
    known = image.pixel_spacing
    if spacing is None and area.pixel_aspect_ratio is None and known and (true_size or known[0] != known[1]):
        spacing = known
    if true_size and spacing is None:
        raise MissingAttribute("PresentationPixelSpacing", "is required for TRUE SIZE (PS3.3 C.10.4)")
    if spacing is not None:
        sizes = [finite("PresentationPixelSpacing", n) for n in pair("PresentationPixelSpacing", spacing, _SPACING)]
        if min(sizes) <= 0:
            raise InvalidValue("PresentationPixelSpacing", _SPACING)
        assign(item, "PresentationPixelSpacing", sizes)
        return
    ratio = list(pair("PresentationPixelAspectRatio", area.pixel_aspect_ratio or (1, 1), _ASPECT))
    if not all(isinstance(number, int) and number > 0 for number in ratio):
        raise InvalidValue("PresentationPixelAspectRatio", _ASPECT)
    assign(item, "PresentationPixelAspectRatio", ratio)
