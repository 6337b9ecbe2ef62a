"""How an object becomes a file: Part 10, Explicit VR Little Endian, digested on the way, its pixels never copied."""

import hashlib
import io
import struct
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO, Self

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomFileLike
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.tag import Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from modality_sdk.errors import InvalidValue
from modality_sdk.journal.rendition import PREAMBLE
from modality_sdk.journal.sealing import Output

__all__ = ["Digesting", "Native", "digest_of", "encode", "native"]

_PIXEL_DATA = Tag("PixelData")
_NATIVE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)
_PIECE = 1 << 20
_LARGE = 1 << 18
"""Bytes that are worth another thread."""


def digest_of(content: BinaryIO) -> str:
    """SHA-256 of a file's bytes, hexadecimal; read piece by piece."""
    digest = hashlib.sha256()
    while piece := content.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


class Digesting:
    """A file that is only written to, with the length and digest so far of what was given.

    What is large is digested on a thread of its own while the system takes it and brings it to the disk: `hashlib`
    holds no other up.
    """

    def __init__(self, file: Output) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._aside = ThreadPoolExecutor(1, "digest")
        self._under_way: Future[None] | None = None
        self.length = 0
        self.failure: OSError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._aside.shutdown()

    def hexdigest(self) -> str:
        """The digest of everything so far."""
        if self._under_way is not None:
            self._under_way.result()
        return self._digest.hexdigest()

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        try:
            self._file.write(data)
        except OSError as error:
            self.failure = error
            raise
        if len(data) >= _LARGE or self._under_way is not None:
            # one thread, so in order; after the write, so that it runs while the disk does
            self._under_way = self._aside.submit(self._digest.update, data)
        else:
            self._digest.update(data)
        self.length += len(data)
        return len(data)

    def finish(self) -> None:
        self._file.finish()

    def tell(self) -> int:
        return self.length

    def seek(self, offset: int, whence: int = 0, /) -> int:
        raise io.UnsupportedOperation(f"seek({offset}, {whence}) would spoil the digest")


@dataclass(frozen=True, kw_only=True)
class Native:
    """A data set fit for writing, its pixels apart: pydicom would copy them twice, and in pieces of 8 KiB.

    Attributes
    ----------
    before, after
        The elements before and behind the Pixel Data.
    pixels
        Header and value of the Pixel Data as they are encoded (PS3.5 section 7.1.2); empty when there is none.
    """

    before: Dataset
    pixels: tuple[bytes, ...]
    after: Dataset


def native(dataset: Dataset) -> Native:
    """Refuse what is no object in native encoding; take the pixels apart, copying nothing."""
    if any(tag.group < 0x0008 for tag in dataset.keys()):  # noqa: SIM118 - iterating it gives elements
        raise InvalidValue("dataset", "holds command or file meta elements (PS3.10 section 7.1)")
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    if syntax is not None and syntax not in _NATIVE:
        raise InvalidValue("TransferSyntaxUID", "is compressed or big endian; the spool takes neither")
    content = Dataset()
    content.update({tag: dataset[tag] for tag in dataset.keys()})  # noqa: SIM118
    if _PIXEL_DATA not in content or not isinstance((pixels := content[_PIXEL_DATA]).value, bytes):
        return Native(before=content, pixels=(), after=Dataset())
    if pixels.is_undefined_length:
        raise InvalidValue("PixelData", "is encapsulated; the spool takes native pixel data only")
    after = Dataset()
    after.update({tag: content.pop(tag) for tag in list(content.keys()) if tag > _PIXEL_DATA})
    del content[_PIXEL_DATA]
    vr = pixels.VR if len(pixels.VR) == 2 else ("OW" if dataset.get("BitsAllocated", 16) > 8 else "OB")
    padding = b"\0" * (len(pixels.value) % 2)
    header = struct.pack(
        "<HH2sHI", _PIXEL_DATA.group, _PIXEL_DATA.element, vr.encode("ascii"), 0, len(pixels.value) + len(padding)
    )
    return Native(before=content, pixels=(header, pixels.value, padding), after=after)


def encode(content: Native, meta: FileMetaDataset, output: Digesting) -> int:
    """Write an object as a Part 10 file in Explicit VR Little Endian; returns where the data set begins.

    Raises
    ------
    InvalidValue
        When a value cannot be encoded.
    OSError
        When the file does not take it.
    """
    output.write(PREAMBLE)
    stream = DicomFileLike(output)
    write_file_meta_info(stream, meta, enforce_standard=True)
    offset = output.length
    stream.is_implicit_VR, stream.is_little_endian = False, True
    try:
        write_dataset(stream, content.before)
        for part in content.pixels:
            output.write(part)
        write_dataset(stream, content.after)
    except (TypeError, ValueError, KeyError, AttributeError, NotImplementedError, OSError) as error:
        # pydicom raises anew what the file raised, without its number; its text may repeat the patient's values
        if output.failure is not None:
            raise output.failure from None
        raise InvalidValue("dataset", f"cannot be encoded ({type(error).__name__})") from None
    return offset
