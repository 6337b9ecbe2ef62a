"""Each service against real peers: Orthanc, DCMTK, odil."""

import io
import queue
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    generate_uid,
)
from pynetdicom.sop_class import StorageCommitmentPushModel

from modality_sdk.clock import SystemClock
from modality_sdk.dataset import begin_step, mpps_create, mpps_set, read_commitment_report
from modality_sdk.errors import AssociationRejected, DimseFailure, NegotiationError
from modality_sdk.model import (
    CommitmentReport,
    Equipment,
    ListenerOptions,
    Patient,
    Peer,
    PerformedProcedureStep,
    PerformedSeries,
    SopReference,
    StepStatus,
    WorklistQuery,
)
from modality_sdk.network import CheckOutcome, EventReport, HandlerTable, Listener, Network, examine_peer
from modality_sdk.scu import CommitmentScu, MppsScu, StorageScu, VerificationScu, WorklistScu
from modality_sdk.simulator import sample_worklist
from modality_sdk.status import Action
from modality_sdk.transcoding import EncodedRendition

from .peers.dcmtk import DcmtkServer, storescp_peer
from .peers.mpps import OdilMpps
from .peers.orthanc import Orthanc
from .peers.worklist import write_items, write_worklist

AE_TITLE = "MODALITY"
NOW = SystemClock().now()
REPORT_S = 10.0


@pytest.fixture
def handlers() -> HandlerTable:
    return HandlerTable()


@pytest.fixture
def network(handlers: HandlerTable) -> Iterator[Network]:
    network = Network(ae_title=AE_TITLE, handlers=handlers)
    yield network
    network.close()


def image(sop_class_uid: str = DigitalXRayImageStorageForPresentation) -> tuple[EncodedRendition, np.ndarray]:
    """A small image and its pixels."""
    pixels = np.random.default_rng(7).integers(0, 1 << 14, (64, 48), dtype=np.uint16)
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class_uid, generate_uid()
    dataset.PatientName, dataset.PatientID = "Müller^Jürgen", "ID-1"
    dataset.PatientBirthDate, dataset.PatientSex = "19700101", "M"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20260302", "093000", ""
    dataset.AccessionNumber, dataset.ReferringPhysicianName = "A1", ""
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = "DX", 1, 1
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 14, 13, 0
    dataset.add_new("PixelData", "OW", pixels.astype("<u2").tobytes())
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, False
    write_dataset(stream, dataset)
    sop = SopReference(sop_class_uid=sop_class_uid, sop_instance_uid=dataset.SOPInstanceUID)
    rendition = EncodedRendition(sop=sop, transfer_syntax_uid=ExplicitVRLittleEndian, data=stream.getvalue())
    return rendition, pixels


# verification -----------------------------------------------------------------------------------------------------


@pytest.mark.req("FR-DICOM-09")
@pytest.mark.peer("orthanc")
def test_orthanc_answers_an_echo(orthanc: Orthanc, network: Network) -> None:
    result = VerificationScu(network).echo(orthanc.peer)
    assert (result.status, result.ae_title) == (0, "ORTHANC")


@pytest.mark.req("FR-DICOM-09")
@pytest.mark.peer("dcmtk")
def test_storescp_answers_an_echo(storescp: DcmtkServer, network: Network) -> None:
    assert VerificationScu(network).echo(storescp.peer).status == 0


@pytest.mark.req("FR-DICOM-09")
@pytest.mark.peer("dcmtk")
def test_a_wrong_called_ae_title_is_a_permanent_rejection(wlmscpfs: DcmtkServer, network: Network) -> None:
    with pytest.raises(AssociationRejected) as caught:
        VerificationScu(network).echo(replace(wlmscpfs.peer, ae_title="WRONG"))
    assert (caught.value.source, caught.value.reason, caught.value.retryable) == (1, 7, False)


@pytest.mark.req("X-TIME")
@pytest.mark.peer("orthanc")
def test_the_doctor_reads_the_clock_of_orthanc_s_web_server_or_says_that_it_has_none(
    orthanc: Orthanc, network: Network
) -> None:
    web = f"{orthanc.url}/system"
    connection = HTTPConnection(orthanc.url.removeprefix("http://"), timeout=10)
    connection.request("GET", "/system")
    tells = connection.getresponse().getheader("Date") is not None  # version 1.10 sends none
    connection.close()
    checks = examine_peer(network, replace(orthanc.peer, name="pacs", web=web), [], calling=AE_TITLE)
    (clock,) = [check for check in checks if check.name == "clock"]
    assert clock.outcome is (CheckOutcome.OK if tells else CheckOutcome.NOT_RUN)
    assert ("sends no Date" in clock.cause) is not tells


