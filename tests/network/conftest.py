"""Peers for the network's tests: an SCP in this process, one with a script of bytes; and the check for leaks."""

import contextlib
import io
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

import pytest
from leaks import nothing_left_behind, until
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid
from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    DigitalXRayImageStorageForPresentation,
    ModalityPerformedProcedureStep,
    ModalityWorklistInformationFind,
    StorageCommitmentPushModel,
    Verification,
)

from modality_sdk.model import Peer, SopReference, Timeouts
from modality_sdk.network import Network
from modality_sdk.network.quiet import silence_pynetdicom
from modality_sdk.testing.fault_proxy import FaultProxy

# long enough for a busy machine wherever a test does not wait for the deadline itself
PATIENT = Timeouts(connect=10, association=10, release=10, idle=10, response=10, store_response=10, find=10)
SHORT = 0.2
SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)


@dataclass(frozen=True)
class Bytes:
    """A rendition in memory; ``data`` is sent as it is, data set or not."""

    data: bytes
    transfer_syntax_uid: str = ExplicitVRLittleEndian
    sop: SopReference = field(
        default_factory=lambda: SopReference(
            sop_class_uid=DigitalXRayImageStorageForPresentation, sop_instance_uid=str(generate_uid())
        )
    )

    @property
    def size(self) -> int:
        return len(self.data)

    def open(self) -> BinaryIO:
        return io.BytesIO(self.data)


@dataclass
class Scp:
    """A pynetdicom SCP; what it answers can be set for each test.

    Attributes
    ----------
    stored
        Encoded data sets that came, with their transfer syntax.
    event_statuses
        Statuses of the answers to its N-EVENT-REPORTs.
    """

    port: int = 0
    stored: list[tuple[bytes, str]] = field(default_factory=list)
    event_statuses: list[int] = field(default_factory=list)
    echo: Callable[[evt.Event], int] | None = None
    find: Callable[[evt.Event], Iterator[tuple[int, Dataset | None]]] | None = None
    action: Callable[[evt.Event], None] | None = None
    action_sent: Callable[[evt.Event], None] | None = None
    received: list[Any] = field(default_factory=list)
    connections: list[socket.socket] = field(default_factory=list)
    ae: AE = field(default_factory=lambda: AE(ae_title="SCP"))

    def start(self) -> Any:
        for abstract_syntax in (
            Verification,
            ModalityWorklistInformationFind,
            DigitalXRayImageStorageForPresentation,
            ModalityPerformedProcedureStep,
            StorageCommitmentPushModel,
        ):
            self.ae.add_supported_context(abstract_syntax, list(SYNTAXES))
        self.ae.maximum_associations = 100
        self.ae.acse_timeout = 0.4  # longer than ours, so that we are the first to give up
        server = self.ae.start_server(
            ("127.0.0.1", 0),
            block=False,
            evt_handlers=[
                (evt.EVT_CONN_OPEN, lambda event: self.connections.append(event.assoc.dul.socket.socket)),
                (evt.EVT_C_ECHO, self._on_echo),
                (evt.EVT_C_STORE, self._on_store),
                (evt.EVT_C_FIND, self._on_find),
                (evt.EVT_N_ACTION, self._on_action),
                (evt.EVT_N_CREATE, self._on_create),
                (evt.EVT_N_SET, self._on_set),
                (evt.EVT_DIMSE_RECV, self._on_message),
                (evt.EVT_DIMSE_SENT, self._on_sent),
            ],
        )
        self.port = server.socket.getsockname()[1]
        return server

    def peer(self, port: int | None = None) -> Peer:
        return Peer(ae_title="SCP", host="127.0.0.1", port=port or self.port, timeouts=PATIENT)

    def reset(self) -> None:
        self.echo = self.find = self.action = self.action_sent = None
        for kept in (self.stored, self.event_statuses, self.received):
            kept.clear()

    def others(self) -> set[threading.Thread]:
        """Threads of this process that belong neither to this SCP nor to a proxy."""
        ours = {t for association in self.ae.active_associations for t in (association, association.dul)}
        return {t for t in threading.enumerate() if t not in ours and t.name != "fault-proxy"}

    def _on_echo(self, event: evt.Event) -> int:
        return 0x0000 if self.echo is None else self.echo(event)

    def _on_store(self, event: evt.Event) -> int:
        self.stored.append((event.request.DataSet.getvalue(), str(event.context.transfer_syntax)))
        return 0x0000

    def _on_find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        self.received.append(event.identifier)
        if self.find is not None:
            yield from self.find(event)

    def _on_action(self, event: evt.Event) -> tuple[int, None]:
        self.received.append(event.action_information)
        if self.action is not None:
            self.action(event)
        return 0x0000, None

    def _on_create(self, event: evt.Event) -> tuple[int, Dataset]:
        self.received.append(event.attribute_list)
        return 0x0000, event.attribute_list

    def _on_set(self, event: evt.Event) -> tuple[int, Dataset]:
        self.received.append(event.modification_list)
        return 0x0000, event.modification_list

    def _on_message(self, event: evt.Event) -> None:
        if type(event.message).__name__ == "N_EVENT_REPORT_RSP":
            self.event_statuses.append(event.message.command_set.Status)

    def _on_sent(self, event: evt.Event) -> None:
        if type(event.message).__name__ == "N_ACTION_RSP" and self.action_sent is not None:
            self.action_sent(event)


