"""DCMTK's ``storescp`` with its fault switches: what a sender is told, and that no object is lost."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from modality_sdk.errors import AssociationRejected
from modality_sdk.model import Acquisition, Detector, Patient, Peer, RetryPolicy, SopReference, Timeouts
from modality_sdk.network import Network
from modality_sdk.scu import StorageScu
from modality_sdk.settings import Settings
from modality_sdk.status import Action
from modality_sdk.testing.phantom import radiograph
from modality_sdk.transcoding import EncodedRendition
from modality_sdk.workflow import Modality

from .peers.dcmtk import storescp_peer
from .peers.process import free_port

TIMEOUT = 20.0
SHORT = Timeouts(connect=2, association=0.5, release=0.3, idle=0.5, response=0.5, store_response=0.5, find=0.5)
PIXELS = radiograph(512, 400, bits_stored=12)  # several P-DATA, so that a transfer has a middle
CHEST = Acquisition(body_part="CHEST", view="PA")


@pytest.fixture
def network() -> Iterator[Network]:
    network = Network(ae_title="XRAY1")
    yield network
    network.close()


def image() -> EncodedRendition:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = DigitalXRayImageStorageForPresentation, generate_uid()
    dataset.PatientName, dataset.PatientID = "Doe^Jane", "ID-1"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.Modality = "DX"
    dataset.add_new("PixelData", "OW", PIXELS.astype("<u2").tobytes())
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, False
    write_dataset(stream, dataset)
    sop = SopReference(sop_class_uid=dataset.SOPClassUID, sop_instance_uid=dataset.SOPInstanceUID)
    return EncodedRendition(sop=sop, transfer_syntax_uid=ExplicitVRLittleEndian, data=stream.getvalue())


@pytest.mark.peer("dcmtk")
@pytest.mark.req("FR-DICOM-09")
def test_a_refused_association_is_an_error_for_the_batch(tmp_path: Path, network: Network) -> None:
    with storescp_peer(tmp_path, "--refuse") as faulty, pytest.raises(AssociationRejected) as caught:
        StorageScu(network).store(replace(faulty.peer, timeouts=SHORT), [image()])
    error = caught.value
    assert (error.result, error.source, error.reason) == (1, 1, 1)
    assert (error.retryable, error.ambiguous) == (False, False)


@pytest.mark.peer("dcmtk")
@pytest.mark.req("FR-DICOM-01")
@pytest.mark.parametrize(
    ("switches", "meaning"),
    [
        # an A-ABORT is lost when the peer closes on data that it has not read, and the reset overtakes it
        (("--abort-during",), ("the peer's application aborted", "closed without an abort")),
        (("--abort-after",), ("the peer's application aborted", "closed without an abort")),
        (("--sleep-during", "5"), ("did not answer C-STORE in time",)),
    ],
    ids=["abort-during", "abort-after", "sleep-during"],
)
def test_an_object_without_an_answer_is_doubtful_and_the_rest_is_to_be_sent_again(
    switches: tuple[str, ...], meaning: tuple[str, ...], tmp_path: Path, network: Network
) -> None:
    with storescp_peer(tmp_path, "--single-process", *switches) as faulty:
        doubtful, unsent = StorageScu(network).store(replace(faulty.peer, timeouts=SHORT), [image(), image()])
    assert (doubtful.action, doubtful.ambiguous, doubtful.status) == (Action.RETRY, True, None)
    assert (unsent.action, unsent.ambiguous, unsent.status) == (Action.RETRY, False, None)
    assert any(words in doubtful.meaning for words in meaning)
    assert unsent.meaning.startswith("not attempted")


@pytest.mark.peer("dcmtk")
@pytest.mark.req("FR-DICOM-01")
def test_an_archive_that_falls_asleep_after_its_answer_leaves_only_the_next_object_in_doubt(
    tmp_path: Path, network: Network
) -> None:
    with storescp_peer(tmp_path, "--single-process", "--sleep-after", "5") as faulty:
        results = StorageScu(network).store(replace(faulty.peer, timeouts=SHORT), [image(), image(), image()])
    assert [result.action for result in results] == [Action.ACCEPT, Action.RETRY, Action.RETRY]
    assert [result.status for result in results] == [0, None, None]
    assert [result.ambiguous for result in results] == [False, True, False]


@pytest.mark.peer("dcmtk")
@pytest.mark.req("FR-DICOM-01")
def test_an_archive_that_throws_objects_away_cannot_be_told_from_one_that_keeps_them(
    tmp_path: Path, network: Network
) -> None:
    """Which is why there is storage commitment."""
    with storescp_peer(tmp_path, "--ignore") as faulty:
        (result,) = StorageScu(network).store(replace(faulty.peer, timeouts=SHORT), [image()])
        assert (result.action, result.ambiguous, result.status) == (Action.ACCEPT, False, 0)
        assert list(faulty.directory.iterdir()) == []


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[int], Modality]]:
    opened: list[Modality] = []

    def make(port: int) -> Modality:
        peer = Peer(name="pacs", ae_title="STORESCP", host="127.0.0.1", port=port, timeouts=SHORT)
        settings = Settings(
            ae_title="XRAY1",
            manufacturer="Example",
            model="DR-1",
            serial_number="1",
            software_versions=("1",),
            data_dir=tmp_path / "data",
            storage=("pacs",),
            detector=Detector(imager_pixel_spacing=(0.2, 0.2), bits_stored=12),
            retry=RetryPolicy(initial=0.1, multiplier=1.0, attempts=100),
            peers={"pacs": peer},
        )
        opened.append(Modality(settings).open())
        return opened[-1]

    yield make
    for modality in opened:
        modality.close()


@pytest.mark.peer("dcmtk")
@pytest.mark.req("FR-DICOM-08")
@pytest.mark.parametrize(
    "switches",
    [("--refuse",), ("--abort-during",), ("--abort-after",), ("--sleep-during", "5"), ("--sleep-after", "5")],
    ids=lambda switches: switches[0],
)
def test_an_exam_s_objects_are_delivered_once_the_fault_is_gone(
    switches: tuple[str, ...], tmp_path: Path, start: Callable[[int], Modality]
) -> None:
    port = free_port()
    with storescp_peer(tmp_path / "archive", "--single-process", *switches, port=port):
        modality = start(port)
        with modality.start(patient=Patient(name="Doe^Jane", patient_id="ID-1")) as step:
            uids = {step.add_image(PIXELS, CHEST).ref.sop_instance_uid for _ in range(2)}
        with pytest.raises(TimeoutError):
            step.wait_until_sent(0.8)
    with storescp_peer(tmp_path / "archive", port=port) as sound:
        modality.queue.resume("pacs")
        step.wait_until_sent(TIMEOUT)
        stored = {file.SOPInstanceUID: file for file in map(dcmread, sound.directory.iterdir())}
    assert stored.keys() == uids
    for file in stored.values():
        np.testing.assert_array_equal(file.pixel_array, PIXELS)
