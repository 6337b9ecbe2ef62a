"""A full object with one thing wrong, and what is found of it."""

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from iod.validation.specimens import SPECIMENS
from pydicom import DataElement, Dataset, config
from pydicom.datadict import dictionary_VR, tag_for_keyword

from modality_sdk.iod import validate
from modality_sdk.iod.validation.terms import TERMS
from modality_sdk.model import Severity

pytestmark = pytest.mark.req("NFR-QUAL-01")

Change = Callable[[Any], object]


@cache
def specimen(name: str) -> Dataset:
    return SPECIMENS[name]()


def put(dataset: Dataset, keyword: str, value: object, vr: str = "") -> None:
    """Set a value that no builder would."""
    tag = tag_for_keyword(keyword)
    assert tag is not None
    element = DataElement(tag, vr or dictionary_VR(tag).split(" ")[0], value, validation_mode=config.IGNORE)
    dataset.add(element)


def setting(keyword: str, value: object, vr: str = "") -> Change:
    return lambda dataset: put(dataset, keyword, value, vr)


def within(place: str, change: Change) -> Change:
    """The same inside the first item of sequences, named one below the other."""

    def inner(dataset: Any) -> object:
        for keyword in place.split("."):
            dataset = dataset[keyword].value[0]
        return change(dataset)

    return inner


def coding(sequence: str, value: str, meaning: str, scheme: str = "SCT") -> Change:
    def change(dataset: Any) -> None:
        item = dataset[sequence].value[0]
        put(item, "CodeValue", value)
        put(item, "CodeMeaning", meaning)
        put(item, "CodingSchemeDesignator", scheme)

    return change


