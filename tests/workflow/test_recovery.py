"""A database that is damaged or gone: rebuilt from the backup and from the objects, and every exam ends well."""

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from modality_sdk.errors import DimseFailure, QueueCorrupt, QueueError, QueueFull, StateError
from modality_sdk.journal import durable
from modality_sdk.journal.schema import VERSION
from modality_sdk.model import Acquisition, DeliveryState, JobState, JournalPolicy, Patient, SendPolicy, StepStatus
from modality_sdk.testing.fake_site import FakeSite, scheduled_item
from modality_sdk.workflow import Instance, Modality, PerformedStep, RecoveryReport
from modality_sdk.workflow.delivery import JobKind

pytestmark = [pytest.mark.req("NFR-REL-01"), pytest.mark.req("FR-DICOM-08")]

MakeSite = Callable[..., FakeSite]
DUPLICATE = 0x0111


def scribble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for start in range(4096, len(content), 4096):
        content[start : start + 64] = b"\xff" * 64
    path.write_bytes(content)


def garbage(path: Path) -> None:
    path.write_bytes(b"no database at all " * 1000)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def perform(site: FakeSite, shots: int = 2) -> tuple[PerformedStep, list[Instance]]:
    with site.modality.start(scheduled_item()) as step:
        instances = [site.expose(step) for _ in range(shots)]
    return step, instances


def recover(site: FakeSite, damage: Callable[[Path], None] = scribble, backup: Path | None = None) -> RecoveryReport:
    """Stop the program, damage the database, recover, and start the program again."""
    site.close()
    damage(site.data_dir / "journal.db")
    report = Modality(site.modality.settings, clock=site.clock).recover(backup=backup)
    site.open()
    return report


def reopened(site: FakeSite, uid: str) -> PerformedStep:
    (step,) = [step for step in site.modality.open_steps() if step.uid == uid]
    return step


def snapshot(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and not path.name.startswith("journal.lock")
    }


@pytest.mark.parametrize("damage", [scribble, garbage, empty, Path.unlink])
def test_what_was_done_since_the_backup_comes_back_from_the_objects(
    site: FakeSite, damage: Callable[[Path], None]
) -> None:
    known, _ = perform(site)
    site.run_until_idle()  # the backup is made here
    lost, shots = perform(site)
    assert site.storage.received
    record = lost.record
    report = recover(site, damage)

    assert report.backup == site.data_dir / "backup" / "journal.db"
    assert report.steps == report.open_steps == (lost.uid,)
    assert {sop.sop_instance_uid for sop in report.objects} == {i.ref.sop_instance_uid for i in shots}
    assert (report.unreadable, report.missing, report.open_jobs) == ((), (), 3)
    if damage is scribble:
        assert report.damaged is not None
        assert (report.damaged / "journal.db").read_bytes()[4096:4160] == b"\xff" * 64
    assert not (site.data_dir / "recovering").exists()

    step = reopened(site, lost.uid)
    found = step.record
    assert found.status is StepStatus.IN_PROGRESS
    assert found.performed_procedure_step_id == record.performed_procedure_step_id
    assert (found.patient.name, found.patient.patient_id) == (record.patient.name, record.patient.patient_id)
    assert found.items[0].accession_number == record.items[0].accession_number
    assert [i.ref for i in step.instances] == [i.ref for i in shots]
    step.complete()
    site.run_until_idle()
    assert step.report().archived
    assert {key[1] for key in site.storage.stored} == {
        i.ref.sop_instance_uid for s in (known, lost) for i in site_instances(site, s.uid)
    }
    assert site.mpps.messages[lost.uid][-1].PerformedProcedureStepStatus == "COMPLETED"
    series = site.mpps.messages[lost.uid][-1].PerformedSeriesSequence
    assert len(series[0].ReferencedImageSequence) == 2


def site_instances(site: FakeSite, uid: str) -> list[Instance]:
    with site.modality._opened().durable.journal.read() as tx:
        return [Instance(None, None, uid, r.sop) for r in tx.instances_of(uid)]  # type: ignore[arg-type]


