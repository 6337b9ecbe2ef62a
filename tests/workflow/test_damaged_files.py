"""What the disk spoils after it was written is never sent, and keeps nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from modality_sdk.events import StorageFailed
from modality_sdk.model import DeliveryState, JobState
from modality_sdk.testing.fake_site import FakeSite, scheduled_item
from modality_sdk.workflow.delivery import JobKind

pytestmark = [pytest.mark.req("NFR-REL-01"), pytest.mark.req("FR-DICOM-08")]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def replace_by_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [flip, truncate, Path.unlink, replace_by_directory])
def test_a_damaged_file_is_parked_at_once_and_goes_out_when_it_was_restored(
    site: FakeSite, damage: Callable[[Path], None]
) -> None:
    with site.modality.start(scheduled_item()) as step:
        spoilt, good = site.expose(step), site.expose(step)
    uid = spoilt.ref.sop_instance_uid
    (path,) = site.data_dir.rglob(f"{uid}.dcm")
    content = path.read_bytes()
    damage(path)
    site.run_until_idle()
    assert [key[1] for key in site.storage.stored] == [good.ref.sop_instance_uid]
    assert uid not in {sop.sop_instance_uid for _, sop in site.storage.received}
    (job,) = site.modality.queue.jobs(kind=JobKind.C_STORE, states={JobState.FAILED})
    assert (job.reason, job.attempts) == ("SPOOL_DAMAGED", 1)
    assert uid in job.last_error
    assert "restore" in job.last_error
    assert {d.sop: d.state for d in step.report().deliveries} == {
        spoilt.ref: DeliveryState.FAILED,
        good.ref: DeliveryState.COMMITTED,
    }
    if path.is_dir():
        path.rmdir()
    path.write_bytes(content)
    site.modality.queue.retry(job.id)
    site.run_until_idle()
    assert step.report().archived
    assert ("pacs", uid) in site.storage.stored
    site.close()
    assert [e.sop for e in site.events if isinstance(e, StorageFailed)] == [spoilt.ref]