ERROR, WARNING = Severity.ERROR, Severity.WARNING
VALUES: list[tuple[str, Change, str, str]] = [
    # VR, VM and characters (PS3.5 6.2)
    ("dx", setting("PatientID", "X" * 65), "PatientID", "at most 64 characters"),
    ("dx", setting("PatientID", "A\\B"), "PatientID", "values where its VM is"),
    ("dx", setting("PatientID", "A\x07"), "PatientID", "control characters"),
    ("dx", setting("PatientName", "A=B=C=D"), "PatientName", "up to 3 groups"),
    ("dx", setting("StudyDate", "20240231"), "StudyDate", "no such day"),
    ("dx", setting("StudyDate", "2024"), "StudyDate", "YYYYMMDD"),
    ("dx", setting("StudyTime", "2561"), "StudyTime", "HHMMSS"),
    ("dx", setting("Modality", "dx"), "Modality", "capital letters"),
    ("dx", setting("StudyInstanceUID", "1.02"), "StudyInstanceUID", "leading zero"),
    ("dx", setting("StudyInstanceUID", "1." + "2" * 63), "StudyInstanceUID", "at most 64"),
    ("dx", setting("AccessionNumber", "X" * 17), "AccessionNumber", "at most 16"),
    ("dx", setting("ImagerPixelSpacing", ["0.1"]), "ImagerPixelSpacing", "values where its VM is 2"),
    ("dx", setting("Rows", 36, "UL"), "Rows", "has the VR UL"),
    ("dx", setting("PatientAge", "54"), "PatientAge", "three digits"),
    ("dx", setting("SpecificCharacterSet", "UTF-8"), "SpecificCharacterSet", "misspelt"),
    ("dx", setting("SpecificCharacterSet", "LATIN"), "SpecificCharacterSet", "no defined term"),
    ("dx", setting("SpecificCharacterSet", "ISO_IR 144"), "PatientName", "declared character set"),
    ("dx", within("AnatomicRegionSequence", setting("CodeMeaning", "X" * 65)), "CodeMeaning", "at most 64"),
    ("dx", lambda d: d.add_new(0x00111001, "LO", "x"), "0011", "no owner"),
    # codes
    ("dx", coding("AnatomicRegionSequence", "85562004", "Hand structure"), "CodeMeaning", "must be 'Hand'"),
    ("dx", coding("AnatomicRegionSequence", "51185008", "Chest"), "AnatomicRegionSequence", "contradicts"),
    ("dx", coding("AnatomicRegionSequence", "T-D8700", "Hand", "SRT"), "CodingSchemeDesignator", "deprecated"),
    ("dx", coding("AnatomicRegionSequence", "T-D8700", "Hand", "SNM3"), "CodingSchemeDesignator", "deprecated"),
    (
        "dx",
        coding("ViewCodeSequence", "272479007", "Posteroanterior projection (qualifier value)"),
        "CodeMeaning",
        "must",
    ),
    ("dx", coding("ViewCodeSequence", "1234567", "Somewhere (qualifier value)"), "CodeMeaning", "fully specified"),
    ("dx", within("ViewCodeSequence", setting("CodeMeaning", None)), "CodeMeaning", "empty"),
    # images
    ("dx", setting("HighBit", 12), "HighBit", "Bits Stored - 1"),
    ("dx", setting("BitsStored", 17), "BitsStored", "must"),
    ("dx", setting("Rows", 35), "PixelData", "Rows x Columns"),
    ("dx", setting("PixelData", b"\xff\xff" * 36 * 24, "OW"), "PixelData", "more than Bits Stored"),
    ("dx", setting("PresentationLUTShape", "INVERSE"), "PresentationLUTShape", "MONOCHROME2"),
    ("dx", setting("PresentationIntentType", "FOR PROCESSING"), "PresentationIntentType", "that of the SOP class"),
    ("dx", setting("ImageType", ["ORIGINAL", "PRIMARY"]), "ImageType", "value 3"),
    ("dx", setting("ImageType", ["ORIGINAL", "PRIMARY", "PA"]), "ImageType", "value 3"),
    ("dx", setting("ImageType", ["FIRST", "PRIMARY", ""]), "ImageType", "value 1"),
    ("dx", setting("ImageType", ["ORIGINAL", "TERTIARY", ""]), "ImageType", "value 2"),
    ("dx", setting("EstimatedRadiographicMagnificationFactor", "1.5"), "EstimatedRadiographic", "quotient"),
    ("dx", setting("DistanceSourceToPatient", "1900"), "DistanceSourceToPatient", "exceed"),
    ("dx", setting("WindowWidth", "0"), "WindowWidth", "at least 1"),
    ("dx", setting("WindowCenter", ["1", "2"]), "WindowWidth", "as many values"),
    ("dx", setting("ImagerPixelSpacing", ["0", "0.1"]), "ImagerPixelSpacing", "above 0"),
    ("dx", setting("ImageLaterality", "U"), "ImageLaterality", "side of a paired"),
    ("dx", setting("PatientOrientation", ["L", "X"]), "PatientOrientation", "letters"),
    ("dx", setting("PatientOrientation", ["LR", "F"]), "PatientOrientation", "letters"),
    ("dx", setting("RescaleSlope", "1.0"), "RescaleSlope", "must be 1"),
    ("dx", setting("FieldOfViewRotation", "90.0"), "FieldOfViewRotation", "must be 0"),
    ("dx", setting("AnatomicRegionSequence", [], "SQ"), "AnatomicRegionSequence", "Body Part Examined tells it"),
    ("dx", lambda d: d.pop("PositionerType"), "PositionerType", "missing"),
    ("dx", lambda d: d.pop("FieldOfViewRotation"), "FieldOfViewRotation", "missing"),
    ("dx", lambda d: d.pop("LossyImageCompressionRatio"), "LossyImageCompressionRatio", "missing"),
    ("processing", setting("WindowCenter", "100"), "WindowCenter", "shall not"),
    ("cr", setting("BitsStored", 0), "BitsStored", "must be"),
    # presentation states
    ("state", setting("GraphicLayerSequence", [], "SQ"), "GraphicLayer", "not in the Graphic Layer Sequence"),
    (
        "state",
        within("GraphicAnnotationSequence.ReferencedImageSequence", setting("ReferencedSOPInstanceUID", "2.25.99")),
        "GraphicAnnotationSequence[1].ReferencedImageSequence[1]",
        "not in the Referenced Series Sequence",
    ),
    (
        "state",
        within("SoftcopyVOILUTSequence.ReferencedImageSequence", setting("ReferencedSOPClassUID", "1.2.3")),
        "SoftcopyVOILUTSequence[1].ReferencedImageSequence[1]",
        "another SOP class",
    ),
    (
        "state",
        within("DisplayedAreaSelectionSequence", setting("PresentationPixelSpacing", ["0.1", "0.1"])),
        "PresentationPixelAspectRatio",
        "beside a spacing",
    ),
    (
        "state",
        within("DisplayedAreaSelectionSequence", setting("DisplayedAreaBottomRightHandCorner", [-5, 99])),
        "DisplayedAreaBottomRightHandCorner",
        "as displayed",
    ),
    (
        "state",
        within("GraphicAnnotationSequence.TextObjectSequence", setting("AnchorPoint", [-1.0, 2.0])),
        "AnchorPoint",
        "inside",
    ),
    (
        "state",
        within("GraphicAnnotationSequence.GraphicObjectSequence", setting("NumberOfGraphicPoints", 3)),
        "NumberOfGraphicPoints",
        "must be 2",
    ),
    (
        "state",
        lambda d: put(d.GraphicLayerSequence[1], "GraphicLayerOrder", "1"),
        "GraphicLayerSequence",
        "order twice",
    ),
    ("state", setting("ShutterRightVerticalEdge", "0"), "ShutterRightVerticalEdge", "opposite edge"),
    ("state", setting("VerticesOfThePolygonalShutter", ["1", "2"]), "VerticesOfThePolygonalShutter", "must"),
    ("state", lambda d: d.pop("ShutterPresentationValue"), "ShutterPresentationValue", "missing"),
    ("state", setting("ContentLabel", "marked"), "ContentLabel", "capital"),
    ("state", within("SoftcopyVOILUTSequence", setting("WindowWidth", "0.5")), "WindowWidth", "at least 1"),
    # documents
    ("dose", setting("DeviceSerialNumber", None), "DeviceSerialNumber", "empty"),
    ("dose", lambda d: d.pop("ContentTemplateSequence"), "ContentTemplateSequence", "missing"),
    ("dose", within("ContentTemplateSequence", setting("TemplateIdentifier", "2000")), "TemplateIdentifier", "10001"),
    ("dose", setting("CompletionFlag", "DONE"), "CompletionFlag", "PARTIAL or COMPLETE"),
    ("note", coding("ConceptNameCodeSequence", "113100", "Basic Application", "DCM"), "ConceptName", "CID 7010"),
    ("note", coding("ConceptNameCodeSequence", "113001", "Rejected", "DCM"), "CodeMeaning", "Rejected for Quality"),
    ("note", setting("StudyInstanceUID", "2.25.999"), "StudyInstanceUID", "singled out"),
    # of any class
    ("dx", lambda d: d.pop("SOPClassUID"), "SOPClassUID", "missing"),
]
WARNINGS: list[tuple[str, Change, str, str]] = [
    ("dx", coding("ViewCodeSequence", "999999", "Sideways", "99LOCAL"), "ViewCodeSequence[1]", "context group"),
    ("dx", coding("AnatomicRegionSequence", "39607008", "Lung"), "AnatomicRegionSequence[1]", "context group"),
    ("dx", lambda d: d.pop("TargetExposureIndex"), "TargetExposureIndex", "beside"),
    ("dx", lambda d: d.pop("IrradiationEventUID"), "IrradiationEventUID", "missing"),
    ("dx", setting("BodyPartExamined", "HANDS"), "BodyPartExamined", "Defined Terms"),
    ("dx", setting("DetectorType", "MAGIC"), "DetectorType", "Defined Terms"),
    ("dx", setting("CassetteSize", "18CMX24CM"), "CassetteSize", "not in the IOD"),
    ("dx", setting("OtherPatientIDs", "P"), "OtherPatientIDs", "retired"),
    ("cr", setting("DetectorID", "D"), "DetectorID", "not in the IOD"),
    ("dx", setting("SOPClassUID", "1.2.840.10008.5.1.4.1.1.2"), "SOPClassUID", "no tables"),
]


