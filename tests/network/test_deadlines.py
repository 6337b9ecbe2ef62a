"""Whatever a peer or the network does in whatever phase: a typed error at the deadline, and nothing left behind."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom.sop_class import (
    DigitalXRayImageStorageForPresentation,
    ModalityWorklistInformationFind,
    Verification,
)
from soak import soak

from modality_sdk.errors import (
    AssociationAborted,
    Cancelled,
    ConnectError,
    IodError,
    ResponseTimeout,
    StateError,
)
from modality_sdk.model import CancelToken, Peer
from modality_sdk.network import Association, ContextProposal, Network
from modality_sdk.testing.fault_proxy import FaultProxy, Faults

# the second mark is what fails a call that never returns
pytestmark = [pytest.mark.req("X-IDEMP"), pytest.mark.timeout(20), pytest.mark.deadlines]

CONTEXTS = [
    ContextProposal(abstract_syntax=abstract_syntax, transfer_syntaxes=(ExplicitVRLittleEndian,))
    for abstract_syntax in (Verification, DigitalXRayImageStorageForPresentation, ModalityWorklistInformationFind)
]
LARGE, HUGE = bytes(4 << 20), bytes(32 << 20)

SILENT = {
    "stall": lambda at: Faults(stall_after=at),
    "swallow": lambda at: Faults(swallow_after=at),
    "drip": lambda at: Faults(chunk=1, delay=0.1),
}
BROKEN = {"fin": lambda at: Faults(cut_after=at), "rst": lambda at: Faults(cut_after=at, cut="rst")}


def only_others_run(scp: Any, before: set[threading.Thread]) -> Callable[[], bool]:
    """Tells whether our threads are gone, while the peer still hangs."""
    return lambda: scp.others() <= before


@pytest.fixture
def threads(scp: Any) -> set[threading.Thread]:
    """The threads that run before the test does anything."""
    return scp.others()


# ---- connect -------------------------------------------------------------------------------------


def test_a_closed_port_is_told_as_refused(network: Network) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    peer = Peer(ae_title="SCP", host="127.0.0.1", port=port)
    with pytest.raises(ConnectError, match=rf"127\.0\.0\.1:{port}: connection refused"), network.lease(peer, CONTEXTS):
        pass


@pytest.mark.parametrize("host", ["pacs..hospital", "pacs.invalid", "x" * 70], ids=["empty label", "unknown", "long"])
def test_a_host_name_that_means_nothing_is_told_as_such(network: Network, scp: Any, host: str) -> None:
    peer = replace(scp.peer(), host=host)
    with pytest.raises(ConnectError, match="the host name cannot be resolved"), network.lease(peer, CONTEXTS):
        pass


def test_a_host_that_does_not_answer_ends_at_the_deadline(network: Network, scp: Any, hasty: Any) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        waiting = []
        while True:  # until the backlog is full and the system answers no further connection
            client = socket.socket()
            client.settimeout(0.1)
            waiting.append(client)
            try:
                client.connect(("127.0.0.1", port))
            except TimeoutError:
                break
        peer = hasty(scp.peer(port), "connect")
        with pytest.raises(ConnectError, match=r"no answer within 0\.2 s"), network.lease(peer, CONTEXTS):
            pass
        for client in waiting:
            client.close()


def test_connecting_can_be_cancelled(network: Network, scp: Any) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled), network.lease(scp.peer(), CONTEXTS, cancel=cancel):
        pass


# ---- negotiation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize(
    ("fault", "at"), [("stall", 0), ("stall", 50), ("drip", 0), soak("swallow", 0), soak("swallow", 50)]
)
def test_negotiation_ends_at_its_deadline(
    network: Network, scp: Any, peer: Peer, hasty: Any, proxy: FaultProxy, threads: Any, eventually: Any,
    direction: str, fault: str, at: int,
) -> None:  # fmt: skip
    setattr(proxy, direction, SILENT[fault](at))
    with (
        pytest.raises(ResponseTimeout, match="did not answer the association request") as caught,
        network.lease(hasty(peer, "association"), CONTEXTS),
    ):
        pass
    assert not caught.value.ambiguous
    assert eventually(only_others_run(scp, threads))


@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("at", [0, 50], ids=["before the first byte", "inside the PDU"])
@pytest.mark.parametrize("fault", BROKEN)
def test_a_connection_cut_in_negotiation_is_an_abort(
    network: Network, scp: Any, peer: Peer, proxy: FaultProxy, threads: Any, eventually: Any,
    direction: str, at: int, fault: str,
) -> None:  # fmt: skip
    setattr(proxy, direction, BROKEN[fault](at))
    # a reset may come so early that the system calls it a failed connection
    with pytest.raises((AssociationAborted, ConnectError)) as caught, network.lease(peer, CONTEXTS):
        pass
    assert not caught.value.ambiguous
    assert eventually(only_others_run(scp, threads))


def test_negotiation_can_be_cancelled(
    network: Network, scp: Any, peer: Peer, proxy: FaultProxy, threads: Any, eventually: Any
) -> None:
    proxy.down = Faults(stall_after=0)
    cancel = CancelToken()
    canceller = threading.Timer(0.1, cancel.cancel)
    canceller.start()
    with pytest.raises(Cancelled), network.lease(peer, CONTEXTS, cancel=cancel):
        pass
    canceller.join()
    assert eventually(only_others_run(scp, threads))


@pytest.mark.parametrize(
    "answer",
    [b"\x02\x00\xff\xff\xff\xff", b"\x02\x00\x00\x00", b"\x02"],
    ids=["endless PDU", "half a header", "one byte"],
)
def test_a_pdu_that_is_never_finished_ends_at_the_deadline(
    network: Network, scripted: Callable[..., AbstractContextManager[Peer]], hasty: Any, answer: bytes
) -> None:
    with (
        scripted(answer) as peer,
        pytest.raises(ResponseTimeout),
        network.lease(hasty(peer, "association"), CONTEXTS),
    ):
        pass


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x01\x00\x02\x02\x46", b"\x02\x00\x00\x00\x00\x64" + b"\xff" * 100],
    ids=["HTTP", "TLS alert", "malformed PDU"],
)
def test_an_answer_that_is_no_dicom_is_an_error(
    network: Network, scripted: Callable[..., AbstractContextManager[Peer]], answer: bytes
) -> None:
    with scripted(answer, then="close") as peer, pytest.raises(AssociationAborted), network.lease(peer, CONTEXTS):
        pass


# ---- request and response ------------------------------------------------------------------------


def echo(association: Association, cancel: CancelToken | None = None) -> None:
    association.c_echo(cancel=cancel)


def find(association: Association, cancel: CancelToken | None = None) -> None:
    identifier = Dataset()
    identifier.PatientID = ""
    list(association.c_find(ModalityWorklistInformationFind, identifier, cancel=cancel))


@pytest.fixture
def store(rendition: Any) -> Callable[..., None]:
    def store(association: Association, cancel: CancelToken | None = None, timeout: float | None = None) -> None:
        association.c_store(rendition(LARGE), cancel=cancel, timeout=timeout)

    return store


@pytest.fixture(params=["echo", "find", "store"])
def ask(request: pytest.FixtureRequest, store: Callable[..., None]) -> Callable[..., None]:
    """Makes a request."""
    return {"echo": echo, "find": find, "store": store}[request.param]


@pytest.fixture
def attempt(network: Network, scp: Any, threads: Any, eventually: Any) -> Iterator[Callable[..., None]]:
    """Leases an association, spoils the connection and asks; afterwards no thread of ours runs on."""

    def attempt(peer: Peer, spoil: Callable[[], object], ask: Callable[[Association], object]) -> None:
        with network.lease(peer, CONTEXTS) as leased:
            leases.append(leased)
            spoil()
            ask(leased)

    leases: list[Association] = []
    yield attempt
    assert not [leased for leased in leases if leased.is_usable]
    assert eventually(only_others_run(scp, threads))


def spoil(proxy: FaultProxy, direction: str, faults: Callable[[int], Faults], ahead: int) -> Callable[[], None]:
    """Lets faults begin ``ahead`` bytes after what has passed when it is called."""

    def begin() -> None:
        passed = proxy.bytes_up if direction == "up" else proxy.bytes_down
        setattr(proxy, direction, faults(passed + ahead))

    return begin


@pytest.mark.parametrize(
    ("fault", "at"), [("stall", 0), ("stall", 20), ("drip", 0), soak("swallow", 0), soak("swallow", 20)]
)
def test_a_response_that_does_not_come_is_an_ambiguous_timeout(
    attempt: Any, peer: Peer, hasty: Any, proxy: FaultProxy, ask: Any, fault: str, at: int
) -> None:
    with pytest.raises(ResponseTimeout, match="did not answer C-") as caught:
        attempt(hasty(peer, "response", "store_response", "find"), spoil(proxy, "down", SILENT[fault], at), ask)
    assert caught.value.ambiguous
    assert caught.value.retryable


@pytest.mark.parametrize("at", [0, 20], ids=["before the first byte", "inside the PDU"])
@pytest.mark.parametrize("fault", BROKEN)
def test_a_connection_cut_instead_of_a_response_is_an_abort(
    attempt: Any, peer: Peer, proxy: FaultProxy, ask: Any, fault: str, at: int
) -> None:
    with pytest.raises(AssociationAborted):
        attempt(peer, spoil(proxy, "down", BROKEN[fault], at), ask)


def test_an_abort_after_the_request_left_is_ambiguous(attempt: Any, peer: Peer, proxy: FaultProxy) -> None:
    with pytest.raises(AssociationAborted) as caught:
        attempt(peer, spoil(proxy, "down", BROKEN["fin"], 20), echo)
    assert caught.value.ambiguous


@pytest.mark.parametrize("fault", ["stall", "swallow"])
def test_a_request_that_does_not_get_through_ends(
    attempt: Any, scp: Any, peer: Peer, hasty: Any, proxy: FaultProxy, store: Any, fault: str
) -> None:
    with pytest.raises((ResponseTimeout, AssociationAborted)) as caught:
        attempt(hasty(peer, "idle", "store_response"), spoil(proxy, "up", SILENT[fault], 100_000), store)
    assert caught.value.ambiguous
    assert not scp.stored


@pytest.mark.parametrize("fault", BROKEN)
def test_a_connection_cut_in_the_middle_of_an_object_is_an_abort(
    attempt: Any, scp: Any, peer: Peer, proxy: FaultProxy, store: Any, fault: str
) -> None:
    with pytest.raises(AssociationAborted):
        attempt(peer, spoil(proxy, "up", BROKEN[fault], 100_000), store)
    assert not scp.stored


def test_a_peer_that_never_reads_a_large_object_does_not_hold_us(
    attempt: Any, peer: Peer, hasty: Any, proxy: FaultProxy, rendition: Any
) -> None:
    hasty_peer = hasty(peer, "idle", "store_response")
    with pytest.raises((ResponseTimeout, AssociationAborted)):
        attempt(hasty_peer, spoil(proxy, "up", SILENT["stall"], 0), lambda leased: leased.c_store(rendition(HUGE)))


def test_a_timeout_of_the_caller_s_own_ends_a_request_that_drips_away(
    attempt: Any, peer: Peer, proxy: FaultProxy, rendition: Any
) -> None:
    def drip() -> None:
        proxy.up = Faults(chunk=1000, delay=0.05)  # something always moves, so that no idle timeout helps

    with pytest.raises(ResponseTimeout):
        attempt(peer, drip, lambda leased: leased.c_store(rendition(HUGE), timeout=0.2))


def test_an_object_takes_as_long_as_it_moves(attempt: Any, scp: Any, proxy: FaultProxy, rendition: Any) -> None:
    """The response's deadline begins when the object is sent: a slow link is no silent peer."""

    def slow_down() -> None:
        proxy.up = Faults(rate=(16 << 20) / 0.7)

    peer = scp.peer(proxy.port)
    attempt(
        replace(peer, timeouts=replace(peer.timeouts, store_response=0.4)),
        slow_down,
        lambda leased: leased.c_store(rendition(bytes(16 << 20))),
    )
    assert len(scp.stored) == 1


