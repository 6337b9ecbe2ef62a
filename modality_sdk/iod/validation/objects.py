"""One object, judged from every side."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TypeVar

from pydicom import Dataset
from pydicom.uid import (
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    XRayRadiationDoseSRStorage,
)

from modality_sdk.iod.validation.codes import check_codes
from modality_sdk.iod.validation.image import IMAGES, check_image
from modality_sdk.iod.validation.presentation_state import check_presentation_state
from modality_sdk.iod.validation.reading import readable, text
from modality_sdk.iod.validation.structured_report import check_dose_report, check_key_objects
from modality_sdk.iod.validation.tables import iods
from modality_sdk.iod.validation.terms import check_terms
from modality_sdk.iod.validation.types import check_types
from modality_sdk.iod.validation.values import check_membership, check_values_of
from modality_sdk.model import Finding, Severity

__all__ = ["judge", "validate"]

Check = Callable[[Dataset], Iterable[Finding]]
_Judged = TypeVar("_Judged")


def validate(dataset: Dataset) -> list[Finding]:
    """Judge one object by the standard; nothing in it is taken on trust.

    Types of attributes by the module tables of PS3.3 and their conditions, form and number of values, enumerations,
    codes, what attributes say together, the content of dose reports and key object documents by their templates, and
    what a presentation state refers to.

    Parameters
    ----------
    dataset
        Any data set, whoever made it; it is not changed. Objects of classes that a radiography modality does not make
        are judged by the rules of all objects alone, and that is found, too.

    Returns
    -------
    list of Finding
        In the order of the rules; empty for an object without fault. Never raises, whatever the object holds.

    Examples
    --------
    ::

        errors = [finding for finding in validate(image) if finding.severity is Severity.ERROR]
    """
    copy, findings = readable(dataset)
    uid = text(copy, "SOPInstanceUID")
    findings += judge(copy, _checks(text(copy, "SOPClassUID")))
    # one rule may stand in several modules
    return list(dict.fromkeys(replace(finding, sop_instance_uid=uid) for finding in findings))


def judge(judged: _Judged, checks: Iterable[Callable[[_Judged], Iterable[Finding]]]) -> list[Finding]:
    """Findings of all checks; one that an unforeseen object defeats is a finding itself."""
    findings: list[Finding] = []
    for check in checks:
        try:
            findings.extend(check(judged))
        except Exception as error:  # the object is of unknown origin
            rule = f"defeats a check ({type(error).__name__})"
            findings.append(Finding(attribute="SOPInstanceUID", rule=rule, section="PS3.3"))
    return findings


def _checks(sop_class_uid: str) -> Iterator[Check]:
    yield check_values_of
    yield partial(check_terms, sop_class_uid=sop_class_uid)
    yield check_codes
    if sop_class_uid not in iods():
        yield _not_judged
        return
    yield check_types
    yield partial(check_membership, sop_class_uid=sop_class_uid)
    if sop_class_uid in IMAGES:
        yield check_image
    elif sop_class_uid == XRayRadiationDoseSRStorage:
        yield check_dose_report
    elif sop_class_uid == KeyObjectSelectionDocumentStorage:
        yield check_key_objects
    elif sop_class_uid == GrayscaleSoftcopyPresentationStateStorage:
        yield check_presentation_state


def _not_judged(dataset: Dataset) -> Iterator[Finding]:
    if not text(dataset, "SOPClassUID"):
        yield Finding(attribute="SOPClassUID", rule="is missing; it is Type 1", section="PS3.3 C.12.1")
        return
    rule = "is a class that there are no tables for; modules and attributes are not judged"
    yield Finding(attribute="SOPClassUID", rule=rule, section="PS3.3 Annex A", severity=Severity.WARNING)
