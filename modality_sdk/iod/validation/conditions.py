"""When an attribute of Type 1C or 2C, or a conditional module, is required: the conditions of PS3.3, by hand.

A condition that depends on what an object cannot tell, such as whether a procedure was scheduled, is not here: then
an attribute that is there must be whole, and one that is not is no fault.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from pydicom import Dataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    GrayscaleSoftcopyPresentationStateStorage,
    XRayRadiationDoseSRStorage,
)

from modality_sdk.iod.anatomy import BODY_PARTS
from modality_sdk.iod.validation.reading import items, number, text, texts

__all__ = ["ATTRIBUTES", "MODULES", "NESTED", "Condition"]

Test = Callable[[Dataset], bool]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One condition.

    Attributes
    ----------
    required
        Whether the object must have it.
    forbidden_otherwise
        Whether it shall not be there when it is not required.
    absent_otherwise
        Of a module: when it is not required, its attributes belong to others that have them too.
    """

    required: Test
    section: str
    forbidden_otherwise: bool = False
    absent_otherwise: bool = False


def _has(*keywords: str) -> Test:
    return lambda dataset: all(keyword in dataset for keyword in keywords)


def _lacks(*keywords: str) -> Test:
    return lambda dataset: not any(keyword in dataset for keyword in keywords)


def _holds(keyword: str, value: str) -> Test:
    return lambda dataset: value in texts(dataset, keyword)


def _any(*tests: Test) -> Test:
    return lambda dataset: any(test(dataset) for test in tests)


def _never(_: Dataset) -> bool:
    return False


def _for_presentation(dataset: Dataset) -> bool:
    return text(dataset, "PresentationIntentType") != "FOR PROCESSING"


def _paired_without_side(dataset: Dataset) -> bool:
    part = BODY_PARTS.get(text(dataset, "BodyPartExamined"))
    return part is not None and part.paired and "ImageLaterality" not in dataset


