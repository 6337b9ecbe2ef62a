"""Reports of a generated patient, of which a test changes what it is about."""

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from modality_sdk.dataset import begin_step
from modality_sdk.iod import RadiationDoseReport
from modality_sdk.model import (
    Acquisition,
    DoseReporting,
    Equipment,
    Exposure,
    IrradiationEvent,
    Patient,
    PerformedProcedureStep,
    PerformedSeries,
)

STARTED = datetime(2024, 5, 6, 23, 30, 15, tzinfo=timezone(timedelta(hours=2)))
FULL: dict[str, Any] = {
    "kvp": 125,
    "mas": 2.2,
    "tube_current": 320,
    "exposure_time": 6.875,
    "distance_source_to_detector": 1800,
    "dose_area_product": 0.93,
    "exposure_index": 251.5,
    "target_exposure_index": 250,
    "deviation_index": 0.0,
    "focal_spot": 0.6,
    "filter_material": "COPPER",
    "filter_thickness": 0.1,
    "grid": ("FIXED", "FOCUSED"),
    "field_height": 350,
    "field_width": 430,
}


def the_event(number: int = 1, *, acquisition: dict[str, Any] | None = None, **changes: Any) -> IrradiationEvent:
    """A PA chest of which everything is known, but for the changes, which are those of the exposure."""
    of_event = {name: changes.pop(name) for name in ("uid", "started", "image", "comment") if name in changes}
    anatomy: dict[str, Any] = {"body_part": "CHEST", "view": "PA", "exposure": Exposure(**(FULL | changes))}
    values: dict[str, Any] = {
        "uid": f"2.25.500{number}",
        "started": STARTED + timedelta(minutes=number),
        "acquisition": Acquisition(**(anatomy | (acquisition or {}))),
    }
    return IrradiationEvent(**(values | of_event))


def the_step(**changes: Any) -> PerformedProcedureStep:
    """An unscheduled step on a device that is configured for dose reports."""
    values: dict[str, Any] = {
        "items": (),
        "patient": Patient(name="Generated^Patient", patient_id="G-1", birth_date=date(1970, 1, 2), sex="O"),
        "sop_instance_uid": "2.25.1",
        "study_instance_uid": "2.25.2",
        "performed_procedure_step_id": "1",
        "modality": "DX",
        "performed_station_ae_title": "XRAY1",
        "started": STARTED,
        "operators": ("Operator^Olga",),
        "equipment": Equipment(
            manufacturer="Example",
            manufacturer_model_name="DR-1",
            device_serial_number="0001",
            software_versions=("1.0",),
        ),
    }
    return begin_step(**(values | changes))


def build_report(*events: IrradiationEvent, reporting: dict[str, Any] | None = None, **changes: Any) -> Any:
    """A report of `the_event`, or of others."""
    values: dict[str, Any] = {
        "step": the_step(),
        "series": PerformedSeries(series_instance_uid="2.25.3", series_number=9, modality="SR", protocol_name="Dose"),
        "reporting": DoseReporting(**({"device_observer_uid": "2.25.77"} | (reporting or {}))),
        "sop_instance_uid": "2.25.4",
        "instance_number": 1,
        "created_at": STARTED + timedelta(hours=1),
        "image_series": {},
        "events": events or (the_event(),),
    }
    return RadiationDoseReport(**(values | changes))


@pytest.fixture(scope="session")
def report() -> Callable[..., RadiationDoseReport]:
    """`build_report`."""
    return build_report


@pytest.fixture(scope="session")
def event() -> Callable[..., IrradiationEvent]:
    """`the_event`."""
    return the_event


@pytest.fixture(scope="session")
def dose_step() -> Callable[..., PerformedProcedureStep]:
    """`the_step`."""
    return the_step
