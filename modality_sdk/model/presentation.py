"""How images are to be shown and pointed to (PS3.3 C.7.6.11, C.10.4 to C.10.7, C.11.8), and what refers to objects.

Two systems of coordinates are in use, both as (column, row). Pixels of shutters and displayed areas are counted from
1: the first pixel is (1, 1). Places of annotations are measured from the top left corner of the first pixel,
(0.0, 0.0), to the bottom right corner of the last one, (columns, rows); in DISPLAY units they are fractions of the
displayed area as it is seen. All pixels are those of the image before it is rotated or flipped.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from modality_sdk.model.acquisition import PhotometricInterpretation
from modality_sdk.model.reference import SopReference

__all__ = [
    "Annotation",
    "AnnotationUnits",
    "DisplayShutter",
    "DisplayedArea",
    "Graphic",
    "GraphicLayer",
    "GraphicType",
    "ImageRotation",
    "Justification",
    "ModalityRescale",
    "PresentationLutShape",
    "PresentationSizeMode",
    "ReferencedImage",
    "ReferencedInstance",
    "SoftcopyVoiLut",
    "TextAnnotation",
    "VoiLutFunction",
]

Place = tuple[float, float]


class VoiLutFunction(StrEnum):
    """VOI LUT Function, (0028,1056) (PS3.3 C.11.2.1.3)."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


class PresentationLutShape(StrEnum):
    """Presentation LUT Shape, (2050,0020) (PS3.3 C.11.6)."""

    IDENTITY = "IDENTITY"
    INVERSE = "INVERSE"


class PresentationSizeMode(StrEnum):
    """Presentation Size Mode, (0070,0100) (PS3.3 C.10.4)."""

    SCALE_TO_FIT = "SCALE TO FIT"
    TRUE_SIZE = "TRUE SIZE"
    MAGNIFY = "MAGNIFY"


class ImageRotation(IntEnum):
    """Image Rotation, (0070,0042): degrees clockwise, before any flip (PS3.3 C.10.6)."""

    NONE = 0
    CLOCKWISE = 90
    HALF_TURN = 180
    COUNTERCLOCKWISE = 270


class AnnotationUnits(StrEnum):
    """What the places of an annotation are measured in (PS3.3 C.10.5)."""

    PIXEL = "PIXEL"
    DISPLAY = "DISPLAY"


class GraphicType(StrEnum):
    """Graphic Type, (0070,0023), with the places it takes (PS3.3 C.10.5.1.2)."""

    POINT = "POINT"
    """One place."""
    POLYLINE = "POLYLINE"
    """Two or more; a closed one ends where it starts."""
    INTERPOLATED = "INTERPOLATED"
    """As a polyline, smooth."""
    CIRCLE = "CIRCLE"
    """The centre and a place on the circumference."""
    ELLIPSE = "ELLIPSE"
    """Both ends of the major axis, then both of the minor axis."""


class Justification(StrEnum):
    """Bounding Box Text Horizontal Justification, (0070,0012)."""

    LEFT = "LEFT"
    CENTER = "CENTER"
    RIGHT = "RIGHT"


@dataclass(frozen=True, kw_only=True)
class ReferencedInstance:
    """An object with the series and the study that it belongs to."""

    sop: SopReference
    study_instance_uid: str
    series_instance_uid: str


@dataclass(frozen=True, kw_only=True)
class ReferencedImage(ReferencedInstance):
    """An image as far as its presentation needs it known.

    Attributes
    ----------
    rows, columns
        Size in pixels.
    pixel_spacing
        Row and column spacing in mm at the detector or in the patient; None where nobody knows.
    patient_orientation
        Direction of the rows and of the columns.
    body_part, laterality
        Body Part Examined, and the side (R, L, B, U); empty where the image tells none.
    """

    rows: int
    columns: int
    photometric_interpretation: PhotometricInterpretation = PhotometricInterpretation.MONOCHROME2
    pixel_spacing: tuple[float, float] | None = None
    patient_orientation: tuple[str, str] | None = None
    body_part: str = ""
    laterality: str = ""


