"""The whole exam against real peers: worklist, storage and commitment at Orthanc, MPPS at odil."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from modality_sdk.clock import SystemClock
from modality_sdk.events import CommitmentTimedOut, Event
from modality_sdk.model import Acquisition, CommitmentPolicy, Detector, Patient, StepStatus
from modality_sdk.settings import Listen, Settings
from modality_sdk.testing.phantom import radiograph
from modality_sdk.workflow import Modality

from .peers.mpps import OdilMpps
from .peers.orthanc import Orthanc
from .peers.process import free_port
from .peers.worklist import write_worklist

TIMEOUT = 30.0
TODAY = SystemClock().now().date()
PIXELS = radiograph(257, 193, bits_stored=14)
CHEST = Acquisition(body_part="CHEST", view="PA")


@pytest.fixture
def worklist(orthanc: Orthanc) -> list[Dataset]:
    """Today's worklist at Orthanc, in several character sets."""
    return write_worklist(orthanc.worklists, "XRAY1")


@pytest.fixture
def settings(orthanc: Orthanc, odil_mpps: OdilMpps, tmp_path: Path) -> Settings:
    # an engine's container reaches us by another address than loopback
    host = "127.0.0.1" if orthanc.callback_host == "127.0.0.1" else "0.0.0.0"
    return Settings(
        ae_title="XRAY1",
        manufacturer="Example",
        model="DR-1",
        serial_number="1",
        software_versions=("1",),
        data_dir=tmp_path / "data",
        worklist="orthanc",
        mpps=("odil",),
        storage=("orthanc",),
        listen=Listen(host=host, port=0),
        detector=Detector(imager_pixel_spacing=(0.2, 0.2), bits_stored=14),
        peers={"orthanc": orthanc.peer, "odil": replace(odil_mpps.peer, name="odil")},
    )


@pytest.fixture
def modality(settings: Settings, orthanc: Orthanc) -> Iterator[Modality]:
    with Modality(settings) as modality:
        assert modality.listener is not None
        orthanc.register("XRAY1", modality.listener.port)
        yield modality


def expected_names(items: list[Dataset]) -> set[str]:
    return {
        str(i.PatientName)
        for i in items
        if i.ScheduledProcedureStepSequence[0].Modality == "DX"
        and i.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate == f"{TODAY:%Y%m%d}"
    }


@pytest.mark.peer("orthanc")
@pytest.mark.peer("odil")
@pytest.mark.req("FR-DICOM-01")
@pytest.mark.req("FR-DICOM-03")
@pytest.mark.req("FR-DICOM-04")
@pytest.mark.req("FR-DICOM-05")
def test_every_scheduled_patient_is_examined_stored_and_committed(
    modality: Modality, orthanc: Orthanc, odil_mpps: OdilMpps, worklist: list[Dataset]
) -> None:
    items = modality.worklist.today()
    assert {i.patient.name for i in items} == expected_names(worklist)
    for number, item in enumerate(items):
        pixels = np.roll(PIXELS, number)
        with modality.start(item, operators=["Doe^Jane"]) as step:
            instance = step.add_image(pixels, CHEST)
        report = step.wait_until_archived(TIMEOUT)
        assert report.archived, report
        step.wait_until_sent(TIMEOUT)
        stored = dcmread(BytesIO(orthanc.file(instance.ref.sop_instance_uid)))
        assert (stored.pixel_array == pixels).all()
        assert stored.PatientName == item.patient.name
        assert stored.StudyInstanceUID == item.study_instance_uid
        performed = odil_mpps.step(step.uid)
        assert performed.PerformedProcedureStepStatus == "COMPLETED"
        (series,) = performed.PerformedSeriesSequence
        (listed,) = series.ReferencedImageSequence
        assert listed.ReferencedSOPInstanceUID == instance.ref.sop_instance_uid
        scheduled = performed.ScheduledStepAttributesSequence[0]
        assert scheduled.ScheduledProcedureStepID == item.scheduled_procedure_step_id
        assert performed.PatientName == item.patient.name


