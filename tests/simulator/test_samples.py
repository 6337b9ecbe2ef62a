"""The made-up day."""

import datetime as dt
from io import BytesIO

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID

from modality_sdk.simulator import sample_worklist
from modality_sdk.simulator.worklist import unsupported_keys

pytestmark = pytest.mark.req("X-SIM")

_TODAY = dt.date(2026, 12, 31)


@pytest.fixture
def items() -> list[Dataset]:
    return sample_worklist(today=_TODAY, station_ae_title="XRAY1")


def test_the_day_holds_what_makes_a_worklist_hard(items: list[Dataset]) -> None:
    steps = [item.ScheduledProcedureStepSequence[0] for item in items]
    sets = {tuple(item["SpecificCharacterSet"].value) if item["SpecificCharacterSet"].VM > 1
            else (item.SpecificCharacterSet,) for item in items}  # fmt: skip
    assert sets == {("ISO_IR 100",), ("ISO_IR 126",), ("", "ISO 2022 IR 87"), ("ISO_IR 192",)}
    assert {step.ScheduledProcedureStepStartDate for step in steps} == {"20261231", "20270101"}
    assert {step.Modality for step in steps} == {"DX", "CT"}
    assert {step.ScheduledStationAETitle for step in steps if step.Modality == "DX"} == {"XRAY1"}
    assert any(str(item.PatientName).count("=") == 2 for item in items)


def test_one_order_has_two_steps_of_one_requested_procedure(items: list[Dataset]) -> None:
    groups: dict[str, set[str]] = {}
    for item in items:
        step = item.ScheduledProcedureStepSequence[0]
        groups.setdefault(item.StudyInstanceUID, set()).add(step.ScheduledProcedureStepID)
    assert sorted(len(group) for group in groups.values()) == [1, 1, 1, 1, 1, 1, 2]


def test_every_item_has_the_type_1_attributes_and_legal_uids(items: list[Dataset]) -> None:
    for item in items:
        step = item.ScheduledProcedureStepSequence[0]
        for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "RequestedProcedureID"):
            assert item[keyword].value
        for keyword in (
            "ScheduledStationAETitle",
            "ScheduledProcedureStepStartDate",
            "ScheduledProcedureStepStartTime",
            "Modality",
            "ScheduledProcedureStepID",
        ):
            assert step[keyword].value
        assert UID(item.StudyInstanceUID).is_valid
        assert not unsupported_keys(item)


def test_every_item_survives_its_own_character_set(items: list[Dataset]) -> None:
    for item in items:
        buffer = BytesIO()
        item.save_as(buffer, implicit_vr=False, little_endian=True)
        buffer.seek(0)
        assert dcmread(buffer, force=True) == item


def test_the_same_day_gives_the_same_worklist(items: list[Dataset]) -> None:
    assert sample_worklist(today=_TODAY, station_ae_title="XRAY1") == items
    other = sample_worklist(today=_TODAY + dt.timedelta(days=1), station_ae_title="XRAY1")
    assert {item.StudyInstanceUID for item in other}.isdisjoint(item.StudyInstanceUID for item in items)


def test_a_ct_worklist_has_its_stranger_too() -> None:
    steps = [
        item.ScheduledProcedureStepSequence[0]
        for item in sample_worklist(today=_TODAY, station_ae_title="CT1", modality="CT")
    ]
    assert {step.Modality for step in steps} == {"CT", "MR"}
