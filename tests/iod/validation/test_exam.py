"""What the objects of an exam contradict each other in."""

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from iod.validation.specimens import cr, dose_report, dx, dx_for_processing, presentation_state, rejection_note
from pydicom import Dataset

from modality_sdk.iod import validate_exam
from modality_sdk.model import Severity

pytestmark = [pytest.mark.req("NFR-QUAL-01"), pytest.mark.req("IOD-DX")]

BUILDERS = {"dx": dx, "processing": dx_for_processing, "dose": dose_report, "state": presentation_state}
BUILDERS["note"] = rejection_note  # type: ignore[assignment]
Exam = dict[str, Any]


@cache
def original() -> dict[str, Dataset]:
    return {name: build() for name, build in BUILDERS.items()}


def found(change: Callable[[Exam], object]) -> list[tuple[str, str, str]]:
    exam = copy.deepcopy(original())
    change(exam)
    return [(f.sop_instance_uid, f.attribute, f.rule) for f in validate_exam(exam.values())]


def setting(name: str, keyword: str, value: object) -> Callable[[Exam], None]:
    return lambda exam: setattr(exam[name], keyword, value)


def without(name: str) -> Callable[[Exam], object]:
    return lambda exam: exam.pop(name)


def another_class(exam: Exam) -> None:
    series = exam["state"].ReferencedSeriesSequence[0]
    series.ReferencedImageSequence[0].ReferencedSOPClassUID = exam["processing"].SOPClassUID


def another_series(exam: Exam) -> None:
    exam["state"].ReferencedSeriesSequence[0].SeriesInstanceUID = "2.25.32"


def evidence_elsewhere(exam: Exam) -> None:
    study = exam["note"].CurrentRequestedProcedureEvidenceSequence[0]
    study.ReferencedSeriesSequence[0].SeriesInstanceUID = "2.25.32"


def far_away(exam: Exam) -> None:
    text = exam["state"].GraphicAnnotationSequence[0].TextObjectSequence[0]
    text.AnchorPoint = [500.0, 3.0]


def another_step(exam: Exam) -> None:
    exam["dx"].ReferencedPerformedProcedureStepSequence[0].ReferencedSOPInstanceUID = "2.25.99"


CASES: list[tuple[Callable[[Exam], object], str, str]] = [
    (setting("dx", "PatientID", "OTHER"), "PatientID", "same in all objects of a patient"),
    (setting("dx", "PatientName", "Other^One"), "PatientName", "patient"),
    (setting("dose", "StudyInstanceUID", "2.25.9"), "StudyInstanceUID", "study"),
    (setting("state", "StudyTime", "1200"), "StudyTime", "study"),
    (setting("dx", "AccessionNumber", "B"), "AccessionNumber", "study"),
    (setting("dx", "StudyID", "B"), "StudyID", "study"),
    (setting("dx", "PerformedProcedureStepID", "B"), "PerformedProcedureStepID", "step"),
    (setting("dx", "PerformedProcedureStepStartTime", "1200"), "PerformedProcedureStepStartTime", "step"),
    (another_step, "ReferencedPerformedProcedureStepSequence", "step"),
    (setting("processing", "SeriesInstanceUID", "2.25.31"), "PresentationIntentType", "objects of a series"),
    (setting("note", "SeriesInstanceUID", "2.25.31"), "Modality", "objects of a series"),
    (setting("processing", "SeriesInstanceUID", "2.25.31"), "SourceImageSequence", "same series"),
    (setting("processing", "SeriesNumber", 1), "SeriesNumber", "another series"),
    (setting("processing", "SOPInstanceUID", "2.25.41"), "SOPInstanceUID", "another object"),
    (setting("dx", "IrradiationEventUID", "2.25.999"), "IrradiationEventUID", "not in the dose report"),
    (setting("dx", "IrradiationEventUID", "2.25.6"), "ContentSequence", "another irradiation event"),
    (setting("dx", "IrradiationEventUID", "2.25.6"), "IrradiationEventUID", "that of the source image"),
    (without("processing"), "SourceImageSequence", "not there"),
    (without("dx"), "ReferencedSeriesSequence", "not there"),
    (without("dx"), "CurrentRequestedProcedureEvidenceSequence", "not there"),
    (another_class, "ReferencedSeriesSequence", "another SOP class"),
    (another_series, "ReferencedSeriesSequence", "another series"),
    (evidence_elsewhere, "CurrentRequestedProcedureEvidenceSequence", "another series or study"),
    (far_away, "AnchorPoint", "outside the image"),
]


@pytest.mark.parametrize(("change", "attribute", "rule"), CASES)
def test_a_contradiction_is_found(change: Callable[[Exam], object], attribute: str, rule: str) -> None:
    assert any(attribute in where and rule in why for _, where, why in found(change))


def test_an_instance_number_twice_in_a_series_is_a_warning() -> None:
    first, second = cr(), cr()
    second.SOPInstanceUID = "2.25.999"
    found = validate_exam([first, second])
    assert {f.attribute for f in found} == {"InstanceNumber"}
    assert {f.severity for f in found} == {Severity.WARNING}


def test_a_finding_names_its_object() -> None:
    uids = {uid for uid, attribute, _ in found(setting("state", "StudyTime", "1200")) if attribute == "StudyTime"}
    assert uids == {"2.25.45"}


def test_no_objects_have_no_fault() -> None:
    assert validate_exam([]) == []