@pytest.mark.peer("orthanc")
@pytest.mark.req("FR-DICOM-05")
def test_an_object_deleted_at_the_archive_is_sent_again_and_committed(
    modality: Modality, orthanc: Orthanc, worklist: list[Dataset]
) -> None:
    step = modality.start(modality.worklist.today()[0])
    lost = step.add_image(PIXELS, CHEST)
    step.add_image(np.flipud(PIXELS), CHEST)
    step.wait_until_sent(TIMEOUT)
    orthanc.clear()
    step.complete()
    assert step.wait_until_archived(TIMEOUT).archived
    assert orthanc.file(lost.ref.sop_instance_uid)


@pytest.mark.peer("orthanc")
@pytest.mark.req("FR-DICOM-05")
def test_a_report_that_comes_after_the_deadline_archives_the_step_and_ends_the_repetitions(
    settings: Settings, orthanc: Orthanc
) -> None:
    port = free_port()
    orthanc.register("XRAY1", port)
    listen = Listen(host=settings.listen.host, port=port)
    policy = CommitmentPolicy(request_timeout=0.2, re_requests=(3600,), linger=0)
    modality = Modality(settings.model_copy(update={"listen": listen, "commitment": policy}))
    with contextlib.closing(modality.open(listener=False)):  # nobody is there to take the report
        events: list[Event] = []
        modality.subscribe(events.append, CommitmentTimedOut)
        begun = SystemClock().now()
        with modality.start(patient=Patient(name="Unknown^Male", patient_id="TRAUMA-8")) as step:
            step.add_image(PIXELS, CHEST)
        wait_for(lambda: events)
        assert not step.report().archived
    with Modality(modality.settings) as again:
        jobs = [j for j in orthanc.get("/jobs?expand") if j["Type"] == "StorageCommitmentScp"]
        (job,) = [j for j in jobs if j["State"] == "Failure"]
        orthanc.request(f"/jobs/{job['ID']}/resubmit", "POST", {})
        wait_for(lambda: any(e.kind == "step_archived" and e.entity == step.uid for e in again.history(begun)))
        assert len(again.queue.jobs(kind="N-ACTION")) == 1


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.peer("orthanc")
@pytest.mark.req("X-CASES")
def test_an_unscheduled_exam_is_archived_at_a_study_of_its_own(modality: Modality, orthanc: Orthanc) -> None:
    with modality.start(patient=Patient(name="Unknown^Male", patient_id="TRAUMA-7")) as step:
        step.add_image(PIXELS, CHEST)
    assert step.wait_until_archived(TIMEOUT).archived
    (study,) = orthanc.get("/studies?expand")
    assert study["MainDicomTags"]["StudyInstanceUID"] == step.record.study_instance_uid
    assert step.status is StepStatus.COMPLETED


@pytest.mark.peer("orthanc")
@pytest.mark.peer("odil")
@pytest.mark.req("FR-DICOM-05")
def test_the_command_runs_an_exam_against_the_peers_of_a_configuration_file(
    orthanc: Orthanc, odil_mpps: OdilMpps, worklist: list[Dataset], tmp_path: Path
) -> None:
    port = free_port()
    orthanc.register("XRAY1", port)
    item = worklist[1]
    config = tmp_path / "site.toml"
    config.write_text(
        f"""
ae_title = "XRAY1"
manufacturer = "Example"
model = "DR-1"
serial_number = "1"
software_versions = ["1"]
data_dir = "data"
worklist = "orthanc"
mpps = ["odil"]
storage = ["orthanc"]
[listen]
host = "127.0.0.1"
port = {port}
[peers.orthanc]
ae_title = "ORTHANC"
host = "{orthanc.host}"
port = {orthanc.port}
commitment = true
[peers.odil]
ae_title = "ODIL"
host = "127.0.0.1"
port = {odil_mpps.port}
""",
        encoding="utf-8",
    )
    words = ["demo", "--config", str(config), "--item", str(item.AccessionNumber), "--output", str(tmp_path / "out")]
    ran = subprocess.run(
        [sys.executable, "-m", "modality_sdk.cli", *words, "--json"],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    assert result["status"] == "ARCHIVED"
    assert result["study_instance_uid"] == item.StudyInstanceUID
    assert result["mpps"]["status"] == "COMPLETED"
    for instance in result["instances"]:
        sent = dcmread(instance["path"])
        assert (dcmread(BytesIO(orthanc.file(sent.SOPInstanceUID))).pixel_array == sent.pixel_array).all()
