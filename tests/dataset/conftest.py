"""Values that many tests of this room start from."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from pydicom.filewriter import dcmwrite
from pydicom.uid import ComputedRadiographyImageStorage

from modality_sdk import dataset
from modality_sdk.dataset import begin_step
from modality_sdk.model import (
    Code,
    Equipment,
    Patient,
    PatientState,
    PerformedProcedureStep,
    PerformedSeries,
    SopReference,
    StepStatus,
    WorklistItem,
)
from modality_sdk.simulator.mpps import RecordedStep, judge_create, judge_set

STUDY_UID = "1.2.3.4.5"
RETIRED_STUDY_CLASS = "1.2.3.8.1"


@pytest.fixture
def round_trip() -> Callable[..., Dataset]:
    """Encode a data set and read it back."""

    def encode(dataset: Dataset, *, implicit: bool = False) -> Dataset:
        buffer = BytesIO()
        dcmwrite(buffer, dataset, implicit_vr=implicit, little_endian=True, enforce_file_format=False)
        buffer.seek(0)
        return dcmread(buffer, force=True)

    return encode


@pytest.fixture
def mpps_create(round_trip) -> Callable[[PerformedProcedureStep], Dataset]:
    """The data set of an N-CREATE, found right by a judge that shares no table with the SDK."""

    def call(step: PerformedProcedureStep) -> Dataset:
        created = dataset.mpps_create(step)
        _, violations = judge_create(round_trip(created))
        assert [str(violation) for violation in violations] == []
        return created

    return call


@pytest.fixture
def mpps_set(round_trip, mpps_create) -> Callable[..., Dataset]:
    """The data set of an N-SET, judged like that of `mpps_create` and against it."""

    def call(step: PerformedProcedureStep, series: list[PerformedSeries]) -> Dataset:
        modifications = dataset.mpps_set(step, series)
        recorded = RecordedStep(uid="1.2.3.99", status=StepStatus.IN_PROGRESS, create=round_trip(mpps_create(step)))
        _, violations = judge_set(recorded, round_trip(modifications))
        assert [str(violation) for violation in violations] == []
        return modifications

    return call


@pytest.fixture
def item() -> WorklistItem:
    return WorklistItem(
        study_instance_uid=STUDY_UID,
        patient=Patient(
            name="Doe^Jane",
            patient_id="P-1",
            issuer_of_patient_id="HOSPITAL",
            birth_date=date(1980, 2, 29),
            sex="F",
            other_patient_ids=("OLD-1",),
            referenced_patients=(SopReference(sop_class_uid="1.2.3.8.2", sop_instance_uid="1.2.9"),),
            state=PatientState(weight=61.5, size=1.7, pregnancy_status=1, allergies=("Latex", "Iodine")),
        ),
        requested_procedure_id="RP1",
        requested_procedure_description="Chest two views",
        requested_procedure_codes=(Code(value="71020", scheme="C4", meaning="Chest two views"),),
        reason_for_requested_procedure="Cough",
        study_date=date(2026, 3, 1),
        study_time=time(8, 30),
        referenced_studies=(SopReference(sop_class_uid=RETIRED_STUDY_CLASS, sop_instance_uid=STUDY_UID),),
        accession_number="ACC1",
        issuer_of_accession_number="RIS",
        placer_order_number="PL1",
        filler_order_number="FI1",
        referring_physician_name="House^Gregory",
        admission_id="ADM1",
        issuer_of_admission_id="ADT",
        scheduled_procedure_step_id="SPS1",
        scheduled_procedure_step_description="Chest PA",
        scheduled_protocol_codes=(Code(value="CHESTPA", scheme="99LOCAL", meaning="Chest PA"),),
        scheduled_performing_physician_name="Ray^X",
        modality="DX",
        specific_character_set=("ISO_IR 100",),
    )


@pytest.fixture
def begin():
    """`begin_step` with everything but the case in question filled in."""

    def call(*items: WorklistItem, **changes):
        arguments = {
            "items": items,
            "patient": None,
            "sop_instance_uid": "1.2.3.99",
            "study_instance_uid": "1.2.3.77",
            "performed_procedure_step_id": "PPS00000001",
            "modality": "DX",
            "performed_station_ae_title": "XRAY1",
            "started": datetime(2026, 3, 1, 9, 15, 30, tzinfo=timezone(timedelta(hours=1))),
            "equipment": Equipment(
                manufacturer="Example",
                manufacturer_model_name="DR-1",
                device_serial_number="0001",
                software_versions=("1.0",),
                station_name="ROOM 1",
                institution_name="Example Hospital",
            ),
        }
        return begin_step(**(arguments | changes))

    return call


@pytest.fixture
def series() -> PerformedSeries:
    return PerformedSeries(
        series_instance_uid="1.2.3.5.1",
        series_number=1,
        modality="DX",
        protocol_name="Chest PA",
        description="PA",
        operators=("Tech^One",),
        body_part="CHEST",
        images=(SopReference(sop_class_uid=ComputedRadiographyImageStorage, sop_instance_uid="1.2.3.6.1"),),
    )


@pytest.fixture
def ended() -> datetime:
    return datetime(2026, 3, 1, 8, 40, tzinfo=UTC)
