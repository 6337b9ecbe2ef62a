"""Scenarios in TOML: what they say, and how mistakes in them are told."""

from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from modality_sdk.errors import ConfigurationError
from modality_sdk.simulator import (
    Commitment,
    Hospital,
    LostResponse,
    Malformed,
    Phase,
    Reply,
    Report,
    Scenario,
    Script,
    Serve,
    Silence,
    Truncate,
)
from modality_sdk.simulator.script import Abort

pytestmark = pytest.mark.req("X-SIM")

_EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "scenarios" / "bad-day.toml"


def _load(tmp_path: Path, text: str) -> Scenario:
    path = tmp_path / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    return Scenario.load(path)


def test_the_example_is_a_scenario() -> None:
    scenario = Scenario.load(_EXAMPLE)
    scripts = {script.service: script.steps for script in scenario.ris}
    assert scripts["C-FIND"][:2] == (Serve(), Truncate(after=2))
    assert isinstance(scripts["C-FIND"][3], Malformed)
    assert scripts["C-FIND"][3].values["PatientBirthDate"] == b"19991332"
    assert scripts["N-CREATE"][0] == LostResponse(connection=True)
    archive = {script.service: script.steps for script in scenario.pacs}
    assert archive["C-STORE"][1] == Abort(phase=Phase.MID_RESPONSE)
    assert archive["N-EVENT-REPORT"][1] == Report(omit=1)


def test_a_scenario_directs_a_hospital(tmp_path: Path) -> None:
    scenario = _load(
        tmp_path,
        'worklist = "empty"\ncommitment = "same association"\n'
        '[[ris.C-ECHO]]\nstep = "reply"\nstatus = 0x0110\n[[ris.C-ECHO]]\nstep = "silence"\ntimes = "forever"\n',
    )
    assert scenario.items(station_ae_title="XRAY1") == []
    hospital = Hospital(worklist=())
    scenario.direct(hospital)
    assert hospital.pacs.commitment is Commitment.SAME_ASSOCIATION
    steps = (Reply(status=0x0110), Silence(times=None))
    assert hospital.ris.misbehaviour.scripts == (Script(service="C-ECHO", steps=steps),)


def test_a_worklist_comes_from_files_beside_the_scenario(tmp_path: Path) -> None:
    item = Dataset()
    item.PatientID = "A"
    item.ScheduledProcedureStepSequence = [Dataset()]
    item.ScheduledProcedureStepSequence[0].Modality = "DX"
    item.SOPClassUID, item.SOPInstanceUID = "1.2", "1.2.3"
    item.save_as(tmp_path / "item.dcm", implicit_vr=True, little_endian=True)
    with pytest.raises(ConfigurationError, match=r"worklist\[0\]: is a DICOM file"):
        _load(tmp_path, 'worklist = ["item.dcm"]').items(station_ae_title="XRAY1")
    (tmp_path / "item.dcm").write_bytes(b"\0" * 128 + b"DICM" + (tmp_path / "item.dcm").read_bytes())
    (found,) = _load(tmp_path, 'worklist = ["item.dcm"]').items(station_ae_title="XRAY1")
    assert found.PatientID == "A"
    with pytest.raises(ConfigurationError, match=r"worklist\[0\]: cannot be read"):
        _load(tmp_path, 'worklist = ["none.dcm"]').items(station_ae_title="XRAY1")


_PREAMBLE = b"\0" * 128 + b"DICM"


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (_PREAMBLE + b"\x02\0\0\0UL\x04\0\xff", "is a whole and readable DICOM file"),
        (_PREAMBLE + b"\x10\0\x20\0\x08\0\0\0PAT", "is a whole and readable DICOM file"),
        (_PREAMBLE + bytes(range(1, 200)), "is a whole|has a Scheduled Procedure Step Sequence"),
        (_PREAMBLE, "has a Scheduled Procedure Step Sequence"),
        (_PREAMBLE + b"\x40\0\x00\x01\0\0\0\0", "has a Scheduled Procedure Step Sequence"),
    ],
    ids=["cut in its head", "cut in a value", "junk", "nothing", "no step"],
)
def test_a_file_that_is_no_worklist_item_is_told(tmp_path: Path, content: bytes, rule: str) -> None:
    (tmp_path / "item.dcm").write_bytes(content)
    with pytest.raises(ConfigurationError, match=rf"worklist\[0\]: ({rule})"):
        _load(tmp_path, 'worklist = ["item.dcm"]').items(station_ae_title="XRAY1")


def test_a_worklist_path_with_nul_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"worklist\[0\]: is a path, without NUL"):
        _load(tmp_path, 'worklist = ["a\\u0000b"]').items(station_ae_title="XRAY1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wurst = 1", "wurst: is unknown here"),
        ('worklist = "mine"', "worklist: is 'sample'"),
        ('commitment = "later"', "commitment: is one of new association"),
        ("ris = 1", "ris: is a table"),
        ('[[ris.C-MOVE]]\nstep = "serve"', "ris.C-MOVE: is unknown here"),
        ('[ris.C-ECHO]\nstep = "serve"', r"ris.C-ECHO: is a list of steps, each headed \[\[ris.C-ECHO\]\]"),
        ("[[ris.C-ECHO]]\ntimes = 1", r"ris.C-ECHO\[0\].step: is one of"),
        ('[[ris.C-ECHO]]\nstep = "reply"', r"ris.C-ECHO\[0\].status: is required"),
        ('[[ris.C-ECHO]]\nstep = "reply"\nstatus = "x"', r"ris.C-ECHO\[0\].status: is an integer"),
        ('[[ris.C-ECHO]]\nstep = "reply"\nstatus = 70000', r"ris.C-ECHO\[0\].status: lies between"),
        ('[[ris.C-ECHO]]\nstep = "serve"\nwhen = 1', r"ris.C-ECHO\[0\].when: is unknown here"),
        ('[[ris.C-ECHO]]\nstep = "serve"\ntimes = true', r"ris.C-ECHO\[0\].times: is an integer"),
        ('[[ris.C-ECHO]]\nstep = "serve"\n[[ris.C-ECHO]]\nstep = "reject"', r"ris.C-ECHO\[1\]: is one of"),
        ('[[pacs.C-STORE]]\nstep = "abort"\nphase = "late"', r"pacs.C-STORE\[0\].phase: is one of"),
        ('[[ris.C-FIND]]\nstep = "malformed"\nwithout = "x"', r"ris.C-FIND\[0\].without: is a list"),
        (
            '[[pacs.N-EVENT-REPORT]]\nstep = "report"\nadd = [{ sop_class_uid = "1.2" }]',
            r"pacs.N-EVENT-REPORT\[0\].add\[0\].sop_instance_uid: is a text",
        ),
        ("= 1", "scenario: is a TOML file"),
        (f"worklist = {'[' * 2000}{']' * 2000}", "scenario: is a TOML file of moderate nesting"),
    ],
)
def test_a_mistake_is_told_by_key_and_rule(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        _load(tmp_path, text)


def test_a_scenario_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="scenario: cannot be read"):
        Scenario.load(tmp_path / "none.toml")