def test_a_cancel_token_ends_a_call_that_waits_for_its_response(
    attempt: Any, peer: Peer, proxy: FaultProxy, ask: Any
) -> None:
    cancel = CancelToken()
    canceller = threading.Timer(0.1, cancel.cancel)
    canceller.start()
    with pytest.raises(Cancelled):
        attempt(peer, spoil(proxy, "down", SILENT["stall"], 0), partial(ask, cancel=cancel))
    canceller.join()


def test_a_cancel_token_ends_a_call_that_cannot_send(
    attempt: Any, peer: Peer, proxy: FaultProxy, rendition: Any
) -> None:
    cancel = CancelToken()
    canceller = threading.Timer(0.1, cancel.cancel)
    canceller.start()
    with pytest.raises(Cancelled):
        attempt(
            peer,
            spoil(proxy, "up", SILENT["stall"], 0),
            lambda leased: leased.c_store(rendition(HUGE), cancel=cancel),
        )
    canceller.join()


def test_a_cancelled_token_ends_a_call_before_it_begins(attempt: Any, scp: Any) -> None:
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        attempt(scp.peer(), cancel.cancel, partial(echo, cancel=cancel))


# ---- release -------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("fault", [*SILENT, *BROKEN])
def test_a_release_that_is_not_answered_harms_nobody(
    network: Network, scp: Any, peer: Peer, hasty: Any, proxy: FaultProxy, threads: Any, eventually: Any,
    direction: str, fault: str,
) -> None:  # fmt: skip
    with network.lease(hasty(peer, "release"), CONTEXTS) as leased:
        assert leased.c_echo().status == 0x0000
        passed = proxy.bytes_up if direction == "up" else proxy.bytes_down
        setattr(proxy, direction, (SILENT | BROKEN)[fault](passed + 3))
    assert not leased.is_usable
    assert eventually(only_others_run(scp, threads))


