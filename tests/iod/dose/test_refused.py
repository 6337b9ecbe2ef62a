"""What a dose report refuses, and what it may leave out when it says so."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

import pytest
from pydicom import Dataset

from modality_sdk.errors import InvalidValue, IodError, MissingAttribute
from modality_sdk.iod import RadiationDoseReport, TemplateDeviation, check_irradiation_event
from modality_sdk.model import (
    AcquisitionDeviceType,
    DoseReporting,
    Equipment,
    Exposure,
    IrradiationEvent,
    PerformedProcedureStep,
    PerformedSeries,
    SopReference,
    Synchronization,
)

pytestmark = pytest.mark.req("IOD-RDSR")

Report = Callable[..., RadiationDoseReport]
Event = Callable[..., IrradiationEvent]
Step = Callable[..., PerformedProcedureStep]

CASSETTE: dict[str, Any] = {"device_type": AcquisitionDeviceType.CASSETTE_BASED}
NO_DOSE: dict[str, Any] = {"field_height": None, "field_width": None}


def meanings(item: Dataset) -> list[str]:
    """Concept names of everything below, in order."""
    found = []
    for below in item.get("ContentSequence", []):
        found += [below.ConceptNameCodeSequence[0].CodeMeaning, *meanings(below)]
    return found


@pytest.mark.parametrize(
    ("changes", "attribute"),
    [
        ({"dose_area_product": -0.1}, "ImageAndFluoroscopyAreaDoseProduct"),
        ({"dose_area_product": float("nan")}, "ImageAndFluoroscopyAreaDoseProduct"),
        ({"dose_area_product": "0.93"}, "ImageAndFluoroscopyAreaDoseProduct"),
        ({"dose_area_product": 1e12}, "ImageAndFluoroscopyAreaDoseProduct"),
        ({"dose_rp": -1}, "DoseRP"),
        ({"mas": 0}, "ExposureInuAs"),
        ({"kvp": -70}, "KVP"),
        ({"kvp": True}, "KVP"),
        ({"tube_current": float("inf")}, "XRayTubeCurrentInuA"),
        ({"exposure_time": 0}, "ExposureTimeInuS"),
        ({"distance_source_to_detector": 0}, "DistanceSourceToDetector"),
        ({"field_width": -1}, "ExposedArea"),
        ({"exposure_index": -1}, "ExposureIndex"),
        ({"deviation_index": float("nan")}, "DeviationIndex"),
        ({"grid": "FIXED"}, "Grid"),
        ({"filter_material": None}, "FilterMaterial"),
        ({"acquisition": {"body_part": "WING"}}, "BodyPartExamined"),
        ({"acquisition": {"view": "UPSIDE DOWN"}}, "ViewPosition"),
        ({"acquisition": {"view": ["PA"]}}, "ViewPosition"),
        ({"acquisition": {"laterality": "X"}}, "ImageLaterality"),
        ({"acquisition": {"exposure": 5}}, "acquisition"),
        ({"acquisition": {"protocol_name": "a\x07b"}}, "TextValue"),
        ({"comment": "a\x00b"}, "TextValue"),
        ({"uid": "1.02"}, "UID"),
        ({"uid": ""}, "UID"),
        ({"uid": None}, "UID"),
        ({"started": datetime(2024, 5, 6)}, "DateTime"),  # noqa: DTZ001
        ({"started": "20240506"}, "DateTime"),
        ({"image": "2.25.40"}, "ReferencedSOPInstanceUID"),
        ({"image": SopReference(sop_class_uid="1.2", sop_instance_uid="2.25.99")}, "ReferencedSOPInstanceUID"),
    ],
)
def test_events_that_no_report_can_hold(report: Report, event: Event, changes: dict[str, Any], attribute: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        report(event(), event(2, **changes))
    assert caught.value.attribute == attribute


def test_a_wrong_value_can_be_refused_when_it_is_recorded(event: Event) -> None:
    with pytest.raises(InvalidValue):
        check_irradiation_event(event(acquisition={"view": "UPSIDE DOWN"}))
    with pytest.raises(MissingAttribute):
        check_irradiation_event(event(acquisition={"body_part": ""}))
    check_irradiation_event(event(acquisition={"exposure": None}))


@pytest.mark.parametrize(
    ("changes", "attribute"),
    [
        ({"dose_area_product": None}, "Dose Area Product"),
        ({"mas": None, "tube_current": None}, "Exposure"),
        ({"mas": None, "exposure_time": None}, "Exposure"),
        (NO_DOSE, "Dose (RP)"),
        ({"distance_source_to_detector": None}, "Dose (RP)"),
        ({"acquisition": {"body_part": ""}}, "BodyPartExamined"),
        ({"acquisition": {"exposure": None}}, "Dose Area Product"),
    ],
)
def test_events_that_lack_what_is_mandatory(
    report: Report, event: Event, changes: dict[str, Any], attribute: str
) -> None:
    with pytest.raises(MissingAttribute) as caught:
        report(event(), event(2, **changes))
    # the totals are built first
    assert caught.value.attribute.removesuffix(" Total") == attribute


JUNK: list[Any] = [
    None, object(), "", "125", "x", b"x", 0, -1, 1e308, 10**400, float("nan"), float("inf"), True, (), (5,), [1, 2],
    (None, "F"), ("a", "b"), ((None, 1),), {"a": 1}, {1, 2},
]  # fmt: skip


def outcome(build: Callable[[], object]) -> str:
    """The attribute that an error of ours names; empty without one."""
    try:
        build()
    except IodError as error:
        return error.attribute
    return ""


@pytest.mark.parametrize("field", [field.name for field in fields(Exposure)])
def test_no_value_of_an_exposure_raises_anything_foreign(event: Event, report: Report, field: str) -> None:
    outcomes = {outcome(lambda junk=junk: report(event(**{field: junk}))) for junk in JUNK}  # type: ignore[misc]
    # a report says nothing of the patient's distance
    assert any(outcomes) or field == "distance_source_to_patient"


@pytest.mark.parametrize("field", ["body_part", "view", "laterality", "exposure", "protocol_name"])
def test_no_value_of_an_acquisition_raises_anything_foreign(event: Event, report: Report, field: str) -> None:
    outcomes = {outcome(lambda junk=junk: report(event(acquisition={field: junk}))) for junk in JUNK}  # type: ignore[misc]
    assert any(outcomes)


@pytest.mark.parametrize("field", [field.name for field in fields(IrradiationEvent)])
def test_no_value_of_an_event_raises_anything_foreign(event: Event, report: Report, field: str) -> None:
    outcomes = {outcome(lambda junk=junk: report(replace(event(), **{field: junk}))) for junk in JUNK}  # type: ignore[misc]
    assert any(outcomes)


@pytest.mark.parametrize("field", [field.name for field in fields(DoseReporting)])
def test_no_value_of_a_device_raises_anything_foreign(report: Report, field: str) -> None:
    reporting = CASSETTE if field == "detector_type" else {}
    outcomes = {outcome(lambda junk=junk: report(reporting=reporting | {field: junk})) for junk in JUNK}  # type: ignore[misc]
    assert any(outcomes)


@pytest.mark.parametrize("field", [field.name for field in fields(Synchronization)])
def test_no_value_of_a_clock_raises_anything_foreign(report: Report, field: str) -> None:
    clock = Synchronization(frame_of_reference_uid="2.25.8")
    outcomes = {
        outcome(lambda junk=junk: report(reporting={"synchronization": replace(clock, **{field: junk})}))  # type: ignore[misc]
        for junk in JUNK
    }
    assert any(outcomes) or field == "acquisition_time_synchronized"


@pytest.mark.parametrize("argument", ["events", "image_series", "comment", "authorizing_person", "instance_number"])
def test_no_argument_raises_anything_foreign(report: Report, event: Event, argument: str) -> None:
    taken = event(image=SopReference(sop_class_uid="1.2", sop_instance_uid="2.25.99"))
    values = {"events": (taken,), "image_series": {"2.25.99": "2.25.3"}}
    outcomes = {outcome(lambda junk=junk: report(**(values | {argument: junk}))) for junk in JUNK}  # type: ignore[misc]
    assert any(outcomes)


def test_an_error_says_what_would_be_needed(report: Report, event: Event) -> None:
    with pytest.raises(MissingAttribute, match=r"ExposedArea \(field_height and field_width\)"):
        report(event(**NO_DOSE))
    with pytest.raises(MissingAttribute, match="DistanceSourceToDetector"):
        report(event(distance_source_to_detector=None))
    with pytest.raises(MissingAttribute, match="cannot be computed at this reference point"):
        report(event(distance_source_to_detector=250))


def test_no_error_repeats_free_text(report: Report, event: Event) -> None:
    with pytest.raises(InvalidValue) as caught:
        report(event(comment="Generated Patient\x07"))
    assert "Generated" not in str(caught.value)


def test_a_report_without_a_name(report: Report) -> None:
    with pytest.raises(MissingAttribute) as caught:
        report(sop_instance_uid="")
    assert caught.value.attribute == "SOPInstanceUID"


def test_no_events(report: Report) -> None:
    with pytest.raises(MissingAttribute) as caught:
        report(events=())
    assert caught.value.attribute == "events"


def test_the_same_event_twice(report: Report, event: Event) -> None:
    with pytest.raises(InvalidValue) as caught:
        report(event(), event())
    assert caught.value.attribute == "UID"


def test_what_is_no_event(report: Report) -> None:
    with pytest.raises(InvalidValue) as caught:
        report("exposure")
    assert caught.value.attribute == "events"


@pytest.mark.parametrize(
    ("field", "empty", "attribute", "setting"),
    [
        ("manufacturer", "", "Manufacturer", "manufacturer"),
        ("manufacturer_model_name", "", "ManufacturerModelName", "model"),
        ("device_serial_number", "", "DeviceSerialNumber", "serial_number"),
        ("software_versions", (), "SoftwareVersions", "software_versions"),
    ],
)
def test_a_device_that_is_not_described(
    report: Report, dose_step: Step, field: str, empty: Any, attribute: str, setting: str
) -> None:
    step = dose_step()
    equipment: Equipment = replace(step.equipment, **{field: empty})
    with pytest.raises(MissingAttribute, match=f"set `{setting}`") as caught:
        report(step=replace(step, equipment=equipment))
    assert caught.value.attribute == attribute


@pytest.mark.parametrize(
    ("reporting", "attribute"),
    [
        ({"device_observer_uid": ""}, "device_observer_uid"),
        ({"device_observer_uid": "1..2"}, "UID"),
        ({"device_type": "113957"}, "device_type"),
        ({"reference_point": "113861"}, "reference_point"),
        ({"sources": ()}, "sources"),
        ({"sources": ("113858",)}, "sources"),
        (CASSETTE | {"detector_type": "GLASS"}, "DetectorType"),
        ({"synchronization": Synchronization(frame_of_reference_uid="")}, "SynchronizationFrameOfReferenceUID"),
        ({"synchronization": Synchronization(frame_of_reference_uid="x")}, "SynchronizationFrameOfReferenceUID"),
        (
            {"synchronization": Synchronization(frame_of_reference_uid="2.25.8", trigger="BELL")},
            "SynchronizationTrigger",
        ),
    ],
)
def test_a_device_that_reports_wrongly(report: Report, reporting: dict[str, Any], attribute: str) -> None:
    with pytest.raises(IodError) as caught:
        report(reporting=reporting)
    assert caught.value.attribute == attribute


@pytest.mark.parametrize(
    ("changes", "attribute"),
    [
        ({"sop_instance_uid": "2.25.x"}, "SOPInstanceUID"),
        ({"instance_number": None}, "InstanceNumber"),
        ({"created_at": "20240506"}, "created_at"),
        ({"created_at": datetime(2024, 5, 6)}, "TimezoneOffsetFromUTC"),  # noqa: DTZ001
        ({"comment": "\x1b"}, "TextValue"),
        ({"authorizing_person": "A\\B"}, "PersonName"),
        (
            {"series": PerformedSeries(series_instance_uid="2.25.3", series_number=1, modality="DX", protocol_name="")},
            "Modality",
        ),
    ],
)
def test_values_of_the_report_itself(report: Report, changes: dict[str, Any], attribute: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        report(**changes)
    assert caught.value.attribute == attribute


def test_a_dose_that_nobody_knows_is_left_out_and_reported(report: Report, event: Event) -> None:
    built = report(event(), event(2, **NO_DOSE), allow_template_deviation=True)
    found = {(d.template, d.concept, d.irradiation_event_uid) for d in built.deviations}
    assert found == {("10007", "Dose (RP) Total", ""), ("10003B", "Dose (RP)", "2.25.5002")}
    assert all("ExposedArea" in deviation.missing for deviation in built.deviations)
    names = meanings(built)
    assert "Dose (RP) Total" not in names  # a sum without one exposure is no total
    assert names.count("Dose (RP)") == 1
    assert names.count("Dose Area Product") == 2


def test_a_product_that_nobody_measured_is_left_out_and_reported(report: Report, event: Event) -> None:
    bare = event(dose_area_product=None, mas=None, tube_current=None)
    built = report(bare, reporting=CASSETTE, allow_template_deviation=True)
    assert [(d.template, d.concept) for d in built.deviations] == [
        ("10003", "Dose Area Product"),
        ("10003B", "Dose (RP)"),
        ("10003B", "Exposure"),
    ]
    assert "Dose Area Product" not in meanings(built)


def test_nothing_is_reported_where_nothing_is_missing(report: Report) -> None:
    assert report(allow_template_deviation=True).deviations == ()


def test_deviations_do_not_excuse_wrong_values(report: Report, event: Event) -> None:
    with pytest.raises(InvalidValue):
        report(event(dose_area_product=-1), allow_template_deviation=True)


def test_a_finding_is_a_value() -> None:
    finding = TemplateDeviation(template="10003B", concept="Dose (RP)", missing="dose_rp")
    assert finding == replace(finding)
    assert finding.irradiation_event_uid == ""
