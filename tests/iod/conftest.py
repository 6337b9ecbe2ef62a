"""One exposure of a generated patient, of which a test changes what it is about."""

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from modality_sdk.dataset import begin_step
from modality_sdk.iod import DxImage
from modality_sdk.model import (
    Acquisition,
    Detector,
    Equipment,
    Patient,
    PerformedProcedureStep,
    PerformedSeries,
    PresentationIntent,
)

STARTED = datetime(2024, 5, 6, 23, 30, 15, tzinfo=timezone(timedelta(hours=2)))
PIXELS = (np.arange(40 * 30, dtype=np.uint16) * 3).reshape(40, 30)


def the_step(**changes: Any) -> PerformedProcedureStep:
    """An unscheduled step."""
    values: dict[str, Any] = {
        "items": (),
        "patient": Patient(name="Generated^Patient", patient_id="G-1", birth_date=date(1970, 1, 2), sex="O"),
        "sop_instance_uid": "2.25.1",
        "study_instance_uid": "2.25.2",
        "performed_procedure_step_id": "1",
        "modality": "DX",
        "performed_station_ae_title": "XRAY1",
        "started": STARTED,
        "equipment": Equipment(manufacturer="Example", manufacturer_model_name="DR-1"),
    }
    return begin_step(**(values | changes))


def the_series(**changes: Any) -> PerformedSeries:
    """A series of DX images for presentation."""
    values: dict[str, Any] = {
        "series_instance_uid": "2.25.3",
        "series_number": 1,
        "modality": "DX",
        "presentation_intent": PresentationIntent.FOR_PRESENTATION,
        "protocol_name": "Standing",
    }
    return PerformedSeries(**(values | changes))


def build_dx(
    pixels: Any = PIXELS,
    *,
    acquisition: dict[str, Any] | None = None,
    detector: dict[str, Any] | None = None,
    **changes: Any,
) -> DxImage:
    """A PA chest, but for the changes."""
    anatomy: dict[str, Any] = {"body_part": "CHEST", "view": "PA"}
    plate: dict[str, Any] = {"imager_pixel_spacing": (0.15, 0.15), "bits_stored": 12}
    values: dict[str, Any] = {
        "step": the_step(),
        "series": the_series(),
        "acquisition": Acquisition(**(anatomy | (acquisition or {}))),
        "detector": Detector(**(plate | (detector or {}))),
        "sop_instance_uid": "2.25.4",
        "instance_number": 1,
        "irradiation_event_uid": "2.25.5",
        "acquired_at": STARTED,
    }
    return DxImage(pixels, **(values | changes))


@pytest.fixture(scope="session")
def build() -> Callable[..., DxImage]:
    """`build_dx`."""
    return build_dx


@pytest.fixture(scope="session")
def series() -> Callable[..., PerformedSeries]:
    """`the_series`."""
    return the_series


@pytest.fixture(scope="session")
def step() -> Callable[..., PerformedProcedureStep]:
    """`the_step`."""
    return the_step
