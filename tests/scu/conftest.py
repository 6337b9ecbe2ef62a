"""A hospital to speak with, and small objects to send."""

from collections.abc import Callable, Iterator
from io import BytesIO

import pytest
from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    generate_uid,
)

from modality_sdk.model import SopReference
from modality_sdk.network import Network
from modality_sdk.simulator import Hospital
from modality_sdk.transcoding import EncodedRendition

MakeObject = Callable[..., EncodedRendition]


@pytest.fixture
def hospital() -> Iterator[Hospital]:
    with Hospital() as hospital:
        yield hospital


@pytest.fixture
def network() -> Iterator[Network]:
    network = Network(ae_title="XRAY1")
    yield network
    network.close()


@pytest.fixture
def make_object() -> MakeObject:
    def make(
        sop_class_uid: str = DigitalXRayImageStorageForPresentation, syntax: str = ExplicitVRLittleEndian
    ) -> EncodedRendition:
        dataset = Dataset()
        dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class_uid, generate_uid()
        dataset.PatientID, dataset.PatientName = "SECRET-ID", "SECRET^NAME"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
        dataset.Rows = 2
        stream = DicomBytesIO()
        stream.is_little_endian, stream.is_implicit_VR = True, syntax == ImplicitVRLittleEndian
        write_dataset(stream, dataset)
        sop = SopReference(sop_class_uid=sop_class_uid, sop_instance_uid=dataset.SOPInstanceUID)
        return EncodedRendition(sop=sop, transfer_syntax_uid=syntax, data=stream.getvalue())

    return make


class Unreadable:
    """A rendition whose file has gone."""

    def __init__(self, like: EncodedRendition) -> None:
        self.sop, self.transfer_syntax_uid, self.size = like.sop, like.transfer_syntax_uid, like.size

    def open(self) -> BytesIO:
        raise FileNotFoundError("no such file")


@pytest.fixture
def unreadable() -> Callable[[EncodedRendition], Unreadable]:
    return Unreadable
