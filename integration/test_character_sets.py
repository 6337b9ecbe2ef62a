"""Names in every character set through whole exams at real peers, each of which reads them for itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from modality_sdk.clock import SystemClock
from modality_sdk.model import Acquisition, Detector, Peer
from modality_sdk.settings import Listen, Settings
from modality_sdk.simulator import sample_worklist
from modality_sdk.testing.phantom import radiograph
from modality_sdk.workflow import Modality

from .peers.dcmtk import DcmtkServer, patient_name_in
from .peers.mpps import OdilMpps
from .peers.orthanc import orthanc_peer
from .peers.worklist import write_items

TIMEOUT = 30.0
PIXELS = radiograph(48, 40, bits_stored=12)
CHEST = Acquisition(body_part="CHEST", view="PA")

# by Patient ID, with the Specific Character Set that the worklist's file declares
NAMES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "ASCII": ((), "Adams^John Robert Quincy^^Rev.^B.A. M.Div."),
    "IR100": (("ISO_IR 100",), "Buc-Müller^Jérôme^Zoë^Dr."),
    "IR192": (("ISO_IR 192",), "Wang^XiaoDong=王^小東"),
    "IR192-LATIN": (("ISO_IR 192",), "Lefèvre^Noël"),
    "IR87": (("", "ISO 2022 IR 87"), "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    "IR149": (("", "ISO 2022 IR 149"), "Hong^Gildong=洪^吉洞=홍^길동"),
    "GB18030": (("GB18030",), "Wang^XiaoDong=王^小东"),
}
# DCMTK hands on the bytes of its file, so that it can serve a file that names no character set
UNDECLARED = {"ABSENT": ((), "Buc^Jérôme")}


@dataclass(frozen=True, kw_only=True)
class Exams:
    """Names by Patient ID, as the worklist gave them and as the step's receiver read them; the objects' UIDs."""

    scheduled: dict[str, str]
    performed: dict[str, str]
    objects: dict[str, str]


def items(names: Mapping[str, tuple[tuple[str, ...], str]]) -> list[Dataset]:
    made = []
    for patient_id, (character_set, name) in names.items():
        item = sample_worklist(today=SystemClock().now().date(), station_ae_title="XRAY1")[-3]
        for keyword in ("RequestingPhysician", "ReferringPhysicianName", "NamesOfIntendedRecipientsOfResults"):
            item[keyword].value = "REFERRER^RITA"
        del item.SpecificCharacterSet
        if character_set:
            item.SpecificCharacterSet = list(character_set)
        item.PatientID, item.PatientName = patient_id, name
        made.append(item)
    return made


def examine_everyone(data_dir: Path, worklist: Peer, storage: Peer, odil_mpps: OdilMpps) -> Exams:
    settings = Settings(
        ae_title="XRAY1",
        manufacturer="Example",
        model="DR-1",
        serial_number="1",
        software_versions=("1",),
        data_dir=data_dir,
        worklist="worklist",
        mpps=("odil",),
        storage=("storage",),
        listen=Listen(host="127.0.0.1", port=0),
        detector=Detector(imager_pixel_spacing=(0.2, 0.2), bits_stored=12),
        peers={
            "worklist": replace(worklist, name="worklist", commitment=False),
            "storage": replace(storage, name="storage", commitment=False),
            "odil": replace(odil_mpps.peer, name="odil"),
        },
    )
    exams = Exams(scheduled={}, performed={}, objects={})
    with Modality(settings) as modality:
        steps = []
        for item in modality.worklist.today():
            patient_id = item.patient.patient_id
            exams.scheduled[patient_id] = item.patient.name
            with modality.start(item) as step:
                exams.objects[patient_id] = step.add_image(PIXELS, CHEST).ref.sop_instance_uid
            steps.append((patient_id, step))
        for patient_id, step in steps:
            step.wait_until_sent(TIMEOUT)
            held = odil_mpps.step(step.uid)
            assert held.PerformedProcedureStepStatus == "COMPLETED"
            exams.performed[patient_id] = name_in(held)
    return exams


def name_in(performed: Dataset) -> str:
    """Patient's Name of a step at odil, which leaves texts with code extensions as the bytes that came."""
    text = str(performed.PatientName)
    if "\x1b" not in text:
        return text
    codec = {"ISO 2022 IR 87": "iso2022_jp", "ISO 2022 IR 149": "euc_kr"}[performed.SpecificCharacterSet[-1]]
    return text.encode("latin-1").replace(b"\x1b$)C", b"").decode(codec)


