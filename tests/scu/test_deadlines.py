"""Whatever the peer or the network does in whatever phase of a service: a typed end in time, and nothing left behind.

The faults of the network come from a proxy, those of the peer from the simulator's scripts. Combinations of the matrix
that show little beyond their neighbours are marked ``soak``.
"""

import contextlib
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from leaks import nothing_left_behind, until
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid
from soak import soak

from modality_sdk.clock import SystemClock
from modality_sdk.dataset import begin_step, mpps_create, mpps_set
from modality_sdk.errors import AssociationAborted, Cancelled, ConnectError, ModalityError, ResponseTimeout
from modality_sdk.model import (
    CancelToken,
    Equipment,
    Patient,
    Peer,
    PerformedSeries,
    SopReference,
    StepStatus,
    StoreResult,
    Timeouts,
)
from modality_sdk.network import Association, ContextProposal, Network
from modality_sdk.scu import CommitmentScu, MppsScu, StorageScu, VerificationScu, WorklistScu
from modality_sdk.simulator import Abort, Delay, Hospital, LostResponse, Phase, Silence, Step
from modality_sdk.simulator import Commitment as Delivery
from modality_sdk.status import Action
from modality_sdk.testing.fault_proxy import FaultProxy, Faults
from modality_sdk.transcoding import EncodedRendition

# the second mark is what fails a call that never returns
pytestmark = [pytest.mark.req("X-IDEMP"), pytest.mark.timeout(10), pytest.mark.deadlines]

# long enough for a busy machine wherever a test does not wait for the deadline itself
PATIENT = Timeouts(connect=8, association=8, release=8, idle=8, response=8, store_response=8, find=8)
SHORT = 0.05
LARGE = bytes(8 << 20)

SILENT = {
    "stall": lambda at: Faults(stall_after=at),
    "swallow": lambda at: Faults(swallow_after=at),
    "drip": lambda at: Faults(chunk=1, delay=0.05),
}
BROKEN = {"fin": lambda at: Faults(cut_after=at), "rst": lambda at: Faults(cut_after=at, cut="rst")}
ABORTED = {"abort": Abort(), "lost connection": LostResponse(connection=True)}


