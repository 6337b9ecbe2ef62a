"""The reports of storage commitment, on associations that we opened and on those that the archive opens."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BytesIO
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid
from pynetdicom import AE, build_role
from pynetdicom.dimse_primitives import N_EVENT_REPORT
from pynetdicom.dsutils import encode
from pynetdicom.sop_class import (
    DigitalXRayImageStorageForPresentation,
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
    Verification,
)

from modality_sdk.errors import AssociationAborted, ConfigurationError
from modality_sdk.model import ListenerOptions, SopReference
from modality_sdk.network import ContextProposal, EventReport, HandlerTable, Listener, Network
from modality_sdk.testing.fault_proxy import FaultProxy, Faults

pytestmark = [pytest.mark.req("FR-DICOM-05"), pytest.mark.timeout(30)]

COMMITMENT = SopReference(sop_class_uid=StorageCommitmentPushModel, sop_instance_uid=StorageCommitmentPushModelInstance)
CONTEXTS = [ContextProposal(abstract_syntax=StorageCommitmentPushModel, transfer_syntaxes=(ExplicitVRLittleEndian,))]
ALL_COMMITTED = 1


def report(transaction_uid: str) -> Dataset:
    information = Dataset()
    information.TransactionUID = transaction_uid
    item = Dataset()
    item.ReferencedSOPClassUID = DigitalXRayImageStorageForPresentation
    item.ReferencedSOPInstanceUID = generate_uid()
    information.ReferencedSOPSequence = [item]
    return information


def send_report(event: Any, information: Dataset) -> None:
    """Send a report on the association of ``event`` without waiting for its answer."""
    request = N_EVENT_REPORT()
    request.MessageID = 77
    request.AffectedSOPClassUID = StorageCommitmentPushModel
    request.AffectedSOPInstanceUID = StorageCommitmentPushModelInstance
    request.EventTypeID = ALL_COMMITTED
    request.EventInformation = BytesIO(encode(information, False, True) or b"")
    event.assoc.dimse.send_msg(request, event.context.context_id if hasattr(event, "context") else 1)


class Reports:
    """A handler that keeps what comes."""

    def __init__(self, answer: Callable[[], int] = lambda: 0x0000) -> None:
        self.kept: list[EventReport] = []
        self.came = threading.Event()
        self._answer = answer
        self.table = HandlerTable()
        self.table.register(StorageCommitmentPushModel, self)

    def __call__(self, received: EventReport) -> int:
        self.kept.append(received)
        self.came.set()
        return self._answer()


def fail() -> int:
    raise KeyError("something in the handler")


# ---- on an association that we opened ------------------------------------------------------------


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("answer", "status"), [(lambda: 0x0000, 0x0000), (lambda: 0x0211, 0x0211), (fail, 0x0110)])
def test_a_report_on_our_association_is_answered(
    scp: Any, eventually: Any, moment: str, answer: Callable[[], int], status: int
) -> None:
    transaction = str(generate_uid())
    setattr(
        scp, "action" if moment == "before" else "action_sent", lambda event: send_report(event, report(transaction))
    )
    reports = Reports(answer)
    network = Network(ae_title="XRAY1", handlers=reports.table)
    with network.lease(scp.peer(), CONTEXTS) as association:
        assert association.n_action(COMMITMENT, 1, report(transaction)).status == 0x0000
        assert reports.came.wait(3.0)
    assert eventually(lambda: scp.event_statuses == [status])
    (received,) = reports.kept
    assert received.sop == COMMITMENT
    assert received.event_type == ALL_COMMITTED
    assert received.information.TransactionUID == transaction
    assert (received.calling_ae_title, received.called_ae_title) == ("SCP", "XRAY1")
    assert received.address == "127.0.0.1"


def test_a_report_that_nobody_handles_is_answered_as_an_unknown_class(
    network: Network, scp: Any, eventually: Any
) -> None:
    scp.action = lambda event: send_report(event, report(str(generate_uid())))
    with network.lease(scp.peer(), CONTEXTS) as association:
        association.n_action(COMMITMENT, 1, report(str(generate_uid())))
        assert eventually(lambda: scp.event_statuses == [0x0118])


def test_a_handler_that_takes_its_time_does_not_hold_up_the_response(scp: Any, eventually: Any) -> None:
    release = threading.Event()
    scp.action = lambda event: send_report(event, report(str(generate_uid())))
    reports = Reports(lambda: 0x0000 if release.wait(3.0) else 0x0110)
    network = Network(ae_title="XRAY1", handlers=reports.table)
    with network.lease(scp.peer(), CONTEXTS) as association:
        assert association.n_action(COMMITMENT, 1, report(str(generate_uid()))).status == 0x0000
        assert not scp.event_statuses
        release.set()
    assert eventually(lambda: scp.event_statuses == [0x0000])


def test_a_report_that_crosses_our_release_is_handled_though_it_can_no_longer_be_answered(
    scp: Any, proxy: FaultProxy, eventually: Any
) -> None:
    """After its A-RELEASE request a requestor may receive, but not send, data (PS3.8 Table 9-10)."""
    transaction = str(generate_uid())
    late: list[threading.Timer] = []

    def send_late(event: Any) -> None:
        late.append(threading.Timer(0.05, send_report, (event, report(transaction))))
        late[0].start()

    scp.action_sent = send_late
    reports = Reports()
    with Network(ae_title="XRAY1", handlers=reports.table).lease(scp.peer(proxy.port), CONTEXTS) as association:
        proxy.down = Faults(delay=0.1)
        assert association.n_action(COMMITMENT, 1, report(transaction)).status == 0x0000
    late[0].join()
    assert reports.came.wait(3.0)
    assert reports.kept[0].information.TransactionUID == transaction
    assert not scp.event_statuses


def test_a_report_whose_association_ended_meanwhile_is_handled_all_the_same(scp: Any, eventually: Any) -> None:
    ended = threading.Event()

    def report_and_abort(event: Any) -> None:
        send_report(event, report(str(generate_uid())))
        reports.came.wait(3.0)
        event.assoc.abort()

    scp.action = report_and_abort
    reports = Reports(lambda: 0x0000 if ended.wait(3.0) else 0x0110)
    network = Network(ae_title="XRAY1", handlers=reports.table)
    with pytest.raises(AssociationAborted), network.lease(scp.peer(), CONTEXTS) as association:
        association.n_action(COMMITMENT, 1, report(str(generate_uid())))
    ended.set()
    assert eventually(lambda: not [t for t in threading.enumerate() if t.name == "modality-event-report"])
    assert len(reports.kept) == 1
    assert not scp.event_statuses


def test_a_report_that_is_answered_after_we_aborted_breaks_nothing(scp: Any, eventually: Any) -> None:
    ended = threading.Event()
    scp.action = lambda event: send_report(event, report(str(generate_uid())))
    reports = Reports(lambda: 0x0000 if ended.wait(3.0) else 0x0110)
    network = Network(ae_title="XRAY1", handlers=reports.table)
    with network.lease(scp.peer(), CONTEXTS) as association:
        association.n_action(COMMITMENT, 1, report(str(generate_uid())))
        assert reports.came.wait(3.0)
        association.abort()
    ended.set()
    assert eventually(lambda: not [t for t in threading.enumerate() if t.name == "modality-event-report"])
    assert not scp.event_statuses


# ---- on an association that the archive opens ----------------------------------------------------


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
def listener(reports: Reports) -> Iterator[Listener]:
    with Listener(ListenerOptions(ae_title="XRAY1", host="127.0.0.1", port=0), reports.table) as listener:
        yield listener


def archive() -> AE:
    ae = AE(ae_title="ARCHIVE")
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 5
    ae.add_requested_context(StorageCommitmentPushModel, [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
    ae.add_requested_context(Verification)
    return ae


@pytest.mark.parametrize("role", [True, False], ids=["with role selection", "without"])
def test_the_listener_takes_a_report_of_the_archive(listener: Listener, reports: Reports, role: bool) -> None:
    transaction = str(generate_uid())
    roles = [build_role(StorageCommitmentPushModel, scu_role=False, scp_role=True)] if role else []
    association = archive().associate("127.0.0.1", listener.port, ae_title="XRAY1", ext_neg=roles)
    assert association.is_established
    (context,) = (c for c in association.accepted_contexts if c.abstract_syntax == StorageCommitmentPushModel)
    if role:
        assert context.as_scp, "without the acceptor's role item an archive may not report"
    context._as_scp = True  # an archive that knows no role selection reports all the same
    status, _ = association.send_n_event_report(
        report(transaction), ALL_COMMITTED, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
    )
    association.release()
    assert status.Status == 0x0000
    (received,) = reports.kept
    assert received.sop == COMMITMENT
    assert received.information.TransactionUID == transaction
    assert (received.calling_ae_title, received.called_ae_title) == ("ARCHIVE", "XRAY1")
    assert received.address == "127.0.0.1"


def test_a_handler_that_fails_is_answered_for_by_the_listener() -> None:
    reports = Reports(fail)
    with Listener(ListenerOptions(ae_title="XRAY1", host="127.0.0.1", port=0), reports.table) as listener:
        roles = [build_role(StorageCommitmentPushModel, scp_role=True)]
        association = archive().associate("127.0.0.1", listener.port, ae_title="XRAY1", ext_neg=roles)
        status, _ = association.send_n_event_report(
            report(str(generate_uid())), ALL_COMMITTED, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
        )
        association.release()
    assert status.Status == 0x0110


def test_the_listener_answers_an_echo_and_rejects_who_means_somebody_else(listener: Listener) -> None:
    association = archive().associate("127.0.0.1", listener.port, ae_title="XRAY1")
    assert association.send_c_echo().Status == 0x0000
    association.release()

    rejected = archive().associate("127.0.0.1", listener.port, ae_title="XRAY2")
    assert rejected.is_rejected
    answer = rejected.acceptor.primitive
    assert (answer.result, answer.result_source, answer.diagnostic) == (1, 1, 7)


def test_silent_clients_keep_nobody_waiting(listener: Listener) -> None:
    with ExitStack() as silent:
        for _ in range(20):
            silent.enter_context(socket.create_connection(("127.0.0.1", listener.port), 2.0))
        association = archive().associate("127.0.0.1", listener.port, ae_title="XRAY1")
        assert association.is_established
        assert association.send_c_echo().Status == 0x0000
        association.release()
        listener.stop()


def test_one_association_more_than_allowed_is_rejected_as_passing(reports: Reports, eventually: Any) -> None:
    options = ListenerOptions(ae_title="XRAY1", host="127.0.0.1", port=0, maximum_associations=1)
    with Listener(options, reports.table) as listener:
        first = archive().associate("127.0.0.1", listener.port, ae_title="XRAY1")
        assert first.send_c_echo().Status == 0x0000
        second = archive().associate("127.0.0.1", listener.port, ae_title="XRAY1")
        assert second.is_rejected
        assert second.acceptor.primitive.result == 2
        first.release()


def test_a_port_in_use_is_named_as_the_setting(reports: Reports) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        listener = Listener(ListenerOptions(ae_title="XRAY1", host="127.0.0.1", port=port), reports.table)
        with pytest.raises(ConfigurationError, match=rf"listen\.port: .*{port}") as caught:
            listener.start()
    assert caught.value.field == "listen.port"
    listener.stop()


def test_a_stopped_listener_is_gone_with_its_associations_and_can_start_again(reports: Reports) -> None:
    listener = Listener(ListenerOptions(ae_title="XRAY1", host="127.0.0.1", port=0), reports.table)
    listener.start()
    port = listener.port
    assert port != 0
    listener.start()
    assert listener.port == port
    open_one = archive().associate("127.0.0.1", port, ae_title="XRAY1")
    assert open_one.is_established
    listener.stop()
    listener.stop()
    open_one.join(5.0)
    assert not open_one.is_established
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1.0)
    with listener:
        socket.create_connection(("127.0.0.1", listener.port), 1.0).close()


def test_an_address_that_is_not_ours_is_named_as_the_setting(reports: Reports) -> None:
    listener = Listener(ListenerOptions(ae_title="XRAY1", host="192.0.2.1", port=0), reports.table)
    with pytest.raises(ConfigurationError, match=r"listen\.host"):
        listener.start()
