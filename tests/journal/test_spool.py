"""Files of the spool: whole, durable, the owner's alone, never overwritten."""

import errno
import hashlib
import io
import os
import stat
import tracemalloc
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
    generate_uid,
)

from modality_sdk.errors import InvalidValue, QueueCorrupt, QueueFull, StateError
from modality_sdk.journal import FileRendition, Journal, SpoolFile, durable
from modality_sdk.model import Rendition, SopReference

pytestmark = pytest.mark.req("NFR-REL-01")
posix = pytest.mark.skipif(os.name != "posix", reason="not run: file modes are POSIX's")


def sop_of(dataset: Dataset) -> SopReference:
    return SopReference(sop_class_uid=dataset.SOPClassUID, sop_instance_uid=dataset.SOPInstanceUID)


def files_below(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


@pytest.mark.req("FR-DICOM-01")
def test_an_object_is_a_part_10_file_in_explicit_little_endian(journal: Journal, values) -> None:
    dataset = values.dataset(b"\1\2\3\4")
    file = journal.spool.write(dataset)
    path = journal.spool.absolute(file)
    back = dcmread(path)
    assert back.PatientName == "Döe^Jane"
    assert back.PixelData == b"\1\2\3\4"
    assert back["PixelData"].VR == "OW"
    assert back.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian == file.transfer_syntax_uid
    assert back.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
    assert back.file_meta.MediaStorageSOPClassUID == dataset.SOPClassUID
    assert back.file_meta.ImplementationVersionName == "MODALITY_SDK"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256
    assert path.stat().st_size == file.offset + file.size
    assert path.name == f"{dataset.SOPInstanceUID}.dcm"


def test_writing_changes_nothing_in_the_data_set(journal: Journal, values) -> None:
    dataset = values.dataset(b"\1\2\3\4")
    before = dataset.to_json()
    journal.spool.write(dataset)
    assert dataset.to_json() == before
    assert isinstance(dataset.PixelData, bytes)


def test_a_data_set_that_was_read_in_another_encoding_is_written_right(journal: Journal, values) -> None:
    source = values.dataset(b"\1\2\3\4")
    source.SpecificCharacterSet = "ISO_IR 100"
    buffer = io.BytesIO()
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ImplicitVRLittleEndian
    source.file_meta = meta
    source.save_as(buffer, implicit_vr=True, little_endian=True)
    buffer.seek(0)
    read = dcmread(buffer, force=True)
    back = dcmread(journal.spool.absolute(journal.spool.write(read)))
    assert back.PatientName == "Döe^Jane"
    assert back.PixelData == b"\1\2\3\4"


def test_odd_pixel_data_is_padded(journal: Journal, values) -> None:
    dataset = values.dataset(b"\1\2\3")
    dataset.BitsAllocated = 8
    file = journal.spool.write(dataset)
    assert dcmread(journal.spool.absolute(file)).PixelData == b"\1\2\3\0"
    assert file.size % 2 == 0


def test_the_rendition_gives_the_bytes_of_the_data_set(journal: Journal, values) -> None:
    dataset = values.dataset(b"\1\2\3\4")
    file = journal.spool.write(dataset)
    rendition = journal.spool.rendition(sop_of(dataset), file)
    assert isinstance(rendition, Rendition)
    with rendition.open() as stream:
        buffer = bytearray(rendition.size)
        assert stream.readinto(buffer) == rendition.size
        assert stream.read() == b""
    assert buffer[:4] == b"\x08\x00\x05\x00"
    assert buffer.endswith(b"\1\2\3\4")
    assert FileRendition.from_file(journal.spool.absolute(file)) == rendition


def test_half_an_object_is_never_sent(journal: Journal, values) -> None:
    dataset = values.dataset(b"\1\2\3\4")
    file = journal.spool.write(dataset)
    with journal.spool.absolute(file).open("rb+") as stream:
        stream.truncate(file.offset + 10)
    with pytest.raises(StateError, match="length"):
        journal.spool.rendition(sop_of(dataset), file).open()


def test_a_file_is_never_overwritten(journal: Journal, values) -> None:
    dataset = values.dataset()
    path = journal.spool.absolute(journal.spool.write(dataset))
    content = path.read_bytes()
    dataset.PatientName = "Other"
    with pytest.raises(StateError, match="already"):
        journal.spool.write(dataset)
    assert path.read_bytes() == content
    assert files_below(journal.spool.root) == [path]


def test_a_file_that_appears_meanwhile_is_not_overwritten_either(
    journal: Journal, values, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, flush = values.dataset(), durable.flush

    def appear(file: io.BufferedWriter) -> None:
        flush(file)
        target = next(journal.spool.root.rglob("*.part"))
        target.with_name(f"{dataset.SOPInstanceUID}.dcm").write_bytes(b"theirs")

    monkeypatch.setattr(durable, "flush", appear)
    with pytest.raises(StateError, match="already"):
        journal.spool.write(dataset)
    (left,) = files_below(journal.spool.root)
    assert left.read_bytes() == b"theirs"


@pytest.mark.parametrize("code", [errno.ENOTSUP, errno.EPERM])
def test_a_file_system_without_links_serves_too(
    journal: Journal, values, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", refuse)
    dataset = values.dataset()
    assert journal.spool.absolute(journal.spool.write(dataset)).exists()
    with pytest.raises(StateError):
        journal.spool.write(dataset)
    assert len(files_below(journal.spool.root)) == 1


@pytest.mark.parametrize("uid", ["", "../../etc/passwd", "1.2/../3", "1.02", "1." * 40 + "1", "1.2\0", "a"])
def test_what_is_no_uid_never_becomes_a_path(journal: Journal, values, uid: str) -> None:
    dataset = values.dataset()
    dataset["SOPInstanceUID"]._value = uid  # pydicom warns of it, the network does not
    with pytest.raises(InvalidValue) as caught:
        journal.spool.write(dataset)
    assert caught.value.attribute == "SOPInstanceUID"
    assert files_below(journal.spool.root) == []


def test_a_path_that_leads_out_of_the_spool_is_refused(journal: Journal) -> None:
    for path in ("../journal.db", "/etc/passwd"):
        file = SpoolFile(path=path, size=1, offset=0, transfer_syntax_uid="1.2", sha256="0" * 64)
        with pytest.raises(QueueCorrupt):
            journal.spool.absolute(file)


@pytest.mark.req("FR-DICOM-02")
@pytest.mark.parametrize("syntax", [JPEG2000Lossless, RLELossless, ExplicitVRBigEndian])
def test_what_is_not_native_is_refused(journal: Journal, values, syntax: str) -> None:
    dataset = values.dataset(b"\1\2")
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    with pytest.raises(InvalidValue):
        journal.spool.write(dataset)


@pytest.mark.req("NFR-SEC-01")
def test_a_value_that_cannot_be_encoded_leaves_nothing_and_is_not_repeated(journal: Journal, values) -> None:
    dataset = values.dataset()
    dataset.Rows = 1
    dataset["Rows"]._value = "Döe^Jane"
    with pytest.raises(InvalidValue) as caught:
        journal.spool.write(dataset)
    assert "Jane" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert files_below(journal.spool.root) == []


@pytest.mark.parametrize("step", ["create", "flush", "publish"])
def test_a_full_disk_leaves_nothing_behind(journal: Journal, values, monkeypatch: pytest.MonkeyPatch, step) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(durable, step, full)
    dataset = values.dataset(b"\1\2")
    with pytest.raises(QueueFull):
        journal.spool.write(dataset)
    assert files_below(journal.spool.root) == []
    monkeypatch.undo()
    assert journal.spool.absolute(journal.spool.write(dataset)).exists()


def test_a_disk_that_is_full_in_the_middle_of_the_pixels_leaves_nothing_behind(
    journal: Journal, values, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = durable.create

    class Full(io.BytesIO):
        def write(self, data) -> int:
            if self.tell() + len(data) > 5000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(data)

    def small(path: Path) -> io.BytesIO:
        create(path).close()
        return Full()

    monkeypatch.setattr(durable, "create", small)
    with pytest.raises(QueueFull):
        journal.spool.write(values.dataset(bytes(20000)))
    assert files_below(journal.spool.root) == []


@pytest.mark.req("X-FAST")
def test_pixels_are_not_copied_on_the_way(journal: Journal, values) -> None:
    dataset = values.dataset(bytes(8_000_000))
    tracemalloc.start()
    journal.spool.write(dataset)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000


def test_a_file_is_compared_with_its_digest_piece_by_piece(journal: Journal, values) -> None:
    dataset = values.dataset(bytes(8_000_000))
    file = journal.spool.write(dataset)
    tracemalloc.start()
    journal.spool.verify(sop_of(dataset), file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000
    with journal.spool.absolute(file).open("rb+") as content:
        content.seek(-1, io.SEEK_END)
        content.write(b"\1")
    with pytest.raises(QueueCorrupt, match=str(dataset.SOPInstanceUID)):
        journal.spool.verify(sop_of(dataset), file)
    journal.spool.discard(file)
    with pytest.raises(QueueCorrupt, match="is gone"):
        journal.spool.verify(sop_of(dataset), file)


def test_a_discarded_file_is_gone_and_discarding_twice_is_harmless(journal: Journal, values) -> None:
    file = journal.spool.write(values.dataset())
    journal.spool.discard(file)
    journal.spool.discard(file)
    assert files_below(journal.spool.root) == []


def test_implementation_names_are_those_given_and_checked(tmp_path: Path, clock, values) -> None:
    uid = generate_uid()
    with pytest.raises(InvalidValue):
        Journal.open(tmp_path / "a", clock=clock, implementation_class_uid="1.02")
    with pytest.raises(InvalidValue):
        Journal.open(tmp_path / "a", clock=clock, implementation_version_name="x" * 17)
    journal = Journal.open(
        tmp_path / "a", clock=clock, implementation_class_uid=uid, implementation_version_name="EXAMPLE"
    )
    meta = dcmread(journal.spool.absolute(journal.spool.write(values.dataset()))).file_meta
    journal.close()
    assert (meta.ImplementationClassUID, meta.ImplementationVersionName) == (uid, "EXAMPLE")


@posix
@pytest.mark.req("NFR-SEC-01")
def test_everything_is_for_the_owner_alone(tmp_path: Path, clock, values) -> None:
    data_dir = tmp_path / "deep" / "data"
    data_dir.mkdir(parents=True, mode=0o755)
    before = os.umask(0)
    try:
        journal = Journal.open(data_dir, clock=clock)
        journal.spool.write(values.dataset())
        with journal.transaction() as tx:
            tx.next_number("x")
        modes = {
            path.relative_to(data_dir).as_posix(): stat.S_IMODE(path.stat().st_mode)
            for path in (data_dir, *data_dir.rglob("*"))
        }
        journal.close()
    finally:
        os.umask(before)
    assert "journal.db-wal" in modes
    for name, mode in modes.items():
        assert mode == (0o700 if (data_dir / name).is_dir() else 0o600), name


# any DICOM file


def test_a_file_of_another_program_is_read(tmp_path: Path, values) -> None:
    dataset = values.dataset(b"\1\2")
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.PrivateInformationCreatorUID = "1.2.3"
    dataset.file_meta.PrivateInformation = b"\2\0\2\0"
    path = tmp_path / "a.dcm"
    dataset.save_as(path, enforce_file_format=True)
    rendition = FileRendition.from_file(path)
    assert rendition.sop == sop_of(dataset)
    with rendition.open() as stream:
        assert stream.read(4) == b"\x08\x00\x05\x00"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"DICM",
        b"\0" * 128,
        b"\0" * 128 + b"DICM",
        b"\0" * 128 + b"DICM" + b"\x02\x00\x10\x00UI\x40\x00short",
        b"\0" * 128 + b"DICM" + b"\x02\x00\x01\x00OB\x00\x00\xff\xff\xff\xff",
        b"\0" * 128 + b"DICM" + b"\x02\x00",
        b"\0" * 128 + b"DICM" + b"\x08\x00\x05\x00CS\x00\x00",
        b"\0" * 128 + b"DICM" + b"\x02\x00\x10\x00UI\x04\x001.2\0" + b"\x08\x00\x05\x00CS\x00\x00",
    ],
)
def test_what_is_no_dicom_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(content)
    with pytest.raises(InvalidValue):
        FileRendition.from_file(path)


def test_a_wrong_group_length_does_not_matter(tmp_path: Path, journal: Journal, values) -> None:
    dataset = values.dataset(b"\1\2")
    file = journal.spool.write(dataset)
    content = bytearray(journal.spool.absolute(file).read_bytes())
    content[140:144] = (7).to_bytes(4, "little")
    path = tmp_path / "radiograph.dcm"
    path.write_bytes(content)
    rendition = FileRendition.from_file(path)
    assert (rendition.offset, rendition.size) == (file.offset, file.size)
