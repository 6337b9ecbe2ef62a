"""`modality queue recover` as it is typed, and the exams that it saves, against the hospital in a box."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modality_sdk.cli import main
from modality_sdk.model import Acquisition
from modality_sdk.settings import Settings, template
from modality_sdk.simulator import Hospital
from modality_sdk.testing.phantom import radiograph
from modality_sdk.workflow import Modality

pytestmark = [pytest.mark.req("NFR-REL-01"), pytest.mark.req("FR-DICOM-08")]

Run = Callable[..., tuple[int, str, str]]
PIXELS = radiograph(96, 80, bits_stored=12)
CHEST = Acquisition(body_part="CHEST", view="PA")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
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
        yield hospital


@pytest.fixture
def config(hospital: Hospital, tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    text = template(
        worklist=f"{hospital.ris.ae_title}@127.0.0.1:{hospital.ris.port}",
        storage=f"{hospital.pacs.ae_title}@127.0.0.1:{hospital.pacs.port}",
        port=0,
    )
    text = text.replace('host = "0.0.0.0"', 'host = "127.0.0.1"').replace("linger = 1 ", "linger = 0 ")
    path.write_text(text, encoding="utf-8")
    return path


def scribble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for start in range(4096, len(content), 4096):
        content[start : start + 64] = b"\xff" * 64
    path.write_bytes(content)


def shoot(modality: Modality, item: int, shots: int, *, complete: bool = True) -> tuple[str, list[str]]:
    step = modality.start(modality.worklist.today()[item])
    made = [step.add_image(PIXELS, CHEST).ref.sop_instance_uid for _ in range(shots)]
    if complete:
        step.complete()
    return step.uid, made


# what was sent and then forgotten is told a second time: the RIS refuses it, as it should
@pytest.mark.illegal_mpps
def test_exams_survive_the_loss_of_the_database(hospital: Hospital, config: Path, run: Run) -> None:
    settings = Settings.load(config)
    images: list[str] = []
    modality = Modality(settings).open()
    assert modality.listener is not None
    hospital.pacs.register(settings.ae_title, "127.0.0.1", modality.listener.port)
    first, made = shoot(modality, 0, 2)
    images += made
    modality.close(drain=20)
    backup = settings.data_dir / "backup" / "journal.db"
    kept = backup.read_bytes()
    modality = Modality(settings).open(listener=False)  # sent, and forgotten with the database
    second, made = shoot(modality, 1, 1)
    images += made
    modality.close(drain=20)
    modality = Modality(settings).open(worker=False, listener=False)  # never sent
    third, made = shoot(modality, 2, 2, complete=False)
    images += made
    modality.close()
    for path in backup.parent.iterdir():
        path.unlink()
    backup.write_bytes(kept)
    scribble(settings.data_dir / "journal.db")

    code, _, told = run("queue", "list", "--config", config)
    assert code == 1
    assert "modality queue recover" in told
    code, out, _ = run("queue", "recover", "--config", config, "--json")
    assert code == 0
    report = json.loads(out)
    assert report["backup"] == str(backup)
    assert (report["steps"], report["open_steps"]) == ([second, third], [second, third])
    assert report["objects"] == images[2:]
    code, _, told = run("queue", "recover", "--config", config)
    assert (code, "healthy" in told) == (1, True)

    modality = Modality(settings).open(worker=False, listener=False)
    for step in modality.open_steps():
        step.complete()
    modality.close()
    code, out, _ = run("queue", "drain", "--timeout", 30, "--config", config)
    assert (code, out) == (0, "0 left, 0 failed\n")
    assert Counter(hospital.pacs.stored.keys()) == Counter(images)
    assert {uid: hospital.ris.steps[uid].status for uid in (first, second, third)} == dict.fromkeys(
        (first, second, third), "COMPLETED"
    )


def test_the_words_name_what_was_found_and_what_is_to_be_done(config: Path, run: Run) -> None:
    settings = Settings.load(config)
    modality = Modality(settings).open(worker=False, listener=False)
    uid, (good, spoilt) = shoot(modality, 0, 2, complete=False)
    modality.close()
    next(settings.data_dir.rglob(f"{spoilt}.dcm")).write_bytes(b"spoilt")
    (settings.data_dir / "journal.db").unlink()
    code, out, _ = run("queue", "recover", "--config", config)
    assert code == 1
    assert "began anew: there is no good backup" in out
    assert "1 objects and 1 steps rebuilt" in out
    assert f"  {uid}" in out
    assert str(settings.data_dir / "orphans" / f"{spoilt}.dcm") in out
    assert good not in out
    code, _, told = run("queue", "recover", "--config", config, "--backup", config)
    assert (code, "healthy" in told) == (1, True)