# worklist ---------------------------------------------------------------------------------------------------------


def worklist_of(network: Network, peer: Peer) -> WorklistScu:
    return WorklistScu(network, peer, station_ae_title=AE_TITLE, modality="DX", clock=SystemClock())


@pytest.fixture(params=["orthanc", "wlmscpfs"])
def worklist_server(request: pytest.FixtureRequest) -> Peer:
    """Both worklist servers in turn, with the sample worklist of today."""
    server = request.getfixturevalue(request.param)
    write_worklist(server.worklists if request.param == "orthanc" else server.directory, AE_TITLE)
    peer: Peer = server.peer
    return peer


@pytest.mark.req("FR-DICOM-03")
@pytest.mark.peer("orthanc", "dcmtk")
def test_today_s_items_come_with_names_in_every_script(worklist_server: Peer, network: Network) -> None:
    result = worklist_of(network, worklist_server).today()
    names = {item.patient.patient_id: item.patient.name for item in result}
    assert len(result) == 6
    assert names == {
        "SIM00001": "Müller^Jürgen^^Dr.",
        "SIM00002": "Παπαδοπούλου^Ελένη",
        "SIM00003": "Yamada^Tarou=山田^太郎=やまだ^たろう",
        "SIM00004": "Wałkowska^Łucja",
        "SIM00005": "Lefèvre^Noël",
    }
    assert [problem for problem in result.problems if problem.fatal] == []
    assert not result.truncated
    for item in result:
        assert item.study_instance_uid
        assert item.scheduled_procedure_step_id
        assert item.scheduled_protocol_codes
        assert item.patient.birth_date


@pytest.mark.req("FR-DICOM-03")
@pytest.mark.peer("orthanc", "dcmtk")
@pytest.mark.parametrize(
    ("query", "count"),
    [
        (WorklistQuery(), 8),
        (WorklistQuery(modality="CT"), 1),
        (WorklistQuery(start_date=(NOW.date() + timedelta(days=1), None)), 1),
        (WorklistQuery(patient_id="SIM00005"), 2),
        (WorklistQuery(patient_name="EXAMPLE*"), 1),
        (WorklistQuery(patient_id="NOBODY"), 0),
        (WorklistQuery(scheduled_station_ae_title="OTHER"), 0),
        (WorklistQuery(limit=3), 3),
    ],
)
def test_a_query_gives_what_matches(worklist_server: Peer, network: Network, query: WorklistQuery, count: int) -> None:
    result = worklist_of(network, worklist_server).query(query)
    assert len(result) == count
    assert result.truncated == (query.limit is not None)


@pytest.mark.req("FR-DICOM-03")
@pytest.mark.peer("dcmtk")
def test_keys_that_dcmtk_does_not_support_are_named_and_applied_here(wlmscpfs: DcmtkServer, network: Network) -> None:
    items = sample_worklist(today=NOW.date(), station_ae_title=AE_TITLE)
    items[0].ScheduledProcedureStepSequence[0].ScheduledProcedureStepLocation = "SIDE ROOM"
    write_items(wlmscpfs.directory, items)
    location = "ScheduledProcedureStepSequence.ScheduledProcedureStepLocation"
    result = worklist_of(network, wlmscpfs.peer).query(WorklistQuery(further_keys=((location, "SIDE*"),)))
    assert [item.accession_number for item in result] == [items[0].AccessionNumber]
    assert result.warned
    assert result.unsupported_keys[0] == location  # it is returned, and was not matched
    assert "BarcodeValue" in result.unsupported_keys  # it is not even returned
    assert "AccessionNumber" not in result.unsupported_keys


@pytest.mark.req("FR-DICOM-03")
@pytest.mark.peer("dcmtk")
def test_a_worklist_failure_is_an_error_and_no_empty_list(wlmscpfs: DcmtkServer, network: Network) -> None:
    write_worklist(wlmscpfs.directory, AE_TITLE)
    (wlmscpfs.directory / "lockfile").unlink()
    with pytest.raises(DimseFailure) as caught:
        worklist_of(network, wlmscpfs.peer).query()
    assert caught.value.status == 0xA700