def every(names: Mapping[str, tuple[tuple[str, ...], str]]) -> dict[str, str]:
    return {patient_id: name for patient_id, (_, name) in names.items()}


def alphabetic(names: Mapping[str, str]) -> dict[str, str]:
    return {patient_id: name.split("=")[0] for patient_id, name in names.items()}


def is_latin1(text: str) -> bool:
    return all(c <= "\xff" for c in text)


@pytest.mark.peer("orthanc", "odil")
@pytest.mark.req("FR-DICOM-01")
@pytest.mark.req("FR-DICOM-03")
@pytest.mark.req("FR-DICOM-04")
@pytest.mark.parametrize("encoding", ["Utf8", "Latin1"])
def test_orthanc_s_names_stay_whole_but_for_what_its_own_encoding_lacks(
    encoding: str, tmp_path: Path, odil_mpps: OdilMpps
) -> None:
    """Orthanc answers a query in its DefaultEncoding, whatever the worklist's file has.

    With Latin1 it drops each Chinese, Japanese and Korean character itself, so that the alphabetic group is what is
    left of such a name; what comes is kept as it came. With Utf8 it leaves Korean escape sequences in the text.
    """
    with orthanc_peer(tmp_path / "orthanc", DefaultEncoding=encoding) as orthanc:
        write_items(orthanc.worklists, items(NAMES))
        exams = examine_everyone(tmp_path / "data", orthanc.peer, orthanc.peer, odil_mpps)
        stored = {
            patient_id: str(dcmread(BytesIO(orthanc.file(uid))).PatientName)
            for patient_id, uid in exams.objects.items()
        }
    expected = every(NAMES)
    if encoding == "Latin1":
        assert alphabetic(exams.scheduled) == alphabetic(expected)
        expected = {patient_id: name for patient_id, name in expected.items() if is_latin1(name)}
        assert len(expected) == 3
    assert {patient_id: exams.scheduled[patient_id] for patient_id in expected} == expected
    assert stored == exams.performed == exams.scheduled


@pytest.mark.peer("dcmtk", "odil")
@pytest.mark.req("FR-DICOM-01")
@pytest.mark.req("FR-DICOM-03")
@pytest.mark.req("FR-DICOM-04")
def test_names_in_the_character_set_of_each_worklist_file_stay_whole(
    wlmscpfs: DcmtkServer, storescp: DcmtkServer, odil_mpps: OdilMpps, tmp_path: Path
) -> None:
    names = {**NAMES, **UNDECLARED}
    write_items(wlmscpfs.directory, items(names))
    worklist = replace(wlmscpfs.peer, assume_charset="ISO_IR 100")
    exams = examine_everyone(tmp_path / "data", worklist, storescp.peer, odil_mpps)
    assert exams.scheduled == exams.performed == every(names)
    files = {str(dcmread(f, stop_before_pixels=True).SOPInstanceUID): f for f in storescp.directory.iterdir()}
    # DCMTK leaves the conversion to the C library, which knows no JIS X 0208 by itself
    japanese = files[exams.objects.pop("IR87")].read_bytes()
    assert all(part.encode("iso2022_jp") in japanese for part in ("山田", "太郎", "やまだ", "たろう"))
    read = {patient_id: patient_name_in(files[uid]) for patient_id, uid in exams.objects.items()}
    assert read == {patient_id: name for patient_id, name in every(names).items() if patient_id != "IR87"}
