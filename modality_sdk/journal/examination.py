"""Reading files of the spool that the journal does not know, to make it know them."""

from pathlib import Path
from typing import BinaryIO

from pydicom import Dataset, dcmread

from modality_sdk.errors import InvalidValue
from modality_sdk.journal.encoding import digest_of
from modality_sdk.journal.records import SpoolFile
from modality_sdk.journal.rendition import read_meta
from modality_sdk.journal.spool import Spool
from modality_sdk.model import SopReference

__all__ = ["examine"]


def examine(spool: Spool, path: Path) -> tuple[Dataset, SopReference, SpoolFile]:
    """Read an object of the spool up to its pixels, and take its digest.

    Returns
    -------
    Dataset
        Without the pixels.
    SopReference
    SpoolFile
        As `Spool.write` told it when it wrote the file.

    Raises
    ------
    InvalidValue
        When it is no whole object, or not the one that the file is named by.
    QueueCorrupt
        When it is sealed, and damaged.
    OSError
        When it cannot be read.
    """
    with spool.open_orphan(path) as content:
        sop, syntax, offset = read_meta(content)
        if path.stem != sop.sop_instance_uid:
            raise InvalidValue("MediaStorageSOPInstanceUID", "is not the one that the file is named by")
        content.seek(0)
        digest = digest_of(content)
        size = content.tell() - offset
    if size <= 0:
        raise InvalidValue("file", "holds no data set behind the file meta information (PS3.10 section 7.1)")
    file = SpoolFile(
        path=path.relative_to(spool.root).as_posix(),
        size=size,
        offset=offset,
        transfer_syntax_uid=syntax,
        sha256=digest,
    )
    with spool.open_file(sop, file) as content:
        dataset = _read_header(content, file)
    named = (str(dataset.get("SOPClassUID")), str(dataset.get("SOPInstanceUID")))
    if named != (sop.sop_class_uid, sop.sop_instance_uid):
        raise InvalidValue("SOPInstanceUID", "is not that of the file meta information (PS3.10 section 7.1)")
    return dataset, sop, file


def _read_header(content: BinaryIO, file: SpoolFile) -> Dataset:
    """The data set up to the pixels, which must be there as long as they say."""
    try:
        dataset = dcmread(content, stop_before_pixels=True)
        is_image = "Rows" in dataset
    except Exception as error:  # pydicom fails in many ways on bytes that are no data set; its text may repeat values
        raise InvalidValue("file", f"cannot be parsed ({type(error).__name__})") from None
    header = content.read(12)
    if is_image and len(header) < 12:
        raise InvalidValue("PixelData", "is missing: the file was cut off")
    if len(header) == 12 and content.tell() + int.from_bytes(header[8:], "little") > file.offset + file.size:
        raise InvalidValue("PixelData", "is shorter than it says: the file was cut off")
    return dataset
