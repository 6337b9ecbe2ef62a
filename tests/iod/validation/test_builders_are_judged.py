"""What the builders make has no fault, whatever of the optional is there; what passes is not what nobody looks at."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from iod.validation import specimens
from pydicom import Dataset
from pydicom.uid import DigitalXRayImageStorageForPresentation

from modality_sdk.iod import (
    CrImage,
    DxImage,
    GrayscalePresentationState,
    KeyObjectNote,
    RadiationDoseReport,
    referenced_image,
    referenced_instance,
    side_marker,
    validate,
    validate_exam,
)
from modality_sdk.model import (
    AcquisitionDeviceType,
    DisplayedArea,
    DisplayShutter,
    DoseReporting,
    ImageRotation,
    IrradiationEvent,
    KeyObjectTitle,
    PresentationIntent,
    PresentationSizeMode,
    RejectionReason,
    Severity,
    SoftcopyVoiLut,
    SopReference,
)
from modality_sdk.testing import strategies

pytestmark = pytest.mark.req("NFR-QUAL-01")

fewer = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def problems(dataset: Dataset) -> list[str]:
    return [str(finding) for finding in validate(dataset)]


@st.composite
def steps(draw: st.DrawFn) -> Any:
    """Scheduled or not."""
    items = draw(st.lists(strategies.worklist_items(), max_size=1))
    patient = None if items else draw(strategies.patients())
    study = items[0].study_instance_uid if items else "2.25.2"
    return specimens.step(items=tuple(items), patient=patient, study_instance_uid=study)


@fewer
@given(
    step=steps(),
    acquisition=strategies.acquisitions(),
    detector=strategies.detectors(),
    pixels=strategies.pixels(),
    intent=st.sampled_from([*PresentationIntent, None]),
)
@pytest.mark.req("IOD-DX")
@pytest.mark.req("IOD-CR")
def test_every_image(step: Any, acquisition: Any, detector: Any, pixels: Any, intent: Any) -> None:
    modality = "CR" if intent is None else "DX"
    build = CrImage if intent is None else DxImage
    image = build(
        pixels,
        step=step,
        series=specimens.series(1, modality, presentation_intent=intent),
        acquisition=acquisition,
        detector=detector,
        sop_instance_uid="2.25.4",
        instance_number=1,
        irradiation_event_uid="2.25.5",
        acquired_at=acquisition.acquired_at,
    )
    assert problems(image) == []


@fewer
@given(
    step=steps(),
    acquisitions=st.lists(strategies.acquisitions(complete=True), min_size=1, max_size=3),
    device=st.sampled_from(AcquisitionDeviceType),
    comment=st.just("") | strategies.texts(),
)
@pytest.mark.req("IOD-RDSR")
def test_every_dose_report(step: Any, acquisitions: Any, device: Any, comment: str) -> None:
    events = [
        IrradiationEvent(
            uid=f"2.25.50{number}",
            started=specimens.STARTED + timedelta(minutes=number),
            acquisition=acquisition,
            image=SopReference(
                sop_class_uid=DigitalXRayImageStorageForPresentation, sop_instance_uid=f"2.25.60{number}"
            ),
        )
        for number, acquisition in enumerate(acquisitions)
    ]
    report = RadiationDoseReport(
        events,
        step=step,
        series=specimens.series(4, "SR"),
        reporting=DoseReporting(device_observer_uid="2.25.77", device_type=device),
        sop_instance_uid="2.25.44",
        instance_number=1,
        created_at=specimens.STARTED,
        image_series={f"2.25.60{number}": "2.25.31" for number in range(len(events))},
        comment=comment,
    )
    assert problems(report) == []


@fewer
@given(
    rotation=st.sampled_from(ImageRotation),
    flip=st.booleans(),
    mode=st.sampled_from(PresentationSizeMode),
    marked=st.booleans(),
    shutter=st.none() | st.builds(DisplayShutter, rectangle=st.just((1, 24, 1, 36)), presentation_value=st.just(0)),
    window=st.none() | st.tuples(st.floats(0, 4000), st.floats(1, 4000)),
)
@pytest.mark.req("IOD-GSPS")
def test_every_presentation_state(
    rotation: Any, flip: bool, mode: Any, marked: bool, shutter: Any, window: Any
) -> None:
    dx = specimens.dx()
    image = referenced_image(dx)
    ratio = 2.0 if mode is PresentationSizeMode.MAGNIFY else None
    state = GrayscalePresentationState(
        step=specimens.step(),
        series=specimens.series(5, "PR"),
        images=[image],
        sop_instance_uid="2.25.45",
        instance_number=1,
        created_at=specimens.STARTED,
        rotation=rotation,
        horizontal_flip=flip,
        displayed_areas=[DisplayedArea(size_mode=mode, magnification_ratio=ratio, top_left=None if marked else (2, 3))],
        annotations=[side_marker("L", image)] if marked else [],
        shutter=shutter,
        voi_luts=[SoftcopyVoiLut(window=window)] if window else [],
    )
    assert problems(state) == []
    assert not validate_exam([dx, specimens.dx_for_processing(), state])


@pytest.mark.parametrize("title", KeyObjectTitle)
@pytest.mark.req("IOD-KOS")
def test_every_title_of_a_key_object_document(title: KeyObjectTitle) -> None:
    reasoned = title in (KeyObjectTitle.REJECTED_FOR_QUALITY, KeyObjectTitle.QUALITY_ISSUE)
    for reason in RejectionReason if reasoned else [None]:
        note = KeyObjectNote(
            title,
            step=specimens.step(),
            series=specimens.series(6, "KO"),
            instances=[referenced_instance(specimens.dx()), referenced_instance(specimens.dose_report())],
            sop_instance_uid="2.25.46",
            instance_number=1,
            created_at=specimens.STARTED,
            reason=reason,
            best_of="113014" if title is KeyObjectTitle.BEST_IN_SET else "",
        )
        assert problems(note) == []


@pytest.mark.req("IOD-RDSR")
def test_a_report_that_may_deviate_from_the_template_is_found_to() -> None:
    exposure = IrradiationEvent(
        uid="2.25.5", started=specimens.STARTED, acquisition=specimens.Acquisition(body_part="CHEST", view="PA")
    )
    report = RadiationDoseReport(
        [exposure],
        step=specimens.step(),
        series=specimens.series(4, "SR"),
        reporting=DoseReporting(device_observer_uid="2.25.77"),
        sop_instance_uid="2.25.44",
        instance_number=1,
        created_at=specimens.STARTED,
        image_series={},
        allow_template_deviation=True,
    )
    found = " ".join(f.rule for f in validate(report) if f.severity is Severity.ERROR)
    assert report.deviations
    assert all(deviation.concept in found for deviation in report.deviations)


def test_an_exam_of_the_builders_has_no_fault() -> None:
    assert validate_exam(specimens.exam()) == []
