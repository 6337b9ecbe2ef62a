"""Enumerated Values and Defined Terms of the attributes of our objects (PS3.3, PS3.5 section 6.3). Data."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pydicom import Dataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    XRayRadiationDoseSRStorage,
)

from modality_sdk.iod.anatomy import BODY_PARTS
from modality_sdk.iod.validation.reading import texts, walk
from modality_sdk.model import Finding, Severity

__all__ = ["TERMS", "Terms", "check_terms"]

_DX: Final = frozenset({DigitalXRayImageStorageForPresentation, DigitalXRayImageStorageForProcessing})
_CR: Final = frozenset({ComputedRadiographyImageStorage})
_GSPS: Final = frozenset({GrayscaleSoftcopyPresentationStateStorage})
_SR: Final = frozenset({XRayRadiationDoseSRStorage, KeyObjectSelectionDocumentStorage})


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The values that one attribute may have.

    Attributes
    ----------
    extensible
        Defined Terms: others are allowed. Otherwise Enumerated Values.
    classes
        SOP classes that the table is for; all where it is empty.
    """

    allowed: Collection[str]
    section: str
    extensible: bool = False
    classes: frozenset[str] = frozenset()


def _enumerated(section: str, *allowed: str, classes: frozenset[str] = frozenset()) -> Terms:
    return Terms(allowed=allowed, section=section, classes=classes)


def _defined(section: str, *allowed: str, classes: frozenset[str] = frozenset()) -> Terms:
    return Terms(allowed=allowed, section=section, classes=classes, extensible=True)


def _modality(section: str, modality: str, *classes: str) -> Terms:
    return Terms(allowed=(modality,), section=section, classes=frozenset(classes))