class Interrupted(Network):
    """A network in which something happens between the phases of a call."""

    established: Callable[[], object] = staticmethod(lambda: None)
    """When the association stands and nothing was asked."""
    answered: Callable[[], object] = staticmethod(lambda: None)
    """When the service has its answer and the release comes next."""

    @contextlib.contextmanager
    def lease(
        self,
        peer: Peer,
        contexts: Sequence[ContextProposal],
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[Association]:
        with super().lease(peer, contexts, timeout=timeout, cancel=cancel) as association:
            self.established()
            yield association
            self.answered()


@dataclass
class Site:
    """A service at work with the simulator behind a proxy.

    Attributes
    ----------
    service
        The DIMSE service.
    """

    service: str
    hospital: Hospital
    proxy: FaultProxy
    network: Interrupted
    step_uid: str = field(default_factory=lambda: str(generate_uid()))
    transaction_uid: str = field(default_factory=lambda: str(generate_uid()))
    objects: list[EncodedRendition] = field(default_factory=list)

    def __post_init__(self) -> None:
        provider = self.hospital.pacs if self.service in ("C-STORE", "N-ACTION") else self.hospital.ris
        self.provider = provider
        self.peer = replace(provider.peer, port=self.proxy.port, timeouts=PATIENT)
        started = datetime.now(UTC)
        begun = begin_step(
            items=(),
            patient=Patient(name="SECRET^NAME", patient_id="SECRET-ID"),
            sop_instance_uid=self.step_uid,
            study_instance_uid=generate_uid(),
            performed_procedure_step_id="PPS1",
            modality="DX",
            performed_station_ae_title="XRAY1",
            started=started,
            equipment=Equipment(manufacturer="Example"),
        )
        self.step = replace(begun, status=StepStatus.IN_PROGRESS)
        if self.service in ("N-SET", "N-GET"):
            MppsScu(self.network).create(self.step_uid, mpps_create(self.step), peer=self.peer)
        # a threshold of the proxy counts from the beginning of the connection that comes now
        self.connections_before = self.proxy.connections
        self._before = {"up": self.proxy.bytes_up, "down": self.proxy.bytes_down}

    def hurry(self, *names: str) -> None:
        """Shorten some deadlines of the peer."""
        self.peer = replace(self.peer, timeouts=replace(self.peer.timeouts, **dict.fromkeys(names, SHORT)))

    def spoil(self, direction: str, faults: Callable[[int], Faults], ahead: int = 0) -> None:
        """Let faults begin ``ahead`` bytes after what has passed by now."""
        passed = self.proxy.bytes_up if direction == "up" else self.proxy.bytes_down
        setattr(self.proxy, direction, faults(passed - self._before[direction] + ahead))

    def call(self, *, timeout: float | None = None, cancel: CancelToken | None = None) -> object:
        """Use the service once."""
        mpps = MppsScu(self.network)
        match self.service:
            case "C-ECHO":
                return VerificationScu(self.network).echo(self.peer, timeout=timeout, cancel=cancel)
            case "C-FIND":
                worklist = WorklistScu(
                    self.network, self.peer, station_ae_title="XRAY1", modality="DX", clock=SystemClock()
                )
                return worklist.query(timeout=timeout, cancel=cancel)
            case "N-CREATE":
                attributes = mpps_create(self.step)
                return mpps.create(self.step_uid, attributes, peer=self.peer, timeout=timeout, cancel=cancel)
            case "N-SET":
                series = PerformedSeries(
                    series_instance_uid=generate_uid(), series_number=1, modality="DX", protocol_name="CHEST PA"
                )
                ended = replace(self.step, status=StepStatus.COMPLETED, ended=datetime.now(UTC))
                attributes = mpps_set(ended, [series])
                return mpps.set(self.step_uid, attributes, peer=self.peer, timeout=timeout, cancel=cancel)
            case "N-GET":
                return mpps.get(self.step_uid, peer=self.peer, timeout=timeout, cancel=cancel)
            case "C-STORE":
                return StorageScu(self.network).store(self.peer, self.objects, timeout=timeout, cancel=cancel)
            case _:
                references = [one.sop for one in self.objects]
                return CommitmentScu(self.network).request(
                    self.peer, self.transaction_uid, references, timeout=timeout, cancel=cancel
                )

    def has_acted(self) -> bool:
        """Whether the peer did what the service is for; for those that change something at the peer."""
        match self.service:
            case "N-CREATE":
                return self.step_uid in self.hospital.ris.steps
            case "N-SET":
                return self.hospital.ris.steps[self.step_uid].status is StepStatus.COMPLETED
            case "C-STORE":
                return self.objects[0].sop.sop_instance_uid in self.hospital.pacs.stored
            case _:
                return self.transaction_uid in self.hospital.pacs.transactions

    def assert_call_fails(
        self, *kinds: type[ModalityError], match: str | None = None, cancel: CancelToken | None = None
    ) -> None:
        """The call raises an error before anything was asked."""
        with pytest.raises(kinds, match=match) as caught:
            self.call(cancel=cancel)
        assert not caught.value.ambiguous
        self._assert_gone()

    def assert_request_is_lost(
        self, kind: type[ModalityError], *, timeout: float | None = None, cancel: CancelToken | None = None
    ) -> None:
        """The call ends without an answer to what was asked; for storage by results, for all others by an error."""
        meaning = {
            ResponseTimeout: rf"did not answer {self.service} in time",
            AssociationAborted: rf"ended before {self.service} was answered",
            Cancelled: rf"{self.service} to PACS was cancelled" if self.service == "C-STORE" else "was cancelled",
        }[kind]
        if self.service == "C-STORE":
            first, *others = self._store(timeout, cancel)
            assert (first.status, first.action, first.ambiguous) == (None, Action.RETRY, True)
            assert re.search(meaning, first.meaning)
            assert others
            assert all(one.action is Action.RETRY and not one.ambiguous for one in others)
            assert all(one.meaning.startswith("not attempted: ") for one in others)
        else:
            with pytest.raises(kind, match=meaning) as caught:
                self.call(timeout=timeout, cancel=cancel)
            assert caught.value.ambiguous
            assert "SECRET" not in str(caught.value)
        self._assert_gone()

    def assert_call_succeeds(self) -> None:
        """The service has its answer, whatever comes after."""
        result = self.call()
        if self.service == "C-STORE":
            assert isinstance(result, list)
            assert all(one.stored for one in result)
        self._assert_gone()

    def _store(self, timeout: float | None, cancel: CancelToken | None) -> list[StoreResult]:
        results = self.call(timeout=timeout, cancel=cancel)
        assert isinstance(results, list)
        assert [one.sop for one in results] == [one.sop for one in self.objects]
        return results

    @staticmethod
    def _assert_gone() -> None:
        """Our threads have ended though the peer may still hang; sockets are looked at when the peer is gone too."""
        assert until(lambda: not our_threads())


def our_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("modality-")]


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    with nothing_left_behind():
        yield


