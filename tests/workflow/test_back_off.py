"""Back-off through a step: on fakes over a whole night, and over sockets through a proxy; by a clock turned by hand."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from modality_sdk.errors import ConnectError
from modality_sdk.events import MppsRefused, StorageFailed
from modality_sdk.model import Acquisition, DestinationState, Detector, JobState, Patient, Peer
from modality_sdk.queue import Job
from modality_sdk.settings import Settings
from modality_sdk.simulator import Hospital
from modality_sdk.testing.clock import FakeClock
from modality_sdk.testing.fake_site import FakeSite
from modality_sdk.testing.fakes import FakeStorage, FakeVerification
from modality_sdk.testing.fault_proxy import FaultProxy, Faults
from modality_sdk.testing.phantom import radiograph
from modality_sdk.workflow import Modality

pytestmark = pytest.mark.req("FR-DICOM-08")

HOUR = 3600


@dataclass
class Archive(FakeStorage):
    """Can be away."""

    away: bool = False

    def store(self, peer: Peer, renditions: Any, **values: Any) -> Any:
        if self.away:
            raise ConnectError(peer.host, peer.port, "refused")
        return super().store(peer, renditions, **values)


@dataclass
class Echo(FakeVerification):
    """Fails while the archive is away."""

    archive: Archive | None = None

    def echo(self, peer: Peer, **values: Any) -> Any:
        answer = super().echo(peer, **values)
        if self.archive is not None and self.archive.away:
            raise ConnectError(peer.host, peer.port, "refused")
        return answer


@pytest.mark.req("FR-DICOM-01")
@pytest.mark.req("NFR-REL-01")
def test_a_night_without_the_archive_uses_up_nothing_and_all_is_sent_when_it_is_back(
    make_site: Callable[..., FakeSite],
) -> None:
    archive = Archive(away=True)
    site = make_site(storage=archive, verification=Echo(archive=archive))
    steps = []
    for _ in range(24):
        with site.modality.start(site.worklist.items[0]) as step:
            for _ in range(10):
                site.expose(step)
        steps.append(step)
        for _ in range(6):
            site.run_until_idle()
            site.clock.advance(300)
    assert 12 <= len(site.verification.asked) <= 20  # once an hour in the end
    jobs = site.modality.queue.jobs(kind="C-STORE")
    assert len(jobs) == 240
    assert {(job.state, job.attempts) for job in jobs} == {(JobState.PENDING, 0)}
    archive.away = False
    site.clock.advance(HOUR)
    site.modality.run_due()
    assert len(archive.received) == len(archive.stored) == 240
    assert all(step.report().archived for step in steps)
    assert {job.attempts for job in site.modality.queue.jobs(kind="C-STORE")} == {1}
    site.close()
    assert not any(isinstance(event, StorageFailed | MppsRefused) for event in site.events)


def test_refusals_count_and_a_cut_line_does_not_over_sockets(tmp_path: Path) -> None:
    clock = FakeClock()
    with Hospital() as hospital, FaultProxy("127.0.0.1", hospital.pacs.port) as proxy:
        pacs = Peer(name="pacs", ae_title=hospital.pacs.ae_title, host="127.0.0.1", port=proxy.port)
        settings = Settings(
            ae_title="XRAY1",
            manufacturer="Example",
            model="DR-1",
            serial_number="1",
            software_versions=("1",),
            data_dir=tmp_path,
            storage=("pacs",),
            detector=Detector(imager_pixel_spacing=(0.2, 0.2), bits_stored=12),
            peers={"pacs": pacs},
        )
        modality = Modality(settings, clock=clock).open(worker=False, listener=False)
        hospital.pacs.refuse("C-STORE", 0xA700, times=6)
        with modality.start(patient=Patient(name="Doe^Jane", patient_id="P1")) as step:
            step.add_image(radiograph(64, 48, bits_stored=12), Acquisition(body_part="CHEST", view="PA"))

        def run() -> Job:
            modality.run_due()
            (job,) = modality.queue.jobs(kind="C-STORE")
            return job

        job, waits = run(), []
        while job.state is JobState.RETRYING:
            waits.append(job.delay_s)
            clock.advance(job.delay_s - 1)
            assert run() == job  # not a second too early
            clock.advance(1)
            if job.attempts == 3:
                proxy.up = Faults(cut_after=0)
                for delay in (30, 60):  # the job's own wait is over; the destination's has begun
                    job = run()
                    (held,) = modality.queue.destinations()
                    assert (job.state, job.attempts, held.state) == (JobState.PENDING, 3, DestinationState.HELD)
                    clock.advance(delay)
                proxy.up = Faults()
            job = run()
        assert waits == [30, 60, 120, 240, 480]
        assert (job.state, job.attempts) == (JobState.FAILED, 6)
        modality.queue.retry(job.id)
        assert run().state is JobState.COMPLETE
        assert step.report().archived
        modality.close()
