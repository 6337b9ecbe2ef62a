"""What an association does when all goes well, and what it makes of refusals."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLosslessSV1, generate_uid
from pynetdicom.dimse_primitives import C_ECHO
from pynetdicom.dsutils import encode
from pynetdicom.sop_class import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    ModalityPerformedProcedureStep,
    ModalityWorklistInformationFind,
    Verification,
)

from modality_sdk.errors import AssociationAborted, AssociationRejected, ConfigurationError, NegotiationError
from modality_sdk.model import Peer, SopReference, TlsOptions
from modality_sdk.network import MAXIMUM_CONTEXTS, ContextProposal, Network
from modality_sdk.status import Category

pytestmark = [pytest.mark.req("FR-DICOM-09"), pytest.mark.timeout(30)]

Scripted = Callable[..., AbstractContextManager[Peer]]
MPPS = SopReference(sop_class_uid=ModalityPerformedProcedureStep, sop_instance_uid=str(generate_uid()))


def proposal(abstract_syntax: str, *transfer_syntaxes: str) -> ContextProposal:
    return ContextProposal(
        abstract_syntax=abstract_syntax, transfer_syntaxes=transfer_syntaxes or (ExplicitVRLittleEndian,)
    )


ECHOES = 500
ECHO, FIND = proposal(Verification), proposal(ModalityWorklistInformationFind)


def keys(**values: str) -> Dataset:
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


# ---- negotiation ---------------------------------------------------------------------------------


def test_each_transfer_syntax_has_a_context_of_its_own(network: Network, scp: Any) -> None:
    storage = proposal(
        DigitalXRayImageStorageForPresentation, JPEGLosslessSV1, ExplicitVRLittleEndian, ImplicitVRLittleEndian
    )
    with network.lease(scp.peer(), [ECHO, storage]) as association:
        accepted = association.transfer_syntaxes(DigitalXRayImageStorageForPresentation)
        assert accepted == (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
        assert association.transfer_syntaxes(ComputedRadiographyImageStorage) == ()
        assert len({context.context_id for context in association.accepted}) == 3
        assert association.association_seconds > 0
        assert association.peer.ae_title == "SCP"


def test_nothing_accepted_is_a_negotiation_error_that_names_what_was_proposed(network: Network, scp: Any) -> None:
    with (
        pytest.raises(NegotiationError, match="SCP accepted none") as caught,
        network.lease(scp.peer(), [proposal(ComputedRadiographyImageStorage)]),
    ):
        pytest.fail("there is nothing to lease")
    assert caught.value.rejected == (ComputedRadiographyImageStorage,)


def test_a_request_without_its_context_is_a_negotiation_error_and_leaves_the_rest_usable(
    network: Network, scp: Any, rendition: Any
) -> None:
    with network.lease(scp.peer(), [ECHO]) as association:
        with pytest.raises(NegotiationError, match="SCP did not accept"):
            association.c_store(rendition(b""))
        assert association.c_echo().status == 0x0000


@pytest.mark.parametrize("count", [0, MAXIMUM_CONTEXTS + 1])
def test_more_contexts_than_fit_are_refused_before_anybody_is_called(network: Network, scp: Any, count: int) -> None:
    nobody = replace(scp.peer(), host="pacs.invalid")
    with (
        pytest.raises(NegotiationError, match=f"not {count}"),
        network.lease(nobody, [proposal(f"{Verification}.{index}") for index in range(count)]),
    ):
        pytest.fail("there is nothing to lease")


def test_as_many_contexts_as_fit_are_negotiated(network: Network, scp: Any) -> None:
    proposals = [ECHO, *(proposal(f"{Verification}.{index}") for index in range(1, MAXIMUM_CONTEXTS))]
    with network.lease(scp.peer(), proposals) as association:
        assert association.c_echo().status == 0x0000


def test_a_peer_with_tls_is_not_spoken_to_in_the_clear(network: Network, scp: Any, proxy: Any) -> None:
    with (
        pytest.raises(ConfigurationError, match=r"peers\.SCP\.tls"),
        network.lease(replace(scp.peer(proxy.port), tls=TlsOptions()), [ECHO]),
    ):
        pytest.fail("there is nothing to lease")
    assert proxy.connections == 0


@pytest.mark.parametrize(
    ("codes", "words", "transient"),
    [
        ((1, 1, 1), "no reason given", False),
        ((1, 1, 3), "calling AE title not recognized", False),
        ((1, 1, 7), "called AE title not recognized", False),
        ((2, 3, 1), "temporary congestion", True),
        ((2, 3, 2), "local limit exceeded", True),
        ((2, 1, 1), "no reason given", True),
    ],
)
def test_a_rejection_is_told_in_words(
    network: Network, scripted: Scripted, codes: tuple[int, int, int], words: str, transient: bool
) -> None:
    said = f"SCRIPT rejected the association: {words}"
    with scripted(bytes([3, 0, 0, 0, 0, 4, 0, *codes])) as peer:  # noqa: SIM117 - the peer outlives the error
        with pytest.raises(AssociationRejected, match=said) as caught, network.lease(peer, [ECHO]):
            pytest.fail("there is nothing to lease")
    assert (caught.value.result, caught.value.source, caught.value.reason) == codes
    assert caught.value.retryable is transient


@pytest.mark.parametrize(
    ("source", "reason", "words"),
    [(0, 0, "the peer's application aborted"), (2, 1, "association layer aborted: unrecognized PDU")],
)
def test_an_abort_instead_of_an_answer_is_told_in_words(
    network: Network, scripted: Scripted, source: int, reason: int, words: str
) -> None:
    with scripted(bytes([7, 0, 0, 0, 0, 4, 0, 0, source, reason])) as peer:  # noqa: SIM117 - the peer outlives the error
        with pytest.raises(AssociationAborted, match=words) as caught, network.lease(peer, [ECHO]):
            pytest.fail("there is nothing to lease")
    assert (caught.value.source, caught.value.reason) == (source, reason)
    assert not caught.value.ambiguous


# ---- services ------------------------------------------------------------------------------------


@pytest.mark.req("FR-DICOM-01")
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("size", [100, 200_001])
def test_an_object_arrives_byte_for_byte_in_its_own_transfer_syntax(
    network: Network, scp: Any, rendition: Any, syntax: str, size: int
) -> None:
    data = bytes(index % 251 for index in range(size))  # no data set at all: nobody may look into it
    both = proposal(DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, ImplicitVRLittleEndian)
    with network.lease(scp.peer(), [both]) as association:
        response = association.c_store(rendition(data, syntax))
    assert (response.service, response.status, response.category) == ("C-STORE", 0x0000, Category.SUCCESS)
    assert [(stored.rstrip(b"\0"), used) for stored, used in scp.stored] == [(data.rstrip(b"\0"), syntax)]


@pytest.mark.req("FR-DICOM-03")
def test_a_query_yields_its_matches_and_then_the_final_response(network: Network, scp: Any) -> None:
    def find(event: Any) -> Iterator[tuple[int, Dataset | None]]:
        for index in range(3):
            yield 0xFF00, keys(AccessionNumber=str(index))

    scp.find = find
    with network.lease(scp.peer(), [FIND]) as association:
        *matches, last = association.c_find(ModalityWorklistInformationFind, keys(AccessionNumber=""))
        assert association.is_usable
    assert [match.dataset.AccessionNumber for match in matches if match.dataset is not None] == ["0", "1", "2"]
    assert {match.status for match in matches} == {0xFF00}
    assert last.status == 0x0000
    assert last.dataset is None


@pytest.mark.req("FR-DICOM-03")
def test_a_limit_cancels_the_query_at_the_peer(network: Network, scp: Any, eventually: Any) -> None:
    def find(event: Any) -> Iterator[tuple[int, Dataset | None]]:
        for index in range(5):
            yield 0xFF00, keys(AccessionNumber=str(index))
        yield (0xFE00 if eventually(lambda: event.is_cancelled) else 0x0000), None

    scp.find = find
    with network.lease(scp.peer(), [FIND, ECHO]) as association:
        *matches, last = association.c_find(ModalityWorklistInformationFind, keys(AccessionNumber=""), limit=2)
        assert association.c_echo().status == 0x0000
    assert len(matches) == 2
    assert last.status == 0xFE00


@pytest.mark.req("FR-DICOM-03")
def test_a_query_that_nobody_read_to_its_end_makes_the_association_unusable(network: Network, scp: Any) -> None:
    def find(event: Any) -> Iterator[tuple[int, Dataset | None]]:
        yield 0xFF00, keys(AccessionNumber="1")
        yield 0xFF00, keys(AccessionNumber="2")

    scp.find = find
    with network.lease(scp.peer(), [FIND, ECHO]) as association:
        next(association.c_find(ModalityWorklistInformationFind, keys(AccessionNumber="")))
        with pytest.raises(AssociationAborted):
            association.c_echo()


@pytest.mark.req("FR-DICOM-04")
def test_a_step_is_created_and_set_with_what_was_given(network: Network, scp: Any) -> None:
    with network.lease(scp.peer(), [proposal(ModalityPerformedProcedureStep)]) as association:
        created = association.n_create(MPPS, keys(PerformedProcedureStepStatus="IN PROGRESS"))
        changed = association.n_set(MPPS, keys(PerformedProcedureStepStatus="COMPLETED"))
    assert (created.status, changed.status) == (0x0000, 0x0000)
    assert created.sop == MPPS
    assert [received.PerformedProcedureStepStatus for received in scp.received] == ["IN PROGRESS", "COMPLETED"]


@pytest.mark.req("X-IDEMP")
def test_no_response_is_lost_while_another_thread_is_busy(network: Network, scp: Any) -> None:
    done = threading.Event()

    def spin() -> None:
        while not done.is_set():
            sum(range(100))

    interval = sys.getswitchinterval()
    busy = threading.Thread(target=spin)
    busy.start()
    sys.setswitchinterval(1e-4)  # threads take turns fifty times as often, so that any race has its chance
    try:
        with network.lease(scp.peer(), [ECHO]) as association:
            statuses = [association.c_echo().status for _ in range(ECHOES)]
    finally:
        done.set()
        busy.join()
        sys.setswitchinterval(interval)
    assert statuses == [0x0000] * ECHOES


@pytest.mark.req("X-IDEMP")
def test_an_answer_to_another_request_is_not_taken_for_ours(network: Network, scp: Any) -> None:
    """A response that comes late, with a message ID of before, is passed over."""

    def echo_twice(event: Any) -> int:
        stray = C_ECHO()
        stray.MessageIDBeingRespondedTo = event.request.MessageID + 1000
        stray.AffectedSOPClassUID = Verification
        stray.Status = 0x0122
        event.assoc.dimse.send_msg(stray, event.context.context_id)
        return 0x0000

    scp.echo = echo_twice
    with network.lease(scp.peer(), [ECHO]) as association:
        assert [association.c_echo().status for _ in range(3)] == [0x0000] * 3


# ---- a toolkit that is not pynetdicom ------------------------------------------------------------


@pytest.fixture
def storescp(tmp_path: Path, eventually: Any) -> Iterator[tuple[Peer, Path]]:
    """DCMTK's storescp with the directory into which it writes."""
    command = shutil.which("storescp")
    if command is None:
        if os.environ.get("CI") == "true":
            pytest.fail("storescp of DCMTK has to be installed in CI")
        pytest.skip("not run: storescp of DCMTK is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [command, "-od", str(tmp_path), "-aet", "STORESCP", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def answers() -> bool:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 1.0):
            return True
        return False

    try:
        assert eventually(answers)
        yield Peer(ae_title="STORESCP", host="127.0.0.1", port=port), tmp_path
    finally:
        process.kill()
        process.wait()


@pytest.mark.peer("dcmtk")
@pytest.mark.req("FR-DICOM-01")
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_dcmtk_stores_the_very_data_set(
    network: Network, storescp: tuple[Peer, Path], rendition: Any, syntax: UID
) -> None:
    peer, directory = storescp
    sop = SopReference(sop_class_uid=DigitalXRayImageStorageForPresentation, sop_instance_uid=str(generate_uid()))
    dataset = keys(SOPClassUID=sop.sop_class_uid, SOPInstanceUID=sop.sop_instance_uid, PatientName="Test^Phantom")
    dataset.PixelData = bytes(index % 256 for index in range(300_000))
    dataset["PixelData"].VR = "OB"
    encoded = encode(dataset, syntax.is_implicit_VR, syntax.is_little_endian) or b""
    contexts = [ECHO, proposal(DigitalXRayImageStorageForPresentation, syntax)]
    with network.lease(peer, contexts) as association:
        assert association.c_echo().status == 0x0000
        assert association.c_store(rendition(encoded, syntax, sop)).status == 0x0000
        assert association.c_store(rendition(encoded, syntax, sop)).status == 0x0000
    (path,) = directory.iterdir()
    stored = dcmread(path)
    assert stored.file_meta.TransferSyntaxUID == syntax
    assert stored.PixelData == dataset.PixelData
    assert path.read_bytes().endswith(encoded)
