"""What the objects of one exam say together: one patient, one study, one step, and every reference kept."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, Protocol

from pydicom import Dataset
from pydicom.uid import (
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    XRayRadiationDoseSRStorage,
)

from modality_sdk.iod.validation.image import IMAGES
from modality_sdk.iod.validation.objects import judge, validate
from modality_sdk.iod.validation.presentation_state import references
from modality_sdk.iod.validation.reading import code, items, number, numbers, readable, text, texts
from modality_sdk.iod.validation.structured_report import content, evidence, named
from modality_sdk.model import Finding, Severity

__all__ = ["validate_exam"]

_OF_PATIENT: Final = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
)
_OF_STUDY: Final = (
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
_OF_STEP: Final = (
    "PerformedProcedureStepID",
    "PerformedProcedureStepStartDate",
    "PerformedProcedureStepStartTime",
)
_OF_SERIES: Final = (
    "Modality",
    "SeriesNumber",
    "SOPClassUID",
    "PresentationIntentType",
    "Manufacturer",
    "ManufacturerModelName",
    "DeviceSerialNumber",
    "StationName",
    "SeriesDescription",
    "ProtocolName",
    "BodyPartExamined",
    "Laterality",
)
_Exam = Sequence[Dataset]


class _Check(Protocol):
    """Judges one object among all."""

    def __call__(self, dataset: Dataset, *, exam: _Exam) -> Iterator[Finding]: ...


def validate_exam(datasets: Iterable[Dataset]) -> list[Finding]:
    """Judge the objects of one exam: each by itself, as `validate` does, and all of them together.

    Same patient, study and performed step; no series with two modalities, SOP classes, intents or devices; no UID and
    no instance number twice; every reference of a presentation state, a key object document or a dose report met by
    an object with that class; the irradiation event of an image among those of the dose report.

    Parameters
    ----------
    datasets
        All objects of the exam: a reference to one that is not among them is found.

    Returns
    -------
    list of Finding
        Each with the SOP Instance UID of the object that it was found in. Never raises, whatever the objects hold.
    """
    originals = list(datasets)
    findings = [finding for dataset in originals for finding in validate(dataset)]
    exam = [readable(dataset)[0] for dataset in originals]
    for rule in (_agreement, _instances, _series, _instance_numbers):
        findings += judge(exam, [rule])
    for dataset in exam:
        uid = text(dataset, "SOPInstanceUID")
        checks = [partial(check, exam=exam) for check in _CHECKS.get(text(dataset, "SOPClassUID"), ())]
        findings += [replace(finding, sop_instance_uid=uid) for finding in judge(dataset, checks)]
    return list(dict.fromkeys(findings))


def _agreement(exam: _Exam) -> Iterator[Finding]:
    for keywords, section, whose in (
        (_OF_PATIENT, "PS3.3 C.7.1.1", "patient"),
        (_OF_STUDY, "PS3.3 C.7.2.1", "study"),
        (_OF_STEP, "PS3.3 10.13", "performed procedure step"),
    ):
        # documents need not repeat the step
        holders = [dataset for dataset in exam if whose != "performed procedure step" or _OF_STEP[0] in dataset]
        for keyword in keywords:
            yield from _same(holders, keyword, section, f"must be the same in all objects of a {whose}")
    steps = [(dataset, _step(dataset)) for dataset in exam if _step(dataset)]
    for dataset, uid in steps:
        if uid != steps[0][1]:
            rule = "must be the same in all objects of a performed procedure step"
            yield _finding(dataset, "ReferencedPerformedProcedureStepSequence", rule, "PS3.3 C.7.3.1")


def _step(dataset: Dataset) -> str:
    return next(
        (text(item, "ReferencedSOPInstanceUID") for item in items(dataset, "ReferencedPerformedProcedureStepSequence")),
        "",
    )


def _same(datasets: _Exam, keyword: str, section: str, rule: str) -> Iterator[Finding]:
    for dataset in datasets:
        if texts(dataset, keyword) != texts(datasets[0], keyword):
            yield _finding(dataset, keyword, rule, section)


def _finding(dataset: Dataset, attribute: str, rule: str, section: str, severity: Severity = Severity.ERROR) -> Finding:
    uid = text(dataset, "SOPInstanceUID")
    return Finding(attribute=attribute, rule=rule, section=section, sop_instance_uid=uid, severity=severity)


def _instances(exam: _Exam) -> Iterator[Finding]:
    counts = Counter(text(dataset, "SOPInstanceUID") for dataset in exam)
    for dataset in exam:
        if counts[text(dataset, "SOPInstanceUID")] > 1:
            yield _finding(dataset, "SOPInstanceUID", "is that of another object as well", "PS3.3 C.12.1")


def _by_series(exam: _Exam) -> dict[str, list[Dataset]]:
    series: dict[str, list[Dataset]] = {}
    for dataset in exam:
        series.setdefault(text(dataset, "SeriesInstanceUID"), []).append(dataset)
    return series


def _series(exam: _Exam) -> Iterator[Finding]:
    by_series = _by_series(exam)
    for members in by_series.values():
        for keyword in _OF_SERIES:
            yield from _same(members, keyword, "PS3.3 C.7.3.1", "must be the same in all objects of a series")
    counts = Counter(text(members[0], "SeriesNumber") for members in by_series.values())
    for members in by_series.values():
        if text(members[0], "SeriesNumber") and counts[text(members[0], "SeriesNumber")] > 1:
            rule = "is that of another series of the study as well"
            yield _finding(members[0], "SeriesNumber", rule, "PS3.3 C.7.3.1", Severity.WARNING)


def _instance_numbers(exam: _Exam) -> Iterator[Finding]:
    for members in _by_series(exam).values():
        counts = Counter(text(dataset, "InstanceNumber") for dataset in members)
        for dataset in members:
            if text(dataset, "InstanceNumber") and counts[text(dataset, "InstanceNumber")] > 1:
                rule = "is that of another object of the series as well"
                yield _finding(dataset, "InstanceNumber", rule, "PS3.3 C.7.6.1", Severity.WARNING)


def _find(exam: _Exam, uid: str) -> Dataset | None:
    return next((dataset for dataset in exam if uid and text(dataset, "SOPInstanceUID") == uid), None)


def _met(exam: _Exam, listed: dict[str, str], attribute: str, section: str) -> Iterator[Finding]:
    """Every reference is met by an object of that class."""
    for uid, sop_class in listed.items():
        found = _find(exam, uid)
        if found is None:
            yield Finding(attribute=attribute, rule=f"refers to an object that is not there: {uid}", section=section)
        elif text(found, "SOPClassUID") != sop_class:
            rule = f"names another SOP class than the object has: {uid}"
            yield Finding(attribute=attribute, rule=rule, section=section)


def _check_source(dataset: Dataset, *, exam: _Exam) -> Iterator[Finding]:
    """The image For Processing of a pair stands in a series of its own (PS3.3 C.8.11.1.1.1)."""
    for item in items(dataset, "SourceImageSequence"):
        uid, section = text(item, "ReferencedSOPInstanceUID"), "PS3.3 C.7.6.1"
        yield from _met(exam, {uid: text(item, "ReferencedSOPClassUID")}, "SourceImageSequence", section)
        found = _find(exam, uid)
        if found is None:
            continue
        if text(found, "SeriesInstanceUID") == text(dataset, "SeriesInstanceUID"):
            rule = "refers to an image of the same series, whose intent differs"
            yield Finding(attribute="SourceImageSequence", rule=rule, section="PS3.3 C.8.11.1")
        if text(found, "IrradiationEventUID") != text(dataset, "IrradiationEventUID"):
            rule = "must be that of the source image"
            yield Finding(attribute="IrradiationEventUID", rule=rule, section="PS3.3 C.7.6.1")


def _check_event(dataset: Dataset, *, exam: _Exam) -> Iterator[Finding]:
    """The event of an image is in the dose report, if there is one."""
    reports = [found for found in exam if text(found, "SOPClassUID") == XRayRadiationDoseSRStorage]
    known = {text(uid, "UID") for report in reports for event in _events(report) for uid in named(event, "113769")}
    for uid in texts(dataset, "IrradiationEventUID"):
        if reports and uid not in known:
            rule = "is not in the dose report"
            yield Finding(attribute="IrradiationEventUID", rule=rule, section="PS3.16 TID 10003")


def _events(report: Dataset) -> list[Dataset]:
    return named(report, "113706")


def _check_report(dataset: Dataset, *, exam: _Exam) -> Iterator[Finding]:
    section = "PS3.16 TID 10003"
    yield from _met(exam, evidence(dataset), "CurrentRequestedProcedureEvidenceSequence", "PS3.3 C.17.2.3")
    for path, event in content(dataset):
        name = code(event, "ConceptNameCodeSequence")
        if name is None or name.value != "113706":
            continue
        uids = {text(item, "UID") for item in named(event, "113769")}
        for image in named(event, "113795"):
            for reference in items(image, "ReferencedSOPSequence"):
                found = _find(exam, text(reference, "ReferencedSOPInstanceUID"))
                if found is not None and text(found, "IrradiationEventUID") not in uids:
                    rule = "refers to an image of another irradiation event"
                    yield Finding(attribute=path, rule=rule, section=section)
    for item in named(dataset, "113705"):
        for scope in named(item, "121126"):
            if _step(dataset) and text(scope, "UID") != _step(dataset):
                rule = "must be the performed procedure step (121126)"
                yield Finding(attribute="ContentSequence", rule=rule, section="PS3.16 TID 10001")
    yield from _check_places(dataset, exam)


def _check_places(dataset: Dataset, exam: _Exam) -> Iterator[Finding]:
    """The series and study that an evidence sequence puts an object into are those of the object."""
    keyword = "CurrentRequestedProcedureEvidenceSequence"
    for study in items(dataset, keyword):
        for series in items(study, "ReferencedSeriesSequence"):
            for reference in items(series, "ReferencedSOPSequence"):
                found = _find(exam, text(reference, "ReferencedSOPInstanceUID"))
                if found is not None and (
                    text(found, "SeriesInstanceUID") != text(series, "SeriesInstanceUID")
                    or text(found, "StudyInstanceUID") != text(study, "StudyInstanceUID")
                ):
                    rule = "puts an object into another series or study than it is in"
                    yield Finding(attribute=keyword, rule=rule, section="PS3.3 C.17.2.3")


def _check_key_objects(dataset: Dataset, *, exam: _Exam) -> Iterator[Finding]:
    study = text(dataset, "StudyInstanceUID")
    own = {
        text(reference, "ReferencedSOPInstanceUID"): text(reference, "ReferencedSOPClassUID")
        for item in items(dataset, "CurrentRequestedProcedureEvidenceSequence")
        if text(item, "StudyInstanceUID") == study
        for series in items(item, "ReferencedSeriesSequence")
        for reference in items(series, "ReferencedSOPSequence")
    }
    yield from _met(exam, own, "CurrentRequestedProcedureEvidenceSequence", "PS3.3 C.17.6.2")
    yield from _check_places(dataset, exam)


def _check_state(dataset: Dataset, *, exam: _Exam) -> Iterator[Finding]:
    known = references(dataset)
    yield from _met(exam, known, "ReferencedSeriesSequence", "PS3.3 C.11.11")
    for series in items(dataset, "ReferencedSeriesSequence"):
        for image in items(series, "ReferencedImageSequence"):
            found = _find(exam, text(image, "ReferencedSOPInstanceUID"))
            if found is not None and text(found, "SeriesInstanceUID") != text(series, "SeriesInstanceUID"):
                rule = "puts an image into another series than it is in"
                yield Finding(attribute="ReferencedSeriesSequence", rule=rule, section="PS3.3 C.11.11")
    for place, annotation in enumerate(items(dataset, "GraphicAnnotationSequence"), start=1):
        named_ = [text(image, "ReferencedSOPInstanceUID") for image in items(annotation, "ReferencedImageSequence")]
        for uid in named_ or known:
            found = _find(exam, uid)
            if found is not None:
                yield from _check_extent(annotation, found, f"GraphicAnnotationSequence[{place}]")


_PLACES: Final = (
    ("GraphicObjectSequence", "GraphicAnnotationUnits", "GraphicData"),
    ("TextObjectSequence", "BoundingBoxAnnotationUnits", "BoundingBoxTopLeftHandCorner"),
    ("TextObjectSequence", "BoundingBoxAnnotationUnits", "BoundingBoxBottomRightHandCorner"),
    ("TextObjectSequence", "AnchorPointAnnotationUnits", "AnchorPoint"),
)


def _check_extent(annotation: Dataset, image: Dataset, path: str) -> Iterator[Finding]:
    columns, rows = number(image, "Columns"), number(image, "Rows")
    if columns is None or rows is None:
        return
    for keyword, units, name in _PLACES:
        for place, item in enumerate(items(annotation, keyword), start=1):
            data = numbers(item, name)
            outside = any(value > columns for value in data[::2]) or any(value > rows for value in data[1::2])
            if text(item, units) == "PIXEL" and outside:
                where = f"{path}.{keyword}[{place}].{name}"
                yield Finding(attribute=where, rule="lies outside the image", section="PS3.3 C.10.5")


_CHECKS: Final[Mapping[str, tuple[_Check, ...]]] = {
    **dict.fromkeys(IMAGES, (_check_source, _check_event)),
    XRayRadiationDoseSRStorage: (_check_report,),
    KeyObjectSelectionDocumentStorage: (_check_key_objects,),
    GrayscaleSoftcopyPresentationStateStorage: (_check_state,),
}
