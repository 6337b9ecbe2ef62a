"""Manners, cable and life of the providers."""

import contextlib
import logging
import socket
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid
from pynetdicom.sop_class import (
    DigitalXRayImageStorageForPresentation,
    ModalityPerformedProcedureStep,
    ModalityWorklistInformationFind,
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
    Verification,
)

from modality_sdk.errors import ConfigurationError
from modality_sdk.simulator import Hospital, Pacs, Ris

pytestmark = pytest.mark.req("X-SIM")

_DX = DigitalXRayImageStorageForPresentation


def _query() -> Dataset:
    identifier = Dataset()
    identifier.ScheduledProcedureStepSequence = Sequence()
    identifier.PatientName = ""
    return identifier


def _ask(association: Any, service: str, image: Any) -> int:
    uid = generate_uid(prefix=None)
    match service:
        case "C-ECHO":
            status = association.send_c_echo()
        case "C-FIND":
            status = list(association.send_c_find(_query(), ModalityWorklistInformationFind))[-1][0]
        case "C-STORE":
            status = association.send_c_store(image())
        case "N-CREATE":
            status = association.send_n_create(_query(), ModalityPerformedProcedureStep, uid)[0]
        case "N-SET":
            status = association.send_n_set(_query(), ModalityPerformedProcedureStep, uid)[0]
        case _:
            status = association.send_n_action(
                _query(), 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
            )[0]
    return int(status.Status)


@pytest.mark.parametrize(
    ("service", "sop_class", "refused"),
    [
        ("C-ECHO", Verification, 0x0210),
        ("C-FIND", ModalityWorklistInformationFind, 0xA700),
        ("C-STORE", _DX, 0xA700),
        ("N-CREATE", ModalityPerformedProcedureStep, 0x0213),
        ("N-SET", ModalityPerformedProcedureStep, 0x0110),
        ("N-ACTION", StorageCommitmentPushModel, 0x0213),
    ],
)
def test_a_service_is_refused_as_often_as_was_said(
    associate: Any, image: Any, service: str, sop_class: str, refused: int
) -> None:
    with Hospital() as hospital:
        provider = hospital.pacs if service in ("C-STORE", "N-ACTION") else hospital.ris
        provider.refuse(service, refused, times=2)
        with associate(provider, sop_class) as association:
            statuses = [_ask(association, service, image) for _ in range(3)]
        assert statuses[:2] == [refused, refused]
        assert statuses[2] != refused
        assert provider.refusals == ()
        assert [exchange.status for exchange in provider.exchanges][:2] == [refused, refused]
        assert {(e.service, e.calling_ae_title) for e in provider.exchanges} == {(service, "XRAY1")}


def test_a_refused_object_is_not_kept_and_the_comment_comes_along(associate: Any, pacs: Pacs, image: Any) -> None:
    pacs.refuse("C-STORE", 0xA701, comment="disk full")
    with associate(pacs, _DX) as association:
        status = association.send_c_store(image())
        assert (status.Status, status.ErrorComment) == (0xA701, "disk full")
        assert pacs.stored == {}
        pacs.behave()
        assert association.send_c_store(image()).Status == 0x0000


def test_refusals_queue_up_per_service(ris: Ris, associate: Any) -> None:
    ris.refuse("C-ECHO", 0x0210, times=1)
    ris.refuse("C-ECHO", 0x0122, times=1)
    with associate(ris, Verification) as association:
        assert [association.send_c_echo().Status for _ in range(3)] == [0x0210, 0x0122, 0x0000]


@pytest.mark.parametrize(
    ("arguments", "options"), [(("C-MOVE", 0), {}), (("C-FIND", 0x10000), {}), (("C-FIND", 0xA700), {"times": 0})]
)
def test_an_impossible_refusal_is_a_configuration_error(ris: Ris, arguments: Any, options: Any) -> None:
    with pytest.raises(ConfigurationError):
        ris.refuse(*arguments, **options)
    with pytest.raises(ConfigurationError):
        ris.delay("C-ECHO", -1)


