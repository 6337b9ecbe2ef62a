"""Exams with encryption at rest: nothing of the patient lies in the clear, and nothing else is different."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from modality_sdk.errors import ConfigurationError, QueueCorrupt, StateError
from modality_sdk.model import Acquisition, DeliveryState, Detector, JobState, Patient, Peer, StepStatus
from modality_sdk.settings import Listen, Settings
from modality_sdk.simulator import Hospital
from modality_sdk.testing.fake_site import FakeSite, scheduled_item
from modality_sdk.testing.phantom import radiograph
from modality_sdk.workflow import Instance, Modality

pytestmark = [pytest.mark.req("NFR-SEC-01"), pytest.mark.req("NFR-REL-01")]

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
MARKS = (
    "ZZNÄME",
    "ZZVÖRNAME",
    "ZZID",
    "ZZACCESSION",
    "19010203",
    "1901-02-03",
    "ZZCÖMMENT",
    "ZZDESCRIPTION",
    "ZZOPERATOR",
    "ZZPHYSICIAN",
    "ZZPROCEDURE",
    "ZZSPS",
    "ZZPROTOCOL",
    "ZZPLACER",
)
ENCODINGS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be")


def marks_in(directory: Path) -> set[str]:
    contents = [path.read_bytes() for path in directory.rglob("*") if path.is_file()]
    return {
        mark
        for mark in MARKS
        for encoding in ENCODINGS
        for content in contents
        if mark.encode(encoding) in content or mark.encode(encoding) in content.replace(b"\0", b"")
    }


def perform_marked_exam(site: FakeSite) -> None:
    patient = Patient(name="ZZNÄME^ZZVÖRNAME", patient_id="ZZID", birth_date=date(1901, 2, 3), sex="F")
    item = replace(
        scheduled_item(),
        patient=patient,
        accession_number="ZZACCESSION",
        requested_procedure_id="ZZPROCEDURE",
        requested_procedure_description="ZZDESCRIPTION",
        scheduled_procedure_step_id="ZZSPS",
        scheduled_procedure_step_description="ZZDESCRIPTION",
        placer_order_number="ZZPLACER",
    )
    step = site.modality.start(
        item, operators=["ZZOPERATOR^A"], performing_physicians=["ZZPHYSICIAN^B"], comments="ZZCÖMMENT"
    )
    with step:
        first = step.add_image(site.pixels, Acquisition(body_part="CHEST", view="PA", protocol_name="ZZPROTOCOL"))
        site.run_until_idle()
        site.expose(step)
        assert first.ref in {delivery.sop for delivery in first.deliveries}
    site.run_until_idle()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[FakeSite]:
    with FakeSite(tmp_path / "data", encryption_key=lambda: KEY) as site:
        yield site


def spool_file(site: FakeSite, instance: Instance) -> Path:
    (path,) = (site.data_dir / "spool").rglob(f"{instance.ref.sop_instance_uid}*")
    return path


def test_no_byte_of_the_patient_lies_in_the_clear(site: FakeSite) -> None:
    perform_marked_exam(site)
    assert (site.data_dir / "journal.db-wal").stat().st_size > 0
    assert marks_in(site.data_dir) == set()
    assert "ZZNÄME" in str(next(iter(site.mpps.messages.values()))[0].PatientName)  # they did go out
    site.restart()
    site.modality.open_steps()
    assert marks_in(site.data_dir) == set()


def test_every_mark_is_found_without_encryption(tmp_path: Path) -> None:
    with FakeSite(tmp_path / "data") as site:
        perform_marked_exam(site)
        assert marks_in(site.data_dir) == set(MARKS)


def test_an_exam_goes_over_a_restart_and_arrives_bit_by_bit(site: FakeSite) -> None:
    step = site.modality.start(scheduled_item())
    instance = site.expose(step)
    with instance.open() as file:
        written = file.read()
        file.seek(0)
        assert (dcmread(file).pixel_array == site.pixels).all()
    site.restart()
    (step,) = site.modality.open_steps()
    assert step.patient.patient_id == "P1"
    step.complete()
    site.run_until_idle()
    assert step.status is StepStatus.COMPLETED
    assert step.report().archived
    assert site.storage.stored["pacs", instance.ref.sop_instance_uid] == data_set(written)


def test_the_path_of_a_sealed_file_is_refused_with_what_to_do(site: FakeSite) -> None:
    instance = site.expose(site.modality.start(scheduled_item()))
    with pytest.raises(StateError, match=r"encrypted.*Instance\.open\(\)"):
        _ = instance.path


def test_a_plain_file_is_opened_alike(tmp_path: Path) -> None:
    with FakeSite(tmp_path / "data") as site:
        instance = site.expose(site.modality.start(scheduled_item()))
        with instance.open() as file:
            assert file.read() == instance.path.read_bytes()


def data_set(file: bytes) -> bytes:
    """What follows the file meta information, whose length its first element tells (PS3.10 section 7.1)."""
    return file[144 + int.from_bytes(file[140:144], "little") :]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize("damage", [flip, cut])
def test_a_damaged_file_is_never_sent_and_named(site: FakeSite, damage: Callable[[Path], None]) -> None:
    step = site.modality.start(scheduled_item())
    bad, good = site.expose(step), site.expose(step)
    damage(spool_file(site, bad))
    with pytest.raises(QueueCorrupt, match=bad.ref.sop_instance_uid), bad.open() as file:
        file.read()
    site.run_until_idle()
    assert [d.state for d in bad.deliveries] == [DeliveryState.FAILED]
    assert [d.state for d in good.deliveries] == [DeliveryState.STORED]
    (job,) = site.modality.queue.jobs(states={JobState.FAILED})
    assert bad.ref.sop_instance_uid in job.last_error
    assert set(site.storage.stored) == {("pacs", good.ref.sop_instance_uid)}


def test_a_damaged_message_is_never_sent_and_told(site: FakeSite) -> None:
    step = site.modality.start(scheduled_item())
    instance = site.expose(step)
    with site.modality._opened().durable.journal.transaction() as tx:
        tx.execute("UPDATE job SET payload = zeroblob(100) WHERE kind = 'N-CREATE'")
    site.run_until_idle()
    (job,) = site.modality.queue.jobs(states={JobState.FAILED})
    assert (job.kind, job.attempts) == ("N-CREATE", 1)
    assert step.uid in job.last_error
    assert site.mpps.messages == {}
    assert [d.state for d in instance.deliveries] == [DeliveryState.STORED]
    site.close()
    assert [type(event).__name__ for event in site.events].count("MppsRefused") == 1


@pytest.mark.parametrize(
    "key", [None, lambda: OTHER, lambda: b"short", lambda: None], ids=["missing", "wrong", "short", "none"]
)
def test_another_key_or_none_opens_nothing(site: FakeSite, key: Any) -> None:
    step = site.modality.start(scheduled_item())
    site.close()
    site.encryption_key = key
    with pytest.raises(ConfigurationError, match=r"^encryption"):
        site.open()
    site.encryption_key = lambda: KEY
    assert [each.uid for each in site.open().open_steps()] == [step.uid]


def test_a_function_that_gives_no_key_does_not_switch_encryption_off(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^encryption\.key"):
        FakeSite(tmp_path / "data", encryption_key=lambda: None)  # type: ignore[arg-type, return-value]
    assert not (tmp_path / "data").exists()


def test_the_key_of_the_settings_serves_when_none_is_handed_in(site: FakeSite) -> None:
    step = site.modality.start(scheduled_item())
    site.close()
    site.encryption_key = None
    site.overrides = {"encryption": {"key": KEY.hex()}}
    assert [each.uid for each in site.open().open_steps()] == [step.uid]
    site.close()
    site.encryption_key = lambda: OTHER  # goes before that of the settings
    with pytest.raises(ConfigurationError, match="is not the key"):
        site.open()


def test_what_reaches_the_archive_is_what_was_written(tmp_path: Path) -> None:
    pixels = radiograph(1100, 700, bits_stored=12)  # over more than one chunk
    with Hospital() as hospital:
        settings = Settings(
            ae_title="XRAY1",
            manufacturer="Example",
            model="DR-1",
            serial_number="1",
            software_versions=("1",),
            data_dir=tmp_path / "data",
            worklist="ris",
            mpps=("ris",),
            storage=("pacs",),
            listen=Listen(host="127.0.0.1", port=0),
            detector=Detector(imager_pixel_spacing=(0.2, 0.2), bits_stored=12),
            encryption={"key": KEY.hex()},
            peers={
                "ris": Peer(ae_title=hospital.ris.ae_title, host="127.0.0.1", port=hospital.ris.port),
                "pacs": Peer(ae_title=hospital.pacs.ae_title, host="127.0.0.1", port=hospital.pacs.port),
            },
        )
        with Modality(settings) as modality:
            with modality.start(modality.worklist.today()[0]) as step:
                instances = [step.add_image(pixels, Acquisition(body_part="CHEST", view=view)) for view in ("PA", "LL")]
            step.wait_until_sent(20.0)
            assert hospital.ris.steps[step.uid].status == "COMPLETED"
            assert hospital.ris.violations == []
            for instance in instances:
                with instance.open() as file:
                    written = file.read()
                arrived = hospital.pacs.stored[instance.ref.sop_instance_uid]
                assert arrived.path is not None
                assert data_set(arrived.path.read_bytes()) == data_set(written)
                assert (arrived.dataset().pixel_array == pixels).all()


@pytest.mark.parametrize("with_backup", [True, False])
def test_a_lost_database_is_rebuilt_sealed_from_sealed_files(tmp_path: Path, with_backup: bool) -> None:
    site = FakeSite(data_dir=tmp_path, encryption_key=lambda: KEY)
    with site.modality.start(scheduled_item()) as step:
        site.expose(step)
    if with_backup:
        site.run_until_idle()
    site.close()
    (tmp_path / "journal.db").write_bytes(b"no database at all " * 1000)
    settings = site.modality.settings
    before = sorted(path for path in (tmp_path / "spool").rglob("*"))
    for wrong in (lambda: OTHER, None):
        with pytest.raises(ConfigurationError, match="key"):
            Modality(settings, clock=site.clock, encryption_key=wrong).recover()
    assert sorted(path for path in (tmp_path / "spool").rglob("*")) == before
    report = Modality(settings, clock=site.clock, encryption_key=lambda: KEY).recover()
    assert (report.unreadable, report.missing) == ((), ())
    assert bool(report.backup) is with_backup
    site.open()
    for left in site.modality.open_steps():
        left.complete()
    site.run_until_idle()
    assert site.modality.unarchived_steps() == []
    assert len(site.storage.stored) == 1
    with pytest.raises(ConfigurationError, match="needs its key"):
        Modality(settings, clock=site.clock).open(worker=False, listener=False)
    site.close()
