"""Reading files of the spool that the journal does not know, to make it know them."""

from pathlib import Path
from typing import BinaryIO

from pydicom import Dataset, dcmread

from modality_sdk.errors import InvalidValue
from modality_sdk.journal.records import SpoolFile
from modality_sdk.journal.rendition import FileRendition
from modality_sdk.journal.spool import Spool, digest_of
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
    OSError
        When it cannot be read.
    """
    rendition = FileRendition.from_file(path)
    if path.stem != rendition.sop.sop_instance_uid:
        raise InvalidValue("MediaStorageSOPInstanceUID", "is not the one that the file is named by")
    with path.open("rb") as content:
        digest = digest_of(content)
    file = SpoolFile(
        path=path.relative_to(spool.root).as_posix(),
        size=rendition.size,
        offset=rendition.offset,
        transfer_syntax_uid=rendition.transfer_syntax_uid,
        sha256=digest,
    )
    with spool.open_file(rendition.sop, file) as content:
        dataset = _read_header(content, file)
    named = (str(dataset.get("SOPClassUID")), str(dataset.get("SOPInstanceUID")))
    if named != (rendition.sop.sop_class_uid, rendition.sop.sop_instance_uid):
        raise InvalidValue("SOPInstanceUID", "is not that of the file meta information (PS3.10 section 7.1)")
    return dataset, rendition.sop, file


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
