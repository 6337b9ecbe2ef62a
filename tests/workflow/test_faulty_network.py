"""A network that breaks once, at any byte of any message of an exam: the queue brings the exam to its end.

Each exam goes through a proxy that spoils the connections of one message until the damage shows, and is then mended.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pytest
from leaks import until

from modality_sdk.model import (
    Acquisition,
    CommitmentPolicy,
    DeliveryState,
    Detector,
    JobState,
    Peer,
    RetryPolicy,
    Timeouts,
)
from modality_sdk.settings import Listen, Settings
from modality_sdk.simulator import Hospital
from modality_sdk.testing.fault_proxy import FaultProxy, Faults
from modality_sdk.testing.phantom import radiograph
from modality_sdk.workflow import Modality, PerformedStep

pytestmark = [pytest.mark.req("NFR-REL-01"), pytest.mark.req("X-IDEMP"), pytest.mark.req("FR-DICOM-08")]

PIXELS = radiograph(96, 80, bits_stored=12)
CHEST = Acquisition(body_part="CHEST", view="PA")
DEADLINE = 0.25
MESSAGES = ("N-CREATE", "C-STORE", "N-SET", "N-ACTION")
RELEASE = 10
"""Bytes of an A-RELEASE-RQ and of its answer (PS3.8 sections 9.3.6 and 9.3.7)."""

FAULTS: dict[str, Callable[[int], Faults]] = {
    "fin": lambda at: Faults(cut_after=at),
    "rst": lambda at: Faults(cut_after=at, cut="rst"),
    "stall": lambda at: Faults(stall_after=at),
    "swallow": lambda at: Faults(swallow_after=at),
    "drip": lambda at: Faults(chunk=max(at, 1), delay=2 * DEADLINE),
}


@dataclass
class Site:
    """A modality at work, with each system of the hospital behind a proxy of its own.

    Attributes
    ----------
    passed
        Bytes towards the peer and back from it, from before the message until it had met what was done to it.
    """

    hospital: Hospital
    ris: FaultProxy
    pacs: FaultProxy
    modality: Modality
    passed: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        self.item = self.modality.worklist.today()[0]

    def proxy(self, message: str) -> FaultProxy:
        return self.ris if message in ("N-CREATE", "N-SET") else self.pacs

    def has_shown(self, step: PerformedStep, message: str) -> bool:
        """Whether the message has met the fault, or gone through in spite of it."""
        jobs = self.modality.queue.jobs(step_uid=step.uid, kind=message)
        held = {d.name for d in self.modality.queue.destinations() if d.state.value == "HELD"}
        return any(j.attempts or j.reason or j.state is JobState.COMPLETE or j.destination in held for j in jobs)

    def is_done(self, step: PerformedStep, message: str) -> bool:
        jobs = self.modality.queue.jobs(step_uid=step.uid, kind=message)
        return bool(jobs) and all(job.state is JobState.COMPLETE for job in jobs)

    def perform(self, message: str, spoil: Callable[[FaultProxy], None] = lambda _: None) -> PerformedStep:
        """One exam, whose message meets what ``spoil`` does to the proxy; the proxy is mended when it has shown."""
        proxy = self.proxy(message)

        def meet() -> None:
            assert until(lambda: self.has_shown(step, message), 10), "the message never left"
            proxy.up = proxy.down = Faults()
            self.passed = proxy.bytes_up - before[0], proxy.bytes_down - before[1]

        step = self.modality.start(self.item)
        before = proxy.bytes_up, proxy.bytes_down
        if message in ("N-CREATE", "C-STORE"):
            spoil(proxy)
        step.add_image(PIXELS, CHEST)
        if message in ("N-CREATE", "C-STORE"):
            meet()
        assert until(lambda: self.is_done(step, "N-CREATE") and self.is_done(step, "C-STORE"), 10)
        if message in ("N-SET", "N-ACTION"):
            before = proxy.bytes_up, proxy.bytes_down
            spoil(proxy)
        step.complete()
        if message in ("N-SET", "N-ACTION"):
            meet()
        assert step.wait_until_archived(10).archived
        step.wait_until_sent(10)
        return step

    def judge(self, step: PerformedStep) -> None:
        """The exam is whole, on both sides."""
        report = step.report()
        (instance,) = step.instances
        assert (report.archived, report.open_jobs, report.failed_jobs) == (True, 0, 0)
        assert [d.state for d in report.deliveries] == [DeliveryState.COMMITTED]
        assert JobState.FAILED not in {job.state for job in self.modality.queue.jobs(step_uid=step.uid)}
        stored = self.hospital.pacs.stored[instance.ref.sop_instance_uid].dataset()
        assert (stored.pixel_array == PIXELS).all()
        assert self.hospital.ris.steps[step.uid].status == "COMPLETED"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    timeouts = Timeouts(**dict.fromkeys(("association", "release", "idle", "response", "store_response"), DEADLINE))
    with (
        Hospital() as hospital,
        FaultProxy("127.0.0.1", hospital.ris.port) as ris,
        FaultProxy("127.0.0.1", hospital.pacs.port) as pacs,
    ):
        via = {"ris": (hospital.ris, ris), "pacs": (hospital.pacs, pacs)}
        settings = Settings(
            ae_title="XRAY1",
            manufacturer="Example",
            model="DR-1",
            serial_number="1",
            software_versions=("1",),
            data_dir=tmp_path_factory.mktemp("site"),
            worklist="ris",
            mpps=("ris",),
            storage=("pacs",),
            listen=Listen(host="127.0.0.1", port=0),
            detector=Detector(imager_pixel_spacing=(0.2, 0.2), bits_stored=12),
            # a busy machine may miss the short deadlines without any fault
            retry=RetryPolicy(attempts=20, initial=0.05, multiplier=1.0),
            commitment=CommitmentPolicy(linger=0.0),
            peers={
                name: Peer(
                    name=name,
                    ae_title=provider.ae_title,
                    host="127.0.0.1",
                    port=proxy.port,
                    commitment=name == "pacs",
                    timeouts=timeouts,
                )
                for name, (provider, proxy) in via.items()
            },
        )
        with Modality(settings) as modality:
            assert modality.listener is not None
            hospital.pacs.register("XRAY1", "127.0.0.1", modality.listener.port)
            yield Site(hospital, ris, pacs, modality)


def grid(site: Site, message: str) -> dict[str, list[int]]:
    """Bytes, in both directions, that lie in every phase of the association of a message.

    No byte at all; in the header and in the middle of the association request, and of its answer; in the beginning and
    in the middle of the message, and before its last byte; before the release, and in it.
    """
    site.judge(site.perform(message))
    up, down = site.passed
    return {
        "up": [0, 3, 150, 350, up // 2, up - RELEASE - 1, up - RELEASE, up - 3],
        "down": [0, 3, 100, 250, down - RELEASE - 1, down - RELEASE, down - 3],
    }


def run(site: Site, message: str, kind: str, places: Iterable[tuple[str, int]]) -> None:
    """One exam for each place, with an expressive failure."""
    for direction, at in places:

        def spoil(proxy: FaultProxy, direction: str = direction, at: int = at) -> None:
            setattr(proxy, direction, FAULTS[kind](at))

        try:
            site.judge(site.perform(message, spoil))
        except BaseException as error:
            error.add_note(f"{kind} at byte {at} {direction} of {message}")
            raise
    # a message whose answer was lost comes again, which the information system calls by these names
    repeated = ("is final", "exists")
    assert [v for v in site.hospital.ris.violations if not any(words in v for words in repeated)] == []


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("kind", ["fin", "rst"])
def test_a_connection_that_breaks_at_any_phase_of_a_message_costs_an_exam_nothing(
    site: Site, kind: str, message: str
) -> None:
    places = [(direction, at) for direction, ats in grid(site, message).items() for at in ats]
    run(site, message, kind, places if kind == "fin" else places[::3])


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("kind", ["stall", "swallow"])
def test_a_connection_that_falls_silent_at_any_phase_of_a_message_costs_an_exam_nothing(
    site: Site, kind: str, message: str
) -> None:
    places = [(direction, at) for direction, ats in grid(site, message).items() for at in ats]
    run(site, message, kind, places[1::6] if kind == "stall" else places[4::7])


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("kind", FAULTS)
def test_no_byte_of_an_exam_is_a_bad_place_for_a_fault(site: Site, kind: str, message: str) -> None:
    coarse = grid(site, message)
    places = [
        (direction, at)
        for direction, ats in coarse.items()
        for at in sorted({*ats, *range(0, max(ats), max(ats) // 15)})
    ]
    run(site, message, kind, places)
