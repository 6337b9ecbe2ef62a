"""Whole exams over real sockets against the hospital in a box, and what a bad network does to them."""

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from modality_sdk.clock import SystemClock
from modality_sdk.errors import AssociationRejected, ConnectError, DimseFailure
from modality_sdk.events import DestinationHeld, DestinationResumed, Event
from modality_sdk.model import (
    Acquisition,
    DeliveryState,
    Detector,
    Peer,
    RetryPolicy,
    StepStatus,
    Timeouts,
    WorklistQuery,
)
from modality_sdk.settings import Listen, Settings
from modality_sdk.simulator import Hospital
from modality_sdk.simulator.commitment import Commitment
from modality_sdk.testing.phantom import radiograph
from modality_sdk.workflow import Modality

TIMEOUT = 20.0
PIXELS = radiograph(96, 80, bits_stored=12)
CHEST = Acquisition(body_part="CHEST", view="PA")
QUICK = RetryPolicy(initial=0.1, multiplier=1.0, commitment_timeout=5.0)


def settings_for(hospital: Hospital, data_dir: Path, **changes: object) -> Settings:
    timeouts = Timeouts(connect=2, association=2, release=1, idle=2, response=5, store_response=5, find=5)
    values: dict[str, object] = {
        "ae_title": "XRAY1",
        "manufacturer": "Example",
        "model": "DR-1",
        "serial_number": "1",
        "software_versions": ("1",),
        "data_dir": data_dir,
        "worklist": "ris",
        "mpps": ("ris",),
        "storage": ("pacs",),
        "listen": Listen(host="127.0.0.1", port=0),
        "detector": Detector(imager_pixel_spacing=(0.2, 0.2), bits_stored=12),
        "retry": QUICK,
        "peers": {
            "ris": Peer(
                name="ris", ae_title=hospital.ris.ae_title, host="127.0.0.1", port=hospital.ris.port, timeouts=timeouts
            ),
            "pacs": Peer(
                name="pacs",
                ae_title=hospital.pacs.ae_title,
                host="127.0.0.1",
                port=hospital.pacs.port,
                commitment=True,
                timeouts=timeouts,
            ),
        },
    }
    return Settings(**(values | changes))


@pytest.fixture
def hospital() -> Iterator[Hospital]:
    with Hospital() as hospital:
        yield hospital


@pytest.fixture
def start(hospital: Hospital, tmp_path: Path) -> Iterator[Callable[..., Modality]]:
    opened: list[Modality] = []

    def make(**changes: object) -> Modality:
        modality = Modality(settings_for(hospital, tmp_path / "data", **changes)).open()
        opened.append(modality)
        assert modality.listener is not None
        hospital.pacs.register("XRAY1", "127.0.0.1", modality.listener.port)
        return modality

    yield make
    for modality in opened:
        modality.close()


@pytest.mark.req("FR-DICOM-05")
@pytest.mark.parametrize("way", [Commitment.NEW_ASSOCIATION, Commitment.SAME_ASSOCIATION])
def test_an_exam_is_archived_whichever_way_the_report_comes(tmp_path: Path, way: Commitment) -> None:
    with Hospital(commitment=way) as hospital, Modality(settings_for(hospital, tmp_path)) as modality:
        assert modality.listener is not None
        hospital.pacs.register("XRAY1", "127.0.0.1", modality.listener.port)
        with modality.start(modality.worklist.today()[0]) as step:
            instance = step.add_image(PIXELS, CHEST)
        assert step.wait_until_archived(TIMEOUT).archived
        step.wait_until_sent(TIMEOUT)
        assert hospital.ris.violations == []
        assert hospital.ris.steps[step.uid].status == "COMPLETED"
        stored = hospital.pacs.stored[instance.ref.sop_instance_uid].dataset()
        assert (stored.pixel_array == PIXELS).all()