def _not_latin(dataset: Dataset) -> bool:
    # decoded text beyond ASCII was written in a character set that the object has to name
    written = (str(e.value) for e in dataset.iterall() if e.VR in {"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
    return not all(value.isascii() for value in written)


_SHUTTERS: Final = ("RECTANGULAR", "CIRCULAR", "POLYGONAL")
_RECTANGLE: Final = ("LeftVerticalEdge", "RightVerticalEdge", "UpperHorizontalEdge", "LowerHorizontalEdge")


def _shapes(module: str, prefix: str, shape: str, section: str) -> dict[tuple[str, str], Condition]:
    conditions = {
        (module, f"{prefix}{edge}"): Condition(required=_holds(shape, "RECTANGULAR"), section=section)
        for edge in _RECTANGLE
    }
    for keyword in (f"CenterOfCircular{prefix}", f"RadiusOfCircular{prefix}"):
        conditions[module, keyword] = Condition(required=_holds(shape, "CIRCULAR"), section=section)
    conditions[module, f"VerticesOfThePolygonal{prefix}"] = Condition(
        required=_holds(shape, "POLYGONAL"), section=section
    )
    return conditions


ATTRIBUTES: Final[Mapping[tuple[str, str], Condition]] = {
    ("dx-image", "PatientOrientation"): Condition(required=lambda _: True, section="PS3.3 C.8.11.3"),
    ("dx-image", "LossyImageCompressionRatio"): Condition(
        required=_holds("LossyImageCompression", "01"), section="PS3.3 C.8.11.3"
    ),
    ("dx-image", "VOILUTSequence"): Condition(
        required=lambda d: _for_presentation(d) and "WindowCenter" not in d, section="PS3.3 C.8.11.3"
    ),
    ("dx-image", "WindowCenter"): Condition(
        required=lambda d: _for_presentation(d) and "VOILUTSequence" not in d, section="PS3.3 C.8.11.3"
    ),
    ("dx-image", "WindowWidth"): Condition(required=_has("WindowCenter"), section="PS3.3 C.8.11.3"),
    ("voi-lut", "WindowWidth"): Condition(required=_has("WindowCenter"), section="PS3.3 C.11.2"),
    ("voi-lut", "WindowCenter"): Condition(required=_lacks("VOILUTSequence"), section="PS3.3 C.11.2"),
    ("voi-lut", "VOILUTSequence"): Condition(required=_lacks("WindowCenter"), section="PS3.3 C.11.2"),
    **{
        (module, "PixelSpacingCalibrationDescription"): Condition(
            required=_has("PixelSpacingCalibrationType"), section="PS3.3 10.7.1"
        )
        for module in ("dx-detector", "cr-image")
    },
    **{
        ("dx-detector", keyword): Condition(
            required=_any(_has("FieldOfViewOrigin"), _has("FieldOfViewRotation"), _has("FieldOfViewHorizontalFlip")),
            section="PS3.3 C.8.11.4",
        )
        for keyword in ("FieldOfViewOrigin", "FieldOfViewRotation", "FieldOfViewHorizontalFlip")
    },
    ("general-series", "Laterality"): Condition(required=_paired_without_side, section="PS3.3 C.7.3.1"),
    ("image-pixel", "PixelData"): Condition(required=_lacks("PixelDataProviderURL"), section="PS3.3 C.7.6.3"),
    ("image-pixel", "PlanarConfiguration"): Condition(
        required=lambda d: number(d, "SamplesPerPixel") not in (None, 1),
        section="PS3.3 C.7.6.3",
        forbidden_otherwise=True,
    ),
    ("modality-lut", "RescaleIntercept"): Condition(required=_lacks("ModalityLUTSequence"), section="PS3.3 C.11.1"),
    ("modality-lut", "RescaleSlope"): Condition(required=_has("RescaleIntercept"), section="PS3.3 C.11.1"),
    ("modality-lut", "RescaleType"): Condition(required=_has("RescaleIntercept"), section="PS3.3 C.11.1"),
    ("presentation-state-shutter", "ShutterPresentationValue"): Condition(
        required=_any(_has("ShutterShape"), _has("ShutterOverlayGroup")), section="PS3.3 C.11.12"
    ),
    ("softcopy-presentation-lut", "PresentationLUTShape"): Condition(
        required=_lacks("PresentationLUTSequence"), section="PS3.3 C.11.6", forbidden_otherwise=True
    ),
    ("sop-common", "SpecificCharacterSet"): Condition(required=_not_latin, section="PS3.3 C.12.1.1.2"),
    ("sr-document-general", "CurrentRequestedProcedureEvidenceSequence"): Condition(
        required=lambda d: any("ReferencedSOPSequence" in item for item in _content_items(d)), section="PS3.3 C.17.2"
    ),
    **_shapes("display-shutter", "Shutter", "ShutterShape", "PS3.3 C.7.6.11"),
    **_shapes("x-ray-collimator", "Collimator", "CollimatorShape", "PS3.3 C.8.7.3"),
}
"""By module and keyword, of attributes at the top of the object."""


def _content_items(dataset: Dataset) -> list[Dataset]:
    found = []
    for item in items(dataset, "ContentSequence"):
        found += [item, *_content_items(item)]
    return found


_BOX: Final = ("BoundingBoxTopLeftHandCorner", "BoundingBoxBottomRightHandCorner", "BoundingBoxAnnotationUnits")

NESTED: Final[Mapping[str, Condition]] = {
    "CodeValue": Condition(required=_lacks("LongCodeValue", "URNCodeValue"), section="PS3.3 8.8"),
    "LongCodeValue": Condition(required=_lacks("CodeValue", "URNCodeValue"), section="PS3.3 8.8"),
    "URNCodeValue": Condition(required=_lacks("CodeValue", "LongCodeValue"), section="PS3.3 8.8"),
    "CodingSchemeDesignator": Condition(required=_lacks("URNCodeValue"), section="PS3.3 8.8"),
    "PresentationPixelSpacing": Condition(
        required=_any(_holds("PresentationSizeMode", "TRUE SIZE"), _lacks("PresentationPixelAspectRatio")),
        section="PS3.3 C.10.4",
    ),
    "PresentationPixelAspectRatio": Condition(required=_lacks("PresentationPixelSpacing"), section="PS3.3 C.10.4"),
    "PresentationPixelMagnificationRatio": Condition(
        required=_holds("PresentationSizeMode", "MAGNIFY"), section="PS3.3 C.10.4"
    ),
    "AnchorPoint": Condition(
        required=_any(_lacks(*_BOX), _has("AnchorPointVisibility"), _has("AnchorPointAnnotationUnits")),
        section="PS3.3 C.10.5",
    ),
    "AnchorPointVisibility": Condition(required=_has("AnchorPoint"), section="PS3.3 C.10.5"),
    "AnchorPointAnnotationUnits": Condition(required=_has("AnchorPoint"), section="PS3.3 C.10.5"),
    **{
        keyword: Condition(required=_any(_lacks("AnchorPoint"), *(_has(part) for part in _BOX)), section="PS3.3 C.10.5")
        for keyword in (*_BOX, "BoundingBoxTextHorizontalJustification")
    },
    "GraphicFilled": Condition(
        required=_any(_holds("GraphicType", "CIRCLE"), _holds("GraphicType", "ELLIPSE")), section="PS3.3 C.10.5"
    ),
    "WindowWidth": Condition(required=_has("WindowCenter"), section="PS3.3 C.11.8"),
    "WindowCenter": Condition(required=_lacks("VOILUTSequence"), section="PS3.3 C.11.8"),
}
"""By keyword, of attributes in the items of sequences; judged by the item."""

MODULES: Final[Mapping[tuple[str, str], Condition]] = {
    (DigitalXRayImageStorageForPresentation, "voi-lut"): Condition(required=_for_presentation, section="PS3.3 A.26.3"),
    (DigitalXRayImageStorageForProcessing, "voi-lut"): Condition(
        required=_never, section="PS3.3 A.26.3", forbidden_otherwise=True
    ),
    (GrayscaleSoftcopyPresentationStateStorage, "bitmap-display-shutter"): Condition(
        required=_any(_has("ShutterOverlayGroup"), _holds("ShutterShape", "BITMAP")),
        section="PS3.3 A.33.1.3",
        absent_otherwise=True,
    ),
    (GrayscaleSoftcopyPresentationStateStorage, "graphic-layer"): Condition(
        required=_has("GraphicAnnotationSequence"), section="PS3.3 A.33.1.3"
    ),
    (XRayRadiationDoseSRStorage, "synchronization"): Condition(required=_never, section="PS3.3 A.35.8.3"),
}
"""By SOP class and module; any other conditional or optional module is judged when one of its attributes is there."""
