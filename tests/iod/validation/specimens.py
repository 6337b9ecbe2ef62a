"""One full object of each class, with every part that the builders can write, of an exam that never was."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from pydicom import Dataset
from pydicom.uid import DigitalXRayImageStorageForProcessing

from modality_sdk.dataset import begin_step
from modality_sdk.iod import CrImage, DxImage
from modality_sdk.model import (
    Acquisition,
    Code,
    Detector,
    Equipment,
    Exposure,
    FieldOfView,
    Patient,
    PatientState,
    PerformedProcedureStep,
    PerformedSeries,
    PixelSpacingCalibration,
    Plate,
    PresentationIntent,
    ProtocolChoice,
    SopReference,
    VoiLut,
    WorklistItem,
)
from modality_sdk.testing.phantom import radiograph

STARTED = datetime(2024, 5, 6, 23, 30, 15, tzinfo=timezone(timedelta(hours=2)))
EVENT = "2.25.5"
EXPOSURE = Exposure(
    kvp=125,
    mas=2.2,
    tube_current=320,
    exposure_time=6.875,
    distance_source_to_detector=1800,
    distance_source_to_patient=1550,
    dose_area_product=0.93,
    exposure_index=251.5,
    target_exposure_index=250,
    deviation_index=0.0,
    focal_spot=0.6,
    filter_material="ALUMINUM",
    filter_thickness=1.5,
    grid=("FIXED", "FOCUSED"),
    field_height=350,
    field_width=430,
)
ACQUISITION = Acquisition(
    body_part="HAND",
    view="PA",
    laterality="L",
    view_modifiers=("CAUDAD",),
    projection="Towne",
    exposure=EXPOSURE,
    window=(2000.0, 3000.0),
    window_explanation="BONE",
    voi_luts=(VoiLut(first_value=0, values=tuple(range(256)), bits=8, explanation="CURVE"),),
    lossy_compression=((12.5, "ISO_10918_1"),),
    derivation_description="Noise reduced",
)
DETECTOR = Detector(
    imager_pixel_spacing=(0.143, 0.143),
    bits_stored=14,
    detector_id="D1",
    description="Flat panel",
    calibration=PixelSpacingCalibration(pixel_spacing=(0.12, 0.12), kind="FIDUCIAL", description="Sphere"),
    field_of_view=FieldOfView(origin=(0.0, 0.0), rotation=90, horizontal_flip=True),
)
PATIENT = Patient(
    name="Generäted^Patient",
    patient_id="G-1",
    issuer_of_patient_id="Generator",
    birth_date=date(1970, 1, 2),
    sex="O",
    state=PatientState(weight=70.5, size=1.75, pregnancy_status=4, allergies=("None known",)),
)


def step(**changes: Any) -> PerformedProcedureStep:
    """A scheduled step of which everything is known."""
    item = WorklistItem(
        patient=PATIENT,
        study_instance_uid="2.25.2",
        requested_procedure_id="RP1",
        requested_procedure_description="Hand",
        requested_procedure_codes=(Code(value="RPC1", scheme="99LOCAL", meaning="Hand"),),
        accession_number="A1",
        referring_physician_name="Refer^Rhea",
        scheduled_procedure_step_id="SPS1",
        scheduled_procedure_step_description="Hand PA",
        scheduled_protocol_codes=(Code(value="P1", scheme="99LOCAL", meaning="Hand PA"),),
        study_date=date(2024, 5, 6),
        study_time=time(23, 0),
        modality="DX",
    )
    values: dict[str, Any] = {
        "items": (item,),
        "patient": None,
        "sop_instance_uid": "2.25.1",
        "study_instance_uid": "2.25.2",
        "performed_procedure_step_id": "PPS1",
        "modality": "DX",
        "performed_station_ae_title": "XRAY1",
        "performed_station_name": "ROOM 1",
        "started": STARTED,
        "equipment": Equipment(
            manufacturer="Example",
            manufacturer_model_name="DR-1",
            device_serial_number="0001",
            software_versions=("1.0", "2.0"),
            station_name="ROOM 1",
            institution_name="Example Hospital",
        ),
        "protocol": ProtocolChoice(name="Hand standing"),
        "operators": ("Operator^Olga",),
        "performing_physicians": ("Physician^Phil",),
    }
    return begin_step(**(values | changes))


def series(number: int, modality: str, **changes: Any) -> PerformedSeries:
    """A series of the step."""
    values: dict[str, Any] = {
        "series_instance_uid": f"2.25.3{number}",
        "series_number": number,
        "modality": modality,
        "protocol_name": "Hand standing",
        "description": f"Series {number}",
    }
    return PerformedSeries(**(values | changes))


def dx(**changes: Any) -> DxImage:
    """A DX image For Presentation, made of the one For Processing."""
    values: dict[str, Any] = {
        "step": step(),
        "series": series(1, "DX", presentation_intent=PresentationIntent.FOR_PRESENTATION),
        "acquisition": ACQUISITION,
        "detector": DETECTOR,
        "sop_instance_uid": "2.25.41",
        "instance_number": 1,
        "irradiation_event_uid": EVENT,
        "acquired_at": STARTED,
        "source": SopReference(sop_class_uid=DigitalXRayImageStorageForProcessing, sop_instance_uid="2.25.42"),
    }
    return DxImage(radiograph(36, 24, bits_stored=14), **(values | changes))


def dx_for_processing() -> DxImage:
    """A DX image For Processing."""
    return DxImage(
        radiograph(36, 24, bits_stored=14),
        step=step(),
        series=series(2, "DX", presentation_intent=PresentationIntent.FOR_PROCESSING),
        acquisition=ACQUISITION,
        detector=DETECTOR,
        sop_instance_uid="2.25.42",
        instance_number=1,
        irradiation_event_uid=EVENT,
        acquired_at=STARTED,
    )


def cr() -> CrImage:
    """A CR image."""
    values: dict[str, Any] = {name: getattr(ACQUISITION, name) for name in ACQUISITION.__dataclass_fields__}
    plate = Plate(
        plate_id="P1",
        plate_type="Generated",
        phosphor_type="BaFBr",
        cassette_orientation="PORTRAIT",
        cassette_size="35CMX43CM",
        exposures_on_plate=2,
        sensitivity=200.0,
        relative_exposure=1760,
        processing_description="Standard",
        processing_code="S1",
    )
    return CrImage(
        radiograph(36, 24, bits_stored=14),
        step=step(modality="CR"),
        series=series(3, "CR"),
        acquisition=Acquisition(**(values | {"plate": plate})),
        detector=DETECTOR,
        sop_instance_uid="2.25.43",
        instance_number=1,
        irradiation_event_uid=EVENT,
        acquired_at=STARTED,
    )


SPECIMENS: Mapping[str, Callable[[], Dataset]] = {"dx": dx, "processing": dx_for_processing, "cr": cr}
"""By a short name."""
