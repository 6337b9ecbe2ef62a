"""MPPS messages as the queue keeps them: encoded once, sent as often as it takes, the same bytes each time."""

from io import BytesIO

from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset

__all__ = ["decode_message", "encode_message"]


def encode_message(attributes: Dataset) -> bytes:
    """Encode a message's data set in Explicit VR Little Endian."""
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, attributes)
    return buffer.getvalue()


def decode_message(encoded: bytes) -> Dataset:
    """Read back what `encode_message` wrote."""
    return read_dataset(BytesIO(encoded), is_implicit_VR=False, is_little_endian=True)