@pytest.fixture(params=["C-ECHO", "C-FIND", "N-CREATE", "N-SET", "N-GET", "C-STORE", "N-ACTION"])
def service(request: pytest.FixtureRequest) -> str:
    """Each service of the five SCUs."""
    return str(request.param)


@pytest.fixture
def site(
    _nothing_left_behind: None, service: str, hospital: Hospital, make_object: Callable[..., EncodedRendition]
) -> Iterator[Site]:
    """The service, with the network and its peer in order."""
    hospital.pacs.commitment = Delivery.NEVER
    hospital.pacs.register("XRAY1", "127.0.0.1", 1)
    provider = hospital.pacs if service in ("C-STORE", "N-ACTION") else hospital.ris
    network = Interrupted(ae_title="XRAY1")
    with FaultProxy("127.0.0.1", provider.port) as proxy:
        yield Site(service, hospital, proxy, network, objects=[make_object(), make_object()])
    network.close()


@pytest.fixture
def cancel_soon() -> Iterator[Callable[[CancelToken], None]]:
    """Cancels from another thread while the call waits."""
    timers: list[threading.Timer] = []

    def start(cancel: CancelToken) -> None:
        def press() -> None:
            seen.extend(our_threads())
            cancel.cancel()

        timers.append(threading.Timer(0.05, press))
        timers[-1].start()

    seen: list[str] = []
    yield start
    for timer in timers:
        timer.join()
    assert seen, "a call that waits has a thread, or the check for those left behind sees nothing"


# ---- association ---------------------------------------------------------------------------------


def test_a_service_of_a_peer_that_is_not_there_cannot_connect(site: Site) -> None:
    site.proxy.close()
    site.assert_call_fails(ConnectError, match="connection refused")
    assert site.proxy.connections == site.connections_before


@pytest.mark.parametrize(
    ("direction", "fault"),
    [
        ("down", "stall"),
        ("up", "swallow"),
        soak("up", "stall"),
        soak("down", "swallow"),
        soak("up", "drip"),
        soak("down", "drip"),
    ],
)
def test_a_silent_network_ends_the_association_request_at_its_deadline(site: Site, direction: str, fault: str) -> None:
    site.hurry("association")
    site.spoil(direction, SILENT[fault], 20)
    site.assert_call_fails(ResponseTimeout, match="did not answer the association request")


@pytest.mark.parametrize(
    ("direction", "fault"), [("up", "fin"), ("down", "rst"), soak("up", "rst"), soak("down", "fin")]
)
def test_a_connection_that_breaks_ends_the_association_request(site: Site, direction: str, fault: str) -> None:
    site.spoil(direction, BROKEN[fault], 20)
    # a reset may come so early that the system calls it a failed connection
    site.assert_call_fails(AssociationAborted, ConnectError)


