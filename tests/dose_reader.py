"""Reads dose reports by the tables of PS3.16 alone: TID 10001 to 10007, 1002, 1004, 1020, 1204.

It shares nothing with the builder, so that a wrong code on one side is seen on the other. Every item of a report must
be of a row, have its relationship, value type and unit, stand in row order, and appear as often as the row allows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydicom import Dataset

# row: relationship, value type, code, scheme, meaning, least, most, unit or rows below
MANY = 10_000
Row = tuple[str, str, str, str, str, int, int, Any]

YES_NO = {("373066001", "SCT", "Yes"), ("373067005", "SCT", "No")}
TID_1020: list[Row] = [("HAS PROPERTIES", "CODE", "113875", "DCM", "Person Role in Procedure", 1, 1, None)]
FILTER: list[Row] = [
    ("CONTAINS", "CODE", "113772", "DCM", "X-Ray Filter Type", 1, 1, None),
    ("CONTAINS", "CODE", "113757", "DCM", "X-Ray Filter Material", 0, 1, None),
    ("CONTAINS", "NUM", "113758", "DCM", "X-Ray Filter Thickness Minimum", 0, 1, "mm"),
    ("CONTAINS", "NUM", "113773", "DCM", "X-Ray Filter Thickness Maximum", 0, 1, "mm"),
]
TID_10003A: list[Row] = [
    ("CONTAINS", "NUM", "113845", "DCM", "Exposure Index", 0, 1, "1"),
    ("CONTAINS", "NUM", "113846", "DCM", "Target Exposure Index", 0, 1, "1"),
    ("CONTAINS", "NUM", "113847", "DCM", "Deviation Index", 0, 1, "1"),
    ("CONTAINS", "IMAGE", "113795", "DCM", "Acquired Image", 0, MANY, None),
]
TID_10003B: list[Row] = [
    ("CONTAINS", "NUM", "113738", "DCM", "Dose (RP)", 1, 1, "Gy"),
    ("CONTAINS", "CODE", "113780", "DCM", "Reference Point Definition", 1, 1, None),
    ("CONTAINS", "NUM", "113768", "DCM", "Number of Pulses", 1, 1, "1"),
    ("CONTAINS", "NUM", "113733", "DCM", "KVP", 0, MANY, "kV"),
    ("CONTAINS", "NUM", "113734", "DCM", "X-Ray Tube Current", 0, MANY, "mA"),
    ("CONTAINS", "NUM", "113824", "DCM", "Exposure Time", 0, 1, "ms"),
    ("CONTAINS", "NUM", "113736", "DCM", "Exposure", 0, MANY, "uA.s"),
    ("CONTAINS", "NUM", "113766", "DCM", "Focal Spot Size", 0, 1, "mm"),
    ("CONTAINS", "CONTAINER", "113771", "DCM", "X-Ray Filters", 0, MANY, FILTER),
    ("CONTAINS", "NUM", "113790", "DCM", "Collimated Field Area", 0, 1, "m2"),
    ("CONTAINS", "NUM", "113788", "DCM", "Collimated Field Height", 0, 1, "mm"),
    ("CONTAINS", "NUM", "113789", "DCM", "Collimated Field Width", 0, 1, "mm"),
    ("CONTAINS", "CODE", "111635", "DCM", "X-Ray Grid", 0, MANY, None),
]
TID_10003C: list[Row] = [
    ("CONTAINS", "NUM", "113737", "DCM", "Distance Source to Reference Point", 0, 1, "mm"),
    ("CONTAINS", "NUM", "113750", "DCM", "Distance Source to Detector", 0, 1, "mm"),
]
TID_10003: list[Row] = [
    ("HAS CONCEPT MOD", "CODE", "113764", "DCM", "Acquisition Plane", 1, 1, None),
    ("CONTAINS", "UIDREF", "113769", "DCM", "Irradiation Event UID", 1, 1, None),
    ("CONTAINS", "DATETIME", "111526", "DCM", "DateTime Started", 1, 1, None),
    ("CONTAINS", "CODE", "113721", "DCM", "Irradiation Event Type", 1, 1, None),
    ("CONTAINS", "TEXT", "125203", "DCM", "Acquisition Protocol", 0, 1, None),
    (
        "CONTAINS", "CODE", "91723000", "SCT", "Anatomical structure", 0, 1,
        [("HAS CONCEPT MOD", "CODE", "272741003", "SCT", "Laterality", 0, 1, None)],
    ),
    (
        "CONTAINS", "CODE", "111031", "DCM", "Image View", 0, 1,
        [("HAS CONCEPT MOD", "CODE", "111032", "DCM", "Image View Modifier", 0, MANY, None)],
    ),
    ("CONTAINS", "CODE", "123014", "DCM", "Target Region", 1, 1, None),
    ("CONTAINS", "NUM", "122130", "DCM", "Dose Area Product", 1, 1, "Gy.m2"),
    ("CONTAINS", "TEXT", "121106", "DCM", "Comment", 0, 1, None),
    ("CONTAINS", "PNAME", "113870", "DCM", "Person Name", 0, MANY, TID_1020),
]  # fmt: skip
TID_10007: list[Row] = [
    ("CONTAINS", "NUM", "113722", "DCM", "Dose Area Product Total", 1, 1, "Gy.m2"),
    ("CONTAINS", "NUM", "113725", "DCM", "Dose (RP) Total", 1, 1, "Gy"),
    ("CONTAINS", "NUM", "113737", "DCM", "Distance Source to Reference Point", 0, 1, "mm"),
    ("CONTAINS", "NUM", "113731", "DCM", "Total Number of Radiographic Frames", 0, 1, "1"),
    ("CONTAINS", "CODE", "113780", "DCM", "Reference Point Definition", 1, 1, None),
]
TID_10006: list[Row] = [
    ("CONTAINS", "CODE", "113947", "DCM", "Detector Type", 1, 1, None),
    ("CONTAINS", "NUM", "113731", "DCM", "Total Number of Radiographic Frames", 1, 1, "1"),
]
PLANE: Row = ("HAS CONCEPT MOD", "CODE", "113764", "DCM", "Acquisition Plane", 1, 1, None)
INTEGRATED = ("113958", "DCM", "Integrated Projection Radiography System")
CASSETTE_BASED = ("113959", "DCM", "Cassette-based Projection Radiography System")
STEP_UID: Row = (
    "HAS PROPERTIES", "UIDREF", "121126", "DCM", "Performed Procedure Step SOP Instance UID", 1, 1, None,
)  # fmt: skip


@dataclass
class Node:
    """One content item as it was read."""

    row: Row
    value: Any
    below: list["Node"] = field(default_factory=list)

    def all(self, meaning: str) -> list["Node"]:
        """Items directly below with that concept name."""
        return [node for node in self.below if node.row[4] == meaning]

    def __getitem__(self, meaning: str) -> Any:
        """Value of the one item below with that concept name; None without one."""
        found = self.all(meaning)
        assert len(found) <= 1, f"{meaning} is there {len(found)} times"
        return found[0].value if found else None


def read_report(report: Dataset) -> Node:
    """Read the tree; AssertionError where it breaks the templates or PS3.3 A.35.8.3."""
    assert code(report.ConceptNameCodeSequence) == ("113701", "DCM", "X-Ray Radiation Dose Report")
    assert report.ValueType == "CONTAINER"
    assert report.ContinuityOfContent == "SEPARATE"
    assert "RelationshipType" not in report
    assert template(report) == "10001"
    given = [item for item in report.ContentSequence if item.RelationshipType == "CONTAINS"]
    answers = {name(item)[2]: code(item.ConceptCodeSequence) for item in given if item.ValueType == "CODE"}
    return Node(("", "CONTAINER", "113701", "DCM", "", 1, 1, None), None, list(_read(report, _tid_10001(answers))))


def _tid_10001(answers: dict[str, tuple[str, str, str]]) -> list[Row]:
    available = {
        part: answers[f"X-Ray {part} Data Available"] == ("373066001", "SCT", "Yes")
        for part in ("Detector", "Source", "Mechanical")
    }
    device = answers["Acquisition Device Type"]
    assert device in (INTEGRATED, CASSETTE_BASED)
    totals = TID_10007 if device == INTEGRATED else TID_10006 if available["Detector"] else []
    event = [
        *TID_10003,
        *(TID_10003A if available["Detector"] else []),
        *(TID_10003B if available["Source"] else []),
        *(TID_10003C if available["Mechanical"] else []),
    ]
    intent: Row = ("HAS CONCEPT MOD", "CODE", "363703001", "SCT", "Has Intent", 1, 1, None)
    return [
        ("HAS CONCEPT MOD", "CODE", "121049", "DCM", "Language of Content Item and Descendants", 0, 1, None),
        ("HAS CONCEPT MOD", "CODE", "121058", "DCM", "Procedure reported", 1, 1, [intent]),
        ("CONTAINS", "CODE", "122142", "DCM", "Acquisition Device Type", 1, 1, None),
        ("HAS OBS CONTEXT", "CODE", "121005", "DCM", "Observer Type", 1, 1, None),
        ("HAS OBS CONTEXT", "UIDREF", "121012", "DCM", "Device Observer UID", 1, 1, None),
        ("HAS OBS CONTEXT", "TEXT", "121013", "DCM", "Device Observer Name", 0, 1, None),
        ("HAS OBS CONTEXT", "TEXT", "121014", "DCM", "Device Observer Manufacturer", 0, 1, None),
        ("HAS OBS CONTEXT", "TEXT", "121015", "DCM", "Device Observer Model Name", 0, 1, None),
        ("HAS OBS CONTEXT", "TEXT", "121016", "DCM", "Device Observer Serial Number", 0, 1, None),
        (
            "HAS OBS CONTEXT", "TEXT", "121017", "DCM", "Device Observer Physical Location During Observation",
            0, 1, None,
        ),
        ("HAS OBS CONTEXT", "CODE", "113876", "DCM", "Device Role in Procedure", 0, MANY, None),
        ("HAS OBS CONTEXT", "CODE", "113705", "DCM", "Scope of Accumulation", 1, 1, [STEP_UID]),
        ("CONTAINS", "CODE", "113945", "DCM", "X-Ray Detector Data Available", 1, 1, YES_NO),
        ("CONTAINS", "CODE", "113943", "DCM", "X-Ray Source Data Available", 1, 1, YES_NO),
        ("CONTAINS", "CODE", "113944", "DCM", "X-Ray Mechanical Data Available", 1, 1, YES_NO),
        ("CONTAINS", "CONTAINER", "113702", "DCM", "Accumulated X-Ray Dose Data", 1, 1, [PLANE, *totals]),
        ("CONTAINS", "CONTAINER", "113706", "DCM", "Irradiation Event X-Ray Data", 1, MANY, event),
        ("CONTAINS", "TEXT", "121106", "DCM", "Comment", 0, 1, None),
        ("CONTAINS", "PNAME", "113870", "DCM", "Person Name", 0, MANY, TID_1020),
        ("CONTAINS", "CODE", "113854", "DCM", "Source of Dose Information", 1, MANY, None),
    ]  # fmt: skip


def _read(parent: Dataset, rows: list[Row]) -> Iterator[Node]:
    items = list(parent.get("ContentSequence", []))
    position = 0
    for row in rows:
        count = 0
        while position < len(items) and name(items[position]) == row[2:5]:
            yield _node(items[position], row)
            position, count = position + 1, count + 1
        assert row[5] <= count <= row[6], f"{row[4]} is there {count} times, or not in its place"
    assert position == len(items), f"{name(items[position])} is of no row, or not in its place"


def _node(item: Dataset, row: Row) -> Node:
    assert item.RelationshipType == row[0], row
    assert item.ValueType == row[1], row
    below = row[7] if isinstance(row[7], list) else []
    if item.ValueType == "CONTAINER":
        assert item.ContinuityOfContent == "SEPARATE"
        assert template(item) == {"113702": "10002", "113706": "10003"}.get(row[2], "")
    value = _value(item, row[7])
    return Node(row, value, list(_read(item, below)))


def _value(item: Dataset, expected: Any) -> Any:
    match item.ValueType:
        case "CODE":
            value = code(item.ConceptCodeSequence)
            assert not isinstance(expected, set) or value in expected
            return value
        case "NUM":
            assert len(item.MeasuredValueSequence) == 1
            measured = item.MeasuredValueSequence[0]
            meaning = "no units" if expected == "1" else expected
            assert code(measured.MeasurementUnitsCodeSequence) == (expected, "UCUM", meaning)
            text = str(measured["NumericValue"].value)
            assert 0 < len(text) <= 16
            return Decimal(text)
        case "TEXT":
            return item.TextValue
        case "UIDREF":
            return str(item.UID)
        case "PNAME":
            return str(item.PersonName)
        case "DATETIME":
            return str(item.DateTime)
        case "IMAGE":
            reference = item.ReferencedSOPSequence[0]
            return (reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID)
    return None


def code(sequence: Any) -> tuple[str, str, str]:
    """Value, scheme and meaning of the one item of a code sequence."""
    assert len(sequence) == 1
    item = sequence[0]
    return (item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning)


def name(item: Dataset) -> tuple[str, str, str]:
    """Concept name of a content item."""
    return code(item.ConceptNameCodeSequence)


def template(item: Dataset) -> str:
    """Identifier of the template that a container follows; empty without one."""
    if "ContentTemplateSequence" not in item:
        return ""
    found = item.ContentTemplateSequence[0]
    assert found.MappingResource == "DCMR"
    return str(found.TemplateIdentifier)
