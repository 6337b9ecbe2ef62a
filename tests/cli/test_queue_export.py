"""``modality queue export``: what is left when the archive is gone for good."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from pydicom import dcmread

from modality_sdk.journal import copy_out
from modality_sdk.model import RejectionReason
from modality_sdk.testing.fake_site import scheduled_item

pytestmark = [pytest.mark.req("FR-DICOM-08"), pytest.mark.req("NFR-REL-01")]


def manifest(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def test_failed_objects_become_plain_files_with_a_manifest(half_sent, run_queue, tmp_path) -> None:
    before = half_sent.site.modality.queue.jobs()
    code, out, _ = run_queue("export", "out", "--failed")
    assert (code, out) == (0, "1 objects exported to out\n")
    uid = half_sent.first.ref.sop_instance_uid
    path = tmp_path / "out" / f"{uid}.dcm"
    assert path.read_bytes() == half_sent.first.path.read_bytes()
    assert dcmread(path).SOPInstanceUID == uid
    (row,) = manifest(tmp_path / "out")["objects"]
    assert (row["sop_instance_uid"], row["file"], row["intact"]) == (uid, path.name, True)
    assert row["sop_class_uid"] == half_sent.first.ref.sop_class_uid
    assert row["step_uid"] == half_sent.step.uid
    assert row["destinations"] == {"backup": "WAITING", "pacs": "FAILED"}
    assert row["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [path.name, "manifest.json"]
    assert half_sent.site.modality.queue.jobs() == before
    if os.name == "posix":
        assert {p.stat().st_mode & 0o077 for p in (tmp_path / "out").iterdir()} == {0}


@pytest.mark.parametrize(("choice", "objects"), [("--waiting", 2), ("--step", 2), ("--instance", 1), ("both", 0)])
def test_objects_are_chosen_by_state_step_or_uid(half_sent, run_queue, choice: str, objects: int) -> None:
    second = half_sent.second.ref.sop_instance_uid
    words = {
        "--waiting": ["--waiting"],
        "--step": ["--step", half_sent.step.uid],
        "--instance": ["--instance", second],
        "both": ["--instance", second, "--failed"],
    }[choice]
    code, out, _ = run_queue("export", "out", *words, "--json")
    assert code == 0
    assert len(json.loads(out)["objects"]) == objects


def test_nothing_is_overwritten_and_nothing_is_written_into_the_store(half_sent, run_queue, tmp_path) -> None:
    precious = tmp_path / "out" / "precious.txt"
    precious.parent.mkdir()
    precious.write_text("mine")
    code, _, err = run_queue("export", "out", "--failed")
    assert code == 2
    assert "must be empty or new" in err
    assert [p.name for p in precious.parent.iterdir()] == ["precious.txt"]
    for inside in ("site", "site/spool/x", "out/../site/x"):
        code, _, err = run_queue("export", inside, "--failed")
        assert code == 2
        assert "must not lie in data_dir" in err
    assert not (tmp_path / "site" / "x").exists()
    (tmp_path / "file").touch()
    assert run_queue("export", "file", "--failed")[0] == 2


def test_what_is_unknown_is_told_before_anything_is_made(half_sent, run_queue, tmp_path) -> None:
    for words in (["--instance", "1.2.3"], ["--step", "1.2.3"]):
        code, _, err = run_queue("export", "out", *words)
        assert code == 1
        assert "1.2.3 is unknown" in err
    assert not (tmp_path / "out").exists()


def test_damaged_and_lost_files_are_told_and_the_others_saved(half_sent, run_queue, tmp_path) -> None:
    with half_sent.first.path.open("rb+") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\xff")
    half_sent.second.path.unlink()
    code, out, err = run_queue("export", "out", "--step", half_sent.step.uid)
    assert code == 1
    assert out == "0 objects exported to out, 2 not intact\n"
    assert "its file is damaged" in err
    assert "its file is not in the spool" in err
    damaged, lost = manifest(tmp_path / "out")["objects"]
    assert damaged["file"] == f"{half_sent.first.ref.sop_instance_uid}.dcm.damaged"
    assert (tmp_path / "out" / damaged["file"]).exists()
    assert (lost["file"], lost["sha256"], lost["intact"]) == (None, None, False)


def test_rejected_objects_are_exported_and_say_so(make_queue_site, run_queue, tmp_path) -> None:
    site = make_queue_site()
    step = site.modality.start(scheduled_item())
    step.reject(site.expose(step), RejectionReason.MOTION_BLUR)
    assert run_queue("export", "out", "--step", step.uid)[0] == 0
    (row,) = manifest(tmp_path / "out")["objects"]
    assert (row["state"], set(row["destinations"].values())) == ("REJECTED", {"REJECTED"})


def test_orphans_are_named_by_their_uids(half_sent, run_queue, tmp_path) -> None:
    orphans = tmp_path / "site" / "orphans"
    orphans.mkdir()
    for name in ("Name^Of A Patient.dcm", "again.dcm"):
        shutil.copy(half_sent.first.path, orphans / name)
    (orphans / "junk.dcm").write_bytes(b"no DICOM")
    code, out, err = run_queue("export", "out", "--orphans")
    assert code == 1
    assert out == "2 objects exported to out, 1 not intact\n"
    assert "orphan 3: is no DICOM file" in err
    uid = half_sent.first.ref.sop_instance_uid
    names = sorted(p.name for p in (tmp_path / "out" / "orphans").iterdir())
    assert names == [f"{uid}-1.dcm", f"{uid}-2.dcm", "3.dcm"]
    assert len(list(orphans.iterdir())) == 3


def test_a_copy_never_replaces_a_file(tmp_path) -> None:
    target = tmp_path / "1.2.dcm"
    target.write_bytes(b"mine")
    with (tmp_path / "source").open("wb+") as source, pytest.raises(FileExistsError):
        copy_out(source, target)
    assert target.read_bytes() == b"mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1.2.dcm", "source"]
