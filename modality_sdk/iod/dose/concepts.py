"""The vocabulary of the dose report: concept names, values and units with their meanings as in PS3.16. Data.

Dose-management systems find content items by the meaning, case-sensitive, so the meaning is the key here too.
"""

from collections.abc import Mapping
from typing import Final

from modality_sdk.model import Code

__all__ = ["CONCEPTS", "DETECTOR_TYPES", "FILTER_MATERIALS", "GRIDS", "LATERALITIES", "UNITS", "by_value", "concept"]

_DCM: Final = {
    "111031": "Image View",
    "111032": "Image View Modifier",
    "111526": "DateTime Started",
    "111635": "X-Ray Grid",
    "111641": "Fixed grid",
    "111642": "Focused grid",
    "111643": "Reciprocating grid",
    "111644": "Parallel grid",
    "111645": "Crossed grid",
    "111646": "No grid",
    "113016": "Performed Procedure Step",
    "113611": "Stationary Acquisition",
    "113622": "Single Plane",
    "113653": "Flat filter",
    "113701": "X-Ray Radiation Dose Report",
    "113702": "Accumulated X-Ray Dose Data",
    "113704": "Projection X-Ray",
    "113705": "Scope of Accumulation",
    "113706": "Irradiation Event X-Ray Data",
    "113721": "Irradiation Event Type",
    "113722": "Dose Area Product Total",
    "113725": "Dose (RP) Total",
    "113731": "Total Number of Radiographic Frames",
    "113733": "KVP",
    "113734": "X-Ray Tube Current",
    "113736": "Exposure",
    "113737": "Distance Source to Reference Point",
    "113738": "Dose (RP)",
    "113750": "Distance Source to Detector",
    "113757": "X-Ray Filter Material",
    "113758": "X-Ray Filter Thickness Minimum",
    "113764": "Acquisition Plane",
    "113766": "Focal Spot Size",
    "113768": "Number of Pulses",
    "113769": "Irradiation Event UID",
    "113771": "X-Ray Filters",
    "113772": "X-Ray Filter Type",
    "113773": "X-Ray Filter Thickness Maximum",
    "113780": "Reference Point Definition",
    "113788": "Collimated Field Height",
    "113789": "Collimated Field Width",
    "113790": "Collimated Field Area",
    "113795": "Acquired Image",
    "113824": "Exposure Time",
    "113845": "Exposure Index",
    "113846": "Target Exposure Index",
    "113847": "Deviation Index",
    "113850": "Irradiation Authorizing",
    "113851": "Irradiation Administering",
    "113854": "Source of Dose Information",
    "113856": "Automated Data Collection",
    "113857": "Manual Entry",
    "113859": "Irradiating Device",
    "113860": "15cm from Isocenter toward Source",
    "113861": "30cm in Front of Image Input Surface",
    "113862": "1cm above Tabletop",
    "113863": "30cm above Tabletop",
    "113864": "15cm from Table Centerline",
    "113870": "Person Name",
    "113875": "Person Role in Procedure",
    "113876": "Device Role in Procedure",
    "113940": "System Calculated",
    "113941": "In Detector Plane",
    "113943": "X-Ray Source Data Available",
    "113944": "X-Ray Mechanical Data Available",
    "113945": "X-Ray Detector Data Available",
    "113947": "Detector Type",
    "113948": "Direct Detector",
    "113949": "Indirect Detector",
    "113950": "Storage Detector",
    "113951": "Film",
    "113958": "Integrated Projection Radiography System",
    "113959": "Cassette-based Projection Radiography System",
    "113964": "At Surface of Patient",
    "113965": "100cm from X-Ray Source",
    "121005": "Observer Type",
    "121007": "Device",
    "121012": "Device Observer UID",
    "121013": "Device Observer Name",
    "121014": "Device Observer Manufacturer",
    "121015": "Device Observer Model Name",
    "121016": "Device Observer Serial Number",
    "121017": "Device Observer Physical Location During Observation",
    "121049": "Language of Content Item and Descendants",
    "121058": "Procedure reported",
    "121097": "Recording",
    "121106": "Comment",
    "121126": "Performed Procedure Step SOP Instance UID",
    "122130": "Dose Area Product",
    "122142": "Acquisition Device Type",
    "123014": "Target Region",
    "125203": "Acquisition Protocol",
}
_SCT: Final = {
    "7771000": "Left",
    "15869005": "Dosimeter",
    "24028007": "Right",
    "51440002": "Bilateral",
    "91723000": "Anatomical structure",
    "105830007": "Aluminum or Aluminum compound",
    "105837005": "Copper or Copper compound",
    "105842002": "Lead or Lead compound",
    "105849006": "Tin or Tin compound",
    "261004008": "Diagnostic Intent",
    "272741003": "Laterality",
    "363703001": "Has Intent",
    "373066001": "Yes",
    "373067005": "No",
}

CONCEPTS: Final[Mapping[str, Code]] = {
    meaning: Code(value=value, scheme=scheme, meaning=meaning)
    for scheme, concepts in (("DCM", _DCM), ("SCT", _SCT))
    for value, meaning in concepts.items()
}
"""Every concept of the tree, by its meaning."""

_BY_VALUE: Final = {code.value: code for code in CONCEPTS.values()}

UNITS: Final[Mapping[str, Code]] = {
    unit: Code(value=unit, scheme="UCUM", meaning="no units" if unit == "1" else unit)
    for unit in ("1", "Gy", "Gy.m2", "kV", "m2", "mA", "mm", "ms", "uA.s")
}
"""Units, by their UCUM code."""

GRIDS: Final[Mapping[str, str]] = {
    "FIXED": "Fixed grid",
    "FOCUSED": "Focused grid",
    "RECIPROCATING": "Reciprocating grid",
    "PARALLEL": "Parallel grid",
    "CROSSED": "Crossed grid",
    "NONE": "No grid",
}
"""Values of Grid, (0018,1166), to CID 10017."""

FILTER_MATERIALS: Final[Mapping[str, str]] = {
    "ALUMINUM": "Aluminum or Aluminum compound",
    "COPPER": "Copper or Copper compound",
    "LEAD": "Lead or Lead compound",
    "TIN": "Tin or Tin compound",
}
"""Values of Filter Material, (0018,7050), to CID 10006."""

DETECTOR_TYPES: Final[Mapping[str, str]] = {
    "DIRECT": "Direct Detector",
    "SCINTILLATOR": "Indirect Detector",
    "STORAGE": "Storage Detector",
    "FILM": "Film",
}
"""Values of Detector Type, (0018,7004), to CID 10030."""

LATERALITIES: Final[Mapping[str, str]] = {"R": "Right", "L": "Left", "B": "Bilateral"}
"""Values of Image Laterality, (0020,0062), to CID 244; an unpaired body part has none."""


def concept(meaning: str) -> Code:
    """The concept with that meaning."""
    return CONCEPTS[meaning]


def by_value(value: str) -> Code:
    """The concept with that code value, which an enumeration of `modality_sdk.model` holds."""
    return _BY_VALUE[value]
