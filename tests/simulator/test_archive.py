"""Storage: what the archive takes, keeps and refuses (PS3.4 Annex B)."""

import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import ImplicitVRLittleEndian, JPEGLosslessSV1, generate_uid
from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    BasicTextSRStorage,
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    Verification,
    XRayRadiationDoseSRStorage,
)

from modality_sdk.simulator import Pacs

pytestmark = [pytest.mark.req("X-SIM"), pytest.mark.req("FR-DICOM-01")]

_DX = DigitalXRayImageStorageForPresentation


def test_an_object_is_kept_byte_for_byte(associate: Any, pacs: Pacs, image: Any) -> None:
    sent = image()
    with associate(pacs, _DX) as association:
        assert association.send_c_store(sent).Status == 0x0000
    kept = pacs.stored[sent.SOPInstanceUID]
    assert (kept.sop_class_uid, kept.received, kept.calling_ae_title) == (_DX, 1, "XRAY1")
    assert kept.dataset() == sent
    assert kept.dataset().file_meta.TransferSyntaxUID == kept.transfer_syntax_uid


@pytest.mark.parametrize(
    "sop_class",
    [
        ComputedRadiographyImageStorage,
        _DX,
        DigitalXRayImageStorageForProcessing,
        GrayscaleSoftcopyPresentationStateStorage,
        BasicTextSRStorage,
        XRayRadiationDoseSRStorage,
        KeyObjectSelectionDocumentStorage,
    ],
)
def test_every_kind_of_evidence_is_taken(associate: Any, pacs: Pacs, image: Any, sop_class: str) -> None:
    sent = image(SOPClassUID=sop_class)
    with associate(pacs, sop_class) as association:
        assert association.send_c_store(sent).Status == 0x0000
    assert pacs.stored[sent.SOPInstanceUID].sop_class_uid == sop_class


def test_an_object_sent_again_is_counted_and_the_first_one_kept(associate: Any, pacs: Pacs, image: Any) -> None:
    sent = image()
    with associate(pacs, _DX) as association:
        association.send_c_store(sent)
        sent.PatientID = "OTHER"
        assert association.send_c_store(sent).Status == 0x0000
    kept = pacs.stored[sent.SOPInstanceUID]
    assert kept.received == 2
    assert kept.dataset().PatientID == "SIM00006"


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID"])
@pytest.mark.parametrize("value", [None, ""])
def test_an_object_without_its_identifiers_is_refused(
    associate: Any, pacs: Pacs, image: Any, keyword: str, value: str | None
) -> None:
    with associate(pacs, _DX) as association:
        status = association.send_c_store(image(**{keyword: value}))
    assert (status.Status, status.OffendingElement) == (0xA900, Tag(keyword))
    assert pacs.stored == {}


@pytest.mark.parametrize(
    ("keyword", "value"), [("SOPInstanceUID", "1.2.3"), ("SOPClassUID", ComputedRadiographyImageStorage)]
)
def test_a_data_set_of_another_identity_than_its_command_is_refused(
    associate: Any, pacs: Pacs, image: Any, keyword: str, value: str
) -> None:
    with associate(
        pacs, _DX, evt_handlers=[(evt.EVT_DIMSE_SENT, _renames(f"Affected{keyword}", value))]
    ) as association:
        status = association.send_c_store(image())
    assert (status.Status, status.OffendingElement) == (0xA900, Tag(keyword))
    assert pacs.stored == {}


def _renames(keyword: str, value: str) -> Callable[[evt.Event], None]:
    def rename(event: evt.Event) -> None:
        setattr(event.message.command_set, keyword, value)

    return rename


@pytest.mark.parametrize("spoil", [lambda content: content[:-3], lambda content: b"\xff" * 40], ids=["cut", "garbage"])
def test_a_damaged_data_set_is_not_understood(
    associate: Any, pacs: Pacs, image: Any, spoil: Callable[[bytes], bytes]
) -> None:
    def damage(event: evt.Event) -> None:
        if event.message.data_set is not None and event.message.data_set.getvalue():
            event.message.data_set = BytesIO(spoil(event.message.data_set.getvalue()))

    with associate(pacs, _DX, evt_handlers=[(evt.EVT_DIMSE_SENT, damage)]) as association:
        status = association.send_c_store(image())
    assert status.Status >> 12 in (0xA, 0xC)
    assert pacs.stored == {}


def test_another_called_title_is_rejected(associate: Any, pacs: Pacs) -> None:
    with associate(pacs, Verification, called="SOMEBODY") as association:
        assert association.is_rejected


def test_objects_are_files_named_by_their_uid(associate: Any, image: Any, tmp_path: Path) -> None:
    sent = image()
    with Pacs(store_dir=tmp_path) as pacs:
        with associate(pacs, _DX) as association:
            association.send_c_store(sent)
        kept = pacs.stored[sent.SOPInstanceUID]
        assert kept.path == tmp_path / f"{sent.SOPInstanceUID}.dcm"
    assert kept.dataset() == sent


def test_the_own_directory_is_gone_after_close(associate: Any, image: Any) -> None:
    sent = image()
    with Pacs() as pacs:
        with associate(pacs, _DX) as association:
            association.send_c_store(sent)
        path = pacs.stored[sent.SOPInstanceUID].path
        assert path is not None
        assert path.exists()
    assert not path.parent.exists()


@pytest.mark.parametrize("uid", ["../../outside", "/tmp/outside", "1.2..3", "1.2.03", "CON"])
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_a_hostile_uid_never_becomes_a_file_name(associate: Any, image: Any, tmp_path: Path, uid: str) -> None:
    store = tmp_path / "a" / "b"
    handlers = [(evt.EVT_DIMSE_SENT, _renames("AffectedSOPInstanceUID", uid))]
    with Pacs(store_dir=store) as pacs, associate(pacs, _DX, evt_handlers=handlers) as association:
        status = association.send_c_store(image()).get("Status")
        # pynetdicom itself aborts on some of them
        assert status in (None, 0x0117, 0xA900)
        assert pacs.stored == {}
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_only_the_given_transfer_syntaxes_are_taken(image: Any) -> None:
    with Pacs(in_memory=True, transfer_syntaxes=[ImplicitVRLittleEndian]) as pacs:
        entity = AE("XRAY1")
        entity.add_requested_context(_DX, [JPEGLosslessSV1])
        entity.add_requested_context(_DX, [ImplicitVRLittleEndian])
        association = entity.associate(pacs.host, pacs.port, ae_title=pacs.ae_title)
        accepted = [context.transfer_syntax[0] for context in association.accepted_contexts]
        association.release()
        assert accepted == [ImplicitVRLittleEndian]


@pytest.mark.peer("dcmtk")
def test_dcmtk_echoes_and_stores(dcmtk: Callable[[str], str], pacs: Pacs, image: Any, tmp_path: Path) -> None:
    sent: Dataset = image(SeriesInstanceUID=generate_uid(prefix=None))
    path = tmp_path / "object.dcm"
    sent.save_as(path, enforce_file_format=True)
    address = ["-aec", "PACS", "127.0.0.1", str(pacs.port)]
    subprocess.run([dcmtk("echoscu"), *address], check=True, timeout=20)
    subprocess.run([dcmtk("storescu"), *address, str(path)], check=True, timeout=20)
    assert pacs.stored[sent.SOPInstanceUID].dataset() == sent
    refused = subprocess.run([dcmtk("echoscu"), "-aec", "WRONG", *address[2:]], timeout=20, capture_output=True)
    assert refused.returncode != 0
