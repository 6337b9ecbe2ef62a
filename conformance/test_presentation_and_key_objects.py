"""Presentation states and key object documents pass dciodvfy, dcentvfy and DCMTK, but for what is explained here."""

import os
import re
import shutil
import subprocess
import sys
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset

from modality_sdk.dataset import begin_step
from modality_sdk.iod import (
    DxImage,
    GrayscalePresentationState,
    KeyObjectNote,
    RejectionNote,
    referenced_image,
    referenced_instance,
    side_marker,
)
from modality_sdk.model import (
    Acquisition,
    Annotation,
    AnnotationUnits,
    Code,
    Detector,
    DeviceObserver,
    DisplayedArea,
    DisplayShutter,
    Equipment,
    Exposure,
    Graphic,
    GraphicLayer,
    GraphicType,
    ImageRotation,
    Issuer,
    Justification,
    KeyObjectTitle,
    ModalityRescale,
    Patient,
    PatientState,
    PerformedProcedureStep,
    PerformedSeries,
    PersonObserver,
    PhotometricInterpretation,
    PresentationIntent,
    PresentationLutShape,
    PresentationSizeMode,
    ProtocolChoice,
    RejectionReason,
    SoftcopyVoiLut,
    SopReference,
    TextAnnotation,
    VoiLutFunction,
    WorklistItem,
)
from modality_sdk.testing.phantom import radiograph

pytestmark = pytest.mark.req("NFR-QUAL-01")

ALLOWED = {
    r"^Warning.*</(PatientID|StudyID).*needed to build DICOMDIR": "a Type 2 attribute may be empty when unknown",
    r"^Error.*DisplayedAreaTopLeftHandCorner = \(42949672..,42949672..\)": "it takes SL for unsigned",
    r"^Warning.*CodingSchemeDesignator.*Unrecognized defined term = <99": "schemes of a site begin with 99 (PS3.3 8.2)",
}
"""What dciodvfy says of objects that have no defect, with the reason."""
ALLOWED_TOGETHER = {
    r"^Error - Missing SOPInstanceUID that was referenced - 2\.25\.1 ": "the MPPS instance is no file",
    r"^Warning - Different information entities.*<(Issuer)?(Of)?(AccessionNumber|ReferencedStudy)(Sequence)?>": (
        "the attribute is one of the study and one of each request, which grouped steps differ in"
    ),
}
"""What dcentvfy says of an exam whose objects agree, with the reason."""

STARTED = datetime(2024, 5, 6, 23, 30, 15, 120000, tzinfo=timezone(timedelta(hours=2)))
PATIENT = Patient(
    name="Generated^Patient",
    patient_id="G-1",
    issuer_of_patient_id="HOSPITAL",
    birth_date=date(1970, 1, 2),
    sex="O",
    state=PatientState(weight=70.5, size=1.72),
)
NAMES = [
    (Patient(name="Müller^Jörg", patient_id="G-1"), ("ISO_IR 100",)),
    (Patient(name="Yamada^Tarou=山田^太郎=やまだ^たろう", patient_id="G-1"), ("", "ISO 2022 IR 87")),
    (Patient(name="Yamada^Tarou=山田^太郎=やまだ^たろう", patient_id="G-1"), ("ISO_IR 192",)),
]


