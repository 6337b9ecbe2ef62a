"""A patient's name through a whole exam, in every way in which an information system may write it.

The bytes of the worklist are those of the examples in PS3.5 Annexes H to K, not made by the software under test.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom import Dataset

from modality_sdk.clock import SystemClock
from modality_sdk.model import Acquisition, Detector, Peer, StepStatus
from modality_sdk.settings import Listen, Settings
from modality_sdk.simulator import Hospital, Malformed, sample_worklist
from modality_sdk.testing.phantom import radiograph
from modality_sdk.workflow import Modality

TIMEOUT = 20.0
PIXELS = radiograph(48, 40, bits_stored=12)
CHEST = Acquisition(body_part="CHEST", view="PA")


@dataclass(frozen=True, kw_only=True)
class Name:
    """A name on the wire.

    Attributes
    ----------
    declared
        Specific Character Set of the worklist item; empty: it has none.
    assumed
        What the site says of items without one.
    written
        Specific Character Set of what the modality sends.
    sent
        The name as the modality sends it, if not as it came.
    """

    text: str
    wire: bytes
    declared: tuple[str, ...] = ()
    assumed: str = ""
    written: tuple[str, ...] = ()
    sent: bytes = b""


JAPANESE = ("", "ISO 2022 IR 87")
KATAKANA = ("ISO 2022 IR 13", "ISO 2022 IR 87")
KOREAN = ("", "ISO 2022 IR 149")
UNICODE = ("ISO_IR 192",)

NAMES = {
    "absent, ASCII": Name(
        text="Adams^John Robert Quincy^^Rev.^B.A. M.Div.",
        wire=b"Adams^John Robert Quincy^^Rev.^B.A. M.Div.",
        written=UNICODE,
    ),
    "absent, ASCII, three groups": Name(text="Yamada^Tarou=A^B=C^D", wire=b"Yamada^Tarou=A^B=C^D", written=UNICODE),
    "absent, assumed Latin 1": Name(
        text="Buc^Jérôme", wire=b"Buc^J\xe9r\xf4me", assumed="ISO_IR 100", written=("ISO_IR 100",)
    ),
    "absent, assumed Cyrillic": Name(
        text="Люкceмбypг",
        wire=b"\xbb\xee\xdace\xdc\xd1yp\xd3",
        assumed="ISO_IR 144",
        written=("ISO_IR 144",),
    ),
    "absent, assumed Japanese": Name(
        text="Yamada^Tarou=山田^太郎=やまだ^たろう",
        wire=b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        assumed="\\ISO 2022 IR 87",
        written=JAPANESE,
    ),
    "ISO_IR 100": Name(text="Buc^Jérôme", wire=b"Buc^J\xe9r\xf4me", declared=("ISO_IR 100",), written=("ISO_IR 100",)),
    "ISO_IR 192": Name(
        text="Wang^XiaoDong=王^小東",
        wire=b"Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe6\x9d\xb1",
        declared=UNICODE,
        written=UNICODE,
    ),
    "ISO_IR 192 with escape sequences that Orthanc left in it": Name(
        text="Hong^Gildong=洪^吉洞",
        wire=b"Hong^Gildong=\x1b$)C\xe6\xb4\xaa^\x1b$)C\xe5\x90\x89\xe6\xb4\x9e",
        declared=UNICODE,
        written=UNICODE,
        sent=b"Hong^Gildong=\xe6\xb4\xaa^\xe5\x90\x89\xe6\xb4\x9e",
    ),
    "ISO 2022 IR 87": Name(
        text="Yamada^Tarou=山田^太郎=やまだ^たろう",
        wire=b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        declared=JAPANESE,
        written=JAPANESE,
    ),
    "ISO 2022 IR 13 and 87": Name(
        text="ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
        wire=b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
        declared=KATAKANA,
        written=KATAKANA,
    ),
    "ISO 2022 IR 149": Name(
        text="Hong^Gildong=洪^吉洞=홍^길동",
        wire=b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        declared=KOREAN,
        written=KOREAN,
    ),
    "GB18030": Name(
        text="Wang^XiaoDong=王^小东",
        wire=b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab",
        declared=("GB18030",),
        written=("GB18030",),
    ),
}


def settings(hospital: Hospital, data_dir: Path, assumed: str) -> Settings:
    ris = Peer(name="ris", ae_title="RIS", host="127.0.0.1", port=hospital.ris.port, assume_charset=assumed)
    return Settings(
        ae_title="XRAY1",
        manufacturer="Example",
        model="DR-1",
        serial_number="1",
        software_versions=("1",),
        data_dir=data_dir,
        worklist="ris",
        mpps=("ris",),
        storage=("pacs",),
        listen=Listen(host="127.0.0.1", port=0),
        detector=Detector(imager_pixel_spacing=(0.2, 0.2), bits_stored=12),
        peers={"ris": ris, "pacs": Peer(name="pacs", ae_title="PACS", host="127.0.0.1", port=hospital.pacs.port)},
    )


def terms(dataset: Dataset) -> tuple[str, ...]:
    value = dataset.get("SpecificCharacterSet")
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)


@pytest.mark.req("FR-DICOM-01")
@pytest.mark.req("FR-DICOM-03")
@pytest.mark.req("FR-DICOM-04")
@pytest.mark.parametrize("name", NAMES.values(), ids=list(NAMES))
def test_a_name_is_the_same_text_in_worklist_object_and_mpps(name: Name, tmp_path: Path) -> None:
    item = sample_worklist(today=SystemClock().now().date(), station_ae_title="XRAY1")[-3]
    for keyword in ("RequestingPhysician", "NamesOfIntendedRecipientsOfResults"):
        item[keyword].value = "REFERRER^RITA"
    if name.declared:
        item.SpecificCharacterSet = list(name.declared)
    else:
        del item.SpecificCharacterSet
    wire, sent = (text + b" " * (len(text) % 2) for text in (name.wire, name.sent or name.wire))
    with Hospital(worklist=[item]) as hospital:
        hospital.ris.script("C-FIND", Malformed(values={"PatientName": wire, "ReferringPhysicianName": wire}))
        with Modality(settings(hospital, tmp_path, name.assumed)) as modality:
            result = modality.worklist.today()
            (scheduled,) = result
            assert scheduled.patient.name == name.text
            assert result.problems == ()
            with modality.start(scheduled) as step:
                instance = step.add_image(PIXELS, CHEST)
            step.wait_until_sent(TIMEOUT)
        file = hospital.pacs.stored[instance.ref.sop_instance_uid]
        stored, performed = file.dataset(), hospital.ris.steps[step.uid]
        assert stored.PatientName == stored.ReferringPhysicianName == name.text
        assert performed.create.PatientName == performed.current.PatientName == name.text
        assert performed.status == StepStatus.COMPLETED
        assert terms(stored) == terms(performed.create) == terms(performed.sets[-1]) == name.written
        # the same bytes, as another reader than pydicom will take them
        assert file.path is not None
        assert file.path.read_bytes().count(sent) == 2
        assert hospital.ris.violations == []
