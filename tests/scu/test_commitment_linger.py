"""Staying on the association of a commitment request for a report that comes there."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from pydicom import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
)
from pynetdicom.transport import ThreadedAssociationServer

from modality_sdk.model import CancelToken, Peer
from modality_sdk.network import EventReport, HandlerTable, Network
from modality_sdk.scu import CommitmentScu
from modality_sdk.transcoding import EncodedRendition

pytestmark = [pytest.mark.req("FR-DICOM-05"), pytest.mark.timeout(20)]

MakeObject = Callable[..., EncodedRendition]
LONG = 15.0


class SlowArchive:
    """Answers a request at once, and does the rest some time later, on the same association."""

    def __init__(self) -> None:
        self.then: Callable[[Association, Dataset], None] | None = None
        self.ended = threading.Event()
        self.answers: list[int] = []
        self._threads: list[threading.Thread] = []
        ae = AE("SLOW")
        ae.add_supported_context(StorageCommitmentPushModel)
        server = ae.start_server(
            ("127.0.0.1", 0),
            block=False,
            evt_handlers=[
                (evt.EVT_N_ACTION, self._act),
                (evt.EVT_RELEASED, lambda _: self.ended.set()),
                (evt.EVT_ABORTED, lambda _: self.ended.set()),
            ],
        )
        assert isinstance(server, ThreadedAssociationServer)
        self._server = server
        self.peer = Peer(ae_title="SLOW", host="127.0.0.1", port=server.server_address[1])

    def _act(self, event: evt.Event) -> tuple[int, None]:
        thread = threading.Thread(target=self._later, args=(event.assoc, event.action_information))
        thread.start()
        self._threads.append(thread)
        return 0x0000, None

    def _later(self, association: Association, request: Dataset) -> None:
        time.sleep(0.1)
        if self.then is not None:
            self.then(association, request)

    def report(self, association: Association, request: Dataset) -> None:
        status, _ = association.send_n_event_report(
            request, 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
        )
        self.answers.append(status.Status)

    def finish(self) -> None:
        """Wait until it has done all that it does later."""
        for thread in self._threads:
            thread.join()

    def close(self) -> None:
        self.finish()
        self._server.shutdown()


@pytest.fixture
def archive() -> Iterator[SlowArchive]:
    archive = SlowArchive()
    yield archive
    archive.close()


class Reported:
    """Takes reports, and says whether one came."""

    def __init__(self) -> None:
        self.reports: list[EventReport] = []
        handlers = HandlerTable()
        handlers.register(StorageCommitmentPushModel, self._take)
        self.network = Network(ae_title="XRAY1", handlers=handlers)
        self.service = CommitmentScu(self.network)

    def _take(self, report: EventReport) -> int:
        self.reports.append(report)
        return 0x0000

    def __call__(self) -> bool:
        return bool(self.reports)


@pytest.fixture
def reported() -> Iterator[Reported]:
    reported = Reported()
    yield reported
    reported.network.close()


def request(archive: SlowArchive, ours: Reported, make_object: MakeObject, **options: object) -> str:
    uid = str(generate_uid())
    ours.service.request(archive.peer, uid, [make_object().sop], **options)  # type: ignore[arg-type]
    return uid


def test_a_report_on_the_same_association_is_taken_answered_and_ends_the_wait(
    archive: SlowArchive, reported: Reported, make_object: MakeObject
) -> None:
    archive.then = archive.report
    uid = request(archive, reported, make_object, linger=LONG, reported=reported)
    (report,) = reported.reports
    assert report.information.TransactionUID == uid
    assert archive.ended.wait(LONG)
    archive.finish()
    assert archive.answers == [0x0000]


def test_without_lingering_the_association_is_released_at_once(
    archive: SlowArchive, reported: Reported, make_object: MakeObject
) -> None:
    request(archive, reported, make_object)
    assert archive.ended.wait(LONG)
    assert not reported()


def test_the_wait_ends_after_its_time_and_the_association_with_it(
    archive: SlowArchive, reported: Reported, make_object: MakeObject
) -> None:
    request(archive, reported, make_object, linger=0.05, reported=reported)
    assert archive.ended.wait(LONG)


@pytest.mark.parametrize("way", ["release", "abort"])
def test_a_peer_that_ends_the_association_ends_the_wait_and_not_the_request(
    archive: SlowArchive, reported: Reported, make_object: MakeObject, way: str
) -> None:
    archive.then = lambda association, _: getattr(association, way)()
    request(archive, reported, make_object, linger=LONG, reported=reported)
    assert not reported()


def test_a_cancelled_wait_ends_without_an_error_as_the_request_was_accepted(
    archive: SlowArchive, reported: Reported, make_object: MakeObject
) -> None:
    cancel = CancelToken()
    archive.then = lambda *_: cancel.cancel()
    request(archive, reported, make_object, linger=LONG, reported=reported, cancel=cancel)
    assert not reported()
    assert archive.ended.wait(LONG)