# storage ----------------------------------------------------------------------------------------------------------


@pytest.mark.req("FR-DICOM-01")
@pytest.mark.peer("orthanc")
def test_orthanc_holds_every_pixel_that_was_sent(orthanc: Orthanc, network: Network) -> None:
    images = [image(), image(ComputedRadiographyImageStorage)]
    results = StorageScu(network).store(orthanc.peer, [rendition for rendition, _ in images])
    assert [result.status for result in results] == [0, 0]
    for rendition, pixels in images:
        stored = dcmread(io.BytesIO(orthanc.file(rendition.sop.sop_instance_uid)))
        assert stored.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
        assert stored.PatientName == "Müller^Jürgen"
        np.testing.assert_array_equal(stored.pixel_array, pixels)


@pytest.mark.req("FR-DICOM-01")
@pytest.mark.peer("dcmtk")
def test_storescp_gets_the_very_bytes_of_the_data_set(storescp: DcmtkServer, network: Network) -> None:
    rendition, pixels = image()
    (result,) = StorageScu(network).store(storescp.peer, [rendition])
    assert result.stored
    (file,) = storescp.directory.iterdir()
    assert file.read_bytes().endswith(rendition.data)
    np.testing.assert_array_equal(dcmread(file).pixel_array, pixels)


@pytest.mark.req("FR-DICOM-02")
@pytest.mark.peer("dcmtk")
def test_an_archive_that_takes_implicit_vr_alone_gets_every_pixel(tmp_path: Path, network: Network) -> None:
    rendition, pixels = image()
    with storescp_peer(tmp_path / "implicit", "+xi") as old:
        (result,) = StorageScu(network).store(old.peer, [rendition])
        assert result.stored
        assert result.transfer_syntax_uid == ImplicitVRLittleEndian
        (file,) = old.directory.iterdir()
        stored = dcmread(file)
        assert stored.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
        assert stored.PatientName == "Müller^Jürgen"
        np.testing.assert_array_equal(stored.pixel_array, pixels)


@pytest.mark.req("FR-DICOM-01")
@pytest.mark.peer("orthanc")
def test_an_object_that_orthanc_does_not_negotiate_keeps_no_other(orthanc: Orthanc, network: Network) -> None:
    foreign, good = image(generate_uid())[0], image()[0]
    results = StorageScu(network).store(orthanc.peer, [foreign, good])
    assert [result.action for result in results] == [Action.HOLD, Action.ACCEPT]
    with pytest.raises(NegotiationError):
        StorageScu(network).store(orthanc.peer, [foreign])


@pytest.mark.req("FR-DICOM-01")
@pytest.mark.peer("orthanc")
def test_sending_the_same_object_again_is_harmless(orthanc: Orthanc, network: Network) -> None:
    rendition, _ = image()
    for _ in range(2):
        assert StorageScu(network).store(orthanc.peer, [rendition])[0].stored
    assert len(orthanc.get("/instances")) == 1


# performed procedure step -----------------------------------------------------------------------------------------


@pytest.fixture
def step() -> PerformedProcedureStep:
    begun = begin_step(
        items=(),
        patient=Patient(name="Müller^Jürgen", patient_id="ID-1", sex="M"),
        sop_instance_uid=generate_uid(),
        study_instance_uid=generate_uid(),
        performed_procedure_step_id="PPS1",
        modality="DX",
        performed_station_ae_title=AE_TITLE,
        started=NOW,
        equipment=Equipment(manufacturer="Example"),
    )
    return replace(begun, status=StepStatus.IN_PROGRESS)


@pytest.mark.req("FR-DICOM-04")
@pytest.mark.peer("odil")
@pytest.mark.illegal_mpps
def test_odil_holds_the_step_as_it_was_created_and_completed(
    odil_mpps: OdilMpps, network: Network, step: PerformedProcedureStep
) -> None:
    mpps, uid = MppsScu(network), step.sop_instance_uid
    assert mpps.create(uid, mpps_create(step), peer=odil_mpps.peer).status == 0
    held = odil_mpps.step(uid)
    assert held.PerformedProcedureStepStatus == "IN PROGRESS"
    assert held.PatientName == "Müller^Jürgen"
    assert held.ScheduledStepAttributesSequence[0].StudyInstanceUID == step.study_instance_uid

    taken = image()[0].sop
    series = PerformedSeries(
        series_instance_uid=generate_uid(), series_number=1, modality="DX", protocol_name="CHEST", images=(taken,)
    )
    final = replace(step, status=StepStatus.COMPLETED, ended=NOW + timedelta(minutes=5))
    assert mpps.set(uid, mpps_set(final, [series]), peer=odil_mpps.peer).status == 0
    held = odil_mpps.step(uid)
    assert held.PerformedProcedureStepStatus == "COMPLETED"
    reference = held.PerformedSeriesSequence[0].ReferencedImageSequence[0]
    assert (reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID) == (
        taken.sop_class_uid,
        taken.sop_instance_uid,
    )
    with pytest.raises(DimseFailure) as caught:
        mpps.set(uid, mpps_set(final, [series]), peer=odil_mpps.peer)
    assert caught.value.status == 0x0110


