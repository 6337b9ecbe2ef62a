"""Storage commitment: judgement and the ways that a report takes (PS3.4 section J.3)."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from socketserver import BaseServer
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
)

from modality_sdk.errors import StateError
from modality_sdk.model import SopReference
from modality_sdk.simulator import (
    Abort,
    Commitment,
    CommitmentTransaction,
    Delay,
    Pacs,
    Phase,
    Report,
    Role,
    Silence,
    Step,
)

pytestmark = [pytest.mark.req("X-SIM"), pytest.mark.req("FR-DICOM-05")]

_DX = DigitalXRayImageStorageForPresentation
_SAME = [Commitment.SAME_ASSOCIATION, Commitment.BEFORE_RESPONSE]


class _Reports:
    """Takes reports and remembers them with the roles of their association."""

    def __init__(self) -> None:
        self.received: list[tuple[int, Dataset]] = []
        self.callers: list[str] = []
        self.order: list[str] = []
        self.arrived = threading.Event()

    def take(self, event: evt.Event) -> tuple[int, None]:
        self.received.append((event.event_type, event.event_information))
        self.callers.append(event.assoc.requestor.ae_title)
        self.arrived.set()
        return 0x0000, None

    def watch(self, event: evt.Event) -> None:
        self.order.append(type(event.message).__name__)

    def one(self) -> tuple[int, Dataset]:
        assert self.arrived.wait(5)
        return self.received[0]


@pytest.fixture
def reports() -> _Reports:
    return _Reports()


@pytest.fixture(params=[True, False], ids=["with role selection", "without role selection"])
def listener(request: pytest.FixtureRequest, pacs: Pacs, reports: _Reports) -> Iterator[None]:
    entity = AE("XRAY1")
    entity.require_called_aet = True
    roles = {"scu_role": True, "scp_role": True} if request.param else {}
    entity.add_supported_context(StorageCommitmentPushModel, **roles)
    server = entity.make_server(("127.0.0.1", 0), evt_handlers=[(evt.EVT_N_EVENT_REPORT, reports.take)])
    # as `start_server` does, but it takes half a second to stop
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    pacs.register("XRAY1", "127.0.0.1", server.server_address[1])
    yield
    BaseServer.shutdown(server)
    server.server_close()
    serving.join()


def _request(*references: tuple[str, str], transaction_uid: str = "") -> Dataset:
    information = Dataset()
    information.TransactionUID = transaction_uid or generate_uid(prefix=None)
    information.ReferencedSOPSequence = Sequence()
    for sop_class, instance in references:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, instance
        information.ReferencedSOPSequence.append(item)
    return information


def _store(associate: Any, pacs: Pacs, image: Any) -> str:
    sent = image()
    with associate(pacs, _DX) as association:
        assert association.send_c_store(sent).Status == 0x0000
    return str(sent.SOPInstanceUID)


def _act(association: Any, information: Dataset, action: int = 1, instance: str = "") -> Dataset:
    status, _ = association.send_n_action(
        information, action, StorageCommitmentPushModel, instance or StorageCommitmentPushModelInstance
    )
    return status


def _settled(pacs: Pacs, transaction_uid: str) -> CommitmentTransaction:
    for _ in range(500):
        transaction = pacs.transactions[transaction_uid]
        if transaction.report_status is not None or transaction.report_error:
            return transaction
        threading.Event().wait(0.01)
    raise AssertionError("the report was never answered")


def test_a_report_comes_on_a_new_association(
    associate: Any, pacs: Pacs, image: Any, listener: None, reports: _Reports
) -> None:
    uid = _store(associate, pacs, image)
    information = _request((_DX, uid))
    with associate(pacs, StorageCommitmentPushModel) as association:
        assert _act(association, information).Status == 0x0000
    event_type, report = reports.one()
    assert (event_type, report.TransactionUID) == (1, information.TransactionUID)
    assert report.ReferencedSOPSequence == information.ReferencedSOPSequence
    assert "FailedSOPSequence" not in report
    assert reports.callers == ["PACS"]
    transaction = _settled(pacs, information.TransactionUID)
    assert (transaction.report_status, transaction.event_type, transaction.reports) == (0x0000, 1, 1)


@pytest.mark.parametrize("way", _SAME)
def test_a_report_comes_on_the_association_of_the_request(
    associate: Any, pacs: Pacs, image: Any, reports: _Reports, way: Commitment
) -> None:
    pacs.commitment = way
    uid = _store(associate, pacs, image)
    information = _request((_DX, uid))
    handlers = [(evt.EVT_N_EVENT_REPORT, reports.take), (evt.EVT_DIMSE_RECV, reports.watch)]
    with associate(
        pacs,
        StorageCommitmentPushModel,
        evt_handlers=handlers,
        ext_neg=[build_role(StorageCommitmentPushModel, scu_role=True, scp_role=True)],
    ) as association:
        assert _act(association, information).Status == 0x0000
        assert reports.one()[0] == 1
        assert _settled(pacs, information.TransactionUID).report_status == 0x0000
    behind = ["N_ACTION_RSP", "N_EVENT_REPORT_RQ"]
    assert reports.order == (behind if way is Commitment.SAME_ASSOCIATION else behind[::-1])


def test_a_silent_archive_never_reports_by_itself_but_on_demand(
    associate: Any, pacs: Pacs, image: Any, listener: None, reports: _Reports
) -> None:
    pacs.commitment = Commitment.NEVER
    uid = _store(associate, pacs, image)
    information = _request((_DX, uid))
    with associate(pacs, StorageCommitmentPushModel) as association:
        assert _act(association, information).Status == 0x0000
    assert pacs.transactions[information.TransactionUID].reports == 0
    pacs.report(information.TransactionUID)
    assert reports.one()[0] == 1
    pacs.report(information.TransactionUID)
    assert len(reports.received) == 2
    assert pacs.transactions[information.TransactionUID].reports == 2


@pytest.mark.parametrize("way", list(Commitment)[:3])
def test_failures_are_named_with_their_reasons(
    associate: Any, pacs: Pacs, image: Any, listener: None, reports: _Reports, way: Commitment
) -> None:
    pacs.commitment = way
    good, wrong_class, lost = (_store(associate, pacs, image) for _ in range(3))
    pacs.forget(lost)
    information = _request((_DX, good), (ComputedRadiographyImageStorage, wrong_class), (_DX, lost))
    with associate(
        pacs, StorageCommitmentPushModel, evt_handlers=[(evt.EVT_N_EVENT_REPORT, reports.take)]
    ) as association:
        assert _act(association, information).Status == 0x0000
        event_type, report = reports.one()
        _settled(pacs, information.TransactionUID)
    assert event_type == 2
    assert [item.ReferencedSOPInstanceUID for item in report.ReferencedSOPSequence] == [good]
    assert {item.ReferencedSOPInstanceUID: item.FailureReason for item in report.FailedSOPSequence} == {
        wrong_class: 0x0119,
        lost: 0x0112,
    }
    assert pacs.transactions[information.TransactionUID].failures == {wrong_class: 0x0119, lost: 0x0112}


def test_a_transaction_uid_used_again_fails_all_its_objects(
    associate: Any, pacs: Pacs, image: Any, listener: None, reports: _Reports
) -> None:
    uid = _store(associate, pacs, image)
    information = _request((_DX, uid))
    with associate(pacs, StorageCommitmentPushModel) as association:
        _act(association, information)
        reports.one()
        _settled(pacs, information.TransactionUID)
        reports.arrived.clear()
        assert _act(association, information).Status == 0x0000
        assert reports.arrived.wait(5)
    event_type, report = reports.received[1]
    assert event_type == 2
    assert [item.FailureReason for item in report.FailedSOPSequence] == [0x0131]


def test_an_unknown_requestor_is_answered_0110(associate: Any, pacs: Pacs) -> None:
    with associate(pacs, StorageCommitmentPushModel) as association:
        status = _act(association, _request((_DX, "1.2.3")))
    assert (status.Status, status.ErrorComment) == (0x0110, "unknown calling AE title")
    assert pacs.transactions == {}


def test_an_unknown_requestor_is_aborted_where_the_archive_is_set_so(associate: Any, pacs: Pacs) -> None:
    pacs.abort_unknown = True
    with associate(pacs, StorageCommitmentPushModel) as association:
        assert "Status" not in _act(association, _request((_DX, "1.2.3")))
        association.join(5)
        assert association.is_aborted


def test_a_report_that_finds_no_listener_is_noted_as_failed(
    associate: Any, pacs: Pacs, image: Any, reports: _Reports
) -> None:
    with Pacs(ae_title="CLOSED", in_memory=True) as closed:
        port = closed.port
    pacs.register("XRAY1", "127.0.0.1", port)
    information = _request((_DX, _store(associate, pacs, image)))
    with associate(pacs, StorageCommitmentPushModel) as association:
        assert _act(association, information).Status == 0x0000
    assert _settled(pacs, information.TransactionUID).report_error


def test_a_report_that_breaks_down_is_noted_as_failed(
    associate: Any, pacs: Pacs, listener: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(_: Pacs) -> None:
        raise LookupError

    monkeypatch.setattr(Pacs, "stored", property(unreadable))
    information = _request((_DX, "1.2.3"))
    with associate(pacs, StorageCommitmentPushModel) as association:
        assert _act(association, information).Status == 0x0000
    assert _settled(pacs, information.TransactionUID).report_error == "LookupError"


@pytest.mark.parametrize(("omit", "named"), [(1, 2), (3, 0), (4, 0)])
def test_a_report_omits_no_more_instances_than_there_are(
    associate: Any, pacs: Pacs, listener: None, reports: _Reports, omit: int, named: int
) -> None:
    pacs.script("N-EVENT-REPORT", Report(omit=omit))
    information = _request((_DX, "1.2.1"), (_DX, "1.2.2"), (_DX, "1.2.3"))
    with associate(pacs, StorageCommitmentPushModel) as association:
        assert _act(association, information).Status == 0x0000
    _, report = reports.one()
    assert len(report.get("FailedSOPSequence", ())) == named


@pytest.mark.parametrize(
    ("information", "action", "instance", "status"),
    [
        (partial(_request, (_DX, "1.2.3")), 1, "1.2.3.4", 0x0112),
        (partial(_request, (_DX, "1.2.3")), 2, "", 0x0123),
        (_request, 1, "", 0x0115),
        (partial(_request, (_DX, "1.2.3"), (_DX, "1.2.3")), 1, "", 0x0115),
        (partial(_request, ("", "1.2.3")), 1, "", 0x0115),
        (partial(_request, (_DX, "1.2.3"), transaction_uid="none"), 1, "", 0x0115),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_a_malformed_request_is_refused(
    associate: Any, pacs: Pacs, information: Callable[[], Dataset], action: int, instance: str, status: int
) -> None:
    pacs.commitment = Commitment.NEVER
    with associate(pacs, StorageCommitmentPushModel) as association:
        assert _act(association, information(), action, instance).Status == status
    assert pacs.transactions == {}


def test_a_report_on_demand_needs_a_known_transaction_and_address(associate: Any, pacs: Pacs) -> None:
    with pytest.raises(StateError):
        pacs.report("1.2.3")
    pacs.commitment = Commitment.NEVER
    information = _request((_DX, "1.2.3"))
    with associate(pacs, StorageCommitmentPushModel) as association:
        _act(association, information)
    with pytest.raises(StateError):
        pacs.report(information.TransactionUID)


# misbehaviour -------------------------------------------------------------------------------------------------


def _commit(associate: Any, pacs: Pacs, image: Any, reports: _Reports, *steps: Step, objects: int = 1) -> Dataset:
    pacs.script("N-EVENT-REPORT", *steps)
    information = _request(*((_DX, _store(associate, pacs, image)) for _ in range(objects)))
    handlers = [(evt.EVT_N_EVENT_REPORT, reports.take), (evt.EVT_DIMSE_RECV, reports.watch)]
    with associate(pacs, StorageCommitmentPushModel, evt_handlers=handlers) as association:
        assert _act(association, information).Status == 0x0000
        deadline = threading.Event()
        for _ in range(100):
            if len(reports.received) >= sum(step.copies for step in steps if isinstance(step, Report)):
                break
            deadline.wait(0.02)
    return information


@pytest.mark.parametrize("way", list(Commitment)[:3])
def test_a_report_comes_twice(
    associate: Any, pacs: Pacs, image: Any, listener: None, reports: _Reports, way: Commitment
) -> None:
    information = _commit(associate, pacs, image, reports, Report(way=way, copies=2))
    assert [report.TransactionUID for _, report in reports.received] == [information.TransactionUID] * 2
    assert pacs.transactions[information.TransactionUID].reports == 2


def test_a_report_comes_from_another_ae_title_before_the_response(
    associate: Any, pacs: Pacs, image: Any, listener: None, reports: _Reports
) -> None:
    pacs.script("N-EVENT-REPORT", Report(calling_ae_title="ARCHIVE2", before_response=True))
    information = _request((_DX, _store(associate, pacs, image)))
    with associate(pacs, StorageCommitmentPushModel) as association:
        _act(association, information)
        assert reports.callers == ["ARCHIVE2"]


@pytest.mark.parametrize("role", list(Role))
def test_a_report_comes_with_any_role_selection(
    associate: Any, pacs: Pacs, image: Any, listener: None, reports: _Reports, role: Role
) -> None:
    information = _commit(associate, pacs, image, reports, Report(role=role))
    assert _settled(pacs, information.TransactionUID).report_status == 0x0000
    assert reports.one()[0] == 1


def test_a_report_names_other_instances_another_transaction_and_a_false_event(
    associate: Any, pacs: Pacs, image: Any, listener: None, reports: _Reports
) -> None:
    stranger = SopReference(sop_class_uid=_DX, sop_instance_uid="1.2.3")
    step = Report(omit=1, add=(stranger,), transaction_uid="1.2.3.4", event_type=2)
    information = _commit(associate, pacs, image, reports, step, objects=2)
    event_type, report = reports.one()
    assert (event_type, report.TransactionUID) == (2, "1.2.3.4")
    first = information.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
    assert [item.ReferencedSOPInstanceUID for item in report.ReferencedSOPSequence] == [first, "1.2.3"]


@pytest.mark.parametrize("way", list(Commitment)[:3])
def test_a_scripted_silence_is_one_report_less(
    associate: Any, pacs: Pacs, image: Any, listener: None, reports: _Reports, way: Commitment
) -> None:
    pacs.commitment = way
    silent = _commit(associate, pacs, image, reports, Silence())
    heard = _commit(associate, pacs, image, reports, Delay(seconds=0.02), Report())
    assert reports.one()[1].TransactionUID == heard.TransactionUID
    assert pacs.transactions[silent.TransactionUID].reports == 0


@pytest.mark.parametrize("phase", list(Phase))
def test_the_association_of_a_report_is_aborted(
    associate: Any, pacs: Pacs, image: Any, listener: None, reports: _Reports, phase: Phase
) -> None:
    information = _commit(associate, pacs, image, reports, Abort(phase=phase))
    transaction = _settled(pacs, information.TransactionUID)
    assert len(reports.received) == (phase is Phase.AFTER_RESPONSE)
    assert transaction.report_error == ("" if phase is Phase.AFTER_RESPONSE else "aborted")
