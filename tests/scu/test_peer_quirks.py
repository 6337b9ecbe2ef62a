"""What the quirks of a peer change on the wire."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLosslessSV1,
    generate_uid,
)
from pynetdicom import AE, evt
from pynetdicom.sop_class import StorageCommitmentPushModel, Verification
from pynetdicom.transport import ThreadedAssociationServer

from modality_sdk.errors import NegotiationError
from modality_sdk.model import Peer, Quirks, SopReference
from modality_sdk.network import Network
from modality_sdk.scu import CommitmentScu, StorageScu, VerificationScu
from modality_sdk.transcoding import EncodedRendition

pytestmark = pytest.mark.req("FR-DICOM-09")

MakeObject = Callable[..., EncodedRendition]
DX = DigitalXRayImageStorageForPresentation


class Archive:
    """Takes everything and notes what was proposed and how large the PDUs were."""

    def __init__(self) -> None:
        self.proposed: list[list[tuple[str, str]]] = []
        self.longest = 0
        ae = AE("ARCHIVE")
        ae.maximum_pdu_size = 65536
        syntaxes = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLosslessSV1]
        for sop_class in (DX, Verification, StorageCommitmentPushModel):
            ae.add_supported_context(sop_class, syntaxes)
        server = ae.start_server(
            ("127.0.0.1", 0),
            block=False,
            evt_handlers=[
                (evt.EVT_REQUESTED, self._note_contexts),
                (evt.EVT_DATA_RECV, self._note_length),
                (evt.EVT_C_STORE, lambda _: 0x0000),
                (evt.EVT_N_ACTION, lambda _: (0x0000, None)),
            ],
        )
        assert isinstance(server, ThreadedAssociationServer)
        self._server = server
        self.peer = Peer(ae_title="ARCHIVE", host="127.0.0.1", port=server.server_address[1])

    def with_quirks(self, **quirks: object) -> Peer:
        return replace(self.peer, quirks=Quirks(**quirks))  # type: ignore[arg-type]

    def close(self) -> None:
        self._server.shutdown()

    def _note_contexts(self, event: evt.Event) -> None:
        contexts = event.assoc.requestor.primitive.presentation_context_definition_list
        self.proposed.append([(str(c.abstract_syntax), str(s)) for c in contexts for s in c.transfer_syntax])

    def _note_length(self, event: evt.Event) -> None:
        self.longest = max(self.longest, len(event.data))


@pytest.fixture
def archive() -> Iterator[Archive]:
    archive = Archive()
    yield archive
    archive.close()


def test_without_quirks_each_syntax_has_a_context(archive: Archive, network: Network) -> None:
    VerificationScu(network).echo(archive.peer)
    assert archive.proposed == [[(Verification, ExplicitVRLittleEndian), (Verification, ImplicitVRLittleEndian)]]


@pytest.mark.parametrize("quirk", ["implicit_only", "one_syntax"])
def test_a_service_is_proposed_in_implicit_vr_alone(archive: Archive, network: Network, quirk: str) -> None:
    VerificationScu(network).echo(archive.with_quirks(**{quirk: True}))
    assert archive.proposed == [[(Verification, ImplicitVRLittleEndian)]]


def test_implicit_only_sends_images_in_implicit_vr_and_holds_compressed_ones(
    archive: Archive, network: Network, make_object: MakeObject
) -> None:
    peer = archive.with_quirks(implicit_only=True)
    plain, compressed = StorageScu(network).store(peer, [make_object(), make_object(syntax=JPEGLosslessSV1)])
    assert plain.transfer_syntax_uid == ImplicitVRLittleEndian
    assert plain.stored
    assert not compressed.stored
    assert archive.proposed == [[(DX, ImplicitVRLittleEndian)]]
    with pytest.raises(NegotiationError):
        StorageScu(network).store(peer, [make_object(syntax=JPEGLosslessSV1)])


def test_one_syntax_sends_a_mixed_batch_over_one_association_each(
    archive: Archive, network: Network, make_object: MakeObject
) -> None:
    objects = [make_object(), make_object(), make_object(syntax=JPEGLosslessSV1), make_object()]
    results = StorageScu(network).store(archive.with_quirks(one_syntax=True), objects)
    assert all(result.stored for result in results)
    assert archive.proposed == [[(DX, ImplicitVRLittleEndian)], [(DX, JPEGLosslessSV1)], [(DX, ImplicitVRLittleEndian)]]


def test_one_syntax_is_the_one_that_the_peer_is_configured_for(
    archive: Archive, network: Network, make_object: MakeObject
) -> None:
    peer = replace(archive.with_quirks(one_syntax=True), transfer_syntaxes=(ExplicitVRLittleEndian,))
    (result,) = StorageScu(network).store(peer, [make_object()])
    assert result.transfer_syntax_uid == ExplicitVRLittleEndian
    assert archive.proposed == [[(DX, ExplicitVRLittleEndian)]]


@pytest.mark.parametrize(("limit", "longest"), [(0, 65536 + 6), (4096, 4096 + 6), (1 << 20, 65536 + 6)])
def test_no_pdu_is_longer_than_the_peer_announces_or_its_quirk_allows(
    archive: Archive, network: Network, make_object: MakeObject, limit: int, longest: int
) -> None:
    small = make_object()
    pixels = struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OW", 0, 200_000) + bytes(200_000)
    large = replace(small, data=small.data + pixels)
    (result,) = StorageScu(network).store(archive.with_quirks(maximum_pdu_sent=limit), [large])
    assert result.stored
    assert longest - 64 <= archive.longest <= longest  # type and length of a PDU are not counted, PS3.8 section D.1


@pytest.mark.req("FR-DICOM-05")
@pytest.mark.parametrize(("seconds", "waits"), [(0.0, False), (10.0, True)])
def test_the_association_of_a_commitment_request_stays_open_where_the_peer_needs_it(
    archive: Archive, network: Network, seconds: float, waits: bool
) -> None:
    asked: list[bool] = []

    def reported() -> bool:
        asked.append(True)
        return True

    sop = SopReference(sop_class_uid=DX, sop_instance_uid=str(generate_uid()))
    peer = archive.with_quirks(commitment_linger=seconds)
    CommitmentScu(network).request(peer, str(generate_uid()), [sop], reported=reported)
    assert bool(asked) is waits
