"""The recorder hears every service, and fails the tests that let illegal messages out."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian
from pynetdicom.sop_class import ModalityPerformedProcedureStep

import modality_sdk
from modality_sdk.errors import DimseFailure
from modality_sdk.model import Peer, SopReference
from modality_sdk.testing.fakes import FakeMpps, FakeStorage
from modality_sdk.transcoding import EncodedRendition

from .recorder import Recorder
from .test_mpps_table import create, final

pytestmark = [pytest.mark.req("FR-DICOM-04")]

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
RIS = Peer(name="ris", ae_title="RIS", host="127.0.0.1", port=104)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    with pytest.MonkeyPatch.context() as patch:
        recorder.listen(patch)
        yield recorder


def rendition(step_uid: str, sop_instance_uid: str) -> EncodedRendition:
    head, performed = Dataset(), Dataset()
    performed.ReferencedSOPClassUID = ModalityPerformedProcedureStep
    performed.ReferencedSOPInstanceUID = step_uid
    head.ReferencedPerformedProcedureStepSequence = [performed]
    head.PatientID = "1"
    stream = BytesIO()
    dcmwrite(stream, head, implicit_vr=False, little_endian=True, enforce_file_format=False)
    sop = SopReference(sop_class_uid=str(DigitalXRayImageStorageForPresentation), sop_instance_uid=sop_instance_uid)
    return EncodedRendition(sop=sop, transfer_syntax_uid=str(ExplicitVRLittleEndian), data=stream.getvalue())


def test_legal_messages_and_their_objects_pass(recorder: Recorder) -> None:
    mpps, uid = FakeMpps(), "1.2.99"
    mpps.create(uid, create(), peer=RIS)
    FakeStorage().store(RIS, [rendition(uid, "1.2.6"), rendition("1.2.98", "1.2.1")])
    mpps.set(uid, final(), peer=RIS)
    assert recorder
    assert recorder.violations() == []


@pytest.mark.illegal_mpps
def test_a_message_is_judged_as_it_was_when_it_was_sent_and_by_its_answer(recorder: Recorder) -> None:
    mpps, attributes = FakeMpps(), create()
    mpps.answers.append(0x0106)
    with pytest.raises(DimseFailure):
        mpps.create("1.2.99", attributes, peer=RIS)
    attributes.PatientSex = "F"
    mpps.create("1.2.99", attributes, peer=RIS)
    assert recorder.violations() == []
    del attributes.StudyID
    assert recorder.violations() == []
    mpps.create("1.2.98", attributes, peer=RIS)
    assert recorder.violations() == ["step 1.2.98 at RIS: N-CREATE: StudyID is missing"]


@pytest.mark.illegal_mpps
def test_an_object_that_the_step_forgot_is_found(recorder: Recorder) -> None:
    mpps, uid = FakeMpps(), "1.2.99"
    mpps.create(uid, create(), peer=RIS)
    FakeStorage().store(RIS, [rendition(uid, "1.2.6.9")])
    mpps.set(uid, final(), peer=RIS)
    (violation,) = recorder.violations()
    assert "in no reference list" in violation


PROJECT = """
import pytest
from mpps_judge.test_mpps_table import create
from modality_sdk.model import Peer
from modality_sdk.testing.fakes import FakeMpps

def send(legal):
    attributes = create()
    if not legal:
        del attributes.StudyID
    FakeMpps().create("1.2.99", attributes, peer=Peer(ae_title="RIS", host="127.0.0.1", port=104))

def test_legal(): send(True)
def test_illegal(): send(False)
@pytest.mark.illegal_mpps
def test_on_purpose(): send(False)
@pytest.mark.illegal_mpps
def test_marked_in_vain(): send(True)
@pytest.mark.illegal_mpps
def test_marked_and_silent(): pass
@pytest.mark.illegal_mpps
def test_marked_and_skipped(): pytest.skip("no peer")
"""


def test_the_test_that_sends_an_illegal_message_fails_unless_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {HERE.parent}\nmarkers = illegal_mpps\n    req\n")
    (tmp_path / "conftest.py").write_text("pytest_plugins = ['mpps_judge.recorder']\n")
    (tmp_path / "test_it.py").write_text(PROJECT)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA"]
    output = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    assert "5 passed, 1 skipped, 3 errors" in output
    assert "step 1.2.99 at RIS: N-CREATE: StudyID is missing" in output
    assert "ERROR test_it.py::test_illegal" in output
    assert "ERROR test_it.py::test_marked_in_vain" in output
    assert "ERROR test_it.py::test_marked_and_silent" in output
    assert "Failed: marked illegal_mpps, but no message was sent" in output


@pytest.mark.parametrize("name", ["judge.py", "table.py"])
def test_the_judge_knows_nothing_of_the_package(name: str) -> None:
    for node in ast.walk(ast.parse((HERE / name).read_text(encoding="utf-8"))):
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        assert not any(module.startswith("modality_sdk") for module in modules)


def test_the_package_knows_nothing_of_the_judge() -> None:
    sources = list(Path(modality_sdk.__file__).parent.rglob("*.py"))
    assert sources
    assert [source for source in sources if "mpps_judge" in source.read_text(encoding="utf-8")] == []
