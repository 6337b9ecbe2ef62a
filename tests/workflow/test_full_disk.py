"""A disk that fills up at any moment: the image is refused, nothing of it is left, and the next one is taken."""

import errno
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from modality_sdk.errors import QueueFull
from modality_sdk.events import QueueNearlyFull
from modality_sdk.journal import durable
from modality_sdk.model import Acquisition, JournalPolicy, StepStatus
from modality_sdk.testing.fake_site import FakeSite, scheduled_item
from modality_sdk.workflow import Modality, PerformedStep

pytestmark = [pytest.mark.req("NFR-REL-01"), pytest.mark.req("FR-DICOM-08")]

MakeSite = Callable[..., FakeSite]
UNLIMITED = {"journal": JournalPolicy(minimum_free_bytes=0)}
WRITES = ("make_directory", "create", "flush", "publish", "sync_directory")


def traces(site: FakeSite, step: PerformedStep) -> tuple[list[Path], int, int]:
    """Files of the spool, objects and jobs: what an image that was refused must not leave."""
    files = [path for path in (site.data_dir / "spool").rglob("*") if path.is_file()]
    return files, len(step.instances), len(site.modality.queue.jobs())


class Disk:
    """Counts the writes of `durable` and refuses the n-th and all that follow it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, full_from: int) -> None:
        self.count, self.full_from = 0, full_from
        for name in WRITES:
            monkeypatch.setattr(durable, name, self._counted(getattr(durable, name)))

    def _counted(self, write: Callable[..., object]) -> Callable[..., object]:
        def counted(*arguments: object) -> object:
            self.count += 1
            if self.count >= self.full_from:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return write(*arguments)

        return counted


def test_an_image_is_refused_whole_at_whichever_write_the_disk_is_full(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = site.modality.start(scheduled_item())
    site.expose(step)
    before = traces(site, step)
    refused = 0
    for n in range(1, 100):
        with monkeypatch.context() as patch:
            Disk(patch, n)
            try:
                site.expose(step)
            except QueueFull:
                refused += 1
                assert traces(site, step) == before
            else:
                break
    assert refused >= 7
    assert len(step.instances) == 2
    step.complete()
    site.run_until_idle()
    assert step.report().archived


@pytest.mark.parametrize("pages", [0, 1, 2, 3, 5, 8])
def test_a_full_database_refuses_the_image_whole(site: FakeSite, pages: int) -> None:
    step = site.modality.start(scheduled_item())
    site.expose(step)
    before = traces(site, step)
    with site.modality._opened().durable.journal.read() as tx:
        used = tx.execute("PRAGMA page_count").fetchone()[0]
        tx.execute(f"PRAGMA max_page_count = {used + pages}")
    with pytest.raises(QueueFull):  # noqa: PT012 - which image is the first that does not fit depends on free pages
        for _ in range(200):
            before = traces(site, step)
            site.expose(step)
    assert traces(site, step) == before
    with site.modality._opened().durable.journal.read() as tx:
        tx.execute("PRAGMA max_page_count = 1073741823")
    site.expose(step)
    step.complete()
    site.run_until_idle()
    assert step.report().archived


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of eight megabytes."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.name != "posix" or os.geteuid() != 0:
        pytest.skip("not run: only root may mount a small file system")
    made = subprocess.run([mount, "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(path)], check=False, capture_output=True)
    if made.returncode != 0:
        pytest.skip("not run: this machine lets nobody mount a file system")
    yield path
    subprocess.run(["umount", str(path)], check=True)


def test_a_real_full_disk_refuses_images_until_there_is_room_again(small_disk: Path) -> None:
    pixels = np.zeros((300, 256), dtype=np.uint16)
    chest = Acquisition(body_part="CHEST", view="PA")
    filler = small_disk / "filler"
    with FakeSite(data_dir=small_disk / "data", overrides=UNLIMITED) as site:
        step = site.modality.start(scheduled_item())
        refused = 0
        for size in range(0, 7_000_000, 500_000):
            filler.write_bytes(b"")
            with filler.open("wb", buffering=0) as file:
                try:
                    file.write(bytes(size))
                except OSError:
                    break
            before = traces(site, step)
            try:
                step.add_image(pixels, chest)
            except QueueFull:
                refused += 1
                assert traces(site, step) == before
        assert refused
        filler.unlink()
        step.add_image(np.zeros((8, 8), dtype=np.uint16), chest)
        shots = len(step.instances)
        step.complete()
        site.run_until_idle()
        assert step.report().archived
        assert len(site.storage.stored) == shots
    connection = sqlite3.connect(small_disk / "data" / "journal.db")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_a_full_disk_is_told_at_the_opening_and_harms_nothing(small_disk: Path) -> None:
    with FakeSite(data_dir=small_disk / "data", overrides=UNLIMITED) as site:
        uid = site.modality.start(scheduled_item()).uid
        site.close()
        with (small_disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
            while filler.write(bytes(4096)):
                pass
        with pytest.raises(QueueFull):
            site.open()
        (small_disk / "filler").unlink()
        site.open()
        assert [step.uid for step in site.modality.open_steps()] == [uid]


# limits


def test_a_limit_of_objects_refuses_the_image_before_anything_is_written_and_nothing_else(
    make_site: MakeSite,
) -> None:
    site = make_site(overrides={"journal": JournalPolicy(maximum_objects=2, minimum_free_bytes=0)})
    step = site.modality.start(scheduled_item())
    site.expose(step)
    site.expose(step)
    before = traces(site, step)
    with pytest.raises(QueueFull, match=r"journal\.maximum_objects is 2, 3 would be used"):
        site.expose(step)
    assert traces(site, step) == before
    step.complete()
    other = site.modality.start(scheduled_item())
    other.complete(allow_empty=True)
    site.run_until_idle()
    assert [m[-1].PerformedProcedureStepStatus for m in site.mpps.messages.values()] == [StepStatus.COMPLETED] * 2


def test_a_limit_of_bytes_and_the_free_room_are_kept(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    site = make_site(overrides={"journal": JournalPolicy(maximum_bytes=20_000, minimum_free_bytes=1_000_000)})
    step = site.modality.start(scheduled_item())
    site.expose(step)
    site.expose(step)
    with pytest.raises(QueueFull, match=r"journal\.maximum_bytes is 20000, 2[0-9]{4} would"):
        site.expose(step)
    usage = shutil.disk_usage(site.data_dir)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_100))
    site = make_site(overrides={"journal": JournalPolicy(minimum_free_bytes=1_000_000)})
    step = site.modality.start(scheduled_item())
    with pytest.raises(QueueFull, match=r"journal\.minimum_free_bytes is 1000000, 99[0-9]+ would be free"):
        site.expose(step)


def test_purged_files_do_not_count(make_site: MakeSite) -> None:
    site = make_site(overrides={"journal": JournalPolicy(maximum_objects=1, minimum_free_bytes=0)})
    step = site.modality.start(scheduled_item())
    first = site.expose(step)
    with pytest.raises(QueueFull):
        site.expose(step)
    with site.modality._opened().durable.journal.transaction() as tx:
        tx.execute(
            "UPDATE instance SET purged = ? WHERE uid = ?",
            ("2024-01-01T00:00:00.000000+00:00", first.ref.sop_instance_uid),
        )
    site.expose(step)
    (fill,) = site.modality.capacity()
    assert (fill.used, fill.maximum) == (1, 1)


def test_a_limit_that_is_near_is_told_once_for_each_crossing(make_site: MakeSite) -> None:
    site = make_site(overrides={"journal": JournalPolicy(maximum_objects=5, warn_at=0.6, minimum_free_bytes=0)})

    def told() -> list[tuple[str, int, int]]:
        return [(e.limit, e.used, e.maximum) for e in site.events if isinstance(e, QueueNearlyFull)]

    def purge(count: int) -> None:
        with site.modality._opened().durable.journal.transaction() as tx:
            tx.execute(
                "UPDATE instance SET purged = '2024-01-01T00:00:00.000000+00:00' WHERE id IN "
                "(SELECT id FROM instance WHERE purged IS NULL LIMIT ?)",
                (count,),
            )

    step = site.modality.start(scheduled_item())
    for _ in range(4):
        site.expose(step)
    purge(1)
    site.expose(step)  # was near, is near
    purge(3)
    site.expose(step)  # there was room in between
    site.expose(step)
    site.close()
    assert told() == [("maximum_objects", 3, 5)] * 2


def test_a_limit_that_is_near_at_the_start_is_told_to_who_subscribed_before(make_site: MakeSite) -> None:
    limits = {"journal": JournalPolicy(maximum_objects=1, minimum_free_bytes=0)}
    site = make_site(overrides=limits)
    site.expose(site.modality.start(scheduled_item()))
    site.close()
    events: list[QueueNearlyFull] = []
    modality = Modality(site.modality.settings, clock=site.clock)
    modality.subscribe(events.append, QueueNearlyFull)
    modality.open(worker=False, listener=False)
    modality.close()
    assert [(e.limit, e.used, e.maximum) for e in events] == [("maximum_objects", 1, 1)]
