"""Stored objects and the light judgement on what is sent for storage (PS3.4 Annex B)."""

import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID
from pynetdicom import evt
from pynetdicom.dsutils import create_file_meta

from modality_sdk.model import SopReference
from modality_sdk.simulator.answers import Answer, Status

__all__ = ["StoredObject", "judge_object", "part10"]

_REQUIRED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_UNDEFINED = 0xFFFFFFFF


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """One object as it was received.

    Attributes
    ----------
    sop_class_uid, sop_instance_uid, transfer_syntax_uid
        Of the object.
    path
        The DICOM file; None when the archive keeps its objects in memory.
    content
        The DICOM file's bytes when the archive keeps its objects in memory, else empty.
    received
        How many times it came. The first one is kept, as Orthanc does.
    calling_ae_title
        Who sent it first.
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    path: Path | None = None
    content: bytes = field(default=b"", repr=False)
    received: int = 1
    calling_ae_title: str = ""

    def dataset(self, *, pixels: bool = True) -> Dataset:
        """Read the object, with or without its Pixel Data."""
        source = io.BytesIO(self.content) if self.path is None else self.path
        return dcmread(source, stop_before_pixels=not pixels)


def part10(event: evt.Event) -> bytes:
    """The object as a DICOM file, its data set byte for byte as it came."""
    request: Any = event.request
    meta = create_file_meta(
        sop_class_uid=request.AffectedSOPClassUID,
        sop_instance_uid=request.AffectedSOPInstanceUID,
        transfer_syntax=event.context.transfer_syntax,
    )
    head = DicomBytesIO()
    head.write(b"\0" * 128 + b"DICM")
    write_file_meta_info(head, meta)
    return b"".join((head.getvalue(), request.DataSet.getvalue()))


def _is_cut_off(dataset: Dataset) -> bool:
    # pydicom reads what is there and says nothing; elements that were not looked at yet know their length
    elements: Iterable[Any] = (dataset.get_item(tag) for tag in dataset.keys())  # noqa: SIM118 - keys, not elements
    return any(
        isinstance(element, RawDataElement) and len(element.value or b"") < element.length < _UNDEFINED
        for element in elements
    )


def judge_object(dataset: Dataset, sop: SopReference) -> Answer:
    """Judge an object lightly: it is whole, has its identifiers and is what the command says (PS3.4 B.2.3).

    Parameters
    ----------
    dataset
        As just read, before any of its elements was looked at.
    sop
        Affected SOP Class and Instance of the command.

    Returns
    -------
    Answer
    """
    if _is_cut_off(dataset):
        return Answer(status=Status.CANNOT_UNDERSTAND, comment="the data set ends in the middle of an element")
    wrong: list[BaseTag] = []
    for keyword in _REQUIRED:
        value = str(dataset.get(keyword) or "")
        if not value or not UID(value).is_valid:
            wrong.append(Tag(keyword))
    if wrong:
        return Answer(
            status=Status.DATA_SET_DOES_NOT_MATCH, comment="identifying UIDs are missing", elements=tuple(wrong)
        )
    pairs = (("SOPClassUID", sop.sop_class_uid), ("SOPInstanceUID", sop.sop_instance_uid))
    differing = tuple(Tag(keyword) for keyword, value in pairs if dataset[keyword].value != value)
    if differing:
        return Answer(status=Status.DATA_SET_DOES_NOT_MATCH, comment="command and data set differ", elements=differing)
    return Answer()