def found(name: str, change: Change, severity: Severity) -> list[tuple[str, str]]:
    dataset = copy.deepcopy(specimen(name))
    change(dataset)
    return [(f.attribute, f.rule) for f in validate(dataset) if f.severity is severity]


@pytest.mark.parametrize(("name", "change", "attribute", "rule"), VALUES)
def test_a_wrong_value_is_an_error(name: str, change: Change, attribute: str, rule: str) -> None:
    assert any(attribute in where and rule in why for where, why in found(name, change, ERROR))


@pytest.mark.parametrize(("name", "change", "attribute", "rule"), WARNINGS)
def test_what_trips_receivers_is_a_warning(name: str, change: Change, attribute: str, rule: str) -> None:
    assert any(attribute in where and rule in why for where, why in found(name, change, WARNING))


def holders(keyword: str) -> list[str]:
    return [
        name
        for name in SPECIMENS
        if any(not terms.classes or specimen(name).SOPClassUID in terms.classes for terms in TERMS[keyword])
        and any(element.keyword == keyword for element in specimen(name).iterall())
    ]


@pytest.mark.parametrize("keyword", [keyword for keyword in TERMS if holders(keyword)])
def test_a_value_outside_the_terms_of_an_attribute_is_found(keyword: str) -> None:
    vr = dictionary_VR(tag_for_keyword(keyword) or 0)
    wrong: object = 77 if vr in ("US", "SS", "IS", "DS") else "WRONG"
    for name in holders(keyword):
        dataset = copy.deepcopy(specimen(name))
        for element in dataset.iterall():
            if element.keyword == keyword:
                element.value = wrong
        assert any(f.attribute.endswith(keyword) for f in validate(dataset)), name


def test_most_tables_of_terms_are_tried() -> None:
    untried = {keyword for keyword in TERMS if not holders(keyword)}
    assert untried <= {
        "CollimatorShape",
        "FieldOfViewShape",
        "FilterType",
        "Laterality",
        "PreliminaryFlag",
        "QualityControlImage",
        "SmokingStatus",
        "TypeOfPatientID",
        "UniversalEntityIDType",
        "VOILUTFunction",
    }


def test_a_finding_repeats_no_value() -> None:
    dataset = copy.deepcopy(specimen("dx"))
    put(dataset, "PatientID", "SECRET\x07" * 20)
    put(dataset, "StudyDate", "SECRET")
    text = " ".join(str(finding) for finding in validate(dataset))
    assert "PatientID" in text
    assert "SECRET" not in text