# ---- and after it --------------------------------------------------------------------------------


def test_an_exception_in_the_block_ends_the_association(network: Network, scp: Any, eventually: Any) -> None:
    with pytest.raises(KeyError), network.lease(scp.peer(), CONTEXTS) as leased:
        raise KeyError("something of the caller's")
    assert not leased.is_usable
    assert eventually(lambda: not scp.ae.active_associations)


def test_an_association_that_ended_takes_no_request(network: Network, scp: Any) -> None:
    with network.lease(scp.peer(), CONTEXTS) as leased:
        pass
    with pytest.raises(AssociationAborted) as caught:
        leased.c_echo()
    assert not caught.value.ambiguous


@pytest.mark.parametrize("fault", BROKEN)
def test_an_association_that_the_peer_ended_while_idle_is_noticed_at_the_next_request(
    attempt: Any, peer: Peer, proxy: FaultProxy, eventually: Any, fault: str
) -> None:
    def ask(association: Association) -> None:
        assert eventually(lambda: not association.is_usable)
        echo(association)

    with pytest.raises(AssociationAborted) as caught:
        attempt(peer, spoil(proxy, "down", BROKEN[fault], 0), ask)
    assert not caught.value.ambiguous


def test_an_association_that_the_peer_aborted_while_idle_is_noticed_at_the_next_request(
    attempt: Any, scp: Any, eventually: Any
) -> None:
    def ask(association: Association) -> None:
        scp.ae.active_associations[0].abort()
        assert eventually(lambda: not association.is_usable)
        echo(association)

    with pytest.raises(AssociationAborted) as caught:
        attempt(scp.peer(), lambda: None, ask)
    assert not caught.value.ambiguous