def program(name: str) -> str:
    """A validator's executable; without it the test fails in CI where it can be installed, and is skipped elsewhere."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name} is not installed (dicom3tools, DCMTK)")
        pytest.skip(f"not run: {name} is not installed")
    return found


def said(name: str, *arguments: str | Path) -> tuple[int, list[str]]:
    """Exit status and lines of a validator."""
    run = subprocess.run(
        [program(name), *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=60,
        check=False,
    )
    return run.returncode, (run.stdout + run.stderr).splitlines()


def item(number: int, **changes: Any) -> WorklistItem:
    """A scheduled chest, with most of what a worklist can say."""
    values: dict[str, Any] = {
        "patient": PATIENT,
        "study_instance_uid": "2.25.2",
        "requested_procedure_id": f"RP{number}",
        "requested_procedure_description": "Chest two views",
        "requested_procedure_codes": (Code(value="RPC1", scheme="99LOCAL", meaning="Chest two views"),),
        "accession_number": f"A{number}",
        "issuer_of_accession_number": Issuer(local_namespace_entity_id="RIS"),
        "placer_order_number": f"PL{number}",
        "filler_order_number": f"FI{number}",
        "reason_for_requested_procedure": "Cough",
        "referring_physician_name": "Refer^Rhea",
        "scheduled_procedure_step_id": f"SPS{number}",
        "scheduled_procedure_step_description": "Chest PA",
        "scheduled_protocol_codes": (Code(value="P1", scheme="99LOCAL", meaning="Chest PA"),),
    }
    return WorklistItem(**(values | changes))


def a_step(*items: WorklistItem, patient: Patient = PATIENT) -> PerformedProcedureStep:
    return begin_step(
        items=items,
        patient=None if items else patient,
        sop_instance_uid="2.25.1",
        study_instance_uid="2.25.2",
        performed_procedure_step_id="PPS1",
        modality="DX",
        performed_station_ae_title="XRAY1",
        started=STARTED,
        equipment=Equipment(
            manufacturer="Example",
            manufacturer_model_name="DR-1",
            device_serial_number="0001",
            software_versions=("1.0", "2.0"),
            station_name="ROOM 1",
            institution_name="Example Hospital",
        ),
        protocol=ProtocolChoice(name="Chest standing"),
        operators=("Operator^Olga",),
        performing_physicians=("Physician^Phil",),
        comments="Cooperative",
    )


def a_series(step: PerformedProcedureStep, modality: str) -> PerformedSeries:
    number = ("DX", "PR", "KO").index(modality) + 1
    return PerformedSeries(
        series_instance_uid=f"2.25.3{number}",
        series_number=number,
        modality=modality,
        presentation_intent=PresentationIntent.FOR_PRESENTATION if modality == "DX" else None,
        protocol_name="Chest standing",
        description="Chest",
        operators=step.operators,
    )


def an_image(
    step: PerformedProcedureStep,
    number: int = 1,
    rows: int = 48,
    body_part: str = "CHEST",
    laterality: str = "",
    photometric: PhotometricInterpretation = PhotometricInterpretation.MONOCHROME2,
) -> DxImage:
    return DxImage(
        radiograph(rows, 40),
        step=step,
        series=a_series(step, "DX"),
        acquisition=Acquisition(
            body_part=body_part, view="PA", laterality=laterality, exposure=Exposure(kvp=125, mas=2.0)
        ),
        detector=Detector(imager_pixel_spacing=(0.143, 0.143), bits_stored=14, photometric_interpretation=photometric),
        sop_instance_uid=f"2.25.4{number}",
        instance_number=number,
        irradiation_event_uid=f"2.25.5{number}",
        acquired_at=STARTED,
    )


def a_state(step: PerformedProcedureStep, *images: DxImage, **values: Any) -> GrayscalePresentationState:
    common: dict[str, Any] = {
        "step": step,
        "series": a_series(step, "PR"),
        "images": [referenced_image(image) for image in images],
        "sop_instance_uid": "2.25.6",
        "instance_number": 1,
        "created_at": STARTED + timedelta(minutes=45),
    }
    return GrayscalePresentationState(**(common | values))


def a_note(step: PerformedProcedureStep, *objects: Dataset, **values: Any) -> KeyObjectNote:
    common: dict[str, Any] = {
        "title": KeyObjectTitle.OF_INTEREST,
        "step": step,
        "series": a_series(step, "KO"),
        "instances": [referenced_instance(made) for made in objects],
        "sop_instance_uid": "2.25.7",
        "instance_number": 1,
        "created_at": STARTED + timedelta(minutes=45),
    }
    return KeyObjectNote(**(common | values))


def written(made: Dataset, directory: Path, name: str = "object.dcm") -> Path:
    path = directory / name
    made.save_as(path, enforce_file_format=True)
    return path


def problems(path: Path, kind: str) -> list[str]:
    """What dciodvfy finds, less what is explained."""
    status, lines = said("dciodvfy", "-new", path)
    assert kind in lines  # recognized as what it is
    found = [line for line in lines if line != kind and not any(re.search(pattern, line) for pattern in ALLOWED)]
    explained = status == 0 or any(line.startswith("Error") for line in lines)
    return found if explained else [*found, f"exit status {status}"]


def problems_of_state(state: GrayscalePresentationState, directory: Path) -> list[str]:
    path = written(state, directory)
    _, lines = said("dcmpschk", path)
    failed = [line for line in lines if "Test failed" in line]
    assert failed or any("Test passed" in line for line in lines)
    # it takes the bytes of UTF-8 for control characters; dciodvfy reads them
    names = sum("Affected attribute" in line and "Type PN" in line for line in lines)
    in_unicode = state.get("SpecificCharacterSet") == "ISO_IR 192"
    excused = in_unicode and 0 < names == sum(line.startswith("E: Error:") for line in lines)
    failures = [] if excused else failed
    return problems(path, "GrayscaleSoftcopyPresentationState") + failures


def problems_of_note(note: KeyObjectNote, directory: Path) -> list[str]:
    path = written(note, directory)
    status, lines = said("dsrdump", path)
    title = note.ConceptNameCodeSequence[0].CodeMeaning
    assert any(title in line for line in lines)
    failures = [] if status == 0 else [f"dsrdump: exit status {status}"]
    failures += [line for line in lines if line.startswith(("E:", "F:"))]
    return problems(path, "KeyObjectSelectionDocument") + failures


SHUTTERS = {
    "rectangle": DisplayShutter(rectangle=(3, 38, 4, 44)),
    "circle": DisplayShutter(circle=(20, 24, 18), presentation_value=0x8000),
    "polygon": DisplayShutter(polygon=((2, 2), (38, 5), (35, 45), (5, 40)), presentation_value=65535),
    "all": DisplayShutter(rectangle=(3, 38, 4, 44), circle=(20, 24, 18), polygon=((2, 2), (38, 5), (35, 45))),
}
GRAPHICS = (
    Graphic(type=GraphicType.POINT, places=((10, 10),)),
    Graphic(type=GraphicType.POLYLINE, places=((1, 1), (20, 5), (7.5, 30.25))),
    Graphic(type=GraphicType.POLYLINE, places=((1, 1), (20, 5), (7, 30), (1, 1)), filled=True),
    Graphic(type=GraphicType.INTERPOLATED, places=((0.1, 0.1), (0.5, 0.2), (0.9, 0.9)), units=AnnotationUnits.DISPLAY),
    Graphic(type=GraphicType.CIRCLE, places=((20, 20), (25, 20))),
    Graphic(type=GraphicType.ELLIPSE, places=((10, 20), (30, 20), (20, 15), (20, 25))),
)
TEXTS = (
    TextAnnotation(text="Nodule?", anchor=(20, 20), anchor_visible=True),
    TextAnnotation(text="Two\r\nlines", box=((2, 2), (30, 12)), justification=Justification.CENTER, anchor=(30, 40)),
    TextAnnotation(text="below", box=((0.1, 0.8), (0.9, 1.0)), units=AnnotationUnits.DISPLAY),
)


@pytest.mark.req("IOD-GSPS")
@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_plain_state(tmp_path: Path, count: int) -> None:
    step = a_step(*(item(number) for number in range(1, count + 1)))
    assert problems_of_state(a_state(step, an_image(step)), tmp_path) == []


@pytest.mark.req("IOD-GSPS")
@pytest.mark.parametrize("shutter", SHUTTERS)
@pytest.mark.parametrize("rotation", ImageRotation)
@pytest.mark.parametrize("flip", [False, True])
def test_every_shutter_and_every_turn(tmp_path: Path, shutter: str, rotation: ImageRotation, flip: bool) -> None:
    step = a_step()
    image = an_image(step)
    state = a_state(
        step,
        image,
        shutter=SHUTTERS[shutter],
        rotation=rotation,
        horizontal_flip=flip,
        annotations=[side_marker("R", referenced_image(image))],
    )
    assert problems_of_state(state, tmp_path) == []


@pytest.mark.req("IOD-GSPS")
@pytest.mark.parametrize(
    "lut",
    [
        *(SoftcopyVoiLut(window=(8000.5, 9000), function=function) for function in VoiLutFunction),
        SoftcopyVoiLut(window=(8000, 9000), explanation="Bone"),
        SoftcopyVoiLut(table=tuple(range(0, 65536, 16)), first_value_mapped=100, explanation="Bone"),
        SoftcopyVoiLut(table=(0, 65535), first_value_mapped=-3),
    ],
    ids=str,
)
def test_every_window_and_table(tmp_path: Path, lut: SoftcopyVoiLut) -> None:
    step = a_step()
    rescale = ModalityRescale(slope=1.5, intercept=-7)
    for values in ({}, {"rescale": rescale, "presentation_lut_shape": PresentationLutShape.INVERSE}):
        assert problems_of_state(a_state(step, an_image(step), voi_luts=[lut], **values), tmp_path) == []


@pytest.mark.req("IOD-GSPS")
@pytest.mark.parametrize(
    "area",
    [
        DisplayedArea(top_left=(5, 6), bottom_right=(30, 40)),
        DisplayedArea(top_left=(-5, -6), bottom_right=(80, 90), pixel_aspect_ratio=(2, 1)),
        DisplayedArea(size_mode=PresentationSizeMode.TRUE_SIZE),
        DisplayedArea(size_mode=PresentationSizeMode.MAGNIFY, magnification_ratio=1.5, pixel_spacing=(0.1, 0.2)),
    ],
    ids=str,
)
def test_every_size_mode(tmp_path: Path, area: DisplayedArea) -> None:
    step = a_step()
    assert problems_of_state(a_state(step, an_image(step), displayed_areas=[area]), tmp_path) == []


@pytest.mark.req("IOD-GSPS")
def test_every_annotation(tmp_path: Path) -> None:
    step = a_step()
    image = an_image(step)
    annotations = [
        side_marker("L", referenced_image(image)),
        Annotation(layer="FINDINGS", graphics=GRAPHICS, texts=TEXTS),
    ]
    layers = [
        GraphicLayer(name="FINDINGS", order=1, description="What was seen", grayscale_value=50000),
        GraphicLayer(name="MARKERS", order=2),
    ]
    assert problems_of_state(a_state(step, image, annotations=annotations), tmp_path) == []
    assert problems_of_state(a_state(step, image, annotations=annotations, layers=layers), tmp_path) == []


@pytest.mark.req("IOD-GSPS")
@pytest.mark.parametrize("rows", [48, 60])
def test_several_images(tmp_path: Path, rows: int) -> None:
    step = a_step(item(1))
    images = [an_image(step, 1), an_image(step, 2, rows)]
    first, second = (referenced_image(image) for image in images)
    state = a_state(
        step,
        *images,
        voi_luts=[SoftcopyVoiLut(window=(8000, 9000), images=(first.sop,))],
        displayed_areas=[DisplayedArea(size_mode=PresentationSizeMode.TRUE_SIZE, images=(second.sop,))],
        annotations=[side_marker("R", first), side_marker("R", second), Annotation(layer="ALL", graphics=GRAPHICS)],
    )
    assert problems_of_state(state, tmp_path) == []


@pytest.mark.req("IOD-GSPS")
@pytest.mark.parametrize(("body_part", "laterality"), [("HAND", "L"), ("CHEST", "U"), ("PELVIS", "")])
def test_the_side_is_known_where_the_body_part_is_paired(tmp_path: Path, body_part: str, laterality: str) -> None:
    step = a_step()
    image = an_image(step, body_part=body_part, laterality=laterality)
    assert problems_of_state(a_state(step, image), tmp_path) == []


@pytest.mark.req("IOD-GSPS")
def test_images_of_either_polarity(tmp_path: Path) -> None:
    step = a_step()
    image = an_image(step, photometric=PhotometricInterpretation.MONOCHROME1)
    assert problems_of_state(a_state(step, image), tmp_path) == []


@pytest.mark.req("IOD-GSPS")
@pytest.mark.req("IOD-KOS")
@pytest.mark.parametrize(("patient", "character_set"), NAMES)
def test_names_of_the_world(tmp_path: Path, patient: Patient, character_set: tuple[str, ...]) -> None:
    step = a_step(item(1, patient=patient, specific_character_set=character_set))
    image = an_image(step)
    state = a_state(step, image, content_description="Aufnahme", content_creator=patient.name)
    assert state.get("SpecificCharacterSet") == image.get("SpecificCharacterSet")
    assert problems_of_state(state, tmp_path) == []
    note = a_note(step, image, observer=PersonObserver(name=patient.name), description="Größe: 山田")
    assert problems_of_note(note, tmp_path) == []


@pytest.mark.req("IOD-KOS")
@pytest.mark.parametrize("reason", RejectionReason)
def test_every_reason_of_a_rejection(tmp_path: Path, reason: RejectionReason) -> None:
    step = a_step(item(1))
    image = an_image(step)
    note = RejectionNote(
        reason,
        step=step,
        series=a_series(step, "KO"),
        instances=[referenced_instance(image)],
        sop_instance_uid="2.25.7",
        instance_number=1,
        created_at=STARTED,
    )
    assert problems_of_note(note, tmp_path) == []


@pytest.mark.req("IOD-KOS")
@pytest.mark.parametrize("title", KeyObjectTitle)
def test_every_title(tmp_path: Path, title: KeyObjectTitle) -> None:
    step = a_step()
    reasoned = title in (KeyObjectTitle.REJECTED_FOR_QUALITY, KeyObjectTitle.QUALITY_ISSUE)
    note = a_note(
        step,
        an_image(step),
        title=title,
        reason=RejectionReason.POSITIONING if reasoned else None,
        best_of="113015" if title is KeyObjectTitle.BEST_IN_SET else "",
    )
    assert problems_of_note(note, tmp_path) == []


@pytest.mark.req("IOD-KOS")
@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize(
    "observer",
    [
        PersonObserver(name="Doe^Jane", organization="Example Hospital"),
        DeviceObserver(uid="2.25.77", name="ROOM 1", manufacturer="Example", model_name="DR-1", serial_number="0001"),
    ],
    ids=["person", "device"],
)
def test_every_observer_and_request(tmp_path: Path, count: int, observer: Any) -> None:
    step = a_step(*(item(number) for number in range(1, count + 1)))
    image = an_image(step)
    note = a_note(step, image, a_state(step, image), observer=observer, description="Compare with the other side")
    assert len(note.get("ReferencedRequestSequence", [])) == count
    assert problems_of_note(note, tmp_path) == []


@pytest.mark.req("IOD-KOS")
def test_the_same_document_in_two_studies(tmp_path: Path) -> None:
    step = a_step()
    image = an_image(step)
    own = referenced_instance(image)
    there = SopReference(sop_class_uid=own.sop.sop_class_uid, sop_instance_uid="2.25.99")
    elsewhere = type(own)(sop=there, study_instance_uid="2.25.22", series_instance_uid="2.25.23")
    twin = type(own)(
        sop=SopReference(sop_class_uid=a_note(step, image).SOPClassUID, sop_instance_uid="2.25.98"),
        study_instance_uid="2.25.22",
        series_instance_uid="2.25.24",
    )
    note = a_note(step, instances=[own, elsewhere], identical_documents=[twin])
    assert problems_of_note(note, tmp_path) == []


@pytest.mark.req("IOD-GSPS")
@pytest.mark.req("IOD-KOS")
@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_objects_of_an_exam_agree(tmp_path: Path, count: int) -> None:
    step = a_step(*(item(number) for number in range(1, count + 1)))
    images = [an_image(step, 1), an_image(step, 2, 60)]
    state = a_state(step, *images, annotations=[side_marker("R", referenced_image(images[0]))])
    note = a_note(step, images[1], state)
    paths = [written(made, tmp_path, f"{at}.dcm") for at, made in enumerate([*images, state, note])]
    _, lines = said("dcentvfy", *paths)
    assert [line for line in lines if not any(re.search(pattern, line) for pattern in ALLOWED_TOGETHER)] == []


@pytest.mark.req("IOD-GSPS")
@pytest.mark.req("IOD-KOS")
def test_the_validators_do_find_what_is_wrong(tmp_path: Path) -> None:
    step = a_step()
    image = an_image(step)
    state = a_state(step, image, shutter=SHUTTERS["circle"], rotation=ImageRotation.CLOCKWISE)
    del state.ShutterPresentationValue
    del state.RadiusOfCircularShutter
    found = problems_of_state(state, tmp_path)
    assert any("ShutterPresentationValue" in line for line in found)
    assert any("Test failed" in line for line in found)
    note = a_note(step, image)
    note.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence = []
    assert problems_of_note(note, tmp_path)
    image.PatientID = "G-2"
    paths = [written(made, tmp_path, name) for made, name in ((image, "a.dcm"), (a_state(step, image), "b.dcm"))]
    assert any("PatientID" in line for line in said("dcentvfy", *paths)[1])