@pytest.mark.req("FR-DICOM-03")
@pytest.mark.req("FR-DICOM-04")
def test_names_in_four_scripts_go_unchanged_through_worklist_object_and_mpps(
    hospital: Hospital, start: Callable[..., Modality]
) -> None:
    modality = start()
    items = modality.worklist.today()
    names = {item.patient.name for item in items}
    for expected in (
        "Müller^Jürgen^^Dr.",
        "Παπαδοπούλου^Ελένη",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
        "Wałkowska^Łucja",
    ):
        assert expected in names
    for item in items:
        with modality.start(item) as step:
            instance = step.add_image(PIXELS, CHEST)
        step.wait_until_sent(TIMEOUT)
        stored = hospital.pacs.stored[instance.ref.sop_instance_uid].dataset()
        assert stored.PatientName == item.patient.name
        assert hospital.ris.steps[step.uid].create.PatientName == item.patient.name
        assert dcmread(instance.path).PatientName == item.patient.name
    assert hospital.ris.violations == []


@pytest.mark.req("X-CASES")
def test_a_group_of_two_scheduled_steps_is_one_performed_step(
    hospital: Hospital, start: Callable[..., Modality]
) -> None:
    modality = start()
    items = [i for i in modality.worklist.today() if i.patient.name == "Lefèvre^Noël"]
    assert len(items) == 2
    with modality.start(*items) as step:
        instance = step.add_image(PIXELS, CHEST)
    assert step.wait_until_archived(TIMEOUT).archived
    step.wait_until_sent(TIMEOUT)
    stored = hospital.pacs.stored[instance.ref.sop_instance_uid].dataset()
    create = hospital.ris.steps[step.uid].create
    expected = [i.scheduled_procedure_step_id for i in items]
    assert [s.ScheduledProcedureStepID for s in create.ScheduledStepAttributesSequence] == expected
    assert [r.ScheduledProcedureStepID for r in stored.RequestAttributesSequence] == expected
    assert hospital.ris.violations == []


@pytest.mark.req("FR-DICOM-01")
@pytest.mark.req("NFR-REL-01")
def test_a_pulled_cable_delays_an_exam_and_loses_nothing(hospital: Hospital, start: Callable[..., Modality]) -> None:
    modality = start()
    events: list[Event] = []
    modality.subscribe(events.append, DestinationHeld, DestinationResumed)
    item = modality.worklist.today()[0]
    hospital.pacs.offline()
    hospital.ris.offline()
    with modality.start(item) as step:
        instances = [step.add_image(PIXELS, CHEST) for _ in range(3)]
    with pytest.raises(TimeoutError):
        step.wait_until_archived(0.4)
    assert {d.state for d in step.report().deliveries} == {DeliveryState.WAITING}
    hospital.ris.online()
    hospital.pacs.online()
    assert step.wait_until_archived(TIMEOUT).archived
    step.wait_until_sent(TIMEOUT)
    assert {i.ref.sop_instance_uid for i in instances} == set(hospital.pacs.stored)
    assert hospital.ris.steps[step.uid].status == "COMPLETED"
    attempts = {j.attempts for j in modality.queue.jobs()}
    assert attempts <= {0, 1}  # a success counts as one; being out of reach counts as none
    modality.close()
    assert {type(e) for e in events} == {DestinationHeld, DestinationResumed}


@pytest.mark.req("NFR-REL-01")
def test_a_program_that_died_with_the_archive_away_delivers_after_its_restart(
    hospital: Hospital, start: Callable[..., Modality]
) -> None:
    modality = start()
    before = SystemClock().now()
    hospital.pacs.offline()
    with modality.start(modality.worklist.today()[0]) as step:
        uid = step.add_image(PIXELS, CHEST).ref.sop_instance_uid
    modality.close()
    hospital.pacs.online()
    again = start()
    again.queue.resume("pacs")
    wait_for(lambda: uid in hospital.pacs.stored)
    wait_for(lambda: any(e.kind == "step_archived" for e in again.history(before)))