def test_without_any_backup_everything_is_rebuilt_from_the_objects(make_site: MakeSite) -> None:
    site = make_site(overrides={"journal": JournalPolicy(backups=0)})
    first, _ = perform(site)
    second = site.modality.start(patient=Patient(name="Unknown^One", patient_id="E-1"))
    site.expose(second)
    numbers = {first.record.performed_procedure_step_id, second.record.performed_procedure_step_id}
    report = recover(site)
    assert report.backup is None
    assert set(report.steps) == {first.uid, second.uid}
    assert len(report.objects) == 3
    for step in site.modality.open_steps():
        step.complete()
        site.run_until_idle()
        assert step.report().archived
    third = site.modality.start(scheduled_item())
    assert third.record.performed_procedure_step_id not in numbers


def test_exposures_and_series_come_back_and_the_step_goes_on(site: FakeSite) -> None:
    step = site.modality.start(scheduled_item())
    site.expose(step)

    def kept(uid: str) -> tuple[list[object], list[object]]:
        with site.modality._opened().durable.journal.read() as tx:
            return list(tx.series_of(uid)), list(tx.irradiation_events_of(uid))

    series, events = kept(step.uid)
    recover(site)
    found_series, found_events = kept(step.uid)
    assert found_series == series
    (found,), (event,) = found_events, events
    assert (found.uid, found.image, found.started) == (event.uid, event.image, event.started)
    assert found.acquisition.exposure == event.acquisition.exposure
    again = reopened(site, step.uid)
    site.expose(again)
    assert len(kept(step.uid)[0]) == 1
    with site.modality._opened().durable.journal.read() as tx:
        assert [r.instance_number for r in tx.instances_of(step.uid)] == [1, 2]


@pytest.mark.illegal_mpps
def test_what_peers_have_already_counts_as_done(site: FakeSite) -> None:
    step, shots = perform(site, shots=1)
    backup = site.data_dir / "before.db"
    with closing(sqlite3.connect(site.data_dir / "journal.db")) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    site.run_until_idle()  # all of this is done, and unknown to the backup
    assert step.report().archived
    requests = len(site.commitment.requests)
    site.storage.answers.append(DUPLICATE)
    report = recover(site, backup=backup)
    assert (report.backup, report.steps, report.objects) == (backup, (), ())
    site.run_until_idle()
    assert site.modality.queue.jobs(states={JobState.FAILED}) == []
    (delivery,) = site.modality.queue.jobs(kind=JobKind.C_STORE)
    assert delivery.state is JobState.COMPLETE
    with site.modality._opened().durable.journal.read() as tx:
        assert tx.is_archived(step.uid)
        assert tx.delivery(shots[0].ref.sop_instance_uid, "pacs").state is DeliveryState.COMMITTED
    assert len(site.commitment.requests) == requests + 1
    uids = [uid for _, uid, _ in site.commitment.requests]
    assert len(set(uids)) == len(uids)


def test_commitment_that_was_being_asked_for_takes_a_new_transaction(site: FakeSite) -> None:
    site.commitment.answers.extend([0x0110])  # a passing failure: the request waits in the backup
    step, _ = perform(site, shots=1)
    site.run_until_idle()
    assert not step.report().archived
    (asked,) = {uid for _, uid, _ in site.commitment.requests}
    recover(site)
    site.clock.advance(3600)
    site.run_until_idle()
    with site.modality._opened().durable.journal.read() as tx:
        assert tx.is_archived(step.uid)
    assert asked not in [uid for _, uid, _ in site.commitment.requests[1:]]


@pytest.mark.illegal_mpps
def test_a_step_that_ended_after_the_backup_may_be_ended_again(site: FakeSite) -> None:
    open_step = site.modality.start(scheduled_item())
    site.expose(open_step)
    perform(site)
    site.run_until_idle()  # the backup holds the first step in progress
    open_step.complete()
    shutil.copy(site.data_dir / "backup" / "journal.db", site.data_dir / "kept.db")
    site.run_until_idle()
    report = recover(site, backup=site.data_dir / "kept.db")
    assert report.open_steps == (open_step.uid,)
    step = reopened(site, open_step.uid)
    step.complete()
    refusal = DimseFailure("N-SET", 0x0110, error_id=0xA710)  # it may no longer be updated
    site.mpps.answers.append(refusal)
    site.run_until_idle()
    assert site.modality.queue.jobs(states={JobState.FAILED}) == []
    assert step.report().archived


