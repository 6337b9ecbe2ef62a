"""The tree of a dose report as an independent reader understands it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from dose_reader import CASSETTE_BASED, INTEGRATED, Node, read_report
from pydicom import Dataset
from pydicom.sr._concepts_dict import concepts

from modality_sdk.iod import RadiationDoseReport
from modality_sdk.iod.dose.concepts import CONCEPTS, UNITS
from modality_sdk.model import (
    AcquisitionDeviceType,
    Code,
    DoseSource,
    IrradiationEvent,
    ReferencePoint,
    SopReference,
)

pytestmark = pytest.mark.req("IOD-RDSR")

Report = Callable[..., RadiationDoseReport]
Event = Callable[..., IrradiationEvent]

CASSETTE: dict[str, Any] = {"device_type": AcquisitionDeviceType.CASSETTE_BASED}
IMAGE = SopReference(sop_class_uid="1.2.840.10008.5.1.4.1.1.1.1", sop_instance_uid="2.25.40")
NOTHING: dict[str, Any] = {
    "kvp": None,
    "mas": None,
    "tube_current": None,
    "exposure_time": None,
    "distance_source_to_detector": None,
    "exposure_index": None,
    "target_exposure_index": None,
    "deviation_index": None,
    "focal_spot": None,
    "filter_material": "",
    "filter_thickness": None,
    "grid": (),
    "field_height": None,
    "field_width": None,
}


def events_of(report: Dataset) -> list[Node]:
    return read_report(report).all("Irradiation Event X-Ray Data")


def totals_of(report: Dataset) -> Node:
    return read_report(report).all("Accumulated X-Ray Dose Data")[0]


def test_every_number_put_in_is_read_back_in_the_units_of_the_template(report: Report, event: Event) -> None:
    [found] = events_of(report(event(dose_rp=0.0625)))
    numbers = {node.row[4]: node.value for node in found.below if node.row[1] == "NUM"}
    assert numbers == {
        "Dose Area Product": Decimal("0.0000093"),
        "Exposure Index": Decimal("251.5"),
        "Target Exposure Index": Decimal(250),
        "Deviation Index": Decimal(0),
        "Dose (RP)": Decimal("0.0000625"),
        "Number of Pulses": Decimal(1),
        "KVP": Decimal(125),
        "X-Ray Tube Current": Decimal(320),
        "Exposure Time": Decimal("6.875"),
        "Exposure": Decimal(2200),
        "Focal Spot Size": Decimal("0.6"),
        "Collimated Field Area": Decimal("0.1505"),
        "Collimated Field Height": Decimal(350),
        "Collimated Field Width": Decimal(430),
        "Distance Source to Reference Point": Decimal(1500),
        "Distance Source to Detector": Decimal(1800),
    }
    [filters] = found.all("X-Ray Filters")
    assert filters["X-Ray Filter Thickness Minimum"] == filters["X-Ray Filter Thickness Maximum"] == Decimal("0.1")
    assert filters["X-Ray Filter Material"] == ("105837005", "SCT", "Copper or Copper compound")


def test_an_event_says_when_what_and_how(report: Report, event: Event) -> None:
    hand = event(acquisition={"body_part": "HAND", "laterality": "L", "protocol_name": "Hand PA"}, comment="Retake")
    [found] = events_of(report(hand))
    assert found["Irradiation Event UID"] == hand.uid
    assert found["DateTime Started"] == "20240506233115+0200"
    assert found["Irradiation Event Type"] == ("113611", "DCM", "Stationary Acquisition")
    assert found["Acquisition Plane"] == ("113622", "DCM", "Single Plane")
    assert found["Acquisition Protocol"] == "Hand PA"
    assert found["Target Region"] == found["Anatomical structure"] == ("85562004", "SCT", "Hand")
    assert found.all("Anatomical structure")[0]["Laterality"] == ("7771000", "SCT", "Left")
    assert found["Image View"] == ("272479007", "SCT", "postero-anterior")
    assert found["Comment"] == "Retake"
    assert found["Person Name"] == "Operator^Olga"
    assert [node.value for node in found.all("X-Ray Grid")] == [
        ("111641", "DCM", "Fixed grid"),
        ("111642", "DCM", "Focused grid"),
    ]


def test_an_unpaired_body_part_has_no_side(report: Report, event: Event) -> None:
    [found] = events_of(report(event(acquisition={"laterality": "U"})))
    assert found.all("Anatomical structure")[0]["Laterality"] is None


def test_the_root_says_who_reports_what(report: Report, event: Event) -> None:
    root = read_report(report(event(), event(2), comment="All well", authorizing_person="Physician^Phil"))
    assert root["Procedure reported"] == ("113704", "DCM", "Projection X-Ray")
    assert root.all("Procedure reported")[0]["Has Intent"] == ("261004008", "SCT", "Diagnostic Intent")
    assert root["Observer Type"] == ("121007", "DCM", "Device")
    assert root["Device Observer UID"] == "2.25.77"
    assert root["Device Observer Manufacturer"] == "Example"
    assert root["Device Observer Model Name"] == "DR-1"
    assert root["Device Observer Serial Number"] == "0001"
    assert ("113859", "DCM", "Irradiating Device") in [n.value for n in root.all("Device Role in Procedure")]
    assert root["Scope of Accumulation"] == ("113016", "DCM", "Performed Procedure Step")
    scope = root.all("Scope of Accumulation")[0]
    assert scope["Performed Procedure Step SOP Instance UID"] == "2.25.1"
    assert root["Comment"] == "All well"
    assert root["Person Name"] == "Physician^Phil"
    assert root["Language of Content Item and Descendants"] == ("en", "RFC5646", "English")


def test_the_language_is_the_one_of_the_device(report: Report) -> None:
    german = {"language": Code(value="de", scheme="RFC5646", meaning="German")}
    root = read_report(report(reporting=german))
    assert root["Language of Content Item and Descendants"] == ("de", "RFC5646", "German")


def test_an_integrated_system_reports_totals(report: Report, event: Event) -> None:
    built = report(event(dose_area_product=0.1, dose_rp=0.1), event(2, dose_area_product=0.2, dose_rp=0.2))
    assert read_report(built)["Acquisition Device Type"] == INTEGRATED
    totals = totals_of(built)
    assert totals["Dose Area Product Total"] == Decimal("0.000003")
    assert totals["Dose (RP) Total"] == Decimal("0.0003")
    assert totals["Total Number of Radiographic Frames"] == 2
    assert totals["Distance Source to Reference Point"] == 1500


def test_a_distance_that_differs_between_exposures_is_no_total(report: Report, event: Event) -> None:
    totals = totals_of(report(event(), event(2, distance_source_to_detector=1150)))
    assert totals["Distance Source to Reference Point"] is None


@pytest.mark.parametrize(
    ("detector_type", "meaning"),
    [
        ("STORAGE", "Storage Detector"),
        ("DIRECT", "Direct Detector"),
        ("SCINTILLATOR", "Indirect Detector"),
        ("FILM", "Film"),
    ],
)
def test_a_cassette_based_system_reports_detector_and_frames(report: Report, detector_type: str, meaning: str) -> None:
    built = report(reporting=CASSETTE | {"detector_type": detector_type})
    assert read_report(built)["Acquisition Device Type"] == CASSETTE_BASED
    totals = totals_of(built)
    assert totals["Detector Type"][2] == meaning
    assert totals["Total Number of Radiographic Frames"] == 1
    assert totals["Dose Area Product Total"] is None


def test_a_shot_without_an_image_counts(report: Report, event: Event) -> None:
    built = report(event(image=IMAGE), event(2, comment="Rejected"), image_series={IMAGE.sop_instance_uid: "2.25.30"})
    first, second = events_of(built)
    assert first["Acquired Image"] == (IMAGE.sop_class_uid, IMAGE.sop_instance_uid)
    assert second["Acquired Image"] is None
    assert totals_of(built)["Total Number of Radiographic Frames"] == 2
    assert totals_of(built)["Dose Area Product Total"] == 2 * first["Dose Area Product"]


@pytest.mark.parametrize("point", ReferencePoint)
def test_events_and_total_name_the_same_reference_point(report: Report, event: Event, point: ReferencePoint) -> None:
    built = report(event(dose_rp=0.06), reporting={"reference_point": point})
    definitions = {events_of(built)[0]["Reference Point Definition"], totals_of(built)["Reference Point Definition"]}
    assert {code[0] for code in definitions} == {point.value}


def test_a_computed_dose_is_marked_so(report: Report, event: Event) -> None:
    def sources(*events: IrradiationEvent, **changes: Any) -> list[str]:
        nodes = read_report(report(*events, **changes)).all("Source of Dose Information")
        return [node.value[2] for node in nodes]

    assert sources(event(dose_rp=0.06)) == ["Automated Data Collection"]
    assert sources(event(), event(2)) == ["Automated Data Collection", "System Calculated"]
    calculated = {"sources": (DoseSource.SYSTEM_CALCULATED, DoseSource.DOSIMETER)}
    assert sources(event(), reporting=calculated) == ["System Calculated", "Dosimeter"]


@pytest.mark.parametrize(
    ("changes", "available"),
    [
        ({}, ("Yes", "Yes", "Yes")),
        (NOTHING, ("No", "No", "No")),
        (NOTHING | {"exposure_index": 250, "target_exposure_index": 250, "deviation_index": 0}, ("Yes", "No", "No")),
        (NOTHING | {"distance_source_to_detector": 1000}, ("No", "No", "Yes")),
        (NOTHING | {"mas": 1, "dose_rp": 0.1}, ("No", "Yes", "No")),
    ],
)
def test_what_is_available_is_what_the_events_hold(
    report: Report, event: Event, changes: dict[str, Any], available: tuple[str, str, str]
) -> None:
    root = read_report(report(event(**changes), reporting=CASSETTE))
    told = tuple(root[f"X-Ray {part} Data Available"][2] for part in ("Detector", "Source", "Mechanical"))
    assert told == available


@pytest.mark.parametrize(
    "changes",
    [
        {"mas": None},
        {"tube_current": None, "exposure_time": None},
        {"tube_current": None},
        {"kvp": None, "focal_spot": None, "grid": (), "filter_material": "", "filter_thickness": None},
        {"filter_material": "WOOD"},
        {"filter_material": "WOOD", "filter_thickness": None},
        {"filter_thickness": None},
        {"grid": ("NONE",)},
        {"grid": ("HOMEMADE",)},
        {"deviation_index": -1.5, "exposure_index": None, "target_exposure_index": None},
        {"field_height": None, "dose_rp": 0.1},
        {"dose_area_product": 0, "dose_rp": 0},
    ],
)
def test_technique_that_is_known_in_part_fills_the_template(
    report: Report, event: Event, changes: dict[str, Any]
) -> None:
    assert events_of(report(event(**changes)))[0]["Number of Pulses"] == 1


@pytest.mark.parametrize("material", ["ALUMINUM", "COPPER", "LEAD", "TIN"])
def test_filters_have_a_code(report: Report, event: Event, material: str) -> None:
    [filters] = events_of(report(event(filter_material=material)))[0].all("X-Ray Filters")
    assert filters["X-Ray Filter Material"][2].upper().startswith(material)


def test_relationships_and_value_types_are_those_of_the_iod(report: Report, event: Event) -> None:
    anything = {"TEXT", "CODE", "NUM", "DATETIME", "UIDREF", "PNAME", "IMAGE", "CONTAINER", "COMPOSITE"}
    allowed = {
        ("CONTAINER", "CONTAINS"): anything,
        ("CONTAINER", "HAS OBS CONTEXT"): {"DATETIME", "CODE", "TEXT", "UIDREF", "PNAME"},
        ("PNAME", "HAS PROPERTIES"): {"TEXT", "CODE", "DATETIME", "UIDREF", "PNAME"},
        ("CODE", "HAS PROPERTIES"): anything,
        **{(value_type, "HAS CONCEPT MOD"): {"TEXT", "CODE"} for value_type in anything},
    }

    def check(item: Dataset) -> None:
        for below in item.get("ContentSequence", []):
            assert below.ValueType in allowed[item.ValueType, below.RelationshipType]
            check(below)

    check(report(event(image=IMAGE), image_series={IMAGE.sop_instance_uid: "2.25.30"}, authorizing_person="A^B"))


def test_meanings_of_the_dcm_scheme_are_those_of_ps3_16() -> None:
    meanings = {code: meaning for entry in concepts["DCM"].values() for code, (meaning, _) in entry.items()}
    own = {code.value: code.meaning for code in CONCEPTS.values() if code.scheme == "DCM"}
    assert own == {value: meanings[value] for value in own}


def test_units_are_their_own_meaning() -> None:
    assert UNITS["1"].meaning == "no units"
    assert all(unit.meaning == unit.value for unit in UNITS.values() if unit.value != "1")
