"""DICOM files and their pixels, read without trusting what they say about their size."""

import io
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.encaps import generate_frames
from pydicom.filereader import read_partial
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
)

from modality_sdk.errors import InvalidValue, IodError, MissingAttribute

__all__ = ["MAXIMUM_PIXELS", "decode", "read_dataset", "read_limited", "transfer_syntax"]

MAXIMUM_PIXELS = 2**27
"""Largest image that is decoded; about three times the largest stitched radiograph."""
MAXIMUM_BYTES = 2**30
"""Largest file, and largest inflated data set, that is read."""


def read_limited(path: Path) -> bytes:
    """Read a whole file, unless it is larger than any image.

    Raises
    ------
    InvalidValue
        The file is larger than 1 GiB.
    OSError
        It cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(MAXIMUM_BYTES + 1)
    if len(content) > MAXIMUM_BYTES:
        raise InvalidValue("path", f"the file must not be larger than {MAXIMUM_BYTES} bytes")
    return content


def read_dataset(content: bytes, keywords: Sequence[str]) -> Dataset:
    """Parse a Part 10 file (PS3.10 section 7), keeping only the named attributes.

    Nothing else of the file, patient data above all, ever becomes a value in memory.

    Raises
    ------
    InvalidValue
        The file is not DICOM, or is damaged.
    """
    try:
        meta = read_partial(io.BytesIO(content), stop_when=lambda tag, _vr, _length: tag.group > 2).file_meta
        if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
            _refuse_deflated_bomb(content, 144 + meta.FileMetaInformationGroupLength)
        return dcmread(io.BytesIO(content), specific_tags=list(keywords))
    except IodError:
        raise
    except Exception as error:
        # the message of the cause may quote the file
        raise InvalidValue("path", f"the file is not readable as DICOM ({type(error).__name__})") from None


def _refuse_deflated_bomb(content: bytes, start: int) -> None:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    pending, total = content[start:], 0
    while pending and not inflater.eof:
        total += len(inflater.decompress(pending, 2**24))
        pending = inflater.unconsumed_tail
        if total > MAXIMUM_BYTES:
            raise InvalidValue("path", f"the inflated data set must not be larger than {MAXIMUM_BYTES} bytes")


def transfer_syntax(dataset: Dataset) -> UID:
    """Return the transfer syntax that Pixel Data is in; Explicit VR Little Endian for a data set never written."""
    meta = getattr(dataset, "file_meta", None)
    return (
        UID(str(meta.TransferSyntaxUID)) if meta is not None and "TransferSyntaxUID" in meta else ExplicitVRLittleEndian
    )


def decode(dataset: Dataset) -> NDArray[np.generic]:
    """Decode the first frame of a grayscale image.

    Returns
    -------
    ndarray
        ``(rows, columns)``, stored values; unused bits are cleared, signed values are signed. It may be read-only.

    Raises
    ------
    IodError
        The data set has no pixels, they are in colour or too many, or cannot be decoded.
    """
    _check_description(dataset)
    syntax = transfer_syntax(dataset)
    try:
        if syntax in JPEG2000TransferSyntaxes:
            _compare_codestream(dataset)
        decoder = get_decoder(syntax)
    except IodError:
        raise
    except Exception as error:
        raise InvalidValue(
            "PixelData", f"is damaged or in an unknown transfer syntax ({type(error).__name__})"
        ) from None
    if not decoder.is_available:
        raise InvalidValue("PixelData", f"no decoder is installed for the transfer syntax {syntax.name}")
    try:
        pixels, _ = decoder.as_array(dataset, index=0, raw=True)
    except Exception as error:
        raise InvalidValue("PixelData", f"is damaged and cannot be decoded ({type(error).__name__})") from None
    if pixels.shape != (dataset.Rows, dataset.Columns):
        raise InvalidValue("PixelData", "holds an image of another size than Rows and Columns say")
    return pixels


def _check_description(dataset: Dataset) -> None:
    """Refuse what cannot be decoded, or is too large, before anything is allocated."""
    for keyword in ("Rows", "Columns", "BitsAllocated", "BitsStored", "PhotometricInterpretation", "PixelData"):
        if dataset.get(keyword) in (None, "", b"", 0):
            raise MissingAttribute(keyword, "is required to decode the image (PS3.3 C.7.6.3)")
    if dataset.get("SamplesPerPixel", 1) != 1 or dataset.PhotometricInterpretation not in (
        "MONOCHROME1",
        "MONOCHROME2",
    ):
        raise InvalidValue(
            "PhotometricInterpretation", "must be MONOCHROME1 or MONOCHROME2; colour images are not taken"
        )
    if dataset.BitsAllocated not in (8, 16, 32):
        raise InvalidValue("BitsAllocated", "must be 8, 16 or 32")
    if not 1 <= dataset.BitsStored <= dataset.BitsAllocated or dataset.get("HighBit", dataset.BitsStored - 1) != (
        dataset.BitsStored - 1
    ):
        raise InvalidValue("HighBit", "must be Bits Stored less 1, within Bits Allocated (PS3.5 section 8.1.1)")
    if dataset.Rows * dataset.Columns > MAXIMUM_PIXELS:
        raise InvalidValue("Rows", f"rows times columns must not exceed {MAXIMUM_PIXELS}")


def _compare_codestream(dataset: Dataset) -> None:
    """Compare the size in the SIZ marker segment (ISO/IEC 15444-1 A.5.1), before a decoder allocates it."""
    frame = next(generate_frames(dataset.PixelData, number_of_frames=1))
    start = frame.find(b"\xff\x4f\xff\x51")
    if start < 0:
        raise InvalidValue("PixelData", "is not a JPEG 2000 codestream")
    field = [int.from_bytes(frame[start + at : start + at + 4], "big") for at in (8, 12, 16, 20)]
    if (field[1] - field[3], field[0] - field[2]) != (dataset.Rows, dataset.Columns):
        raise InvalidValue("PixelData", "holds an image of another size than Rows and Columns say")
