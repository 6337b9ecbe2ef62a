"""One full object of each class, with every part that the builders can write, of an exam that never was."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from pydicom import Dataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, DigitalXRayImageStorageForProcessing

from modality_sdk.dataset import begin_step
from modality_sdk.iod import (
    CrImage,
    DxImage,
    GrayscalePresentationState,
    RadiationDoseReport,
    RejectionNote,
    referenced_image,
    referenced_instance,
    side_marker,
)
from modality_sdk.model import (
    Acquisition,
    AcquisitionDeviceType,
    Annotation,
    Code,
    Detector,
    DisplayedArea,
    DisplayShutter,
    DoseReporting,
    Equipment,
    Exposure,
    FieldOfView,
    Graphic,
    GraphicLayer,
    GraphicType,
    ImageRotation,
    IrradiationEvent,
    ModalityRescale,
    Patient,
    PatientState,
    PerformedProcedureStep,
    PerformedSeries,
    PersonObserver,
    PixelSpacingCalibration,
    Plate,
    PresentationIntent,
    PresentationSizeMode,
    ProtocolChoice,
    RejectionReason,
    SoftcopyVoiLut,
    SopReference,
    Synchronization,
    TextAnnotation,
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


def dose_report(*, device_type: AcquisitionDeviceType = AcquisitionDeviceType.INTEGRATED) -> RadiationDoseReport:
    """A dose report of an exposure with an image, and of one without."""
    image = SopReference(sop_class_uid=DigitalXRayImageStorageForPresentation, sop_instance_uid="2.25.41")
    return RadiationDoseReport(
        [
            IrradiationEvent(uid=EVENT, started=STARTED, acquisition=ACQUISITION, image=image, comment="First"),
            IrradiationEvent(uid="2.25.6", started=STARTED + timedelta(minutes=1), acquisition=ACQUISITION),
        ],
        step=step(),
        series=series(4, "SR"),
        reporting=DoseReporting(
            device_observer_uid="2.25.77",
            device_type=device_type,
            synchronization=Synchronization(
                frame_of_reference_uid="2.25.78", trigger="NO TRIGGER", acquisition_time_synchronized=True
            ),
        ),
        sop_instance_uid="2.25.44",
        instance_number=1,
        created_at=STARTED + timedelta(minutes=30),
        image_series={"2.25.41": "2.25.31"},
        authorizing_person="Physician^Phil",
        comment="Both needed",
    )


def presentation_state() -> GrayscalePresentationState:
    """A presentation state with everything that one can say, for the DX image."""
    image = referenced_image(dx())
    text = TextAnnotation(text="Marked", box=((2.0, 2.0), (10.0, 6.0)), anchor=(12.0, 12.0), anchor_visible=True)
    beside = TextAnnotation(text="Beside", anchor=(5.0, 5.0))
    boxed = TextAnnotation(text="Boxed", box=((2.0, 12.0), (10.0, 16.0)))
    circle = Graphic(type=GraphicType.CIRCLE, places=((8.0, 8.0), (8.0, 12.0)), filled=True)
    return GrayscalePresentationState(
        step=step(),
        series=series(5, "PR"),
        images=[image],
        sop_instance_uid="2.25.45",
        instance_number=1,
        created_at=STARTED + timedelta(minutes=31),
        content_label="MARKED",
        content_description="What was marked",
        content_creator="Operator^Olga",
        rescale=ModalityRescale(slope=1.0, intercept=0.0, type="US"),
        voi_luts=[SoftcopyVoiLut(window=(2000.0, 3000.0), images=(image.sop,))],
        shutter=DisplayShutter(rectangle=(1, 24, 1, 36), circle=(12, 18, 11), polygon=((2, 2), (22, 2), (12, 34))),
        rotation=ImageRotation.CLOCKWISE,
        horizontal_flip=True,
        displayed_areas=[DisplayedArea(size_mode=PresentationSizeMode.MAGNIFY, magnification_ratio=2.0)],
        annotations=[
            Annotation(layer="MARKS", graphics=(circle,), texts=(text, beside, boxed), images=(image.sop,)),
            side_marker("L", image),
        ],
        layers=[
            GraphicLayer(name="MARKS", order=1, description="Marks", grayscale_value=65535),
            GraphicLayer(name="MARKERS", order=2),
        ],
    )


def rejection_note() -> RejectionNote:
    """A note that rejects the DX image."""
    return RejectionNote(
        RejectionReason.POSITIONING,
        step=step(),
        series=series(6, "KO"),
        instances=[referenced_instance(dx())],
        sop_instance_uid="2.25.46",
        instance_number=1,
        created_at=STARTED + timedelta(minutes=32),
        description="Turned away",
        observer=PersonObserver(name="Operator^Olga", organization="Example Hospital"),
    )


def exam() -> list[Dataset]:
    """Objects of one exam."""
    return [dx(), dx_for_processing(), dose_report(), presentation_state(), rejection_note()]


SPECIMENS: Mapping[str, Callable[[], Dataset]] = {
    "dx": dx,
    "processing": dx_for_processing,
    "cr": cr,
    "dose": dose_report,
    "state": presentation_state,
    "note": rejection_note,
}
"""By a short name."""
