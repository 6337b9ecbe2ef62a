"""The bytes of a DICOM file (PS3.10) as something to send."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from pydicom.datadict import tag_for_keyword

from modality_sdk.errors import InvalidValue
from modality_sdk.journal.sealing import PLAIN, Seal
from modality_sdk.model import SopReference
from modality_sdk.uid import is_uid

__all__ = ["FileRendition", "check_uid", "read_meta"]

PREAMBLE = b"\0" * 128 + b"DICM"

_LONG_LENGTH = {b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"}
"""Value representations with a length of four bytes (PS3.5 section 7.1.2)."""

_LARGEST_META = 1 << 20


def check_uid(attribute: str, value: object) -> str:
    """Return a UID as text, or raise `InvalidValue` (PS3.5 section 9.1); safe in a path afterwards."""
    text = str(value) if isinstance(value, str) else ""
    if not is_uid(text):
        raise InvalidValue(attribute, "must be a UID of at most 64 characters (PS3.5 section 9.1)")
    return text


@dataclass(frozen=True, kw_only=True)
class FileRendition:
    """The data set of a Part 10 file, as it lies there, plain or sealed.

    Attributes
    ----------
    size
        Of the encoded data set in bytes.
    offset
        Where it begins in the file.
    seal
        What the file is read through; the others describe the plain one.
    """

    path: Path
    sop: SopReference
    transfer_syntax_uid: str
    size: int
    offset: int
    seal: Seal = PLAIN

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read preamble and file meta information of any DICOM file (PS3.10 section 7.1).

        Raises
        ------
        InvalidValue
            When it is none, or its meta information is not complete.
        OSError
            When it cannot be read.
        """
        with path.open("rb") as file:
            sop, syntax, offset = read_meta(file)
            size = os.fstat(file.fileno()).st_size - offset
        if size <= 0:
            raise InvalidValue("file", "holds no data set behind the file meta information (PS3.10 section 7.1)")
        return cls(path=path, sop=sop, transfer_syntax_uid=syntax, size=size, offset=offset)

    def open(self) -> BinaryIO:
        """Open the file at the first byte of the data set; the caller closes it.

        Raises
        ------
        StateError, QueueCorrupt
            When the file has another length than it had: half an object is never sent. One that is sealed raises
            `QueueCorrupt`, here or in reading, for every damage.
        """
        file = self.seal.read(self.path, self.sop.sop_instance_uid, self.offset + self.size)
        file.seek(self.offset)
        return file


def read_meta(file: BinaryIO) -> tuple[SopReference, str, int]:
    """What an open DICOM file holds, its transfer syntax, and where the data set begins (PS3.10 section 7.1).

    Raises
    ------
    InvalidValue
        When it is no DICOM file, or its meta information is not complete.
    """
    meta, offset = _read_meta(file)
    sop = SopReference(
        sop_class_uid=_uid_of(meta, "MediaStorageSOPClassUID"),
        sop_instance_uid=_uid_of(meta, "MediaStorageSOPInstanceUID"),
    )
    return sop, _uid_of(meta, "TransferSyntaxUID"), offset


def _uid_of(meta: dict[int, bytes], keyword: str) -> str:
    tag = tag_for_keyword(keyword)
    value = meta.get(tag, b"") if tag is not None else b""
    return check_uid(keyword, value.rstrip(b"\0 ").decode("ascii", "replace"))


def _read_meta(file: BinaryIO) -> tuple[dict[int, bytes], int]:
    """Elements of group 0002, always Explicit VR Little Endian, and where the data set begins."""
    if file.read(len(PREAMBLE))[128:] != b"DICM":
        raise InvalidValue("file", "is no DICOM file: no DICM prefix after 128 bytes (PS3.10 section 7.1)")
    meta = dict(_elements(file))
    return meta, file.tell()


def _elements(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    # the elements themselves are followed: in the field the group length is wrong now and then
    start = file.tell()
    while True:
        position = file.tell()
        header = file.read(8)
        if header[:2] != b"\x02\x00":
            file.seek(position)
            return
        length = int.from_bytes(header[6:8], "little")
        if header[4:6] in _LONG_LENGTH:
            length = int.from_bytes(file.read(4), "little")
        value = file.read(length) if file.tell() + length - start <= _LARGEST_META else b""
        if len(header) < 8 or len(value) != length:
            raise InvalidValue("file", "has broken file meta information (PS3.10 section 7.1)")
        yield int.from_bytes(header[0:2], "little") << 16 | int.from_bytes(header[2:4], "little"), value