def test_an_association_that_the_peer_released_while_idle_is_noticed_at_the_next_request(
    attempt: Any, scp: Any, eventually: Any
) -> None:
    def ask(association: Association) -> None:
        scp.ae.active_associations[0].release()
        assert eventually(lambda: not association.is_usable)
        echo(association)

    with pytest.raises(AssociationAborted):
        attempt(scp.peer(), lambda: None, ask)


def test_closing_the_network_ends_a_call_that_waits(
    network: Network, attempt: Any, peer: Peer, proxy: FaultProxy
) -> None:
    closer = threading.Timer(0.1, network.close)

    def stall() -> None:
        proxy.down = Faults(stall_after=proxy.bytes_down)
        closer.start()

    with pytest.raises(AssociationAborted):
        attempt(peer, stall, echo)
    closer.join()


def test_a_closed_network_leases_nothing(network: Network, scp: Any) -> None:
    network.close()
    with pytest.raises(StateError), network.lease(scp.peer(), CONTEXTS):
        pass


def test_a_peer_that_aborts_is_named_as_the_one_who_did(attempt: Any, scp: Any) -> None:
    def abort(event: Any) -> Iterator[tuple[int, None]]:
        event.assoc.abort()
        yield 0x0000, None

    scp.find = abort
    with pytest.raises(AssociationAborted, match=r"SCP .*the peer's application aborted") as caught:
        attempt(scp.peer(), lambda: None, find)
    assert caught.value.source == 0
    assert caught.value.ambiguous


def test_a_data_set_without_anything_is_refused_before_it_is_sent(network: Network, scp: Any) -> None:
    """A message that says it has one and sends none would be waited for."""
    with network.lease(scp.peer(), CONTEXTS) as leased:
        with pytest.raises(IodError, match="empty"):
            list(leased.c_find(ModalityWorklistInformationFind, Dataset()))
        assert leased.c_echo().status == 0x0000
