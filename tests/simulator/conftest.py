"""Plain pynetdicom and DCMTK as the requestors of the simulator's services."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import DigitalXRayImageStorageForPresentation

from modality_sdk.simulator import Pacs, Ris, ServiceProvider

Associate = Callable[..., AbstractContextManager[Association]]


@pytest.fixture
def ris() -> Iterator[Ris]:
    with Ris() as provider:
        yield provider


@pytest.fixture
def pacs() -> Iterator[Pacs]:
    with Pacs(in_memory=True) as provider:
        yield provider


@pytest.fixture
def associate() -> Associate:
    @contextmanager
    def open_association(
        provider: ServiceProvider, *abstract_syntaxes: str, ae_title: str = "XRAY1", called: str = "", **options: Any
    ) -> Iterator[Association]:
        entity = AE(ae_title)
        entity.acse_timeout = entity.dimse_timeout = entity.connection_timeout = 5
        for abstract_syntax in abstract_syntaxes:
            entity.add_requested_context(abstract_syntax)
        handlers = [(evt.EVT_CONN_OPEN, _quick), *options.pop("evt_handlers", [])]
        association = entity.associate(
            provider.host, provider.port, ae_title=called or provider.ae_title, evt_handlers=handlers, **options
        )
        try:
            yield association
        finally:
            if association.is_established:
                association.release()
            if association.ident is not None:
                association.join(5)
            if association.dul.ident is not None:
                association.dul.join(5)

    return open_association


def _quick(event: evt.Event) -> None:
    event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@pytest.fixture
def image() -> Callable[..., Dataset]:
    def build(**changes: Any) -> Dataset:
        dataset = Dataset()
        dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
        dataset.SOPInstanceUID = generate_uid(prefix=None)
        dataset.StudyInstanceUID = generate_uid(prefix=None)
        dataset.SeriesInstanceUID = generate_uid(prefix=None)
        dataset.PatientName = "SAMPLE^SAMANTHA"
        dataset.PatientID = "SIM00006"
        for keyword, value in changes.items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)
        dataset.ensure_file_meta()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        return dataset

    return build


@pytest.fixture
def dcmtk() -> Callable[[str], str]:
    def find(tool: str) -> str:
        for directory in os.get_exec_path():
            found = shutil.which(tool, path=directory)
            # pynetdicom installs scripts of the same names
            if found and not Path(found).read_bytes().startswith(b"#!"):
                return found
        if os.environ.get("CI") == "true":
            pytest.fail(f"DCMTK's {tool} is not installed")
        pytest.skip(f"DCMTK's {tool} is not installed")

    return find
