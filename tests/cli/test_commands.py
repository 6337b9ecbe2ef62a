"""The command as it is typed: what it prints and how it exits."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

from modality_sdk.cli import main
from modality_sdk.model import Patient
from modality_sdk.settings import Encryption, Settings
from modality_sdk.simulator import Commitment as Delivery
from modality_sdk.simulator import Hospital
from modality_sdk.testing.phantom import radiograph
from modality_sdk.workflow import Modality

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in an empty directory; gives exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODALITY_CONFIG", raising=False)

    def run(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        captured = capsys.readouterr()
        return int(left.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture
def hospital() -> Iterator[Hospital]:
    with Hospital() as hospital:
        hospital.pacs.register("XRAY1", "127.0.0.1", 9)
        yield hospital


@pytest.fixture
def config(hospital: Hospital, tmp_path: Path, run: Run) -> Path:
    code, _, _ = run("init", "site.toml")
    assert code == 0
    path = tmp_path / "site.toml"
    text = path.read_text(encoding="utf-8")
    for old, new in (
        ("port = 11120", f"port = {hospital.ris.port}"),
        ("port = 4242", f"port = {hospital.pacs.port}"),
        ('"ORTHANC"', '"PACS"'),
        ("port = 11112", "port = 0"),
        ('host = "0.0.0.0"', 'host = "127.0.0.1"'),
    ):
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.req("FR-DICOM-09")
def test_init_writes_a_file_that_loads_and_never_overwrites_one(run: Run) -> None:
    code, out, _ = run("init")
    assert code == 0
    assert "modality.toml" in out
    assert Settings.load("modality.toml").ae_title == "XRAY1"
    code, _, err = run("init")
    assert code == 2
    assert "modality.toml" in err


@pytest.mark.req("NFR-SEC-01")
def test_init_makes_a_key_and_nothing_else(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("init", "--encryption-key", "journal.key")
    assert code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["journal.key"]
    key = Encryption(key_file=tmp_path / "journal.key").read_key()
    assert key.hex() not in out
    code, _, err = run("init", "--encryption-key", "journal.key")
    assert code == 2
    assert "journal.key" in err


@pytest.mark.req("NFR-SEC-01")
def test_a_demonstration_over_an_encrypted_spool_gives_readable_copies(run: Run, config: Path, tmp_path: Path) -> None:
    assert run("init", "--encryption-key", "journal.key")[0] == 0
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("# [encryption]", "[encryption]").replace("# key_file", "key_file"), "utf-8")
    code, out, _ = run("demo", "--config", str(config), "--json", "--timeout", "0")
    assert code == 3
    for instance in json.loads(out)["instances"]:
        assert dcmread(instance["path"]).SOPInstanceUID == instance["sop_instance_uid"]
    assert list((tmp_path / "modality-data" / "spool").rglob("*.dcm")) == []
    assert run("queue", "list", "--config", str(config))[0] == 0
    config.write_text(text, "utf-8")
    code, _, err = run("queue", "list", "--config", str(config))
    assert code == 2
    assert "encryption: is required" in err


@pytest.mark.req("FR-DICOM-09")
def test_echo_takes_a_name_an_address_or_host_and_port(run: Run, hospital: Hospital, config: Path) -> None:
    assert run("echo", "pacs", "--config", config)[0] == 0
    assert run("echo", f"PACS@127.0.0.1:{hospital.pacs.port}")[0] == 0
    code, out, _ = run("echo", "127.0.0.1", hospital.ris.port, "-aec", "RIS", "--json")
    assert code == 0
    assert json.loads(out)["status"] == 0


@pytest.mark.req("FR-DICOM-09")
def test_echo_says_why_not(run: Run, hospital: Hospital) -> None:
    code, _, err = run("echo", f"WRONG@127.0.0.1:{hospital.pacs.port}")
    assert code == 1
    assert "called AE title not recognized" in err
    code, _, err = run("echo", "PACS@127.0.0.1:9", "-ta", "2")
    assert code == 1
    assert "refused" in err
    code, _, err = run("echo", "no such peer here")
    assert code == 2
    assert "AET@host:port" in err
    assert run("echo", "-aet", "A\\B", f"PACS@127.0.0.1:{hospital.pacs.port}")[0] == 2


@pytest.mark.req("FR-DICOM-03")
def test_worklist_prints_people_or_json(run: Run, config: Path) -> None:
    code, out, _ = run("worklist", "--config", config)
    assert code == 0
    assert "Müller^Jürgen" in out
    code, out, _ = run("worklist", "--config", config, "--name", "YAMADA*", "--json")
    (item,) = json.loads(out)["items"]
    assert item["patient"]["name"] == "Yamada^Tarou=山田^太郎=やまだ^たろう"
    assert item["modality"] == "DX"
    assert run("worklist", "--config", config, "--date", "yesterday-ish")[0] == 2
    _, out, _ = run("worklist", "--config", config, "--date", "all", "--modality", "CT", "--json")
    assert {i["modality"] for i in json.loads(out)["items"]} == {"CT"}


@pytest.mark.req("FR-DICOM-03")
def test_worklist_takes_keys_as_dcmtk_and_pynetdicom_users_type_them(
    run: Run, config: Path, hospital: Hospital
) -> None:
    everything = ("worklist", "--config", config, "--json", "--date", "all", "--modality", "all")
    step = hospital.ris.worklist[0].ScheduledProcedureStepSequence[0]
    step.ScheduledStationName = "SIDE ROOM"
    for key in (
        "PatientID=SIM00001",
        "0010,0020=SIM00001",
        f"ScheduledProcedureStepSequence[0].ScheduledStationName={step.ScheduledStationName}",
        "(0040,0100)[0].0040,0010=SIDE*",
    ):
        code, out, _ = run(*everything, "-k", key)
        assert code == 0
        assert [item["patient"]["patient_id"] for item in json.loads(out)["items"]] == ["SIM00001"], key
    _, out, _ = run(*everything, "-k", "0040,0100[0].0008,0060=CT", "-k", "PatientName=*")
    assert {item["modality"] for item in json.loads(out)["items"]} == {"CT"}


@pytest.mark.req("FR-DICOM-03")
@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("PatientIdent=1", ("PatientIdent", "nearest is PatientID")),
        ("0010,0023=1", ("(0010,0023)", "nearest is (0010,002")),
        ("PatientID=1*", ("PatientID", "single value")),
        ("Modality=DX", ("Modality", "ScheduledProcedureStepSequence")),
        ("StudyDate=someday", ("StudyDate", "YYYYMMDD")),
    ],
)
def test_a_key_that_cannot_be_asked_is_an_error_of_usage(
    run: Run, config: Path, key: str, words: tuple[str, ...]
) -> None:
    code, _, err = run("worklist", "--config", config, "-k", key)
    assert code == 2
    assert all(word in err for word in words)


@pytest.mark.req("FR-DICOM-03")
def test_worklist_tells_which_keys_the_peer_does_not_support(run: Run, config: Path, hospital: Hospital) -> None:
    hospital.ris.match_optional = False
    accession = hospital.ris.worklist[0].AccessionNumber
    code, _, err = run("worklist", "--config", config, "--accession", accession)
    assert code == 0
    assert "does not support AccessionNumber" in err
    _, out, _ = run("worklist", "--config", config, "--accession", accession, "--json")
    told = json.loads(out)
    assert (told["unsupported_keys"], told["warned"]) == (["AccessionNumber"], True)
    hospital.ris.worklist[:] = [item for item in hospital.ris.worklist if item.AccessionNumber == accession]
    _, _, err = run("worklist", "--config", config, "--accession", accession)
    assert "does not show which" in err


@pytest.mark.req("FR-DICOM-01")
def test_store_sends_files_and_folders(run: Run, hospital: Hospital, config: Path, tmp_path: Path) -> None:
    assert run("demo", "--output", "out", "--json")[0] == 0
    objects = tmp_path / "out" / "objects"
    (objects / "notes.txt").write_text("no DICOM here")
    code, out, _ = run("store", f"PACS@127.0.0.1:{hospital.pacs.port}", objects, "--json")
    assert code == 0
    assert {row["sop_instance_uid"] for row in json.loads(out)} == set(hospital.pacs.stored)
    code, out, _ = run("store", "127.0.0.1", hospital.pacs.port, objects / "001.dcm", "-aec", "PACS")
    assert code == 0
    assert "stored 0000" in out
    assert run("store", "pacs", "--config", config)[0] == 2
    assert run("store", "pacs", "missing.dcm", "--config", config)[0] == 2
    before = len(hospital.pacs.stored)
    code, out, err = run("store", "pacs", objects / "notes.txt", objects / "002.dcm", "--config", config)
    assert code == 1
    assert "notes.txt" in err
    assert out.count("stored 0000") == 1
    assert len(hospital.pacs.stored) == before
    assert run("store", "pacs", objects / "notes.txt", "--config", config)[0] == 1


@pytest.mark.req("FR-DICOM-01")
@pytest.mark.req("FR-DICOM-05")
def test_demo_ends_archived_and_prints_one_json_object(run: Run, tmp_path: Path) -> None:
    code, out, err = run("demo", "--output", "out", "--json")
    assert (code, err) == (0, "")
    result = json.loads(out)
    assert result["status"] == "ARCHIVED"
    assert result["mpps"]["status"] == "COMPLETED"
    assert len(result["instances"]) == 2
    for instance in result["instances"]:
        assert instance["destinations"] == {"pacs": "COMMITTED"}
        assert dcmread(instance["path"]).StudyInstanceUID == result["study_instance_uid"]
    assert sorted(p.name for p in (tmp_path / "out" / "previews").iterdir()) == ["001.png", "002.png"]


@pytest.mark.req("FR-DICOM-01")
def test_demo_shows_each_step_as_it_happens(run: Run) -> None:
    code, out, _ = run("demo", "--output", "out")
    assert code == 0
    places = [out.index(text) for text in ("worklist:", "exposure 1", "exposure 2", "step completed", "ARCHIVED")]
    assert places == sorted(places)
    assert "\x1b[" not in out


@pytest.mark.req("FR-DICOM-01")
def test_demo_exposes_any_pixels(run: Run, tmp_path: Path) -> None:
    pixels = radiograph(80, 64, bits_stored=12)
    np.save(tmp_path / "a.npy", pixels)
    Image.fromarray(pixels).save(tmp_path / "b.png")
    code, out, _ = run("demo", "--output", "out", "--json", "--pixels", "a.npy", "--pixels", "b.png")
    assert code == 0
    for instance in json.loads(out)["instances"]:
        assert (dcmread(instance["path"]).pixel_array == pixels).all()
    (tmp_path / "bad.npy").write_bytes(b"not numpy")
    code, _, err = run("demo", "--output", "out", "--pixels", "bad.npy")
    assert code == 1
    assert "error:" in err


@pytest.mark.req("FR-DICOM-03")
def test_demo_with_a_configuration_performs_the_item_asked_for(run: Run, hospital: Hospital, config: Path) -> None:
    numbers = {str(i.AccessionNumber): str(i.StudyInstanceUID) for i in hospital.ris.worklist}
    accession = sorted(numbers)[2]
    code, out, _ = run("demo", "--config", config, "--item", accession, "--timeout", "1", "--json", "--output", "out")
    result = json.loads(out)
    assert result["study_instance_uid"] == numbers[accession]
    # nobody answers at the call-back address registered here, so the archive cannot report
    assert {d for i in result["instances"] for d in i["destinations"].values()} == {"STORED"}
    assert code == 3
    assert "pacs: STORED" in result["status"]
    assert run("demo", "--config", config, "--item", "NO SUCH", "--output", "out")[0] == 2


@pytest.mark.req("FR-DICOM-08")
def test_queue_lists_retries_and_drains_what_an_exam_left(run: Run, hospital: Hospital, config: Path) -> None:
    assert run("queue", "list", "--config", config)[0] == 2  # no modality has worked here
    hospital.pacs.offline()
    code, out, _ = run("demo", "--config", config, "--timeout", "0.5", "--json", "--output", "out")
    assert code == 3
    assert "WAITING" in json.loads(out)["status"]
    code, out, _ = run("queue", "list", "--config", config, "--json")
    jobs = json.loads(out)["jobs"]
    assert {(j["kind"], j["state"]) for j in jobs} >= {("C-STORE", "PENDING")}
    code, out, _ = run("queue", "list", "--config", config)
    assert "pacs is HELD" in out
    hospital.pacs.online()
    code, out, _ = run("queue", "drain", "--config", config, "--timeout", "10")
    assert code == 0, out
    assert len(hospital.pacs.stored) == 2
    assert run("queue", "retry", "--config", config)[0] == 2
    code, out, _ = run("queue", "retry", "--failed", "--config", config)
    assert (code, out) == (0, "0 back in the queue\n")


@pytest.mark.req("FR-DICOM-09")
def test_wrong_configuration_exits_2_and_names_field_and_rule(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text('ae_title = "FAR TOO LONG A TITLE FOR DICOM"\n')
    code, _, err = run("echo", "ORTHANC@127.0.0.1:1", "--config", "bad.toml")
    assert code == 2
    assert "ae_title" in err
    assert "16 characters" in err
    assert run("echo", "x", "--config", "missing.toml")[0] == 2
    assert run("nonsense")[0] == 2
    assert run("simulate", "--ris-port", "70000")[0] == 2
    code, _, err = run("worklist")
    assert code == 2
    assert "name a peer" in err
    assert run("--help")[0] == 0
    assert run("--version")[0] == 0


@pytest.mark.req("FR-DICOM-01")
def test_demo_replaces_its_own_folders_and_touches_no_others(run: Run, tmp_path: Path) -> None:
    precious = tmp_path / "out" / "objects" / "precious.txt"
    precious.parent.mkdir(parents=True)
    precious.write_text("mine")
    code, _, err = run("demo", "--output", "out")
    assert code == 2
    assert "--output" in err
    assert precious.read_text() == "mine"
    (tmp_path / "modality-data").mkdir()
    (tmp_path / "modality-data" / "journal.db").write_text("a site's own")
    for _ in range(2):
        assert run("demo", "--output", ".", "--json")[0] == 0
    assert (tmp_path / "modality-data" / "journal.db").read_text() == "a site's own"
    if os.name == "posix":
        assert (tmp_path / "objects").stat().st_mode & 0o077 == 0


@pytest.mark.req("FR-DICOM-05")
def test_commit_lists_what_is_not_archived_and_asks_for_it_again(run: Run, hospital: Hospital, config: Path) -> None:
    hospital.pacs.commitment = Delivery.NEVER
    text = config.read_text(encoding="utf-8")
    for old, new in (("commitment_timeout = 300", "commitment_timeout = 0.2"), ("linger = 1 ", "linger = 0 ")):
        assert old in text
        text = text.replace(old, new)
    config.write_text(text, encoding="utf-8")
    assert run("commit", "--config", config)[0] == 2  # nothing was acquired here yet
    code, out, _ = run("demo", "--config", config, "--timeout", "1.5", "--json", "--output", "out")
    assert code == 3

    code, out, _ = run("commit", "--list", "--json", "--config", config)
    assert code == 0
    (step,) = json.loads(out)["steps"]
    assert (step["status"], step["destinations"], step["failed_jobs"]) == ("COMPLETED", {"pacs": {"STORED": 2}}, 0)
    code, listed, _ = run("commit", "--config", config)
    assert code == 0
    assert "2 STORED" in listed
    names = {str(item.PatientName).split("^")[0] for item in hospital.ris.worklist}
    assert not any(name in out + listed for name in names)

    asked = len(hospital.pacs.transactions)
    code, out, _ = run("commit", step["step_uid"], "--json", "--config", config)
    assert (code, json.loads(out)["requests"]) == (3, {step["step_uid"]: 1})
    assert run("commit", "--all", "--config", config)[0] == 0  # its request is under way
    hospital.pacs.commitment = Delivery.SAME_ASSOCIATION
    run("queue", "drain", "--config", config, "--timeout", "3")
    assert len(hospital.pacs.transactions) == asked + 1


@pytest.mark.req("FR-DICOM-05")
def test_commit_says_what_cannot_be_asked(run: Run, config: Path) -> None:
    settings = Settings.load(config)
    with contextlib.closing(Modality(settings).open(worker=False, listener=False)) as modality:
        step = modality.start(patient=Patient(name="SECRET^NAME", patient_id="SECRET"))
        code, out, _ = run("commit", "--config", config)
        assert code == 0
        assert step.uid in out.replace("\n", "")
    code, _, err = run("commit", step.uid, "--config", config)
    assert code == 1
    assert "not final" in err
    code, _, err = run("commit", "1.2.3", "--config", config)
    assert code == 1
    assert "1.2.3" in err
    code, out, err = run("commit", step.uid, "1.2.3", "--json", "--config", config)
    assert (code, json.loads(out)["requests"], err.count("error: ")) == (1, {}, 2)
    assert run("commit", "--list", "1.2.3", "--config", config)[0] == 2
