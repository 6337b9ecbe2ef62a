"""A journal on a fake clock, and small values to put into it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, generate_uid

from modality_sdk.journal import InstanceRecord, Journal, SpoolFile
from modality_sdk.model import (
    InstanceState,
    Patient,
    PerformedProcedureStep,
    PerformedSeries,
    PresentationIntent,
    SopReference,
    StepStatus,
    WorklistItem,
)
from modality_sdk.testing.clock import FakeClock

CET = timezone(timedelta(hours=1))
NOON = datetime(2024, 3, 1, 12, 0, 0, 123456, tzinfo=CET)


@dataclass
class Values:
    """Builds values whose UIDs are new each time."""

    patient: Patient = field(default_factory=lambda: Patient(name="Döe^Jane", patient_id="4711"))

    def step(self, status: StepStatus = StepStatus.IN_PROGRESS) -> PerformedProcedureStep:
        study = str(generate_uid())
        return PerformedProcedureStep(
            sop_instance_uid=str(generate_uid()),
            performed_procedure_step_id="1",
            status=status,
            patient=self.patient,
            items=(WorklistItem(patient=self.patient, study_instance_uid=study, accession_number="ACC1"),),
            study_instance_uid=study,
            study_date=NOON.date(),
            study_time=NOON.time(),
            modality="DX",
            performed_station_ae_title="XRAY1",
            started=NOON,
        )

    def series(self, number: int = 1) -> PerformedSeries:
        return PerformedSeries(
            series_instance_uid=str(generate_uid()),
            series_number=number,
            modality="DX",
            presentation_intent=PresentationIntent.FOR_PRESENTATION,
            protocol_name="Chest",
        )

    def dataset(self, pixels: bytes = b"") -> Dataset:
        dataset = Dataset()
        dataset.SpecificCharacterSet = "ISO_IR 192"
        dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
        dataset.SOPInstanceUID = generate_uid()
        dataset.PatientName = self.patient.name
        if pixels:
            dataset.Rows, dataset.Columns = 1, len(pixels) // 2 % 65536
            dataset.BitsAllocated, dataset.PixelRepresentation = 16, 0
            dataset.PixelData = pixels
        return dataset

    def sop_of(self, dataset: Dataset) -> SopReference:
        return SopReference(sop_class_uid=str(dataset.SOPClassUID), sop_instance_uid=str(dataset.SOPInstanceUID))

    def instance(
        self,
        step: PerformedProcedureStep,
        series: PerformedSeries,
        *,
        number: int = 1,
        sop_class_uid: str = DigitalXRayImageStorageForPresentation,
        file: SpoolFile | None = None,
        sop_instance_uid: str = "",
    ) -> InstanceRecord:
        uid = sop_instance_uid or str(generate_uid())
        return InstanceRecord(
            sop=SopReference(sop_class_uid=str(sop_class_uid), sop_instance_uid=uid),
            step_uid=step.sop_instance_uid,
            series_instance_uid=series.series_instance_uid,
            instance_number=number,
            file=file
            or SpoolFile(path=f"00/00/{uid}.dcm", size=10, offset=300, transfer_syntax_uid="1.2", sha256="0" * 64),
            state=InstanceState.ACQUIRED,
            irradiation_event_uid="",
            created=NOON,
        )


@pytest.fixture
def values() -> Values:
    return Values()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def reopen(data_dir: Path, clock: FakeClock) -> Iterator[Callable[[], Journal]]:
    """Opens the journal, after closing the one that it opened before."""
    opened: list[Journal] = []

    def again() -> Journal:
        while opened:
            opened.pop().close()
        opened.append(Journal.open(data_dir, clock=clock))
        return opened[0]

    yield again
    while opened:
        opened.pop().close()


@pytest.fixture
def journal(reopen: Callable[[], Journal]) -> Journal:
    return reopen()