@pytest.mark.req("FR-DICOM-09")
def test_a_wrong_ae_title_is_told_in_words_and_holds_the_destination(
    hospital: Hospital, start: Callable[..., Modality], tmp_path: Path
) -> None:
    settings = settings_for(hospital, tmp_path / "data")
    wrong = replace(settings.peers["pacs"], ae_title="NOBODY")
    modality = start(peers=dict(settings.peers) | {"pacs": wrong})
    with pytest.raises(AssociationRejected, match="called AE title not recognized"):
        modality.verification.echo(wrong)
    with modality.start(modality.worklist.today()[0]) as step:
        step.add_image(PIXELS, CHEST)
    with pytest.raises(TimeoutError):
        step.wait_until_archived(0.5)
    (pacs,) = [d for d in modality.queue.destinations() if d.name == "pacs"]
    assert "called AE title not recognized" in pacs.cause
    assert hospital.pacs.stored == {}


@pytest.mark.req("FR-DICOM-09")
def test_nobody_at_home_is_told_in_words(start: Callable[..., Modality]) -> None:
    modality = start()
    with pytest.raises(ConnectError, match="refused"):
        modality.verification.echo(Peer(ae_title="PACS", host="127.0.0.1", port=9))


@pytest.mark.req("FR-DICOM-03")
def test_an_empty_worklist_is_fine_and_a_failing_one_gives_nothing(
    hospital: Hospital, start: Callable[..., Modality]
) -> None:
    modality = start()
    assert len(modality.worklist.query(WorklistQuery(patient_name="NOBODY*"))) == 0
    hospital.ris.refuse("C-FIND", 0xA700, times=1)
    with pytest.raises(DimseFailure) as failure:
        modality.worklist.today()
    assert failure.value.status == 0xA700
    assert failure.value.retryable


@pytest.mark.req("FR-DICOM-04")
def test_a_ris_that_refuses_the_step_stops_neither_images_nor_archive(
    hospital: Hospital, start: Callable[..., Modality]
) -> None:
    modality = start()
    hospital.ris.refuse("N-CREATE", 0x0106)
    with modality.start(modality.worklist.today()[0]) as step:
        step.add_image(PIXELS, CHEST)
    assert step.wait_until_archived(TIMEOUT).archived
    assert dict(step.report().mpps) == {"ris": None}
    assert step.status is StepStatus.COMPLETED


@pytest.mark.req("FR-DICOM-01")
def test_passing_failures_of_the_archive_are_retried(hospital: Hospital, start: Callable[..., Modality]) -> None:
    modality = start()
    hospital.pacs.refuse("C-STORE", 0xA700, times=2)
    with modality.start(modality.worklist.today()[0]) as step:
        step.add_image(PIXELS, CHEST)
    assert step.wait_until_archived(TIMEOUT).archived


@pytest.mark.req("FR-DICOM-05")
def test_an_object_that_the_archive_lost_is_sent_and_committed_again(
    hospital: Hospital, start: Callable[..., Modality]
) -> None:
    modality = start()
    step = modality.start(modality.worklist.today()[0])
    lost = step.add_image(PIXELS, CHEST)
    step.add_image(np.flipud(PIXELS), CHEST)
    step.wait_until_sent(TIMEOUT)
    hospital.pacs.forget(lost.ref.sop_instance_uid)
    step.complete()
    assert step.wait_until_archived(TIMEOUT).archived
    assert lost.ref.sop_instance_uid in hospital.pacs.stored


@pytest.mark.req("FR-DICOM-01")
def test_a_dead_destination_never_blocks_the_caller(
    hospital: Hospital, start: Callable[..., Modality], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts and never says a word
        settings = settings_for(hospital, tmp_path / "data")
        deaf = Peer(
            name="deaf",
            ae_title="DEAF",
            host="127.0.0.1",
            port=silent.getsockname()[1],
            timeouts=Timeouts(connect=30, association=30, idle=30, response=30, store_response=30, find=30),
        )
        modality = start(peers=dict(settings.peers) | {"deaf": deaf}, storage=("deaf", "pacs"))
        with modality.start(modality.worklist.today()[0]) as step:
            instance = step.add_image(PIXELS, CHEST)
        wait_for(lambda: DeliveryState.COMMITTED in {d.state for d in instance.deliveries})
        delivered = {d.destination: d.state for d in instance.deliveries}
        assert delivered == {"deaf": DeliveryState.WAITING, "pacs": DeliveryState.COMMITTED}


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
