"""``modality validate``: what it prints of which files, and how it exits."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from iod.validation.specimens import dx, dx_for_processing, presentation_state

from modality_sdk.cli import main

pytestmark = pytest.mark.req("NFR-QUAL-01")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in an empty directory; gives exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["validate", *(str(word) for word in words)])
        captured = capsys.readouterr()
        return int(left.value.code or 0), captured.out, captured.err

    return run


def written(path: Path, dataset: Any, **changes: object) -> Path:
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    path.parent.mkdir(exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def test_a_file_without_fault(run: Run, tmp_path: Path) -> None:
    code, out, _ = run(written(tmp_path / "a.dcm", dx()))
    assert (code, out) == (0, "1 objects: 0 errors, 0 warnings\n")


def test_errors_are_told_by_file_and_end_in_1(run: Run, tmp_path: Path) -> None:
    code, out, _ = run(written(tmp_path / "a.dcm", dx(), HighBit=3), written(tmp_path / "b.dcm", dx()))
    assert code == 1
    lines = out.splitlines()
    assert lines[0].startswith(f"{tmp_path / 'a.dcm'}: error: HighBit must be")
    assert lines[-1] == "2 objects: 1 errors, 0 warnings"


def test_warnings_end_in_1_only_when_asked_to(run: Run, tmp_path: Path) -> None:
    path = written(tmp_path / "a.dcm", dx(), DetectorType="MAGIC")
    assert run(path)[0] == 0
    assert run("--warnings-as-errors", path)[0] == 1


def test_folders_are_searched_for_dicom_files(run: Run, tmp_path: Path) -> None:
    written(tmp_path / "exam" / "a.dcm", dx())
    written(tmp_path / "exam" / "b", dx_for_processing())
    (tmp_path / "exam" / "notes.txt").write_text("no DICOM", encoding="utf-8")
    code, out, _ = run("exam")
    assert (code, out) == (0, "2 objects: 0 errors, 0 warnings\n")


def test_an_exam_is_judged_together(run: Run, tmp_path: Path) -> None:
    written(tmp_path / "exam" / "a.dcm", dx())
    written(tmp_path / "exam" / "b.dcm", presentation_state())
    assert run("exam")[0] == 0
    code, out, _ = run("--exam", "exam")
    assert code == 1
    assert "a.dcm: error: SourceImageSequence refers to an object that is not there: 2.25.42" in out


def test_json_for_machines(run: Run, tmp_path: Path) -> None:
    path = written(tmp_path / "a.dcm", dx(), HighBit=3)
    code, out, _ = run("--json", path)
    assert code == 1
    assert json.loads(out) == [
        {
            "file": str(path),
            "sop_instance_uid": "2.25.41",
            "severity": "ERROR",
            "attribute": "HighBit",
            "rule": "must be Bits Stored - 1",
            "section": "PS3.3 C.7.6.3",
        }
    ]


def test_what_cannot_be_read_ends_in_2_and_the_rest_is_judged(run: Run, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no DICOM", encoding="utf-8")
    code, out, err = run("text", "missing", written(tmp_path / "a.dcm", dx()))
    assert code == 2
    assert "text: is no DICOM file" in err
    assert "missing: No such file" in err
    assert out == "1 objects: 0 errors, 0 warnings\n"


@pytest.mark.parametrize("words", [(), ("--nonsense", "a"), (".",)])
def test_usage(run: Run, words: tuple[str, ...]) -> None:
    assert run(*words)[0] == 2


def test_nothing_of_the_patient_is_printed(run: Run, tmp_path: Path) -> None:
    path = written(tmp_path / "a.dcm", dx(), PatientID="SECRET" * 20, StudyID="SECRET" * 20)
    for options in ((), ("--json",), ("--exam",)):
        code, out, err = run(*options, path)
        assert code == 1
        assert "PatientID" in out
        assert "SECRET" not in out + err
