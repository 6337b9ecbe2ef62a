"""What the attributes of a radiograph say together (PS3.3 C.7.6.3, C.8.11, C.8.1)."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from pydicom import Dataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
)

from modality_sdk.iod.anatomy import BODY_PARTS, anatomic_region
from modality_sdk.iod.validation.codes import concept_of, group
from modality_sdk.iod.validation.reading import items, number, numbers, text, texts, values
from modality_sdk.model import Finding, Severity

__all__ = ["IMAGES", "check_image"]

IMAGES: Final = frozenset(
    {
        ComputedRadiographyImageStorage,
        DigitalXRayImageStorageForPresentation,
        DigitalXRayImageStorageForProcessing,
    }
)
_INTENTS: Final[dict[str, str]] = {
    DigitalXRayImageStorageForPresentation: "FOR PRESENTATION",
    DigitalXRayImageStorageForProcessing: "FOR PROCESSING",
}
_POSITIVE: Final = {
    "ImagerPixelSpacing": "PS3.3 10.7.1",
    "PixelSpacing": "PS3.3 10.7.1",
    "DistanceSourceToDetector": "PS3.3 C.8.11.5",
    "DistanceSourceToPatient": "PS3.3 C.8.11.5",
    "LossyImageCompressionRatio": "PS3.3 C.7.6.1.1.5",
    "TargetExposureIndex": "PS3.3 C.8.11.4",
    "Rows": "PS3.3 C.7.6.3",
    "Columns": "PS3.3 C.7.6.3",
}
_INDICES: Final = ("ExposureIndex", "TargetExposureIndex", "DeviationIndex")
_DX_POSITIONING: Final = (
    "DistanceSourceToDetector",
    "DistanceSourceToPatient",
    "EstimatedRadiographicMagnificationFactor",
    "ViewCodeSequence",
    "ViewPosition",
)
_PRIVATE_TO_PRESENTATION: Final = ("WindowCenter", "WindowWidth", "VOILUTSequence")


def check_image(dataset: Dataset) -> Iterator[Finding]:
    """Judge a DX or CR image."""
    is_dx = text(dataset, "SOPClassUID") in _INTENTS
    for check in (_pixels, _depth, _type, _exposure_index, _anatomy, _orientation, _window, _amounts, _advice):
        yield from check(dataset)
    if is_dx:
        yield from _intent(dataset)
        yield from _positioning(dataset)


def _depth(dataset: Dataset) -> Iterator[Finding]:
    section = "PS3.3 C.7.6.3"
    allocated, stored = number(dataset, "BitsAllocated"), number(dataset, "BitsStored")
    high = number(dataset, "HighBit")
    if stored is not None and high is not None and high != stored - 1:
        yield Finding(attribute="HighBit", rule="must be Bits Stored - 1", section=section)
    if stored is not None and allocated is not None and stored > allocated:
        yield Finding(attribute="BitsStored", rule="must not exceed Bits Allocated", section=section)


def _pixels(dataset: Dataset) -> Iterator[Finding]:
    section = "PS3.3 C.7.6.3"
    size = [number(dataset, name) for name in ("Rows", "Columns", "BitsAllocated")]
    data = values(dataset["PixelData"]) if "PixelData" in dataset else []
    if not data or not isinstance(data[0], bytes | bytearray | memoryview) or None in size:
        return
    pixels = bytes(data[0]) if isinstance(data[0], memoryview) else data[0]
    rows, columns, allocated = (int(value) for value in size if value is not None)
    if pixels[:4] == b"\xfe\xff\x00\xe0" or allocated not in (8, 16):
        return  # encapsulated: an item's tag comes first; the decoder judges it
    expected = rows * columns * allocated // 8
    if len(pixels) != expected + expected % 2:
        rule = "must have Rows x Columns x Bits Allocated bits, padded to an even number of bytes"
        yield Finding(attribute="PixelData", rule=rule, section=section)
        return
    stored = number(dataset, "BitsStored")
    if stored is not None and 0 < stored < allocated and expected and number(dataset, "PixelRepresentation") == 0:
        cells = np.frombuffer(pixels, dtype="<u2" if allocated == 16 else "u1", count=rows * columns)
        if int(cells.max()) >= 2 ** int(stored):
            yield Finding(attribute="PixelData", rule="has values of more than Bits Stored bits", section=section)
    vr = dataset["PixelData"].VR
    if vr not in ("OW", "OB or OW") and allocated == 16:
        yield Finding(attribute="PixelData", rule="is OW where 16 bits are allocated", section="PS3.5 8.1.2")


def _type(dataset: Dataset) -> Iterator[Finding]:
    section = "PS3.3 C.8.11.3.1.1"
    found = texts(dataset, "ImageType")
    if not found:
        return
    is_dx = text(dataset, "SOPClassUID") in _INTENTS
    if found[0] not in ("ORIGINAL", "DERIVED"):
        yield Finding(attribute="ImageType", rule="value 1 must be ORIGINAL or DERIVED", section=section)
    if len(found) < 2 or found[1] not in ("PRIMARY", "SECONDARY"):
        yield Finding(attribute="ImageType", rule="value 2 must be PRIMARY or SECONDARY", section=section)
    if is_dx and (len(found) < 3 or found[2]):
        yield Finding(attribute="ImageType", rule="value 3 must be present and empty", section=section)
    if found[0] == "DERIVED" and "SourceImageSequence" in dataset and not items(dataset, "SourceImageSequence"):
        yield Finding(attribute="SourceImageSequence", rule="has an item", section="PS3.3 C.7.6.1")


def _intent(dataset: Dataset) -> Iterator[Finding]:
    intent, shape = text(dataset, "PresentationIntentType"), text(dataset, "PresentationLUTShape")
    if intent and intent != _INTENTS[text(dataset, "SOPClassUID")]:
        rule = "must be that of the SOP class"
        yield Finding(attribute="PresentationIntentType", rule=rule, section="PS3.3 C.8.11.1")
    wanted = {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}.get(text(dataset, "PhotometricInterpretation"))
    if wanted and shape and shape != wanted:
        rule = "must be IDENTITY with MONOCHROME2 and INVERSE with MONOCHROME1"
        yield Finding(attribute="PresentationLUTShape", rule=rule, section="PS3.3 C.8.11.3")
    if text(dataset, "SOPClassUID") == DigitalXRayImageStorageForProcessing:
        for name in _PRIVATE_TO_PRESENTATION:
            if name in dataset:
                yield Finding(attribute=name, rule="shall not be in an image For Processing", section="PS3.3 A.26.3")


def _exposure_index(dataset: Dataset) -> Iterator[Finding]:
    present = [name for name in _INDICES if number(dataset, name) is not None]
    if present and len(present) < len(_INDICES):
        for name in _INDICES:
            if name not in present:
                rule = "is missing beside the other exposure indices"
                yield Finding(attribute=name, rule=rule, section="IEC 62494-1", severity=Severity.WARNING)
    index = number(dataset, "ExposureIndex")
    if index is not None and index < 0:
        yield Finding(attribute="ExposureIndex", rule="must not be negative", section="IEC 62494-1")


def _anatomy(dataset: Dataset) -> Iterator[Finding]:
    part = BODY_PARTS.get(text(dataset, "BodyPartExamined"))
    regions = items(dataset, "AnatomicRegionSequence")
    side = text(dataset, "ImageLaterality") or text(dataset, "Laterality")
    if text(dataset, "BodyPartExamined") and "AnatomicRegionSequence" in dataset and not regions:
        rule = "is empty only if the region is not known, and Body Part Examined tells it"
        yield Finding(attribute="AnatomicRegionSequence", rule=rule, section="PS3.3 C.8.11.2")
    if part is None:
        return
    meaning = group(4031).get(concept_of(regions[0])) if regions else None
    if meaning is not None and meaning != anatomic_region(part.term).meaning:
        rule = "contradicts Body Part Examined"
        yield Finding(attribute="AnatomicRegionSequence[1]", rule=rule, section="PS3.3 C.8.11.2")
    if part.paired and side in ("", "U"):
        name = "ImageLaterality" if "ImageLaterality" in dataset else "Laterality"
        yield Finding(attribute=name, rule="must tell the side of a paired body part", section="PS3.3 C.7.3.1")


def _orientation(dataset: Dataset) -> Iterator[Finding]:
    found = texts(dataset, "PatientOrientation")
    for value in found:
        axes = ["LR".find(c) // 2 if c in "LR" else "AP".find(c) // 2 + 2 if c in "AP" else 4 for c in value]
        if not value or len(value) > 3 or not set(value) <= set("LRAPHF") or len(set(axes)) < len(axes):
            rule = "must be letters of L, R, A, P, H and F, one for each axis"
            yield Finding(attribute="PatientOrientation", rule=rule, section="PS3.3 C.7.6.1.1.1")
            return


def _window(dataset: Dataset) -> Iterator[Finding]:
    section = "PS3.3 C.11.2.1.2"
    linear = text(dataset, "VOILUTFunction") in ("", "LINEAR")
    if any(width < 1 if linear else width <= 0 for width in numbers(dataset, "WindowWidth")):
        yield Finding(attribute="WindowWidth", rule="must be at least 1", section=section)
    if len(texts(dataset, "WindowCenter")) != len(texts(dataset, "WindowWidth")):
        yield Finding(attribute="WindowWidth", rule="must have as many values as Window Center", section=section)


def _positioning(dataset: Dataset) -> Iterator[Finding]:
    if "PositionerType" not in dataset and any(name in dataset for name in _DX_POSITIONING):
        rule = "is missing; it is Type 2 where the positioning is told"
        yield Finding(attribute="PositionerType", rule=rule, section="PS3.3 C.8.11.5")
    fields = ("FieldOfViewOrigin", "FieldOfViewRotation", "FieldOfViewHorizontalFlip")
    present = [name for name in fields if name in dataset]
    if present and len(present) < len(fields):
        rule = "must come with origin, rotation and flip of the field of view, all of them"
        yield Finding(attribute=present[0], rule=rule, section="PS3.3 C.8.11.4")


def _amounts(dataset: Dataset) -> Iterator[Finding]:
    for name, section in _POSITIVE.items():
        if any(value <= 0 for value in numbers(dataset, name)):
            yield Finding(attribute=name, rule="must be above 0", section=section)
    detector, patient = number(dataset, "DistanceSourceToDetector"), number(dataset, "DistanceSourceToPatient")
    factor = number(dataset, "EstimatedRadiographicMagnificationFactor")
    if detector and patient:
        if patient > detector:
            rule = "must not exceed Distance Source to Detector"
            yield Finding(attribute="DistanceSourceToPatient", rule=rule, section="PS3.3 C.8.11.5")
        if factor is not None and abs(factor - detector / patient) > 0.005 * factor:
            rule = "must be the quotient of the distances from the source to detector and patient"
            yield Finding(attribute="EstimatedRadiographicMagnificationFactor", rule=rule, section="PS3.3 C.8.11.5")
    ratios, methods = texts(dataset, "LossyImageCompressionRatio"), texts(dataset, "LossyImageCompressionMethod")
    if text(dataset, "LossyImageCompression") == "01" and not ratios:
        rule = "must tell by how much pixels were compressed with loss"
        yield Finding(attribute="LossyImageCompressionRatio", rule=rule, section="PS3.3 C.7.6.1.1.5.2")
    if ratios and methods and len(ratios) != len(methods):
        rule = "must have as many values as the ratio"
        yield Finding(attribute="LossyImageCompressionMethod", rule=rule, section="PS3.3 C.7.6.1.1.5.1")


def _advice(dataset: Dataset) -> Iterator[Finding]:
    if not texts(dataset, "IrradiationEventUID"):
        rule = "is missing: nothing links the image to its event in the dose report"
        yield Finding(attribute="IrradiationEventUID", rule=rule, section="PS3.3 C.7.6.1", severity=Severity.WARNING)