TERMS: Final[Mapping[str, tuple[Terms, ...]]] = {
    "Modality": (
        Terms(allowed=("DX", "PX", "IO", "MG"), section="PS3.3 C.8.11.1", classes=_DX),
        _modality("PS3.3 C.7.3.1", "CR", *_CR),
        _modality("PS3.3 C.17.1", "SR", XRayRadiationDoseSRStorage),
        _modality("PS3.3 C.17.6.1", "KO", KeyObjectSelectionDocumentStorage),
        _modality("PS3.3 C.11.9", "PR", GrayscaleSoftcopyPresentationStateStorage),
    ),
    # patient and study
    "PatientSex": (_enumerated("PS3.3 C.7.1.1", "M", "F", "O"),),
    "TypeOfPatientID": (_defined("PS3.3 C.7.1.1", "TEXT", "RFID", "BARCODE"),),
    "UniversalEntityIDType": (_defined("PS3.3 10.14", "DNS", "EUI64", "ISO", "URI", "UUID", "X400", "X500"),),
    "PregnancyStatus": (_enumerated("PS3.3 C.7.2.2", "1", "2", "3", "4"),),
    "SmokingStatus": (_enumerated("PS3.3 C.7.2.2", "YES", "NO", "UNKNOWN"),),
    # images
    "PresentationIntentType": (_enumerated("PS3.3 C.8.11.1", "FOR PRESENTATION", "FOR PROCESSING"),),
    "Laterality": (_enumerated("PS3.3 C.7.3.1", "R", "L"),),
    "ImageLaterality": (_enumerated("PS3.3 C.8.11.2", "R", "L", "U", "B"),),
    "BodyPartExamined": (Terms(allowed=BODY_PARTS, section="PS3.16 Annex L", extensible=True),),
    "ViewPosition": (_defined("PS3.3 C.8.11.5", "AP", "PA", "LL", "RL", "RLD", "LLD", "RLO", "LLO"),),
    "PositionerType": (
        _defined("PS3.3 C.8.11.5", "CARM", "COLUMN", "MAMMOGRAPHIC", "PANORAMIC", "CEPHALOSTAT", "RIGID", "NONE"),
    ),
    "SamplesPerPixel": (_enumerated("PS3.3 C.8.11.3", "1"),),
    "PhotometricInterpretation": (_enumerated("PS3.3 C.8.11.3", "MONOCHROME1", "MONOCHROME2"),),
    "BitsAllocated": (_enumerated("PS3.3 C.8.11.3", "8", "16"),),
    "BitsStored": (
        _enumerated("PS3.3 C.8.11.3", *(str(bits) for bits in range(6, 17)), classes=_DX),
        _enumerated("PS3.3 C.8.1.2", *(str(bits) for bits in range(1, 17)), classes=_CR),
    ),
    "PixelRepresentation": (_enumerated("PS3.3 C.8.11.3", "0", classes=_DX),),
    "PixelIntensityRelationship": (_enumerated("PS3.3 C.8.11.3", "LIN", "LOG", classes=_DX),),
    "PixelIntensityRelationshipSign": (_enumerated("PS3.3 C.8.11.3", "1", "-1"),),
    "RescaleIntercept": (_enumerated("PS3.3 C.8.11.3", "0", classes=_DX),),
    "RescaleSlope": (_enumerated("PS3.3 C.8.11.3", "1", classes=_DX),),
    "RescaleType": (_enumerated("PS3.3 C.8.11.3", "US", classes=_DX),),
    "PresentationLUTShape": (_enumerated("PS3.3 C.11.6", "IDENTITY", "INVERSE"),),
    "LossyImageCompression": (_enumerated("PS3.3 C.7.6.1", "00", "01"),),
    "LossyImageCompressionMethod": (
        _defined(
            "PS3.3 C.7.6.1.1.5.1",
            "ISO_10918_1",
            "ISO_14495_1",
            "ISO_15444_1",
            "ISO_15444_15",
            "ISO_18181_1",
            "ISO_13818_2",
            "ISO_14496_10",
            "ISO_23008_2",
        ),
    ),
    "BurnedInAnnotation": (_enumerated("PS3.3 C.7.6.1", "YES", "NO"),),
    "QualityControlImage": (_enumerated("PS3.3 C.7.6.1", "YES", "NO"),),
    "VOILUTFunction": (_defined("PS3.3 C.11.2", "LINEAR", "LINEAR_EXACT", "SIGMOID"),),
    "PixelSpacingCalibrationType": (_enumerated("PS3.3 10.7.1", "GEOMETRY", "FIDUCIAL"),),
    "ShutterShape": (
        _enumerated("PS3.3 C.7.6.11", "RECTANGULAR", "CIRCULAR", "POLYGONAL", classes=_DX | _CR),
        _enumerated("PS3.3 C.7.6.11, C.7.6.15", "RECTANGULAR", "CIRCULAR", "POLYGONAL", "BITMAP", classes=_GSPS),
    ),
    "CollimatorShape": (_enumerated("PS3.3 C.8.7.3", "RECTANGULAR", "CIRCULAR", "POLYGONAL"),),
    "DetectorType": (_defined("PS3.3 C.8.11.4", "DIRECT", "SCINTILLATOR", "STORAGE", "FILM"),),
    "FieldOfViewRotation": (_enumerated("PS3.3 C.8.11.4", "0", "90", "180", "270"),),
    "FieldOfViewHorizontalFlip": (_enumerated("PS3.3 C.8.11.4", "YES", "NO"),),
    "FieldOfViewShape": (_enumerated("PS3.3 C.8.11.4", "RECTANGLE", "ROUND", "HEXAGONAL"),),
    "Grid": (_defined("PS3.3 C.8.7.11", "FIXED", "FOCUSED", "RECIPROCATING", "PARALLEL", "CROSSED", "NONE"),),
    "FilterType": (_defined("PS3.3 C.8.7.10", "STRIP", "WEDGE", "BUTTERFLY", "MULTIPLE", "FLAT", "NONE"),),
    "FilterMaterial": (
        _defined(
            "PS3.3 C.8.7.10",
            "MOLYBDENUM",
            "ALUMINUM",
            "COPPER",
            "RHODIUM",
            "NIOBIUM",
            "EUROPIUM",
            "LEAD",
            "SILVER",
            "TANTALUM",
            "TIN",
        ),
    ),
    "CassetteOrientation": (_defined("PS3.3 C.8.1.2", "LANDSCAPE", "PORTRAIT"),),
    "CassetteSize": (
        _defined(
            "PS3.3 C.8.1.2",
            "18CMX24CM",
            "8INX10IN",
            "24CMX30CM",
            "10INX12IN",
            "30CMX35CM",
            "30CMX40CM",
            "11INX14IN",
            "35CMX35CM",
            "14INX14IN",
            "35CMX43CM",
            "14INX17IN",
        ),
    ),
    # documents
    "CompletionFlag": (_enumerated("PS3.3 C.17.2", "PARTIAL", "COMPLETE"),),
    "VerificationFlag": (_enumerated("PS3.3 C.17.2", "UNVERIFIED", "VERIFIED"),),
    "PreliminaryFlag": (_enumerated("PS3.3 C.17.2", "PRELIMINARY", "FINAL"),),
    "ContinuityOfContent": (_enumerated("PS3.3 C.18.8", "SEPARATE", "CONTINUOUS"),),
    "MappingResource": (_defined("PS3.3 8.2", "DCMR", "SDM", "99SDM", classes=_SR),),
    "SynchronizationTrigger": (_enumerated("PS3.3 C.7.4.2", "SOURCE", "EXTERNAL", "PASSTHRU", "NO TRIGGER"),),
    "AcquisitionTimeSynchronized": (_enumerated("PS3.3 C.7.4.2", "Y", "N"),),
    # presentation states
    "PresentationSizeMode": (_enumerated("PS3.3 C.10.4", "SCALE TO FIT", "TRUE SIZE", "MAGNIFY"),),
    "ImageRotation": (_enumerated("PS3.3 C.10.6", "0", "90", "180", "270"),),
    "ImageHorizontalFlip": (_enumerated("PS3.3 C.10.6", "Y", "N"),),
    "GraphicType": (_enumerated("PS3.3 C.10.5", "POINT", "POLYLINE", "INTERPOLATED", "CIRCLE", "ELLIPSE"),),
    "GraphicDimensions": (_enumerated("PS3.3 C.10.5", "2"),),
    "GraphicFilled": (_enumerated("PS3.3 C.10.5", "Y", "N"),),
    "GraphicAnnotationUnits": (_enumerated("PS3.3 C.10.5", "PIXEL", "DISPLAY", "MATRIX"),),
    "BoundingBoxAnnotationUnits": (_enumerated("PS3.3 C.10.5", "PIXEL", "DISPLAY", "MATRIX"),),
    "AnchorPointAnnotationUnits": (_enumerated("PS3.3 C.10.5", "PIXEL", "DISPLAY", "MATRIX"),),
    "AnchorPointVisibility": (_enumerated("PS3.3 C.10.5", "Y", "N"),),
    "BoundingBoxTextHorizontalJustification": (_enumerated("PS3.3 C.10.5", "LEFT", "RIGHT", "CENTER"),),
}
"""By keyword, wherever in the object the attribute stands."""


def check_terms(dataset: Dataset, sop_class_uid: str) -> Iterator[Finding]:
    """Compare all values with the tables; numbers as they are written, since receivers compare texts."""
    for path, around, element in walk(dataset):
        for terms in TERMS.get(element.keyword, ()):
            if terms.classes and sop_class_uid not in terms.classes:
                continue
            if all(value in terms.allowed for value in texts(around, element.keyword)):
                continue
            if terms.extensible:
                yield Finding(
                    attribute=path,
                    rule="is none of the Defined Terms",
                    section=terms.section,
                    severity=Severity.WARNING,
                )
            else:
                rule = f"must be {' or '.join(terms.allowed)}"
                yield Finding(attribute=path, rule=rule, section=terms.section)
