"""C-STORE batches."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLosslessSV1, generate_uid
from pynetdicom import AllStoragePresentationContexts

from modality_sdk.errors import Cancelled, ConnectError, NegotiationError
from modality_sdk.model import CancelToken, Peer, StoreResult
from modality_sdk.network import Network
from modality_sdk.scu import Storage, StorageScu
from modality_sdk.simulator import Hospital, Pacs
from modality_sdk.status import Action, Category
from modality_sdk.transcoding import EncodedRendition

MakeObject = Callable[..., EncodedRendition]


@pytest.fixture
def service(network: Network) -> Storage:
    return StorageScu(network)


@pytest.fixture
def implicit_pacs() -> Iterator[Pacs]:
    with Pacs(transfer_syntaxes=[ImplicitVRLittleEndian], in_memory=True) as pacs:
        yield pacs


@pytest.mark.req("FR-DICOM-01")
def test_every_object_arrives_unchanged_and_has_its_result_in_order(
    hospital: Hospital, service: Storage, make_object: MakeObject
) -> None:
    objects = [make_object() for _ in range(3)]
    seen: list[StoreResult] = []
    results = service.store(hospital.pacs.peer, objects, progress=seen.append)
    assert [result.sop for result in results] == [one.sop for one in objects]
    assert all(result.stored and result.status == 0 for result in results)
    assert {result.transfer_syntax_uid for result in results} == {ExplicitVRLittleEndian}
    assert seen == results
    for one in objects:
        stored = hospital.pacs.stored[one.sop.sop_instance_uid]
        assert stored.path is not None
        assert stored.path.read_bytes().endswith(one.data)


@pytest.mark.req("FR-DICOM-02")
def test_a_peer_that_takes_implicit_vr_alone_gets_it_without_loss(
    implicit_pacs: Pacs, service: Storage, make_object: MakeObject
) -> None:
    one = make_object()
    (result,) = service.store(implicit_pacs.peer, [one])
    assert result.stored
    assert result.transfer_syntax_uid == ImplicitVRLittleEndian
    stored = implicit_pacs.stored[one.sop.sop_instance_uid]
    assert stored.transfer_syntax_uid == ImplicitVRLittleEndian
    assert stored.dataset().PatientName == "SECRET^NAME"
    assert stored.dataset().Rows == 2


@pytest.mark.req("FR-DICOM-02")
def test_a_peer_s_list_of_syntaxes_decides_what_is_proposed(
    hospital: Hospital, service: Storage, make_object: MakeObject
) -> None:
    pacs = hospital.pacs
    peer = Peer(ae_title=pacs.ae_title, host=pacs.host, port=pacs.port, transfer_syntaxes=(ImplicitVRLittleEndian,))
    (result,) = service.store(peer, [make_object()])
    assert result.transfer_syntax_uid == ImplicitVRLittleEndian


@pytest.mark.req("FR-DICOM-01")
def test_a_class_that_the_peer_does_not_take_keeps_no_other_object(
    hospital: Hospital, service: Storage, make_object: MakeObject
) -> None:
    foreign, compressed = make_object(generate_uid()), make_object(syntax=JPEGLosslessSV1)
    objects = [foreign, make_object(), compressed, make_object()]
    results = service.store(hospital.pacs.peer, objects)
    assert [result.stored for result in results] == [False, True, False, True]
    for held in (results[0], results[2]):
        assert held.action is Action.HOLD
        assert held.status is None
        assert "not negotiable at this peer" in held.meaning
        assert not held.ambiguous


@pytest.mark.req("FR-DICOM-01")
def test_nothing_negotiable_at_all_is_an_error(hospital: Hospital, service: Storage, make_object: MakeObject) -> None:
    with pytest.raises(NegotiationError):
        service.store(hospital.pacs.peer, [make_object(generate_uid())])
    with pytest.raises(NegotiationError):
        service.store(hospital.pacs.peer, [make_object(syntax=JPEGLosslessSV1)])


@pytest.mark.req("FR-DICOM-01")
def test_nothing_in_an_allowed_syntax_is_an_error_without_a_connection(
    service: Storage, make_object: MakeObject
) -> None:
    peer = Peer(ae_title="NOBODY", host="127.0.0.1", port=1, transfer_syntaxes=(JPEGLosslessSV1,))
    with pytest.raises(NegotiationError):
        service.store(peer, [make_object()])


@pytest.mark.req("FR-DICOM-01")
@pytest.mark.parametrize(
    ("status", "action"), [(0xA900, Action.PARK), (0xC001, Action.RETRY), (0x0110, Action.RETRY), (0xFE00, Action.PARK)]
)
def test_a_failure_that_concerns_one_object_lets_the_others_go(
    hospital: Hospital, service: Storage, make_object: MakeObject, status: int, action: Action
) -> None:
    hospital.pacs.refuse("C-STORE", status, times=1)
    results = service.store(hospital.pacs.peer, [make_object(), make_object()])
    assert (results[0].status, results[0].action, results[0].stored) == (status, action, False)
    assert results[1].stored


@pytest.mark.req("FR-DICOM-01")
@pytest.mark.parametrize("status", [0xB000, 0xB006, 0xB007, 0xB123])
def test_a_warning_is_stored(hospital: Hospital, service: Storage, make_object: MakeObject, status: int) -> None:
    hospital.pacs.refuse("C-STORE", status, times=1)
    (result,) = service.store(hospital.pacs.peer, [make_object()])
    assert result.stored
    assert (result.category, result.action) == (Category.WARNING, Action.ACCEPT)


@pytest.mark.req("FR-DICOM-01")
@pytest.mark.parametrize(("status", "action"), [(0xA700, Action.RETRY), (0x0213, Action.RETRY), (0x0124, Action.HOLD)])
def test_a_failure_that_concerns_the_peer_stops_the_batch(
    hospital: Hospital, service: Storage, make_object: MakeObject, status: int, action: Action
) -> None:
    hospital.pacs.refuse("C-STORE", status, times=1)
    objects = [make_object() for _ in range(3)]
    results = service.store(hospital.pacs.peer, objects)
    assert (results[0].status, results[0].action) == (status, action)
    assert [(rest.status, rest.action, rest.ambiguous) for rest in results[1:]] == [(None, action, False)] * 2
    assert all(rest.meaning.startswith("not attempted") for rest in results[1:])
    assert hospital.pacs.stored == {}


@pytest.mark.req("FR-DICOM-01")
def test_a_lost_connection_leaves_one_object_doubtful_and_the_rest_unattempted(
    hospital: Hospital, service: Storage, make_object: MakeObject
) -> None:
    pacs = hospital.pacs

    def unplug_during_the_next(result: StoreResult) -> None:
        if not pacs.misbehaviour.delay_of("C-STORE"):
            pacs.delay("C-STORE", 5)
            threading.Timer(0.1, pacs.offline).start()
        elif result.stored:  # answered with the cable half out
            time.sleep(0.05)

    results = service.store(pacs.peer, [make_object() for _ in range(20)], progress=unplug_during_the_next)
    stored = [result for result in results if result.stored]
    lost = results[len(stored) :]
    assert stored
    assert lost
    assert [result.action for result in lost] == [Action.RETRY] * len(lost)
    assert not any(result.ambiguous for result in lost[1:])
    assert all(result.meaning.startswith("not attempted") for result in lost[1:])


@pytest.mark.req("FR-DICOM-01")
def test_cancelling_in_the_middle_of_an_object_leaves_that_one_doubtful(
    hospital: Hospital, service: Storage, make_object: MakeObject
) -> None:
    hospital.pacs.delay("C-STORE", 5)
    token = CancelToken()
    timer = threading.Timer(0.2, token.cancel)
    timer.start()
    results = service.store(hospital.pacs.peer, [make_object() for _ in range(3)], cancel=token)
    timer.join()
    assert [result.action for result in results] == [Action.RETRY] * 3
    assert [result.ambiguous for result in results] == [True, False, False]


@pytest.mark.req("FR-DICOM-01")
def test_an_association_that_ended_between_two_objects_leaves_none_doubtful(
    hospital: Hospital, service: Storage, make_object: MakeObject
) -> None:
    ended: list[StoreResult] = []

    def unplug(result: StoreResult) -> None:
        if not ended:
            hospital.pacs.offline()
        ended.append(result)

    results = service.store(hospital.pacs.peer, [make_object() for _ in range(3)], progress=unplug)
    assert [result.stored for result in results] == [True, False, False]
    assert [result.action for result in results[1:]] == [Action.RETRY] * 2
    assert not results[2].ambiguous


@pytest.mark.req("FR-DICOM-01")
def test_no_answer_in_time_leaves_the_object_doubtful(
    hospital: Hospital, service: Storage, make_object: MakeObject
) -> None:
    hospital.pacs.delay("C-STORE", 5)
    results = service.store(hospital.pacs.peer, [make_object(), make_object()], timeout=0.3)
    assert [(result.action, result.ambiguous) for result in results] == [
        (Action.RETRY, True),
        (Action.RETRY, False),
    ]


@pytest.mark.req("FR-DICOM-01")
def test_nobody_there_is_an_error_and_no_list(hospital: Hospital, service: Storage, make_object: MakeObject) -> None:
    peer = hospital.pacs.peer
    hospital.pacs.offline()
    with pytest.raises(ConnectError):
        service.store(peer, [make_object()])


@pytest.mark.req("FR-DICOM-01")
def test_cancelling_before_the_first_object_is_an_error(
    hospital: Hospital, service: Storage, make_object: MakeObject
) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        service.store(hospital.pacs.peer, [make_object()], cancel=token)


@pytest.mark.req("FR-DICOM-01")
def test_cancelling_between_two_objects_keeps_what_was_stored(
    hospital: Hospital, service: Storage, make_object: MakeObject
) -> None:
    token = CancelToken()
    objects = [make_object() for _ in range(3)]
    results = service.store(hospital.pacs.peer, objects, cancel=token, progress=lambda _: token.cancel())
    assert [result.stored for result in results] == [True, False, False]
    assert [result.action for result in results[1:]] == [Action.RETRY, Action.RETRY]


@pytest.mark.req("FR-DICOM-01")
@pytest.mark.parametrize("implicit", [False, True])
def test_an_object_that_cannot_be_read_is_parked_and_the_others_go(
    hospital: Hospital, implicit_pacs: Pacs, service: Storage, make_object: MakeObject, unreadable: Any, implicit: bool
) -> None:
    peer = implicit_pacs.peer if implicit else hospital.pacs.peer
    results = service.store(peer, [make_object(), unreadable(make_object()), make_object()])
    assert [result.stored for result in results] == [True, False, True]
    assert results[1].action is Action.PARK
    assert "could not be read" in results[1].meaning


@pytest.mark.req("FR-DICOM-01")
def test_more_contexts_than_an_association_holds_are_spread_over_several(
    hospital: Hospital, service: Storage, make_object: MakeObject
) -> None:
    classes = [str(context.abstract_syntax) for context in AllStoragePresentationContexts[:70]]
    results = service.store(hospital.pacs.peer, [make_object(sop_class) for sop_class in classes])
    assert [result.sop.sop_class_uid for result in results] == classes
    assert all(result.stored for result in results)


@pytest.mark.req("FR-DICOM-01")
def test_an_empty_batch_needs_no_connection(service: Storage) -> None:
    assert service.store(Peer(ae_title="NOBODY", host="127.0.0.1", port=1), []) == []


@pytest.mark.req("FR-DICOM-01")
def test_a_failing_progress_callback_harms_nothing(
    hospital: Hospital, service: Storage, make_object: MakeObject, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: StoreResult) -> None:
        raise RuntimeError("SECRET^NAME")

    results = service.store(hospital.pacs.peer, [make_object(), make_object()], progress=fail)
    assert all(result.stored for result in results)
    assert "RuntimeError" in caplog.text
    assert "SECRET" not in caplog.text


@pytest.mark.req("NFR-SEC-01")
def test_no_patient_data_is_logged_or_in_a_result(
    hospital: Hospital, service: Storage, make_object: MakeObject, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hospital.pacs.refuse("C-STORE", 0xA900, times=1, comment="SECRET-ID")
    results = service.store(hospital.pacs.peer, [make_object(), make_object()])
    assert "SECRET" not in caplog.text
    assert "SECRET" not in repr(results)