@dataclass(frozen=True, kw_only=True)
class ModalityRescale:
    """Stored pixels to the units of the modality (PS3.3 C.11.1); without one they are taken as they are stored."""

    slope: float
    intercept: float
    type: str = "US"


@dataclass(frozen=True, kw_only=True)
class SoftcopyVoiLut:
    """Which values are shown: a window or a look-up table (PS3.3 C.11.8).

    Attributes
    ----------
    window
        Center and width, in the output of the modality LUT.
    function
        Of the window.
    table, first_value_mapped
        Entries from the value mapped first on, 0 black to 65535 white.
    images
        Those it is for; empty for all.
    """

    window: tuple[float, float] | None = None
    function: VoiLutFunction = VoiLutFunction.LINEAR
    table: tuple[int, ...] = ()
    first_value_mapped: int = 0
    explanation: str = ""
    images: tuple[SopReference, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DisplayShutter:
    """What stays visible: the inside of each shape given, of all of them together (PS3.3 C.7.6.11).

    Attributes
    ----------
    rectangle
        Pixels of the left, right, upper and lower edge, which stay visible.
    circle
        Column and row of the centre, and radius, in pixels.
    polygon
        Columns and rows of three or more vertices, around an area without crossing itself.
    presentation_value
        What the rest is filled with: a P-value, 0 black to 65535 white.
    """

    rectangle: tuple[int, int, int, int] | None = None
    circle: tuple[int, int, int] | None = None
    polygon: tuple[tuple[int, int], ...] = ()
    presentation_value: int = 0


@dataclass(frozen=True, kw_only=True)
class DisplayedArea:
    """The part of the image that is shown, and how large (PS3.3 C.10.4).

    Attributes
    ----------
    top_left, bottom_right
        First and last pixel shown; the whole of each image where None. They may lie outside the image.
    pixel_spacing
        Of rows and columns in mm; the image's, where that is needed and None is given.
    pixel_aspect_ratio
        Vertical and horizontal size of a pixel, instead of the spacing.
    magnification_ratio
        Display pixels per image pixel, for MAGNIFY.
    images
        Those it is for; empty for all.
    """

    top_left: tuple[int, int] | None = None
    bottom_right: tuple[int, int] | None = None
    size_mode: PresentationSizeMode = PresentationSizeMode.SCALE_TO_FIT
    pixel_spacing: tuple[float, float] | None = None
    pixel_aspect_ratio: tuple[int, int] | None = None
    magnification_ratio: float | None = None
    images: tuple[SopReference, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Graphic:
    """A drawing of an annotation (PS3.3 C.10.5.1.2)."""

    type: GraphicType
    places: tuple[Place, ...]
    units: AnnotationUnits = AnnotationUnits.PIXEL
    filled: bool = False


@dataclass(frozen=True, kw_only=True, repr=False)
class TextAnnotation:
    """A text, in a box or beside an anchor point or both (PS3.3 C.10.5.1.1).

    Attributes
    ----------
    box
        Two opposite corners.
    anchor
        The place the text is about; ``anchor_visible`` asks for a line to it.
    """

    text: str
    box: tuple[Place, Place] | None = None
    justification: Justification = Justification.LEFT
    anchor: Place | None = None
    anchor_visible: bool = False
    units: AnnotationUnits = AnnotationUnits.PIXEL


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """Drawings and texts on one layer.

    Attributes
    ----------
    layer
        Name of its `GraphicLayer`.
    images
        Those it is for; empty for all.
    """

    layer: str
    graphics: tuple[Graphic, ...] = ()
    texts: tuple[TextAnnotation, ...] = ()
    images: tuple[SopReference, ...] = ()


@dataclass(frozen=True, kw_only=True)
class GraphicLayer:
    """A layer of annotations (PS3.3 C.10.7).

    Attributes
    ----------
    name
        Capital letters, digits, spaces and underscores.
    order
        Lower ones are drawn first.
    grayscale_value
        P-value to draw with, 0 black to 65535 white; None leaves it to the display.
    """

    name: str
    order: int
    description: str = ""
    grayscale_value: int | None = None
