"""The program against a hospital that behaves, and against one that does not."""

import time
from collections.abc import Callable

import pytest
from acquisition_program import AcquisitionRoom, lamp

from modality_sdk import CommitmentTimedOut, Modality, MppsRefused, StepStatus
from modality_sdk.simulator import Hospital, Reply, Silence, Truncate
from modality_sdk.testing.phantom import radiograph

PATIENCE = 15.0


@pytest.fixture
def room(modality: Modality) -> AcquisitionRoom:
    pixels = radiograph(64, 48, bits_stored=12)
    return AcquisitionRoom(modality, lambda: pixels)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_an_exam_is_archived_and_its_step_completed(room: AcquisitionRoom, hospital: Hospital) -> None:
    step = room.examine(room.patients()[0], exposures=2)
    step.wait_until_archived(PATIENCE)
    step.wait_until_sent(PATIENCE)
    assert lamp(step) == "green"
    assert len(hospital.pacs.stored) == 2
    assert hospital.ris.steps[step.uid].status is StepStatus.COMPLETED
    assert hospital.ris.violations == []


def test_an_archive_that_is_off_delays_the_exam_and_loses_nothing(room: AcquisitionRoom, hospital: Hospital) -> None:
    patient = room.patients()[0]
    hospital.pacs.offline()
    step = room.examine(patient)
    with pytest.raises(TimeoutError):
        step.wait_until_archived(0.3)
    assert lamp(step) == "yellow"
    hospital.pacs.online()
    step.wait_until_archived(PATIENCE)
    assert lamp(step) == "green"
    assert len(hospital.pacs.stored) == 1


def test_a_ris_that_refuses_the_step_does_not_stop_the_images(
    room: AcquisitionRoom, hospital: Hospital, modality: Modality
) -> None:
    refusals: list[MppsRefused] = []
    modality.subscribe(refusals.append, MppsRefused)
    hospital.ris.script("N-CREATE", Reply(status=0x0106, elements=("PerformedStationAETitle",), times=None))
    step = room.examine(room.patients()[0])
    step.wait_until_archived(PATIENCE)
    assert lamp(step) == "green"
    assert hospital.ris.steps == {}
    wait_for(lambda: len(refusals) > 0)


def test_without_a_commitment_report_the_lamp_stays_yellow_and_the_operator_is_told(
    room: AcquisitionRoom, hospital: Hospital, modality: Modality
) -> None:
    late: list[CommitmentTimedOut] = []
    modality.subscribe(late.append, CommitmentTimedOut)
    hospital.pacs.script("N-EVENT-REPORT", Silence(times=None))
    step = room.examine(room.patients()[0])
    wait_for(lambda: len(late) > 0)
    assert len(hospital.pacs.stored) == 1
    assert lamp(step) == "yellow"


def test_the_list_known_before_is_shown_while_the_ris_is_overloaded(room: AcquisitionRoom, hospital: Hospital) -> None:
    known = room.patients()
    hospital.ris.script("C-FIND", Reply(status=0xA700), Truncate(after=1))
    assert room.patients() == known
    assert len(room.patients()) == 1
