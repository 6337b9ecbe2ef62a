"""Worklist files, as Orthanc and DCMTK read them."""

from collections.abc import Iterable
from pathlib import Path

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pynetdicom.sop_class import ModalityWorklistInformationFind

from modality_sdk.clock import SystemClock
from modality_sdk.simulator import sample_worklist

__all__ = ["write_items", "write_worklist"]


def write_worklist(directory: Path, station_ae_title: str) -> list[Dataset]:
    """Put today's sample worklist where a worklist server looks for it."""
    items = sample_worklist(today=SystemClock().now().date(), station_ae_title=station_ae_title)
    write_items(directory, items)
    return items


def write_items(directory: Path, items: Iterable[Dataset]) -> None:
    """Put worklist items where a worklist server looks for them."""
    for number, item in enumerate(items):
        item.file_meta = FileMetaDataset()
        item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        item.file_meta.MediaStorageSOPClassUID = ModalityWorklistInformationFind
        item.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        item.save_as(directory / f"{number:02d}.wl", enforce_file_format=True)