@pytest.mark.req("FR-DICOM-04")
@pytest.mark.peer("odil")
@pytest.mark.illegal_mpps
def test_odil_s_refusals_come_back_with_their_status(
    odil_mpps: OdilMpps, network: Network, step: PerformedProcedureStep
) -> None:
    mpps, uid = MppsScu(network), step.sop_instance_uid
    unknown = mpps_set(replace(step, ended=NOW), [])
    with pytest.raises(DimseFailure) as caught:
        mpps.set(uid, unknown, peer=odil_mpps.peer)
    assert (caught.value.status, caught.value.verdict.action) == (0x0112, Action.RECREATE)
    mpps.create(uid, mpps_create(step), peer=odil_mpps.peer)
    with pytest.raises(DimseFailure) as caught:
        mpps.create(uid, mpps_create(step), peer=odil_mpps.peer)
    assert (caught.value.status, caught.value.verdict.action) == (0x0111, Action.VERIFY)


# storage commitment -----------------------------------------------------------------------------------------------


@pytest.fixture
def reports(handlers: HandlerTable, orthanc: Orthanc) -> Iterator["queue.Queue[CommitmentReport]"]:
    """Reports that come to our listener, which Orthanc knows."""
    received: queue.Queue[CommitmentReport] = queue.Queue()

    def take(event: EventReport) -> int:
        received.put(
            read_commitment_report(
                event.information,
                event.event_type,
                calling_ae_title=event.calling_ae_title,
                called_ae_title=event.called_ae_title,
            )
        )
        return 0

    handlers.register(StorageCommitmentPushModel, take)
    host = "127.0.0.1" if orthanc.callback_host == "127.0.0.1" else "0.0.0.0"
    with Listener(ListenerOptions(ae_title=AE_TITLE, host=host, port=0), handlers) as listener:
        orthanc.register(AE_TITLE, listener.port)
        yield received


@pytest.mark.req("FR-DICOM-05")
@pytest.mark.peer("orthanc")
def test_orthanc_commits_what_it_has_on_an_association_of_its_own(
    orthanc: Orthanc, network: Network, reports: "queue.Queue[CommitmentReport]"
) -> None:
    sent = [image()[0], image(ComputedRadiographyImageStorage)[0]]
    StorageScu(network).store(orthanc.peer, sent)
    transaction = generate_uid()
    CommitmentScu(network).request(orthanc.peer, transaction, [one.sop for one in sent])
    report = reports.get(timeout=REPORT_S)
    assert report.transaction_uid == transaction
    assert sorted(report.committed) == sorted(one.sop for one in sent)
    assert report.failed == ()
    assert (report.calling_ae_title, report.called_ae_title) == ("ORTHANC", AE_TITLE)


@pytest.mark.req("FR-DICOM-05")
@pytest.mark.peer("orthanc")
def test_orthanc_s_report_tells_committed_and_lost_objects_apart(
    orthanc: Orthanc, network: Network, reports: "queue.Queue[CommitmentReport]"
) -> None:
    stored, lost, mistaken = image()[0], image()[0], image()[0]
    StorageScu(network).store(orthanc.peer, [stored, mistaken])
    wrong_class = replace(mistaken.sop, sop_class_uid=ComputedRadiographyImageStorage)
    CommitmentScu(network).request(orthanc.peer, generate_uid(), [stored.sop, lost.sop, wrong_class])
    report = reports.get(timeout=REPORT_S)
    assert report.committed == (stored.sop,)
    assert {failed.sop.sop_instance_uid: failed.failure_reason for failed in report.failed} == {
        lost.sop.sop_instance_uid: 0x0112,
        mistaken.sop.sop_instance_uid: 0x0119,
    }