def test_objects_that_the_operator_has_not_let_go_wait_on(make_site: MakeSite) -> None:
    site = make_site(overrides={"send": SendPolicy(objects="on_complete")})
    step = site.modality.start(scheduled_item())
    image = site.expose(step)
    recover(site)
    site.run_until_idle()
    assert site.storage.received == []
    reopened(site, step.uid).complete()
    site.run_until_idle()
    assert ("pacs", image.ref.sop_instance_uid) in site.storage.stored


def test_files_that_cannot_be_read_are_set_aside_and_reported(site: FakeSite) -> None:
    step = site.modality.start(scheduled_item())
    shots = [site.expose(step) for _ in range(3)]
    paths = [next(site.data_dir.rglob(f"{i.ref.sop_instance_uid}.dcm")) for i in shots]
    paths[0].write_bytes(paths[0].read_bytes()[:-1000])
    paths[1].write_bytes(b"no DICOM file")
    contents = {path.name: path.read_bytes() for path in paths[:2]}
    report = recover(site)
    assert report.objects == (shots[2].ref,)
    assert {file.path.name: file.path.read_bytes() for file in report.unreadable} == contents
    assert all(file.path.parent == site.data_dir / "orphans" for file in report.unreadable)
    assert sorted(file.rule.partition(":")[0] for file in report.unreadable) == ["PixelData", "file"]


def test_objects_whose_file_is_gone_are_named(site: FakeSite) -> None:
    _, (shot,) = perform(site, shots=1)
    site.run_until_idle()
    next(site.data_dir.rglob(f"{shot.ref.sop_instance_uid}.dcm")).unlink()
    assert recover(site).missing == (shot.ref.sop_instance_uid,)


def test_a_damaged_backup_is_passed_over_for_an_older_one(site: FakeSite) -> None:
    for _ in range(2):
        perform(site, shots=1)
        site.run_until_idle()
    scribble(site.data_dir / "backup" / "journal.db")
    report = recover(site)
    assert report.backup == site.data_dir / "backup" / "journal.1.db"
    assert report.refused_backups == (site.data_dir / "backup" / "journal.db",)
    assert len(report.steps) == 1


