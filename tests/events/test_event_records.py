"""The events themselves."""

from dataclasses import FrozenInstanceError, fields, is_dataclass
from datetime import UTC, datetime

import pytest

from modality_sdk import events
from modality_sdk.events import Event, ImageStored
from modality_sdk.model import SopReference

RECORDS = [getattr(events, name) for name in events.__all__ if name not in ("Dispatcher", "Subscription")]


@pytest.mark.req("FR-DICOM-01")
@pytest.mark.parametrize("record", RECORDS)
def test_an_event_is_a_frozen_value_with_its_time(record: type[Event]) -> None:
    assert is_dataclass(record)
    assert issubclass(record, Event)
    assert record.__dataclass_params__.frozen
    assert fields(record)[0].name == "at"


@pytest.mark.req("NFR-SEC-01")
@pytest.mark.parametrize("record", RECORDS)
def test_no_event_has_room_for_a_patient(record: type[Event]) -> None:
    assert not any(word in field.name for field in fields(record) for word in ("patient", "name", "accession", "item"))


@pytest.mark.req("FR-DICOM-01")
def test_an_event_cannot_be_changed() -> None:
    sop = SopReference(sop_class_uid="1.2", sop_instance_uid="1.3")
    event = ImageStored(at=datetime(2024, 5, 17, tzinfo=UTC), step_uid="1.4", sop=sop, destination="pacs")
    with pytest.raises(FrozenInstanceError):
        event.destination = "other"  # type: ignore[misc]