def test_a_delayed_answer_outlasts_the_requestors_patience(ris: Ris, associate: Any) -> None:
    ris.delay("C-ECHO", 30)
    with associate(ris, Verification) as association:
        association.dimse_timeout = 0.1
        assert "Status" not in association.send_c_echo()


def test_the_cable_can_be_pulled_and_put_back(ris: Ris, associate: Any) -> None:
    port = ris.port
    with associate(ris, Verification) as association:
        assert association.send_c_echo().Status == 0x0000
        ris.offline()
        association.join(5)
        assert not association.is_established
    with pytest.raises(ConnectionRefusedError), socket.create_connection((ris.host, port), timeout=2):
        pass
    ris.online()
    assert ris.port == port
    with associate(ris, Verification) as association:
        assert association.send_c_echo().Status == 0x0000


def test_nothing_is_forgotten_while_the_cable_is_out(associate: Any, image: Any) -> None:
    with Hospital() as hospital:
        sent = image()
        with associate(hospital.pacs, _DX) as association:
            association.send_c_store(sent)
        hospital.pacs.offline()
        hospital.pacs.online()
        assert hospital.pacs.stored[sent.SOPInstanceUID].dataset() == sent


def test_a_port_in_use_is_a_configuration_error_and_leaves_nothing_open(
    ris: Ris, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = set(threading.enumerate())
    with pytest.raises(ConfigurationError, match="port"):
        Hospital(pacs_port=ris.port).open()
    assert set(threading.enumerate()) <= before
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_behind_after_close(associate: Any, image: Any) -> None:
    before = set(threading.enumerate())
    opened = _open_sockets()
    hospital = Hospital().open()
    with contextlib.ExitStack() as stack:
        for provider, sop_class in ((hospital.ris, Verification), (hospital.pacs, _DX)):
            association = stack.enter_context(associate(provider, Verification, sop_class))
            assert association.send_c_echo().Status == 0x0000
        # a client that never says anything, and one in the middle of a PDU
        silent = stack.enter_context(socket.create_connection((hospital.ris.host, hospital.ris.port)))
        silent.sendall(b"\x01\x00\x00")
        hospital.pacs.delay("C-ECHO", 60)
        waiting = threading.Thread(target=association.send_c_echo)
        waiting.start()
        hospital.close()
        waiting.join(10)
    hospital.close()
    assert set(threading.enumerate()) <= before
    assert _open_sockets() == opened


def _open_sockets() -> int:
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        return 0
    count = 0
    for descriptor in descriptors.iterdir():
        with contextlib.suppress(OSError):
            count += "socket:" in str(descriptor.readlink())
    return count


def test_many_requestors_are_served_at_once(associate: Any, image: Any, pacs: Pacs) -> None:
    sent = [image() for _ in range(8)]
    failures: list[BaseException] = []

    def send(dataset: Dataset) -> None:
        try:
            with associate(pacs, _DX) as association:
                assert association.send_c_store(dataset).Status == 0x0000
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=send, args=(dataset,)) for dataset in sent]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert failures == []
    assert set(pacs.stored) == {dataset.SOPInstanceUID for dataset in sent}


def test_no_patient_data_reaches_the_log(caplog: pytest.LogCaptureFixture, associate: Any, image: Any) -> None:
    caplog.set_level(logging.DEBUG)
    with Hospital() as hospital:
        name = hospital.ris.worklist[0].PatientName
        with associate(hospital.ris, ModalityWorklistInformationFind) as association:
            answers = [a for _, a in association.send_c_find(_query(), ModalityWorklistInformationFind) if a]
        with associate(hospital.pacs, _DX) as association:
            association.send_c_store(image())
    assert name in [answer.PatientName for answer in answers]
    assert str(name) not in caplog.text
    assert "SAMANTHA" not in caplog.text


def test_a_hospital_can_be_opened_again(associate: Any) -> None:
    hospital = Hospital()
    for _ in range(2):
        with hospital, associate(hospital.pacs, Verification) as association:
            assert association.send_c_echo().Status == 0x0000


def test_a_provider_names_itself_as_a_peer(ris: Ris) -> None:
    peer = ris.peer
    assert (peer.ae_title, peer.host, peer.port) == ("RIS", "127.0.0.1", ris.port)