@pytest.fixture(scope="session")
def _running_scp() -> Iterator[Scp]:
    silence_pynetdicom()
    scp = Scp()
    server = scp.start()
    yield scp
    server.shutdown()


@pytest.fixture
def scp(_running_scp: Scp) -> Iterator[Scp]:
    """The SCP, as good as new."""
    _running_scp.reset()
    yield _running_scp
    assert until(lambda: not _running_scp.ae.active_associations), "an association of the SCP is left behind"
    for connection in _running_scp.connections:  # pynetdicom leaves those open that were reset
        connection.close()
    _running_scp.connections.clear()


@pytest.fixture
def network() -> Iterator[Network]:
    """Our side."""
    network = Network(ae_title="XRAY1")
    yield network
    network.close()


@pytest.fixture
def proxy(scp: Scp) -> Iterator[FaultProxy]:
    """Between us and the SCP."""
    with FaultProxy("127.0.0.1", scp.port) as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def _nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Threads and sockets of ours are gone when the test is over."""
    if "scp" in request.fixturenames:
        request.getfixturevalue("_running_scp")
    with nothing_left_behind():
        yield


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], bool]:
    """`until`, for the tests."""
    return until


@pytest.fixture
def rendition() -> type[Bytes]:
    """Makes renditions in memory."""
    return Bytes


@pytest.fixture
def peer(scp: Scp, proxy: FaultProxy) -> Peer:
    """The SCP, behind the proxy."""
    return scp.peer(proxy.port)


@pytest.fixture
def hasty() -> Callable[..., Peer]:
    """Gives a peer some short deadlines, by name."""
    return lambda peer, *names: replace(peer, timeouts=replace(peer.timeouts, **dict.fromkeys(names, SHORT)))


@pytest.fixture
def scripted() -> Callable[..., contextlib.AbstractContextManager[Peer]]:
    """Makes peers that answer a request with given bytes."""
    return _scripted


@contextlib.contextmanager
def _scripted(*answers: bytes, then: str = "wait") -> Iterator[Peer]:
    """A peer that reads one association request, sends ``answers``, and waits or closes."""
    done = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                for answer in answers:
                    connection.sendall(answer)
                if then == "wait":
                    done.wait(5.0)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5.0)
        thread = threading.Thread(target=serve, name="scripted", daemon=True)
        thread.start()
        try:
            yield Peer(ae_title="SCRIPT", host="127.0.0.1", port=server.getsockname()[1], timeouts=PATIENT)
        finally:
            done.set()
            thread.join()