def test_a_peer_that_does_not_answer_the_association_request_in_time_is_left(site: Site) -> None:
    site.provider.script("A-ASSOCIATE", Silence())
    site.hurry("association")
    site.assert_call_fails(ResponseTimeout, match="did not answer the association request")


@pytest.mark.parametrize("step", ABORTED.values(), ids=ABORTED)
def test_a_peer_that_aborts_ends_the_association_request(site: Site, step: Step) -> None:
    site.provider.script("A-ASSOCIATE", step)
    site.assert_call_fails(AssociationAborted)


# ---- request -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["stall", "swallow", soak("drip")])
def test_a_request_that_does_not_get_through_is_an_ambiguous_timeout(site: Site, fault: str) -> None:
    site.hurry("response", "store_response", "find")
    site.network.established = lambda: site.spoil("up", SILENT[fault], 20)
    site.assert_request_is_lost(ResponseTimeout)


@pytest.mark.parametrize("fault", BROKEN)
def test_a_connection_that_breaks_in_a_request_is_an_ambiguous_abort(site: Site, fault: str) -> None:
    site.network.established = lambda: site.spoil("up", BROKEN[fault], 20)
    site.assert_request_is_lost(AssociationAborted)


@pytest.mark.parametrize("service", ["C-STORE"], indirect=True)
@pytest.mark.parametrize("fault", ["stall", "swallow", soak("drip")])
def test_a_large_object_that_does_not_get_through_is_sent_again_later(site: Site, fault: str) -> None:
    sop = SopReference(sop_class_uid=DigitalXRayImageStorageForPresentation, sop_instance_uid=str(generate_uid()))
    large = EncodedRendition(sop=sop, transfer_syntax_uid=ExplicitVRLittleEndian, data=LARGE)
    site.objects.insert(0, large)
    site.hurry("idle", "store_response")
    site.network.established = lambda: site.spoil("up", SILENT[fault], 100_000)
    first, *others = site._store(None, None)
    assert (first.status, first.action, first.ambiguous) == (None, Action.RETRY, True)
    assert [(one.action, one.ambiguous) for one in others] == [(Action.RETRY, False)] * 2
    site._assert_gone()
    assert not site.hospital.pacs.stored


def test_a_peer_that_aborts_at_the_request_is_an_ambiguous_abort(site: Site) -> None:
    site.provider.script(site.service, Abort())
    site.assert_request_is_lost(AssociationAborted)


def test_a_peer_that_ignores_the_request_is_an_ambiguous_timeout(site: Site) -> None:
    site.provider.script(site.service, Silence())
    site.hurry("response", "store_response", "find")
    site.assert_request_is_lost(ResponseTimeout)


# ---- response ------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["drip", soak("stall"), soak("swallow")])
def test_a_response_that_does_not_get_through_is_an_ambiguous_timeout(site: Site, fault: str) -> None:
    site.hurry("response", "store_response", "find")
    site.network.established = lambda: site.spoil("down", SILENT[fault], 20)
    site.assert_request_is_lost(ResponseTimeout)


@pytest.mark.parametrize("fault", BROKEN)
def test_a_connection_that_breaks_in_a_response_is_an_ambiguous_abort(site: Site, fault: str) -> None:
    site.network.established = lambda: site.spoil("down", BROKEN[fault], 20)
    site.assert_request_is_lost(AssociationAborted)


@pytest.mark.parametrize(
    ("service", "step"),
    [
        *((service, LostResponse()) for service in ("N-CREATE", "N-SET", "C-STORE", "N-ACTION")),
        *((service, Delay(seconds=5)) for service in ("C-ECHO", "C-FIND", "N-GET")),
    ],
    indirect=["service"],
    ids=str,
)
def test_a_response_that_is_lost_or_late_is_an_ambiguous_timeout(site: Site, step: Step) -> None:
    site.provider.script(site.service, step)
    site.hurry("response", "store_response", "find")
    site.assert_request_is_lost(ResponseTimeout)