def test_a_disk_that_was_replaced_begins_with_the_backup_of_another_one(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site(overrides={"journal": JournalPolicy(backup_dir=tmp_path / "copies")})
    step, (shot,) = perform(site, shots=1)
    site.run_until_idle()
    site.close()
    shutil.rmtree(site.data_dir)
    with pytest.raises(QueueCorrupt, match=r"a backup is there.*queue recover"):
        site.open()
    report = Modality(site.modality.settings, clock=site.clock).recover()
    assert report.missing == (shot.ref.sop_instance_uid,)
    site.open()
    with site.modality._opened().durable.journal.read() as tx:
        assert tx.get_step(step.uid).status is StepStatus.COMPLETED


# when nothing is done


def test_a_healthy_journal_is_left_alone(site: FakeSite) -> None:
    perform(site)
    with pytest.raises(StateError, match="open"):
        site.modality.recover()
    site.close()
    before = snapshot(site.data_dir)
    with pytest.raises(StateError, match="healthy"):
        Modality(site.modality.settings).recover()
    assert snapshot(site.data_dir) == before


def test_a_journal_of_a_newer_version_is_left_alone(site: FakeSite) -> None:
    perform(site)
    site.close()
    with closing(sqlite3.connect(site.data_dir / "journal.db")) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = snapshot(site.data_dir)
    with pytest.raises(QueueCorrupt, match="newer"):
        Modality(site.modality.settings).recover()
    assert snapshot(site.data_dir) == before


def test_a_backup_that_is_no_good_changes_nothing(site: FakeSite) -> None:
    perform(site)
    site.close()
    scribble(site.data_dir / "journal.db")
    before = snapshot(site.data_dir)
    with pytest.raises(QueueCorrupt, match="no good backup"):
        Modality(site.modality.settings).recover(backup=next(site.data_dir.rglob("*.dcm")))
    with pytest.raises(QueueError, match="cannot be read"):
        Modality(site.modality.settings).recover(backup=site.data_dir / "spool")
    assert snapshot(site.data_dir) == before


def test_a_backup_for_which_there_is_no_room_is_not_passed_over(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    perform(site)
    site.run_until_idle()
    site.close()
    scribble(site.data_dir / "journal.db")
    before = snapshot(site.data_dir)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(durable, "flush", full)
        with pytest.raises(QueueFull, match="no room"):
            Modality(site.modality.settings).recover()
    assert snapshot(site.data_dir) == before


def test_a_directory_without_a_journal_has_nothing_to_recover(site: FakeSite, tmp_path: Path) -> None:
    settings = site.modality.settings.model_copy(update={"data_dir": tmp_path / "elsewhere"})
    with pytest.raises(StateError, match="no journal"):
        Modality(settings).recover()
    assert not (tmp_path / "elsewhere").exists()


HOLDER = """
import sys
from pathlib import Path
from modality_sdk.clock import SystemClock
from modality_sdk.journal import Journal
journal = Journal.open(Path(sys.argv[1]), clock=SystemClock())
print("open", flush=True)
sys.stdin.readline()
journal.close()
"""


def test_a_journal_that_another_process_has_open_is_left_alone(site: FakeSite) -> None:
    perform(site)
    site.close()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(site.data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(QueueError, match="another process"):
            Modality(site.modality.settings).recover()
        holder.stdin.write("\n")
    assert holder.returncode == 0


class Interrupted(BaseException):
    """Stands for the process ending."""


@pytest.mark.parametrize("write", ["create", "flush", "publish", "move", "make_directory"])
def test_a_recovery_that_was_interrupted_anywhere_can_be_repeated(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch, write: str
) -> None:
    perform(site)
    site.run_until_idle()
    lost, shots = perform(site)
    site.close()
    scribble(site.data_dir / "journal.db")
    (site.data_dir / "journal.db-wal").write_bytes(b"a log of the damaged database")
    modality = Modality(site.modality.settings, clock=site.clock)
    original = getattr(durable, write)
    interruptions = 0
    for n in range(1, 50):
        count = 0

        def counted(*arguments: object, n: int = n) -> object:
            nonlocal count
            count += 1
            if count == n:
                raise Interrupted
            return original(*arguments)

        half = site.data_dir / "recovering"  # what a process that was killed leaves
        half.mkdir(exist_ok=True)
        for name in ("journal.db", "journal.db-wal"):
            (half / name).write_bytes(b"half")
        with monkeypatch.context() as patch:
            patch.setattr(durable, write, counted)
            try:
                report = modality.recover()
            except Interrupted:
                interruptions += 1
                continue
        break
    assert interruptions
    assert report.steps == (lost.uid,)
    assert len(report.objects) == len(shots)
    aside = [path for path in site.data_dir.glob("damaged-*/*") if path.name == "journal.db"]
    assert len(aside) == 1
    site.open()
    reopened(site, lost.uid).complete()
    site.run_until_idle()
    assert len(site.storage.stored) == 4


def test_a_recovery_refuses_what_it_cannot_judge(site: FakeSite) -> None:
    perform(site)
    site.close()
    path = site.data_dir / "journal.db"
    path.rename(path.with_name("real.db"))
    path.mkdir()
    with pytest.raises(QueueError, match="cannot be told"):
        Modality(site.modality.settings).recover()
    assert path.is_dir()


def test_two_objects_of_one_step_with_different_series_keep_them(site: FakeSite) -> None:
    step = site.modality.start(replace(scheduled_item(), accession_number=""))
    site.expose(step)
    series = step.series(description="second")
    step.add_image(site.pixels, Acquisition(body_part="CHEST", view="PA"), series=series)
    recover(site)
    with site.modality._opened().durable.journal.read() as tx:
        assert [s.series_number for s in tx.series_of(step.uid)] == [1, 2]
        assert [s.description for s in tx.series_of(step.uid)] == ["", "second"]


def test_a_pair_comes_back_in_its_two_series(make_site: MakeSite) -> None:
    site = make_site()
    step = site.modality.start(scheduled_item())
    step.add_image(site.pixels, Acquisition(body_part="CHEST", view="PA"), for_processing=site.pixels)
    report = recover(site, Path.unlink)
    assert (len(report.objects), report.unreadable) == (2, ())
    found = reopened(site, step.uid)
    found.add_image(site.pixels, Acquisition(body_part="CHEST", view="PA"), for_processing=site.pixels)
    found.complete()
    site.run_until_idle()
    assert found.report().archived
    with site.modality.journal.read() as tx:
        series = tx.series_of(step.uid)
    assert sorted((s.presentation_intent, len(s.images)) for s in series) == [
        ("FOR PRESENTATION", 2),
        ("FOR PROCESSING", 2),
    ]