@pytest.mark.parametrize(
    "step",
    [Abort(phase=Phase.MID_RESPONSE), LostResponse(connection=True)],
    ids=["mid response", "lost with the connection"],
)
def test_a_peer_that_breaks_off_its_response_is_an_ambiguous_abort(site: Site, step: Step) -> None:
    site.provider.script(site.service, step)
    site.assert_request_is_lost(AssociationAborted)


@pytest.mark.parametrize("service", ["N-CREATE", "N-SET", "C-STORE", "N-ACTION"], indirect=True)
@pytest.mark.parametrize(
    ("step", "acted"), [(LostResponse(connection=True), True), (Abort(), False)], ids=["served", "not served"]
)
def test_what_is_called_ambiguous_may_have_been_done_or_not(site: Site, step: Step, acted: bool) -> None:
    site.provider.script(site.service, step)
    site.assert_request_is_lost(AssociationAborted)
    assert site.has_acted() is acted


# ---- release -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("direction", "fault"),
    [
        ("down", "stall"),
        ("down", "rst"),
        *(soak("down", fault) for fault in ("swallow", "drip", "fin")),
        *(soak("up", fault) for fault in (*SILENT, *BROKEN)),
    ],
)
def test_a_release_that_is_not_answered_spoils_no_result(site: Site, direction: str, fault: str) -> None:
    site.hurry("release")
    site.network.answered = lambda: site.spoil(direction, (SILENT | BROKEN)[fault], 3)
    site.assert_call_succeeds()


@pytest.mark.parametrize("service", ["C-ECHO", "C-FIND", "N-CREATE", "N-SET", "N-GET", "N-ACTION"], indirect=True)
def test_an_abort_after_the_response_spoils_no_result(site: Site) -> None:
    site.provider.script(site.service, Abort(phase=Phase.AFTER_RESPONSE))
    site.assert_call_succeeds()


@pytest.mark.parametrize("service", ["C-STORE"], indirect=True)
def test_an_abort_after_a_store_response_leaves_the_stored_object_stored(site: Site) -> None:
    site.provider.script("C-STORE", Abort(phase=Phase.AFTER_RESPONSE))
    first, second = site._store(None, None)
    assert first.stored
    assert (second.status, second.action) == (None, Action.RETRY)
    site._assert_gone()


# ---- the caller's own end ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "service", ["C-FIND", "C-STORE", *map(soak, ("C-ECHO", "N-CREATE", "N-SET", "N-GET", "N-ACTION"))], indirect=True
)
def test_a_timeout_of_the_caller_s_own_ends_the_association_request(site: Site) -> None:
    site.spoil("down", SILENT["stall"])
    with pytest.raises(ResponseTimeout, match="did not answer the association request"):
        site.call(timeout=SHORT)


@pytest.mark.parametrize(
    "service", ["C-FIND", "C-STORE", "N-CREATE", *map(soak, ("C-ECHO", "N-SET", "N-GET", "N-ACTION"))], indirect=True
)
def test_a_timeout_of_the_caller_s_own_ends_the_wait_for_the_response(site: Site) -> None:
    # the association alone may take longer than SHORT on a busy machine
    site.provider.script(site.service, Silence())
    site.assert_request_is_lost(ResponseTimeout, timeout=0.3)


def test_a_cancelled_token_ends_the_call_before_it_begins(site: Site) -> None:
    cancel = CancelToken()
    cancel.cancel()
    site.assert_call_fails(Cancelled, cancel=cancel)
    assert site.proxy.connections == site.connections_before


def test_a_cancel_token_ends_the_association_request(site: Site, cancel_soon: Callable[[CancelToken], None]) -> None:
    cancel = CancelToken()
    site.spoil("down", SILENT["stall"])
    cancel_soon(cancel)
    site.assert_call_fails(Cancelled, cancel=cancel)


def test_a_cancel_token_ends_the_wait_for_the_response(site: Site, cancel_soon: Callable[[CancelToken], None]) -> None:
    cancel = CancelToken()

    def stall() -> None:
        site.spoil("down", SILENT["stall"], 20)
        cancel_soon(cancel)

    site.network.established = stall
    site.assert_request_is_lost(Cancelled, cancel=cancel)
